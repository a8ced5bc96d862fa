/* SPDX-License-Identifier: MIT */

/*
 * What sessions keep: entries by name, values of the server-side store.
 *
 * They stand in a table of their own, as they are data and not a cache: the
 * bound on values does not touch them, they go with their session, or when all
 * sessions together keep too much (session_room.c).
 *
 * INVARIANT  The key of an entry is a digest of scope, kind and name, all of
 *            it is compared: no session reaches another one's entry.
 * FAILURE    Rolled back: nothing was changed.
 */
#include "cache/session_int.h"

#include <errno.h>
#include <string.h>

#include "cache/now.h"
#include "cache/store.h"
#include "server/base/err.h"

#define ENTRIES_MAX 1000 /* of one session */

/* 0, ERR_TOO_BIG, ERR_STORE. */
static int
key_of(const char *scope, enum session_kind kind, const char *name,
    uint8_t key[CACHE_KEY_LEN])
{
	char text[SESSION_SCOPE_LEN + 1 + SESSION_NAME_MAX];
	size_t len = strlen(name);

	if (len > SESSION_NAME_MAX)
		return ERR_TOO_BIG;
	if (strlen(scope) != SESSION_SCOPE_LEN)
		return ERR_STORE;
	memcpy(text, scope, SESSION_SCOPE_LEN);
	text[SESSION_SCOPE_LEN] = (char)kind;
	memcpy(text + SESSION_SCOPE_LEN + 1, name, len);
	return session_digest("\1entry", text, SESSION_SCOPE_LEN + 1 + len,
	    key);
}

static uint64_t
sum_of(const void *data, size_t len, int64_t expires_ms)
{
	struct store_value value = { .data = data,
		.len = len,
		.expires = expires_ms };

	return store_sum(&value);
}

/* The bytes all entries of a session take but the one under `row`. */
static int
measure(struct db *db, int64_t number, int64_t row, int64_t *bytes,
    int64_t *count)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_VALUE_SUM, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, number);
	db_bind_int(stmt, 2, row);
	db_bind_int(stmt, 3, cache_now_ms());
	rc = db_step(db, STATEMENT_SESSION_VALUE_SUM);
	if (rc <= 0)
		return rc < 0 ? rc : ERR_STORE;
	*bytes = sqlite3_column_int64(stmt, 0);
	*count = sqlite3_column_int64(stmt, 1);
	db_reset(db, STATEMENT_SESSION_VALUE_SUM);
	return 0;
}

/* Delete the oldest value of the server-side store. 1, 0: none, ERR_*. */
static int
drop_oldest(struct db *db, int64_t number)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_VALUE_OLDEST, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, number);
	return session_values_delete(db, STATEMENT_SESSION_VALUE_OLDEST);
}

/* What one session may keep: no more than all together. 0: no bound. */
static int64_t
quota_of(const struct cache *cache)
{
	int64_t quota = cache->session_quota;

	if (cache->session_share > 0 &&
	    (quota <= 0 || quota > cache->session_share))
		quota = cache->session_share;
	return quota;
}

/* Is there room in the session? 0, ERR_TOO_BIG, ERR_*. */
static int
make_room(struct cache *cache, const struct session_entry *entry,
    int64_t number, int64_t row)
{
	int64_t quota = quota_of(cache);
	int64_t bytes = 0;
	int64_t count = 0;
	int rc;

	if (quota > 0 && (int64_t)entry->len > quota)
		return ERR_TOO_BIG;
	for (;;) {
		rc = measure(&cache->db, number, row, &bytes, &count);
		if (rc < 0)
			return rc;
		if (count < ENTRIES_MAX &&
		    (quota <= 0 || bytes <= quota - (int64_t)entry->len))
			return 0;
		/* What an app keeps by name does not go unasked. */
		rc = entry->kind == SESSION_HANDLE
			 ? drop_oldest(&cache->db, number)
			 : 0;
		if (rc <= 0)
			return rc < 0 ? rc : ERR_TOO_BIG;
	}
}

/* What the row in the place of a new one counts for. >= 0 or ERR_*. */
static int64_t
replaced_by(struct db *db, int64_t row)
{
	sqlite3_stmt *stmt;
	int64_t weight;
	int rc;

	stmt = db_use(db, STATEMENT_SESSION_VALUE_LEN, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, row);
	rc = db_step(db, STATEMENT_SESSION_VALUE_LEN);
	if (rc <= 0)
		return rc;
	weight = session_weight(sqlite3_column_int64(stmt, 0));
	db_reset(db, STATEMENT_SESSION_VALUE_LEN);
	return weight;
}

static int
write_entry(struct cache *cache, const struct session_entry *entry,
    const uint8_t key[CACHE_KEY_LEN], int64_t number)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SESSION_VALUE_PUT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, number);
	db_bind_int(stmt, 4, entry->kind);
	db_bind_int(stmt, 5, cache_now_ms());
	db_bind_int(stmt, 6, entry->expires_ms);
	db_bind_int(stmt, 7, (int64_t)entry->len);
	db_bind_int(stmt, 8,
	    (int64_t)sum_of(entry->data, entry->len, entry->expires_ms));
	db_bind_blob(stmt, 9, entry->data, entry->len);
	return db_run(&cache->db, STATEMENT_SESSION_VALUE_PUT);
}

