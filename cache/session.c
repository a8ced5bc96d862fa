/* SPDX-License-Identifier: MIT */

/*
 * The life of browser sessions in the store. See session.h.
 *
 * INVARIANT  The row -1 counts the live sessions; it is written in the
 *            transaction that makes or ends one, so the bound is exact
 *            whichever workers do it at once.
 * INVARIANT  Ending a session forgets its scope in the same transaction:
 *            memoized values of it are gone with it, however many they are.
 * FAILURE    Rolled back: nothing was changed.
 */
#include "cache/session_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/forget.h"
#include "cache/memo_key.h"
#include "cache/now.h"
#include "cache/store.h"
#include "server/base/err.h"
#include "server/base/log.h"

#define USED_STEP_MS 10000   /* the time of use is noted this exactly, */
#define USED_STEP_EACH_MS 10 /* or times the sessions there may be, if less */
#define USED_STEP_LEAST_MS 100
#define EVICT_MAX 16 /* sessions ended to make room for one */

int
session_digest(const char *label, const void *data, size_t len,
    uint8_t digest[CACHE_KEY_LEN])
{
	return memo_key("", label, 0, "session", data, len, digest);
}

int64_t
session_scope_number(const char *scope)
{
	uint8_t digest[CACHE_KEY_LEN];

	if (session_digest("\1scope", scope, strlen(scope), digest) < 0)
		return -1;
	return store_id(digest);
}

int
session_commit(struct cache *cache, int rc)
{
	int committed = 0;

	if (rc < 0)
		db_write_cancel(&cache->db);
	else
		committed = db_write_commit(&cache->db);
	rc = committed < 0 ? committed : rc;
	return rc == ERR_CORRUPT ? ERR_STORE : rc;
}

static void
scope_of(const uint8_t digest[CACHE_KEY_LEN], char scope[SESSION_SCOPE_LEN + 1])
{
	unsigned i;

	for (i = 0; i < SESSION_SCOPE_LEN / 2; i++)
		(void)snprintf(scope + 2 * i, 3, "%02x", digest[i]);
}

static void
copy_column(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const void *text = sqlite3_column_text(stmt, column);
	size_t len = (size_t)sqlite3_column_bytes(stmt, column);

	if (len >= size)
		len = size - 1;
	if (text != NULL)
		memcpy(out, text, len);
	out[text != NULL ? len : 0] = '\0';
}

/*
 * What is an id without a row: not used yet, or one whose dead row is gone?
 * To be asked after the row was looked for: the floor is raised first.
 */
static int
judge_absent(struct db *db, int64_t issued_ms)
{
	sqlite3_stmt *stmt;
	int64_t floor_ms = 0;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_FLOOR, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, STATEMENT_SESSION_FLOOR);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		floor_ms = sqlite3_column_int64(stmt, 0);
		db_reset(db, STATEMENT_SESSION_FLOOR);
	}
	return floor_ms > 0 && issued_ms <= floor_ms ? SESSION_DEAD
						     : SESSION_ABSENT;
}

/* Find the row of `key`; enum session_state or ERR_*. */
static int
read_row(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t issued_ms, struct session_row *row)
{
	sqlite3_stmt *stmt;
	int state;
	int rc;

	memset(row, 0, sizeof(*row));
	stmt = db_use(&cache->db, STATEMENT_SESSION_GET, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	rc = db_step(&cache->db, STATEMENT_SESSION_GET);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		scope_of(key, row->scope);
		return judge_absent(&cache->db, issued_ms);
	}
	state = sqlite3_column_int(stmt, 0);
	copy_column(stmt, 1, row->scope, sizeof(row->scope));
	row->used_ms = sqlite3_column_int64(stmt, 2);
	row->empty = row->used_ms < 0;
	if (row->empty)
		row->used_ms += SESSION_EMPTY_MS;
	copy_column(stmt, 3, row->user, sizeof(row->user));
	db_reset(&cache->db, STATEMENT_SESSION_GET);
	return state;
}

