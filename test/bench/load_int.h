/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOAD_INT_H
#define BENCH_LOAD_INT_H

#include "test/bench/load.h"

/*
 * Between the files of load.
 * Layer: test, this folder only. Threads: the loop only.
 */

/* The measured time starts; ends (once, further calls do nothing). */
void load_measure_start(struct load *load);
void load_measure_stop(struct load *load);

#endif
