/* SPDX-License-Identifier: MIT */

/*
 * The JSON validator: a verdict and the place of the fault for each text.
 * Every text is also cut at every place: a cut text must not be taken for a
 * whole one. Texts are copied to blocks of exactly their size, so that a
 * sanitizer sees a read beyond the end.
 */

#include "worker/json_scan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

static const struct json_limits limits = {
	.depth = 64,
	.nodes = 100000,
	.members = 1000,
};

#define OK(text)                                   \
	{                                          \
		text, sizeof(text) - 1, JSON_OK, 0 \
	}
#define BAD(text, offset)                                       \
	{                                                       \
		text, sizeof(text) - 1, JSON_BAD_SYNTAX, offset \
	}

static const struct json_case {
	const char *text;
	size_t len;
	int verdict;
	size_t offset;
} cases[] = {
	OK("null"),
	OK("true"),
	OK("false"),
	OK("0"),
	OK("\"\""),
	OK("[]"),
	OK("{}"),
	OK(" \t\r\n[ ] \n"),
	OK("[1 , 2,3]"),
	OK("{\"a\":1,\"b\":[{},[]],\"c\":{\"d\":null}}"),
	OK("{ \"a\" : 1 , \"b\" : true }"),
	OK("{\"\":\"\"}"),
	OK("{\"a\":1,\"a\":2}"), /* repeated keys: see json_scan.h */
	OK("[[[[]]],{}]"),
	OK("\"0123456789012345678901234567890123456789\""),

	BAD("", 0),
	BAD(" ", 1),
	BAD("nul", 3),
	BAD("nulL", 3),
	BAD("True", 0),
	BAD("NaN", 0),
	BAD("Infinity", 0),
	BAD("-Infinity", 1),
	BAD("undefined", 0),
	BAD("'a'", 0),
	BAD("nulll", 4),
	BAD("{} {}", 3),
	BAD("[]]", 2),
	BAD("1 2", 2),
	BAD("null\0", 4),
	BAD("\0", 0),
	BAD("\xef\xbb\xbf[]", 0),
	BAD("\xfe\xff[]", 0),
	BAD("[\f]", 1),
	BAD("[\xc2\xa0]", 1),
	BAD("//x\n1", 0),
	BAD("1/**/", 1),

	BAD("[", 1),
	BAD("[1", 2),
	BAD("[1,", 3),
	BAD("[1,]", 3),
	BAD("[,1]", 1),
	BAD("[1 2]", 3),
	BAD("[1}", 2),
	BAD("]", 0),
	BAD("{", 1),
	BAD("}", 0),
	BAD("{\"1\":1,", 7),
	BAD("{\"1\":1,}", 7),
	BAD("{\"1\":1", 6),
	BAD("{\"1\":1]", 6),
	BAD("{\"1\":}", 5),
	BAD("{\"1\":", 5),
	BAD("{\"1\"}", 4),
	BAD("{\"1\" 1}", 5),
	BAD("{1:1}", 1),
	BAD("{a:1}", 1),
	BAD("{,}", 1),
	BAD("{\"a\":1 \"b\":2}", 7),
	BAD("{\"a\":1,,\"b\":2}", 7),

	/* Numbers. */
	OK("-0"),
	OK("-1"),
	OK("0.0"),
	OK("10.25e-3"),
	OK("1E+2"),
	OK("0e0"),
	OK("9999999999999999999999"),
	OK("123456789012345678901234567890123456789012345678901234567890123"),
	BAD("1234567890123456789012345678901234567890123456789012345678901234",
	    0),
	BAD("[1.23456789012345678901234567890123456789012345678901234567890e10"
	    "]",
	    1),
	OK("1.7976931348623157e308"),
	OK("-1.7976931348623158e+308"),
	OK("1.797693134862315807e308"),
	BAD("1.797693134862315808e308", 0),
	OK("179769313486231570000e288"),
	BAD("179769313486231590000e288", 0),
	OK("0.00000017976931348623157e315"),
	BAD("0.00000017976931348623159e315", 0),
	BAD("1e309", 0),
	BAD("1e400", 0),
	BAD("[-1e400]", 1),
	BAD("1e99999999999999999999", 0),
	OK("1e-400"),
	OK("1e-99999999999999999999"),
	OK("0e400"),
	OK("0.000e400"),
	OK("4.9e-324"),
	BAD("-", 1),
	BAD("- 1", 1),
	BAD("--1", 1),
	BAD("+1", 0),
	BAD("01", 1),
	BAD("-01", 2),
	BAD("1.", 2),
	BAD("1.e1", 2),
	BAD(".5", 0),
	BAD("1e", 2),
	BAD("1e+", 3),
	BAD("1e1.5", 3),
	BAD("0x10", 1),
	BAD("1_000", 1),
	BAD("1,5", 1),
	BAD("[1-2]", 2),

	/* Strings. */
	OK("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	OK("\"\\u0041\\u00e4\\uFFFF\\uffff\""),
	OK("\"\\ud83d\\ude00\""),
	OK("\"\\uD800\\uDC00 \\uDBFF\\uDFFF\""),
	OK("\"\\u0001\\u001f\\u007f\""),
	OK("\"\x7f\""),
	OK("\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\""),
	OK("\"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\""),
	OK("\"\xe2\x80\xa8\""),
	BAD("\"", 1),
	BAD("\"abc", 4),
	BAD("\"abcdefgh", 9),
	BAD("\"\\", 2),
	BAD("\"\\\"", 3),
	BAD("\"\\x41\"", 2),
	BAD("\"\\'\"", 2),
	BAD("\"\\0\"", 2),
	BAD("\"\\u\"", 3),
	BAD("\"\\uZZZZ\"", 3),
	BAD("\"\\u00g0\"", 5),
	BAD("\"\\u004", 6),
	BAD("\"\\u 041\"", 3),
	BAD("\"\\u+041\"", 3),
	BAD("\"\\U0041\"", 2),
	BAD("\"\\u0000\"", 3),
	BAD("{\"a\\u0000b\":1}", 5),
	BAD("\"\\ud800\"", 7),
	BAD("\"\\ud800x\"", 7),
	BAD("\"\\ud800\\n\"", 8),
	BAD("\"\\ud800\\u0041\"", 9),
	BAD("\"\\ud800\\ud800\"", 9),
	BAD("\"\\ud800\\u\"", 9),
	BAD("\"\\ud83d\\ude0", 12),
	BAD("\"\\udc00\"", 3),
	BAD("\"\\udfff\\ud800\"", 3),
	BAD("\"a\nb\"", 2),
	BAD("\"a\tb\"", 2),
	BAD("\"a\0b\"", 2),
	BAD("\"0123456789\x1f\"", 11),
	BAD("{\"a\x01\":1}", 3),
	BAD("\"\x80\"", 1),
	BAD("\"0123456789\xff\"", 11),
	BAD("\"\xc0\xaf\"", 1),
	BAD("\"\xc1\xbf\"", 1),
	BAD("\"\xc3\"", 1),
	BAD("\"\xc3", 1),
	BAD("\"\xe0\x9f\xbf\"", 1),
	BAD("\"\xe2\x82\"", 1),
	BAD("\"\xed\xa0\x80\"", 1),
	BAD("\"\xed\xbf\xbf\"", 1),
	BAD("\"\xf0\x8f\xbf\xbf\"", 1),
	BAD("\"\xf0\x9f\x98\"", 1),
	BAD("\"\xf4\x90\x80\x80\"", 1),
	BAD("\"\xf5\x80\x80\x80\"", 1),
	BAD("\"\xf8\x88\x80\x80\x80\"", 1),
	BAD("{\"\xe4\":1}", 2),
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static int
scan_exact(const char *text, size_t len, struct json_scan_result *result)
{
	char *copy = malloc(len + 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy + 1, text, len);
	rc = json_scan(copy + 1, len, &limits, result);
	free(copy);
	return rc;
}

static void
verdicts_follow_the_table(void **state)
{
	struct json_scan_result result;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < CASES; i++) {
		rc = scan_exact(cases[i].text, cases[i].len, &result);
		if (rc != cases[i].verdict)
			fail_msg("%s: got %d at %zu", cases[i].text, rc,
			    result.offset);
		if (rc == JSON_OK) {
			assert_null(result.error);
			assert_int_equal(result.offset, cases[i].len);
			continue;
		}
		assert_non_null(result.error);
		if (result.offset != cases[i].offset)
			fail_msg("%s: fault at %zu, want %zu", cases[i].text,
			    result.offset, cases[i].offset);
	}
}