int
session_find(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    int64_t issued_ms, struct session_row *row)
{
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	rc = session_digest("\1id", id, SESSION_ID_LEN, key);
	if (rc < 0)
		return rc;
	if (db_use_read(&cache->db, STATEMENT_SESSION_GET, &rc) == NULL)
		return cache_public_rc(rc);
	return cache_public_rc(read_row(cache, key, issued_ms, row));
}

static int
add_to_count(struct db *db, int64_t by)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_COUNT_ADD, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, by);
	return db_run(db, STATEMENT_SESSION_COUNT_ADD);
}

static int
read_count(struct db *db, int64_t *count)
{
	sqlite3_stmt *stmt;
	int rc;

	*count = 0;
	stmt = db_use(db, STATEMENT_SESSION_COUNT, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, STATEMENT_SESSION_COUNT);
	if (rc <= 0)
		return rc;
	*count = sqlite3_column_int64(stmt, 0);
	db_reset(db, STATEMENT_SESSION_COUNT);
	return 0;
}

int
session_count(struct cache *cache, int64_t *count, int64_t *limit)
{
	int rc;

	*count = 0;
	*limit = cache->session_limit;
	if (db_use_read(&cache->db, STATEMENT_SESSION_COUNT, &rc) == NULL)
		return cache_public_rc(rc);
	return cache_public_rc(read_count(&cache->db, count));
}

int
session_kill(struct cache *cache, int64_t row_id, const char *scope,
    enum session_state state)
{
	char name[sizeof(SESSION_GROUP) + SESSION_SCOPE_LEN];
	sqlite3_stmt *stmt;
	int64_t group;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SESSION_KILL, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, row_id);
	db_bind_int(stmt, 2, state);
	db_bind_int(stmt, 3, cache_now_ms());
	rc = db_run(&cache->db, STATEMENT_SESSION_KILL);
	if (rc == 0)
		rc = add_to_count(&cache->db, -1);
	if (rc == 0 && state == SESSION_DYING) {
		(void)snprintf(name, sizeof(name), SESSION_GROUP "%s", scope);
		rc = forget_group(cache->prefix, CACHE_GROUP_SCOPE, name,
		    &group);
		if (rc == 0)
			rc = forget_count_on(&cache->db, group);
	}
	return rc < 0 ? rc : 1;
}

/* End the live session that was used longest ago. 1, 0: none, ERR_*. */
static int
evict_one(struct cache *cache)
{
	char scope[SESSION_SCOPE_LEN + 1];
	sqlite3_stmt *stmt;
	int64_t id;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SESSION_OLDEST, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(&cache->db, STATEMENT_SESSION_OLDEST);
	if (rc <= 0)
		return rc;
	id = sqlite3_column_int64(stmt, 0);
	copy_column(stmt, 1, scope, sizeof(scope));
	db_reset(&cache->db, STATEMENT_SESSION_OLDEST);
	return session_kill(cache, id, scope, SESSION_DYING);
}

/* Make room for one more. */
static int
keep_limit(struct cache *cache)
{
	static struct log_gate gate;
	int64_t limit = cache->session_limit;
	int64_t count;
	unsigned suppressed;
	int ended = 0;
	int rc;

	rc = read_count(&cache->db, &count);
	while (rc == 0 && limit > 0 && count - ended >= limit &&
	       ended < EVICT_MAX) {
		rc = evict_one(cache);
		if (rc <= 0)
			break;
		ended++;
		rc = 0;
	}
	if (ended > 0 && log_gate_open(&gate, &suppressed))
		log_info("session.evicted",
		    "limit=%lld the one used longest ago has ended "
		    "suppressed=%u",
		    (long long)limit, suppressed);
	return rc < 0 ? rc : 0;
}

static int64_t
issued_of(const struct session_life *life)
{
	return life->made ? INT64_MAX : life->issued_ms;
}

static int64_t
due_of(const struct session_life *life, int64_t now_ms)
{
	int64_t due = life->ends_ms;

	/* Noting the use may come late by a step. */
	if (life->idle_ms > 0 && life->idle_ms + USED_STEP_MS < due - now_ms)
		due = now_ms + life->idle_ms + USED_STEP_MS;
	return due;
}

