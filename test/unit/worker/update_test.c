/* SPDX-License-Identifier: MIT */

/*
 * The update protocol: every field of the request with every wrong type.
 */
#include "test/unit/worker/app_fixture.h"

#include "worker/update.h"

static struct app_fixture fixture;

static int
set_up(void **state)
{
	struct ph_app *app;

	(void)state;
	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	ph_callback(app, fixture_nothing, PH_OUTPUT("graph.figure"),
	    PH_INPUT("drop.value"), PH_INPUT("slider.value"),
	    PH_STATE("store.data"));
	ph_callback(app, fixture_nothing, PH_OUTPUT("a.x"), PH_OUTPUT("b.y"),
	    PH_OUTPUT("a.z"), PH_INPUT("drop.value"));
	ph_callback(app, fixture_nothing, PH_OUTPUT("m.children"),
	    PH_INPUT("drop.value"));
	ph_callback(app, fixture_nothing, PH_INPUT("drop.value"));
	ph_callback(app, fixture_nothing, PH_OUTPUT_DUPLICATE("m.children"),
	    PH_INPUT("drop.value"), .prevent_initial_call = true);
	ph_callback(app, fixture_nothing,
	    PH_OUTPUT(PH_MATCH("out") ".children"),
	    PH_OUTPUT(PH_ALL("all") ".children"), PH_INPUT(PH_MATCH("in") ".n"),
	    PH_STATE(PH_ALLSMALLER("in") ".n"));
	ph_callback(app, fixture_nothing,
	    PH_OUTPUT(PH_MATCH("kept") ".children"),
	    PH_INPUT(PH_MATCH("in") ".n"), .memoize = true);
	ph_clientside(app, "function(a) { return a; }", PH_OUTPUT("c.s"),
	    PH_INPUT("drop.value"));
	return fixture.app->problems.len == 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

static struct update
parse(const char *body)
{
	struct update update;
	size_t len = strlen(body);
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, body, len); /* no NUL behind it */
	memset(&update, 0xff, sizeof(update));
	update_parse(fixture.app, &fixture.options, copy, len, &fixture.arena,
	    &update);
	free(copy);
	return update;
}

static void
check_good(const char *body, const char *arguments)
{
	struct update update = parse(body);

	assert_int_equal(update.status, 0);
	assert_non_null(update.callback);
	assert_int_equal(update.arguments->count, update.callback->arg_count);
	fixture_check(update.arguments, arguments);
}

#define OUTPUT "\"output\":\"graph.figure\""
#define OUTPUTS "\"outputs\":{\"id\":\"graph\",\"property\":\"figure\"}"
#define DROP(v) "{\"id\":\"drop\",\"property\":\"value\",\"value\":" v "}"
#define SLIDER(v) "{\"id\":\"slider\",\"property\":\"value\",\"value\":" v "}"
#define STORE(v) "{\"id\":\"store\",\"property\":\"data\",\"value\":" v "}"
#define INPUTS "\"inputs\":[" DROP("1") "," SLIDER("2") "]"
#define STATE "\"state\":[" STORE("3") "]"
#define CHANGED "\"changedPropIds\":[\"drop.value\"]"

static void
a_whole_request(void **state)
{
	struct update update;

	(void)state;
	check_good("{" OUTPUT "," OUTPUTS "," INPUTS "," CHANGED "," STATE "}",
	    "[1,2,3]");
	check_good("{" STATE "," CHANGED "," INPUTS "," OUTPUTS "," OUTPUT "}",
	    "[1,2,3]"); /* in any order */
	check_good("{" OUTPUT "," OUTPUTS "," INPUTS "," STATE
		   ",\"parsedChangedPropsIds\":[],\"unknown\":{\"a\":[]}}",
	    "[1,2,3]");
	update = parse("{" OUTPUT "," OUTPUTS "," INPUTS "," STATE "}");
	assert_ptr_equal(update.callback,
	    app_find_callback(fixture.app, "graph.figure"));
}

