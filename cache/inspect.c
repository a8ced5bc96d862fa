/* SPDX-License-Identifier: MIT */

/*
 * A look at the cache from outside.
 *
 * SQLite opens the file read-only and does not checkpoint when it closes it,
 * so a tool can be run and killed at any time.
 *
 * FAILURE  A damaged or missing file is an answer for the person who asked;
 *          nothing is set aside here.
 */
#include "cache/inspect.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/db.h"
#include "cache/flight.h"
#include "cache/meta.h"
#include "cache/now.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define PATIENCE_MS 2000

struct inspect {
	sqlite3 *handle;
	char path[PATH_MAX];
};

static int
fail(const struct inspect *inspect, struct buf *why)
{
	(void)buf_printf(why, "%s: %s", inspect->path,
	    sqlite3_errmsg(inspect->handle));
	return db_error_of(sqlite3_extended_errcode(inspect->handle));
}

/* The ages of what is stored are by the clock of the server that stored it. */
static void
follow_clock(struct inspect *inspect)
{
	char boot[CLOCK_BOOT_ID_LEN + 1];
	sqlite3_stmt *stmt = NULL;

	meta_boot(boot);
	if (inspect_query(inspect,
		"SELECT value FROM meta WHERE name = '" SCHEMA_META_OFFSET
		"' AND EXISTS (SELECT 1 FROM meta WHERE name = "
		"'" SCHEMA_META_BOOT_ID "' AND value = ?1)",
		&stmt) == 0 &&
	    sqlite3_bind_text(stmt, 1, boot, -1, SQLITE_STATIC) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		now_adopt(sqlite3_column_int64(stmt, 0));
	(void)sqlite3_finalize(stmt);
}

int
inspect_open(struct inspect **out, const char *dir, struct buf *why)
{
	struct inspect *inspect = calloc(1, sizeof(*inspect));
	struct stat st;
	int rc;

	*out = NULL;
	if (inspect == NULL) {
		(void)buf_printf(why, "the cache in %s: %s", dir,
		    err_str(-ENOMEM));
		return -ENOMEM;
	}
	rc = db_path(inspect->path, sizeof(inspect->path), dir, SCHEMA_FILE);
	if (rc == 0 && stat(inspect->path, &st) < 0)
		rc = -errno;
	if (rc < 0) {
		(void)buf_printf(why, "no cache in %s: %s", dir, err_str(rc));
		free(inspect);
		return rc;
	}
	if (sqlite3_open_v2(inspect->path, &inspect->handle,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
		NULL) != SQLITE_OK ||
	    sqlite3_db_config(inspect->handle, SQLITE_DBCONFIG_DEFENSIVE, 1,
		NULL) != SQLITE_OK ||
	    sqlite3_db_config(inspect->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
		1, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(inspect->handle, PATIENCE_MS) != SQLITE_OK) {
		rc = fail(inspect, why);
		inspect_close(&inspect);
		return rc;
	}
	follow_clock(inspect);
	*out = inspect;
	return 0;
}

void
inspect_close(struct inspect **inspect_in)
{
	struct inspect *inspect = *inspect_in;

	*inspect_in = NULL;
	if (inspect == NULL)
		return;
	(void)sqlite3_close(inspect->handle);
	free(inspect);
}

int
inspect_query(struct inspect *inspect, const char *sql, sqlite3_stmt **stmt)
{
	if (sqlite3_prepare_v2(inspect->handle, sql, -1, stmt, NULL) ==
	    SQLITE_OK)
		return 0;
	return db_error_of(sqlite3_extended_errcode(inspect->handle));
}

static int
finish(sqlite3_stmt *stmt)
{
	int code = sqlite3_finalize(stmt);

	return code == SQLITE_OK ? 0 : db_error_of(code);
}

static int64_t
file_bytes(const struct inspect *inspect, const char *suffix)
{
	char path[PATH_MAX + 8];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s%s", inspect->path, suffix);
	return stat(path, &st) < 0 ? 0 : (int64_t)st.st_size;
}

static int
count_signals(struct inspect *inspect, struct inspect_summary *out)
{
	int64_t *const counts[] = { [FLIGHT_WANTED] = &out->wanted,
		[FLIGHT_COMPUTING] = &out->computing,
		[FLIGHT_READY] = &out->ready,
		[FLIGHT_FAILED] = &out->failed,
		[FLIGHT_QUARANTINED] = &out->quarantined,
		[FLIGHT_PASS] = &out->passing };
	sqlite3_stmt *stmt = NULL;
	int state;
	int rc;

	rc = inspect_query(inspect,
	    "SELECT state, count(*) FROM signals GROUP BY state", &stmt);
	if (rc < 0)
		return rc;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		state = sqlite3_column_int(stmt, 0);
		if (state >= FLIGHT_WANTED && state <= FLIGHT_PASS)
			*counts[state] = sqlite3_column_int64(stmt, 1);
	}
	return finish(stmt);
}

bool
inspect_step(struct sqlite3_stmt *stmt, int64_t *from)
{
	(void)sqlite3_reset(stmt);
	(void)sqlite3_bind_int64(stmt, 1, *from);
	if (sqlite3_step(stmt) != SQLITE_ROW ||
	    sqlite3_column_type(stmt, 0) == SQLITE_NULL)
		return false;
	*from = sqlite3_column_int64(stmt, 0);
	return true;
}

int
inspect_summarize(struct inspect *inspect, struct inspect_summary *out)
{
	static const char sql[] =
	    "SELECT max(id), count(*) FILTER (WHERE expires > ?2),"
	    " sum(len), count(*) FILTER (WHERE expires <= ?2), min(created)"
	    " FROM (SELECT * FROM kv WHERE id > ?1" INSPECT_STEP ")";
	int64_t now_ms = cache_now_ms();
	int64_t oldest_ms = now_ms;
	sqlite3_stmt *stmt = NULL;
	int64_t from = -1;
	int rc;

	*out = (struct inspect_summary){ .values = 0 };
	rc = inspect_query(inspect, sql, &stmt);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 2, now_ms);
	while (inspect_step(stmt, &from)) {
		out->values += sqlite3_column_int64(stmt, 1);
		out->value_bytes += sqlite3_column_int64(stmt, 2);
		out->expired += sqlite3_column_int64(stmt, 3);
		if (sqlite3_column_int64(stmt, 4) < oldest_ms)
			oldest_ms = sqlite3_column_int64(stmt, 4);
	}
	out->oldest_ms = now_ms - oldest_ms;
	rc = finish(stmt);
	out->file_bytes = file_bytes(inspect, "");
	out->log_bytes = file_bytes(inspect, "-wal");
	return rc < 0 ? rc : count_signals(inspect, out);
}

