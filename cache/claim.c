/* SPDX-License-Identifier: MIT */

/*
 * Claiming wanted rows. See flight.c for the states and for what holds for
 * every change of a row.
 *
 * A worker takes the row whose turn it is (ask.c) among those it has the
 * code for: during a reload workers with the old and with the new app are
 * there at once, and a row that only the others can compute is theirs.
 *
 * THREADS  As struct cache: one per connection.
 */
#include "cache/claim.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache/flight_int.h"
#include "cache/forget.h"
#include "cache/now.h"
#include "cache/store.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"

int
claim_fill(struct cache_claim *claim, const struct cache_question *q)
{
	memcpy(claim->key, q->key, CACHE_KEY_LEN);
	claim->code = q->code;
	claim->client = q->client;
	claim->fresh_ms = q->fresh_ms;
	claim->stale_ms = q->stale_ms;
	buf_clear(&claim->function);
	buf_clear(&claim->arguments);
	buf_clear(&claim->scope);
	if (buf_puts(&claim->function, q->function) < 0 ||
	    buf_cstr(&claim->function) == NULL ||
	    buf_puts(&claim->scope, q->scope != NULL ? q->scope : "") < 0 ||
	    buf_cstr(&claim->scope) == NULL ||
	    buf_put(&claim->arguments, q->arguments, q->arguments_len) < 0)
		return -ENOMEM;
	return 0;
}

int
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
	buf_free(&claim->scope);
}

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

/* Step to the next row that this peer can compute. 1, 0: none, or ERR_*. */
static int
step_to_ours(struct cache *cache, sqlite3_stmt *stmt)
{
	const struct cache_peer *peer = &cache->peer;
	const char *function;
	int rc;

	while ((rc = db_step(&cache->db, STATEMENT_SIGNAL_NEXT)) > 0) {
		function = (const char *)sqlite3_column_text(stmt, 4);
		if (function == NULL ||
		    sqlite3_column_bytes(stmt, 1) != CACHE_KEY_LEN) {
			rc = db_failed(&cache->db, SQLITE_CORRUPT,
			    "SIGNAL_NEXT");
			db_reset(&cache->db, STATEMENT_SIGNAL_NEXT);
			break;
		}
		if (peer->can_compute == NULL ||
		    peer->can_compute(peer->can_compute_arg, function,
			sqlite3_column_int64(stmt, 6)))
			break;
	}
	return rc;
}

/* Copy the row whose turn it is into *claim. 1, 0: none, or negative. */
static int
read_next(struct cache *cache, struct cache_claim *claim, int64_t *id)
{
	struct cache_question q = { .key = NULL };
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SIGNAL_NEXT, &rc);
	if (stmt == NULL)
		return rc;
	rc = step_to_ours(cache, stmt);
	if (rc <= 0)
		return rc;
	*id = sqlite3_column_int64(stmt, 0);
	claim->epoch = sqlite3_column_int64(stmt, 2) + 1;
	claim->attempts = (uint32_t)sqlite3_column_int(stmt, 3) + 1;
	q.key = sqlite3_column_blob(stmt, 1);
	q.function = (const char *)sqlite3_column_text(stmt, 4);
	q.arguments = sqlite3_column_blob(stmt, 5);
	q.arguments_len = (size_t)sqlite3_column_bytes(stmt, 5);
	q.code = sqlite3_column_int64(stmt, 6);
	q.scope = (const char *)sqlite3_column_text(stmt, 7);
	q.client = sqlite3_column_int64(stmt, 8);
	q.fresh_ms = sqlite3_column_int64(stmt, 9);
	q.stale_ms = sqlite3_column_int64(stmt, 10);
	rc = claim_fill(claim, &q);
	db_reset(&cache->db, STATEMENT_SIGNAL_NEXT);
	return rc < 0 ? rc : 1;
}

/* A look before the write lock is taken. 1, 0 or ERR_*. */
static int
has_ours(struct cache *cache)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_NEXT, &rc);
	if (stmt == NULL)
		return rc;
	rc = step_to_ours(cache, stmt);
	if (rc > 0)
		db_reset(&cache->db, STATEMENT_SIGNAL_NEXT);
	return rc;
}

static int
take_next(struct cache *cache, struct cache_claim *claim)
{
	sqlite3_stmt *stmt;
	int64_t id = 0;
	int rc;

	rc = read_next(cache, claim, &id);
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
	db_bind_int(stmt, 8, cache_now_ms());
	db_bind_int(stmt, 9, claim->born);
	return db_run(&cache->db, STATEMENT_SIGNAL_TAKE);
}

int
cache_claim_next(struct cache *cache, struct cache_claim *claim)
{
	int rc;

	/* Idle workers look often: they must not queue for the write lock. */
	rc = has_ours(cache);
	if (rc <= 0)
		return rc < 0 ? cache_public_rc(rc) : -ENOENT;
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