/* The same within the share of all sessions, and counted. 0 or ERR_*. */
static int
add_entry(struct cache *cache, const struct session_entry *entry,
    const uint8_t id[SESSION_ID_LEN], const uint8_t key[CACHE_KEY_LEN])
{
	int64_t weight = session_weight((int64_t)entry->len);
	uint8_t session[CACHE_KEY_LEN];
	int64_t old = 0;
	int rc;

	rc = session_digest("\1id", id, SESSION_ID_LEN, session);
	if (rc == 0)
		rc = session_keep_share(cache, store_id(session), weight);
	if (rc >= 0) {
		old = replaced_by(&cache->db, store_id(key));
		rc = old < 0 ? (int)old : 0;
	}
	if (rc == 0)
		rc = write_entry(cache, entry, key,
		    session_scope_number(entry->scope));
	return rc < 0 ? rc : session_bytes_add(&cache->db, weight - old);
}

/* From now on it goes after those that are empty. */
static int
note_filled(struct db *db, const uint8_t id[SESSION_ID_LEN])
{
	uint8_t key[CACHE_KEY_LEN];
	sqlite3_stmt *stmt;
	int rc = session_digest("\1id", id, SESSION_ID_LEN, key);

	if (rc < 0)
		return rc;
	stmt = db_use(db, STATEMENT_SESSION_FILLED, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	return db_run(db, STATEMENT_SESSION_FILLED);
}

int
session_put(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const struct session_entry *entry)
{
	uint8_t key[CACHE_KEY_LEN];
	struct session_row row;
	int64_t number = session_scope_number(entry->scope);
	int rc;

	rc = key_of(entry->scope, entry->kind, entry->name, key);
	if (rc == 0 && entry->len > STORE_VALUE_MAX)
		rc = ERR_TOO_BIG;
	if (rc == 0)
		rc = db_write_begin(&cache->db);
	if (rc < 0)
		return rc == ERR_FULL ? rc : cache_public_rc(rc);
	rc = session_find(cache, id, 0, &row);
	if (rc >= 0 &&
	    (rc != SESSION_LIVE || strcmp(row.scope, entry->scope) != 0)) {
		rc = 0;
	} else if (rc >= 0) {
		rc = make_room(cache, entry, number, store_id(key));
		if (rc == 0)
			rc = add_entry(cache, entry, id, key);
		if (rc == 0 && row.empty)
			rc = note_filled(&cache->db, id);
		rc = rc < 0 ? rc : 1;
	}
	return session_commit(cache, rc);
}

/* The row `stmt` stands on. 1, 0: damaged or another key's, -ENOMEM. */
static int
take(sqlite3_stmt *stmt, const uint8_t key[CACHE_KEY_LEN], struct buf *out)
{
	int64_t expires_ms = sqlite3_column_int64(stmt, 1);
	const void *stored = sqlite3_column_blob(stmt, 0);
	const void *data = sqlite3_column_blob(stmt, 3);
	size_t len = (size_t)sqlite3_column_bytes(stmt, 3);

	if (stored == NULL || sqlite3_column_bytes(stmt, 0) != CACHE_KEY_LEN ||
	    memcmp(stored, key, CACHE_KEY_LEN) != 0 || data == NULL ||
	    (int64_t)sum_of(data, len, expires_ms) !=
		sqlite3_column_int64(stmt, 2))
		return 0;
	return buf_put(out, data, len) < 0 ? -ENOMEM : 1;
}

int
session_get(struct cache *cache, const char *scope, enum session_kind kind,
    const char *name, struct buf *out)
{
	uint8_t key[CACHE_KEY_LEN];
	sqlite3_stmt *stmt;
	int rc;

	buf_clear(out);
	rc = key_of(scope, kind, name, key);
	if (rc < 0)
		return rc;
	stmt = db_use_read(&cache->db, STATEMENT_SESSION_VALUE_GET, &rc);
	if (stmt == NULL)
		return cache_public_rc(rc);
	db_bind_int(stmt, 1, store_id(key));
	db_bind_int(stmt, 2, cache_now_ms());
	rc = db_step(&cache->db, STATEMENT_SESSION_VALUE_GET);
	if (rc <= 0)
		return cache_public_rc(rc);
	rc = take(stmt, key, out);
	db_reset(&cache->db, STATEMENT_SESSION_VALUE_GET);
	return rc;
}

int
session_delete(struct cache *cache, const char *scope, enum session_kind kind,
    const char *name)
{
	uint8_t key[CACHE_KEY_LEN];
	sqlite3_stmt *stmt;
	int rc;

	rc = key_of(scope, kind, name, key);
	if (rc == 0)
		rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	stmt = db_use(&cache->db, STATEMENT_SESSION_VALUE_DELETE, &rc);
	if (stmt != NULL) {
		db_bind_int(stmt, 1, store_id(key));
		db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
		rc = session_values_delete(&cache->db,
		    STATEMENT_SESSION_VALUE_DELETE);
	}
	return cache_public_rc(session_commit(cache, rc));
}
