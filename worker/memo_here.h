/* SPDX-License-Identifier: MIT */
#ifndef WORKER_MEMO_HERE_H
#define WORKER_MEMO_HERE_H

#include "cache/cache.h"
#include "worker/call.h"

/* A memoized function without the store. Pool threads. */

/* Run it here and now. NULL: wait, or the call has failed. */
const struct value *memo_here(struct call *call,
    const struct computation *computation, const struct value *args);

/* The same, together with this worker's other threads: one of those who ask
 * the same question runs it. */
const struct value *memo_together(struct call *call,
    const struct computation *computation, const struct value *args,
    const struct cache_question *question);

/* When who asks came in (clock_mono_us). */
int64_t memo_asked_us(const struct call *call);

#endif
