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

/*
 * What is computed beside the store may be given to whoever wants it, but not
 * to one who came in after it was forgotten. The end says who came early enough
 * (clock_mono_us): all until then, or, when anything was forgotten meanwhile,
 * those who were there at the beginning.
 */
struct memo_watch {
	int64_t began_us;
	int64_t forgets; /* cache_forgets(); negative: not known */
};

void memo_watch_begin(struct memo_watch *watch, const struct toolkit *kit);
int64_t memo_watch_end(const struct memo_watch *watch,
    const struct toolkit *kit);

/* When who asks came in (clock_mono_us). */
int64_t memo_asked_us(const struct call *call);

#endif
