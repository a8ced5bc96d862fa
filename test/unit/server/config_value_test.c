/* SPDX-License-Identifier: MIT */

/*
 * Every type of setting: what it takes as text and as literal, what it
 * refuses in which words, and that what is printed reads back the same.
 */
#include "server/config_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/cpus.h"

/* Rows of our own, one per type, so that the tables may change. */
static const struct config_row rows[] = {
	[OPT_TEXT] = { "t", CONFIG_SERVER, OPT_TEXT, "abc", 1, 8, OPT_RELOAD,
	    "--t", "", 0 },
	[OPT_PATH] = { "p", CONFIG_SERVER, OPT_PATH, "", 0, 16, OPT_RELOAD,
	    "--p", "", 0 },
	[OPT_INT] = { "i", CONFIG_SERVER, OPT_INT, "5", 1, 256, OPT_RELOAD,
	    "--i", "", 0 },
	[OPT_BOOL] = { "b", CONFIG_SERVER, OPT_BOOL, "False", 0, 1, OPT_RELOAD,
	    "--b", "", 0 },
	[OPT_SECONDS] = { "s", CONFIG_SERVER, OPT_SECONDS, "0.25", 0, 7200,
	    OPT_RELOAD, "--s", "", 0 },
	[OPT_BYTES] = { "y", CONFIG_SERVER, OPT_BYTES, "8KiB", 512, 4294967296,
	    OPT_RELOAD, "--y", "", 0 },
	[OPT_LEVEL] = { "l", CONFIG_SERVER, OPT_LEVEL, "info", 0, 4, OPT_RELOAD,
	    "--l", "", 0 },
	[OPT_WORKERS] = { "w", CONFIG_SERVER, OPT_WORKERS, "1", 1, 256,
	    OPT_RELOAD, "--w", "", 0 },
	[OPT_MODE] = { "m", CONFIG_SERVER, OPT_MODE, "600", 0, 511, OPT_RELOAD,
	    "--m", "", 0 },
	[OPT_LIST] = { "x", CONFIG_SERVER, OPT_LIST, "a, b", 1, 3, OPT_RELOAD,
	    "--x", "", 0 },
};

union field {
	const char *text;
	int64_t whole;
	double number;
	int small;
	bool truth;
	struct opt_list list;
};

/* `input` as text or, with `literal`, as Python; prints value or reason. */
static int
convert(enum opt_type type, const char *input, bool literal, struct buf *out)
{
	const struct config_row *row = &rows[type];
	union field field;
	struct literal *value = NULL;
	struct arena arena;
	struct literal_source source = {
		.name = "f",
		.text = input,
		.len = strlen(input),
		.arena = &arena,
		.why = out,
	};
	int rc;

	memset(&field, 0, sizeof(field));
	arena_init(&arena, 0);
	buf_clear(out);
	if (literal) {
		rc = literal_source_check(&source);
		if (rc == 0)
			rc = literal_parse(&source, &value);
		if (rc == 0)
			rc = config_value_from_literal(row, value, &arena,
			    &field, out);
	} else {
		rc = config_value_from_texts(row, &input, 1, &arena, &field,
		    out);
	}
	if (rc == 0)
		config_value_print(row, &field, out);
	arena_free(&arena);
	return rc;
}

struct good {
	enum opt_type type;
	const char *input;
	const char *printed;
};

