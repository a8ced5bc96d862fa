/* SPDX-License-Identifier: MIT */

/* JSON to values: bounded, typed so that keys agree, nothing twice. */
#include "test/unit/arena_test_case.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/json_read.h"

static const struct json_limits wide = { 100, 10000, 1000, false, false };
/* From a block of exactly the text's size: there is no NUL behind it. */
static int
read_bytes(const char *text, size_t len, const struct json_limits *limits,
    struct value **out, const char **why)
{
	char *copy = malloc(len > 0 ? len : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	rc = json_read(copy, len, limits, &arena, out, why);
	free(copy); /* the value must not point into it */
	return rc;
}

static const struct value *
read_good(const char *text)
{
	struct value *value = NULL;
	const char *why;

	assert_int_equal(read_bytes(text, strlen(text), &wide, &value, &why),
	    0);
	assert_non_null(value);
	return value;
}

static void
check_refused(const char *text, const struct json_limits *limits, int rc)
{
	struct value *value = NULL;
	const char *why = NULL;

	assert_int_equal(read_bytes(text, strlen(text), limits, &value, &why),
	    rc);
	assert_null(value);
	assert_non_null(why);
	assert_true(strlen(why) > 5);
}

static void
literals(void **state)
{
	(void)state;
	assert_int_equal(read_good("null")->kind, VALUE_NULL);
	assert_int_equal(read_good(" true ")->kind, VALUE_BOOL);
	assert_true(read_good("true")->flag);
	assert_int_equal(read_good("false")->kind, VALUE_BOOL);
	assert_false(read_good("false")->flag);
}

/* A browser cannot tell 1 from 1.0, so both have to give the same key. */
static void
whole_numbers_are_integers(void **state)
{
	static const struct {
		const char *text;
		int64_t integer;
	} cases[] = {
		{ "0", 0 },
		{ "-0", 0 },
		{ "-0.0", 0 },
		{ "1", 1 },
		{ "-1", -1 },
		{ "1.0", 1 },
		{ "1e3", 1000 },
		{ "1.5e1", 15 },
		{ "-2.50e2", -250 },
		{ "1e-400", 0 },
		{ "2147483648", 2147483648 },
		{ "9007199254740991", 9007199254740991 },
		{ "9007199254740992", 9007199254740992 },
		{ "-9007199254740992", -9007199254740992 },
	};
	const struct value *value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = read_good(cases[i].text);
		assert_int_equal(value->kind, VALUE_INT);
		assert_true(value->u.integer == cases[i].integer);
	}
}

static void
other_numbers_are_doubles(void **state)
{
	static const struct {
		const char *text;
		double number;
	} cases[] = {
		{ "0.5", 0.5 },
		{ "-1.25", -1.25 },
		{ "0.1", 0.1 },
		{ "0.30000000000000004", 0.1 + 0.2 },
		{ "9007199254740994", 9007199254740994.0 },
		{ "1e21", 1e21 },
		{ "-1e300", -1e300 },
		{ "1.7976931348623157e308", 1.7976931348623157e308 },
		{ "5e-324", 5e-324 },
		{ "9223372036854775807", 9223372036854775808.0 },
	};
	const struct value *value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = read_good(cases[i].text);
		assert_int_equal(value->kind, VALUE_DOUBLE);
		assert_true(value->u.number == cases[i].number);
	}
}

static void
texts(void **state)
{
	static const struct {
		const char *json;
		const char *text;
	} cases[] = {
		{ "\"\"", "" },
		{ "\"a b\"", "a b" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac" },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
		{ "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"",
		    "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		{ "\"\\u007f\\u0080\\u07FF\\u0800\\uFfFf\"",
		    "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf" },
		{ "\"a\\\\\"", "a\\" },
		{ "\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80" },
	};
	const struct value *value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = read_good(cases[i].json);
		assert_int_equal(value->kind, VALUE_TEXT);
		assert_string_equal(value->u.text, cases[i].text);
		assert_int_equal(value->count, strlen(cases[i].text));
	}
}

static void
trees(void **state)
{
	const struct value *tree = read_good(
	    "{\"list\":[1,[],{},null,\"x\"],\"\":{\"b\":{\"c\":[[7]]}},"
	    "\"t\":true}");
	const struct value *list = value_get(tree, "list");
	const struct value *deep;

	(void)state;
	assert_int_equal(tree->kind, VALUE_OBJECT);
	assert_int_equal(tree->count, 3);
	assert_string_equal(tree->u.members[0].name, "list");
	assert_string_equal(tree->u.members[1].name, "");
	assert_string_equal(tree->u.members[2].name, "t");
	assert_int_equal(list->kind, VALUE_ARRAY);
	assert_int_equal(list->count, 5);
	assert_int_equal(list->u.items[0].u.integer, 1);
	assert_int_equal(list->u.items[1].kind, VALUE_ARRAY);
	assert_int_equal(list->u.items[1].count, 0);
	assert_int_equal(list->u.items[2].kind, VALUE_OBJECT);
	assert_int_equal(list->u.items[2].count, 0);
	assert_int_equal(list->u.items[3].kind, VALUE_NULL);
	assert_string_equal(list->u.items[4].u.text, "x");
	deep = value_get(value_get(value_get(tree, ""), "b"), "c");
	assert_int_equal(deep->u.items[0].u.items[0].u.integer, 7);
	assert_true(value_get(tree, "t")->flag);
	assert_null(value_get(tree, "T")); /* names are compared exactly */
}

