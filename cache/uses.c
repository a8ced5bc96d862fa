/* SPDX-License-Identifier: MIT */

/*
 * The access clock: a ring of the process, and a table that remembers what
 * was noted in the present step of time. How long a step is the keeper tells
 * (pace.h); it is read whenever the ring is written.
 *
 * An entry of `recent` is a row's number with its low bits replaced by those
 * of the step. Two rows that share an entry displace each other: one of them
 * is noted more often than need be. One that was not used for just as many
 * steps as the bits can tell apart is noted a step later.
 *
 * INVARIANT  The lock is never held over a database call, and a look-up only
 *            tries it.
 */
#include "cache/uses.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/cache_int.h"
#include "cache/meta.h"
#include "cache/now.h"
#include "cache/pace.h"
#include "cache/store.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define RECENT 8192     /* power of two */
#define RING 1024       /* rows noted and not yet written */
#define BATCH 256       /* of one transaction */
#define FLUSH_US 2000   /* longest time spent on writing */
#define STEP_BITS 0x3ff /* of a row's number, given up for the step */
#define REST_MAX_MS 1000
#define LOOK_MS 50 /* how old what the keeper told may be for a writer */

static _Atomic unsigned pace = PACE_MOST; /* as the keeper has told it */
static _Atomic int64_t due_us;            /* when the ring is to be written */
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
	unsigned shift = atomic_load_explicit(&pace, memory_order_relaxed);
	uint64_t step = (uint64_t)now_ms >> shift & STEP_BITS;
	uint64_t entry = ((uint64_t)id & ~(uint64_t)STEP_BITS) | step;
	_Atomic uint64_t *at = &recent[((uint64_t)id >> 10) % RECENT];

	/* Its row says so already. */
	if (now_ms - created_ms < INT64_C(1) << shift)
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

int64_t
uses_step_ms(void)
{
	return INT64_C(1) << atomic_load_explicit(&pace, memory_order_relaxed);
}

int64_t
uses_rest_ms(void)
{
	int64_t step_ms = uses_step_ms();

	return step_ms < REST_MAX_MS ? step_ms : REST_MAX_MS;
}

/* What the keeper says now. */
static void
follow_pace(struct db *db)
{
	int64_t told = PACE_MOST;
	int rc;

	if (db_use_read(db, STATEMENT_META_GET, &rc) == NULL ||
	    meta_get_number(db, SCHEMA_META_PACE, &told) < 0)
		return;
	if (told >= PACE_LEAST && told <= PACE_MOST)
		atomic_store_explicit(&pace, (unsigned)told,
		    memory_order_relaxed);
}

/* Has nobody looked for a while? */
static bool
is_due(void)
{
	return clock_mono_us() >=
	       atomic_load_explicit(&due_us, memory_order_relaxed);
}

void
uses_keep_up(struct cache *cache)
{
	if (uses_are_many() || is_due())
		(void)uses_flush(cache);
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
	int64_t now = store_use(cache_now_ms());
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
		db_bind_int(stmt, 2, now);
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
	atomic_store_explicit(&due_us, clock_mono_us() + LOOK_MS * 1000,
	    memory_order_relaxed);
	db->write_us = 0;
	db->probing = true;
	follow_pace(db);
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

int64_t
cache_write_uses(struct cache *cache)
{
	uses_keep_up(cache);
	return uses_rest_ms();
}
