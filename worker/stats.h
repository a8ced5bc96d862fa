/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATS_H
#define WORKER_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/handoff.h"
#include "worker/options.h"

/*
 * What a worker has done, counted for the master: it travels with the
 * heartbeat, because workers share no memory. And whether it has done enough:
 * then the worker asks once to be replaced.
 *
 * THREADS  The loop only.
 */
struct stats {
	struct handoff_beat beat;
	int64_t recycle_at; /* answers; 0: never */
	int64_t memory_us;  /* when memory was looked at last */
	bool tired;         /* the master has been asked */
};

/* Draws this worker's share of max_requests_jitter. */
void stats_init(struct stats *stats, const struct worker_options *options);

/* An answer has been made. */
void stats_answer(struct stats *stats, int status, int64_t duration_us);

/*
 * The reason why this worker should be replaced, the first time there is one;
 * else NULL. Looks at the memory every few seconds.
 */
const char *stats_is_tired(struct stats *stats,
    const struct worker_options *options, int64_t now_us);

#endif
