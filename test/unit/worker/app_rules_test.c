/* SPDX-License-Identifier: MIT */

/* Circles of callbacks whose ids are patterns; functions in the browser. */
#include "test/unit/worker/app_fixture.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* An app that has a page, and no callbacks yet. */
static struct ph_app *
begin(void)
{
	struct ph_app *app;

	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	ph_layout(app, page);
	return app;
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
	struct ph_app *app = begin();

	(void)state;
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

#define ONE "{\"index\":1,\"type\":\"a\"}"
#define TWO "{\"index\":2,\"type\":\"a\"}"
#define OF_B "{\"index\":1,\"type\":\"b\"}"

/* b.x leads to the output, the input to b.x. */
#define CHECK_BOTH(output, input, circular)                                   \
	do {                                                                  \
		ph_callback(app, draw, PH_OUTPUT(output), PH_INPUT("b.x"));   \
		ph_callback(app, fill, PH_OUTPUT("b.x"), PH_INPUT(input));    \
		check_one(circular                                            \
			      ? "callbacks run in a circle: draw -> fill -> " \
				"draw\n"                                      \
			      : "");                                          \
	} while (0)

/* A pattern is whatever the app names. */
static void
circles_of_ids_and_patterns(void **state)
{
	struct ph_app *app = begin();

	(void)state;
	CHECK_BOTH(ONE ".x", PH_ALL("a") ".x", true);
	CHECK_BOTH(PH_MATCH("a") ".x", ONE ".x", true);
	CHECK_BOTH(PH_ALL("a") ".x", ONE ".x", true);
	CHECK_BOTH(PH_MATCH("a") ".x", PH_ALL("a") ".x", true);
	CHECK_BOTH(ONE ".x", ONE ".x", true);
	/* Another value, another type, another property. */
	CHECK_BOTH(ONE ".x", TWO ".x", false);
	CHECK_BOTH(OF_B ".x", PH_ALL("a") ".x", false);
	CHECK_BOTH(PH_ALL("a") ".x", OF_B ".x", false);
	CHECK_BOTH(ONE ".x", PH_ALL("a") ".y", false);
	CHECK_BOTH(ONE ".x", "{\"index\":ALL,\"kind\":\"a\"}.x", false);
	/* What is state sets nothing off. */
	ph_callback(app, draw, PH_OUTPUT(ONE ".x"), PH_INPUT("b.x"));
	ph_callback(app, fill, PH_OUTPUT("b.x"), PH_INPUT("c.x"),
	    PH_STATE(PH_ALL("a") ".x"));
	check_one("");
	fixture_fini(&fixture);
}

/* One index on to the next is no circle, back again is one. */
static void
circles_of_smaller_ones(void **state)
{
	struct ph_app *app = begin();

	(void)state;
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_ALLSMALLER("a") ".x"));
	check_one("");
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_ALLSMALLER("a") ".y"));
	ph_callback(app, fill, PH_OUTPUT(ONE ".y"), PH_INPUT(TWO ".x"));
	check_one("callbacks run in a circle: draw -> fill -> draw\n");
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_ALLSMALLER("a") ".y"));
	ph_callback(app, fill, PH_OUTPUT(TWO ".y"), PH_INPUT(ONE ".x"));
	check_one("");
	/* Texts that are numbers are in the order of numbers. */
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_ALLSMALLER("a") ".y"));
	ph_callback(app, fill, PH_OUTPUT("{\"index\":\"9\",\"type\":\"a\"}.y"),
	    PH_INPUT("{\"index\":\"10\",\"type\":\"a\"}.x"));
	check_one("callbacks run in a circle: draw -> fill -> draw\n");
	fixture_fini(&fixture);
}

/* A property that is input and output of one callback leads on. */
static void
circles_through_both_ends(void **state)
{
	struct ph_app *app = begin();

	(void)state;
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_OUTPUT("b.x"),
	    PH_INPUT("a.x"), PH_INPUT("b.x"));
	check_one("");
	ph_callback(app, draw, PH_OUTPUT(ONE ".x"), PH_INPUT(PH_ALL("a") ".x"),
	    PH_INPUT("b.x"));
	ph_callback(app, fill, PH_OUTPUT("b.x"), PH_INPUT(ONE ".x"));
	check_one("callbacks run in a circle: draw -> fill -> draw\n");
	/* The front end leaves those alone that have others. */
	ph_callback(app, draw, PH_OUTPUT_DUPLICATE("a.x"), PH_INPUT("b.x"),
	    .prevent_initial_call = true);
	ph_callback(app, fill, PH_OUTPUT("b.x"), PH_INPUT("a.x"));
	check_one("");
	fixture_fini(&fixture);
}

