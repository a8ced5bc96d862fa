/* SPDX-License-Identifier: MIT */

/*
 * A table of computations that run on this worker's threads, of those that
 * wait for a thread, and of those that ended a moment ago, for requests that
 * had come in by then.
 *
 * Who must wait holds no thread: its task is parked by the loop, which asks
 * together_must_wait() before it has it run again. So no computation waits for
 * another while it runs, and the only circle is that of one thread that asks
 * for what it leads: it computes for itself (the depth of nesting ends that).
 *
 * A bounded number of threads lead. A computation that comes beyond that is
 * QUEUED, and GRANTED in its turn: a place is kept for it for GRANT_US.
 *
 * INVARIANT  RUNNING belongs to a thread between together_join() and
 *            together_end(); an entry is in the list of its state. A result
 *            stays while the same key is RUNNING anew.
 * INVARIANT  Entries of ended computations take at most KEEP_BYTES, but for
 *            one, and are at most KEEP_US old; while the queue is short, see
 *            together_sweep(), a few seconds. No step takes longer the more
 *            of them there are.
 * THREADS    One lock; nothing is computed under it, and no result copied: it
 *            has a reference per flight and per thread that copies it.
 */
#include "worker/together.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache/now.h"
#include "cache/store.h"
#include "server/base/buf.h"
#include "server/base/clock.h"

#define BUCKETS 16384 /* power of two */
#define KEEP_US INT64_C(60000000)
#define KEEP_BYTES (8 << 20)
#define MARGIN_US 2000000 /* from the queue to the question */
#define GRANT_US 250000
#define SEEN_US 1000000 /* the loop looks 20 times a second */

enum state { RUNNING, QUEUED, GRANTED, ENDED, STATES };

struct result {
	_Atomic unsigned refs;
	bool error;
	int64_t serves_us; /* who came in by then */
	size_t len;
	char data[];
};

struct flight {
	struct flight *next_in_bucket;
	struct flight *prev; /* in the list of its state */
	struct flight *next;
	uint8_t key[CACHE_KEY_LEN];
	enum state state;
	pthread_t leader;
	bool counts;      /* among the leaders */
	bool followed;    /* somebody is parked */
	int64_t seen_us;  /* QUEUED: somebody waits; GRANTED: since then */
	int64_t began_ms; /* of what runs (cache_now_ms) */
	int64_t made_ms;  /* when that of the result began */
	int64_t ended_ms;
	int64_t ended_us;      /* clock_mono_us */
	struct result *result; /* NULL: there is none */
};

