/* SPDX-License-Identifier: MIT */

/* Moments as texts and back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>
#undef fail /* a member of the table of host functions */

#include "worker/host_data.h"

static void
known_moments(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00" },
		{ 951782400, "2000-02-29T00:00:00" },
		{ 1795822420.125, "2026-11-27T23:33:40.125" },
		{ -1, "1969-12-31T23:59:59" },
		{ -0.5, "1969-12-31T23:59:59.500" },
		{ 253402300799, "9999-12-31T23:59:59" },
	};
	char text[MOMENT_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		moment_print(cases[i].seconds, text);
		assert_string_equal(text, cases[i].text);
		assert_true(moment_parse(text) == cases[i].seconds);
	}
}

/* As the C library has them, over some centuries. */
static void
same_as_the_c_library(void **state)
{
	char text[MOMENT_TEXT];
	char want[MOMENT_TEXT];
	struct tm tm;
	time_t at;

	(void)state;
	for (at = -6000000000; at < 12000000000; at += 86399 * 7) {
		gmtime_r(&at, &tm);
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm);
		moment_print((double)at, text);
		assert_string_equal(text, want);
		assert_true(moment_parse(text) == (double)at);
	}
}

static void
forms_of_texts(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} cases[] = {
		{ "1970-01-02", 86400 },
		{ "1970-01-01 00:01", 60 },
		{ "1970-01-01T01:00:00Z", 3600 },
		{ "1970-01-01T01:00:00+01:00", 0 },
		{ "1970-01-01T00:00:00-0530", 19800 },
		{ "1970-01-01T00:00:00.25Z", 0.25 },
		{ "", NAN },
		{ "1970", NAN },
		{ "1970-13-01", NAN },
		{ "1970-02-29", NAN },
		{ "1972-02-29", 68169600 },
		{ "1970-01-01x", NAN },
		{ "1970-01-01T24:00", NAN },
		{ "1970-01-01T00:00:00+99:00", NAN },
		{ "1970-01-01T00:00:00Zz", NAN },
	};
	double got;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = moment_parse(cases[i].text);
		if (isnan(cases[i].seconds))
			assert_true(isnan(got));
		else
			assert_true(got == cases[i].seconds);
	}
}

static void
what_is_no_moment(void **state)
{
	char text[MOMENT_TEXT];

	(void)state;
	moment_print(NAN, text);
	assert_string_equal(text, "");
	moment_print(INFINITY, text);
	assert_string_equal(text, "");
	moment_print(1e15, text);
	assert_string_equal(text, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_moments),
		cmocka_unit_test(same_as_the_c_library),
		cmocka_unit_test(forms_of_texts),
		cmocka_unit_test(what_is_no_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
