/* SPDX-License-Identifier: MIT */

/*
 * One computes, many read: asking, claiming and looking at the signal table.
 * How a computation ends is in landing.c.
 *
 *   absent --ask--> wanted --claim--> computing --publish--> ready
 *                     ^                  |  \--fail--> failed
 *                     |--release---------|
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
#include <unistd.h>

#include "cache/cache_int.h"
#include "cache/forget.h"
#include "cache/orphan.h"
#include "cache/store.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define CHAIN_MAX 64   /* computations that wait for one another */
#define RENEW_US 20000 /* longest wait: the loop calls it */

#define TO(state) (1u << FLIGHT_##state)
static const struct {
	const char *name;
	unsigned may_go_to;
} states[] = {
	[FLIGHT_ABSENT] = { "absent", TO(WANTED) | TO(COMPUTING) },
	[FLIGHT_WANTED] = { "wanted", TO(COMPUTING) },
	[FLIGHT_COMPUTING] = { "computing",
	    TO(READY) | TO(FAILED) | TO(WANTED) },
	[FLIGHT_READY] = { "ready", TO(ABSENT) },
	[FLIGHT_FAILED] = { "failed", TO(ABSENT) },
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

/* What the verbs need to know of a row; ABSENT when there is none. */
struct row {
	int state;
	bool foreign; /* another key with the same 63 bits */
	int64_t epoch;
	uint32_t attempts;
	uint64_t waiters;
	int64_t computations;
	int64_t due_at;
};

/* Fill *row from the table; the error text of a failed one into `error`. */
static int
read_row(struct db *db, const uint8_t *key, struct row *row, struct buf *error)
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
	rc = 0;
	if (error != NULL && row->state == FLIGHT_FAILED && !row->foreign) {
		buf_clear(error);
		rc = buf_put(error, sqlite3_column_blob(stmt, 7),
		    (size_t)sqlite3_column_bytes(stmt, 7));
	}
	db_reset(db, STATEMENT_SIGNAL_GET);
	return rc;
}

static bool
row_is_live(const struct row *row)
{
	return row->state == FLIGHT_WANTED || row->state == FLIGHT_COMPUTING;
}

/* Failed, and not to run again yet. */
static bool
row_has_failed(const struct row *row)
{
	return row->state == FLIGHT_FAILED && !row->foreign &&
	       clock_boot_ms() < row->due_at;
}

/* --- ask --------------------------------------------------------------- */

/* The arguments of cache_ask, and what it decided. */
struct ask {
	struct cache_question q;
	struct cache_claim *claim;
	struct buf *error;
	bool wrote; /* something is to be committed */
};

/*
 * The answers that need no write. Each is read from one snapshot, so each
 * was true at one moment; for WAITING the bit in the row is what makes sure
 * that the publisher wakes us. 0: the writing half must decide.
 */
static int
ask_reading(struct cache *cache, const struct ask *ask)
{
	struct row row;
	int rc;

	if (db_use_read(&cache->db, STATEMENT_SIGNAL_GET, &rc) == NULL)
		return rc;
	rc = read_row(&cache->db, ask->q.key, &row, ask->error);
	if (rc < 0)
		return rc;
	if (row_has_failed(&row))
		return CACHE_FAILED;
	if (ask->q.asker == NULL && row_is_live(&row) && !row.foreign &&
	    row.waiters & cache_slot_bit(cache->peer.slot))
		return CACHE_WAITING;
	if (row.state != FLIGHT_READY)
		return 0;
	rc = store_get(&cache->db, ask->q.key, clock_wall_ms(), ask->q.since_ms,
	    NULL, NULL);
	if (rc < 0)
		return rc;
	return rc == STORE_HIT ? CACHE_READY : 0;
}