static const struct good good_texts[] = {
	{ OPT_TEXT, "x", "\"x\"" },
	{ OPT_TEXT, "a\"b\\c", "\"a\\\"b\\\\c\"" },
	{ OPT_TEXT,
	    "gr\xC3\xBC\xC3\x9F"
	    "e",
	    "\"gr\xC3\xBC\xC3\x9F"
	    "e\"" },
	{ OPT_PATH, "", "\"\"" },
	{ OPT_INT, "256", "256" },
	{ OPT_INT, "0x10", "16" },
	{ OPT_INT, "+1_00", "100" },
	{ OPT_INT, "0b11", "3" },
	{ OPT_BOOL, "true", "True" },
	{ OPT_BOOL, "FALSE", "False" },
	{ OPT_SECONDS, "0", "0" },
	{ OPT_SECONDS, "1.5", "1.5" },
	{ OPT_SECONDS, "250ms", "0.25" },
	{ OPT_SECONDS, "90s", "90" },
	{ OPT_SECONDS, "15m", "900" },
	{ OPT_SECONDS, "2h", "7200" },
	{ OPT_SECONDS, "0.1", "0.1" },
	{ OPT_SECONDS, "1ms", "0.001" },
	{ OPT_SECONDS, "1e2", "100" },
	{ OPT_SECONDS, "0.5 h", "1800" },
	{ OPT_BYTES, "512", "512" },
	{ OPT_BYTES, "4096", "\"4KiB\"" },
	{ OPT_BYTES, "8KiB", "\"8KiB\"" },
	{ OPT_BYTES, "8k", "\"8KiB\"" },
	{ OPT_BYTES, "8K", "\"8KiB\"" },
	{ OPT_BYTES, "2M", "\"2MiB\"" },
	{ OPT_BYTES, "2 MiB", "\"2MiB\"" },
	{ OPT_BYTES, "1GiB", "\"1GiB\"" },
	{ OPT_BYTES, "4G", "\"4GiB\"" },
	{ OPT_BYTES, "1025", "1025" },
	{ OPT_LEVEL, "Warning", "\"warning\"" },
	{ OPT_WORKERS, "3", "3" },
	{ OPT_MODE, "640", "0o640" },
	{ OPT_MODE, "0o22", "0o22" },
	{ OPT_MODE, "0077", "0o77" },
	{ OPT_LIST, "a", "[\"a\"]" },
	{ OPT_LIST, " a , b,c ", "[\"a\", \"b\", \"c\"]" },
	{ OPT_LIST, "a,,b,", "[\"a\", \"b\"]" },
};

struct bad {
	enum opt_type type;
	const char *input;
	int rc;
	const char *why;
};

#define NOT_SECONDS                                                   \
	"not a duration such as 1.5, 250ms, 90s, 15m or 2h; must be " \
	"0..7200 seconds"
#define NOT_BYTES                                                          \
	"not a number of bytes such as 4096, 8KiB, 2MiB or 1GiB; must be " \
	"512..4GiB"

static const struct bad bad_texts[] = {
	{ OPT_TEXT, "", ERR_RANGE, "must be 1..8 bytes long" },
	{ OPT_TEXT, "123456789", ERR_RANGE, "must be 1..8 bytes long" },
	{ OPT_TEXT, "a\nb", ERR_SYNTAX, "holds a control character" },
	{ OPT_TEXT, "\xFF", ERR_SYNTAX, "not UTF-8" },
	{ OPT_INT, "0", ERR_RANGE, "must be 1..256" },
	{ OPT_INT, "-5", ERR_RANGE, "must be 1..256" },
	{ OPT_INT, "257", ERR_RANGE, "must be 1..256" },
	{ OPT_INT, "99999999999999999999", ERR_RANGE, "must be 1..256" },
	{ OPT_INT, "", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_INT, "1.0", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_INT, "010", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_INT, "1__0", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_INT, "1_", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_INT, "0x", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_INT, "5s", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_BOOL, "yes", ERR_SYNTAX, "must be True or False" },
	{ OPT_SECONDS, "7201", ERR_RANGE, "must be 0..7200 seconds" },
	{ OPT_SECONDS, "-1", ERR_RANGE, "must be 0..7200 seconds" },
	{ OPT_SECONDS, "-0.1", ERR_RANGE, "must be 0..7200 seconds" },
	{ OPT_SECONDS, "3h", ERR_RANGE, "must be 0..7200 seconds" },
	{ OPT_SECONDS, "2MiB", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "2k", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "inf", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "nan", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "1.2.3", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "1e", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "s", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "", ERR_SYNTAX, NOT_SECONDS },
	{ OPT_SECONDS, "1e999", ERR_RANGE, "must be 0..7200 seconds" },
	{ OPT_BYTES, "511", ERR_RANGE, "must be 512..4GiB" },
	{ OPT_BYTES, "5GiB", ERR_RANGE, "must be 512..4GiB" },
	{ OPT_BYTES, "9223372036854775807G", ERR_RANGE, "must be 512..4GiB" },
	{ OPT_BYTES, "2s", ERR_SYNTAX, NOT_BYTES },
	{ OPT_BYTES, "2MB", ERR_SYNTAX, NOT_BYTES },
	{ OPT_BYTES, "1.5MiB", ERR_SYNTAX, NOT_BYTES },
	{ OPT_BYTES, "KiB", ERR_SYNTAX, NOT_BYTES },
	{ OPT_LEVEL, "loud", ERR_SYNTAX,
	    "must be debug, info, warning, error or critical" },
	{ OPT_WORKERS, "Auto", ERR_SYNTAX,
	    "not a whole number; must be 1..256 or auto" },
	{ OPT_WORKERS, "0", ERR_RANGE, "must be 1..256 or auto" },
	{ OPT_LIST, "", ERR_RANGE, "must be 1..3 items" },
	{ OPT_LIST, ",", ERR_RANGE, "must be 1..3 items" },
	{ OPT_LIST, "a,b,c,d", ERR_RANGE, "must be 1..3 items" },
};