/*
 * Only what could be more digits or white space may be missing from a text
 * that is taken for a whole one.
 */
static void
cut_texts_are_never_whole(void **state)
{
	struct json_scan_result result;
	const char *rest;
	size_t i, cut;

	(void)state;
	for (i = 0; i < CASES; i++) {
		for (cut = 0; cut < cases[i].len; cut++) {
			rest = cases[i].text + cut;
			if (scan_exact(cases[i].text, cut, &result) != JSON_OK)
				assert_true(result.offset <= cut);
			else if (cases[i].verdict == JSON_OK &&
				 strspn(rest, "0123456789.eE+- \t\r\n") !=
				     cases[i].len - cut)
				fail_msg("%s: accepted up to %zu",
				    cases[i].text, cut);
		}
	}
}

static bool
is_finite_tree(const cJSON *node)
{
	const cJSON *child;

	if (cJSON_IsNumber(node) && !isfinite(node->valuedouble))
		return false;
	cJSON_ArrayForEach(child, node)
	{
		if (!is_finite_tree(child))
			return false;
	}
	return true;
}

static void
accepted_texts_are_trees(void **state)
{
	cJSON *tree;
	size_t i;

	(void)state;
	for (i = 0; i < CASES; i++) {
		if (cases[i].verdict != JSON_OK)
			continue;
		tree = cJSON_ParseWithLength(cases[i].text, cases[i].len);
		if (tree == NULL)
			fail_msg("cJSON refuses %s", cases[i].text);
		assert_true(is_finite_tree(tree));
		cJSON_Delete(tree);
	}
}