/* More members than wait without memory of their own, at two levels. */
static void
wide_trees(void **state)
{
	char text[4096];
	size_t len = 0;
	const struct value *tree;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%d,[%d,{\"a\":%d}]", i == 0 ? "[" : ",", i, i, -i);
	text[len++] = ']';
	text[len] = '\0';
	tree = read_good(text);
	assert_int_equal(tree->count, 200);
	for (i = 0; i < 100; i++) {
		assert_int_equal(tree->u.items[2 * i].u.integer, i);
		assert_int_equal(tree->u.items[2 * i + 1].u.items[0].u.integer,
		    i);
		assert_int_equal(
		    value_get(&tree->u.items[2 * i + 1].u.items[1], "a")
			->u.integer,
		    -i);
	}
}

/* An app may set a locale in which the decimal separator is a comma. */
static void
no_locale_changes_numbers(void **state)
{
	static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8",
		"de_DE", "fr_FR" };
	size_t i;

	(void)state;
	for (i = 0; i < 4 && setlocale(LC_ALL, names[i]) == NULL; i++)
		;
	if (i == 4)
		skip(); /* none is installed */
	assert_true(read_good("1.5")->u.number == 1.5);
	assert_true(read_good("1.25e-1")->u.number == 0.125);
	(void)setlocale(LC_ALL, "C");
}

/* Beyond 2^53 a browser means a double, a program the integer that it wrote. */
static void
large_integers(void **state)
{
	static const struct {
		const char *json;
		int64_t integer; /* 0: a double, also where they are kept */
	} cases[] = {
		{ "9007199254740993", 9007199254740993 },
		{ "-9007199254740993", -9007199254740993 },
		{ "100000000000000001", 100000000000000001 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
		{ "9223372036854775808", 0 },
		{ "-9223372036854775809", 0 },
		{ "18446744073709551615", 0 },
		{ "9999999999999999999", 0 },
		{ "123456789012345678901", 0 },
		{ "9007199254740994.0", 0 },
		{ "9007199254740994e0", 0 },
		{ "1e18", 0 },
	};
	struct json_limits whole = wide;
	const struct value *browser;
	struct value *value;
	const char *why;
	size_t i;

	(void)state;
	whole.whole_integers = true;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = NULL;
		assert_int_equal(read_bytes(cases[i].json,
				     strlen(cases[i].json), &whole, &value,
				     &why),
		    0);
		assert_int_equal(value->kind,
		    cases[i].integer != 0 ? VALUE_INT : VALUE_DOUBLE);
		if (cases[i].integer != 0)
			assert_true(value->u.integer == cases[i].integer);
		else
			assert_true(
			    value->u.number == strtod(cases[i].json, NULL));
		browser = read_good(cases[i].json);
		if (browser->kind == VALUE_INT) /* the double is 2^53 */
			assert_true(browser->u.integer == 9007199254740992 ||
				    browser->u.integer == -9007199254740992);
		else
			assert_true(
			    browser->u.number == strtod(cases[i].json, NULL));
	}
	/* Up to there both mean the same. */
	value = NULL;
	assert_int_equal(
	    read_bytes("[9007199254740992,1.0,1e3]", 26, &whole, &value, &why),
	    0);
	assert_true(value->u.items[0].u.integer == 9007199254740992);
	for (i = 0; i < 3; i++)
		assert_int_equal(value->u.items[i].kind, VALUE_INT);
}

static void
a_name_twice_is_refused(void **state)
{
	static const char *const texts[] = { "{\"a\":1,\"a\":1}",
		"{\"a\":1,\"b\":2,\"a\":3}", "{\"\":1,\"\":2}",
		"[[{\"x\":{\"a\":1,\"a\":2}}]]", "{\"a\":1,\"\\u0061\":2}" };
	struct value *value = NULL;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(
		    read_bytes(texts[i], strlen(texts[i]), &wide, &value, &why),
		    ERR_SYNTAX);
		assert_string_equal(why, "an object has the same name twice");
	}
	/* These differ. */
	(void)read_good("{\"a\":1,\"A\":1,\"aa\":1,\"\":1}");
	(void)read_good("[{\"a\":1},{\"a\":1}]");
}