static const struct good good_literals[] = {
	{ OPT_TEXT, "'x'", "\"x\"" },
	{ OPT_TEXT, "None", "\"abc\"" }, /* the default: not empty */
	{ OPT_PATH, "None", "\"\"" },
	{ OPT_INT, "1_0", "10" },
	{ OPT_INT, "'4'", "4" },
	{ OPT_BOOL, "True", "True" },
	{ OPT_BOOL, "'false'", "False" },
	{ OPT_SECONDS, "3", "3" },
	{ OPT_SECONDS, "2.5", "2.5" },
	{ OPT_SECONDS, "'15m'", "900" },
	{ OPT_BYTES, "8192", "\"8KiB\"" },
	{ OPT_BYTES, "'2MiB'", "\"2MiB\"" },
	{ OPT_LEVEL, "'DEBUG'", "\"debug\"" },
	{ OPT_WORKERS, "4", "4" },
	{ OPT_LIST, "'a,b'", "[\"a\", \"b\"]" },
	{ OPT_LIST, "['a,b', \"c\"]", "[\"a,b\", \"c\"]" },
	{ OPT_LIST, "('a',)", "[\"a\"]" },
	{ OPT_LIST, "'a', 'b'", "[\"a\", \"b\"]" },
	{ OPT_LIST, "None", "[\"a\", \"b\"]" },
};

static const struct bad bad_literals[] = {
	{ OPT_TEXT, "3", ERR_SYNTAX,
	    "not a text in quotes; must be 1..8 bytes long" },
	{ OPT_TEXT, "['a']", ERR_SYNTAX,
	    "not a text in quotes; must be 1..8 bytes long" },
	{ OPT_INT, "None", ERR_SYNTAX,
	    "None is not a value here; must be 1..256" },
	{ OPT_INT, "True", ERR_SYNTAX, "must be 1..256" },
	{ OPT_INT, "[1]", ERR_SYNTAX,
	    "a list is not a value here; must be 1..256" },
	{ OPT_INT, "{}", ERR_SYNTAX,
	    "a dict is not a value here; must be 1..256" },
	{ OPT_INT, "2.0", ERR_SYNTAX, "not a whole number; must be 1..256" },
	{ OPT_INT, "0", ERR_RANGE, "must be 1..256" },
	{ OPT_BOOL, "1", ERR_SYNTAX, "must be True or False" },
	{ OPT_SECONDS, "-0.5", ERR_RANGE, "must be 0..7200 seconds" },
	{ OPT_BYTES, "1e3", ERR_SYNTAX,
	    "not a whole number; must be 512..4GiB" },
	{ OPT_LEVEL, "10", ERR_SYNTAX,
	    "must be debug, info, warning, error or critical" },
	{ OPT_LIST, "['a', 1]", ERR_SYNTAX,
	    "every item is a text in quotes; must be 1..3 items" },
	{ OPT_LIST, "[['a']]", ERR_SYNTAX,
	    "every item is a text in quotes; must be 1..3 items" },
	{ OPT_LIST, "[]", ERR_RANGE, "must be 1..3 items" },
};

