/* SPDX-License-Identifier: MIT */

/*
 * Values that are made of a source and forgotten while they are made: a
 * memoized function and a memoized callback, each also with a result that is
 * too large to be stored where cache_max_bytes is 8 MiB. All are reached by
 * one id: "<name>.out" from "in.value", the name of the value. A value takes
 * 0.6 s; what comes out begins with the number that the source had.
 */
#include <stdlib.h>
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

#define LARGE 3000000

static char *padding;

static const struct ph_value *
work(struct ph_call *call, const char *function, const struct ph_value *name,
    const char *rest)
{
	const struct ph_value *source = ph_cache_get(call, "source");

	ph_tag(call, "tag");
	ph_log(call, "run %s %s", function, ph_text_of(name));
	ph_sleep(call, 0.6);
	return ph_textf("%d %s", (int)ph_int_of(source), rest);
}

/* Only as much of it as a test looks at. */
static enum ph_status
give(struct ph_call *call, const char *output, const struct ph_value *value)
{
	if (value == NULL)
		return PH_WAIT;
	return ph_output(call, output, ph_textf("%.8s", ph_text_of(value)));
}

#define MAKES(name, rest)                                                   \
	static enum ph_status name(struct ph_call *call)                    \
	{                                                                   \
		return ph_return(call,                                      \
		    work(call, #name, ph_arg(call, 0), rest));              \
	}                                                                   \
	static enum ph_status get_##name(struct ph_call *call)              \
	{                                                                   \
		return give(call, #name ".out",                             \
		    ph_memo(call, name, ph_input(call, "in.value")));       \
	}                                                                   \
	static enum ph_status get_##name##_answer(struct ph_call *call)     \
	{                                                                   \
		return ph_output(call, #name "_answer.out",                 \
		    work(call, #name "_answer", ph_input(call, "in.value"), \
			rest));                                             \
	}

MAKES(small, "")
MAKES(large, padding)

#define DOES(name, what)                                                \
	static enum ph_status get_##name(struct ph_call *call)          \
	{                                                               \
		const struct ph_value *in = ph_input(call, "in.value"); \
                                                                        \
		(void)in;                                               \
		return ph_output(call, #name ".out", ph_bool(what));    \
	}

DOES(set, ph_cache_set(call, "source", in, .timeout = PH_FOREVER))
DOES(forget_tag, ph_forget_tag(call, "tag"))
DOES(forget_large, ph_forget(call, large))
DOES(forget_args, ph_forget_args(call, large, in))

/* All is gone, the source as well: it is set anew before anybody knows. */
static enum ph_status
get_forget_all(struct ph_call *call)
{
	return ph_output(call, "forget_all.out",
	    ph_bool(ph_forget_all(call) &&
		    ph_cache_set(call, "source", ph_input(call, "in.value"),
			.timeout = PH_FOREVER) &&
		    ph_forget_tag(call, "tag")));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.id = "in");
}

#define CALLBACK(name, ...)                                   \
	ph_callback(app, get_##name, PH_OUTPUT(#name ".out"), \
	    PH_INPUT("in.value"), ##__VA_ARGS__)

PH_APP(app)
{
	padding = calloc(1, LARGE + 1);
	if (padding != NULL)
		memset(padding, 'x', LARGE);
	ph_layout(app, layout);
	ph_memoize(app, small, .timeout = PH_FOREVER);
	ph_memoize(app, large, .timeout = PH_FOREVER);
	CALLBACK(small);
	CALLBACK(large);
	CALLBACK(small_answer, .memoize = true, .timeout = PH_FOREVER);
	CALLBACK(large_answer, .memoize = true, .timeout = PH_FOREVER);
	CALLBACK(set);
	CALLBACK(forget_tag);
	CALLBACK(forget_large);
	CALLBACK(forget_args);
	CALLBACK(forget_all);
}
