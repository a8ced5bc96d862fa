/* SPDX-License-Identifier: MIT */

/*
 * Definitions made with the SDK itself: what is kept of them, what is said
 * about mistakes, and the dependency list they become.
 */
#include "test/unit/worker/app_fixture.h"

#include <math.h>

static struct app_fixture fixture;
static struct ph_app *app;

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

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

static void
check_problems(const char *want)
{
	assert_string_equal(buf_cstr(&fixture.app->problems), want);
}

static void
title_and_page(void **state)
{
	char title[] = "One";

	(void)state;
	ph_title(app, title);
	title[0] = 'X';
	assert_string_equal(fixture.app->title, "One");
	ph_title(app, "Two");
	assert_string_equal(fixture.app->title, "Two");
	ph_title(app, NULL);
	assert_string_equal(fixture.app->title, "");
	ph_layout(app, page);
	assert_ptr_equal(fixture.app->layout, page);
	assert_false(fixture.app->layout_blocking);
	check_problems("");
	app_validate(fixture.app);
	check_problems("");
}

static void
a_page_may_block(void **state)
{
	(void)state;
	ph_layout(app, page, .blocking = true);
	assert_true(fixture.app->layout_blocking);
}

static void
a_callback_is_kept_whole(void **state)
{
	const struct callback *callback;

	(void)state;
	ph_callback(app, draw, PH_OUTPUT("graph.figure"), PH_STATE("s.data"),
	    PH_INPUT("i.value"), PH_INPUT("j.n_clicks"), .memoize = true,
	    .timeout = 1.5, .version = 7, .prevent_initial_call = true);
	check_problems("");
	callback = fixture.app->callbacks[0];
	assert_string_equal(callback->function, "draw");
	assert_string_equal(callback->output, "graph.figure");
	assert_string_equal(callback->computation.name,
	    "callback:graph.figure");
	assert_ptr_equal(callback->computation.run, draw);
	assert_true(callback->computation.timeout == 1.5);
	assert_int_equal(callback->computation.version, 7);
	assert_true(callback->memoize);
	assert_true(callback->prevent_initial_call);
	assert_false(callback->several);
	assert_int_equal(callback->output_count, 1);
	assert_string_equal(callback->outputs[0].id, "graph");
	assert_string_equal(callback->outputs[0].property, "figure");
	/* Inputs come first, then states, each in the order written. */
	assert_int_equal(callback->input_count, 2);
	assert_int_equal(callback->arg_count, 3);
	assert_string_equal(callback->inputs[0].what, "i.value");
	assert_string_equal(callback->inputs[1].what, "j.n_clicks");
	assert_string_equal(callback->inputs[2].what, "s.data");
}

static void
several_outputs_have_the_list_form(void **state)
{
	const struct callback *callback;

	(void)state;
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_OUTPUT("b.y"),
	    PH_OUTPUT("a.z"), PH_INPUT("i.v"));
	check_problems("");
	callback = fixture.app->callbacks[0];
	assert_true(callback->several);
	assert_string_equal(callback->output, "..a.x...b.y...a.z..");
	assert_string_equal(callback->computation.name,
	    "callback:..a.x...b.y...a.z..");
	assert_false(callback->memoize);
	assert_true(callback->computation.timeout == 0);
}

static void
as_many_dependencies_as_promised(void **state)
{
	const struct callback *callback;

	(void)state;
	ph_callback(app, draw, PH_OUTPUT("o.a"), PH_INPUT("i.a"),
	    PH_INPUT("i.b"), PH_INPUT("i.c"), PH_INPUT("i.d"), PH_INPUT("i.e"),
	    PH_INPUT("i.f"), PH_INPUT("i.g"), PH_INPUT("i.h"), PH_INPUT("i.i"),
	    PH_INPUT("i.j"), PH_INPUT("i.k"), PH_INPUT("i.l"), PH_INPUT("i.m"),
	    PH_INPUT("i.n"), PH_INPUT("i.o"), PH_STATE("s.a"), PH_STATE("s.b"),
	    PH_STATE("s.c"), PH_STATE("s.d"), PH_STATE("s.e"), PH_STATE("s.f"),
	    PH_STATE("s.g"), PH_STATE("s.h"), PH_STATE("s.i"), PH_STATE("s.j"),
	    PH_STATE("s.k"), PH_STATE("s.l"), PH_STATE("s.m"), PH_STATE("s.n"),
	    PH_STATE("s.o"), PH_STATE("s.p"), .memoize = true);
	callback = fixture.app->callbacks[0];
	assert_int_equal(callback->output_count, 1);
	assert_int_equal(callback->input_count, 15);
	assert_int_equal(callback->arg_count, 31);
	assert_string_equal(callback->inputs[14].what, "i.o");
	assert_string_equal(callback->inputs[30].what, "s.p");
	assert_true(callback->memoize);
	check_problems("");
}

