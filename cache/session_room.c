/* SPDX-License-Identifier: MIT */

/*
 * How much all sessions together may keep: half of cache_max_bytes, or of what
 * the keeper lets the database have on a small disk (half of it, room.c), so
 * that values of the cache have the other half. What is free on the disk does
 * not matter: a full one ends no session.
 *
 * What is over makes room in this order: what dead sessions have left; the
 * values of the server-side store that are nearest their end, which are the
 * oldest, whoever's they are, since an app has to do without them in any case;
 * and then the session used longest ago of those that keep anything, with all
 * it has.
 *
 * INVARIANT  Column `number` of the row -1 of sessions is the sum of what the
 *            rows of session_values count for (session_weight). It is written
 *            in the transaction that changes them, so the bound needs no
 *            counting; a start of the server counts anew (prepare.c).
 * INVARIANT  A step deletes or ends a bounded number of rows. When that is not
 *            enough the entry is stored all the same, and the keeper goes on.
 * FAILURE    Rolled back by the caller: nothing was changed.
 */
#include "cache/session_int.h"

#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>

#include "server/base/err.h"
#include "server/base/log.h"

#define STEP_ROWS 256
#define LOOK 256 /* sessions looked at for one that keeps something */

int64_t
session_weight(int64_t len)
{
	return len + SESSION_ROW_BYTES;
}

int64_t
session_share_of(const struct cache *cache)
{
	int64_t share = cache->max_bytes / 2;
	int64_t disk = 0;
	struct statfs fs;

	if (statfs(cache->db.dir, &fs) == 0)
		disk = (int64_t)fs.f_blocks * (int64_t)fs.f_bsize / 4;
	return share <= 0 || (disk > 0 && disk < share) ? disk : share;
}

int
session_bytes(struct db *db, int64_t *bytes)
{
	sqlite3_stmt *stmt;
	int rc;

	*bytes = 0;
	stmt = db_use(db, STATEMENT_SESSION_BYTES, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, STATEMENT_SESSION_BYTES);
	if (rc <= 0)
		return rc;
	*bytes = sqlite3_column_int64(stmt, 0);
	db_reset(db, STATEMENT_SESSION_BYTES);
	return 0;
}

int
session_bytes_add(struct db *db, int64_t by)
{
	sqlite3_stmt *stmt;
	int rc;

	if (by == 0)
		return 0;
	stmt = db_use(db, STATEMENT_SESSION_BYTES_ADD, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, by);
	return db_run(db, STATEMENT_SESSION_BYTES_ADD);
}

int
session_bytes_again(struct db *db)
{
	char sql[160];

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE sessions SET number = (SELECT coalesce(sum(len + %d), 0)"
	    " FROM session_values) WHERE id = -1",
	    SESSION_ROW_BYTES);
	return db_exec(db, sql);
}

int
session_values_delete(struct db *db, enum statement statement)
{
	sqlite3_stmt *stmt = db->statements[statement];
	int64_t bytes = 0;
	int count = 0;
	int rc;

	while ((rc = db_step(db, statement)) > 0) {
		bytes += session_weight(sqlite3_column_int64(stmt, 0));
		count++;
	}
	if (rc == 0)
		rc = session_bytes_add(db, -bytes);
	return rc < 0 ? rc : count;
}

/* The value of the server-side store nearest its end. 1, 0: none, ERR_*. */
static int
drop_handle(struct db *db)
{
	int rc;

	if (db_use(db, STATEMENT_SESSION_VALUE_FIRST, &rc) == NULL)
		return rc;
	return session_values_delete(db, STATEMENT_SESSION_VALUE_FIRST);
}

/*
 * The live session used longest ago that keeps something, but not the one of
 * row `spare`. Those that keep nothing (a user's name) are passed by, and are
 * not looked at again before all others were. 1, 0: none was found, ERR_*.
 */
static int
find_holder(struct cache *cache, int64_t spare, int64_t *id,
    char scope[SESSION_SCOPE_LEN + 1])
{
	const unsigned char *text;
	sqlite3_stmt *stmt;
	int seen = 0;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SESSION_HOLDERS, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, cache->session_hand);
	db_bind_int(stmt, 2, LOOK);
	while ((rc = db_step(&cache->db, STATEMENT_SESSION_HOLDERS)) > 0) {
		seen++;
		*id = sqlite3_column_int64(stmt, 0);
		cache->session_hand = sqlite3_column_int64(stmt, 2);
		if (*id != spare && sqlite3_column_int(stmt, 3) != 0)
			break;
	}
	if (rc > 0) {
		text = sqlite3_column_text(stmt, 1);
		memset(scope, 0, SESSION_SCOPE_LEN + 1);
		if (text != NULL)
			memcpy(scope, text,
			    strnlen((const char *)text, SESSION_SCOPE_LEN));
		db_reset(&cache->db, STATEMENT_SESSION_HOLDERS);
	} else if (rc == 0) {
		cache->session_hand =
		    seen == LOOK ? cache->session_hand + 1 : 0;
	}
	return rc;
}

/* What was done to stay within the share. */
struct made_room {
	int handles;
	int sessions;
};

/* One step. How many rows it dealt with, 0: nothing can go, ERR_*. */
static int
make_some_room(struct cache *cache, int64_t spare, struct made_room *made)
{
	char scope[SESSION_SCOPE_LEN + 1];
	int64_t id = 0;
	int rc = session_sweep_dying(cache);

	if (rc != 0)
		return rc;
	rc = drop_handle(&cache->db);
	if (rc != 0) {
		made->handles += rc > 0;
		return rc;
	}
	rc = find_holder(cache, spare, &id, scope);
	if (rc <= 0)
		return rc;
	made->sessions++;
	return session_kill(cache, id, scope, SESSION_DYING);
}

static void
report(const struct cache *cache, const struct made_room *made)
{
	static struct log_gate gate;
	unsigned suppressed;

	if ((made->handles > 0 || made->sessions > 0) &&
	    log_gate_open(&gate, &suppressed))
		log_info("session.evicted",
		    "share=%lld stored_values=%d sessions=%d note=\"all "
		    "sessions together have half of cache_max_bytes or a "
		    "quarter of the disk\" "
		    "suppressed=%u",
		    (long long)cache->session_share, made->handles,
		    made->sessions, suppressed);
}

int
session_keep_share(struct cache *cache, int64_t spare, int64_t more)
{
	struct made_room made = { 0 };
	int64_t share = cache->session_share;
	int64_t bytes = 0;
	int done = 0;
	int rc;

	if (share <= 0)
		return 0;
	for (;;) {
		rc = session_bytes(&cache->db, &bytes);
		if (rc < 0 || bytes + more <= share || done >= STEP_ROWS)
			break;
		rc = make_some_room(cache, spare, &made);
		if (rc <= 0)
			break;
		done += rc;
	}
	if (rc < 0)
		return rc;
	report(cache, &made);
	return done;
}
