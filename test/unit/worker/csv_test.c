/* SPDX-License-Identifier: MIT */

/* CSV: records as programs write them, and the types of their fields. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "worker/csv.h"

/* All records as text: fields in <>, records ended by /. */
static void
check_records(const char *text, char separator, const char *want)
{
	struct csv csv;
	struct buf got = BUF_EMPTY;
	size_t i;
	int rc;

	csv_init(&csv, text, strlen(text), separator);
	while ((rc = csv_next(&csv)) == 1) {
		for (i = 0; i < csv.count; i++)
			buf_printf(&got, "<%.*s>", (int)csv.fields[i].len,
			    csv.fields[i].text);
		buf_putc(&got, '/');
	}
	if (rc < 0)
		buf_printf(&got, "!%s at %d", csv.why, (int)csv.line);
	buf_puts(&got, "");
	assert_string_equal(got.len > 0 ? buf_cstr(&got) : "", want);
	buf_free(&got);
	csv_free(&csv);
}

static void
records_are_read(void **state)
{
	(void)state;
	check_records("", 0, "");
	check_records("a,b\n1,2\n", 0, "<a><b>/<1><2>/");
	check_records("a,b\r\n1,2", 0, "<a><b>/<1><2>/");
	check_records("a,b\r1,2\r", 0, "<a><b>/<1><2>/");
	check_records("\xef\xbb\xbf"
		      "a\n\n\nb\n",
	    0, "<a>/<b>/");
	check_records(",\n", 0, "<><>/");
	check_records("a,\"x,\"\"y\"\"\nz\",c\n", 0, "<a><x,\"y\"\nz><c>/");
	check_records("\"\"\"\"\n", 0, "<\">/");
	check_records("\"\",\"a\"\"\",\"\"\"\"\"\"\n", ',', "<><a\"><\"\">/");
	check_records("a;b,c;d\n1;2;3\n", 0, "<a><b,c><d>/<1><2><3>/");
	check_records("a\tb\n", 0, "<a><b>/");
	check_records("\"a,b,c\"|d\n", 0, "<a,b,c><d>/");
	check_records("a,b\n", ';', "<a,b>/");
}

static void
mistakes_are_named(void **state)
{
	(void)state;
	check_records("a\n\"b", 0, "<a>/!a quote is not closed at 2");
	check_records("a\n\n\"b\"c\n", 0,
	    "<a>/!text follows a closing quote at 3");
	check_records("\"a\nb\",c\n\"d", 0,
	    "<a\nb><c>/!a quote is not closed at 3");
}

static void
too_many_fields_are_refused(void **state)
{
	struct csv csv;
	size_t len = CSV_FIELDS_MAX + 10;
	char *text = malloc(len);

	(void)state;
	memset(text, ',', len);
	csv_init(&csv, text, len, ',');
	assert_int_equal(csv_next(&csv), ERR_TOO_BIG);
	csv_free(&csv);
	free(text);
}

static void
types_are_found(void **state)
{
	static const struct {
		const char *text;
		bool quoted;
		enum csv_type type;
	} cases[] = {
		{ "", false, CSV_EMPTY },
		{ "", true, CSV_TEXT },
		{ "NA", false, CSV_EMPTY },
		{ "NA", true, CSV_TEXT },
		{ "0", false, CSV_INTEGER },
		{ "-12", false, CSV_INTEGER },
		{ "+12", false, CSV_INTEGER },
		{ "007", false, CSV_TEXT },
		{ "0.5", false, CSV_NUMBER },
		{ ".5", false, CSV_NUMBER },
		{ "5.", false, CSV_NUMBER },
		{ ".", false, CSV_TEXT },
		{ "-", false, CSV_TEXT },
		{ "1e5", false, CSV_NUMBER },
		{ "1e", false, CSV_TEXT },
		{ "1e+", false, CSV_TEXT },
		{ "1x", false, CSV_TEXT },
		{ "0x10", false, CSV_TEXT },
		{ "1 2", false, CSV_TEXT },
		{ "inf", false, CSV_TEXT },
		{ "9007199254740992", false, CSV_INTEGER },
		{ "-9007199254740992", false, CSV_INTEGER },
		{ "9007199254740993", false, CSV_LONG },
		{ "+9007199254740993", false, CSV_LONG },
		{ "9223372036854775807", false, CSV_LONG },
		{ "9223372036854775808", false, CSV_TEXT },
		{ "-9223372036854775808", false, CSV_LONG },
		{ "-9223372036854775809", false, CSV_TEXT },
		{ "12345678901234567890", false, CSV_TEXT },
		{ "99999999999999999999999", false, CSV_TEXT },
		{ "12345678901234567890.5", false, CSV_NUMBER },
		{ "12345678901234567890e0", false, CSV_NUMBER },
		{ "2026-11-27", false, CSV_TEXT },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct csv_field field = { cases[i].text, strlen(cases[i].text),
			cases[i].quoted };

		if (csv_widen(CSV_EMPTY, &field, '.') != cases[i].type)
			fail_msg("\"%s\" is %d", cases[i].text,
			    csv_widen(CSV_EMPTY, &field, '.'));
	}
}