static void
ids_that_mean_something_else_are_refused(void **state)
{
#define REFUSED(what)                                                         \
	{                                                                     \
		PH_INPUT(what),                                               \
		    "ph_callback(draw): \"" what "\" is not \"id.property\" " \
		    "(an id has no dot and no brace)\n"                       \
	}
	static const struct {
		const char *mark;
		const char *problem;
	} cases[] = {
		REFUSED(""),
		REFUSED("."),
		REFUSED("value"),
		REFUSED(".value"),
		REFUSED("drop."),
		REFUSED("a.b.value"),
		REFUSED("..a.value"),
		{ PH_INPUT("{type:1}.value"),
		    "ph_callback(draw): \"{type:1}.value\": a key in quotes "
		    "is missing\n" },
		REFUSED("a{.value"),
	};
	const char *mark;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&fixture.app->problems);
		mark = cases[i].mark;
		ph_callback(app, draw, PH_OUTPUT("graph.figure"), mark,
		    PH_INPUT("good.value"));
		check_problems(cases[i].problem);
		assert_int_equal(fixture.app->callbacks[i]->input_count, 1);
	}
}

/* A text that nobody says anything about, as the first letter of an id. */
static void
texts_without_a_mark_are_refused(void **state)
{
	static const char *const texts[] = { "out.children", "in.value",
		"state.value", "Overview.figure", "Drop.value", "" };
	char want[160];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_clear(&fixture.app->problems);
		ph_callback(app, draw, texts[i], PH_OUTPUT("graph.figure"),
		    PH_INPUT("good.value"));
		(void)snprintf(want, sizeof(want),
		    "ph_callback(draw): \"%s\" is an output, an input or a "
		    "state? Write PH_OUTPUT(\"%s\") or the like\n",
		    texts[i], texts[i]);
		check_problems(want);
		assert_int_equal(fixture.app->callbacks[i]->input_count, 1);
		assert_int_equal(fixture.app->callbacks[i]->output_count, 1);
	}
	buf_clear(&fixture.app->problems);
	ph_callback(app, draw, PH_OUTPUT("graph.figure"), NULL,
	    PH_INPUT("good.value"), PH_STATE_OPTIONAL("some.data"));
	check_problems("ph_callback(draw): dependency 2 of 4 is NULL\n");
	assert_int_equal(fixture.app->callbacks[i]->arg_count, 2);
	assert_true(fixture.app->callbacks[i]->inputs[1].optional);
	assert_false(fixture.app->callbacks[i]->inputs[0].optional);
}

static void
unusual_names_are_kept(void **state)
{
	(void)state;
	ph_callback(app, draw, PH_OUTPUT("my graph-1.figure"),
	    PH_INPUT("\xc3\xa9t\xc3\xa9.valu\xc3\xa9"), PH_INPUT("a/b\"c.x y"));
	check_problems("");
	assert_string_equal(fixture.app->callbacks[0]->inputs[1].id, "a/b\"c");
}

static void
memoized_functions(void **state)
{
	static const struct {
		double timeout;
		bool good;
	} cases[] = {
		{ 0, true },
		{ 0.001, true },
		{ PH_FOREVER, true },
		{ 1e9, true },
		{ 1e10, false },
		{ INFINITY, false },
		{ -INFINITY, false },
		{ NAN, false },
	};
	size_t i;

	(void)state;
	ph_memoize(app, draw, .timeout = 60, .version = 3);
	ph_memoize(app, fill, .name = "other");
	check_problems("");
	assert_int_equal(fixture.app->function_count, 2);
	assert_string_equal(fixture.app->functions[0]->name, "draw");
	assert_ptr_equal(fixture.app->functions[0]->run, draw);
	assert_true(fixture.app->functions[0]->timeout == 60);
	assert_int_equal(fixture.app->functions[0]->version, 3);
	assert_string_equal(fixture.app->functions[1]->name, "other");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&fixture.app->problems);
		ph_memoize(app, draw, .timeout = cases[i].timeout);
		check_problems(cases[i].good
				   ? ""
				   : "ph_memoize(draw): the timeout is not a "
				     "number of seconds\n");
		buf_clear(&fixture.app->problems);
		ph_callback(app, draw, PH_OUTPUT("a.b"), PH_INPUT("c.d"),
		    .timeout = cases[i].timeout, .memoize = true);
		check_problems(cases[i].good
				   ? ""
				   : "ph_callback(draw): the timeout is not a "
				     "number of seconds\n");
	}
}

