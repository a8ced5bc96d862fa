/* SPDX-License-Identifier: MIT */

/*
 * The histogram against sorted arrays: every percentile within its promise.
 */
#include "test/bench/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define VALUES 50000

static struct histogram histogram;
static struct histogram other;
static uint64_t values[VALUES];

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 20;
}

static int
compare(const void *a, const void *b)
{
	const uint64_t *left = a;
	const uint64_t *right = b;

	return (*left > *right) - (*left < *right);
}

/* The least of the sorted values that `percent` of them do not exceed. */
static uint64_t
exact_percentile(double percent)
{
	size_t rank = (size_t)(percent / 100 * VALUES + 0.999999);

	return values[rank > 0 ? rank - 1 : 0];
}

static void
check_percentiles(void)
{
	static const double percents[] = { 0, 1, 10, 25, 50, 75, 90, 95, 99,
		99.9, 99.99, 100 };
	uint64_t exact;
	uint64_t got;
	size_t i;

	qsort(values, VALUES, sizeof(values[0]), compare);
	for (i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		exact = exact_percentile(percents[i]);
		got = histogram_percentile(&histogram, percents[i]);
		assert_true(got >= exact);
		assert_true(got <= exact + exact / 1024 + 1);
	}
}

static void
empty_is_zero(void **state)
{
	(void)state;
	histogram_clear(&histogram);
	assert_int_equal(histogram_percentile(&histogram, 99), 0);
	assert_true(histogram_mean(&histogram) == 0);
}

static void
small_values_are_exact(void **state)
{
	int i;

	(void)state;
	histogram_clear(&histogram);
	for (i = 1; i <= 1000; i++)
		histogram_put(&histogram, i);
	assert_int_equal(histogram_percentile(&histogram, 50), 500);
	assert_int_equal(histogram_percentile(&histogram, 90), 900);
	assert_int_equal(histogram_percentile(&histogram, 99), 990);
	assert_int_equal(histogram_percentile(&histogram, 99.9), 999);
	assert_int_equal(histogram_percentile(&histogram, 100), 1000);
	assert_int_equal(histogram_percentile(&histogram, 0), 1);
	assert_int_equal(histogram.min, 1);
	assert_int_equal(histogram.max, 1000);
	assert_true(histogram_mean(&histogram) == 500.5);
}

static void
uniform_values(void **state)
{
	uint64_t seed = 1;
	size_t i;

	(void)state;
	histogram_clear(&histogram);
	for (i = 0; i < VALUES; i++) {
		values[i] = next_random(&seed) % 10000000;
		histogram_put(&histogram, (int64_t)values[i]);
	}
	check_percentiles();
}

/* Over nine powers of ten, as latencies with a long tail are. */
static void
spread_values(void **state)
{
	uint64_t seed = 7;
	size_t i;

	(void)state;
	histogram_clear(&histogram);
	for (i = 0; i < VALUES; i++) {
		values[i] = next_random(&seed) >> (next_random(&seed) % 36 + 8);
		histogram_put(&histogram, (int64_t)values[i]);
	}
	check_percentiles();
}

/* Each edge of the buckets, where an off-by-one would be. */
static void
edges(void **state)
{
	uint64_t value;
	int bits;
	int step;

	(void)state;
	for (bits = 9; bits < HISTOGRAM_MAX_BITS; bits++) {
		for (step = -2; step <= 2; step++) {
			value = (UINT64_C(1) << bits) + (uint64_t)step;
			histogram_clear(&histogram);
			histogram_put(&histogram, (int64_t)value);
			histogram_put(&histogram, (int64_t)(value * 4));
			assert_in_range(histogram_percentile(&histogram, 50),
			    value, value + value / 1024 + 1);
		}
	}
}

static void
beyond_the_range(void **state)
{
	(void)state;
	histogram_clear(&histogram);
	histogram_put(&histogram, INT64_MAX);
	histogram_put(&histogram, -5);
	assert_int_equal(histogram.count, 2);
	assert_int_equal(histogram.min, 0);
	assert_int_equal(histogram_percentile(&histogram, 50), 0);
	assert_true(histogram_percentile(&histogram, 100) == INT64_MAX);
}

static void
merging(void **state)
{
	int i;

	(void)state;
	histogram_clear(&histogram);
	histogram_clear(&other);
	histogram_merge(&histogram, &other);
	assert_int_equal(histogram.count, 0);
	for (i = 1; i <= 100; i++)
		histogram_put(i % 2 != 0 ? &histogram : &other, i);
	histogram_merge(&histogram, &other);
	assert_int_equal(histogram.count, 100);
	assert_int_equal(histogram.min, 1);
	assert_int_equal(histogram.max, 100);
	assert_int_equal(histogram_percentile(&histogram, 50), 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_is_zero),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(uniform_values),
		cmocka_unit_test(spread_values),
		cmocka_unit_test(edges),
		cmocka_unit_test(beyond_the_range),
		cmocka_unit_test(merging),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