static void
bad_syntax_is_refused(void **state)
{
	static const char *const texts[] = { "", " ", "nul", "truee", "01",
		"1.", ".5", "+1", "1e", "1e400", "-1e999", "'a'", "\"a",
		"\"\n\"", "\"\\x\"", "\"\\ud83d\"", "\"\\u0000\"", "\"\xff\"",
		"[", "[1", "[1,", "[1,]", "[,1]", "]", "{", "{a:1}", "{\"a\"}",
		"{\"a\":}", "{\"a\":1,}", "{1:2}", "1 2", "[] []", "NaN",
		"Infinity", "undefined", "// x\n1", "\357\273\2771", "[1}" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_refused(texts[i], &wide, ERR_SYNTAX);
}

/* What C cannot hold is marked where it is, if that is asked for. */
static void
texts_of_another_world(void **state)
{
	static const struct {
		const char *text;
		const char *expect;
	} cases[] = {
		{ "\"\\u0000\"", "\xff" },
		{ "\"x\\u0000y\"", "x\xffy" },
		{ "\"\\ud800\"", "\xff" },
		{ "\"\\udc00\"", "\xff" },
		{ "\"\\udc00\\ud83d\\ude00\"", "\xff\360\237\230\200" },
		{ "\"\\ud800\\n\"", "\xff\n" },
		{ "\"\\ud83d\\ud83d\\ude00\"", "\xff\360\237\230\200" },
		{ "\"\\u0041\\ud83d\\ude00\"", "A\360\237\230\200" },
	};
	struct json_limits lenient = wide;
	struct value *value;
	const char *why;
	size_t i;

	(void)state;
	lenient.any_text = true;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = NULL;
		assert_int_equal(read_bytes(cases[i].text,
				     strlen(cases[i].text), &lenient, &value,
				     &why),
		    0);
		assert_string_equal(value->u.text, cases[i].expect);
		assert_int_equal(value->count, strlen(cases[i].expect));
	}
	check_refused("\"\\u00g0\"", &lenient, ERR_SYNTAX);
	check_refused("\"\\ud800\\u12\"", &lenient, ERR_SYNTAX);
	check_refused("\"\xff\"", &lenient, ERR_SYNTAX);
}

static void
every_bound_is_met_exactly(void **state)
{
	static const struct {
		const char *text;
		struct json_limits limits;
		int rc;
	} cases[] = {
		{ "[[1]]", { 2, 3, 1, false, false }, 0 },
		{ "[[1]]", { 1, 3, 1, false, false }, ERR_SYNTAX },
		{ "[[1]]", { 2, 2, 1, false, false }, ERR_TOO_BIG },
		{ "[1,2,3]", { 1, 4, 1, false, false }, 0 },
		{ "[1,2,3]", { 1, 3, 1, false, false }, ERR_TOO_BIG },
		{ "{\"a\":1,\"b\":2}", { 1, 3, 2, false, false }, 0 },
		{ "{\"a\":1,\"b\":2}", { 1, 3, 1, false, false }, ERR_TOO_BIG },
		{ "{\"a\":{\"b\":2},\"c\":1}", { 2, 4, 2, false, false }, 0 },
		{ "7", { 1, 1, 1, false, false }, 0 },
	};
	struct value *value;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		value = NULL;
		assert_int_equal(read_bytes(cases[i].text,
				     strlen(cases[i].text), &cases[i].limits,
				     &value, &why),
		    cases[i].rc);
		assert_true((value != NULL) == (cases[i].rc == 0));
	}
}

/* However small the arena is: an error, never a crash or half a tree. */
static void
a_full_arena_is_an_error(void **state)
{
	static const char text[] =
	    "{\"list\":[1,[2,[3]],{\"a\":\"text\"}],\"b\":{\"c\":null}}";
	struct arena small;
	struct value *value;
	const char *why;
	size_t max;
	int rc = -1;

	(void)state;
	for (max = 1; rc != 0 && max < 100000; max += 16) {
		arena_init(&small, max);
		value = NULL;
		rc = json_read(text, sizeof(text) - 1, &wide, &small, &value,
		    &why);
		if (rc < 0) {
			assert_int_equal(rc, -ENOMEM);
			assert_string_equal(why, "out of memory");
			assert_null(value);
		}
		arena_free(&small);
	}
	assert_int_equal(rc, 0);
	assert_true(max > 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(literals),
		ARENA_TEST(whole_numbers_are_integers),
		ARENA_TEST(other_numbers_are_doubles),
		ARENA_TEST(texts),
		ARENA_TEST(trees),
		ARENA_TEST(wide_trees),
		ARENA_TEST(no_locale_changes_numbers),
		ARENA_TEST(large_integers),
		ARENA_TEST(a_name_twice_is_refused),
		ARENA_TEST(bad_syntax_is_refused),
		ARENA_TEST(texts_of_another_world),
		ARENA_TEST(every_bound_is_met_exactly),
		ARENA_TEST(a_full_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
