/* SPDX-License-Identifier: MIT */

/*
 * The transactions of a connection: reading, writing, and when writing has to
 * wait for the keeper.
 *
 * INVARIANT  A transaction that cannot be rolled back closes the connection,
 *            because it would keep every other writer out.
 * INVARIANT  A write transaction begins on the file that is in the folder.
 * INVARIANT  A write transaction holds the gate shared from before BEGIN
 *            until after COMMIT or ROLLBACK; or its connection keeps the gate
 *            shut.
 * THREADS    One; see db.h.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "cache/db_int.h"
#include "cache/gate.h"
#include "cache/mark.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"

#define DB_LONG_US 250000 /* pause because of a long log */
#define DB_STUCK_US 5000  /* longest wait for it to be cut, but the first */
#define DB_LOCKED_US 1000 /* longest wait for a lock that is known to stay */
#define LOST_US 500000    /* longest wait for a file in place of a lost one */
#define LOOK_EVERY 8      /* transactions, whether the gate is to be shut */

/* End whatever transaction is open, by any means. */
static void
roll_back(struct db *db)
{
	int rc;

	if (db->handle == NULL || sqlite3_get_autocommit(db->handle))
		return;
	if (db_use(db, STATEMENT_ROLLBACK, &rc) != NULL)
		rc = db_run(db, STATEMENT_ROLLBACK);
	if (sqlite3_get_autocommit(db->handle))
		return;
	log_error(rc, "cache.rollback", "the connection is closed");
	db_close_handle(db);
	db_latch(db);
}

int
db_read_begin(struct db *db)
{
	int rc;

	ASSERT(!db->reading && !db->writing);
	if (db_use_read(db, STATEMENT_BEGIN_READ, &rc) == NULL ||
	    db_use(db, STATEMENT_COMMIT, &rc) == NULL)
		return rc;
	db->read_version = db_version(db);
	rc = db_run(db, STATEMENT_BEGIN_READ);
	db->reading = rc == 0;
	if (rc == 0)
		counts_reading(db->counts, clock_boot_ms());
	return rc;
}

void
db_read_end(struct db *db)
{
	if (!db->reading)
		return;
	db->reading = false;
	counts_reading(db->counts, 0);
	if (db->handle != NULL && !sqlite3_get_autocommit(db->handle) &&
	    db_run(db, STATEMENT_COMMIT) < 0)
		roll_back(db);
}

int64_t
db_wal_bytes(const struct db *db)
{
	char path[PATH_MAX];
	struct stat st;

	if (db->dir == NULL ||
	    db_path(path, sizeof(path), db->dir, SCHEMA_FILE "-wal") < 0 ||
	    stat(path, &st) < 0)
		return 0;
	return st.st_size;
}

int64_t
db_disk_bytes(const char *dir)
{
	struct statfs fs;

	if (statfs(dir, &fs) < 0 || fs.f_blocks == 0)
		return INT64_MAX;
	return (int64_t)fs.f_blocks * (int64_t)fs.f_bsize;
}

void
db_bound_wal(struct db *db)
{
	int64_t pages =
	    db_disk_bytes(db->dir) / DB_WAL_SHARE / SCHEMA_WAL_BYTES(1);

	db->wal_stop = pages < DB_WAL_STOP ? (int)pages : DB_WAL_STOP;
}

static bool
log_is_too_long(struct db *db)
{
	return db_wal_bytes(db) > SCHEMA_WAL_BYTES(db->wal_stop);
}

/*
 * The log grows until the keeper has copied it. A writer that sees it long
 * gives the keeper time. When it is very long the keeper is gone or a reader
 * is in its way, and a cache that stores nothing for a moment is better than
 * a full disk. As soon as the keeper has cut it, writing goes on.
 */
