/* SPDX-License-Identifier: MIT */

/*
 * The keeper's work on sessions: end the old ones, sweep up after the ended.
 *
 * INVARIANT  A step writes a bounded number of rows.
 */
#include "cache/session_int.h"

#include <string.h>

#include "cache/store.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define STEP_ROWS 64

/* The next row that is due, in any state. 1, 0: none, ERR_*. */
static int
next_due(struct db *db, int64_t now_ms, int64_t *id, int *state,
    char scope[SESSION_SCOPE_LEN + 1])
{
	const unsigned char *text;
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_DUE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, now_ms);
	rc = db_step(db, STATEMENT_SESSION_DUE);
	if (rc <= 0)
		return rc;
	*id = sqlite3_column_int64(stmt, 0);
	*state = sqlite3_column_int(stmt, 1);
	text = sqlite3_column_text(stmt, 2);
	memset(scope, 0, SESSION_SCOPE_LEN + 1);
	if (text != NULL)
		memcpy(scope, text,
		    strnlen((const char *)text, SESSION_SCOPE_LEN));
	db_reset(db, STATEMENT_SESSION_DUE);
	return 1;
}

static int
delete_row(struct db *db, int64_t id)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_DELETE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, id);
	rc = db_run(db, STATEMENT_SESSION_DELETE);
	return rc < 0 ? rc : 1;
}

/* Live ones that are too old end, dead ones whose time is over go. */
static int
end_due(struct cache *cache, int64_t now_ms)
{
	char scope[SESSION_SCOPE_LEN + 1];
	int64_t id = 0;
	int state = 0;
	int done;
	int rc = 0;

	for (done = 0; done < STEP_ROWS; done++) {
		rc = next_due(&cache->db, now_ms, &id, &state, scope);
		if (rc <= 0)
			break;
		rc = state == SESSION_LIVE
			 ? session_kill(cache, id, scope, SESSION_DYING)
			 : delete_row(&cache->db, id);
		if (rc < 0)
			break;
	}
	return rc < 0 ? rc : done;
}

/* Delete entries of one dying session; it is dead when none is left. */
static int
sweep_dying(struct cache *cache)
{
	struct db *db = &cache->db;
	sqlite3_stmt *stmt;
	int64_t id;
	int64_t number;
	int gone;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_DYING, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, STATEMENT_SESSION_DYING);
	if (rc <= 0)
		return rc;
	id = sqlite3_column_int64(stmt, 0);
	number = sqlite3_column_int64(stmt, 1);
	db_reset(db, STATEMENT_SESSION_DYING);
	stmt = db_use(db, STATEMENT_SESSION_VALUE_SWEEP, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, number);
	db_bind_int(stmt, 2, STEP_ROWS);
	rc = db_run(db, STATEMENT_SESSION_VALUE_SWEEP);
	if (rc < 0)
		return rc;
	gone = sqlite3_changes(db->handle);
	if (gone == STEP_ROWS)
		return gone;
	stmt = db_use(db, STATEMENT_SESSION_DEAD, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, id);
	rc = db_run(db, STATEMENT_SESSION_DEAD);
	return rc < 0 ? rc : gone + 1;
}

static int
sweep_expired(struct db *db, int64_t now_ms)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_VALUE_EXPIRE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, now_ms);
	db_bind_int(stmt, 2, STEP_ROWS);
	rc = db_run(db, STATEMENT_SESSION_VALUE_EXPIRE);
	return rc < 0 ? rc : sqlite3_changes(db->handle);
}

/* Read only: is there anything to do? 1, 0, ERR_*. */
static int
has_work(struct cache *cache, int64_t now_ms)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SESSION_WORK, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, now_ms);
	rc = db_step(&cache->db, STATEMENT_SESSION_WORK);
	db_reset(&cache->db, STATEMENT_SESSION_WORK);
	return rc;
}

int
session_upkeep(struct cache *cache)
{
	int64_t now_ms = clock_wall_ms();
	int sum;
	int rc;

	rc = has_work(cache, now_ms);
	if (rc <= 0)
		return cache_public_rc(rc);
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	sum = rc = end_due(cache, now_ms);
	if (rc >= 0) {
		rc = sweep_dying(cache);
		sum += rc;
	}
	if (rc >= 0) {
		rc = sweep_expired(&cache->db, now_ms);
		sum += rc;
	}
	return cache_public_rc(session_commit(cache, rc < 0 ? rc : sum));
}
