/* SPDX-License-Identifier: MIT */

/*
 * Which setting is proposed, on tables that were made: throughput first, then
 * p99, then memory, each bound relative to the best.
 */
#include "test/bench/tune_choice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MOST 8u

static struct tune_point points[MOST];

/* rows: per second, p99, MB. */
static size_t
choose(size_t count, const double rows[][3])
{
	size_t i;

	memset(points, 0, sizeof(points));
	for (i = 0; i < count; i++) {
		points[i].workers = (unsigned)i + 1;
		points[i].count = 1;
		points[i].samples[0].per_s = rows[i][0];
		points[i].samples[0].p99_ms = rows[i][1];
		points[i].samples[0].pss_mb = rows[i][2];
		tune_take_medians(&points[i]);
	}
	return tune_choose(points, count);
}

static const char *
reason(size_t count, size_t chosen)
{
	static char text[512];

	tune_reason(text, sizeof(text), points, count, chosen);
	return text;
}

static void
assert_says(const char *text, const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, text);
}

static void
throughput_comes_first(void **state)
{
	/* The quickest answers come from the one that does half the work. */
	static const double rows[][3] = { { 500, 1, 5 }, { 1000, 30, 40 },
		{ 960, 20, 50 }, { 940, 10, 10 } };

	(void)state;
	assert_int_equal(choose(4, rows), 2);
	assert_says(reason(4, 2), "20.00 ms is the lowest among the settings");
	assert_says(reason(4, 2), "960 of 1000 per second");
	assert_null(strstr(reason(4, 2), "memory"));
}

/* 5 % of the best rate: on the bound counts, below does not. */
static void
the_bound_of_throughput(void **state)
{
	static const double on[][3] = { { 1000, 20, 9 }, { 950, 10, 9 } };
	static const double below[][3] = { { 1000, 20, 9 }, { 949, 10, 9 } };

	(void)state;
	assert_int_equal(choose(2, on), 1);
	assert_int_equal(choose(2, below), 0);
}

static void
memory_decides_between_equals(void **state)
{
	static const double rows[][3] = { { 1000, 10, 90 }, { 990, 10.1, 60 },
		{ 980, 10.3, 10 } };
	const char *text;

	(void)state;
	assert_int_equal(choose(3, rows), 1);
	text = reason(3, 1);
	assert_says(text, "10.10 ms is within 2 % of the lowest, 10.00 ms,");
	assert_says(text, "of the 2 that are within 2 %");
	assert_says(text, "it needs 60.0 MB");
}

/* Each is within 2 % of the one before, but the last not of the lowest. */
static void
tolerances_do_not_add_up(void **state)
{
	static const double up[][3] = { { 1000, 100, 10 }, { 1000, 101.9, 9 },
		{ 1000, 103.8, 8 } };
	static const double down[][3] = { { 1000, 103.8, 8 },
		{ 1000, 101.9, 9 }, { 1000, 100, 10 } };

	(void)state;
	assert_int_equal(choose(3, up), 1);
	assert_int_equal(choose(3, down), 1);
}

static void
equal_in_all(void **state)
{
	static const double rows[][3] = { { 1000, 10.1, 10 }, { 1000, 10, 10 },
		{ 1000, 10, 10 } };

	(void)state;
	assert_int_equal(choose(3, rows), 1);
	assert_says(reason(3, 1), "10.00 ms is the lowest among");
	assert_says(reason(3, 1), "none needs less memory");
}

static void
failures_are_not_proposed(void **state)
{
	static const double rows[][3] = { { 2000, 1, 1 }, { 1000, 10, 10 },
		{ 3000, 1, 1 } };

	(void)state;
	(void)choose(3, rows);
	points[0].median.failures = 1;
	points[2].median.wrong = 1;
	assert_int_equal(tune_choose(points, 3), 1);
	assert_says(reason(3, 1), "1000 of 1000 per second");
	points[1].count = 0;
	assert_int_equal(tune_choose(points, 3), 3);
	assert_int_equal(tune_choose(points, 0), 0);
}

static void
medians(void **state)
{
	static const double rates[] = { 30, 10, 20, 1000 };
	struct tune_point point = { .count = 4 };
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		point.samples[i].per_s = rates[i];
		point.samples[i].p99_ms = 100 - rates[i];
		point.samples[i].failures = i == 2;
		point.samples[i].wrong = 1;
	}
	tune_take_medians(&point);
	assert_true(point.median.per_s == 25);
	assert_true(point.median.p99_ms == 75);
	assert_true(point.median.failures == 1);
	assert_true(point.median.wrong == 4);
	point.count = 3;
	tune_take_medians(&point);
	assert_true(point.median.per_s == 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(throughput_comes_first),
		cmocka_unit_test(the_bound_of_throughput),
		cmocka_unit_test(memory_decides_between_equals),
		cmocka_unit_test(tolerances_do_not_add_up),
		cmocka_unit_test(equal_in_all),
		cmocka_unit_test(failures_are_not_proposed),
		cmocka_unit_test(medians),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
