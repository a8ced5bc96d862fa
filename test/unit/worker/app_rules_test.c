/* SPDX-License-Identifier: MIT */

/* Circles of callbacks whose ids are patterns. */
#include "test/unit/worker/app_fixture.h"

static struct app_fixture fixture;

static enum ph_status
draw(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

static enum ph_status
fill(struct ph_call *call)
{
	(void)call;
	return PH_OK;
}

static const struct ph_value *
page(struct ph_call *call)
{
	(void)call;
	return ph_null();
}

/* What is wrong with the callbacks so far; they are forgotten then. */
static void
check_one(const char *want)
{
	struct app *app = fixture.app;

	app_validate(app);
	assert_string_equal(buf_cstr(&app->problems), want);
	buf_clear(&app->problems);
	while (app->callback_count > 0)
		app_callback_free(app->callbacks[--app->callback_count]);
}

/* A circle of patterns is one whatever the indexes are, or it is none. */
static void
circles_of_patterns(void **state)
{
	struct ph_app *app;

	(void)state;
	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	ph_layout(app, page);
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_MATCH("b") ".x"));
	ph_callback(app, fill, PH_OUTPUT(PH_MATCH("b") ".x"),
	    PH_INPUT(PH_ALL("a") ".x"));
	check_one("callbacks run in a circle: draw -> fill -> draw\n");
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_ALLSMALLER("a") ".y"));
	ph_callback(app, fill, PH_OUTPUT(PH_MATCH("a") ".y"),
	    PH_INPUT(PH_MATCH("a") ".x"));
	check_one("");
	ph_callback(app, draw,
	    PH_OUTPUT(PH_ID({ "type" : "a", "index" : 1 }) ".x"),
	    PH_INPUT(PH_ID({ "type" : "a", "index" : 2 }) ".y"));
	ph_callback(app, fill, PH_OUTPUT(PH_MATCH("a") ".y"),
	    PH_INPUT(PH_MATCH("a") ".x"));
	check_one("");
	/* The components that one callback sets may set it off. */
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_MATCH("a") ".x"));
	check_one("");
	fixture_fini(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(circles_of_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