static int
claim_fill(struct cache_claim *claim, const uint8_t *key, const char *function,
    const void *arguments, size_t arguments_len)
{
	memcpy(claim->key, key, CACHE_KEY_LEN);
	buf_clear(&claim->function);
	buf_clear(&claim->arguments);
	if (buf_puts(&claim->function, function) < 0 ||
	    buf_cstr(&claim->function) == NULL ||
	    buf_put(&claim->arguments, arguments, arguments_len) < 0)
		return -ENOMEM;
	return 0;
}

/* Note when the computation begins, in both senses. Within a transaction. */
static int
claim_begin(struct db *db, struct cache_claim *claim)
{
	claim->started_us = clock_mono_us();
	return forget_now(db, &claim->born);
}

void
cache_claim_free(struct cache_claim *claim)
{
	buf_free(&claim->function);
	buf_free(&claim->arguments);
}

/* Make the row `wanted`, or `computing` when the asker computes itself. */
static int
put_row(struct cache *cache, const struct ask *ask, const struct row *old)
{
	const struct cache_peer *peer = &cache->peer;
	int64_t now_ms = clock_wall_ms();
	int64_t epoch = old->epoch + 1;
	uint32_t attempts = old->foreign ? 0 : old->attempts;
	bool own = ask->claim != NULL;
	sqlite3_stmt *stmt;
	int rc;

	ASSERT(flight_may_go(FLIGHT_ABSENT,
	    own ? FLIGHT_COMPUTING : FLIGHT_WANTED));
	/* No epoch of a row that was deleted meanwhile may come again. */
	if (epoch < now_ms * 1024)
		epoch = now_ms * 1024;
	if (own)
		attempts++;
	stmt = db_use(&cache->db, STATEMENT_SIGNAL_PUT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(ask->q.key));
	db_bind_blob(stmt, 2, ask->q.key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, own ? FLIGHT_COMPUTING : FLIGHT_WANTED);
	db_bind_int(stmt, 4, epoch);
	db_bind_int(stmt, 5, own ? peer->worker_id : 0);
	db_bind_int(stmt, 6, own ? peer->slot : 0);
	db_bind_int(stmt, 7, own ? getpid() : 0);
	db_bind_int(stmt, 8, own ? clock_boot_ms() + cache->lease_ms : 0);
	db_bind_int(stmt, 9, attempts);
	db_bind_int(stmt, 10, (int64_t)cache_slot_bit(peer->slot));
	db_bind_int(stmt, 11, old->foreign ? 0 : old->computations);
	db_bind_int(stmt, 12, now_ms);
	db_bind_text(stmt, 13, ask->q.function);
	db_bind_blob(stmt, 14, ask->q.arguments, ask->q.arguments_len);
	rc = db_run(&cache->db, STATEMENT_SIGNAL_PUT);
	if (rc < 0 || !own)
		return rc < 0 ? rc : CACHE_WANTED_NEW;
	ask->claim->epoch = epoch;
	ask->claim->attempts = attempts;
	rc = claim_begin(&cache->db, ask->claim);
	if (rc == 0)
		rc = claim_fill(ask->claim, ask->q.key, ask->q.function,
		    ask->q.arguments, ask->q.arguments_len);
	return rc < 0 ? rc : CACHE_OWNED;
}

static int
join_waiters(struct cache *cache, const uint8_t *key)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SIGNAL_WAIT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_int(stmt, 2, (int64_t)cache_slot_bit(cache->peer.slot));
	return db_run(&cache->db, STATEMENT_SIGNAL_WAIT);
}

/* What the computation `id` waits for; 0: it does not wait. Or negative. */
static int
next_in_chain(struct db *db, int64_t id, int64_t *next)
{
	sqlite3_stmt *stmt;
	int rc;

	*next = 0;
	stmt = db_use(db, STATEMENT_SIGNAL_CHAIN, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, id);
	rc = db_step(db, STATEMENT_SIGNAL_CHAIN);
	if (rc <= 0)
		return rc;
	*next = sqlite3_column_int64(stmt, 0);
	db_reset(db, STATEMENT_SIGNAL_CHAIN);
	return 0;
}

