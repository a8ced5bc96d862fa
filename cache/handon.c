/* SPDX-License-Identifier: MIT */

/*
 * Handing computations on.
 *
 * Looks with a read first, since mostly there is nothing to do; then reads
 * the rows again in the write transaction, changes them, commits, and only
 * then logs and wakes.
 *
 * THREADS  Keeper only.
 */
#include "cache/handon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cache/cache_int.h"
#include "cache/landing.h"
#include "server/base/clock.h"
#include "server/base/log.h"

#define HANDON_STEP 32 /* rows in one transaction */

/* One row on its way; what the log line needs is copied. */
struct handon_row {
	int64_t id;
	uint32_t attempts;
	uint64_t waiters;
	int64_t pid;
	bool failed;
	char key[CACHE_KEY_SHORT];
	char function[64];
};

/* Which rows: a statement, its parameter, and the word for the log. */
struct handon {
	enum statement statement;
	int64_t parameter;
	const char *reason;
};

static void
copy_row(sqlite3_stmt *stmt, struct handon_row *row)
{
	const char *function = (const char *)sqlite3_column_text(stmt, 5);

	row->id = sqlite3_column_int64(stmt, 0);
	row->attempts = (uint32_t)sqlite3_column_int(stmt, 2);
	row->waiters = (uint64_t)sqlite3_column_int64(stmt, 3);
	row->pid = sqlite3_column_int64(stmt, 4);
	(void)snprintf(row->function, sizeof(row->function), "%s",
	    function != NULL ? function : "?");
	row->key[0] = '\0';
	if (sqlite3_column_bytes(stmt, 1) == CACHE_KEY_LEN)
		cache_key_short(sqlite3_column_blob(stmt, 1), row->key);
}

/* The rows in question, at most HANDON_STEP. >= 0: how many, or ERR_*. */
static int
read_rows(struct db *db, const struct handon *what, struct handon_row *rows)
{
	sqlite3_stmt *stmt;
	int count = 0;
	int rc;

	stmt = db_use(db, what->statement, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, what->parameter);
	for (;;) {
		rc = db_step(db, what->statement);
		if (rc <= 0)
			return rc < 0 ? rc : count;
		copy_row(stmt, &rows[count++]);
		if (count == HANDON_STEP)
			break;
	}
	db_reset(db, what->statement);
	return count;
}

static int
end_row(struct cache *cache, struct handon_row *row)
{
	struct landing end = { .state = FLIGHT_WANTED,
		.attempts = row->attempts,
		.waiters = row->waiters };
	char error[64];

	row->failed = row->attempts >= cache->attempts_max;
	if (row->failed) {
		(void)snprintf(error, sizeof(error), "its worker died %u times",
		    (unsigned)row->attempts);
		end.state = FLIGHT_QUARANTINED;
		end.waiters = 0;
		end.due_at = clock_boot_ms() + cache->quarantine_ms;
		end.error = error;
	}
	return landing_end_row(&cache->db, row->id, &end);
}

static void
report(const struct handon_row *row, const char *reason)
{
	log_warn(0, row->failed ? "signal.quarantined" : "signal.handed_on",
	    "function=%s key=%s owner_pid=%lld attempts=%u reason=%s",
	    row->function, row->key, (long long)row->pid,
	    (unsigned)row->attempts, reason);
}

/* One transaction's worth. >= 0: how many rows changed, or ERR_*. */
static int
hand_on_some(struct cache *cache, const struct handon *what)
{
	struct handon_row rows[HANDON_STEP];
	int count;
	int i;
	int rc = 0;

	memset(rows, 0, sizeof(rows));
	count = read_rows(&cache->db, what, rows);
	if (count <= 0)
		return count;
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return rc;
	count = read_rows(&cache->db, what, rows);
	rc = count < 0 ? count : 0;
	for (i = 0; i < count && rc == 0; i++)
		rc = end_row(cache, &rows[i]);
	if (rc < 0) {
		db_write_cancel(&cache->db);
		return rc;
	}
	rc = db_write_commit(&cache->db);
	if (rc < 0)
		return rc;
	counts_add(&cache->counts, COUNT_TAKEOVER, (uint64_t)count);
	for (i = 0; i < count; i++)
		report(&rows[i], what->reason);
	return count;
}

static int
hand_on(struct cache *cache, const struct handon *what, unsigned *count)
{
	int rc;

	do {
		if (db_use_read(&cache->db, what->statement, &rc) == NULL)
			break;
		rc = hand_on_some(cache, what);
		if (rc > 0)
			*count += (unsigned)rc;
	} while (rc == HANDON_STEP);
	if (*count > 0)
		cache_wake(cache, UINT64_MAX);
	return rc < 0 ? cache_public_rc(rc) : 0;
}

int
cache_release_owner(struct cache *cache, int64_t worker_id, unsigned *count)
{
	struct handon what = { STATEMENT_SIGNAL_OF_OWNER, worker_id,
		"worker-died" };

	*count = 0;
	return hand_on(cache, &what, count);
}

int
handon_late(struct cache *cache, unsigned *count)
{
	struct handon what = { STATEMENT_SIGNAL_LATE, clock_boot_ms(),
		"lease-expired" };

	*count = 0;
	return hand_on(cache, &what, count);
}

int
handon_vanished(struct cache *cache, unsigned *count)
{
	int64_t owners[64];
	sqlite3_stmt *stmt;
	unsigned released;
	int found = 0;
	int i;
	int rc;

	*count = 0;
	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_OWNERS, &rc);
	if (stmt == NULL)
		return cache_public_rc(rc);
	while (found < 64 &&
	       (rc = db_step(&cache->db, STATEMENT_SIGNAL_OWNERS)) > 0) {
		if (kill((pid_t)sqlite3_column_int64(stmt, 1), 0) < 0 &&
		    errno == ESRCH)
			owners[found++] = sqlite3_column_int64(stmt, 0);
	}
	db_reset(&cache->db, STATEMENT_SIGNAL_OWNERS);
	for (i = 0; i < found && rc >= 0; i++) {
		rc = cache_release_owner(cache, owners[i], &released);
		*count += released;
	}
	return rc < 0 ? cache_public_rc(rc) : 0;
}
