/* SPDX-License-Identifier: MIT */

/* Paths with variables, and queries. */
#include "test/unit/arena_test_case.h"

#include <string.h>

#include "worker/pattern.h"

/* The variables as "name=value;", or NULL when it does not fit. */
static const char *
match(const char *pattern, const char *path)
{
	static char text[256];
	struct value *variables;
	uint32_t i;

	if (!pattern_match(pattern, path, &arena, &variables))
		return NULL;
	text[0] = '\0';
	for (i = 0; i < variables->count; i++) {
		(void)strcat(text, variables->u.members[i].name);
		(void)strcat(text, "=");
		(void)strcat(text, variables->u.members[i].value.u.text);
		(void)strcat(text, ";");
	}
	return text;
}

static void
paths_fit(void **state)
{
	(void)state;
	assert_string_equal(match("/", "/"), "");
	assert_string_equal(match("/a/b", "/a/b"), "");
	assert_string_equal(match("/a/<id>", "/a/7"), "id=7;");
	assert_string_equal(match("/<x>/b/<y>", "/1/b/2"), "x=1;y=2;");
	assert_string_equal(match("/r-<year>.html", "/r-2026.html"),
	    "year=2026;");
	assert_null(match("/a", "/a/"));
	assert_null(match("/a/<id>", "/a"));
	assert_null(match("/a/<id>", "/a/"));
	assert_null(match("/a/<id>", "/a/1/2"));
	assert_null(match("/r-<year>.html", "/r-.html"));
	assert_null(match("/r-<year>.html", "/r-.htm"));
	assert_null(match("/a", "/ab"));
	assert_null(match("/ab", "/a"));
}

static void
patterns_are_checked(void **state)
{
	static const char *const bad[] = { "", "a", "/<", "/<>", "/a>",
		"/<a><b>", "/<a>/<a>", "/<a<b>>", "/>a<" };
	size_t i;

	(void)state;
	assert_non_null(pattern_check(NULL));
	assert_string_equal(pattern_check("/d/<"),
	    "a < without its > in the same segment");
	assert_string_equal(pattern_check("/d/<a/b>"),
	    "a < without its > in the same segment");
	assert_string_equal(pattern_check("/d/a>"),
	    "a > without a < in front of it");
	assert_string_equal(pattern_check("/d/>a<"),
	    "a > without a < in front of it");
	assert_string_equal(pattern_check("/d/<>"),
	    "a <variable> without a name");
	assert_string_equal(pattern_check("/<a><b>"),
	    "a segment has one <variable> at most");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(pattern_check(bad[i]));
	assert_null(pattern_check("/"));
	assert_null(pattern_check("/a/<b>/c-<d>.x"));
	assert_true(pattern_has_variables("/<a>"));
	assert_false(pattern_has_variables("/a"));
}

static void
overlaps(void **state)
{
	(void)state;
	assert_true(pattern_overlaps("/a/<x>", "/a/<y>"));
	assert_true(pattern_overlaps("/a", "/a"));
	assert_false(pattern_overlaps("/a/<x>", "/b/<x>"));
	assert_false(pattern_overlaps("/a/<x>", "/a/<x>/c"));
}

static const char *
query(const char *text, const char *name)
{
	struct http_span span = { text, strlen(text) };
	const struct value *value =
	    value_get(pattern_query(span, &arena), name);

	return value != NULL ? value->u.text : NULL;
}

static void
queries_are_decoded(void **state)
{
	(void)state;
	assert_string_equal(query("a=1&b=x%20y+z", "b"), "x y z");
	assert_string_equal(query("?a=1", "a"), "1");
	assert_string_equal(query("a=1&a=2", "a"), "1");
	assert_string_equal(query("a=%C3%A9", "a"), "\303\251");
	assert_string_equal(query("a=b=c", "a"), "b=c");
	assert_string_equal(query("a=", "a"), "");
	assert_string_equal(query("a", "a"), "");
	assert_string_equal(query("a=%", "a"), "%");
	assert_string_equal(query("a=%4", "a"), "%4");
	assert_null(query("a=%FF", "a"));
	assert_null(query("a=%00b", "a"));
	assert_null(query("=1", ""));
	assert_null(query("", "a"));
	assert_null(query("&&&", "a"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(paths_fit),
		ARENA_TEST(patterns_are_checked),
		ARENA_TEST(overlaps),
		ARENA_TEST(queries_are_decoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