static void
values_of_every_kind(void **state)
{
	static const char *const values[] = { "null", "true", "-1", "0.5",
		"\"\"", "\"\xe2\x82\xac\"", "[]", "{}", "[1,[2],{\"a\":null}]",
		"{\"points\":[{\"x\":1}]}" };
	char body[1024];
	char want[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		(void)snprintf(body, sizeof(body),
		    "{" OUTPUT "," OUTPUTS ",\"inputs\":[" DROP(
			"%s") "," SLIDER("%s") "],\"state\":[" STORE("%s") "]}",
		    values[i], values[i], values[i]);
		(void)snprintf(want, sizeof(want), "[%s,%s,%s]", values[i],
		    values[i], values[i]);
		check_good(body, want);
	}
}

static void
check_named(const char *body, const char *function, const char *why)
{
	struct update update = parse(body);

	assert_int_equal(update.status, function != NULL ? 422 : 400);
	assert_non_null(strstr(update.why, why));
	if (function == NULL)
		assert_null(update.callback);
	else
		assert_string_equal(update.callback->function, function);
}

/* JavaScript's texts may be such as C has none: whose fault it is. */
static void
a_text_that_c_cannot_hold_is_named(void **state)
{
	(void)state;
	check_named("{" OUTPUT "," OUTPUTS ",\"inputs\":[" DROP("1") "," SLIDER(
			"\"a\\u0000b\"") "]," STATE "}",
	    "fixture_nothing", "input slider.value: \\u0000 is refused");
	check_named("{" OUTPUT "," OUTPUTS "," INPUTS
		    ",\"state\":[" STORE("[1,{\"a\":[\"\\ud800\"]}]") "]}",
	    "fixture_nothing", "state store.data: half of a surrogate pair");
	check_named("{" OUTPUT "," OUTPUTS "," INPUTS
		    ",\"state\":[" STORE("{\"\\u0000\":1}") "]}",
	    "fixture_nothing", "state store.data: \\u0000 is refused");
	check_named("{\"output\":\"{\\\"index\\\":[\\\"MATCH\\\"],"
		    "\\\"type\\\":\\\"kept\\\"}.children\","
		    "\"outputs\":{\"id\":{\"index\":1,\"type\":\"kept\"},"
		    "\"property\":\"children\"},\"inputs\":[{\"id\":{"
		    "\"index\":1,\"type\":\"in\"},\"property\":\"n\","
		    "\"value\":\"\\udc00\"}]}",
	    "fixture_nothing", "\"type\":\"in\"}.n: half of a surrogate pair");
	/* Elsewhere, or with another fault beside it, it is nobody's. */
	check_named("{" OUTPUT "," OUTPUTS "," INPUTS "," STATE
		    ",\"more\":\"\\u0000\"}",
	    NULL, "\\u0000 is refused: strings end");
	check_named("{" OUTPUT "," OUTPUTS ",\"inputs\":[" DROP(
			"\"\\u0000\"") "," SLIDER("01") "]," STATE "}",
	    NULL, "\\u0000 is refused: strings end");
	check_named("{" OUTPUT ",\"outputs\":{\"id\":\"x\\u0000\","
		    "\"property\":\"figure\"}," INPUTS "," STATE "}",
	    NULL, "\\u0000 is refused: strings end");
}

/* A property that was never set is undefined in the browser: left out. */
static void
a_value_left_out_is_null(void **state)
{
	(void)state;
	check_good("{" OUTPUT "," OUTPUTS ",\"inputs\":[{\"id\":\"drop\","
		   "\"property\":\"value\"}," SLIDER("2") "]," STATE "}",
	    "[null,2,3]");
	check_good("{" OUTPUT "," OUTPUTS "," INPUTS ",\"state\":[{\"id\":"
		   "\"store\",\"property\":\"data\"}]}",
	    "[1,2,null]");
}

static void
states_may_be_left_out_only_when_there_are_none(void **state)
{
	static const char *const heads[] = { "", ",\"state\":[]" };
	char body[512];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		(void)snprintf(body, sizeof(body),
		    "{\"output\":\"m.children\",\"outputs\":{\"id\":\"m\","
		    "\"property\":\"children\"},\"inputs\":[" DROP("1") "]%s}",
		    heads[i]);
		check_good(body, "[1]");
		(void)snprintf(body, sizeof(body),
		    "{" OUTPUT "," OUTPUTS "," INPUTS "%s}", heads[i]);
		assert_int_equal(parse(body).status, 400);
	}
}

