/* SPDX-License-Identifier: MIT */

/*
 * One SQLite connection and its rules; its transactions are in db_write.c. The
 * settings and their reasons:
 *
 *   WAL, synchronous OFF  A process may be killed at any time and nothing is
 *       lost. A power cut may damage the file; prepare.c tells by the boot
 *       id and starts cold then.
 *   wal_autocheckpoint 0  Debian's SQLite has the WAL-reset bug (all versions
 *       before 3.51.3): a commit during a checkpoint may be lost. Only the
 *       keeper checkpoints, and holds checkpoint.lock exclusively while it
 *       does; every write transaction holds it shared.
 *   mmap_size 0  An I/O error must be an error, not a SIGBUS.
 *   busy handler  SQLite's own back-off is unfair and sleeps up to 100 ms;
 *       ours yields 50 times and then naps 100 us until the time is up.
 *
 * INVARIANT  No statement stays stepped between two calls of a verb: an
 *            open read would pin the log.
 * INVARIANT  A transaction that cannot be rolled back closes the connection,
 *            because it would keep every other writer out.
 * OWNERSHIP  struct db owns handle, statements, dir and lock_fd.
 * THREADS    One; see db.h.
 */
#include "cache/db_int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/gate.h"
#include "cache/kept.h"
#include "cache/mark.h"
#include "cache/wal_file.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define DB_READ_US 5000     /* longest wait of a read */
#define DB_OPEN_US 5000000  /* and of a recovery while opening */
#define DB_AGAIN_US 50000   /* and of opening again, in the middle of work */
#define DB_ALONE_US 100000  /* and for being alone, in prepare */
#define DB_PAUSE_US 1000000 /* first pause after a full disk */
#define DB_PAUSE_MAX 30000000

void
db_init(struct db *db)
{
	memset(db, 0, sizeof(*db));
	db->lock_fd = -1;
	db->news_fd = -1;
}

int
db_path(char *path, size_t cap, const char *dir, const char *name)
{
	int len = snprintf(path, cap, "%s/%s", dir, name);

	return len < 0 || (size_t)len >= cap ? -ENAMETOOLONG : 0;
}

/* --- failures ---------------------------------------------------------- */

int
db_error_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ERR_BUSY;
	case SQLITE_FULL:
		return ERR_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_CORRUPT;
	case SQLITE_IOERR:
		if (code == SQLITE_IOERR_SHORT_READ ||
		    code == SQLITE_IOERR_CORRUPTFS || code == SQLITE_IOERR_DATA)
			return ERR_CORRUPT;
		return ERR_STORE;
	default:
		return ERR_STORE;
	}
}

/* Stop writing for a while: the disk will not be better in a millisecond. */
static void
pause_writes(struct db *db, int rc)
{
	db->pause_us *= 2;
	if (db->pause_us < DB_PAUSE_US)
		db->pause_us = DB_PAUSE_US;
	if (db->pause_us > DB_PAUSE_MAX)
		db->pause_us = DB_PAUSE_MAX;
	db->paused_to = clock_mono_us() + db->pause_us;
	db->paused_rc = rc;
}

static void
write_log(struct db *db, int rc, int code, const char *what)
{
	static struct log_gate gates[3];
	struct log_gate *gate = &gates[0];
	enum log_level level = LOG_LEVEL_ERROR;
	unsigned suppressed;

	if (rc == ERR_BUSY && db->probing)
		return;
	if (rc == ERR_BUSY) {
		gate = &gates[1];
		level = LOG_LEVEL_WARNING;
	} else if (rc == ERR_CORRUPT) {
		gate = &gates[2];
	}
	if (!log_gate_open(gate, &suppressed))
		return;
	LOG_AT(level, rc, "cache.failed",
	    "op=%s code=%d text=\"%s\" os_errno=%d suppressed=%u", what, code,
	    sqlite3_errstr(code),
	    db->handle != NULL ? sqlite3_system_errno(db->handle) : 0,
	    suppressed);
}

