/* SPDX-License-Identifier: MIT */

/* Ids that are objects: their text, what patterns stand for. */
#include "test/unit/arena_test_case.h"
#include "test/unit/worker/app_fixture.h"

#include "worker/dash_id.h"

static const struct value *
id(const char *text)
{
	const char *why;
	const struct value *value =
	    dash_id_parse(&arena, text, strlen(text), &why);

	if (value == NULL)
		print_error("%s: %s\n", text, why);
	assert_non_null(value);
	return value;
}

/* The wanted texts are what JavaScript gives for these objects. */
static void
texts(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"type\":\"btn\",\"index\":3}",
		    "{\"index\":3,\"type\":\"btn\"}" },
		{ "{ \"b\": MATCH, \"a\": ALL, \"c\": ALLSMALLER }",
		    "{\"a\":[\"ALL\"],\"b\":[\"MATCH\"],\"c\":[\"ALLSMALLER\"]"
		    "}" },
		{ "{\"a\":[\"MATCH\"]}", "{\"a\":[\"MATCH\"]}" },
		{ "{\"a\":\"MATCH\"}", "{\"a\":\"MATCH\"}" },
		{ "{\"a\":\"\\\" ALL\"}", "{\"a\":\"\\\" ALL\"}" },
		{ "{\"a\":true,\"b\":1.5,\"c\":-0.001}",
		    "{\"a\":true,\"b\":1.5,\"c\":-0.001}" },
		{ "{\"a\":\"<&>/\\u0001\\b\\f\\n\\r\\t\\\\\"}",
		    "{\"a\":\"<&>/\\u0001\\b\\f\\n\\r\\t\\\\\"}" },
		{ "{\"a\":\"\\u00e9\\u2028\"}",
		    "{\"a\":\"\xc3\xa9\xe2\x80\xa8\"}" },
		/* U+1F600 is d83d de00 in UTF-16: before U+FFFD. */
		{ "{\"\xef\xbf\xbd\":1,\"\xf0\x9f\x98\x80\":2}",
		    "{\"\xf0\x9f\x98\x80\":2,\"\xef\xbf\xbd\":1}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(dash_id_string(&arena, id(cases[i][0])),
		    cases[i][1]);
}

static void
what_is_no_id(void **state)
{
	static const char *const cases[] = { "", "{", "{}", "[]", "1",
		"{\"a\":null}", "{\"a\":{}}", "{\"a\":[]}", "{\"a\":[\"ANY\"]}",
		"{\"a\":[1]}", "{\"a\":SOME}", "{\"a\":1,\"a\":2}",
		"{\"a\":[[\"ALL\"]]}", "{\"a\":\"\xff\"}" };
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		why = NULL;
		assert_null(
		    dash_id_parse(&arena, cases[i], strlen(cases[i]), &why));
		assert_non_null(why);
	}
}

static void
patterns(void **state)
{
	const struct value *match = id("{\"i\":MATCH,\"t\":\"a\"}");
	struct dash_match bound = { 0 };

	(void)state;
	assert_true(
	    dash_id_matches(match, id("{\"i\":2,\"t\":\"a\"}"), &bound));
	assert_true(
	    dash_id_matches(match, id("{\"i\":2.0,\"t\":\"a\"}"), &bound));
	assert_false(
	    dash_id_matches(match, id("{\"i\":3,\"t\":\"a\"}"), &bound));
	assert_false(
	    dash_id_matches(match, id("{\"i\":2,\"t\":\"b\"}"), &bound));
	assert_false(dash_id_matches(match, id("{\"i\":2}"), &bound));
	assert_false(
	    dash_id_matches(match, id("{\"i\":\"2\",\"t\":\"a\"}"), &bound));
	assert_false(
	    dash_id_matches(match, id("{\"i\":ALL,\"t\":\"a\"}"), &bound));
	assert_true(
	    dash_id_matches(id("{\"i\":ALLSMALLER}"), id("{\"i\":1}"), &bound));
	assert_false(
	    dash_id_matches(id("{\"i\":ALLSMALLER}"), id("{\"i\":2}"), &bound));
	assert_true(
	    dash_id_matches(id("{\"i\":ALL}"), id("{\"i\":\"x\"}"), &bound));
	assert_true(dash_id_is_list(id("{\"i\":ALL,\"j\":MATCH}")));
	assert_false(dash_id_is_list(match));
	assert_false(dash_id_is_list(NULL));
}

static void
overlaps(void **state)
{
	(void)state;
	assert_true(dash_id_overlaps(id("{\"i\":ALL,\"t\":\"a\"}"),
	    id("{\"i\":5,\"t\":MATCH}")));
	assert_false(dash_id_overlaps(id("{\"i\":ALL,\"t\":\"a\"}"),
	    id("{\"i\":5,\"t\":\"b\"}")));
	assert_false(dash_id_overlaps(id("{\"i\":ALL}"), id("{\"j\":ALL}")));
	assert_false(dash_id_overlaps(id("{\"i\":true}"), id("{\"i\":false}")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(texts),
		ARENA_TEST(what_is_no_id),
		ARENA_TEST(patterns),
		ARENA_TEST(overlaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
