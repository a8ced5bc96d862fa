/* SPDX-License-Identifier: MIT */

/*
 * Asking for a value. See flight.c for the states and for what holds for
 * every change of a row.
 *
 * Mostly a look is enough: the value is there, the computation has failed,
 * or this slot waits already. Only else is the write lock taken, and
 * everything looked at again under it.
 *
 * THREADS  As struct cache: one per connection.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache/claim.h"
#include "cache/flight_int.h"
#include "cache/now.h"
#include "cache/store.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define CHAIN_MAX 64 /* computations that wait for one another */

/* The arguments of cache_ask, and what it decided. */
struct ask {
	struct cache_question q;
	struct cache_claim *claim;
	struct buf *error;
	bool wrote; /* something is to be committed */
};

/* The value that is asked for; what only those who waited may have is none. */
static int
find_value(struct cache *cache, const struct ask *ask)
{
	struct store_value value;
	int rc;

	rc = store_get(&cache->db, ask->q.key, cache_now_ms(), ask->q.since_ms,
	    NULL, &value);
	return rc == STORE_HIT && value.fresh == 0 ? STORE_MISS : rc;
}

/*
 * The answers that need no write. Each is read from one snapshot, so each
 * was true at one moment; for WAITING the bit in the row is what makes sure
 * that the publisher wakes us. 0: the writing half must decide.
 */
static int
ask_reading(struct cache *cache, const struct ask *ask)
{
	struct flight_row row;
	int rc;

	if (db_use_read(&cache->db, STATEMENT_SIGNAL_GET, &rc) == NULL)
		return rc;
	rc = flight_read(&cache->db, ask->q.key, &row, ask->error);
	if (rc < 0)
		return rc;
	if (flight_has_failed(&row))
		return CACHE_FAILED;
	if (flight_passes(&row))
		return CACHE_PASS;
	if (flight_is_left(&row) && !row.foreign)
		return ERR_STORE;
	if (ask->q.asker == NULL && flight_is_live(&row) && !row.foreign &&
	    row.waiters & cache_slot_bit(cache->peer.slot))
		return CACHE_WAITING;
	if (row.state != FLIGHT_READY)
		return 0;
	rc = find_value(cache, ask);
	if (rc < 0)
		return rc;
	return rc == STORE_HIT ? CACHE_READY : 0;
}

/*
 * Which turn the row has. Every client's first row comes after those that
 * wait already, its second one turn later and so on; so the rows of a client
 * that asks for a hundred values at once stand between those of others, not
 * in front of them. Rows of one turn: the oldest first.
 */
static int
next_turn(struct db *db, int64_t client, int64_t *turn)
{
	sqlite3_stmt *stmt;
	int rc;

	*turn = 0;
	stmt = db_use(db, STATEMENT_SIGNAL_TURN, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, client);
	rc = db_step(db, STATEMENT_SIGNAL_TURN);
	if (rc <= 0)
		return rc;
	*turn = sqlite3_column_int64(stmt, 0);
	db_reset(db, STATEMENT_SIGNAL_TURN);
	return 0;
}

/* Bind what the question says about the row to be. */
static void
bind_question(sqlite3_stmt *stmt, const struct cache_question *q, int64_t turn)
{
	db_bind_int(stmt, 13, q->client);
	db_bind_int(stmt, 14, turn);
	db_bind_int(stmt, 15, q->code);
	db_bind_int(stmt, 16, q->fresh_ms);
	db_bind_int(stmt, 17, q->stale_ms);
	db_bind_int(stmt, 18, q->may_stop ? 1 : 0);
	db_bind_text(stmt, 19, q->scope != NULL ? q->scope : "");
	db_bind_text(stmt, 20, q->function);
	db_bind_blob(stmt, 21, q->arguments, q->arguments_len);
}

/* Make the row `wanted`, or `computing` when the asker computes itself. */
static int
put_row(struct cache *cache, const struct ask *ask,
    const struct flight_row *old)
{
	const struct cache_peer *peer = &cache->peer;
	int64_t now_ms = cache_now_ms();
	int64_t epoch = old->epoch + 1;
	uint32_t attempts = old->foreign ? 0 : old->attempts;
	bool own = ask->claim != NULL;
	sqlite3_stmt *stmt;
	int64_t turn;
	int rc;

	ASSERT(flight_may_go(FLIGHT_ABSENT,
	    own ? FLIGHT_COMPUTING : FLIGHT_WANTED));
	/* No epoch of a row that was deleted meanwhile may come again. */
	if (epoch < now_ms * 1024)
		epoch = now_ms * 1024;
	if (own)
		attempts++;
	rc = next_turn(&cache->db, ask->q.client, &turn);
	if (rc == 0 && own)
		rc = claim_begin(&cache->db, ask->claim);
	if (rc < 0)
		return rc;
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
	db_bind_int(stmt, 22, own ? ask->claim->born : 0);
	bind_question(stmt, &ask->q, turn);
	rc = db_run(&cache->db, STATEMENT_SIGNAL_PUT);
	if (rc < 0 || !own)
		return rc < 0 ? rc : CACHE_WANTED_NEW;
	ask->claim->epoch = epoch;
	ask->claim->attempts = attempts;
	rc = claim_fill(ask->claim, &ask->q);
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
	struct flight_row row;
	int rc;

	rc = find_value(cache, ask);
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
	rc = flight_read(&cache->db, ask->q.key, &row, ask->error);
	if (rc < 0)
		return rc;
	if (flight_is_live(&row)) {
		/* Somebody else's row: this one is computed uncached. */
		if (row.foreign)
			return ERR_STORE;
		rc = join_waiters(cache, ask->q.key);
		return rc < 0 ? rc : CACHE_WAITING;
	}
	if (flight_has_failed(&row))
		return CACHE_FAILED;
	if (flight_passes(&row))
		return CACHE_PASS;
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
