/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stdint.h>

/*
 * One line on stderr that is rewritten while running, on terminals only.
 * Layer: test. Threads: the loop only.
 */
struct load;

/* Write the line when a second has passed since the last time. */
void progress_show(const struct load *load, int64_t now_us);

/* Clear it. */
void progress_end(const struct load *load);

#endif
