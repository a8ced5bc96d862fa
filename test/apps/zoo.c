/* SPDX-License-Identifier: MIT */

/*
 * Callbacks that do what they should not, and some that do unusual things
 * right. All are reached by one id: "<name>.out" from "in.value".
 *
 * Each run of a function logs "run NAME ARGUMENT", so a test can count.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pronghorn/app.h>
#include <pronghorn/html.h>

#define VALUE_BYTES (20 * 1000 * 1000)

static const struct ph_value *
in(struct ph_call *call)
{
	return ph_input(call, "in.value");
}

/* ---- memoized functions ------------------------------------------------- */

static enum ph_status
fails(struct ph_call *call)
{
	ph_log(call, "run fails %s", ph_text_of(ph_arg(call, 0)));
	ph_sleep(call, 0.3);
	return ph_fail(call, "the query of %s failed",
	    ph_text_of(ph_arg(call, 0)));
}

static enum ph_status
crashes(struct ph_call *call)
{
	ph_log(call, "run crashes %s", ph_text_of(ph_arg(call, 0)));
	ph_sleep(call, 0.1);
	abort();
}

static enum ph_status
innermost(struct ph_call *call)
{
	ph_log(call, "run innermost %s", ph_text_of(ph_arg(call, 0)));
	ph_sleep(call, getenv("ZOO_QUICK") != NULL ? 0.005 : 0.2);
	return ph_return(call, ph_textf("<%s>", ph_text_of(ph_arg(call, 0))));
}

static enum ph_status
middle(struct ph_call *call)
{
	const struct ph_value *inner =
	    ph_memo(call, innermost, ph_arg(call, 0));

	if (inner == NULL)
		return PH_WAIT;
	ph_log(call, "run middle %s", ph_text_of(ph_arg(call, 0)));
	return ph_return(call, ph_textf("(%s)", ph_text_of(inner)));
}

static enum ph_status
outermost(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, middle, ph_arg(call, 0));

	if (value == NULL)
		return PH_WAIT;
	ph_log(call, "run outermost %s", ph_text_of(ph_arg(call, 0)));
	return ph_return(call, ph_textf("[%s]", ph_text_of(value)));
}

/* Two that need each other. */
static enum ph_status hen(struct ph_call *call);

static enum ph_status
egg(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, hen, ph_arg(call, 0));

	return value != NULL ? ph_return(call, value) : PH_WAIT;
}

static enum ph_status
hen(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, egg, ph_arg(call, 0));

	return value != NULL ? ph_return(call, value) : PH_WAIT;
}

static enum ph_status
itself(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, itself, ph_arg(call, 0));

	return value != NULL ? ph_return(call, value) : PH_WAIT;
}

static enum ph_status
large(struct ph_call *call)
{
	char *text = malloc(VALUE_BYTES + 1);
	const struct ph_value *value;

	ph_log(call, "run large %s", ph_text_of(ph_arg(call, 0)));
	if (text == NULL)
		return ph_fail(call, "no memory");
	memset(text, 'a', VALUE_BYTES);
	text[VALUE_BYTES] = '\0';
	text[0] = 'b';
	text[VALUE_BYTES - 1] = 'c';
	value = ph_text(text);
	free(text);
	return ph_return(call, value);
}

static enum ph_status
slow(struct ph_call *call)
{
	ph_log(call, "run slow %s", ph_text_of(ph_arg(call, 0)));
	ph_sleep(call, 1.0);
	return ph_return(call, ph_arg(call, 0));
}

static enum ph_status
gives_null(struct ph_call *call)
{
	ph_log(call, "run gives_null");
	return ph_return(call, ph_null());
}

/* Nothing is returned at all. */
static enum ph_status
gives_nothing(struct ph_call *call)
{
	ph_log(call, "run gives_nothing");
	return PH_OK;
}

static enum ph_status
identity(struct ph_call *call)
{
	ph_log(call, "run identity");
	return ph_return(call, ph_arg(call, 0));
}

