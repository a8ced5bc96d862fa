/* SPDX-License-Identifier: MIT */
#ifndef CACHE_USES_H
#define CACHE_USES_H

#include <stdint.h>

#include "cache/cache.h"

/*
 * When values were used last, so that those used longest ago go first.
 *
 * A look-up only notes the row's number in memory, at most once in a step of
 * time for each value; nor does a value that is written again write the row of
 * its use more often (USE_PUT). A step is an eighth of the time in which all
 * values change, and at most about a minute (pace.h). What was noted is written
 * later, many at a time, by somebody who may write: within a second, or a step
 * where that is less. So a row is at most two steps and a second behind; what
 * was made in the last seconds is told by the value (USE_EVICT). What does not
 * fit or meets a locked database is dropped: it is about likelihood, not about
 * right and wrong.
 *
 * THREADS  uses_flush(), uses_keep_up(): a thread with a connection and no
 *          transaction open. The others: any thread, they never wait.
 */

/* The value in row `id`, made at `created_ms`, was used at `now_ms`. */
void uses_note(struct cache *cache, int64_t id, int64_t created_ms,
    int64_t now_ms);

/* True when a batch is waiting. */
bool uses_are_many(void);

/* How long a step is now; and when uses_flush() is to be called again. */
int64_t uses_step_ms(void);
int64_t uses_rest_ms(void);

/* uses_flush(), when it is time to or a batch is waiting. */
void uses_keep_up(struct cache *cache);

/*
 * Write what was noted, for at most about two milliseconds, if nobody else is
 * writing, and read how long a step is. How many rows were written, or ERR_*.
 */
int uses_flush(struct cache *cache);

#endif
