/* SPDX-License-Identifier: MIT */

/*
 * A short list of computations that run on this worker's threads, and of those
 * that ended a moment ago, for requests that were in the queue by then.
 *
 * A thread that waits for another's computation must not be the one that this
 * computation waits for. So each computation knows who leads it, and each
 * thread what it waits for: a chain that comes back to the one who asks is a
 * circle, and he computes for himself (the depth of nesting ends that).
 *
 * INVARIANT  An entry with `running` belongs to a thread between
 *            together_join() and together_end(); one with `waiting` > 0 is not
 *            freed.
 * INVARIANT  Results together are at most KEEP_BYTES, but for one, and those
 *            that nobody waits for at most KEEP_US old.
 * THREADS    One lock; nothing is computed under it.
 */
#include "worker/together.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cache/now.h"
#include "cache/store.h"
#include "server/base/buf.h"
#include "server/base/clock.h"

#define KEEP_US INT64_C(60000000)
#define KEEP_BYTES (8 << 20)
#define LOOK_MS 50 /* between looks at whether the one who waits is wanted */

struct flight {
	struct flight *next;
	uint8_t key[CACHE_KEY_LEN];
	pthread_t leader;
	bool running;
	bool error;
	unsigned waiting;
	int64_t began_ms; /* cache_now_ms */
	int64_t ended_ms;
	int64_t ended_us; /* clock_mono_us */
	char *data;       /* the result; NULL: there is none */
	size_t len;
};

/* A thread that waits; lives on its stack. */
struct waiter {
	struct waiter *next;
	pthread_t thread;
	const struct flight *flight;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct flight *flights; /* newest first */
static struct waiter *waiters;

static void
make_condition(void)
{
	pthread_condattr_t how;

	(void)pthread_condattr_init(&how);
	(void)pthread_condattr_setclock(&how, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&ended, &how);
	(void)pthread_condattr_destroy(&how);
}

static struct flight *
find(const uint8_t key[CACHE_KEY_LEN])
{
	struct flight *flight = flights;

	while (flight != NULL && memcmp(flight->key, key, CACHE_KEY_LEN) != 0)
		flight = flight->next;
	return flight;
}

/* Forget results that are old, or too many. */
static void
sweep(void)
{
	struct flight **at = &flights;
	struct flight *flight;
	int64_t old_us = clock_mono_us() - KEEP_US;
	size_t total = 0;

	while ((flight = *at) != NULL) {
		total += flight->len;
		if (flight->running || flight->waiting > 0 ||
		    (flight->data != NULL && flight->ended_us > old_us &&
			(total <= KEEP_BYTES || total == flight->len))) {
			at = &flight->next;
			continue;
		}
		total -= flight->len;
		*at = flight->next;
		free(flight->data);
		free(flight);
	}
}

static struct flight *
add(const uint8_t key[CACHE_KEY_LEN])
{
	struct flight *flight = calloc(1, sizeof(*flight));

	if (flight == NULL)
		return NULL;
	memcpy(flight->key, key, CACHE_KEY_LEN);
	flight->next = flights;
	flights = flight;
	return flight;
}

static const struct flight *
waits_for(pthread_t thread)
{
	const struct waiter *waiter = waiters;

	while (waiter != NULL && !pthread_equal(waiter->thread, thread))
		waiter = waiter->next;
	return waiter != NULL ? waiter->flight : NULL;
}

/* Would this thread wait for itself? */
static bool
is_circle(const struct flight *flight)
{
	pthread_t self = pthread_self();

	for (; flight != NULL && flight->running;
	     flight = waits_for(flight->leader)) {
		if (pthread_equal(flight->leader, self))
			return true;
	}
	return false;
}

static void
wait_for(struct flight *flight)
{
	struct waiter waiter = { .next = waiters,
		.thread = pthread_self(),
		.flight = flight };
	struct waiter **at;
	struct timespec until;

	waiters = &waiter;
	flight->waiting++;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&ended, &lock, &until);
	flight->waiting--;
	for (at = &waiters; *at != &waiter;)
		at = &(*at)->next;
	*at = waiter.next;
}

