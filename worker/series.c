/* SPDX-License-Identifier: MIT */

/*
 * Downsampling: see series.h.
 */
#include "worker/series.h"

#include <math.h>

static double
x_at(const double *x, size_t index)
{
	return x != NULL ? x[index] : (double)index;
}

/* The mean of a bucket's points; NaN when it has none. */
static void
mean_of(const double *x, const double *y, size_t from, size_t to,
    double *mean_x, double *mean_y)
{
	double sum_x = 0;
	double sum_y = 0;
	size_t count = 0;
	size_t i;

	for (i = from; i < to; i++) {
		if (isnan(y[i]))
			continue;
		sum_x += x_at(x, i);
		sum_y += y[i];
		count++;
	}
	*mean_x = sum_x / (double)count;
	*mean_y = sum_y / (double)count;
}

size_t
series_lttb(const double *x, const double *y, size_t count, size_t points,
    uint32_t *keep)
{
	double width;
	double next_x;
	double next_y;
	double area;
	double best_area;
	size_t kept = 0;
	size_t from;
	size_t to;
	size_t after;
	size_t best;
	size_t last = 0;
	size_t bucket;
	size_t i;

	if (points < 3 || count <= points) {
		for (i = 0; i < count && i < points; i++)
			keep[kept++] = (uint32_t)i;
		return kept;
	}
	width = (double)(count - 2) / (double)(points - 2);
	keep[kept++] = 0;
	for (bucket = 0; bucket < points - 2; bucket++) {
		from = (size_t)((double)bucket * width) + 1;
		to = (size_t)((double)(bucket + 1) * width) + 1;
		after = (size_t)((double)(bucket + 2) * width) + 1;
		if (after > count)
			after = count;
		mean_of(x, y, to, after, &next_x, &next_y);
		best = to;
		best_area = -1;
		for (i = from; i < to; i++) {
			area = fabs(
			    (x_at(x, last) - next_x) * (y[i] - y[last]) -
			    (x_at(x, last) - x_at(x, i)) * (next_y - y[last]));
			if (isnan(area))
				area = isnan(y[i]) ? -1 : 0;
			if (area > best_area) {
				best_area = area;
				best = i;
			}
		}
		if (best == to)
			continue; /* nothing there but missing numbers */
		keep[kept++] = (uint32_t)best;
		last = best;
	}
	keep[kept++] = (uint32_t)(count - 1);
	return kept;
}

size_t
series_min_max(const double *y, size_t count, size_t points, uint32_t *keep)
{
	size_t buckets = points / 2;
	size_t kept = 0;
	size_t bucket;
	size_t low;
	size_t high;
	size_t from;
	size_t to;
	size_t i;

	for (bucket = 0; bucket < buckets; bucket++) {
		from = count * bucket / buckets;
		to = count * (bucket + 1) / buckets;
		low = to;
		high = to;
		for (i = from; i < to; i++) {
			if (isnan(y[i]))
				continue;
			if (low == to || y[i] < y[low])
				low = i;
			if (high == to || y[i] > y[high])
				high = i;
		}
		if (low == to)
			continue;
		keep[kept++] = (uint32_t)(low < high ? low : high);
		if (low != high)
			keep[kept++] = (uint32_t)(low < high ? high : low);
	}
	return kept;
}
