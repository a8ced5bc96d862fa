/* SPDX-License-Identifier: MIT */

/* What a filter sees in a cell: numbers, dates, capitals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "worker/cell_text.h"

static void
numbers_are_found(void **state)
{
	static const struct {
		const char *text;
		uint8_t kind; /* VALUE_NULL: none */
		int64_t integer;
		double number;
	} cases[] = {
		{ "5", VALUE_INT, 5, 0 },
		{ " 015\n", VALUE_INT, 15, 0 },
		{ "-3", VALUE_INT, -3, 0 },
		{ "9223372036854775807", VALUE_INT, INT64_MAX, 0 },
		{ "-9223372036854775808", VALUE_INT, INT64_MIN, 0 },
		{ "9223372036854775808", VALUE_DOUBLE, 0,
		    9223372036854775808.0 },
		{ "5.", VALUE_DOUBLE, 0, 5 },
		{ ".5", VALUE_DOUBLE, 0, .5 },
		{ "1e3", VALUE_DOUBLE, 0, 1000 },
		{ "1e999", VALUE_NULL, 0, 0 },
		{ "", VALUE_NULL, 0, 0 },
		{ " ", VALUE_NULL, 0, 0 },
		{ "-", VALUE_NULL, 0, 0 },
		{ ".", VALUE_NULL, 0, 0 },
		{ "e", VALUE_NULL, 0, 0 },
		{ "1 2", VALUE_NULL, 0, 0 },
		{ "1x", VALUE_NULL, 0, 0 },
		{ "0x10", VALUE_NULL, 0, 0 },
		{ "inf", VALUE_NULL, 0, 0 },
		{ "2026-01", VALUE_NULL, 0, 0 },
	};
	struct value value;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&value, 0, sizeof(value));
		if (cell_number(cases[i].text, strlen(cases[i].text), &value) !=
			(cases[i].kind != VALUE_NULL) ||
		    value.kind != cases[i].kind)
			fail_msg("\"%s\" is %d", cases[i].text, value.kind);
		if (value.kind == VALUE_INT)
			assert_true(value.u.integer == cases[i].integer);
		else if (value.kind == VALUE_DOUBLE)
			assert_true(value.u.number == cases[i].number);
	}
}

static void
dates_are_found(void **state)
{
	static const struct {
		const char *text;
		const char *date; /* NULL: none */
	} cases[] = {
		{ "2026", "2026" },
		{ "-0044", "-0044" },
		{ "2026-1", "2026-01" },
		{ "2026-01-5", "2026-01-05" },
		{ " 2026-01-05 ", "2026-01-05" },
		{ "2026-01-05T7", "2026-01-05 07" },
		{ "2026-01-05 10:30", "2026-01-05 10:30" },
		{ "2026-01-05 10:30Z", "2026-01-05 10:30" },
		{ "2026-01-05 10:30:07+0100", "2026-01-05 10:30:07" },
		{ "2026-01-05t10:30:07.25-01:00", "2026-01-05 10:30:07.25" },
		{ "2026-01-05 10:30:07.1234567890123",
		    "2026-01-05 10:30:07.123456789" },
		{ "2024-02-29", "2024-02-29" },
		{ "2023-02-29", NULL },
		{ "1900-02-29", NULL },
		{ "2000-02-29", "2000-02-29" },
		{ "2026-13", NULL },
		{ "2026-0", NULL },
		{ "2026-04-31", NULL },
		{ "2026-01-05 24", NULL },
		{ "2026-01-05 10:60", NULL },
		{ "2026-01-05 10:3", NULL },
		{ "2026-01-05 10:30:61", NULL },
		{ "2026-01-05 10Z", NULL },
		{ "2026-", NULL },
		{ "202", NULL },
		{ "20261", NULL },
		{ "5", NULL },
		{ "", NULL },
		{ "-26", NULL },
		{ "today", NULL },
	};
	char date[CELL_DATE];
	bool found;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		found = cell_date(cases[i].text, strlen(cases[i].text), date);
		if (found != (cases[i].date != NULL))
			fail_msg("\"%s\": %d", cases[i].text, found);
		if (found)
			assert_string_equal(date, cases[i].date);
	}
	/* NUL is a character like others. */
	assert_false(cell_date("2026\00001", 7, date));
}

/* Two digits are the year that lies from 70 back up to 29 ahead. */
static void
short_years_are_near(void **state)
{
	char date[CELL_DATE];
	char want[CELL_DATE];
	char text[8];
	time_t now = time(NULL);
	int first = gmtime(&now)->tm_year + 1900 - 70;
	int year;

	(void)state;
	for (year = first; year < first + 100; year++) {
		(void)snprintf(text, sizeof(text), "%02d", year % 100);
		(void)snprintf(want, sizeof(want), "%d", year);
		assert_true(cell_date(text, 2, date));
		assert_string_equal(date, want);
	}
}

static void
letters_become_capitals(void **state)
{
	static const struct {
		const char *text;
		const char *upper;
	} cases[] = {
		{ "", "" },
		{ "aZ19[`{~", "AZ19[`{~" },
		{ "\303\251\303\277\303\267", "\303\211\305\270\303\267" },
		{ "Stra\303\237e", "STRASSE" },
		{ "\316\261\316\254\317\202", "\316\221\316\206\316\243" },
		{ "\320\266\321\221", "\320\226\320\201" },
		{ "\325\241\326\207", "\324\261\324\265\325\222" },
		{ "\341\203\220", "\341\262\220" },
		{ "\305\277\304\261", "SI" },
		{ "\360\220\220\250", "\360\220\220\200" },
		{ "\357\254\203x", "FFIX" },
		{ "a\377b\303", "A\377B\303" },
	};
	struct buf out = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		assert_int_equal(
		    cell_upper(cases[i].text, strlen(cases[i].text), &out), 0);
		assert_string_equal(out.len > 0 ? buf_cstr(&out) : "",
		    cases[i].upper);
	}
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_found),
		cmocka_unit_test(dates_are_found),
		cmocka_unit_test(short_years_are_near),
		cmocka_unit_test(letters_become_capitals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
