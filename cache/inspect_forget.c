/* SPDX-License-Identifier: MIT */

/*
 * Forgetting from outside. See inspect_forget.h.
 *
 * What is meant is found with a connection that only reads; forgetting is a
 * verb of cache.h, with all its rules, on a connection of its own.
 */
#include "cache/inspect_forget.h"

#include <ctype.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cache/forget.h"
#include "cache/inspect.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "cache/session.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define PATIENCE_S 2.0
#define SESSIONS_MAX 64
#define COUNT_US 1000000 /* for counting what is gone already */

static int
open_writer(struct cache **cache, const char *dir, const char *prefix,
    struct buf *why)
{
	struct cache_options options = { .cache_type = "sqlite",
		.cache_dir = dir,
		.cache_key_prefix = prefix,
		.cache_busy_timeout = PATIENCE_S,
		.compute_lease = 15,
		.compute_attempts = 1 };
	struct cache_peer peer = { 0 };
	int rc = cache_open(cache, &options, &peer);

	if (rc < 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	return rc;
}

/* Only hexadecimal digits, enough and not too many, in lower case? */
static bool
copy_digits(const char *digits, char *out, size_t most)
{
	size_t len = strlen(digits);
	size_t i;

	if (len < INSPECT_DIGITS_MIN || len > most)
		return false;
	for (i = 0; i < len; i++) {
		if (!isxdigit((unsigned char)digits[i]))
			return false;
		out[i] = (char)tolower((unsigned char)digits[i]);
	}
	out[len] = '\0';
	return true;
}

/* The values of a group that were none by their group for the last time when
 * the counter was `from`, and are since it was `to`. */
struct span {
	int64_t group;
	int64_t from;
	int64_t to;
};

/* When the group was forgotten last; 0: never, as far as it matters. */
static int
forgotten_at(struct inspect *inspect, int64_t group, int64_t *seq)
{
	sqlite3_stmt *stmt = NULL;
	int rc = inspect_query(inspect, "SELECT seq FROM voids WHERE id = ?1",
	    &stmt);

	*seq = 0;
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, group);
	if (sqlite3_step(stmt) == SQLITE_ROW)
		*seq = sqlite3_column_int64(stmt, 0);
	return sqlite3_finalize(stmt) == SQLITE_OK ? 0 : ERR_STORE;
}

/* How many there are of them, as far as COUNT_US allows. */
static int
count_values(struct inspect *inspect, const struct span *span,
    struct inspect_count *count)
{
	static const char sql[] =
	    "SELECT max(id), count(*) FILTER (WHERE"
	    " ?2 IN (g1, g2, g3, g4, g5, g6) AND expires > ?3"
	    " AND born >= ?4 AND born < ?5 AND NOT EXISTS ("
	    "SELECT 1 FROM voids WHERE voids.id IN (g1, g2, g3, g4, g5, g6)"
	    " AND voids.id <> ?2 AND seq > born))"
	    " FROM (SELECT * FROM kv WHERE id > ?1" INSPECT_STEP ")";
	int64_t until = clock_mono_us() + COUNT_US;
	sqlite3_stmt *stmt = NULL;
	int64_t from = -1;
	int rc = inspect_query(inspect, sql, &stmt);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 2, span->group);
	(void)sqlite3_bind_int64(stmt, 3, cache_now_ms());
	(void)sqlite3_bind_int64(stmt, 4, span->from);
	(void)sqlite3_bind_int64(stmt, 5, span->to);
	while (!count->more && inspect_step(stmt, &from)) {
		count->values += sqlite3_column_int64(stmt, 1);
		count->more = clock_mono_us() > until;
	}
	return sqlite3_finalize(stmt) == SQLITE_OK ? 0 : ERR_STORE;
}

static int
forget(const char *dir, const char *prefix, enum cache_group group,
    const char *name, struct buf *why)
{
	struct cache *cache = NULL;
	int rc = open_writer(&cache, dir, prefix, why);

	if (rc < 0)
		return rc;
	rc = cache_forget(cache, group, name);
	cache_close(&cache);
	return rc;
}

int
inspect_forget(const char *dir, const char *prefix, enum cache_group group,
    const char *name, struct inspect_count *count, struct buf *why)
{
	struct inspect *inspect = NULL;
	struct span span = { 0, 0, 0 };
	int rc;

	*count = (struct inspect_count){ 0, false };
	rc = forget_group(prefix, group, name, &span.group);
	if (rc == 0)
		rc = inspect_open(&inspect, dir, why);
	if (rc == 0)
		rc = forgotten_at(inspect, span.group, &span.from);
	if (rc == 0)
		rc = forget(dir, prefix, group, name, why);
	/* It is done, whether it can be counted or not. */
	if (rc == 0 && (forgotten_at(inspect, span.group, &span.to) < 0 ||
			   count_values(inspect, &span, count) < 0))
		count->more = true;
	inspect_close(&inspect);
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	return rc;
}

/*
 * Keys in one of the two tables that begin with the digits. The row number is
 * the key's first 63 bits, so that is a range of it.
 */