static void
several_outputs(void **state)
{
	static const char outputs[] =
	    "[{\"id\":\"a\",\"property\":\"x\"},{\"id\":\"b\",\"property\":"
	    "\"y\"},{\"id\":\"a\",\"property\":\"z\"}]";
	static const char *const wrong[] = {
		"[{\"id\":\"b\",\"property\":\"y\"},{\"id\":\"a\","
		"\"property\":\"x\"},{\"id\":\"a\",\"property\":\"z\"}]",
		"[{\"id\":\"a\",\"property\":\"x\"},{\"id\":\"b\","
		"\"property\":\"y\"}]",
		"[{\"id\":\"a\",\"property\":\"x\"},{\"id\":\"b\","
		"\"property\":\"y\"},{\"id\":\"a\",\"property\":\"z\"},"
		"{\"id\":\"a\",\"property\":\"x\"}]",
		"[]",
		"{\"id\":\"a\",\"property\":\"x\"}",
		"null",
		"[1,2,3]",
		"[[],[],[]]",
	};
	char body[1024];
	size_t i;

	(void)state;
	(void)snprintf(body, sizeof(body),
	    "{\"output\":\"..a.x...b.y...a.z..\",\"outputs\":%s,"
	    "\"inputs\":[" DROP("1") "]}",
	    outputs);
	check_good(body, "[1]");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(body, sizeof(body),
		    "{\"output\":\"..a.x...b.y...a.z..\",\"outputs\":%s,"
		    "\"inputs\":[" DROP("1") "]}",
		    wrong[i]);
		assert_int_equal(parse(body).status, 400);
		assert_string_equal(parse(body).why,
		    "\"outputs\" differs from \"output\"");
	}
}

/* What each member must not be. NULL: left out. */
static const struct wrong {
	const char *member;
	const char *value;
	int status;
} wrongs[] = {
	{ "output", NULL, 400 },
	{ "output", "null", 400 },
	{ "output", "true", 400 },
	{ "output", "1", 400 },
	{ "output", "0.5", 400 },
	{ "output", "[]", 400 },
	{ "output", "{}", 400 },
	{ "output", "[\"graph.figure\"]", 400 },
	{ "output", "\"\"", 500 },
	{ "output", "\"graph\"", 500 },
	{ "output", "\"graph.figure \"", 500 },
	{ "output", "\"..graph.figure..\"", 500 },
	{ "output", "\"..a.x...b.y..\"", 500 },
	{ "output", "\"a.x\"", 500 },
	{ "outputs", NULL, 400 },
	{ "outputs", "null", 400 },
	{ "outputs", "true", 400 },
	{ "outputs", "7", 400 },
	{ "outputs", "\"graph.figure\"", 400 },
	{ "outputs", "[]", 400 },
	{ "outputs", "{}", 400 },
	{ "outputs", "[{\"id\":\"graph\",\"property\":\"figure\"}]", 400 },
	{ "outputs", "{\"id\":\"graph\"}", 400 },
	{ "outputs", "{\"property\":\"figure\"}", 400 },
	{ "outputs", "{\"id\":\"other\",\"property\":\"figure\"}", 400 },
	{ "outputs", "{\"id\":\"graph\",\"property\":\"other\"}", 400 },
	{ "outputs", "{\"id\":1,\"property\":\"figure\"}", 400 },
	{ "outputs", "{\"id\":\"graph\",\"property\":null}", 400 },
	{ "outputs", "{\"id\":[\"graph\"],\"property\":\"figure\"}", 400 },
	{ "inputs", NULL, 400 },
	{ "inputs", "null", 400 },
	{ "inputs", "true", 400 },
	{ "inputs", "2", 400 },
	{ "inputs", "\"drop.value\"", 400 },
	{ "inputs", "{}", 400 },
	{ "inputs", "[]", 400 },
	{ "inputs", "[1,2]", 400 },
	{ "inputs", "[null,null]", 400 },
	{ "inputs", "[[],[]]", 400 },
	{ "inputs", "[" DROP("1") "]", 400 },
	{ "inputs", "[" SLIDER("2") "," DROP("1") "]", 400 },
	{ "inputs", "[" DROP("1") "," DROP("1") "]", 400 },
	{ "inputs", "[" DROP("1") "," SLIDER("2") "," DROP("1") "]", 400 },
	{ "inputs", "[" DROP("1") "," STORE("2") "]", 400 },
	{ "inputs", "[[" DROP("1") "]," SLIDER("2") "]", 400 },
	{ "inputs", "[{\"id\":\"drop\",\"value\":1}," SLIDER("2") "]", 400 },
	{ "inputs", "[{\"property\":\"value\"}," SLIDER("2") "]", 400 },
	{ "inputs", "[{\"id\":{},\"property\":\"value\"}," SLIDER("2") "]",
	    400 },
	{ "inputs", "[{\"id\":\"drop\",\"property\":7}," SLIDER("2") "]", 400 },
	{ "state", NULL, 400 },
	{ "state", "null", 400 },
	{ "state", "false", 400 },
	{ "state", "1", 400 },
	{ "state", "\"\"", 400 },
	{ "state", "{}", 400 },
	{ "state", "[]", 400 },
	{ "state", "[1]", 400 },
	{ "state", "[" DROP("1") "]", 400 },
	{ "state", "[" STORE("1") "," STORE("1") "]", 400 },
	{ "changedPropIds", "null", 400 },
	{ "changedPropIds", "true", 400 },
	{ "changedPropIds", "1", 400 },
	{ "changedPropIds", "\"drop.value\"", 400 },
	{ "changedPropIds", "{}", 400 },
	{ "changedPropIds", "[1]", 400 },
	{ "changedPropIds", "[\"drop.value\",null]", 400 },
	{ "changedPropIds", "[[]]", 400 },
	{ "changedPropIds", NULL, 0 },
	{ "changedPropIds", "[]", 0 },
	{ "changedPropIds", "[\"drop.value\",\"any text\"]", 0 },
};

