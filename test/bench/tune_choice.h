/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TUNE_CHOICE_H
#define BENCH_TUNE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include "test/bench/tune_options.h"

/*
 * Which setting of a grid is proposed, and why.
 * Layer: test. Threads: no state but the caller's.
 */
struct tune_sample {
	double per_s;  /* callbacks, or requests when there are none */
	double p99_ms; /* of a round, or of a request */
	double p50_ms;
	double pss_mb;
	double cores;
	double wrong;
	double failures;
};

struct tune_point {
	unsigned workers;
	unsigned threads;
	struct tune_sample samples[TUNE_REPEAT_MAX];
	unsigned count; /* of samples */
	struct tune_sample median;
	char why[128]; /* the last run of it failed; else empty */
};

/* Set `median`; what went wrong in any of the runs counts. */
void tune_take_medians(struct tune_point *point);

/* It was run, without a failure or a wrong answer in any of its runs. */
bool tune_is_clean(const struct tune_point *point);

/* Index of the proposed point; `count` when none is clean. */
size_t tune_choose(const struct tune_point *points, size_t count);

/* Why, as words that go on after "as". chosen < count. */
void tune_reason(char *out, size_t size, const struct tune_point *points,
    size_t count, size_t chosen);

#endif
