/* SPDX-License-Identifier: MIT */

/*
 * What a job sets of the page while it runs is one entry in the store under a
 * key of the row's, as finished JSON, so that whoever answers the page's
 * question reads it and sends it.
 *
 * Some are written at once; many in a row wait for a moment, so that setting
 * does not cost a writing each. What waits then is written by a thread of its
 * own, as the job may do anything long next, sleep() or a sum, and not come by
 * here. The thread is there from the first time that something had to wait.
 *
 * INVARIANT  What is newer is written later: of one call only one thread writes
 *            at a time, what it copied with the lock. It holds no lock
 *            meanwhile, so a store that is held up holds up no other job; what
 *            it writes stays until it is done, set anew or not.
 * THREADS    Those that run calls, and that one.
 * FAILURE    A store that fails loses a step, and without the thread what
 *            waits; the answer at the end has all of it.
 */
#include "worker/sides.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "server/base/clock.h"
#include "worker/job.h"
#include "worker/scratch.h"
#include "worker/update.h"

#define EVERY_US 50000
#define BURST_BYTES (64 * 1024) /* in that time, ... */
#define WRITE_BYTES 4096        /* ... of which each writing costs some */
#define MARGIN_MS 300

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct call *first; /* of those with something that waits */
static pthread_cond_t told = PTHREAD_COND_INITIALIZER; /* one is written */
static pthread_cond_t changed;
static pthread_t teller;
static bool telling;                        /* the thread is there */
static const struct cache_options *options; /* since it was begun */
static bool stopping;

static int64_t
due_us(const struct call *call)
{
	return call->sides_us + EVERY_US;
}

/* --- with the lock -------------------------------------------------------- */

/* What is set in a scratch outlives it, and is freed when it is set anew. */
static bool
put_value(struct call *call, struct update_side *side,
    const struct value *value)
{
	struct arena own;

	arena_init(&own, (size_t)call->kit->options->limit_request_memory);
	if (call->scratch != NULL) {
		value = scratch_copy(&own, value);
		if (value == NULL) {
			arena_free(&own);
			return false;
		}
	}
	if (side->writing)
		side->old = side->own;
	else
		arena_free(&side->own);
	side->writing = false;
	side->own = own;
	side->value = value;
	return true;
}

static bool
put(struct call *call, const char *what, const struct value *value)
{
	struct arena *lasting = scratch_lasting_arena(call);
	struct update_side **at = &call->sides;
	struct update_side *side;

	while (*at != NULL && strcmp((*at)->what, what) != 0)
		at = &(*at)->next;
	side = *at;
	if (side == NULL) {
		side = arena_calloc(lasting, 1, sizeof(*side));
		if (side == NULL)
			return false;
		side->what = what;
		if (call->scratch != NULL)
			side->what = arena_strndup(lasting, what, strlen(what));
		if (side->what == NULL)
			return false;
		side->value = &call_null_value;
		*at = side;
	}
	if (!put_value(call, side, value))
		return false;
	side->set_us = clock_mono_us();
	return true;
}

/* It waits no more. */
static void
leave(struct call *call)
{
	struct call **at = &first;

	if (!call->sides_wait)
		return;
	while (*at != call)
		at = &(*at)->sides_next;
	*at = call->sides_next;
	call->sides_wait = false;
}

/* The list as it is now, whose values stay until written(); to be freed. NULL:
 * no memory. */
static struct update_side *
copy(struct update_side *side)
{
	struct update_side *at;
	struct update_side *rows;
	size_t count = 0;
	size_t i = 0;

	for (at = side; at != NULL; at = at->next)
		count++;
	rows = calloc(count + 1, sizeof(*rows));
	if (rows == NULL)
		return NULL;
	for (at = side; at != NULL; at = at->next, i++) {
		at->writing = true;
		rows[i] = *at;
		rows[i].next = at->next != NULL ? &rows[i + 1] : NULL;
	}
	return rows;
}

static void
written(struct update_side *side)
{
	for (; side != NULL; side = side->next) {
		side->writing = false;
		arena_free(&side->old);
	}
}

/*
 * Without the lock. The entry lives a little longer than the page waits between
 * two looks, and has what was set in that time: so the page gets it once, or
 * twice, and does not undo for as long as the job runs what its reader has
 * changed since. The answer at the end has all of them once more.
 */
static size_t
write_down(const struct call *call, const struct update_side *sides,
    int64_t now_us, struct cache *cache)
{
	double interval =
	    call->callback->interval > 0 ? call->callback->interval : 1;
	int64_t life_ms = (int64_t)(interval * 1000) + MARGIN_MS;
	struct buf json = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];
	const char *why;
	size_t bytes;

	if (update_sides(sides, now_us - life_ms * 1000, &json, &why) &&
	    buf_ok(&json) &&
	    job_sides_key(call->kit->cache_options, call->own_key, key) == 0)
		(void)job_store(cache, key, life_ms, &json);
	bytes = WRITE_BYTES + json.len;
	buf_free(&json);
	return bytes;
}