static void
every_wrong_type_in_every_field(void **state)
{
	static const struct {
		const char *member;
		const char *value;
	} good[] = {
		{ "output", "\"graph.figure\"" },
		{ "outputs", "{\"id\":\"graph\",\"property\":\"figure\"}" },
		{ "inputs", "[" DROP("1") "," SLIDER("2") "]" },
		{ "state", "[" STORE("3") "]" },
		{ "changedPropIds", "[\"drop.value\"]" },
	};
	struct buf body = BUF_EMPTY;
	struct update update;
	const char *value;
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		buf_clear(&body);
		(void)buf_puts(&body, "{\"x\":0");
		for (k = 0; k < sizeof(good) / sizeof(good[0]); k++) {
			value = good[k].value;
			if (strcmp(good[k].member, wrongs[i].member) == 0)
				value = wrongs[i].value;
			if (value != NULL)
				(void)buf_printf(&body, ",\"%s\":%s",
				    good[k].member, value);
		}
		(void)buf_puts(&body, "}");
		update = parse(buf_cstr(&body));
		if (update.status != wrongs[i].status)
			print_error("%s\n", body.data);
		assert_int_equal(update.status, wrongs[i].status);
		if (update.status != 0)
			assert_true(strlen(update.why) > 10);
	}
	buf_free(&body);
}

