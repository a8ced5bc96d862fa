/* SPDX-License-Identifier: MIT */

/*
 * A short list of claims to give back later.
 *
 * INVARIANT  The lock is never held over a database call. An entry is taken
 *            out before it is tried; cache_release() puts it in again when
 *            the database refuses.
 * FAILURE    A dropped entry is reported; its row is freed when this worker
 *            ends.
 */
#include "cache/orphan.h"

#include <pthread.h>
#include <string.h>

#include "cache/cache_int.h"
#include "server/base/err.h"
#include "server/base/log.h"

#define ORPHANS_MAX 256

struct orphan {
	uint8_t key[CACHE_KEY_LEN];
	int64_t epoch;
	int64_t worker_id;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct orphan orphans[ORPHANS_MAX]; /* guarded by lock, oldest first */
static unsigned orphans_used;              /* guarded by lock */

static void
remove_at(unsigned i)
{
	orphans_used--;
	memmove(&orphans[i], &orphans[i + 1],
	    (orphans_used - i) * sizeof(orphans[0]));
}

void
orphan_add(const uint8_t key[CACHE_KEY_LEN], int64_t epoch, int64_t worker_id)
{
	struct orphan *orphan;
	bool dropped = false;

	(void)pthread_mutex_lock(&lock);
	if (orphans_used == ORPHANS_MAX) {
		remove_at(0);
		dropped = true;
	}
	orphan = &orphans[orphans_used++];
	memcpy(orphan->key, key, CACHE_KEY_LEN);
	orphan->epoch = epoch;
	orphan->worker_id = worker_id;
	(void)pthread_mutex_unlock(&lock);
	if (dropped)
		log_error(ERR_FULL, "cache.orphan",
		    "a computation stays claimed until this worker ends");
}

/* Take the oldest entry of this worker out. */
static bool
take(int64_t worker_id, struct orphan *out)
{
	unsigned i;
	bool found = false;

	(void)pthread_mutex_lock(&lock);
	for (i = 0; i < orphans_used && !found; i++) {
		if (orphans[i].worker_id != worker_id)
			continue;
		*out = orphans[i];
		remove_at(i);
		found = true;
	}
	(void)pthread_mutex_unlock(&lock);
	return found;
}

unsigned
orphan_count(void)
{
	unsigned count;

	(void)pthread_mutex_lock(&lock);
	count = orphans_used;
	(void)pthread_mutex_unlock(&lock);
	return count;
}

void
orphan_return(struct cache *cache)
{
	struct cache_claim claim;
	struct orphan orphan;
	unsigned tries = orphan_count();
	int rc = 0;

	for (; tries > 0 && take(cache->peer.worker_id, &orphan); tries--) {
		memset(&claim, 0, sizeof(claim));
		memcpy(claim.key, orphan.key, CACHE_KEY_LEN);
		claim.epoch = orphan.epoch;
		rc = cache_release(cache, &claim);
		if (rc < 0 && rc != ERR_STALE)
			break;
	}
}
