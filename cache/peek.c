/* SPDX-License-Identifier: MIT */

/*
 * A look at one row of the signal table. See peek.h.
 *
 * FAILURE  The row counts as absent; the code says why.
 */
#include "cache/peek.h"

#include <string.h>

#include "cache/cache_int.h"
#include "cache/flight.h"
#include "cache/now.h"
#include "cache/store.h"
#include "server/base/err.h"

static void
read_row(sqlite3_stmt *stmt, struct cache_peek *out)
{
	int state = sqlite3_column_int(stmt, 1);

	/* A value that was evicted or has expired leaves its row for a while.
	 */
	if (state == FLIGHT_READY &&
	    sqlite3_column_int64(stmt, 8) <= cache_now_ms())
		return;
	out->state = flight_state_name(state);
	out->owner_slot = sqlite3_column_int64(stmt, 2);
	out->owner_pid = sqlite3_column_int64(stmt, 3);
	out->age_ms = cache_now_ms() - sqlite3_column_int64(stmt, 4);
	out->waiters = __builtin_popcountll(
	    (unsigned long long)sqlite3_column_int64(stmt, 5));
	out->progress = sqlite3_column_int64(stmt, 6);
	out->computations = sqlite3_column_int64(stmt, 7);
	if (state == FLIGHT_READY)
		out->cost_us = sqlite3_column_int64(stmt, 9);
}

int
cache_peek(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct cache_peek *out)
{
	sqlite3_stmt *stmt;
	int rc;

	*out = (struct cache_peek){ .state = "absent" };
	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_PEEK, &rc);
	if (stmt == NULL)
		return cache_public_rc(rc);
	db_bind_int(stmt, 1, store_id(key));
	rc = db_step(&cache->db, STATEMENT_SIGNAL_PEEK);
	if (rc <= 0)
		return rc < 0 ? cache_public_rc(rc) : 0;
	if (sqlite3_column_bytes(stmt, 0) == CACHE_KEY_LEN &&
	    memcmp(sqlite3_column_blob(stmt, 0), key, CACHE_KEY_LEN) == 0)
		read_row(stmt, out);
	db_reset(&cache->db, STATEMENT_SIGNAL_PEEK);
	return 0;
}
