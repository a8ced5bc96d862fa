/* SPDX-License-Identifier: MIT */

/*
 * Responses of the update protocol: what was set, grouped by id.
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
	return fixture.app->problems.len == 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

/* As task.c does it. */
static int
respond(const struct callback *callback, const struct value *const *outputs,
    struct buf *out, const char **why)
{
	struct update_slot *slots;
	uint32_t count;

	assert_int_equal(
	    update_slots(callback, NULL, &fixture.arena, &slots, &count), 0);
	assert_int_equal(count, callback->output_count);
	return update_response(slots, count, outputs, NULL, out, why);
}

static void
check_response(const char *output, const char *const *json, const char *want)
{
	const struct callback *callback =
	    app_find_callback(fixture.app, output);
	const struct value *outputs[8] = { NULL };
	struct buf out = BUF_EMPTY;
	const char *why;
	uint32_t i;

	for (i = 0; i < callback->output_count; i++)
		if (json[i] != NULL)
			outputs[i] = fixture_json(&fixture, json[i]);
	assert_int_equal(respond(callback, outputs, &out, &why), 0);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

#define MULTI(text) "{\"multi\":true,\"response\":{" text "}}"

static void
responses(void **state)
{
	static const struct {
		const char *output;
		const char *values[3];
		const char *want;
	} cases[] = {
		{ "graph.figure", { "{\"data\":[]}" },
		    MULTI("\"graph\":{\"figure\":{\"data\":[]}}") },
		{ "graph.figure", { "null" },
		    MULTI("\"graph\":{\"figure\":null}") },
		{ "graph.figure", { NULL }, "" },
		{ "..a.x...b.y...a.z..", { "1", "2", "3" },
		    MULTI("\"a\":{\"x\":1,\"z\":3},\"b\":{\"y\":2}") },
		{ "..a.x...b.y...a.z..", { NULL, "2", "3" },
		    MULTI("\"b\":{\"y\":2},\"a\":{\"z\":3}") },
		{ "..a.x...b.y...a.z..", { "1", NULL, "3" },
		    MULTI("\"a\":{\"x\":1,\"z\":3}") },
		{ "..a.x...b.y...a.z..", { "1", "2", NULL },
		    MULTI("\"a\":{\"x\":1},\"b\":{\"y\":2}") },
		{ "..a.x...b.y...a.z..", { NULL, NULL, "3" },
		    MULTI("\"a\":{\"z\":3}") },
		{ "..a.x...b.y...a.z..", { NULL, "2", NULL },
		    MULTI("\"b\":{\"y\":2}") },
		{ "..a.x...b.y...a.z..", { NULL, NULL, NULL }, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_response(cases[i].output, cases[i].values, cases[i].want);
}

static void
a_bad_output_is_named(void **state)
{
	static const char *const names[] = { "a.x", "b.y", "a.z" };
	const struct callback *callback =
	    app_find_callback(fixture.app, "..a.x...b.y...a.z..");
	const struct value *outputs[3];
	struct buf out = BUF_EMPTY;
	char want[128];
	const char *why;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		outputs[0] = outputs[1] = outputs[2] =
		    value_int(&fixture.arena, 1);
		outputs[i] = value_text(&fixture.arena, "\xff", 1);
		buf_clear(&out);
		assert_int_equal(respond(callback, outputs, &out, &why),
		    ERR_SYNTAX);
		(void)snprintf(want, sizeof(want),
		    "output %s: a text is not valid UTF-8", names[i]);
		assert_string_equal(why, want);
	}
	buf_free(&out);
}

static void
a_full_buffer_is_an_error(void **state)
{
	const struct callback *callback =
	    app_find_callback(fixture.app, "graph.figure");
	const struct value *outputs[1] = { value_int(&fixture.arena, 1) };
	struct buf out;
	const char *why;
	size_t max;
	size_t len = sizeof(MULTI("'graph':{'figure':1}")) - 1;

	(void)state;
	for (max = 1; max <= len; max++) {
		buf_init(&out, max);
		assert_int_equal(respond(callback, outputs, &out, &why) == 0,
		    max == len);
		assert_non_null(why);
		buf_free(&out);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(responses),
		TEST(a_bad_output_is_named),
		TEST(a_full_buffer_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