static void
check_goods(const struct good *goods, size_t count, bool literal)
{
	struct buf out = BUF_EMPTY;
	struct buf again = BUF_EMPTY;
	size_t i;

	for (i = 0; i < count; i++) {
		if (convert(goods[i].type, goods[i].input, literal, &out) < 0)
			fail_msg("%s: %s", goods[i].input, buf_cstr(&out));
		assert_string_equal(goods[i].printed, buf_cstr(&out));
		/* What is printed stands in a file and means the same. */
		assert_int_equal(0,
		    convert(goods[i].type, goods[i].printed, true, &again));
		assert_string_equal(goods[i].printed, buf_cstr(&again));
	}
	buf_free(&out);
	buf_free(&again);
}

static void
check_bads(const struct bad *bads, size_t count, bool literal)
{
	struct buf out = BUF_EMPTY;
	size_t i;

	for (i = 0; i < count; i++) {
		int rc = convert(bads[i].type, bads[i].input, literal, &out);

		if (rc != bads[i].rc)
			fail_msg("%s: %d %s", bads[i].input, rc,
			    buf_cstr(&out));
		assert_string_equal(bads[i].why, buf_cstr(&out));
	}
	buf_free(&out);
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void
test_reads_texts(void **state)
{
	(void)state;
	check_goods(good_texts, COUNT(good_texts), false);
}

static void
test_refuses_texts(void **state)
{
	(void)state;
	check_bads(bad_texts, COUNT(bad_texts), false);
}

static void
test_reads_literals(void **state)
{
	(void)state;
	check_goods(good_literals, COUNT(good_literals), true);
}

static void
test_refuses_literals(void **state)
{
	(void)state;
	check_bads(bad_literals, COUNT(bad_literals), true);
}

static void
test_auto_is_the_cpus(void **state)
{
	struct buf out = BUF_EMPTY;
	char expected[16];

	(void)state;
	(void)snprintf(expected, sizeof(expected), "%d", cpus_usable());
	assert_int_equal(0, convert(OPT_WORKERS, "auto", false, &out));
	assert_string_equal(expected, buf_cstr(&out));
	assert_int_equal(0, convert(OPT_WORKERS, "\"auto\"", true, &out));
	assert_string_equal(expected, buf_cstr(&out));
	buf_free(&out);
}

static void
test_copies_and_compares(void **state)
{
	static const char *const inputs[][2] = {
		[OPT_TEXT] = { "one", "two" },
		[OPT_PATH] = { "", "x" },
		[OPT_INT] = { "1", "2" },
		[OPT_BOOL] = { "true", "false" },
		[OPT_SECONDS] = { "0.1", "0.10000000000000002" },
		[OPT_BYTES] = { "1024", "1025" },
		[OPT_LEVEL] = { "info", "debug" },
		[OPT_WORKERS] = { "1", "2" },
		[OPT_MODE] = { "600", "640" },
		[OPT_LIST] = { "a,b", "a" },
	};
	struct buf why = BUF_EMPTY;
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, 0);
	for (i = 0; i < COUNT(inputs); i++) {
		union field a;
		union field b;
		union field copy;

		memset(&a, 0, sizeof(a));
		memset(&b, 0, sizeof(b));
		memset(&copy, 0, sizeof(copy));
		assert_int_equal(0, config_value_from_texts(&rows[i],
					&inputs[i][0], 1, &arena, &a, &why));
		assert_int_equal(0, config_value_from_texts(&rows[i],
					&inputs[i][1], 1, &arena, &b, &why));
		assert_false(config_value_equal(&rows[i], &a, &b));
		assert_int_equal(0,
		    config_value_copy(&rows[i], &a, &arena, &copy));
		assert_true(config_value_equal(&rows[i], &a, &copy));
	}
	arena_free(&arena);
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_texts),
		cmocka_unit_test(test_refuses_texts),
		cmocka_unit_test(test_reads_literals),
		cmocka_unit_test(test_refuses_literals),
		cmocka_unit_test(test_auto_is_the_cpus),
		cmocka_unit_test(test_copies_and_compares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
