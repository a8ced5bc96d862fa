/* SPDX-License-Identifier: MIT */

/*
 * The access clock: a ring of the process, and a table that remembers what
 * was noted in the present minute.
 *
 * An entry of `recent` is a row's number with its low bits replaced by the
 * minute. Two rows that share an entry displace each other: one of them is
 * noted more often than need be.
 *
 * INVARIANT  The lock is never held over a database call, and a look-up only
 *            tries it.
 */
#include "cache/uses.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/cache_int.h"
#include "cache/now.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define RECENT 8192       /* power of two */
#define RING 1024         /* rows noted and not yet written */
#define BATCH 256         /* of one transaction */
#define FLUSH_US 2000     /* longest time spent on writing */
#define MINUTE_MS 60000   /* a use is noted this often at most */
#define MINUTE_BITS 0x3ff /* of a row's number, given up for the minute */

static _Atomic uint64_t recent[RECENT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t ring[RING];       /* guarded by lock */
static _Atomic unsigned waiting; /* rows in the ring; written under lock */

/* False: the ring is full, or somebody else has it. */
static bool
put(int64_t id)
{
	unsigned at;
	bool fits;

	if (pthread_mutex_trylock(&lock) != 0)
		return false;
	at = atomic_load_explicit(&waiting, memory_order_relaxed);
	fits = at < RING;
	if (fits) {
		ring[at] = id;
		atomic_store_explicit(&waiting, at + 1, memory_order_relaxed);
	}
	(void)pthread_mutex_unlock(&lock);
	return fits;
}

void
uses_note(struct cache *cache, int64_t id, int64_t created_ms, int64_t now_ms)
{
	uint64_t minute = (uint64_t)(now_ms / MINUTE_MS) & MINUTE_BITS;
	uint64_t entry = ((uint64_t)id & ~(uint64_t)MINUTE_BITS) | minute;
	_Atomic uint64_t *at = &recent[((uint64_t)id >> 10) % RECENT];

	/* Its row says so already. */
	if (now_ms - created_ms < MINUTE_MS)
		return;
	if (atomic_load_explicit(at, memory_order_relaxed) == entry)
		return;
	if (put(id))
		atomic_store_explicit(at, entry, memory_order_relaxed);
	else
		counts_add(&cache->counts, COUNT_DROPPED, 1);
}

bool
uses_are_many(void)
{
	return atomic_load_explicit(&waiting, memory_order_relaxed) >= BATCH;
}

/* Take the newest notes out of the ring. */
static unsigned
take(int64_t ids[BATCH])
{
	unsigned left;
	unsigned count;

	(void)pthread_mutex_lock(&lock);
	left = atomic_load_explicit(&waiting, memory_order_relaxed);
	count = left < BATCH ? left : BATCH;
	left -= count;
	memcpy(ids, &ring[left], count * sizeof(ids[0]));
	atomic_store_explicit(&waiting, left, memory_order_relaxed);
	(void)pthread_mutex_unlock(&lock);
	return count;
}

static int
write_batch(struct cache *cache, const int64_t *ids, unsigned count)
{
	int64_t now_s = cache_now_ms() / 1000;
	struct db *db = &cache->db;
	sqlite3_stmt *stmt;
	unsigned i;
	int rc;

	rc = db_write_begin(db);
	if (rc < 0)
		return rc;
	stmt = db_use(db, STATEMENT_USE_NOTE, &rc);
	for (i = 0; i < count && rc == 0; i++) {
		db_bind_int(stmt, 1, ids[i]);
		db_bind_int(stmt, 2, now_s);
		rc = db_run(db, STATEMENT_USE_NOTE);
	}
	if (rc < 0) {
		db_write_cancel(db);
		return rc;
	}
	return db_write_commit(db);
}

int
uses_flush(struct cache *cache)
{
	int64_t until = clock_mono_us() + FLUSH_US;
	struct db *db = &cache->db;
	int64_t write_us = db->write_us;
	int64_t ids[BATCH];
	unsigned count;
	int written = 0;
	int rc = 0;

	if (db->handle == NULL || db->latched || db->reading)
		return 0;
	db->write_us = 0;
	db->probing = true;
	while (rc == 0 && (count = take(ids)) > 0) {
		rc = write_batch(cache, ids, count);
		if (rc < 0)
			counts_add(&cache->counts, COUNT_DROPPED, count);
		else
			written += (int)count;
		if (clock_mono_us() >= until)
			break;
	}
	db->probing = false;
	db->write_us = write_us;
	return rc < 0 ? cache_public_rc(rc) : written;
}
