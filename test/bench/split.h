/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SPLIT_H
#define BENCH_SPLIT_H

#include <stdbool.h>

#include "test/bench/bench_options.h"

/*
 * A run over several processes, because the loop of one uses at most one CPU
 * and a server with more must not be held back by it: each has its part of the
 * sessions and of the rates, they begin together, and the first one adds up
 * what all have counted, percentiles included.
 *
 * Layer: test. Threads: one in each process; between processes, see split.c.
 */
#define SPLIT_PROCESSES_MAX 64u

struct load;
struct split;

/* Room for `count` processes; NULL: no memory. */
struct split *split_new(unsigned count);

/* Ends the others, should they still run, and waits for them. Accepts NULL. */
void split_free(struct split **split);

/* Fork the others. The number of the process that returns, 0 in the caller,
 * or -errno there. */
int split_fork(struct split *split);

/* The part of `all` that process `index` of `all->processes` has to do. */
void split_options(const struct bench_options *all, unsigned index,
    struct bench_options *mine);

/* All values have been asked for once; have they? */
void split_set_primed(struct split *split);
bool split_is_primed(const struct split *split);

/* One process more has all its sessions; have all processes? */
void split_add_ready(struct split *split);
bool split_is_ready(const struct split *split);

/* The run is to end in all processes; is it? */
void split_stop(struct split *split);
bool split_is_stopped(const struct split *split);

/* Leave what `load` has counted for the first process. */
void split_give(struct split *split, unsigned index, const struct load *load);

/* In the first one: wait for the others and add what they counted to `load`.
 * 0, or -EPROTO: one of them, or this, could not go on, see load->trouble,
 * which lasts as long as `split`. */
int split_take(struct split *split, struct load *load);

#endif