/*
 * Note in the asker's row that it waits for the key, unless the key, through
 * whatever it waits for, waits for the asker. The write transaction makes the
 * chain hold still, so of two that would close a circle one sees the other.
 */
static int
link_asker(struct cache *cache, const struct ask *ask)
{
	int64_t asker = store_id(ask->q.asker);
	int64_t id = store_id(ask->q.key);
	sqlite3_stmt *stmt;
	int steps;
	int rc;

	for (steps = 0; id != 0; steps++) {
		if (id == asker || steps == CHAIN_MAX)
			return ERR_CYCLE;
		rc = next_in_chain(&cache->db, id, &id);
		if (rc < 0)
			return rc;
	}
	stmt = db_use(&cache->db, STATEMENT_SIGNAL_LINK, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, asker);
	db_bind_blob(stmt, 2, ask->q.asker, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, store_id(ask->q.key));
	return db_run(&cache->db, STATEMENT_SIGNAL_LINK);
}

/* Inside the write transaction: look at everything again and act. */
static int
ask_writing(struct cache *cache, struct ask *ask)
{
	struct row row;
	int rc;

	rc = store_get(&cache->db, ask->q.key, clock_wall_ms(), ask->q.since_ms,
	    NULL, NULL);
	if (rc < 0)
		return rc;
	if (rc == STORE_HIT)
		return CACHE_READY;
	ask->wrote = true;
	if (rc == STORE_DAMAGED) {
		rc = store_delete(&cache->db, ask->q.key);
		if (rc < 0)
			return rc;
	}
	rc = read_row(&cache->db, ask->q.key, &row, ask->error);
	if (rc < 0)
		return rc;
	if (row_is_live(&row)) {
		/* Somebody else's row: this one is computed uncached. */
		if (row.foreign)
			return ERR_STORE;
		rc = join_waiters(cache, ask->q.key);
		return rc < 0 ? rc : CACHE_WAITING;
	}
	if (row_has_failed(&row))
		return CACHE_FAILED;
	return put_row(cache, ask, &row);
}

static int
ask_run(struct cache *cache, struct ask *ask)
{
	int rc;
	int committed = 0;

	rc = ask_reading(cache, ask);
	if (rc != 0)
		return cache_public_rc(rc);
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	rc = ask_writing(cache, ask);
	if (ask->q.asker != NULL &&
	    (rc == CACHE_WAITING || rc == CACHE_WANTED_NEW)) {
		committed = link_asker(cache, ask);
		rc = committed < 0 ? committed : rc;
	}
	if (rc > 0 && ask->wrote)
		committed = db_write_commit(&cache->db);
	else
		db_write_cancel(&cache->db);
	return cache_public_rc(committed < 0 ? committed : rc);
}

int
cache_ask_for(struct cache *cache, const struct cache_question *question,
    struct cache_claim *claim, struct buf *error)
{
	struct ask ask = { .q = *question, .claim = claim, .error = error };

	return ask_run(cache, &ask);
}

int
cache_ask(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    const char *function, const void *arguments, size_t arguments_len,
    struct cache_claim *claim, struct buf *error)
{
	struct cache_question question = { .key = key,
		.function = function,
		.arguments = arguments,
		.arguments_len = arguments_len };

	return cache_ask_for(cache, &question, claim, error);
}

int
cache_ask_within(struct cache *cache, const uint8_t asker[CACHE_KEY_LEN],
    const uint8_t key[CACHE_KEY_LEN], const char *function,
    const void *arguments, size_t arguments_len, struct buf *error)
{
	struct cache_question question = { .key = key,
		.asker = asker,
		.function = function,
		.arguments = arguments,
		.arguments_len = arguments_len };

	return cache_ask_for(cache, &question, NULL, error);
}

/* --- claim ------------------------------------------------------------- */