/* `depth` times `open`, then as often `close` if that is not NULL. */
static char *
nested(size_t depth, const char *open, const char *close)
{
	size_t n = strlen(open);
	char *text = malloc(depth * (n + 2) + 2);
	size_t i;

	assert_non_null(text);
	for (i = 0; i < depth; i++)
		memcpy(text + i * n, open, n);
	text[depth * n] = '\0';
	if (close != NULL)
		memset(text + depth * n, *close, depth);
	text[depth * (n + (close != NULL))] = '\0';
	return text;
}

static void
check_depth(size_t limit, size_t depth, const char *open, const char *close,
    int want)
{
	struct json_limits with = limits;
	struct json_scan_result result;
	char *text = nested(depth, open, close);
	int rc;

	with.depth = limit;
	rc = json_scan(text, strlen(text), &with, &result);
	if (rc != want)
		fail_msg("%zu levels with a limit of %zu: got %d", depth, limit,
		    rc);
	if (rc == JSON_OK)
		assert_int_equal(result.depth, depth);
	free(text);
}

static void
depth_is_limited(void **state)
{
	(void)state;
	check_depth(1, 1, "[", "]", JSON_OK);
	check_depth(1, 2, "[", "]", JSON_TOO_DEEP);
	check_depth(64, 64, "[", "]", JSON_OK);
	check_depth(64, 65, "[", "]", JSON_TOO_DEEP);
	check_depth(1000, 1000, "[", "]", JSON_OK);
	check_depth(1000, 1001, "[", "]", JSON_TOO_DEEP);
	check_depth(1100, 1100, "[", NULL, JSON_TOO_DEEP);
	/* No limit goes beyond what cJSON and our stack can take. */
	check_depth(100000, 1000, "[", "]", JSON_OK);
	check_depth(100000, 1001, "[", "]", JSON_TOO_DEEP);
	check_depth(1000, 100000, "[", "]", JSON_TOO_DEEP);
	check_depth(1000, 5000000, "[", NULL, JSON_TOO_DEEP);
	check_depth(64, 65, "{\"a\":", NULL, JSON_TOO_DEEP);
	check_depth(64, 64, "{\"a\":", NULL, JSON_BAD_SYNTAX);
}

static void
deepest_accepted_text_is_a_tree(void **state)
{
	char *text = nested(JSON_DEPTH_MAX, "[", "]");
	cJSON *tree = cJSON_ParseWithLength(text, strlen(text));

	(void)state;
	assert_non_null(tree);
	cJSON_Delete(tree);
	free(text);
}