/* A column is as wide as its widest field. */
static void
columns_widen(void **state)
{
	struct csv_field one = { "1", 1, false };
	struct csv_field half = { "0,5", 3, false };
	struct csv_field word = { "x", 1, false };
	struct csv_field large = { "-9223372036854775808", 20, false };
	struct csv_field missing = { "", 0, false };

	(void)state;
	assert_int_equal(csv_widen(CSV_NUMBER, &one, '.'), CSV_NUMBER);
	assert_int_equal(csv_widen(CSV_INTEGER, &half, ','), CSV_NUMBER);
	assert_int_equal(csv_widen(CSV_INTEGER, &half, '.'), CSV_TEXT);
	assert_int_equal(csv_widen(CSV_NUMBER, &word, '.'), CSV_TEXT);
	assert_int_equal(csv_widen(CSV_TEXT, &one, '.'), CSV_TEXT);
	assert_int_equal(csv_widen(CSV_INTEGER, &large, '.'), CSV_LONG);
	assert_int_equal(csv_widen(CSV_LONG, &one, '.'), CSV_LONG);
	assert_int_equal(csv_widen(CSV_LONG, &missing, '.'), CSV_LONG);
	assert_int_equal(csv_widen(CSV_LONG, &half, ','), CSV_TEXT);
	assert_int_equal(csv_widen(CSV_NUMBER, &large, '.'), CSV_TEXT);
	assert_true(csv_integer(&large) == INT64_MIN);
}

/* Every number is read as strtod() reads it, to the last bit. */
static void
numbers_are_exact(void **state)
{
	static const char *const texts[] = { "0", "-0.0", "0.1", "1e300",
		"123456.789", "-2.5e-7", "0.30000000000000004",
		"123456789012345678", "9007199254740993",
		"1.7976931348623157e308", "4.9e-324", "100000000000000.5",
		"999999999999999", "0.000000000000000000000000000001" };
	struct csv_field field = { NULL, 0, false };
	char text[64];
	double got;
	double want;
	size_t i;
	int n;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		field.text = texts[i];
		field.len = strlen(texts[i]);
		got = csv_number(&field, '.');
		want = strtod(texts[i], NULL);
		assert_memory_equal(&got, &want, sizeof(got));
	}
	srand(7);
	for (n = 0; n < 100000; n++) {
		(void)snprintf(text, sizeof(text), "%.*f", rand() % 12,
		    (rand() - RAND_MAX / 2) / (double)(1 + rand() % 10000));
		field.text = text;
		field.len = strlen(text);
		got = csv_number(&field, '.');
		want = strtod(text, NULL);
		assert_memory_equal(&got, &want, sizeof(got));
	}
	field.text = "-1,25";
	field.len = 5;
	assert_true(csv_number(&field, ',') == -1.25);
	field.text = "-42";
	field.len = 3;
	assert_int_equal(csv_integer(&field), -42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(too_many_fields_are_refused),
		cmocka_unit_test(types_are_found),
		cmocka_unit_test(columns_widen),
		cmocka_unit_test(numbers_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
