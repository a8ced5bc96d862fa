/* SPDX-License-Identifier: MIT */

/*
 * Computations that take as long as a test wants, asked for in every way
 * there is. All are reached by one id: "<name>.out" from "in.value". A value
 * is "NAME:MILLISECONDS" or just a name; what is computed from it is
 * "VALUE <the time in us>", so that a test can see when, and each run
 * logs "run FUNCTION VALUE".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

#ifndef VERSION
#define VERSION 1
#endif

static const struct ph_value *
in(struct ph_call *call)
{
	return ph_input(call, "in.value");
}

static long long
now_us(void)
{
	struct timespec now;

	(void)timespec_get(&now, TIME_UTC);
	return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Log the run and take as long as the value says. */
static const struct ph_value *
work(struct ph_call *call, const char *function, const struct ph_value *value)
{
	const char *text = ph_text_of(value);
	const char *colon = strchr(text, ':');

	ph_log(call, "run %s %s", function, text);
	if (colon != NULL)
		ph_sleep(call, atof(colon + 1) / 1000);
	return ph_textf("%s %lld", text, now_us());
}

#define WORKS(name)                                                         \
	static enum ph_status name(struct ph_call *call)                    \
	{                                                                   \
		return ph_return(call, work(call, #name, ph_arg(call, 0))); \
	}

WORKS(slow)
WORKS(stoppable)
WORKS(versioned)
WORKS(mine)
WORKS(users)
WORKS(second_ignored)
WORKS(keyed)
WORKS(excepted)
WORKS(brief)

/* Null for "nothing", an error for "bad". */
static enum ph_status
moody(struct ph_call *call)
{
	const char *text = ph_text_of(ph_arg(call, 0));

	ph_log(call, "run moody %s", text);
	if (strcmp(text, "bad") == 0)
		return ph_fail(call, "bad mood");
	return ph_return(call,
	    strcmp(text, "nothing") == 0 ? ph_null() : ph_arg(call, 0));
}

static enum ph_status
fleeting(struct ph_call *call)
{
	ph_no_store(call);
	return ph_return(call, work(call, "fleeting", ph_arg(call, 0)));
}

/* Two values that are not stored, one after the other. */
static enum ph_status
both(struct ph_call *call)
{
	const struct ph_value *a = ph_memo(call, fleeting, ph_text("a:400"));
	const struct ph_value *b;

	if (a == NULL)
		return PH_WAIT;
	b = ph_memo(call, brief, ph_text("b:400"));
	if (b == NULL)
		return PH_WAIT;
	return ph_return(call, ph_textf("%s %s", ph_text_of(a), ph_text_of(b)));
}

/* Counts in a loop of its own and looks whether anybody waits. */
static enum ph_status
looping(struct ph_call *call)
{
	long long end = now_us() + 20000000;

	ph_log(call, "run looping %s", ph_text_of(ph_arg(call, 0)));
	while (now_us() < end) {
		if (ph_cancelled(call)) {
			ph_log(call, "looping was told to stop");
			return PH_OK;
		}
	}
	return ph_return(call, ph_text("the end"));
}

/* A computation that waits for another one, and says so. */
static enum ph_status
outer(struct ph_call *call)
{
	const struct ph_value *value =
	    ph_memo(call, stoppable, ph_arg(call, 0));

	if (value == NULL)
		return PH_WAIT;
	return ph_return(call, value);
}

/* Asks for a value of the session, which it has none of: it is everybody's. */
static enum ph_status
nosy(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, mine, ph_arg(call, 0));

	return value == NULL ? PH_WAIT : ph_return(call, value);
}

static const struct ph_value *
first_letter(struct ph_call *call)
{
	return ph_textf("%.1s", ph_text_of(ph_arg(call, 0)));
}

static bool
is_secret(struct ph_call *call)
{
	return strcmp(ph_text_of(ph_arg(call, 0)), "secret") == 0;
}

static double
nan_number(void)
{
	volatile double zero = 0;

	return zero / zero;
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

GIVES(quick, in(call))
GIVES(answer, work(call, "answer", in(call)))
GIVES(slow, ph_memo(call, slow, in(call)))
GIVES(stoppable, ph_memo(call, stoppable, in(call)))
GIVES(looping, ph_memo(call, looping, in(call)))
GIVES(outer, ph_memo(call, outer, in(call)))
GIVES(versioned, ph_memo(call, versioned, in(call)))
GIVES(mine, ph_memo(call, mine, in(call)))
GIVES(users, ph_memo(call, users, in(call)))
GIVES(nosy, ph_memo(call, nosy, in(call)))
GIVES(moody, ph_memo(call, moody, in(call)))
GIVES(fleeting, ph_memo(call, fleeting, in(call)))
GIVES(both, ph_memo(call, both))
GIVES(keyed, ph_memo(call, keyed, in(call)))
GIVES(excepted, ph_memo(call, excepted, in(call)))
GIVES(ignored, ph_memo(call, second_ignored, ph_text("x"), in(call)))
GIVES(unless, ph_memo_with(call, slow, in(call), .unless = true))
GIVES(key_text, ph_memo_with(call, slow, in(call), .key = "the same"))
GIVES(short_life, ph_memo_with(call, slow, in(call), .timeout = 0.3))
GIVES(max_age, ph_memo_with(call, slow, in(call), .max_age = 0.3))
GIVES(any_age, ph_memo_with(call, slow, in(call), .max_age = 4294967295.0))
GIVES(fresh, ph_memo_with(call, slow, in(call), .fresh = true))
GIVES(nan, ph_memo(call, slow, ph_text("x"), ph_number(nan_number())))

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
	ph_sessions(app);
	ph_layout(app, layout);
	ph_memoize(app, slow, .timeout = PH_FOREVER);
	ph_memoize(app, stoppable, .timeout = PH_FOREVER, .cancel = true);
	ph_memoize(app, looping, .timeout = PH_FOREVER, .cancel = true);
	ph_memoize(app, outer, .timeout = PH_FOREVER, .cancel = true);
	ph_memoize(app, versioned, .timeout = PH_FOREVER, .version = VERSION);
	ph_memoize(app, mine, .scope = PH_SCOPE_SESSION);
	ph_memoize(app, users, .scope = PH_SCOPE_USER);
	ph_memoize(app, nosy);
	ph_memoize(app, moody, .timeout = PH_FOREVER, .null_timeout = 0.3,
	    .error_timeout = 0.3);
	ph_memoize(app, fleeting);
	ph_memoize(app, brief, .timeout = 0.2);
	ph_memoize(app, both);
	ph_memoize(app, keyed, .key = first_letter);
	ph_memoize(app, excepted, .unless = is_secret);
	ph_memoize(app, second_ignored, .ignore = PH_IGNORE(1));
	ph_callback(app, get_answer, PH_OUTPUT("answer.out"),
	    PH_INPUT("in.value"), .memoize = true);
	CALLBACK(quick);
	CALLBACK(slow);
	CALLBACK(stoppable);
	CALLBACK(looping);
	CALLBACK(outer);
	CALLBACK(versioned);
	CALLBACK(mine);
	CALLBACK(users);
	CALLBACK(nosy);
	CALLBACK(moody);
	CALLBACK(fleeting);
	CALLBACK(both);
	CALLBACK(keyed);
	CALLBACK(excepted);
	CALLBACK(ignored);
	CALLBACK(unless);
	CALLBACK(key_text);
	CALLBACK(short_life);
	CALLBACK(max_age);
	CALLBACK(any_age);
	CALLBACK(fresh);
	CALLBACK(nan);
}
