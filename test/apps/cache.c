/* SPDX-License-Identifier: MIT */

/*
 * Callbacks that use the cache in every way the SDK has. All are reached by
 * one id: "<name>.out" from "in.value". Each run of a memoized function logs
 * "run NAME ARGUMENT", so a test can count.
 */
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

static const struct ph_value *
in(struct ph_call *call)
{
	return ph_input(call, "in.value");
}

/* ---- memoized functions ------------------------------------------------- */

/* The entry "source", as it is when this runs. */
static enum ph_status
source_slowly(struct ph_call *call)
{
	const struct ph_value *value = ph_cache_get(call, "source");

	ph_log(call, "run swr %s", ph_text_of(ph_arg(call, 0)));
	ph_sleep(call, 0.6);
	return ph_return(call, value != NULL ? value : ph_null());
}

static enum ph_status
swr(struct ph_call *call)
{
	return source_slowly(call);
}

static enum ph_status
tagged(struct ph_call *call)
{
	const struct ph_value *value = ph_cache_get(call, "source");

	ph_log(call, "run tagged %s", ph_text_of(ph_arg(call, 0)));
	ph_tag(call, "sensors");
	ph_progress(call, 0.5);
	if (strcmp(ph_text_of(ph_arg(call, 0)), "slow") == 0)
		ph_sleep(call, 0.6);
	if (strcmp(ph_text_of(ph_arg(call, 0)), "endless") == 0)
		ph_sleep(call, 3600);
	return ph_return(call, value != NULL ? value : ph_null());
}

static enum ph_status
fleeting(struct ph_call *call)
{
	ph_log(call, "run fleeting %s", ph_text_of(ph_arg(call, 0)));
	ph_sleep(call, 0.5); /* so that all who ask at once wait for it */
	ph_no_store(call);
	return ph_return(call, ph_arg(call, 0));
}

/* ---- callbacks ----------------------------------------------------------- */

#define GIVES(name, make)                                      \
	static enum ph_status get_##name(struct ph_call *call) \
	{                                                      \
		const struct ph_value *value = make;           \
                                                               \
		if (value == NULL)                             \
			return PH_WAIT;                        \
		return ph_output(call, #name ".out", value);   \
	}
#define DOES(name, done)                                             \
	static enum ph_status get_##name(struct ph_call *call)       \
	{                                                            \
		return ph_output(call, #name ".out", ph_bool(done)); \
	}

GIVES(swr, ph_memo(call, swr, in(call)))
GIVES(tagged, ph_memo(call, tagged, in(call)))
GIVES(again, ph_memo_new(call, tagged, in(call)))
GIVES(fleeting, ph_memo(call, fleeting, in(call)))
DOES(forget, ph_forget(call, tagged))
static enum ph_status
get_state(struct ph_call *call)
{
	return ph_output(call, "state.out",
	    ph_memo_state(call, tagged, in(call)));
}

DOES(forget_args, ph_forget_args(call, tagged, in(call)))
DOES(forget_tag, ph_forget_tag(call, ph_text_of(in(call))))
DOES(forget_all, ph_forget_all(call))
DOES(set, ph_cache_set(call, "source", in(call), .timeout = PH_FOREVER))
DOES(set_short, ph_cache_set(call, "short", in(call), .timeout = 0.5))
DOES(set_past, ph_cache_set(call, "past", in(call), .timeout = -0.5))
DOES(set_tagged, ph_cache_set(call, "source", in(call), .tag = "sensors"))
DOES(set_many, ph_cache_set_many(call, in(call)))
DOES(add, ph_cache_add(call, "source", in(call)))
DOES(remove, ph_cache_delete(call, "source"))
/* Without the member: nothing is expected. */
static const struct ph_value *
old_of(const struct ph_value *value)
{
	const struct ph_value *old = ph_member(value, "old");

	return ph_is_null(old) ? NULL : old;
}

DOES(swap, ph_cache_cas(call, "source", old_of(in(call)),
	       ph_member(in(call), "new"), .timeout = PH_FOREVER))
DOES(touch, ph_cache_touch(call, "short", .timeout = 60))

static enum ph_status
get_get(struct ph_call *call)
{
	const struct ph_value *value = ph_cache_get(call, ph_text_of(in(call)));

	return ph_output(call, "get.out",
	    value != NULL ? value : ph_text("(none)"));
}

static enum ph_status
get_pop(struct ph_call *call)
{
	const struct ph_value *value = ph_cache_pop(call, ph_text_of(in(call)));

	return ph_output(call, "pop.out",
	    value != NULL ? value : ph_text("(none)"));
}

static enum ph_status
get_get_many(struct ph_call *call)
{
	return ph_output(call, "get_many.out",
	    ph_cache_get_many(call, "a", "b", "c"));
}

static enum ph_status
get_incr(struct ph_call *call)
{
	int64_t sum;

	if (!ph_cache_incr(call, "count", ph_int_of(in(call)), &sum))
		return ph_output(call, "incr.out", ph_text("(no)"));
	return ph_output(call, "incr.out", ph_int(sum));
}

static enum ph_status
get_answer(struct ph_call *call)
{
	ph_log(call, "run answer %s", ph_text_of(in(call)));
	ph_sleep(call, 0.4);
	return ph_output(call, "answer.out", in(call));
}

/* A finished answer: the entry "source", as it was when this ran. */
static enum ph_status
get_kept(struct ph_call *call)
{
	const struct ph_value *value = ph_cache_get(call, "source");

	ph_log(call, "run kept %s", ph_text_of(in(call)));
	ph_tag(call, "sensors");
	return ph_output(call, "kept.out", value != NULL ? value : ph_null());
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.id = "in");
}

#define CALLBACK(name)                                        \
	ph_callback(app, get_##name, PH_OUTPUT(#name ".out"), \
	    PH_INPUT("in.value"))

PH_APP(app)
{
	ph_layout(app, layout);
	ph_memoize(app, swr, .timeout = 0.5, .stale = 60);
	ph_memoize(app, tagged, .timeout = PH_FOREVER);
	ph_memoize(app, fleeting, .timeout = PH_FOREVER);
	CALLBACK(swr);
	CALLBACK(tagged);
	CALLBACK(again);
	CALLBACK(fleeting);
	CALLBACK(forget);
	CALLBACK(state);
	CALLBACK(forget_args);
	CALLBACK(forget_tag);
	CALLBACK(forget_all);
	CALLBACK(set);
	CALLBACK(set_short);
	CALLBACK(set_past);
	CALLBACK(set_tagged);
	CALLBACK(set_many);
	CALLBACK(add);
	CALLBACK(remove);
	CALLBACK(touch);
	CALLBACK(swap);
	CALLBACK(pop);
	CALLBACK(get);
	CALLBACK(get_many);
	CALLBACK(incr);
	ph_callback(app, get_kept, PH_OUTPUT("kept.out"), PH_INPUT("in.value"),
	    .memoize = true, .timeout = PH_FOREVER);
	ph_callback(app, get_answer, PH_OUTPUT("answer.out"),
	    PH_INPUT("in.value"), .memoize = true, .timeout = 0.5, .stale = 60);
}
