/* SPDX-License-Identifier: MIT */

/*
 * The keeper's work on sessions: end the old ones, sweep up after the ended.
 *
 * INVARIANT  A step writes a bounded number of rows.
 */
#include "cache/session_int.h"

#include <string.h>

#include "cache/now.h"
#include "cache/store.h"
#include "server/base/err.h"

#define STEP_ROWS 64
#define NO_ROW (-1) /* of a session */
#define DEAD_LEAST 64
#define DEAD_MOST 10000
#define DEAD_SHARE 8192 /* one per so many bytes of cache_max_bytes */
#define FAR_TOO_MANY 4  /* times as many as there may be */
/* Who has an old id for a moment is told so, and keeps his newer cookie. */
#define ROTATED_MS 60000

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

int
session_sweep_dying(struct cache *cache)
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
	gone = session_values_delete(db, STATEMENT_SESSION_VALUE_SWEEP);
	if (gone < 0 || gone == STEP_ROWS)
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
	return session_values_delete(db, STATEMENT_SESSION_VALUE_EXPIRE);
}

/* How many dead rows there are above the bound. */
static int
count_over(struct cache *cache, int64_t *over, bool *far_too_many)
{
	int64_t most = cache_rows_max(cache, DEAD_SHARE, DEAD_LEAST, DEAD_MOST);
	sqlite3_stmt *stmt;
	int rc;

	*over = 0;
	*far_too_many = false;
	stmt = db_use_read(&cache->db, STATEMENT_SESSION_OVER, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(&cache->db, STATEMENT_SESSION_OVER);
	if (rc <= 0)
		return rc;
	*over = sqlite3_column_int64(stmt, 0) - most;
	*far_too_many = *over >= most * (FAR_TOO_MANY - 1);
	db_reset(&cache->db, STATEMENT_SESSION_OVER);
	return 0;
}

/* Ids issued until then are dead when they have no row. */
static int
raise_floor(struct db *db, int64_t issued_ms)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_FLOOR_RAISE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, issued_ms);
	return db_run(db, STATEMENT_SESSION_FLOOR_RAISE);
}

/* Delete rows of that state, dead before then, those first that died first.
 * How many, or ERR_*. */
static int
drop_dead(struct db *db, enum session_state state, int64_t before_ms,
    int64_t most)
{
	int64_t ids[STEP_ROWS];
	int64_t issued_ms = 0;
	sqlite3_stmt *stmt;
	int count = 0;
	int i;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_OVER_OLDEST, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, state);
	db_bind_int(stmt, 2, before_ms);
	db_bind_int(stmt, 3, most < STEP_ROWS ? most : STEP_ROWS);
	while (count < STEP_ROWS &&
	       (rc = db_step(db, STATEMENT_SESSION_OVER_OLDEST)) > 0) {
		ids[count++] = sqlite3_column_int64(stmt, 0);
		if (sqlite3_column_int64(stmt, 1) > issued_ms)
			issued_ms = sqlite3_column_int64(stmt, 1);
	}
	db_reset(db, STATEMENT_SESSION_OVER_OLDEST);
	if (rc >= 0 && count > 0)
		rc = raise_floor(db, issued_ms);
	for (i = 0; i < count && rc >= 0; i++)
		rc = delete_row(db, ids[i]);
	return rc < 0 ? rc : count;
}

/* So that the rows of the dead are not what the database is full of. */
static int
bound_dead(struct cache *cache, int64_t now_ms)
{
	bool far_too_many;
	int64_t over;
	int gone;
	int rc;

	rc = count_over(cache, &over, &far_too_many);
	if (rc < 0 || over <= 0)
		return rc;
	gone = drop_dead(&cache->db, SESSION_DEAD, INT64_MAX, over);
	if (gone != 0)
		return gone;
	return drop_dead(&cache->db, SESSION_ROTATED,
	    far_too_many ? INT64_MAX : now_ms - ROTATED_MS, over);
}

/* Read only: is there anything to do? 1, 0, ERR_*. */
static int
has_work(struct cache *cache, int64_t now_ms)
{
	sqlite3_stmt *stmt;
	bool far_too_many;
	int64_t over;
	int64_t bytes;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SESSION_WORK, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, now_ms);
	rc = db_step(&cache->db, STATEMENT_SESSION_WORK);
	db_reset(&cache->db, STATEMENT_SESSION_WORK);
	if (rc != 0)
		return rc;
	rc = count_over(cache, &over, &far_too_many);
	if (rc < 0 || over > 0)
		return rc < 0 ? rc : 1;
	rc = session_bytes(&cache->db, &bytes);
	return rc < 0
		   ? rc
		   : cache->session_share > 0 && bytes > cache->session_share;
}

int
session_upkeep(struct cache *cache)
{
	int64_t now_ms = cache_now_ms();
	int swept;
	int sum;
	int rc;

	rc = has_work(cache, now_ms);
	if (rc <= 0)
		return cache_public_rc(rc);
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	sum = rc = end_due(cache, now_ms);
	for (swept = 0; rc >= 0 && swept < STEP_ROWS; swept += rc) {
		rc = session_sweep_dying(cache);
		if (rc <= 0)
			break;
		sum += rc;
	}
	if (rc >= 0) {
		rc = bound_dead(cache, now_ms);
		sum += rc;
	}
	if (rc >= 0) {
		rc = sweep_expired(&cache->db, now_ms);
		sum += rc;
	}
	if (rc >= 0) {
		rc = session_keep_share(cache, NO_ROW, 0);
		sum += rc;
	}
	return cache_public_rc(session_commit(cache, rc < 0 ? rc : sum));
}
