/* SPDX-License-Identifier: MIT */

/* Ranges, dates, tags and codings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/static_select.h"

static struct http_span
span(const char *text)
{
	struct http_span made = { text, strlen(text) };

	return made;
}

static void
ranges(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		enum static_range want;
		size_t first;
		size_t count;
	} cases[] = {
		{ "bytes=0-0", 10, STATIC_PART, 0, 1 },
		{ "bytes=3-", 10, STATIC_PART, 3, 7 },
		{ "bytes=-3", 10, STATIC_PART, 7, 3 },
		{ "bytes=-30", 10, STATIC_PART, 0, 10 },
		{ "bytes=9-9", 10, STATIC_PART, 9, 1 },
		{ "bytes=0-18446744073709551615", 10, STATIC_PART, 0, 10 },
		{ "bytes=0-18446744073709551616", 10, STATIC_PART, 0, 10 },
		{ "bytes=10-", 10, STATIC_UNSATISFIABLE, 0, 0 },
		{ "bytes=-0", 10, STATIC_UNSATISFIABLE, 0, 0 },
		{ "bytes=0-", 0, STATIC_UNSATISFIABLE, 0, 0 },
		{ "bytes=-1", 0, STATIC_UNSATISFIABLE, 0, 0 },
		{ "bytes=18446744073709551616-", 10, STATIC_UNSATISFIABLE, 0,
		    0 },
		{ "bytes=5-2", 10, STATIC_WHOLE, 0, 0 },
		{ "bytes=-", 10, STATIC_WHOLE, 0, 0 },
		{ "bytes=", 10, STATIC_WHOLE, 0, 0 },
		{ "bytes=1", 10, STATIC_WHOLE, 0, 0 },
		{ "bytes=1-2,3-4", 10, STATIC_WHOLE, 0, 0 },
		{ "bytes=1-2 ", 10, STATIC_WHOLE, 0, 0 },
		{ "bits=1-2", 10, STATIC_WHOLE, 0, 0 },
		{ "", 10, STATIC_WHOLE, 0, 0 },
	};
	size_t first;
	size_t count;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		first = 0;
		count = 0;
		print_message("%s\n", cases[i].text);
		assert_int_equal(static_parse_range(span(cases[i].text),
				     cases[i].len, &first, &count),
		    cases[i].want);
		assert_int_equal(first, cases[i].first);
		assert_int_equal(count, cases[i].count);
	}
}

static void
dates(void **state)
{
	static const char good[] = "Sun, 06 Nov 1994 08:49:37 GMT";
	char bad[sizeof(good)];
	size_t i;

	(void)state;
	assert_int_equal(static_parse_date(span(good)), 784111777);
	assert_int_equal(
	    static_parse_date(span("Thu, 01 Jan 1970 00:00:00 GMT")), 0);
	assert_int_equal(static_parse_date(span("")), -1);
	assert_int_equal(
	    static_parse_date(span("Sun, 06 Nov 1994 24:49:37 GMT")), -1);
	assert_int_equal(
	    static_parse_date(span("Sun, 00 Nov 1994 08:49:37 GMT")), -1);
	for (i = 3; i < sizeof(good) - 1; i++) {
		memcpy(bad, good, sizeof(good));
		bad[i] = '?';
		assert_int_equal(static_parse_date(span(bad)), -1);
	}
}

/* The two forms of old that are to be understood (RFC 9110 5.6.7). */
static void
old_dates(void **state)
{
	static const char *const good[] = {
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
	};
	static const char *const bad[] = {
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sunday, 06 Nov 94 08:49:37 GMT",
		"Sunday 06-Nov-94 08:49:37 GMT",
		"Sunday, 6-Nov-94 08:49:37 GMT",
		"Sunday, 06-Now-94 08:49:37 GMT",
		"Sun Nov 6 08:49:37 1994",
		"Sun Nov  0 08:49:37 1994",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov  6 08:49:37   94",
		"Sun Now  6 08:49:37 1994",
		"Sun Nov 32 08:49:37 1994",
		"Sun Nov  6 24:49:37 1994",
		",",
		"Sunday,",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(static_parse_date(span(good[i])), 784111777);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		print_message("%s\n", bad[i]);
		assert_int_equal(static_parse_date(span(bad[i])), -1);
	}
	assert_int_equal(static_parse_date(span("Wed Nov 16 08:49:37 1994")),
	    784975777);
	/* Two digits: not more than 50 years ahead. */
	assert_int_equal(
	    static_parse_date(span("Wednesday, 01-Jan-20 00:00:00 GMT")),
	    1577836800);
	assert_int_equal(
	    static_parse_date(span("Friday, 01-Jan-99 00:00:00 GMT")),
	    915148800);
}