struct new_session {
	const uint8_t *key;
	const char *scope;
	const char *user;
	const struct session_life *life;
	bool empty;
};

static int
insert(struct cache *cache, const struct new_session *fresh)
{
	int64_t now_ms = cache_now_ms();
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SESSION_PUT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(fresh->key));
	db_bind_blob(stmt, 2, fresh->key, CACHE_KEY_LEN);
	db_bind_text(stmt, 3, fresh->scope);
	db_bind_int(stmt, 4, session_scope_number(fresh->scope));
	db_bind_int(stmt, 5,
	    fresh->life->issued_ms > 0 ? fresh->life->issued_ms : now_ms);
	db_bind_int(stmt, 6, now_ms - (fresh->empty ? SESSION_EMPTY_MS : 0));
	db_bind_int(stmt, 7, due_of(fresh->life, now_ms));
	db_bind_int(stmt, 8, fresh->life->ends_ms);
	db_bind_text(stmt, 9, fresh->user);
	rc = db_run(&cache->db, STATEMENT_SESSION_PUT);
	return rc < 0 ? rc : add_to_count(&cache->db, 1);
}

static int
note_use(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    const struct session_life *life)
{
	int64_t now_ms = cache_now_ms();
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SESSION_USE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, now_ms);
	db_bind_int(stmt, 4, due_of(life, now_ms));
	return db_run(&cache->db, STATEMENT_SESSION_USE);
}

/* In a transaction. */
static int
touch(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    const struct session_life *life, struct session_row *row)
{
	struct new_session fresh = { .key = key,
		.user = "",
		.life = life,
		.empty = true };
	int state = read_row(cache, key, issued_of(life), row);
	int rc = state;

	if (state == SESSION_LIVE) {
		rc = note_use(cache, key, life);
	} else if (state == SESSION_ABSENT) {
		fresh.scope = row->scope;
		rc = keep_limit(cache);
		if (rc == 0)
			rc = insert(cache, &fresh);
		state = SESSION_LIVE;
	}
	return rc < 0 ? rc : state;
}

/* Open the write that changes the session of an id, whose key is given. */
static int
begin_change(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    uint8_t key[CACHE_KEY_LEN])
{
	int rc = session_digest("\1id", id, SESSION_ID_LEN, key);

	return rc < 0 ? rc : db_write_begin(&cache->db);
}

/*
 * How old the time of use may get. It decides which session makes room, so
 * where there may be few it is exact: all of them together write it at most
 * a hundred times a second, and the order is wrong only among sessions of
 * which more than that many are used in a second.
 */
static int64_t
used_step_ms(const struct cache *cache)
{
	int64_t step = cache->session_limit * USED_STEP_EACH_MS;

	if (cache->session_limit <= 0 || step > USED_STEP_MS)
		return USED_STEP_MS;
	return step < USED_STEP_LEAST_MS ? USED_STEP_LEAST_MS : step;
}

int
session_touch(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const struct session_life *life, struct session_row *row)
{
	uint8_t key[CACHE_KEY_LEN];
	int64_t age_ms;
	int rc;

	rc = session_find(cache, id, issued_of(life), row);
	if (rc < 0)
		return rc;
	/* Most of the time there is nothing to write. */
	age_ms = cache_now_ms() - row->used_ms;
	if (rc > SESSION_LIVE ||
	    (rc == SESSION_LIVE && age_ms >= 0 && age_ms < used_step_ms(cache)))
		return rc;
	rc = begin_change(cache, id, key);
	if (rc < 0)
		return cache_public_rc(rc);
	return cache_public_rc(
	    session_commit(cache, touch(cache, key, life, row)));
}

