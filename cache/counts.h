/* SPDX-License-Identifier: MIT */
#ifndef CACHE_COUNTS_H
#define CACHE_COUNTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/cache_counters.h"

/*
 * What a connection has done. Each counts for itself, without a lock and
 * without an atomic addition, since only its own thread writes; the sum over
 * all connections of the process is taken for the heartbeat.
 *
 * THREADS  counts_add() and counts_reading(): the connection's. The others:
 *          any.
 */
enum count {
	COUNT_HIT,
	COUNT_STALE,
	COUNT_MISS,
	COUNT_SHARED,
	COUNT_STORE,
	COUNT_STORE_FAILURE,
	COUNT_BUSY,
	COUNT_ERROR,
	COUNT_DAMAGED,
	COUNT_REOPENED,
	COUNT_DROPPED,
	COUNT_EVICTION,
	COUNT_EXPIRATION,
	COUNT_TAKEOVER,
	COUNT_QUARANTINE,
	COUNT_CHECKPOINT,
	COUNTS
};

struct counts {
	struct counts *next; /* all connections of the process */
	struct counts **prev;
	_Atomic int64_t reading_from; /* clock_boot_ms; 0: no read is open */
	_Atomic uint64_t numbers[COUNTS];
};

/* A connection comes and goes; what it counted stays in the sum. */
void counts_enter(struct counts *counts);
void counts_leave(struct counts *counts);

/* `counts` may be NULL. */
static inline void
counts_add(struct counts *counts, enum count which, uint64_t number)
{
	_Atomic uint64_t *at;

	if (counts == NULL)
		return;
	at = &counts->numbers[which];
	atomic_store_explicit(at,
	    atomic_load_explicit(at, memory_order_relaxed) + number,
	    memory_order_relaxed);
}

/* A read transaction began at `from` (clock_boot_ms), or ended (0). */
static inline void
counts_reading(struct counts *counts, int64_t from)
{
	if (counts != NULL)
		atomic_store_explicit(&counts->reading_from, from,
		    memory_order_relaxed);
}

/* The sum over this process; gauges that only the keeper knows are 0. */
void counts_sum(struct cache_counters *out);

#endif