static void
databases(void **state)
{
	const struct database *database;

	(void)state;
	ph_database(app, "points", .create = fill, .version = 4);
	ph_database(app, "Other_2", .path = "/data/other.db");
	check_problems("");
	assert_int_equal(fixture.app->database_count, 2);
	database = fixture.app->databases[0];
	assert_string_equal(database->name, "points");
	assert_ptr_equal(database->create, fill);
	assert_int_equal(database->version, 4);
	assert_null(database->path);
	database = fixture.app->databases[1];
	assert_string_equal(database->path, "/data/other.db");
	assert_true(database->create == NULL);
}

static void
bad_databases(void **state)
{
	static const char *const names[] = { "", "a b", "a.b", "../a", "a/b",
		"a-b", "\xc3\xa9", "a'", NULL };
	char want[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		buf_clear(&fixture.app->problems);
		ph_database(app, names[i], .create = fill);
		(void)snprintf(want, sizeof(want),
		    "ph_database(%s): a name has letters, digits and _ only\n",
		    names[i] != NULL ? names[i] : "NULL");
		check_problems(want);
	}
	buf_clear(&fixture.app->problems);
	ph_database(app, "none", .version = 0);
	check_problems("ph_database(none): give .create or .path, not "
		       "neither\n");
	buf_clear(&fixture.app->problems);
	ph_database(app, "two", .create = fill, .path = "x");
	check_problems("ph_database(two): give .create or .path, not both\n");
}

static void
functions_that_are_null(void **state)
{
	(void)state;
	ph_memoize_add(app, NULL, "m", (struct ph_memoize_options){ 0 });
	ph_callback_add(app, NULL, "c",
	    (struct ph_callback_options){ PH_OUTPUT("a.b"), PH_INPUT("c.d"),
		.ph_end_ = false });
	ph_layout_add(app, NULL, (struct ph_layout_options){ 0 });
	check_problems("ph_memoize(m): the function is NULL\n"
		       "ph_callback(c): the function is NULL\n"
		       "ph_layout: the function is NULL\n");
}

/* One start shows everything that is wrong. */
static void
all_mistakes_at_once(void **state)
{
	(void)state;
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_OUTPUT("a.x"),
	    PH_INPUT("i.v"));
	ph_callback(app, fill, PH_INPUT("i.v"));
	ph_callback(app, fill, PH_OUTPUT("b.y"));
	ph_callback(app, fill, PH_OUTPUT("b.y"), PH_OUTPUT("a.x"),
	    PH_INPUT("bad"));
	ph_memoize(app, draw, .timeout = 0);
	ph_memoize(app, fill, .name = "draw");
	app_validate(fixture.app);
	check_problems(
	    "ph_callback(fill): \"bad\" is not \"id.property\" "
	    "(an id has no dot and no brace)\n"
	    "the app has no page: call ph_layout(app, function)\n"
	    "ph_callback(draw): output \"a.x\" is there twice\n"
	    "ph_callback(fill): output \"b.y\" already belongs to fill"
	    ": PH_OUTPUT_DUPLICATE() allows that\n"
	    "ph_callback(fill): output \"a.x\" already belongs to draw"
	    ": PH_OUTPUT_DUPLICATE() allows that\n"
	    "ph_callback(fill): output \"a.x\" already belongs to draw"
	    ": PH_OUTPUT_DUPLICATE() allows that\n"
	    "ph_memoize(draw): the name is taken\n");
}

static void
check_one(const char *want)
{
	app_validate(fixture.app);
	check_problems(want);
	buf_clear(&fixture.app->problems);
	while (fixture.app->callback_count > 0) {
		struct callback *last =
		    fixture.app->callbacks[--fixture.app->callback_count];

		app_callback_free(last);
	}
}