static const char *
column_text(sqlite3_stmt *stmt, int column)
{
	const void *text = sqlite3_column_text(stmt, column);

	return text != NULL ? text : "";
}

static int64_t
count_bits(int64_t mask)
{
	return __builtin_popcountll((unsigned long long)mask);
}

int
inspect_signals(struct inspect *inspect, unsigned limit,
    void (*put)(void *context, const struct inspect_signal *signal),
    void *context)
{
	struct inspect_signal row;
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = inspect_query(inspect,
	    "SELECT lower(hex(k)), state, function, error, owner_slot,"
	    " owner_pid, lease_until, changed_at, attempts, waiters,"
	    " computations, progress, wanted_at,"
	    " substr(scope, 1, instr(scope, ':') - 1) FROM signals"
	    " ORDER BY state > 2, changed_at DESC LIMIT ?1",
	    &stmt);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)limit);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		row = (struct inspect_signal){
			.key = column_text(stmt, 0),
			.state = flight_state_name(sqlite3_column_int(stmt, 1)),
			.function = column_text(stmt, 2),
			.error = column_text(stmt, 3),
			.age_ms =
			    cache_now_ms() - sqlite3_column_int64(stmt, 7),
			.attempts = sqlite3_column_int64(stmt, 8),
			.waiters = count_bits(sqlite3_column_int64(stmt, 9)),
			.computations = sqlite3_column_int64(stmt, 10),
			.progress = sqlite3_column_int64(stmt, 11),
			.wanted_ms =
			    cache_now_ms() - sqlite3_column_int64(stmt, 12),
			.scope = column_text(stmt, 13),
		};
		if (sqlite3_column_int(stmt, 1) == FLIGHT_COMPUTING) {
			row.owner_slot = sqlite3_column_int64(stmt, 4);
			row.owner_pid = sqlite3_column_int64(stmt, 5);
			row.lease_ms =
			    sqlite3_column_int64(stmt, 6) - clock_boot_ms();
		}
		put(context, &row);
	}
	return finish(stmt);
}