static int
wait_for_keeper(struct db *db)
{
	int64_t until;

	if (db->wal_frames <= DB_WAL_SLOW && db->wal_frames <= db->wal_stop / 2)
		return 0;
	if (db->wal_frames <= db->wal_stop) {
		gate_nap(1000);
		return 0;
	}
	/* Whoever waited in vain knows that something is in its way. */
	until = clock_mono_us() + (db->log_stuck && db->write_us > DB_STUCK_US
					  ? DB_STUCK_US
					  : db->write_us);
	while (log_is_too_long(db)) {
		if (clock_mono_us() < until) {
			gate_nap(1000);
			continue;
		}
		db->log_stuck = true;
		(void)db_failed(db, SQLITE_FULL, "log not copied");
		db->paused_to = clock_mono_us() + DB_LONG_US;
		db->paused_rc = ERR_FULL;
		return ERR_FULL;
	}
	db->log_stuck = false;
	db->wal_frames = 0;
	return 0;
}

int
db_alone_begin(struct db *db, int64_t budget_us)
{
	int rc;

	ASSERT(!db->alone && !db->reading && !db->writing);
	rc = gate_shut(db->lock_fd, budget_us);
	db->alone = rc == 0;
	return rc;
}

void
db_alone_end(struct db *db)
{
	ASSERT(db->alone && !db->writing);
	db->alone = false;
	gate_open(db->lock_fd);
}

static _Atomic int64_t locked_us;
static _Atomic int64_t patient_us; /* nobody waits in full until then */

int64_t
db_locked_us(void)
{
	return atomic_load(&locked_us);
}

/* How long is this transaction to wait for the lock? */
static int64_t
find_patience(const struct db *db)
{
	int64_t next_us = atomic_load(&patient_us);
	int64_t now_us;

	if (atomic_load(&locked_us) == 0 || db->write_us <= DB_LOCKED_US)
		return db->write_us;
	now_us = clock_mono_us();
	if (db->write_us >= db->usual_us && now_us >= next_us &&
	    atomic_compare_exchange_strong(&patient_us, &next_us,
		now_us + 2 * db->write_us))
		return db->write_us;
	return DB_LOCKED_US;
}

/* What trying has given, within a wait of `budget_us`. */
static void
note_lock(const struct db *db, int rc, int64_t budget_us)
{
	int64_t none = 0;

	if (rc == 0) {
		if (atomic_load(&locked_us) != 0)
			atomic_store(&locked_us, 0);
	} else if (rc == ERR_BUSY && budget_us >= db->usual_us &&
		   atomic_compare_exchange_strong(&locked_us, &none,
		       clock_mono_us())) {
		atomic_store(&patient_us, clock_mono_us() + budget_us);
	}
}

/* What a transaction waits for before it may begin. 0 or ERR_*. */
static int
wait_for_turn(struct db *db, int64_t budget_us)
{
	int rc;

	if (db->alone)
		return 0;
	rc = wait_for_keeper(db);
	if (rc < 0)
		return rc;
	rc =
	    gate_enter(db->lock_fd, budget_us, db->entered++ % LOOK_EVERY == 0);
	if (rc < 0)
		return db_failed(db,
		    rc == ERR_BUSY ? SQLITE_BUSY : SQLITE_IOERR_LOCK, "LOCK");
	return 0;
}

/* The transaction is over, this way or that. */
static void
end_turn(struct db *db)
{
	db->writing = false;
	if (!db->alone)
		gate_leave(db->lock_fd);
}

/*
 * Is the file that is open not the one in the folder? Then what is written to
 * it is lost. To be asked inside the gate, where nobody puts another one there.
 */
static bool
is_lost(const struct db *db)
{
	return db->reopen != NULL && db_inode(db->dir) != db->inode;
}

/* Has the keeper put a file there? Then it is open when this returns, unless
 * that is not finished yet. */
static bool
find_new_file(struct db *db)
{
	uint64_t inode;

	if (db->handle == NULL)
		return db->reopen(db) == 0;
	inode = db_inode(db->dir);
	if (inode == 0 || mark_is_set(db->dir))
		return false;
	if (inode == db->inode) /* it has come back */
		return true;
	db_everybody_reopens();
	db_follow(db);
	return db->handle != NULL;
}

