/* SPDX-License-Identifier: MIT */

/*
 * One computes, many read: the states of a row, looking at it, its lease,
 * and leaving it. Asking and claiming are in ask.c and claim.c, how a
 * computation ends in landing.c.
 *
 *   absent --ask--> wanted --claim--> computing --publish--> ready
 *     ^               ^ |                |  \--fail--> failed, quarantined
 *     |               | |                |  \--publish, no_store--> pass
 *     |               |-|----release-----|
 *     |--all left-------|----all left----|
 *
 * What is ready, failed, quarantined or pass counts as absent when its time
 * is over.
 *
 * Everything that changes a row happens inside one BEGIN IMMEDIATE, so the
 * row and the value are seen as they are, and after COMMIT the eventfds of
 * the waiters are written. No wake-up is lost: whoever publishes after our
 * transaction finds our bit in the mask, whoever published before it left a
 * value that our transaction finds.
 *
 * INVARIANT  A row changes state only along flight_may_go().
 * INVARIANT  The epoch grows with each claim, and starts above that of any
 *            former row of the key.
 * THREADS    As struct cache: one per connection.
 * FAILURE    The transaction is rolled back; see db.h.
 */
#include "cache/flight.h"

#include <errno.h>
#include <string.h>

#include "cache/flight_int.h"
#include "cache/now.h"
#include "cache/orphan.h"
#include "cache/store.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define RENEW_US 20000 /* longest wait: the loop calls it */
#define LEFT_MS 2000   /* for the keeper to see that a lease is over */

#define TO(state) (1u << FLIGHT_##state)
static const struct {
	const char *name;
	unsigned may_go_to;
} states[] = {
	[FLIGHT_ABSENT] = { "absent", TO(WANTED) | TO(COMPUTING) },
	[FLIGHT_WANTED] = { "wanted", TO(COMPUTING) | TO(ABSENT) },
	[FLIGHT_COMPUTING] = { "computing", TO(READY) | TO(FAILED) |
						TO(QUARANTINED) | TO(PASS) |
						TO(WANTED) | TO(ABSENT) },
	[FLIGHT_READY] = { "ready", TO(ABSENT) },
	[FLIGHT_FAILED] = { "failed", TO(ABSENT) },
	[FLIGHT_QUARANTINED] = { "quarantined", TO(ABSENT) },
	[FLIGHT_PASS] = { "pass", TO(ABSENT) },
};
#undef TO

#define STATES (sizeof(states) / sizeof(states[0]))

const char *
flight_state_name(int state)
{
	if (state < 0 || (size_t)state >= STATES)
		return "?";
	return states[state].name;
}

bool
flight_may_go(enum flight_state from, enum flight_state to)
{
	return (size_t)from < STATES && (size_t)to < STATES &&
	       (states[from].may_go_to & 1u << to) != 0;
}

/* --- reading a row ----------------------------------------------------- */

static bool
has_error(const struct flight_row *row)
{
	return row->state == FLIGHT_FAILED || row->state == FLIGHT_QUARANTINED;
}

int
flight_read(struct db *db, const uint8_t *key, struct flight_row *row,
    struct buf *error)
{
	sqlite3_stmt *stmt;
	const void *full_key;
	int rc;

	memset(row, 0, sizeof(*row));
	stmt = db_use(db, STATEMENT_SIGNAL_GET, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	rc = db_step(db, STATEMENT_SIGNAL_GET);
	if (rc <= 0)
		return rc;
	full_key = sqlite3_column_blob(stmt, 0);
	row->foreign = sqlite3_column_bytes(stmt, 0) != CACHE_KEY_LEN ||
		       memcmp(full_key, key, CACHE_KEY_LEN) != 0;
	row->state = sqlite3_column_int(stmt, 1);
	row->epoch = sqlite3_column_int64(stmt, 2);
	row->attempts = (uint32_t)sqlite3_column_int(stmt, 3);
	row->waiters = (uint64_t)sqlite3_column_int64(stmt, 4);
	row->computations = sqlite3_column_int64(stmt, 5);
	row->due_at = sqlite3_column_int64(stmt, 6);
	row->lease_until = sqlite3_column_int64(stmt, 8);
	rc = 0;
	if (error != NULL && (has_error(row) || row->state == FLIGHT_PASS) &&
	    !row->foreign) {
		buf_clear(error);
		rc = buf_put(error, sqlite3_column_blob(stmt, 7),
		    (size_t)sqlite3_column_bytes(stmt, 7));
	}
	db_reset(db, STATEMENT_SIGNAL_GET);
	return rc;
}

bool
flight_is_live(const struct flight_row *row)
{
	return row->state == FLIGHT_WANTED || row->state == FLIGHT_COMPUTING;
}

bool
flight_is_left(const struct flight_row *row)
{
	return row->state == FLIGHT_COMPUTING &&
	       clock_boot_ms() > row->lease_until + LEFT_MS;
}

bool
flight_has_failed(const struct flight_row *row)
{
	return has_error(row) && !row->foreign && clock_boot_ms() < row->due_at;
}

bool
flight_passes(const struct flight_row *row)
{
	return row->state == FLIGHT_PASS && !row->foreign &&
	       clock_boot_ms() < row->due_at;
}

/* --- state, lease ------------------------------------------------------ */

int
cache_state(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *error)
{
	struct flight_row row;
	int rc;

	if (db_use_read(&cache->db, STATEMENT_SIGNAL_GET, &rc) == NULL)
		return cache_public_rc(rc);
	rc = flight_read(&cache->db, key, &row, error);
	if (rc < 0)
		return cache_public_rc(rc);
	if (flight_is_live(&row) && !row.foreign)
		return flight_is_left(&row) ? ERR_STORE : CACHE_WAITING;
	if (flight_has_failed(&row))
		return CACHE_FAILED;
	if (flight_passes(&row))
		return CACHE_READY;
	/* The row may have been cleared away while the value lives on. */
	rc = store_has(&cache->db, key, cache_now_ms());
	if (rc < 0)
		return cache_public_rc(rc);
	return rc > 0 ? CACHE_READY : -ENOENT;
}

static int
owns_rows(struct cache *cache)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_MINE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, cache->peer.worker_id);
	rc = db_step(&cache->db, STATEMENT_SIGNAL_MINE);
	db_reset(&cache->db, STATEMENT_SIGNAL_MINE);
	return rc;
}