static void
nodes_are_counted(void **state)
{
	struct json_limits with = limits;
	struct json_scan_result result;
	const char *text = "{\"a\":[1,2,{}],\"b\":\"c\"}"; /* six */

	(void)state;
	with.nodes = 6;
	assert_int_equal(json_scan(text, strlen(text), &with, &result), 0);
	assert_int_equal(result.nodes, 6);
	assert_int_equal(result.depth, 3);
	with.nodes = 5;
	assert_int_equal(json_scan(text, strlen(text), &with, &result),
	    JSON_TOO_MANY_NODES);
	assert_int_equal(result.offset, strlen(text) - 4);
}

static void
ten_megabytes_of_zeros_are_refused_early(void **state)
{
	struct json_scan_result result;
	size_t len = 10 * 1000 * 1000;
	char *text = malloc(len);
	size_t i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < len; i++)
		text[i] = i % 2 ? '0' : ',';
	text[0] = '[';
	assert_int_equal(json_scan(text, len, &limits, &result),
	    JSON_TOO_MANY_NODES);
	assert_int_equal(result.nodes, limits.nodes);
	assert_true(result.offset < 200001);
	free(text);
}

static void
members_are_counted_for_each_object(void **state)
{
	struct json_limits with = limits;
	struct json_scan_result result;
	const char *text = "{\"a\":{\"b\":1,\"c\":2},\"d\":{\"e\":{}}}";

	(void)state;
	with.members = 2;
	assert_int_equal(json_scan(text, strlen(text), &with, &result), 0);
	with.members = 1;
	assert_int_equal(json_scan(text, strlen(text), &with, &result),
	    JSON_TOO_MANY_MEMBERS);
	assert_int_equal(result.offset, 12);
	/* Elements of an array are no members. */
	text = "[1,2,3,{\"a\":[1,2,3]},{\"a\":1}]";
	assert_int_equal(json_scan(text, strlen(text), &with, &result), 0);
}

static void
a_million_keys_are_refused_early(void **state)
{
	struct json_limits with = limits;
	struct json_scan_result result;
	size_t i, len = 1;
	char *text = malloc(12 * 1000 * 1000);

	(void)state;
	assert_non_null(text);
	text[0] = '{';
	for (i = 0; i < 1000 * 1000; i++)
		len += (size_t)sprintf(text + len, "\"%zu\":0,", i);
	with.nodes = 10 * 1000 * 1000;
	assert_int_equal(json_scan(text, len, &with, &result),
	    JSON_TOO_MANY_MEMBERS);
	assert_int_equal(result.nodes, 1001);
	free(text);
}

/* Long numbers and strings: one pass, whatever they hold. */
static void
long_tokens_are_one_pass(void **state)
{
	struct json_scan_result result;
	size_t len = 10 * 1000 * 1000;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, '9', len);
	assert_int_equal(json_scan(text, len, &limits, &result),
	    JSON_BAD_SYNTAX);
	assert_int_equal(result.offset, 0);
	memset(text, 'x', len);
	text[0] = '"';
	assert_int_equal(json_scan(text, len, &limits, &result),
	    JSON_BAD_SYNTAX);
	assert_int_equal(result.offset, len);
	text[len - 1] = '"';
	assert_int_equal(json_scan(text, len, &limits, &result), JSON_OK);
	free(text);
}

/* Each byte value at each place of a string longer than two words. */
static void
strings_are_checked_at_every_place(void **state)
{
	char text[] = "\"0123456789abcdef0123456789\"";
	struct json_scan_result result;
	size_t i;
	int c, want;

	(void)state;
	for (i = 1; i < sizeof(text) - 2; i++) {
		for (c = 0; c < 256; c++) {
			if (c == '"' || c == '\\')
				continue;
			text[i] = (char)c;
			want =
			    c < 0x20 || c >= 0x80 ? JSON_BAD_SYNTAX : JSON_OK;
			assert_int_equal(
			    scan_exact(text, sizeof(text) - 1, &result), want);
			if (want != JSON_OK)
				assert_int_equal(result.offset, i);
		}
		text[i] = 'x';
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_follow_the_table),
		cmocka_unit_test(cut_texts_are_never_whole),
		cmocka_unit_test(accepted_texts_are_trees),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(deepest_accepted_text_is_a_tree),
		cmocka_unit_test(nodes_are_counted),
		cmocka_unit_test(ten_megabytes_of_zeros_are_refused_early),
		cmocka_unit_test(members_are_counted_for_each_object),
		cmocka_unit_test(a_million_keys_are_refused_early),
		cmocka_unit_test(long_tokens_are_one_pass),
		cmocka_unit_test(strings_are_checked_at_every_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
