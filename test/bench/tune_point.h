/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TUNE_POINT_H
#define BENCH_TUNE_POINT_H

#include <signal.h>

#include "test/bench/tune_choice.h"
#include "test/bench/tune_options.h"

/*
 * One run of one point of a grid.
 * Layer: test. Threads: one.
 */

/* What the load gets at most, its own words and those of tune. */
#define TUNE_ARGS_MAX 96

/*
 * Start a server, put the load on it, stop it; one sample more in `point`.
 * 0; -EINTR once *sig_caught is set; -EINVAL when the load refuses its options
 * and said so; else negative, with `point->why`.
 */
int tune_point_run(const struct tune_options *options, struct tune_point *point,
    const volatile sig_atomic_t *sig_caught);

#endif