/* The rules of the front end, one after the other. */
static void
rules_of_patterns(void **state)
{
	(void)state;
	ph_layout(app, page);
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"), PH_OUTPUT("b.y"),
	    PH_INPUT(PH_MATCH("i") ".v"));
	check_one("ph_callback(draw): \"b.y\": all outputs need MATCH at "
		  "member \"index\"\n");
	ph_callback(app, draw, PH_OUTPUT("b.y"),
	    PH_INPUT(PH_ALLSMALLER("i") ".v"));
	check_one("ph_callback(draw): \"{\"index\":ALLSMALLER,\"type\":\"i\"}"
		  ".v\": member \"index\": ALLSMALLER needs MATCH in the "
		  "outputs\n");
	ph_callback(app, draw, PH_INPUT(PH_ALLSMALLER("i") ".v"));
	check_one("ph_callback(draw): \"{\"index\":ALLSMALLER,\"type\":\"i\"}"
		  ".v\": member \"index\": ALLSMALLER needs MATCH in the "
		  "outputs\n");
	ph_callback(app, draw, PH_OUTPUT(PH_ALLSMALLER("a") ".x"),
	    PH_INPUT("i.v"));
	check_one("ph_callback(draw): \"{\"index\":ALLSMALLER,\"type\":\"a\"}"
		  ".x\": member \"index\": ALLSMALLER is for inputs and "
		  "states\n");
	ph_callback(app, draw,
	    PH_OUTPUT(PH_ID({ "t" : "a", "n" : MATCH }) ".x"),
	    PH_INPUT(PH_ID({ "t" : MATCH, "n" : MATCH }) ".v"));
	check_one("ph_callback(draw): \"{ \"t\" : MATCH, \"n\" : MATCH }.v\": "
		  "member \"t\": MATCH has to be in the outputs, too\n");
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"), PH_INPUT("i.v"));
	ph_callback(app, fill, PH_OUTPUT(PH_ALL("a") ".x"), PH_INPUT("i.v"));
	check_one("ph_callback(fill): output \"{\"index\":ALL,\"type\":\"a\"}"
		  ".x\" already belongs to draw: PH_OUTPUT_DUPLICATE() "
		  "allows that\n");
	/* Within one callback, too. */
	ph_callback(app, draw, PH_OUTPUT(PH_ALL("a") ".x"),
	    PH_OUTPUT(PH_ID({ "type" : "a", "index" : 1 }) ".x"),
	    PH_INPUT("i.v"));
	check_one("ph_callback(draw): output \"{ \"type\" : \"a\", "
		  "\"index\" : 1 }.x\" is there twice\n");
	ph_callback(app, draw, PH_OUTPUT(PH_MATCH("a") ".x"),
	    PH_OUTPUT(PH_MATCH("a") ".y"), PH_INPUT(PH_ALL("i") ".v"));
	ph_callback(app, fill, PH_OUTPUT(PH_ALL("b") ".x"), PH_INPUT("i.v"));
	check_one("");
}

static void
rules_of_callbacks(void **state)
{
	(void)state;
	ph_layout(app, page);
	ph_callback(app, draw, PH_OUTPUT_DUPLICATE("a.x"), PH_INPUT("i.v"));
	check_one("ph_callback(draw): PH_OUTPUT_DUPLICATE(\"a.x\") needs "
		  ".prevent_initial_call = true: which of them would come "
		  "last? (.initial_duplicate = true says that it makes "
		  "no difference)\n");
	ph_callback(app, draw, PH_OUTPUT_DUPLICATE("a.x"),
	    PH_OUTPUT_DUPLICATE("a.x"), PH_INPUT("i.v"),
	    .prevent_initial_call = true);
	check_one("ph_callback(draw): output \"a.x\" is there twice\n");
	ph_callback(app, draw, PH_OUTPUT("a.x"), .prevent_initial_call = true);
	check_one("ph_callback(draw): without PH_INPUT() it runs when the page "
		  "appears, so .prevent_initial_call would mean never\n");
	ph_callback(app, draw, PH_INPUT("i.v"));
	ph_callback(app, draw, PH_INPUT("i.v"));
	check_one("ph_callback(draw): defined twice with the same inputs\n");
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_INPUT("c.x"));
	ph_callback(app, fill, PH_OUTPUT("b.x"), PH_INPUT("a.x"));
	ph_clientside(app, "space.name", PH_OUTPUT("c.x"), PH_INPUT("b.x"));
	check_one("callbacks run in a circle: draw -> fill -> clientside_3 -> "
		  "draw\n");
#define FOUR(n)                                                  \
	PH_INPUT(n "0.v"), PH_INPUT(n "1.v"), PH_INPUT(n "2.v"), \
	    PH_INPUT(n "3.v")
	ph_callback(app, draw, FOUR("a"), FOUR("b"), FOUR("c"), FOUR("d"),
	    FOUR("e"), FOUR("f"), FOUR("g"), FOUR("h"), PH_STATE("one.more"));
	check_one("ph_callback(draw): more than 32 outputs, inputs and states "
		  "together\n");
	ph_callback(app, draw, FOUR("a"), FOUR("b"), FOUR("c"), FOUR("d"),
	    FOUR("e"), FOUR("f"), FOUR("g"), FOUR("h"));
	check_one("");
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_INPUT("i.v"),
	    .interval = 1);
	check_one("ph_callback(draw): .interval, .progress and .cancel need "
		  ".background\n");
	/* One callback may have the same input and output. */
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_INPUT("a.x"));
	check_one("");
}