/*
 * The file is lost: wait for the keeper to make a new one, and go on with that.
 * Those who read go on with the old one until the next look of cache_watch(),
 * or until somebody of their process writes.
 */
static int
wait_for_file(struct db *db)
{
	int64_t until = clock_mono_us() +
			(db->write_us < db->usual_us ? db->write_us : LOST_US);

	while (!db->waits_for_file || !find_new_file(db)) {
		if (db->waits_for_file && clock_mono_us() < until) {
			gate_nap(1000);
			continue;
		}
		(void)db_failed(db, SQLITE_READONLY_DBMOVED, "BEGIN");
		db->paused_to = clock_mono_us() + DB_LONG_US;
		db->paused_rc = ERR_STORE;
		return ERR_STORE;
	}
	return 0;
}

static int
begin_write(struct db *db, bool *lost)
{
	int64_t budget_us;
	int64_t from;
	int rc;

	*lost = false;
	if (db->handle == NULL || db->latched)
		return ERR_STORE;
	db_assert_ours(db);
	if (!db->alone && db->paused_to > 0 && clock_mono_us() < db->paused_to)
		return db->paused_rc;
	/* All three first: a rollback must not depend on free memory. */
	if (db_use(db, STATEMENT_BEGIN_WRITE, &rc) == NULL ||
	    db_use(db, STATEMENT_COMMIT, &rc) == NULL ||
	    db_use(db, STATEMENT_ROLLBACK, &rc) == NULL)
		return rc;
	budget_us = find_patience(db);
	from = clock_mono_us();
	rc = wait_for_turn(db, budget_us);
	if (rc < 0) {
		note_lock(db, rc, budget_us);
		return rc;
	}
	if (is_lost(db)) {
		end_turn(db);
		*lost = true;
		return ERR_STORE;
	}
	/* What is left of the one wait. */
	db->wait_us = from + budget_us - clock_mono_us();
	db->writing = true;
	db->news.count = 0;
	db->rows = 0;
	db->rows_told = sqlite3_total_changes64(db->handle);
	rc = db_run(db, STATEMENT_BEGIN_WRITE);
	note_lock(db, rc, budget_us);
	if (rc < 0)
		db_write_cancel(db);
	return rc;
}

int
db_write_begin(struct db *db)
{
	bool lost;
	int rc;

	ASSERT(!db->reading && !db->writing);
	db_follow(db);
	rc = begin_write(db, &lost);
	if (!lost)
		return rc;
	rc = wait_for_file(db);
	return rc < 0 ? rc : begin_write(db, &lost);
}

void
db_write_cancel(struct db *db)
{
	if (!db->writing)
		return;
	roll_back(db);
	end_turn(db);
}

/* Whatever changes a value, or which of them are forgotten, comes by here. */
void
db_on_row(void *context, int operation, const char *base, const char *table,
    sqlite3_int64 id)
{
	struct db *db = context;

	(void)operation;
	(void)base;
	db->rows_told++;
	db->rows++;
	if (strcmp(table, "kv") == 0)
		news_add(&db->news, id);
	else if (strcmp(table, "voids") == 0)
		news_add_all(&db->news);
}

/* Tell those who keep values; the writer lock is ours. */
static void
tell_news(struct db *db)
{
	uint64_t header[DB_INDEX_WORDS];
	uint32_t commits;

	/* SQLite tells of no row when it drops all of a table at once. */
	if (sqlite3_total_changes64(db->handle) != db->rows_told)
		news_add_all(&db->news);
	else if (db->rows == 0)
		return; /* there will be no commit */
	if (db->news_fd >= 0 && db_index(db, header) &&
	    db_index_commits(header, &commits))
		news_tell(db->news_fd, db->inode, commits, &db->news);
}

int
db_write_commit(struct db *db)
{
	int rc;

	ASSERT(db->writing);
	tell_news(db);
	rc = db_run(db, STATEMENT_COMMIT);
	if (rc < 0) {
		db_write_cancel(db);
		return rc;
	}
	end_turn(db);
	db->pause_us = 0;
	db->paused_to = 0;
	return 0;
}