/* Lets go of the lock while it writes. */
static void
tell(struct call *call, struct cache *cache)
{
	struct update_side *sides = copy(call->sides);
	int64_t now_us = clock_mono_us();
	size_t bytes;

	if (now_us >= due_us(call)) {
		call->sides_us = now_us;
		call->sides_bytes = 0;
	}
	leave(call);
	if (sides == NULL)
		return;
	call->sides_told = true;
	(void)pthread_mutex_unlock(&lock);
	bytes = write_down(call, sides, now_us, cache);
	free(sides);
	(void)pthread_mutex_lock(&lock);
	written(call->sides);
	call->sides_bytes += bytes;
	call->sides_told = false;
	(void)pthread_cond_broadcast(&told);
}

/* The one that has to be told first. */
static struct call *
next(void)
{
	struct call *best = first;
	struct call *call;

	for (call = first; call != NULL; call = call->sides_next) {
		if (due_us(call) < due_us(best))
			best = call;
	}
	return best;
}

static void
wait_until(int64_t until_us)
{
	const struct timespec until = { .tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000 };

	(void)pthread_cond_timedwait(&changed, &lock, &until);
}

/* --- the thread ----------------------------------------------------------- */

/* Open or close the connection; the lock is free meanwhile. It is not kept
 * while nothing waits, as it would hold on to a file that was replaced. */
static struct cache *
switch_cache(struct cache *cache)
{
	const struct cache_peer nobody = { .worker_id = 0 };
	bool failed = false;

	(void)pthread_mutex_unlock(&lock);
	if (cache != NULL)
		cache_close(&cache);
	else
		failed = cache_open_patient(&cache, options, &nobody) < 0;
	(void)pthread_mutex_lock(&lock);
	while (failed && first != NULL)
		leave(first); /* no memory */
	return cache;
}

static void *
run(void *arg)
{
	struct cache *cache = NULL;
	struct call *call;

	(void)arg;
	(void)prctl(PR_SET_NAME, "ph-sides");
	(void)pthread_mutex_lock(&lock);
	while (!stopping) {
		call = next();
		if (call == NULL && cache == NULL) {
			(void)pthread_cond_wait(&changed, &lock);
		} else if (call == NULL || cache == NULL) {
			cache = switch_cache(cache);
		} else if (clock_mono_us() < due_us(call)) {
			wait_until(due_us(call));
		} else {
			tell(call, cache);
		}
	}
	(void)pthread_mutex_unlock(&lock);
	cache_close(&cache);
	return NULL;
}

/* With the lock. */
static void
start(const struct cache_options *cache_options)
{
	pthread_condattr_t attr;

	options = cache_options;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	stopping = false;
	telling = pthread_create(&teller, NULL, run, NULL) == 0;
}

void
sides_stop(void)
{
	if (!telling)
		return;
	(void)pthread_mutex_lock(&lock);
	stopping = true;
	(void)pthread_cond_signal(&changed);
	(void)pthread_mutex_unlock(&lock);
	(void)pthread_join(teller, NULL);
	(void)pthread_cond_destroy(&changed);
	telling = false;
}

/* --- calls ---------------------------------------------------------------- */

static bool
is_live(const struct call *call)
{
	return call->job != NULL && call->own_key != NULL &&
	       call->kit->cache != NULL;
}

/* With the lock: now, or in a moment; so, too, while the thread writes what
 * this call has set before. */
static void
tell_soon(struct call *call)
{
	if (!call->sides_told && (call->sides_bytes < BURST_BYTES ||
				     clock_mono_us() >= due_us(call))) {
		tell(call, call->kit->cache);
		return;
	}
	if (!telling)
		start(call->kit->cache_options);
	if (!telling || call->sides_wait)
		return;
	call->sides_wait = true;
	call->sides_next = first;
	first = call;
	(void)pthread_cond_signal(&changed);
}

bool
sides_set(struct call *call, const char *what, const struct value *value)
{
	bool done;

	if (!is_live(call))
		return put(call, what, value);
	(void)pthread_mutex_lock(&lock);
	done = put(call, what, value);
	if (done && !call->failed)
		tell_soon(call);
	(void)pthread_mutex_unlock(&lock);
	return done;
}

void
sides_end(struct call *call)
{
	if (!is_live(call))
		return;
	(void)pthread_mutex_lock(&lock);
	leave(call);
	while (call->sides_told)
		(void)pthread_cond_wait(&told, &lock);
	(void)pthread_mutex_unlock(&lock);
}

void
call_sides_free(struct call *call)
{
	struct update_side *side;

	for (side = call->sides; side != NULL; side = side->next)
		arena_free(&side->own);
	call->sides = NULL;
}