static void
names_are_not_taken_twice(void **state)
{
	(void)state;
	ph_layout(app, page);
	ph_database(app, "points", .path = "a.db");
	ph_database(app, "points", .path = "b.db");
	app_validate(fixture.app);
	check_problems("ph_database(points): the name is taken\n");
}

static void
a_page_twice_is_a_mistake(void **state)
{
	(void)state;
	ph_layout(app, page);
	ph_layout(app, page);
	check_problems("ph_layout: called twice\n");
}

static void
lookups(void **state)
{
	const struct callback *callback = (void *)1;
	const struct computation *found;

	(void)state;
	assert_null(app_find_callback(fixture.app, "a.x"));
	assert_null(app_find_function(fixture.app, draw));
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_INPUT("i.v"));
	ph_callback(app, fill, PH_OUTPUT("b.y"), PH_INPUT("i.v"));
	ph_memoize(app, fill, .timeout = 0);
	assert_ptr_equal(app_find_callback(fixture.app, "b.y"),
	    fixture.app->callbacks[1]);
	assert_null(app_find_callback(fixture.app, "b"));
	assert_ptr_equal(app_find_function(fixture.app, fill),
	    fixture.app->functions[0]);
	assert_null(app_find_function(fixture.app, draw));
	found = app_find_computation(fixture.app, "fill", &callback);
	assert_ptr_equal(found, fixture.app->functions[0]);
	assert_null(callback);
	found = app_find_computation(fixture.app, "callback:b.y", &callback);
	assert_ptr_equal(found, &fixture.app->callbacks[1]->computation);
	assert_ptr_equal(callback, fixture.app->callbacks[1]);
	assert_null(
	    app_find_computation(fixture.app, "callback:c.z", &callback));
	assert_null(callback);
	assert_null(app_find_computation(fixture.app, "", &callback));
}

#define TAIL(initial)                                                    \
	"\"clientside_function\":null,\"prevent_initial_call\":" initial \
	",\"background\":null,\"dynamic_creator\":false,"                \
	"\"no_output\":false,\"optional\":false,\"hidden\":false,"       \
	"\"websocket\":false,\"persistent\":false}"

static void
dependencies_are_what_the_browser_wants(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_int_equal(app_dependencies_json(fixture.app, &out), 0);
	assert_string_equal(buf_cstr(&out), "[]");
	buf_clear(&out);
	ph_callback(app, draw, PH_OUTPUT("graph.figure"), PH_INPUT("i.value"),
	    PH_STATE("s.data"), PH_STATE("t.data"),
	    .prevent_initial_call = true);
	ph_callback(app, draw, PH_OUTPUT("a.x"), PH_OUTPUT("b.y"),
	    PH_INPUT("i.value"), PH_INPUT("</script>.v"), .memoize = true);
	assert_int_equal(app_dependencies_json(fixture.app, &out), 0);
	assert_string_equal(buf_cstr(&out),
	    "[{\"output\":\"graph.figure\",\"inputs\":[{\"id\":\"i\","
	    "\"property\":\"value\"}],\"state\":[{\"id\":\"s\",\"property\":"
	    "\"data\"},{\"id\":\"t\",\"property\":\"data\"}]," TAIL(
		"true") ","
			"{\"output\":\"..a.x...b.y..\",\"inputs\":[{\"id\":"
			"\"i\","
			"\"property\":\"value\"},{\"id\":\"\\u003c/"
			"script\\u003e\","
			"\"property\":\"v\"}],\"state\":[]," TAIL("false") "]");
	buf_free(&out);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(title_and_page),
		TEST(a_page_may_block),
		TEST(a_callback_is_kept_whole),
		TEST(several_outputs_have_the_list_form),
		TEST(as_many_dependencies_as_promised),
		TEST(ids_that_mean_something_else_are_refused),
		TEST(texts_without_a_mark_are_refused),
		TEST(unusual_names_are_kept),
		TEST(memoized_functions),
		TEST(databases),
		TEST(bad_databases),
		TEST(functions_that_are_null),
		TEST(all_mistakes_at_once),
		TEST(rules_of_patterns),
		TEST(rules_of_callbacks),
		TEST(names_are_not_taken_twice),
		TEST(a_page_twice_is_a_mistake),
		TEST(lookups),
		TEST(dependencies_are_what_the_browser_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