static void
tags(void **state)
{
	(void)state;
	assert_true(static_etag_matches(span("\"a\""), "\"a\""));
	assert_true(static_etag_matches(span("\"b\" , W/\"a\""), "\"a\""));
	assert_true(static_etag_matches(span("*"), "\"a\""));
	assert_false(static_etag_matches(span("\"ab\""), "\"a\""));
	assert_false(static_etag_matches(span("a"), "\"a\""));
	assert_false(static_etag_matches(span(""), "\"a\""));
	assert_false(static_etag_matches(span("\"x\"a\""), "\"a\""));
	assert_false(
	    static_etag_matches((struct http_span){ NULL, 0 }, "\"a\""));
	/* A weak one of ours. */
	assert_true(static_etag_matches(span("W/\"a\""), "W/\"a\""));
	assert_true(static_etag_matches(span("\"a\""), "W/\"a\""));
	assert_false(static_etag_matches(span("W/\"b\""), "W/\"a\""));
}

static void
codings(void **state)
{
	(void)state;
	assert_true(static_quality(span("gzip"), "gzip") > 0);
	assert_true(static_quality(span("br;q=1, GZIP;q=0.5"), "gzip") > 0);
	assert_true(static_quality(span("gzip;q=0.01"), "gzip") > 0);
	assert_int_equal(static_quality(span("gzip"), "gzip"), 1000);
	assert_int_equal(static_quality(span("br"), "gzip"), -1);
	assert_int_equal(static_quality(span("gzip;q=0.5 , br"), "gzip"), 500);
	assert_int_equal(static_quality(span("gzip;q=0.001"), "gzip"), 1);
	assert_int_equal(static_quality(span("gzip;q=1.000"), "gzip"), 1000);
	assert_int_equal(static_quality(span("gzip;q=1.9"), "gzip"), 0);
	assert_int_equal(static_quality(span("gzip;q=1.001"), "gzip"), 0);
	assert_int_equal(static_quality(span("gzip;q=1."), "gzip"), 1000);
	assert_int_equal(static_quality(span("gzip;q=0.0001"), "gzip"), 0);
	assert_int_equal(static_quality(span("gzip;q=,br"), "gzip"), 0);
	assert_int_equal(static_quality(span("gzip;q=2"), "gzip"), 0);
	assert_int_equal(static_quality(span("gzip;q=-1"), "gzip"), 0);
	assert_int_equal(static_quality(span("gzip;q=0,5"), "gzip"), 0);
	assert_true(static_quality(span("gzip;q=0"), "gzip") <= 0);
	assert_true(static_quality(span("gzip; q=0.000"), "gzip") <= 0);
	assert_true(static_quality(span("gzip;Q=0"), "gzip") <= 0);
	assert_true(static_quality(span("gzip;x=1 ; Q=0"), "gzip") <= 0);
	assert_true(static_quality(span("gzip;Q=1"), "gzip") > 0);
	assert_true(static_quality(span("gzip;seq=0"), "gzip") > 0);
	assert_true(static_quality(span("xgzip, gzipped"), "gzip") <= 0);
	assert_true(static_quality(span(""), "gzip") <= 0);
	assert_true(static_quality((struct http_span){ NULL, 0 }, "gzip") <= 0);
	assert_int_equal(static_quality(span("br, *;q=0.3"), "*"), 300);
}

/* All names and the star of a list together. */
static void
coding_lists(void **state)
{
	static const struct {
		const char *list;
		bool gzip;
		bool br;
	} rows[] = {
		{ "gzip", true, false },
		{ "x-gzip", true, false },
		{ "X-GZip;q=0.1", true, false },
		{ "x-gzip;q=0", false, false },
		{ "x-gzip, gzip;q=0", false, false }, /* the name of today */
		{ "*", true, false }, /* few who write this know br */
		{ "*;q=0.5", true, false },
		{ "*;q=0", false, false },
		{ "gzip;q=0, *", false, false },
		{ "*, gzip;q=0", false, false },
		{ "x-gzip;q=0, *", false, false },
		{ "br, *", true, true },
		{ "br;q=0.5, *", true, false },
		{ "identity, *;q=0", false, false },
		{ "gzip;q=1.001, br", false, true },
		{ "deflate", false, false },
		{ "", false, false },
	};
	struct http_head head;
	struct static_codings takes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(&head, 0, sizeof(head));
		head.accept_encoding = span(rows[i].list);
		takes = static_codings(&head);
		if (takes.gzip != rows[i].gzip || takes.br != rows[i].br)
			fail_msg("\"%s\": gzip %d, br %d", rows[i].list,
			    takes.gzip, takes.br);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(dates),
		cmocka_unit_test(old_dates),
		cmocka_unit_test(tags),
		cmocka_unit_test(codings),
		cmocka_unit_test(coding_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
