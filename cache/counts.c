/* SPDX-License-Identifier: MIT */

/*
 * Counting, and adding up over the connections of the process.
 *
 * INVARIANT  The sum never goes down: what a connection counted moves to
 *            `past` in the same hold of the lock in which it leaves the list.
 */
#include "cache/counts.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "server/base/clock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct counts *all;    /* guarded by lock */
static uint64_t past[COUNTS]; /* guarded by lock */

/* Where in the message a number goes. */
static const size_t places[COUNTS] = {
	[COUNT_HIT] = offsetof(struct cache_counters, hits),
	[COUNT_STALE] = offsetof(struct cache_counters, stale),
	[COUNT_MISS] = offsetof(struct cache_counters, misses),
	[COUNT_SHARED] = offsetof(struct cache_counters, shared),
	[COUNT_STORE] = offsetof(struct cache_counters, stores),
	[COUNT_STORE_FAILURE] = offsetof(struct cache_counters, store_failures),
	[COUNT_BUSY] = offsetof(struct cache_counters, busy),
	[COUNT_ERROR] = offsetof(struct cache_counters, errors),
	[COUNT_DAMAGED] = offsetof(struct cache_counters, damaged),
	[COUNT_REOPENED] = offsetof(struct cache_counters, reopened),
	[COUNT_DROPPED] = offsetof(struct cache_counters, dropped),
	[COUNT_EVICTION] = offsetof(struct cache_counters, evictions),
	[COUNT_EXPIRATION] = offsetof(struct cache_counters, expirations),
	[COUNT_TAKEOVER] = offsetof(struct cache_counters, takeovers),
	[COUNT_QUARANTINE] = offsetof(struct cache_counters, quarantines),
	[COUNT_CHECKPOINT] = offsetof(struct cache_counters, checkpoints),
};

void
counts_enter(struct counts *counts)
{
	(void)pthread_mutex_lock(&lock);
	counts->next = all;
	counts->prev = &all;
	if (all != NULL)
		all->prev = &counts->next;
	all = counts;
	(void)pthread_mutex_unlock(&lock);
}

static uint64_t
number_of(struct counts *counts, unsigned which)
{
	return atomic_load_explicit(&counts->numbers[which],
	    memory_order_relaxed);
}

void
counts_leave(struct counts *counts)
{
	unsigned i;

	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < COUNTS; i++)
		past[i] += number_of(counts, i);
	*counts->prev = counts->next;
	if (counts->next != NULL)
		counts->next->prev = counts->prev;
	(void)pthread_mutex_unlock(&lock);
}

void
counts_sum(struct cache_counters *out)
{
	int64_t now_ms = clock_boot_ms();
	uint64_t numbers[COUNTS];
	struct counts *counts;
	int64_t from;
	unsigned i;

	memset(out, 0, sizeof(*out));
	(void)pthread_mutex_lock(&lock);
	memcpy(numbers, past, sizeof(numbers));
	for (counts = all; counts != NULL; counts = counts->next) {
		for (i = 0; i < COUNTS; i++)
			numbers[i] += number_of(counts, i);
		from = atomic_load_explicit(&counts->reading_from,
		    memory_order_relaxed);
		if (from > 0 && now_ms > from &&
		    (uint64_t)(now_ms - from) > out->reading_ms)
			out->reading_ms = (uint64_t)(now_ms - from);
	}
	(void)pthread_mutex_unlock(&lock);
	for (i = 0; i < COUNTS; i++)
		memcpy((char *)out + places[i], &numbers[i],
		    sizeof(numbers[i]));
}
