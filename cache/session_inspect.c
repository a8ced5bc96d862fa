/* SPDX-License-Identifier: MIT */

/*
 * Sessions from outside: count, list, end.
 *
 * Looking is read-only. Ending is one small write, as any process makes it;
 * it needs neither a worker nor the master.
 */
#include "cache/session_inspect.h"

#include <sqlite3.h>
#include <string.h>

#include "cache/db.h"
#include "cache/now.h"
#include "cache/session.h"
#include "server/base/err.h"

#define PATIENCE_S 2.0

static int
finish(sqlite3_stmt *stmt)
{
	int code = sqlite3_finalize(stmt);

	return code == SQLITE_OK ? 0 : db_error_of(code);
}

int
inspect_sessions_summarize(struct inspect *inspect,
    struct inspect_sessions *out)
{
	sqlite3_stmt *stmt = NULL;
	int64_t oldest_ms;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = inspect_query(inspect,
	    "SELECT (SELECT count(*) FROM sessions WHERE state = 1),"
	    " (SELECT coalesce(min(created), 0) FROM sessions"
	    " WHERE state = 1), count(*), coalesce(sum(len), 0)"
	    " FROM session_values",
	    &stmt);
	if (rc < 0)
		return rc;
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		out->count = sqlite3_column_int64(stmt, 0);
		oldest_ms = sqlite3_column_int64(stmt, 1);
		out->oldest_ms = oldest_ms > 0 ? cache_now_ms() - oldest_ms : 0;
		out->entries = sqlite3_column_int64(stmt, 2);
		out->bytes = sqlite3_column_int64(stmt, 3);
	}
	return finish(stmt);
}

int
inspect_sessions_list(struct inspect *inspect, unsigned limit,
    void (*put)(void *context, const struct inspect_session *session),
    void *context)
{
	struct inspect_session row;
	sqlite3_stmt *stmt = NULL;
	const void *scope;
	int rc;

	rc = inspect_query(inspect,
	    "SELECT scope, created, last, named,"
	    " (SELECT count(*) FROM session_values v"
	    " WHERE v.number = s.number),"
	    " (SELECT coalesce(sum(len), 0) FROM session_values v"
	    " WHERE v.number = s.number)"
	    /* What each has is counted for those that are listed only. */
	    " FROM (SELECT scope, created, number, user <> '' AS named,"
	    " used + (used < 0) * 4503599627370496 AS last"
	    " FROM sessions WHERE state = 1 ORDER BY last DESC LIMIT ?1) s"
	    " ORDER BY last DESC",
	    &stmt);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)limit);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		scope = sqlite3_column_text(stmt, 0);
		row = (struct inspect_session){
			.scope = scope != NULL ? scope : "",
			.age_ms =
			    cache_now_ms() - sqlite3_column_int64(stmt, 1),
			.idle_ms =
			    cache_now_ms() - sqlite3_column_int64(stmt, 2),
			.named = sqlite3_column_int(stmt, 3) != 0,
			.entries = sqlite3_column_int64(stmt, 4),
			.bytes = sqlite3_column_int64(stmt, 5),
		};
		put(context, &row);
	}
	return finish(stmt);
}

int
inspect_sessions_end(const char *dir, const char *prefix, struct buf *why)
{
	/* The key prefix only decides what is forgotten sooner. */
	struct cache_options options = { .cache_type = "sqlite",
		.cache_dir = dir,
		.cache_key_prefix = "",
		.cache_busy_timeout = PATIENCE_S,
		.compute_lease = 15,
		.compute_attempts = 1 };
	struct cache_peer peer = { 0 };
	struct cache *cache = NULL;
	int rc;

	rc = cache_open(&cache, &options, &peer);
	if (rc == 0)
		rc = session_end_scope(cache, prefix);
	cache_close(&cache);
	if (rc == ERR_SYNTAX)
		(void)buf_printf(why,
		    "a session is named by 8 to %d hexadecimal digits",
		    SESSION_SCOPE_LEN);
	else if (rc < 0)
		(void)buf_printf(why, "the sessions in %s: %s", dir,
		    err_str(rc));
	return rc;
}