static enum ph_status
short_lived(struct ph_call *call)
{
	ph_log(call, "run short_lived");
	return ph_return(call, ph_text("fresh"));
}

/* ---- callbacks ---------------------------------------------------------- */

/* Give the value of one memoized function. */
#define PASS_ON(callback, function)                              \
	static enum ph_status callback(struct ph_call *call)     \
	{                                                        \
		const struct ph_value *value =                   \
		    ph_memo(call, function, in(call));           \
                                                                 \
		if (value == NULL)                               \
			return PH_WAIT;                          \
		return ph_output(call, #callback ".out", value); \
	}

PASS_ON(memo_fails, fails)
PASS_ON(memo_fails_memoized, fails)
PASS_ON(memo_crashes, crashes)
PASS_ON(chain, outermost)
PASS_ON(cycle, hen)
PASS_ON(self, itself)
PASS_ON(big, large)
PASS_ON(big_memoized, large)
PASS_ON(memo_null, gives_null)
PASS_ON(memo_nothing, gives_nothing)
PASS_ON(memo_identity, identity)
PASS_ON(memo_short, short_lived)
PASS_ON(waits, slow)
PASS_ON(waits_memoized, slow)

/* Fails when it is asked to, else echoes. */
static enum ph_status
moody(struct ph_call *call)
{
	if (strcmp(ph_text_of(in(call)), "fail") == 0)
		return ph_fail(call, "moody: <b>secret</b> reason");
	return ph_output(call, "moody.out", in(call));
}

static enum ph_status
bare_error(struct ph_call *call)
{
	(void)call;
	return PH_ERROR;
}

static enum ph_status
bare_wait(struct ph_call *call)
{
	(void)call;
	return PH_WAIT;
}

static enum ph_status
nothing(struct ph_call *call)
{
	(void)call;
	return PH_NO_UPDATE;
}

static enum ph_status
nothing_memoized(struct ph_call *call)
{
	ph_log(call, "run nothing_memoized");
	return PH_NO_UPDATE;
}

static enum ph_status
echo_memoized(struct ph_call *call)
{
	ph_log(call, "run echo_memoized");
	return ph_output(call, "echo_memoized.out", ph_input(call, "in.value"));
}

/* PH_OK, but no output was set. */
static enum ph_status
forgets(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

static enum ph_status
bad_text(struct ph_call *call)
{
	return ph_output(call, "bad_text.out", ph_text("caf\xe9"));
}

static enum ph_status
wrong_output(struct ph_call *call)
{
	return ph_output(call, "nobody.out", ph_text("x"));
}

static enum ph_status
wrong_input(struct ph_call *call)
{
	return ph_output(call, "wrong_input.out",
	    ph_input(call, "nobody.value"));
}

static enum ph_status
not_a_number(struct ph_call *call)
{
	double zero = 0.0;

	return ph_output(call, "not_a_number.out",
	    PH_LIST(ph_number(zero / zero), ph_number(1.0 / zero),
		ph_number(-1.0 / zero), ph_number(0.1)));
}

static enum ph_status
echo(struct ph_call *call)
{
	return ph_output(call, "echo.out", in(call));
}

static enum ph_status
crash_now(struct ph_call *call)
{
	ph_log(call, "run crash_now");
	abort();
}

static enum ph_status
naps(struct ph_call *call)
{
	ph_log(call, "run naps");
	ph_sleep(call, ph_number_of(in(call)));
	return ph_output(call, "naps.out", ph_text("rested"));
}

static enum ph_status
naps_memoized(struct ph_call *call)
{
	ph_log(call, "run naps_memoized");
	ph_sleep(call, ph_number_of(in(call)));
	return ph_output(call, "naps_memoized.out", ph_text("rested"));
}

/* Two outputs of one id and one of another, with a state. */
static enum ph_status
several(struct ph_call *call)
{
	ph_output(call, "several.a", in(call));
	ph_output(call, "other.c", ph_input(call, "extra.state"));
	if (ph_is_null(in(call)))
		return PH_OK; /* several.b stays as it is */
	return ph_output(call, "several.b", ph_text("b"));
}

/* ["header" or "cookie", name, value]: of this answer. */
static enum ph_status
fields(struct ph_call *call)
{
	const char *name = ph_text_of(ph_at(in(call), 1));
	const char *value = ph_text_of(ph_at(in(call), 2));

	if (strcmp(ph_text_of(ph_at(in(call), 0)), "cookie") == 0)
		ph_set_cookie(call, name, value);
	else
		ph_set_header(call, name, value);
	return ph_output(call, "fields.out", ph_text("set"));
}

/* ---- routes ------------------------------------------------------------- */

/* {"status", "type", "name", "value"}: of the answer; perhaps {"body"}. */
static enum ph_status
post_respond(struct ph_call *call)
{
	const struct ph_value *what = ph_body_json(call);
	const char *name = ph_text_of(ph_member(what, "name"));
	const char *body = ph_text_of(ph_member(what, "body"));

	if (body[0] == '\0')
		body = "answer\n";
	if (name[0] != '\0')
		ph_respond_header(call, name,
		    ph_text_of(ph_member(what, "value")));
	return ph_respond(call, (int)ph_int_of(ph_member(what, "status")),
	    ph_text_of(ph_member(what, "type")), body, strlen(body));
}

/* The field X of the request, and B, as the app sees them. */
static enum ph_status
get_fields(struct ph_call *call)
{
	return ph_respond_json(call, 200,
	    PH_OBJECT({ "x", ph_text(ph_header(call, "X")) },
		{ "b", ph_text(ph_header(call, "B")) }));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.id = "in");
}

#define CALLBACK(function, remember)                            \
	ph_callback(app, function, PH_OUTPUT(#function ".out"), \
	    PH_INPUT("in.value"), .memoize = (remember))

PH_APP(app)
{
	ph_layout(app, layout);
	ph_memoize(app, fails);
	ph_memoize(app, crashes);
	ph_memoize(app, innermost);
	ph_memoize(app, middle);
	ph_memoize(app, outermost);
	ph_memoize(app, hen);
	ph_memoize(app, egg);
	ph_memoize(app, itself);
	ph_memoize(app, large);
	ph_memoize(app, gives_null);
	ph_memoize(app, gives_nothing);
	ph_memoize(app, identity);
	ph_memoize(app, short_lived, .timeout = 0.5);
	ph_memoize(app, slow);
	CALLBACK(memo_fails, false);
	CALLBACK(memo_fails_memoized, true);
	CALLBACK(memo_crashes, false);
	CALLBACK(chain, false);
	CALLBACK(cycle, false);
	CALLBACK(self, false);
	CALLBACK(big, false);
	CALLBACK(big_memoized, true);
	CALLBACK(memo_null, false);
	CALLBACK(memo_nothing, false);
	CALLBACK(memo_identity, false);
	CALLBACK(memo_short, false);
	CALLBACK(waits, false);
	CALLBACK(waits_memoized, true);
	CALLBACK(moody, false);
	CALLBACK(bare_error, false);
	CALLBACK(bare_wait, false);
	CALLBACK(nothing, false);
	CALLBACK(nothing_memoized, true);
	CALLBACK(echo_memoized, true);
	CALLBACK(forgets, false);
	CALLBACK(bad_text, false);
	CALLBACK(wrong_output, false);
	CALLBACK(wrong_input, false);
	CALLBACK(not_a_number, false);
	CALLBACK(echo, false);
	CALLBACK(crash_now, false);
	CALLBACK(naps, false);
	CALLBACK(naps_memoized, true);
	CALLBACK(fields, false);
	ph_route(app, "POST", "/zoo/respond", post_respond);
	ph_route(app, "GET", "/zoo/fields", get_fields);
	ph_callback(app, several, PH_OUTPUT("several.a"),
	    PH_OUTPUT("several.b"), PH_OUTPUT("other.c"), PH_INPUT("in.value"),
	    PH_STATE("extra.state"));
}