/* Is the result one for this request? */
static bool
serves(const struct flight *flight, int64_t asked_us, int64_t since_ms)
{
	return flight->data != NULL && flight->ended_us >= asked_us &&
	       store_is_since(flight->ended_ms,
		   (flight->ended_ms - flight->began_ms) * 1000, since_ms);
}

/* May this request wait for what is running? */
static bool
will_serve(const struct flight *flight, int64_t since_ms)
{
	return (since_ms >= 0 || flight->began_ms >= -since_ms) &&
	       !is_circle(flight);
}

static enum together
take(const struct flight *flight, struct buf *out)
{
	if (buf_put(out, flight->data, flight->len) < 0)
		return TOGETHER_ALONE;
	return flight->error ? TOGETHER_ERROR : TOGETHER_DONE;
}

static enum together
join(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us, int64_t since_ms,
    bool (*gone)(void *arg), void *arg, struct buf *out)
{
	struct flight *flight;
	bool left;

	while ((flight = find(key)) != NULL) {
		if (!flight->running) {
			if (serves(flight, asked_us, since_ms))
				return take(flight, out);
			/* Others still have to take what is there. */
			if (flight->data != NULL && flight->waiting > 0)
				return TOGETHER_ALONE;
			break;
		}
		if (!will_serve(flight, since_ms))
			return TOGETHER_ALONE;
		wait_for(flight);
		if (gone == NULL)
			continue;
		(void)pthread_mutex_unlock(&lock);
		left = gone(arg);
		(void)pthread_mutex_lock(&lock);
		if (left)
			return TOGETHER_ALONE;
	}
	if (flight == NULL)
		flight = add(key);
	if (flight == NULL)
		return TOGETHER_ALONE;
	free(flight->data);
	flight->data = NULL;
	flight->len = 0;
	flight->leader = pthread_self();
	flight->running = true;
	flight->began_ms = cache_now_ms();
	return TOGETHER_LEAD;
}

enum together
together_join(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us,
    int64_t since_ms, bool (*gone)(void *arg), void *arg, struct buf *out)
{
	enum together outcome;

	(void)pthread_once(&once, make_condition);
	(void)pthread_mutex_lock(&lock);
	sweep();
	outcome = join(key, asked_us, since_ms, gone, arg, out);
	(void)pthread_mutex_unlock(&lock);
	return outcome;
}

static void
put_result(struct flight *flight, bool error, const void *data, size_t len)
{
	char *copy = data != NULL ? malloc(len + 1) : NULL;

	if (copy != NULL)
		memcpy(copy, data, len);
	free(flight->data);
	flight->data = copy;
	flight->len = copy != NULL ? len : 0;
	flight->error = error;
	flight->running = false;
	flight->ended_ms = cache_now_ms();
	flight->ended_us = clock_mono_us();
}

void
together_end(const uint8_t key[CACHE_KEY_LEN], bool error, const void *data,
    size_t len)
{
	struct flight *flight;

	(void)pthread_mutex_lock(&lock);
	flight = find(key);
	if (flight != NULL)
		put_result(flight, error, data, len);
	sweep();
	(void)pthread_cond_broadcast(&ended);
	(void)pthread_mutex_unlock(&lock);
}

void
together_offer(const uint8_t key[CACHE_KEY_LEN], const void *data, size_t len)
{
	struct flight *flight;

	(void)pthread_once(&once, make_condition);
	(void)pthread_mutex_lock(&lock);
	flight = find(key);
	if (flight == NULL)
		flight = add(key);
	if (flight != NULL && !flight->running && flight->waiting == 0) {
		flight->began_ms = cache_now_ms();
		put_result(flight, false, data, len);
	}
	sweep();
	(void)pthread_mutex_unlock(&lock);
}