static int
find_keys(struct inspect *inspect, const char *digits, const char *function,
    uint8_t key[CACHE_KEY_LEN], int *count)
{
	static const char sql[] =
	    "SELECT k FROM (SELECT k FROM signals WHERE id BETWEEN ?1 AND ?2"
	    " AND (?4 IS NULL OR function = ?4)"
	    " UNION SELECT k FROM kv WHERE ?4 IS NULL"
	    " AND id BETWEEN ?1 AND ?2)"
	    " WHERE length(k) = 32 AND lower(hex(k)) >= ?3"
	    " AND lower(hex(k)) < ?3 || 'g' LIMIT 100";
	sqlite3_stmt *stmt = NULL;
	unsigned long long from = 0;
	char head[17];
	unsigned len;
	int code;
	int rc;

	len = (unsigned)snprintf(head, sizeof(head), "%.16s", digits);
	if (len >= sizeof(head))
		len = sizeof(head) - 1;
	(void)sscanf(head, "%llx", &from);
	from <<= 4 * (16 - len);
	rc = inspect_query(inspect, sql, &stmt);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)(from & INT64_MAX));
	from |= len == 16 ? 0 : UINT64_MAX >> 4 * len;
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)(from & INT64_MAX));
	(void)sqlite3_bind_text(stmt, 3, digits, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(stmt, 4, function, -1, SQLITE_STATIC);
	*count = 0;
	while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
		memcpy(key, sqlite3_column_blob(stmt, 0), CACHE_KEY_LEN);
		++*count;
	}
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_DONE ? 0 : ERR_STORE;
}

int
inspect_forget_key(const char *dir, const char *prefix, const char *digits,
    const char *function, struct buf *why)
{
	struct inspect *inspect = NULL;
	struct cache *cache = NULL;
	uint8_t key[CACHE_KEY_LEN];
	char text[2 * CACHE_KEY_LEN + 1];
	int count = 0;
	int rc;

	if (!copy_digits(digits, text, sizeof(text) - 1)) {
		(void)buf_printf(why,
		    "a key is named by %d to %d hexadecimal digits",
		    INSPECT_DIGITS_MIN, 2 * CACHE_KEY_LEN);
		return ERR_SYNTAX;
	}
	rc = inspect_open(&inspect, dir, why);
	if (rc < 0)
		return rc;
	rc = find_keys(inspect, text, function, key, &count);
	inspect_close(&inspect);
	if (rc == 0 && count == 1)
		rc = open_writer(&cache, dir, prefix, why);
	if (rc == 0 && count == 1)
		rc = cache_forget_key(cache, key);
	cache_close(&cache);
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	return rc < 0 ? rc : count;
}

/* Names of the sessions that begin like that; how many, or negative. */
static int
find_sessions(struct inspect *inspect, const char *digits,
    char scopes[SESSIONS_MAX][SESSION_SCOPE_LEN + 1])
{
	sqlite3_stmt *stmt = NULL;
	const void *scope;
	int count = 0;
	int rc;

	rc = inspect_query(inspect,
	    "SELECT scope FROM sessions WHERE state = 1 AND scope >= ?1"
	    " AND scope < ?1 || 'g'",
	    &stmt);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_text(stmt, 1, digits, -1, SQLITE_STATIC);
	while (count < SESSIONS_MAX && sqlite3_step(stmt) == SQLITE_ROW) {
		scope = sqlite3_column_text(stmt, 0);
		(void)snprintf(scopes[count++], SESSION_SCOPE_LEN + 1, "%s",
		    scope != NULL ? (const char *)scope : "");
	}
	return sqlite3_finalize(stmt) == SQLITE_OK || count == SESSIONS_MAX
		   ? count
		   : ERR_STORE;
}

int
inspect_forget_session(const char *dir, const char *prefix, const char *digits,
    struct buf *why)
{
	char scopes[SESSIONS_MAX][SESSION_SCOPE_LEN + 1];
	char name[sizeof(SESSION_GROUP) + SESSION_SCOPE_LEN];
	char text[SESSION_SCOPE_LEN + 1];
	struct inspect *inspect = NULL;
	int count;
	int i;
	int rc;

	if (!copy_digits(digits, text, SESSION_SCOPE_LEN)) {
		(void)buf_printf(why,
		    "a session is named by %d to %d hexadecimal digits",
		    INSPECT_DIGITS_MIN, SESSION_SCOPE_LEN);
		return ERR_SYNTAX;
	}
	rc = inspect_open(&inspect, dir, why);
	if (rc < 0)
		return rc;
	count = find_sessions(inspect, text, scopes);
	inspect_close(&inspect);
	if (count < 0)
		(void)buf_printf(why, "the cache in %s: %s", dir,
		    err_str(count));
	for (i = 0; i < count && rc == 0; i++) {
		(void)snprintf(name, sizeof(name), SESSION_GROUP "%.32s",
		    scopes[i]);
		rc = forget(dir, prefix, CACHE_GROUP_SCOPE, name, why);
	}
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	return rc < 0 ? rc : count;
}

int
inspect_forget_entry(const char *dir, const char *prefix, const char *name,
    struct buf *why)
{
	struct cache *cache = NULL;
	uint8_t key[CACHE_KEY_LEN];
	int rc = open_writer(&cache, dir, prefix, why);

	if (rc < 0)
		return rc;
	rc = cache_entry_key(prefix, name, key);
	if (rc == 0)
		rc = cache_remove(cache, key);
	cache_close(&cache);
	if (rc < 0)
		(void)buf_printf(why, "the cache in %s: %s", dir, err_str(rc));
	return rc;
}
