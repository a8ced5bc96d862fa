/* SPDX-License-Identifier: MIT */

/*
 * Log-linear buckets. Values below 2^11 have a cell each; above, each power
 * of two is cut into 1024 cells of equal width.
 *
 * INVARIANT  count is the sum of all cells.
 * FAILURE    None: values beyond the range are counted in the last cell, and
 *            max still holds them exactly.
 */
#include "test/bench/histogram.h"

#include <math.h>
#include <string.h>

#define VALUE_MAX ((UINT64_C(1) << HISTOGRAM_MAX_BITS) - 1)

void
histogram_clear(struct histogram *histogram)
{
	memset(histogram, 0, sizeof(*histogram));
}

/* How far the value is shifted right to lie in [0, 2^11). */
static unsigned
shift_of(uint64_t value)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);

	return bits > HISTOGRAM_SUB_BITS ? bits - HISTOGRAM_SUB_BITS : 0;
}

static size_t
cell_of(uint64_t value)
{
	unsigned shift = shift_of(value);

	return (size_t)shift * HISTOGRAM_HALF + (size_t)(value >> shift);
}

/* The highest value that is counted in the cell. */
static uint64_t
cell_top(size_t cell)
{
	unsigned shift = 0;
	uint64_t sub = cell;

	if (cell >= 2 * HISTOGRAM_HALF) {
		shift = (unsigned)(cell / HISTOGRAM_HALF) - 1;
		sub = cell - (uint64_t)shift * HISTOGRAM_HALF;
	}
	return ((sub + 1) << shift) - 1;
}

void
histogram_put(struct histogram *histogram, int64_t value)
{
	uint64_t exact = value < 0 ? 0 : (uint64_t)value;
	uint64_t capped = exact > VALUE_MAX ? VALUE_MAX : exact;

	histogram->cells[cell_of(capped)]++;
	if (histogram->count == 0 || exact < histogram->min)
		histogram->min = exact;
	if (exact > histogram->max)
		histogram->max = exact;
	histogram->count++;
	histogram->sum += (double)exact;
}

void
histogram_merge(struct histogram *histogram, const struct histogram *from)
{
	size_t i;

	if (from->count == 0)
		return;
	for (i = 0; i < HISTOGRAM_CELLS; i++)
		histogram->cells[i] += from->cells[i];
	if (histogram->count == 0 || from->min < histogram->min)
		histogram->min = from->min;
	if (from->max > histogram->max)
		histogram->max = from->max;
	histogram->count += from->count;
	histogram->sum += from->sum;
}

uint64_t
histogram_percentile(const struct histogram *histogram, double percent)
{
	uint64_t seen = 0;
	uint64_t wanted;
	uint64_t top;
	size_t i;

	if (histogram->count == 0)
		return 0;
	if (percent > 100)
		percent = 100;
	/* The small step back keeps 99.9 % of 1000 from becoming 1000. */
	wanted =
	    (uint64_t)ceil(percent / 100 * (double)histogram->count - 1e-6);
	if (wanted == 0)
		return histogram->min;
	for (i = 0; i < HISTOGRAM_CELLS; i++) {
		seen += histogram->cells[i];
		if (seen >= wanted)
			break;
	}
	top = i < HISTOGRAM_CELLS - 1 ? cell_top(i) : histogram->max;
	return top < histogram->max ? top : histogram->max;
}

double
histogram_mean(const struct histogram *histogram)
{
	return histogram->count > 0 ? histogram->sum / (double)histogram->count
				    : 0;
}
