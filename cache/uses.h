/* SPDX-License-Identifier: MIT */
#ifndef CACHE_USES_H
#define CACHE_USES_H

#include <stdint.h>

#include "cache/cache.h"

/*
 * When values were used last, so that those used longest ago go first.
 *
 * A look-up only notes the row's number in memory, at most once a minute for
 * each value; nor does a value that is written again write the row of its use
 * more often (USE_PUT). So a row is at most two minutes behind; what was made
 * in the last seconds is told by the value (USE_EVICT). What was noted is
 * written later, many at a time, by somebody who may write. What does not fit
 * or meets a locked database is dropped: it is about likelihood, not about
 * right and wrong.
 *
 * THREADS  uses_note(): any thread, never waits. uses_flush(): a thread with
 *          a connection and no transaction open.
 */

/* The value in row `id`, made at `created_ms`, was used at `now_ms`. */
void uses_note(struct cache *cache, int64_t id, int64_t created_ms,
    int64_t now_ms);

/* True when a batch is waiting. */
bool uses_are_many(void);

/*
 * Write what was noted, for at most about two milliseconds, if nobody else is
 * writing. How many rows were written, or ERR_*.
 */
int uses_flush(struct cache *cache);

#endif