static int
rotate(struct cache *cache, const uint8_t *old_key, const uint8_t *new_key,
    const struct session_life *life)
{
	struct new_session fresh = { .key = new_key, .life = life };
	struct session_row row;
	int rc = read_row(cache, old_key, 0, &row);

	if (rc != SESSION_LIVE)
		return rc;
	rc = session_kill(cache, store_id(old_key), row.scope, SESSION_ROTATED);
	fresh.scope = row.scope;
	fresh.user = row.user;
	fresh.empty = row.empty;
	if (rc > 0)
		rc = insert(cache, &fresh);
	return rc < 0 ? rc : SESSION_LIVE;
}

int
session_rotate(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const uint8_t new_id[SESSION_ID_LEN], const struct session_life *life)
{
	uint8_t old_key[CACHE_KEY_LEN];
	uint8_t new_key[CACHE_KEY_LEN];
	int rc;

	rc = session_digest("\1id", new_id, SESSION_ID_LEN, new_key);
	if (rc == 0)
		rc = begin_change(cache, id, old_key);
	if (rc < 0)
		return cache_public_rc(rc);
	return cache_public_rc(
	    session_commit(cache, rotate(cache, old_key, new_key, life)));
}

static int
set_user(struct cache *cache, const uint8_t *key, const char *user)
{
	struct session_row row;
	sqlite3_stmt *stmt;
	int rc = read_row(cache, key, 0, &row);

	if (rc != SESSION_LIVE)
		return rc < 0 ? rc : 0;
	stmt = db_use(&cache->db, STATEMENT_SESSION_USER, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_text(stmt, 2, user);
	rc = db_run(&cache->db, STATEMENT_SESSION_USER);
	return rc < 0 ? rc : 1;
}

int
session_set_user(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const char *user)
{
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	if (strlen(user) > SESSION_USER_MAX)
		return ERR_TOO_BIG;
	rc = begin_change(cache, id, key);
	if (rc < 0)
		return cache_public_rc(rc);
	return cache_public_rc(
	    session_commit(cache, set_user(cache, key, user)));
}

int
session_end(struct cache *cache, const uint8_t id[SESSION_ID_LEN])
{
	uint8_t key[CACHE_KEY_LEN];
	struct session_row row;
	int rc;

	rc = begin_change(cache, id, key);
	if (rc < 0)
		return cache_public_rc(rc);
	rc = read_row(cache, key, 0, &row);
	if (rc == SESSION_LIVE)
		rc = session_kill(cache, store_id(key), row.scope,
		    SESSION_DYING);
	else if (rc >= 0)
		rc = 0;
	return cache_public_rc(session_commit(cache, rc));
}

/* In a transaction: end those whose scope is in [from, to). */
static int
end_range(struct cache *cache, const char *from, const char *to)
{
	char scope[SESSION_SCOPE_LEN + 1];
	sqlite3_stmt *stmt;
	int64_t id;
	int ended = 0;
	int rc;

	for (;;) {
		stmt = db_use(&cache->db, STATEMENT_SESSION_BY_SCOPE, &rc);
		if (stmt == NULL)
			return rc;
		db_bind_text(stmt, 1, from);
		db_bind_text(stmt, 2, to);
		rc = db_step(&cache->db, STATEMENT_SESSION_BY_SCOPE);
		if (rc <= 0)
			return rc < 0 ? rc : ended;
		id = sqlite3_column_int64(stmt, 0);
		copy_column(stmt, 1, scope, sizeof(scope));
		db_reset(&cache->db, STATEMENT_SESSION_BY_SCOPE);
		rc = session_kill(cache, id, scope, SESSION_DYING);
		if (rc < 0)
			return rc;
		ended++;
	}
}

int
session_end_scope(struct cache *cache, const char *prefix)
{
	char to[SESSION_SCOPE_LEN + 2];
	size_t len = strlen(prefix);
	int rc;

	if (len < 8 || len > SESSION_SCOPE_LEN ||
	    strspn(prefix, "0123456789abcdef") != len)
		return ERR_SYNTAX;
	(void)snprintf(to, sizeof(to), "%sg", prefix); /* behind every digit */
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	return cache_public_rc(
	    session_commit(cache, end_range(cache, prefix, to)));
}