struct list {
	struct flight *first; /* oldest */
	struct flight *last;
	unsigned count;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct flight *buckets[BUCKETS];
static struct list lists[STATES];
static size_t kept; /* bytes of all that have ended */
static unsigned leaders;
static unsigned leaders_max = UINT_MAX;
static _Atomic unsigned under_way; /* all that have not ended */
static _Atomic bool rung;
static _Thread_local unsigned leading; /* by this thread */

static struct flight **
place_of(const uint8_t key[CACHE_KEY_LEN])
{
	struct flight **at =
	    &buckets[((size_t)key[0] | (size_t)key[1] << 8) % BUCKETS];

	while (*at != NULL && memcmp((*at)->key, key, CACHE_KEY_LEN) != 0)
		at = &(*at)->next_in_bucket;
	return at;
}

/* A copy of what came of a computation; NULL: nothing, or no memory. */
static struct result *
result_new(const struct together_result *from)
{
	struct result *result =
	    from->data != NULL ? malloc(sizeof(*result) + from->len) : NULL;

	if (result == NULL)
		return NULL;
	atomic_init(&result->refs, 1);
	result->error = from->error;
	result->serves_us = from->serves_us;
	result->len = from->len;
	memcpy(result->data, from->data, from->len);
	return result;
}

static struct result *
result_ref(struct result *result)
{
	atomic_fetch_add(&result->refs, 1);
	return result;
}

/* Accepts NULL. */
static void
result_unref(struct result *result)
{
	if (result != NULL && atomic_fetch_sub(&result->refs, 1) == 1)
		free(result);
}

static size_t
size_of(const struct flight *flight)
{
	return sizeof(*flight) +
	       (flight->result != NULL ? flight->result->len : 0);
}

static void
unlink_flight(struct flight *flight)
{
	struct list *list = &lists[flight->state];

	*(flight->prev != NULL ? &flight->prev->next : &list->first) =
	    flight->next;
	*(flight->next != NULL ? &flight->next->prev : &list->last) =
	    flight->prev;
	list->count--;
	if (flight->state == ENDED)
		kept -= size_of(flight);
	else
		atomic_fetch_sub(&under_way, 1);
}

static void
link_flight(struct flight *flight, enum state state)
{
	struct list *list = &lists[state];

	flight->state = state;
	flight->next = NULL;
	flight->prev = list->last;
	*(list->last != NULL ? &list->last->next : &list->first) = flight;
	list->last = flight;
	list->count++;
	if (state == ENDED)
		kept += size_of(flight);
	else
		atomic_fetch_add(&under_way, 1);
}

/* Into the list of `state`; `flight` NULL: a new one for `key`. NULL: no
 * memory. */
static struct flight *
move(struct flight *flight, const uint8_t key[CACHE_KEY_LEN], enum state state)
{
	if (flight != NULL) {
		unlink_flight(flight);
	} else {
		flight = calloc(1, sizeof(*flight));
		if (flight == NULL)
			return NULL;
		memcpy(flight->key, key, CACHE_KEY_LEN);
		*place_of(key) = flight;
	}
	link_flight(flight, state);
	return flight;
}

static void
drop(struct flight *flight)
{
	unlink_flight(flight);
	*place_of(flight->key) = flight->next_in_bucket;
	result_unref(flight->result);
	free(flight);
}

/* Not QUEUED or GRANTED any more; a result that it still has stays. */
static void
forgo(struct flight *flight)
{
	if (flight->result != NULL)
		(void)move(flight, flight->key, ENDED);
	else
		drop(flight);
}

/* Forget results that are old, or too many. */
static void
sweep(int64_t old_us)
{
	const struct list *list = &lists[ENDED];

	while (
	    list->first != NULL && (list->first->ended_us < old_us ||
				       (kept > KEEP_BYTES && list->count > 1)))
		drop(list->first);
}

/* Give the places that are free to those who wait for one. */
static void
grant(int64_t now_us)
{
	struct flight *flight;

	while ((flight = lists[GRANTED].first) != NULL &&
	       flight->seen_us < now_us - GRANT_US)
		forgo(flight);
	while (leaders + lists[GRANTED].count < leaders_max &&
	       (flight = lists[QUEUED].first) != NULL) {
		if (flight->seen_us < now_us - SEEN_US) {
			forgo(flight); /* its client has gone */
			continue;
		}
		(void)move(flight, flight->key, GRANTED);
		flight->seen_us = now_us;
		atomic_store(&rung, true);
	}
}

/* Is the result one for this request? */
static bool
serves(const struct flight *flight, int64_t asked_us, int64_t since_ms)
{
	return flight->result != NULL &&
	       flight->result->serves_us >= asked_us &&
	       store_is_since(flight->ended_ms,
		   (flight->ended_ms - flight->made_ms) * 1000, since_ms);
}

/* Must a thread that leads nothing yet wait for its turn? */
static bool
is_full(const struct flight *flight)
{
	return leading == 0 && (flight == NULL || flight->state != GRANTED) &&
	       (lists[QUEUED].count > 0 ||
		   leaders + lists[GRANTED].count >= leaders_max);
}

/* Have this thread lead it. `counts`: among the leaders. NULL: no memory. */
static struct flight *
lead(struct flight *flight, const uint8_t *key, bool counts)
{
	flight = move(flight, key, RUNNING);
	if (flight == NULL)
		return NULL;
	flight->leader = pthread_self();
	flight->counts = counts;
	leading++;
	flight->followed = false;
	flight->began_ms = cache_now_ms();
	return flight;
}

/* With the lock held. A result is the caller's to copy and to give up. */
static enum together
join(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us, int64_t since_ms,
    struct result **found)
{
	struct flight *flight = *place_of(key);
	int64_t now_us = clock_mono_us();