static void
a_body_that_is_no_object(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{ "", 400 },
		{ "null", 400 },
		{ "1", 400 },
		{ "\"output\"", 400 },
		{ "[]", 400 },
		{ "{}", 400 },
		{ "{", 400 },
		{ "{\"output\":\"graph.figure\"", 400 },
		{ "{" OUTPUT "," OUTPUT "}", 400 }, /* twice */
		{ "output=graph.figure", 400 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(parse(cases[i].body).status, cases[i].status);
}

static void
settings_bound_the_body(void **state)
{
	static const char body[] = "{" OUTPUT "," OUTPUTS ",\"inputs\":[" DROP(
	    "[[[[1,2,3,4,5]]]]") "," SLIDER("2") "]," STATE "}";
	struct arena small;
	struct update update;

	(void)state;
	check_good(body, "[[[[[1,2,3,4,5]]]],2,3]");
	fixture.options.limit_json_depth = 6;
	assert_int_equal(parse(body).status, 400);
	fixture.options.limit_json_depth = 64;
	fixture.options.limit_json_nodes = 10;
	assert_int_equal(parse(body).status, 413);
	fixture.options.limit_json_nodes = 1000;
	arena_init(&small, 600);
	update_parse(fixture.app, &fixture.options, body, sizeof(body) - 1,
	    &small, &update);
	assert_int_equal(update.status, 503);
	arena_free(&small);
}

/* ---- patterns, no outputs, duplicates ------------------------------------ */

#define MULTI(text) "{\"multi\":true,\"response\":{" text "}}"
#define ID(type, index) "{\"type\":\"" type "\",\"index\":" index "}"
#define ITEM(type, index, property)                                  \
	"{\"id\":" ID(type, index) ",\"property\":\"" property "\"," \
				   "\"value\":" index "}"

/* A body for the callback number `which`. */
static struct update
ask(size_t which, const char *rest)
{
	struct buf body = BUF_EMPTY;
	struct update update;
	const char *output = fixture.app->callbacks[which]->output;

	(void)buf_putl(&body, "{\"output\":");
	(void)json_write_text(output, strlen(output), &body);
	(void)buf_puts(&body, rest);
	(void)buf_putc(&body, '}');
	update = parse(buf_cstr(&body));
	buf_free(&body);
	return update;
}

static void
no_output_and_duplicates(void **state)
{
	static const char tail[] = ",\"inputs\":[" DROP("1") "]";
	const struct callback *callback = fixture.app->callbacks[4];
	char body[512];

	(void)state;
	assert_int_equal(ask(3, tail).status, 0);
	assert_int_equal(ask(3, ",\"inputs\":[]").status, 400);
	assert_int_equal(ask(3,
			     ",\"outputs\":{\"id\":\"m\",\"property\":\"x\"},"
			     "\"inputs\":[" DROP("1") "]")
			     .status,
	    400);
	assert_string_not_equal(callback->output, "m.children");
	(void)snprintf(body, sizeof(body),
	    ",\"outputs\":{\"id\":\"m\",\"property\":\"children%s\"}%s",
	    callback->outputs[0].mark, tail);
	assert_int_equal(ask(4, body).status, 0);
	(void)snprintf(body, sizeof(body),
	    ",\"outputs\":{\"id\":\"m\",\"property\":\"children@x\"}%s", tail);
	assert_int_equal(ask(4, body).status, 400);
	/* What runs in the browser cannot be run here. */
	assert_int_equal(parse(
			     "{\"output\":\"c.s\",\"outputs\":{\"id\":\"c\","
			     "\"property\":\"s\"},\"inputs\":[" DROP("1") "]}")
			     .status,
	    500);
}

#define PATTERN(out, all, in, smaller)                                 \
	",\"outputs\":[" out ",[" all "]],\"inputs\":[" in             \
	"],\"state\":[[" smaller "]],\"changedPropIds\":[\"{\\\"index" \
	"\\\":3,\\\"type\\\":\\\"in\\\"}.n\"]"
#define OUT ITEM("out", "3", "children")
#define ALL_OF ITEM("all", "1", "children") "," ITEM("all", "7", "children")
#define IN ITEM("in", "3", "n")
#define SMALLER ITEM("in", "1", "n") "," ITEM("in", "2.5", "n")

static void
patterns(void **state)
{
	const struct value *values[3];
	struct update update = ask(5, PATTERN(OUT, ALL_OF, IN, SMALLER));
	struct update_slot *slots;
	struct buf bytes = BUF_EMPTY;
	const struct value *about;
	struct value *arguments;
	const char *why;
	uint32_t count;

	(void)state;
	assert_int_equal(update.status, 0);
	fixture_check(update.arguments, "[3,[1,2.5]]");
	assert_int_equal(update_encode(&update, NULL, &fixture.arena, &bytes),
	    0);
	assert_int_equal(update_decode(bytes.data, bytes.len, update.callback,
			     &fixture.arena, &arguments, &about),
	    0);
	fixture_check(arguments, "[3,[1,2.5]]");
	assert_int_equal(update_slots(update.callback, about, &fixture.arena,
			     &slots, &count),
	    0);
	assert_int_equal(count, 3);
	values[0] = values[2] = value_int(&fixture.arena, 5);
	values[1] = NULL;
	buf_clear(&bytes);
	assert_int_equal(
	    update_response(slots, count, values, NULL, &bytes, &why), 0);
	assert_string_equal(buf_cstr(&bytes),
	    MULTI("\"{\\\"index\\\":3,\\\"type\\\":\\\"out\\\"}\":{"
		  "\"children\":5},\"{\\\"index\\\":7,\\\"type\\\":"
		  "\\\"all\\\"}\":{\"children\":5}"));
	buf_free(&bytes);
	/* No component at all is no mistake. */
	assert_int_equal(ask(5, PATTERN(OUT, "", IN, "")).status, 0);
}

static void
what_a_pattern_does_not_stand_for(void **state)
{
	static const char *const bodies[] = {
		PATTERN(ITEM("other", "3", "children"), ALL_OF, IN, SMALLER),
		PATTERN(OUT, ALL_OF, ITEM("in", "4", "n"), SMALLER),
		PATTERN(OUT, ALL_OF, IN, ITEM("in", "3", "n")),
		PATTERN(OUT, ITEM("all", "1", "title"), IN, SMALLER),
		PATTERN(OUT, ITEM("all", "[1]", "children"), IN, SMALLER),
		PATTERN(OUT, ITEM("all", "{}", "children"), IN, SMALLER),
		PATTERN(OUT, ITEM("all", "null", "children"), IN, SMALLER),
		PATTERN(OUT, "1", IN, SMALLER),
		",\"outputs\":[" OUT "," OUT "],\"inputs\":[" IN
		"],\"state\":[[]]",
		",\"outputs\":[" OUT ",[]],\"inputs\":[[" IN
		"]],\"state\":[[]]",
		",\"outputs\":[{\"id\":\"out\",\"property\":"
		"\"children\"},[]],\"inputs\":[" IN "],\"state\":[[]]",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(ask(5, bodies[i]).status, 400);
}

/* The key of a kept answer: the ids are in it, the trigger is not. */
static void
what_a_memoized_answer_depends_on(void **state)
{
	static const char *const bodies[] = {
		",\"outputs\":" ITEM("kept", "1",
		    "children") ",\"inputs\":["
				"{\"id\":" ID("in",
				    "1") ",\"property\":\"n\",\"value\":5}]",
		",\"outputs\":" ITEM("kept", "1",
		    "children") ",\"inputs\":["
				"{\"id\":" ID("in",
				    "1") ",\"property\":\"n\",\"value\":5}]"
					 ",\"changedPropIds\":[\"x.y\"]",
		",\"outputs\":" ITEM("kept", "2",
		    "children") ",\"inputs\":["
				"{\"id\":" ID("in",
				    "2") ",\"property\":\"n\",\"value\":5}]",
	};
	struct buf bytes[3] = { BUF_EMPTY, BUF_EMPTY, BUF_EMPTY };
	const struct value *request = fixture_json(&fixture, "{\"client\":1}");
	struct update update;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		update = ask(6, bodies[i]);
		assert_int_equal(update.status, 0);
		assert_int_equal(
		    update_encode(&update, request, &fixture.arena, &bytes[i]),
		    0);
	}
	assert_int_equal(bytes[0].len, bytes[1].len);
	assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].len);
	assert_int_equal(bytes[0].len, bytes[2].len);
	assert_memory_not_equal(bytes[0].data, bytes[2].data, bytes[0].len);
	for (i = 0; i < 3; i++)
		buf_free(&bytes[i]);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_whole_request),
		TEST(values_of_every_kind),
		TEST(a_text_that_c_cannot_hold_is_named),
		TEST(a_value_left_out_is_null),
		TEST(states_may_be_left_out_only_when_there_are_none),
		TEST(several_outputs),
		TEST(every_wrong_type_in_every_field),
		TEST(a_body_that_is_no_object),
		TEST(settings_bound_the_body),
		TEST(no_output_and_duplicates),
		TEST(patterns),
		TEST(what_a_pattern_does_not_stand_for),
		TEST(what_a_memoized_answer_depends_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
