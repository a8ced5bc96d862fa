/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

/*
 * Counts of whole numbers (here: microseconds) in buckets that grow with the
 * value, so that any percentile is right to one part in 1024 whatever its
 * size, in a fixed piece of memory: the idea of HDR histograms.
 * Layer: test. Threads: one owner at a time.
 */

#define HISTOGRAM_SUB_BITS 11 /* values below 2^11 are counted exactly */
#define HISTOGRAM_MAX_BITS 37 /* above 2^37-1 us (38 hours): counted there */
#define HISTOGRAM_HALF (1u << (HISTOGRAM_SUB_BITS - 1))
#define HISTOGRAM_CELLS \
	((HISTOGRAM_MAX_BITS - HISTOGRAM_SUB_BITS + 2) * HISTOGRAM_HALF)

struct histogram {
	uint64_t count;
	uint64_t min; /* exact; 0 when empty */
	uint64_t max; /* exact; 0 when empty */
	double sum;
	uint64_t cells[HISTOGRAM_CELLS];
};

/* Forget everything; also how a histogram starts. */
void histogram_clear(struct histogram *histogram);

/* Count one value; a negative one counts as 0. */
void histogram_put(struct histogram *histogram, int64_t value);

/* Add the counts of `from`. */
void histogram_merge(struct histogram *histogram, const struct histogram *from);

/*
 * The least value that at least `percent` of the values do not exceed, as
 * the highest value its bucket stands for (never above max). 0 when empty.
 */
uint64_t histogram_percentile(const struct histogram *histogram,
    double percent);

/* 0 when empty. */
double histogram_mean(const struct histogram *histogram);

#endif