static int
renew_rows(struct cache *cache)
{
	sqlite3_stmt *stmt;
	int rc;

	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return rc;
	stmt = db_use(&cache->db, STATEMENT_SIGNAL_RENEW, &rc);
	if (stmt != NULL) {
		db_bind_int(stmt, 1, cache->peer.worker_id);
		db_bind_int(stmt, 2, clock_boot_ms() + cache->lease_ms);
		rc = db_run(&cache->db, STATEMENT_SIGNAL_RENEW);
	}
	if (rc < 0) {
		db_write_cancel(&cache->db);
		return rc;
	}
	return db_write_commit(&cache->db);
}

int
cache_renew(struct cache *cache)
{
	int64_t write_us = cache->db.write_us;
	int rc;

	if (write_us > RENEW_US)
		cache->db.write_us = RENEW_US;
	orphan_return(cache);
	rc = owns_rows(cache);
	if (rc > 0)
		rc = renew_rows(cache);
	cache->db.write_us = write_us;
	return cache_public_rc(rc);
}

/* --- leaving ------------------------------------------------------------ */

/* Inside the write transaction. 1: nobody waits any more, 0, or ERR_*. */
static int
leave_row(struct cache *cache, const uint8_t *key, int *owner)
{
	sqlite3_stmt *stmt;
	int state;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SIGNAL_LEAVE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, (int64_t)cache_slot_bit(cache->peer.slot));
	rc = db_run(&cache->db, STATEMENT_SIGNAL_LEAVE);
	if (rc < 0)
		return rc;
	stmt = db_use(&cache->db, STATEMENT_SIGNAL_LEFT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	rc = db_step(&cache->db, STATEMENT_SIGNAL_LEFT);
	if (rc <= 0)
		return rc;
	state = sqlite3_column_int(stmt, 0);
	*owner = state == FLIGHT_COMPUTING ? sqlite3_column_int(stmt, 1) : -1;
	db_reset(&cache->db, STATEMENT_SIGNAL_LEFT);
	if (state != FLIGHT_WANTED)
		return 1;
	rc = flight_drop(&cache->db, key, FLIGHT_WANTED);
	return rc < 0 ? rc : 1;
}

int
flight_drop(struct db *db, const uint8_t *key, enum flight_state from)
{
	sqlite3_stmt *stmt;
	int rc;

	ASSERT(flight_may_go(from, FLIGHT_ABSENT));
	stmt = db_use(db, STATEMENT_SIGNAL_DROP, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	return db_run(db, STATEMENT_SIGNAL_DROP);
}

int
cache_leave(struct cache *cache, const uint8_t key[CACHE_KEY_LEN])
{
	int owner = -1;
	int left;
	int rc;

	/* A bit that several slots share says nothing about one of them. */
	if (cache->peer.slot_count > 64)
		return 0;
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	left = leave_row(cache, key, &owner);
	if (left < 0) {
		db_write_cancel(&cache->db);
		return cache_public_rc(left);
	}
	rc = db_write_commit(&cache->db);
	if (rc == 0 && owner >= 0)
		cache_wake(cache, cache_slot_bit((unsigned)owner));
	return rc < 0 ? cache_public_rc(rc) : left;
}

int
cache_is_left(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t epoch)
{
	sqlite3_stmt *stmt;
	int left = 1;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_OWNED, &rc);
	if (stmt == NULL)
		return cache_public_rc(rc);
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, epoch);
	db_bind_int(stmt, 4, cache->peer.worker_id);
	rc = db_step(&cache->db, STATEMENT_SIGNAL_OWNED);
	if (rc > 0)
		left = sqlite3_column_int64(stmt, 0) == 0;
	db_reset(&cache->db, STATEMENT_SIGNAL_OWNED);
	return rc < 0 ? cache_public_rc(rc) : left;
}
