/* SPDX-License-Identifier: MIT */

/* Downsampling: what is kept, and that missing numbers are no points. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "worker/series.h"

#define COUNT 10000

static double y[COUNT];
static uint32_t keep[COUNT];

static void
fill(void)
{
	size_t i;

	for (i = 0; i < COUNT; i++)
		y[i] = sin((double)i / 200);
}

static void
check_ascending(size_t kept, size_t most)
{
	size_t i;

	assert_true(kept <= most);
	for (i = 0; i < kept; i++) {
		assert_true(keep[i] < COUNT);
		assert_true(i == 0 || keep[i] > keep[i - 1]);
	}
}

static bool
is_kept(size_t kept, uint32_t index)
{
	size_t i;

	for (i = 0; i < kept; i++)
		if (keep[i] == index)
			return true;
	return false;
}

static void
spikes_survive(void **state)
{
	size_t kept;

	(void)state;
	fill();
	y[5003] = 50;
	y[7] = -50;
	kept = series_lttb(NULL, y, COUNT, 200, keep);
	assert_int_equal(kept, 200);
	check_ascending(kept, 200);
	assert_int_equal(keep[0], 0);
	assert_int_equal(keep[kept - 1], COUNT - 1);
	assert_true(is_kept(kept, 5003));
	assert_true(is_kept(kept, 7));
	kept = series_min_max(y, COUNT, 200, keep);
	check_ascending(kept, 200);
	assert_true(is_kept(kept, 5003));
	assert_true(is_kept(kept, 7));
}

/* The curve between the points kept stays close to the one given. */
static void
shape_survives(void **state)
{
	size_t kept;
	double worst = 0;
	double part;
	double drawn;
	uint32_t at;
	size_t i;

	(void)state;
	fill();
	kept = series_lttb(NULL, y, COUNT, 500, keep);
	for (i = 0; i + 1 < kept; i++) {
		for (at = keep[i]; at < keep[i + 1]; at++) {
			part = (double)(at - keep[i]) /
			       (double)(keep[i + 1] - keep[i]);
			drawn =
			    y[keep[i]] + part * (y[keep[i + 1]] - y[keep[i]]);
			if (fabs(drawn - y[at]) > worst)
				worst = fabs(drawn - y[at]);
		}
	}
	assert_true(worst < 0.01);
}

static void
missing_numbers_are_no_points(void **state)
{
	size_t kept;
	size_t i;

	(void)state;
	fill();
	for (i = 2000; i < 9000; i++)
		y[i] = NAN;
	kept = series_lttb(NULL, y, COUNT, 100, keep);
	check_ascending(kept, 100);
	for (i = 0; i < kept; i++)
		assert_false(isnan(y[keep[i]]));
	kept = series_min_max(y, COUNT, 100, keep);
	check_ascending(kept, 100);
	for (i = 0; i < kept; i++)
		assert_false(isnan(y[keep[i]]));
	for (i = 0; i < COUNT; i++)
		y[i] = NAN;
	assert_int_equal(series_min_max(y, COUNT, 100, keep), 0);
	check_ascending(series_lttb(NULL, y, COUNT, 100, keep), 100);
}

static void
short_series_are_kept(void **state)
{
	(void)state;
	fill();
	assert_int_equal(series_lttb(NULL, y, 5, 10, keep), 5);
	assert_int_equal(series_lttb(NULL, y, 0, 10, keep), 0);
	assert_int_equal(series_lttb(NULL, y, 4, 3, keep), 3);
	assert_int_equal(series_min_max(y, 0, 10, keep), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spikes_survive),
		cmocka_unit_test(shape_survives),
		cmocka_unit_test(missing_numbers_are_no_points),
		cmocka_unit_test(short_series_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