/* Failures that will not be over in a millisecond. */
static bool
stops_writing(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
		return true;
	default:
		return false;
	}
}

int
db_failed(struct db *db, int code, const char *what)
{
	int rc = db_error_of(code);

	/* A read that turned into a write: nothing here may do that. */
	ASSERT(code != SQLITE_BUSY_SNAPSHOT);
	if (rc != ERR_BUSY || !db->probing)
		counts_add(db->counts,
		    rc == ERR_BUSY ? COUNT_BUSY : COUNT_ERROR, 1);
	write_log(db, rc, code, what);
	if ((code & 0xff) == SQLITE_NOMEM)
		kept_clear(); /* that is what it is best spent on */
	if (rc == ERR_CORRUPT && !db->latched) {
		db_latch(db);
		if (db->dir != NULL)
			mark_set(db->dir, db->inode);
	}
	if (db->writing && stops_writing(code))
		pause_writes(db, rc);
	/* The keeper sees it, and a full disk cannot prevent it. */
	if (db->writing && rc == ERR_FULL)
		(void)futimens(db->lock_fd, NULL);
	return rc;
}

/* --- opening again ----------------------------------------------------- */

static _Atomic unsigned generation;
static _Atomic bool trouble;

void
db_everybody_reopens(void)
{
	atomic_store(&trouble, false);
	atomic_fetch_add(&generation, 1);
}

unsigned
db_generation(void)
{
	return atomic_load(&generation);
}

bool
db_in_trouble(void)
{
	return atomic_load(&trouble);
}

void
db_note_trouble(void)
{
	atomic_store(&trouble, true);
}

void
db_latch(struct db *db)
{
	db->latched = true;
	db_note_trouble();
}

/* Between two transactions: follow the file when it was replaced. */
void
db_follow(struct db *db)
{
	if (db->reopen != NULL && !db->reading && !db->writing &&
	    db->opened !=
		atomic_load_explicit(&generation, memory_order_relaxed))
		(void)db->reopen(db);
}

/* --- waiting ----------------------------------------------------------- */

static int
on_busy(void *context, int count)
{
	struct db *db = context;

	if (count == 0)
		db->wait_from = clock_mono_us();
	if (count < 50) {
		(void)sched_yield();
		return 1;
	}
	if (clock_mono_us() - db->wait_from >= db->wait_us)
		return 0;
	gate_nap(100);
	return 1;
}

static int
on_commit(void *context, sqlite3 *handle, const char *name, int frames)
{
	struct db *db = context;

	(void)handle;
	(void)name;
	db->wal_frames = frames;
	return SQLITE_OK;
}

/* --- opening ----------------------------------------------------------- */

static void
on_sqlite_log(void *context, int code, const char *text)
{
	(void)context;
	log_debug("cache.sqlite", "code=%d text=\"%s\"", code, text);
}

/* Grows in every child, so that a connection knows it was carried over. */
static unsigned forks;

static void
count_fork(void)
{
	forks++;
}

void
db_assert_ours(const struct db *db)
{
	ASSERT(db->forks == forks);
}

static void
configure_library(void)
{
	(void)pthread_atfork(NULL, NULL, count_fork);
	/*
	 * Refused when the library is in use already; then it keeps its
	 * settings, which are slower but not wrong.
	 */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_LOG, on_sqlite_log, NULL);
}