	if (flight != NULL && serves(flight, asked_us, since_ms)) {
		*found = result_ref(flight->result);
		return (*found)->error ? TOGETHER_ERROR : TOGETHER_DONE;
	}
	if (flight != NULL && flight->state == RUNNING) {
		if (pthread_equal(flight->leader, pthread_self()))
			return TOGETHER_ALONE;
		flight->followed = true;
		return TOGETHER_WAIT;
	}
	grant(now_us);
	flight = *place_of(key); /* it may have been forgone */
	if (is_full(flight)) {
		if (flight == NULL || flight->state != QUEUED)
			flight = move(flight, key, QUEUED);
		if (flight == NULL)
			return TOGETHER_ALONE;
		flight->seen_us = now_us;
		return TOGETHER_WAIT;
	}
	flight = lead(flight, key, leading == 0);
	if (flight == NULL)
		return TOGETHER_ALONE;
	leaders += flight->counts;
	return TOGETHER_LEAD;
}

enum together
together_join(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us,
    int64_t since_ms, struct buf *out, int64_t *serves_us)
{
	struct result *found = NULL;
	enum together outcome;

	(void)pthread_mutex_lock(&lock);
	sweep(clock_mono_us() - KEEP_US);
	outcome = join(key, asked_us, since_ms, &found);
	(void)pthread_mutex_unlock(&lock);
	if (found != NULL && buf_put(out, found->data, found->len) < 0)
		outcome = TOGETHER_ALONE;
	else if (found != NULL)
		*serves_us = found->serves_us;
	result_unref(found);
	return outcome;
}

/* The result of what is not in the list ENDED; takes a reference. */
static void
put_result(struct flight *flight, struct result *result)
{
	result_unref(flight->result);
	flight->result = result_ref(result);
	flight->made_ms = flight->began_ms;
	flight->ended_ms = cache_now_ms();
	flight->ended_us = clock_mono_us();
}

/* What ran has ended so; NULL: with nothing that others can use. */
static void
land(struct flight *flight, struct result *result)
{
	leaders -= flight->counts;
	if (result == NULL) {
		drop(flight);
		return;
	}
	put_result(flight, result);
	(void)move(flight, flight->key, ENDED);
}

bool
together_end(const uint8_t key[CACHE_KEY_LEN],
    const struct together_result *from)
{
	struct result *result = result_new(from);
	struct flight *flight;
	bool ring = false;

	(void)pthread_mutex_lock(&lock);
	flight = *place_of(key);
	leading--;
	/* Else it was given up for lost. */
	if (flight != NULL && flight->state == RUNNING &&
	    pthread_equal(flight->leader, pthread_self())) {
		if (flight->followed)
			atomic_store(&rung, true);
		land(flight, result);
		grant(clock_mono_us());
		sweep(clock_mono_us() - KEEP_US);
		ring = atomic_load(&rung);
	}
	(void)pthread_mutex_unlock(&lock);
	result_unref(result);
	return ring;
}

bool
together_hold(const uint8_t key[CACHE_KEY_LEN], int64_t took_us)
{
	struct flight *flight;

	(void)pthread_mutex_lock(&lock);
	flight = *place_of(key);
	if (flight == NULL || flight->state == ENDED)
		flight = lead(flight, key, false);
	else
		flight = NULL;
	if (flight != NULL)
		flight->began_ms -= took_us / 1000;
	(void)pthread_mutex_unlock(&lock);
	return flight != NULL;
}

void
together_offer(const uint8_t key[CACHE_KEY_LEN], int64_t took_us,
    const struct together_result *from)
{
	struct result *result = result_new(from);
	struct flight *flight;

	if (result == NULL)
		return;
	(void)pthread_mutex_lock(&lock);
	flight = *place_of(key);
	if (flight == NULL || flight->state == ENDED)
		flight = move(flight, key, QUEUED); /* for a moment */
	if (flight != NULL && flight->state != RUNNING) {
		flight->began_ms = cache_now_ms() - took_us / 1000;
		put_result(flight, result);
		forgo(flight);
		atomic_store(&rung, true);
	}
	sweep(clock_mono_us() - KEEP_US);
	(void)pthread_mutex_unlock(&lock);
	result_unref(result);
}

bool
together_must_wait(const uint8_t key[CACHE_KEY_LEN])
{
	struct flight *flight;
	bool waits = false;

	if (atomic_load(&under_way) == 0)
		return false;
	(void)pthread_mutex_lock(&lock);
	flight = *place_of(key);
	if (flight != NULL && flight->state == QUEUED) {
		flight->seen_us = clock_mono_us();
		grant(flight->seen_us);
		waits = flight->state == QUEUED;
	} else if (flight != NULL && flight->state == RUNNING) {
		flight->followed = true;
		waits = true;
	}
	(void)pthread_mutex_unlock(&lock);
	return waits;
}

unsigned
together_lost(const uint8_t key[CACHE_KEY_LEN], const char *why,
    uint8_t out[][CACHE_KEY_LEN], unsigned most)
{
	struct result *result = result_new(&(
	    struct together_result){ true, why, strlen(why), clock_mono_us() });
	struct flight *flight;
	struct flight *next;
	pthread_t leader;
	unsigned count = 0;

	(void)pthread_mutex_lock(&lock);
	flight = *place_of(key);
	if (flight != NULL && flight->state == RUNNING) {
		leader = flight->leader;
		flight = lists[RUNNING].first;
		for (; flight != NULL; flight = next) {
			next = flight->next;
			if (!pthread_equal(flight->leader, leader))
				continue;
			if (count < most)
				memcpy(out[count++], flight->key,
				    CACHE_KEY_LEN);
			land(flight, result);
		}
		grant(clock_mono_us());
		atomic_store(&rung, true);
	}
	(void)pthread_mutex_unlock(&lock);
	result_unref(result);
	return count;
}

bool
together_knows(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us)
{
	const struct flight *flight;
	bool knows;

	(void)pthread_mutex_lock(&lock);
	flight = *place_of(key);
	knows =
	    flight != NULL && (flight->state == RUNNING ||
				  (flight->result != NULL &&
				      flight->result->serves_us >= asked_us));
	(void)pthread_mutex_unlock(&lock);
	return knows;
}

bool
together_has_rung(void)
{
	return atomic_load(&rung) && atomic_exchange(&rung, false);
}

void
together_limit(unsigned most)
{
	(void)pthread_mutex_lock(&lock);
	leaders_max = most;
	(void)pthread_mutex_unlock(&lock);
}

void
together_sweep(int64_t oldest_us)
{
	(void)pthread_mutex_lock(&lock);
	sweep(oldest_us - MARGIN_US);
	(void)pthread_mutex_unlock(&lock);
}