int
cache_has_wanted(struct cache *cache)
{
	int rc;

	if (db_use_read(&cache->db, STATEMENT_SIGNAL_ANY, &rc) == NULL)
		return cache_public_rc(rc);
	rc = db_step(&cache->db, STATEMENT_SIGNAL_ANY);
	db_reset(&cache->db, STATEMENT_SIGNAL_ANY);
	return cache_public_rc(rc);
}

/* Copy the oldest wanted row into *claim. 1, 0: none, or negative. */
static int
read_next(struct db *db, struct cache_claim *claim, int64_t *id)
{
	sqlite3_stmt *stmt;
	const void *key;
	const char *function;
	int rc;

	stmt = db_use(db, STATEMENT_SIGNAL_NEXT, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, STATEMENT_SIGNAL_NEXT);
	if (rc <= 0)
		return rc;
	*id = sqlite3_column_int64(stmt, 0);
	key = sqlite3_column_blob(stmt, 1);
	function = (const char *)sqlite3_column_text(stmt, 4);
	if (sqlite3_column_bytes(stmt, 1) != CACHE_KEY_LEN ||
	    function == NULL) {
		rc = db_failed(db, SQLITE_CORRUPT, "SIGNAL_NEXT");
	} else {
		claim->epoch = sqlite3_column_int64(stmt, 2) + 1;
		claim->attempts = (uint32_t)sqlite3_column_int(stmt, 3) + 1;
		rc = claim_fill(claim, key, function,
		    sqlite3_column_blob(stmt, 5),
		    (size_t)sqlite3_column_bytes(stmt, 5));
	}
	db_reset(db, STATEMENT_SIGNAL_NEXT);
	return rc < 0 ? rc : 1;
}

static int
take_next(struct cache *cache, struct cache_claim *claim)
{
	sqlite3_stmt *stmt;
	int64_t id = 0;
	int rc;

	rc = read_next(&cache->db, claim, &id);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	rc = claim_begin(&cache->db, claim);
	if (rc < 0)
		return rc;
	ASSERT(flight_may_go(FLIGHT_WANTED, FLIGHT_COMPUTING));
	stmt = db_use(&cache->db, STATEMENT_SIGNAL_TAKE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, id);
	db_bind_int(stmt, 2, claim->epoch);
	db_bind_int(stmt, 3, cache->peer.worker_id);
	db_bind_int(stmt, 4, cache->peer.slot);
	db_bind_int(stmt, 5, getpid());
	db_bind_int(stmt, 6, clock_boot_ms() + cache->lease_ms);
	db_bind_int(stmt, 7, claim->attempts);
	db_bind_int(stmt, 8, clock_wall_ms());
	return db_run(&cache->db, STATEMENT_SIGNAL_TAKE);
}

int
cache_claim_next(struct cache *cache, struct cache_claim *claim)
{
	int rc;

	/* Idle workers look often: they must not queue for the write lock. */
	rc = cache_has_wanted(cache);
	if (rc <= 0)
		return rc < 0 ? rc : -ENOENT;
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	rc = take_next(cache, claim);
	if (rc == 0)
		rc = db_write_commit(&cache->db);
	else
		db_write_cancel(&cache->db);
	return cache_public_rc(rc);
}

/* --- state, lease ------------------------------------------------------ */

int
cache_state(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *error)
{
	struct row row;
	int rc;

	if (db_use_read(&cache->db, STATEMENT_SIGNAL_GET, &rc) == NULL)
		return cache_public_rc(rc);
	rc = read_row(&cache->db, key, &row, error);
	if (rc < 0)
		return cache_public_rc(rc);
	if (row_is_live(&row) && !row.foreign)
		return CACHE_WAITING;
	if (row_has_failed(&row))
		return CACHE_FAILED;
	/* The row may have been cleared away while the value lives on. */
	rc = store_has(&cache->db, key, clock_wall_ms());
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