static int
set_up(struct db *db, enum db_mode mode)
{
	static const char settings[] = "PRAGMA cache_size = -8192;"
				       "PRAGMA mmap_size = 0;"
				       "PRAGMA temp_store = MEMORY;"
				       "PRAGMA journal_size_limit = 33554432;"
				       "PRAGMA secure_delete = OFF;"
				       "PRAGMA cell_size_check = ON;";
	int rc = 0;

	(void)sqlite3_busy_handler(db->handle, on_busy, db);
	/*
	 * The last one to close must neither checkpoint (only the keeper may)
	 * nor remove the log: by then another file may have that name.
	 */
	if (mode != DB_EXCLUSIVE)
		(void)sqlite3_db_config(db->handle,
		    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
	    NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0,
	    NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0,
	    NULL);
	if (mode == DB_EXCLUSIVE)
		rc = db_exec(db, "PRAGMA locking_mode = EXCLUSIVE;"
				 "PRAGMA synchronous = FULL;");
	else
		rc = db_exec(db, "PRAGMA synchronous = OFF;");
	if (rc == 0)
		rc = db_exec(db, settings);
	/* Setting a hook is what switches the automatic checkpoint off. */
	(void)sqlite3_wal_hook(db->handle, on_commit, db);
	(void)sqlite3_update_hook(db->handle, db_on_row, db);
	return rc;
}

int
db_open_lock(struct db *db, const char *dir, enum db_mode mode)
{
	char path[PATH_MAX];
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	int rc;

	rc = db_path(path, sizeof(path), dir, DB_LOCK_FILE);
	if (rc < 0)
		return rc;
	if (mode == DB_EXCLUSIVE)
		flags |= O_CREAT;
	db->lock_fd = open(path, flags, 0600);
	return db->lock_fd < 0 ? -errno : 0;
}

int
db_open(struct db *db, const char *dir, enum db_mode mode, int64_t write_us)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char path[PATH_MAX];
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	int64_t objects;
	bool gated;
	int code;
	int rc;

	(void)pthread_once(&once, configure_library);
	db_init(db);
	db->forks = forks;
	db->opened = db_generation();
	db->write_us = write_us;
	db->usual_us = write_us;
	db->probing = mode == DB_EXCLUSIVE;
	db->wait_us = mode == DB_EXCLUSIVE ? DB_ALONE_US
		      : mode == DB_AGAIN   ? DB_AGAIN_US
					   : DB_OPEN_US;
	rc = db_path(path, sizeof(path), dir, SCHEMA_FILE);
	if (rc < 0)
		return rc;
	db->dir = strdup(dir);
	if (db->dir == NULL)
		return -ENOMEM;
	rc = db_open_lock(db, dir, mode);
	if (rc < 0)
		goto out;
	if (mode == DB_EXCLUSIVE)
		flags |= SQLITE_OPEN_CREATE;
	/* The file is not replaced while the gate is held. */
	gated = mode == DB_NORMAL || mode == DB_AGAIN;
	if (mode != DB_EXCLUSIVE)
		db->news_fd = news_open(dir);
	if (gated)
		rc = gate_enter(db->lock_fd, db->wait_us, true);
	if (rc < 0)
		goto out;
	db->inode = db_inode(dir);
	db_bound_wal(db);
	code = sqlite3_open_v2(path, &db->handle, flags, wal_file_vfs());
	if (db->handle != NULL)
		kept_opened();
	rc = code == SQLITE_OK ? set_up(db, mode) : db_failed(db, code, "OPEN");
	/* Now, while it belongs to the file, open the log as well. */
	if (rc == 0 && gated)
		rc = db_number(db, "SELECT count(*) FROM sqlite_schema",
		    &objects);
	if (gated)
		gate_leave(db->lock_fd);
out:
	if (rc < 0)
		db_close(db);
	return rc;
}

