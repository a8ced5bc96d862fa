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
#define STATS_SERIES 128 /* a power of two; callbacks beyond are "other" */

struct stats {
	struct handoff_beat beat;
	int64_t recycle_at;            /* answers; 0: never */
	int64_t memory_us;             /* when memory was looked at last */
	bool tired;                    /* the master has been asked */
	struct handoff_series *series; /* not told yet */
	const void *series_of[STATS_SERIES]; /* what each is about */
};

/* Draws this worker's share of max_requests_jitter. */
void stats_init(struct stats *stats, const struct worker_options *options);

void stats_free(struct stats *stats);

/* An answer has been made. True: with this one the worker has done enough,
 * which stats_is_tired() tells. */
bool stats_answer(struct stats *stats, int status, int64_t duration_us);

/*
 * The answer was that of a callback; or a memoized function was computed.
 * `what` tells it from others, `name` is copied.
 */
void stats_series(struct stats *stats, enum handoff_series_kind kind,
    const void *what, const char *name, bool failed, int64_t duration_us);

/*
 * The next numbers that have changed since they were taken; false: no more.
 * *index starts at 0. Give them back by stats_keep() when they could not be
 * told.
 */
bool stats_take(struct stats *stats, unsigned *index,
    struct handoff_series *series);
void stats_keep(struct stats *stats, unsigned index,
    const struct handoff_series *series);

/*
 * The reason why this worker should be replaced, the first time there is one;
 * else NULL. Looks at the memory every few seconds. stats_not_told(): the
 * master could not be asked, so the next call says it again.
 */
const char *stats_is_tired(struct stats *stats,
    const struct worker_options *options, int64_t now_us);
void stats_not_told(struct stats *stats);

#endif