/* What nothing has been matched for yet when the page appears. */
static void
running_with_match(void **state)
{
	struct ph_app *app = begin();

	(void)state;
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_MATCH("b") ".x"),
	    .running =
		PH_RUNNING(PH_WHILE(PH_MATCH("b") ".disabled", NULL, NULL)));
	check_one("ph_callback(draw): .running \"{\"index\":MATCH,\"type\":"
		  "\"b\"}.disabled\": MATCH needs .prevent_initial_call = "
		  "true: when the page appears nothing has been matched\n");
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_INPUT(PH_MATCH("b") ".x"), .prevent_initial_call = true,
	    .running =
		PH_RUNNING(PH_WHILE(PH_MATCH("b") ".disabled", NULL, NULL)));
	check_one("");
	ph_callback(app, draw, PH_OUTPUT_DUPLICATE("a.x"), PH_INPUT("b.x"),
	    .initial_duplicate = true);
	check_one("");
	ph_callback(app, draw, PH_OUTPUT_DUPLICATE("a.x"), PH_INPUT("b.x"),
	    .initial_duplicate = true, .prevent_initial_call = true);
	check_one("ph_callback(draw): .initial_duplicate says that it runs "
		  "when the page appears, .prevent_initial_call that it does "
		  "not\n");
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_INPUT("b.x"),
	    .initial_duplicate = true);
	check_one("ph_callback(draw): .initial_duplicate without "
		  "PH_OUTPUT_DUPLICATE() has no meaning\n");
	fixture_fini(&fixture);
}

/* An app of an older SDK: its struct ends where ours goes on. */
static void
options_of_an_older_app(void **state)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	size_t old = offsetof(struct ph_callback_options, initial_duplicate);
	struct ph_callback_options options = { .d0 = PH_OUTPUT("a.x"),
		.d1 = PH_INPUT("b.x"),
		.prevent_initial_call = true };
	char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct ph_callback_options *theirs;
	struct ph_app *app;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	assert_int_equal(mprotect(pages + size, size, PROT_NONE), 0);
	old -= old % _Alignof(struct ph_callback_options);
	theirs = (const void *)(pages + size - old);
	memcpy(pages + size - old, &options, old);
	app = begin();
	fixture.app->abi_minor = 2;
	app_define_callback(app, draw, "draw", theirs);
	assert_true(fixture.app->callbacks[0]->prevent_initial_call);
	assert_false(fixture.app->callbacks[0]->initial_duplicate);
	check_one("");
	fixture_fini(&fixture);
	assert_int_equal(munmap(pages, 2 * size), 0);
}

static void
what_a_function_looks_like(void **state)
{
	static const char *const functions[] = { "x => x", "(a, b) => a + b",
		"async function(x) { return x; }", "$x=> x", "async x => x",
		" /* one */ // two\n function named(x) { return x; }",
		"(function(x) { return x; })" };
	static const char *const others[] = { "space.", "a.b.c", "return 1;",
		"{ return 1; }", "functions", "space name", "/* function(x)" };
	struct ph_app *app = begin();
	char want[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		ph_clientside(app, functions[i], PH_OUTPUT("a.x"),
		    PH_INPUT("i.v"));
		check_one("");
	}
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		ph_clientside(app, others[i], PH_OUTPUT("a.x"),
		    PH_INPUT("i.v"));
		(void)snprintf(want, sizeof(want),
		    "ph_clientside(\"%s\"): neither \"namespace.function\" nor "
		    "a function\n",
		    others[i]);
		check_one(want);
	}
	fixture_fini(&fixture);
}

static void
functions_in_the_browser(void **state)
{
	struct buf out = BUF_EMPTY;
	struct ph_app *app = begin();

	(void)state;
	ph_clientside(app, "function() { return '</SCRIPT>'; }",
	    PH_OUTPUT("a.x"), PH_INPUT("i.v"));
	check_one("ph_clientside(\"function() { return '</SCRIPT>'; }\"): the "
		  "function must not contain </script\n");
	ph_clientside(app, "", PH_OUTPUT("a.x"), PH_INPUT("i.v"));
	check_one("ph_clientside(\"\"): the function is missing\n");
	app_inline_script(fixture.app, false, &out);
	assert_int_equal(out.len, 0);
	ph_clientside(app, "space.name", PH_OUTPUT("a.x"), PH_INPUT("i.v"));
	app_inline_script(fixture.app, false, &out);
	assert_int_equal(out.len, 0); /* a script has it */
	ph_clientside(app, "function(v) { return v; } // same",
	    PH_OUTPUT("b.x"), PH_INPUT("i.v"));
	app_inline_script(fixture.app, false, &out);
	assert_non_null(strstr(buf_cstr(&out),
	    "n[\"clientside_2\"]=(function(v) { return v; } // same\n);\n"));
	/* A syntax error in one must not take the others with it. */
	ph_clientside(app, "function(v) { return ; ; ) }", PH_OUTPUT("c.x"),
	    PH_INPUT("i.v"));
	buf_clear(&out);
	app_inline_script(fixture.app, false, &out);
	assert_non_null(
	    strstr(strstr(buf_cstr(&out), "</script>"), "<script>"));
	buf_clear(&out);
	assert_int_equal(app_dependencies_json(fixture.app, &out), 0);
	assert_non_null(strstr(buf_cstr(&out),
	    "\"clientside_function\":{\"namespace\":\"space\","
	    "\"function_name\":\"name\"}"));
	assert_non_null(strstr(buf_cstr(&out),
	    "\"clientside_function\":{\"namespace\":"
	    "\"_dashprivate_clientside_funcs\",\"function_name\":"
	    "\"clientside_2\"}"));
	buf_free(&out);
	fixture_fini(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(circles_of_patterns),
		cmocka_unit_test(circles_of_ids_and_patterns),
		cmocka_unit_test(circles_of_smaller_ones),
		cmocka_unit_test(circles_through_both_ends),
		cmocka_unit_test(running_with_match),
		cmocka_unit_test(options_of_an_older_app),
		cmocka_unit_test(what_a_function_looks_like),
		cmocka_unit_test(functions_in_the_browser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