void
db_close_handle(struct db *db)
{
	unsigned i;

	for (i = 0; i < STATEMENT_COUNT; i++) {
		(void)sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	if (db->handle != NULL)
		kept_closed();
	(void)sqlite3_close(db->handle);
	db->handle = NULL;
	db->index = NULL;
}

void
db_close(struct db *db)
{
	/* Even a close in another process would drop the owner's locks. */
	ASSERT(db->handle == NULL || db->forks == forks);
	db_close_handle(db);
	free(db->dir);
	db->dir = NULL;
	fd_close(&db->lock_fd);
	fd_close(&db->news_fd);
}

/* --- statements -------------------------------------------------------- */

/*
 * SQLITE_PROTOCOL: too many races for a lock of the log were lost, before
 * anything began. That is worth one more try, unless the first took as long
 * as may be waited: SQLite goes on for up to ten seconds by itself.
 */
static bool
is_worth_a_try(const struct db *db, int code, int64_t since)
{
	return (code & 0xff) == SQLITE_PROTOCOL &&
	       clock_mono_us() - since <= db->wait_us;
}

int
db_exec(struct db *db, const char *sql)
{
	int64_t since = clock_mono_us();
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	if (is_worth_a_try(db, code, since) &&
	    sqlite3_get_autocommit(db->handle))
		code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : db_failed(db, code, sql);
}

static int
step(struct db *db, sqlite3_stmt *stmt)
{
	int64_t since = clock_mono_us();
	int code = sqlite3_step(stmt);

	if (!is_worth_a_try(db, code, since))
		return code;
	(void)sqlite3_reset(stmt);
	return sqlite3_step(stmt);
}

int
db_number(struct db *db, const char *sql, int64_t *number)
{
	sqlite3_stmt *stmt = NULL;
	int code;

	*number = 0;
	code = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);
	if (code == SQLITE_OK) {
		code = step(db, stmt);
		if (code == SQLITE_ROW)
			*number = sqlite3_column_int64(stmt, 0);
		if (code == SQLITE_ROW || code == SQLITE_DONE)
			code = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	return code == SQLITE_OK ? 0 : db_failed(db, code, sql);
}

sqlite3_stmt *
db_use(struct db *db, enum statement id, int *rc)
{
	int code;

	*rc = 0;
	if (db->statements[id] != NULL)
		return db->statements[id];
	if (db->handle == NULL) {
		*rc = ERR_STORE;
		return NULL;
	}
	code = sqlite3_prepare_v3(db->handle, schema_statements[id], -1,
	    SQLITE_PREPARE_PERSISTENT, &db->statements[id], NULL);
	if (code != SQLITE_OK)
		*rc = db_failed(db, code, schema_statement_names[id]);
	return db->statements[id];
}

sqlite3_stmt *
db_use_read(struct db *db, enum statement id, int *rc)
{
	sqlite3_stmt *stmt;

	db_follow(db);
	if (db->handle == NULL || db->latched) {
		*rc = ERR_STORE;
		return NULL;
	}
	db_assert_ours(db);
	db->wait_us = DB_READ_US;
	stmt = db_use(db, id, rc);
	ASSERT(stmt == NULL || sqlite3_stmt_readonly(stmt));
	return stmt;
}

int
db_step(struct db *db, enum statement id)
{
	int code = step(db, db->statements[id]);

	if (code == SQLITE_ROW)
		return 1;
	(void)sqlite3_reset(db->statements[id]);
	if (code == SQLITE_DONE)
		return 0;
	return db_failed(db, code, schema_statement_names[id]);
}

void
db_reset(struct db *db, enum statement id)
{
	(void)sqlite3_reset(db->statements[id]);
}

int
db_run(struct db *db, enum statement id)
{
	int rc;

	do
		rc = db_step(db, id);
	while (rc > 0);
	return rc;
}

void
db_bind_int(sqlite3_stmt *stmt, int index, int64_t value)
{
	int code = sqlite3_bind_int64(stmt, index, value);

	ASSERT(code == SQLITE_OK);
}

void
db_bind_blob(sqlite3_stmt *stmt, int index, const void *data, size_t len)
{
	/* A null pointer would be NULL instead of an empty blob. */
	int code = sqlite3_bind_blob64(stmt, index, len > 0 ? data : "", len,
	    SQLITE_STATIC);

	ASSERT(code == SQLITE_OK);
}

void
db_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
	int code = sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC);

	ASSERT(code == SQLITE_OK);
}
