/* SPDX-License-Identifier: MIT */
#ifndef CACHE_DB_H
#define CACHE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/counts.h"
#include "cache/news.h"
#include "cache/schema.h"

#define DB_INDEX_WORDS 12 /* both copies of the header of the wal-index */

/*
 * One SQLite connection with its rules: how to wait, how to write, how to
 * fail. Knows no table; cache.c, flight.c and the keeper build on it.
 *
 * FAILURE  Every SQLite result ends in one of ERR_BUSY, ERR_FULL, ERR_STORE,
 *          ERR_CORRUPT, written to the log here (rate limited) with its
 *          extended code and the operation. Callers only pass it on.
 *          ERR_CORRUPT latches: afterwards the connection refuses everything
 *          with ERR_STORE.
 * THREADS  The thread that opened it. Never crosses a fork.
 */
struct db {
	sqlite3 *handle; /* NULL: closed, or never opened */
	sqlite3_stmt *statements[STATEMENT_COUNT];
	struct counts *counts; /* borrowed; NULL: nobody counts */
	char *dir;             /* absolute path of the cache folder */
	int lock_fd;           /* checkpoint.lock, see gate.h */
	int news_fd;           /* see news.h; -1: others are not told */
	struct news news;      /* what the write transaction changed */
	unsigned forks;        /* how often we had been forked when it opened */
	int64_t write_us;      /* longest wait of a write */
	int64_t usual_us;      /* the same as the connection was opened with */
	int64_t wait_us;       /* longest wait of the running operation */
	int64_t wait_from;     /* when it began to wait */
	int64_t pause_us;      /* last pause after a full or failing disk */
	int64_t paused_to;     /* clock_mono_us; no writes before */
	int paused_rc;         /* why */
	int wal_frames;        /* length of the log after our last commit */
	int wal_stop;          /* how long it may be, see DB_WAL_STOP */
	bool log_stuck;        /* it was waited for in vain to be cut */
	bool probing;          /* being busy is an answer, not a failure */
	bool latched;          /* damaged: refuse everything */
	unsigned bad_sums;     /* values whose checksum did not match */
	bool writing;          /* between db_write_begin and its end */
	unsigned entered;      /* write transactions, for gate_enter() */
	int64_t rows;          /* told of in this transaction */
	int64_t rows_told;     /* ever changed, but for those in `news` */
	bool alone;            /* between db_alone_begin and its end */
	bool reading;          /* between db_read_begin and db_read_end */
	uint64_t version;      /* see db_version() */
	uint64_t read_version; /* when the read transaction began */
	const volatile uint64_t *index; /* SQLite's wal-index, or NULL */
	uint64_t seen_index[DB_INDEX_WORDS];
	uint64_t inode;      /* of the file that is open */
	unsigned opened;     /* the value of db_generation() when it opened */
	bool waits_for_file; /* in place of a lost one; not the keeper */
	int (*reopen)(struct db *db); /* see db_everybody_reopens(); may be
					 NULL: never */
};

/* Set the members of a connection that is not open. */
void db_init(struct db *db);

enum db_mode {
	DB_NORMAL,   /* one of many; must exist and be prepared */
	DB_AGAIN,    /* the same, while others wait: no patience */
	DB_BESIDE,   /* the same for prepare, which has shut the gate */
	DB_EXCLUSIVE /* prepare: alone, creates; ERR_BUSY when in use */
};

/*
 * Open the database in `dir` (an absolute path without symbolic links) with
 * all settings. `write_us` is the longest wait for other writers. Identity
 * and schema are not checked: see prepare.c. 0, -errno or ERR_*.
 */
int db_open(struct db *db, const char *dir, enum db_mode mode,
    int64_t write_us);

/*
 * Only the lock file of `dir`, for prepare, which locks before it opens.
 * 0 or -errno.
 */
int db_open_lock(struct db *db, const char *dir, enum db_mode mode);

/* Close; harmless on a connection that is not open. */
void db_close(struct db *db);

/*
 * The file was replaced: every connection of this process with a `reopen`
 * calls it before it reads or writes the next time. Any thread.
 */
void db_everybody_reopens(void);
unsigned db_generation(void);

/* True when some connection of this process was found unusable since the
 * last db_everybody_reopens(). Any thread. */
bool db_in_trouble(void);
void db_note_trouble(void);

/* This connection is unusable: it refuses everything from now on. */
void db_latch(struct db *db);

/*
 * Since when (clock_mono_us) nobody of this process gets the lock of writers,
 * although somebody has waited for it as long as he may; 0: the last one who
 * tried has got it. While that is so one at a time waits in full, and all
 * others look for a millisecond. Any thread.
 */
int64_t db_locked_us(void);

/* Number of the file that is in the folder now; 0: none. */
uint64_t db_inode(const char *dir);

/* Those of the log and of its index; 0: not there. They stay the same as long
 * as any connection is open. */
struct db_log_inodes {
	uint64_t log;
	uint64_t index;
};
struct db_log_inodes db_log_inodes(const char *dir);

/* Run SQL that returns no rows (pragmas, tables). 0 or ERR_*. */
int db_exec(struct db *db, const char *sql);

/* Run a PRAGMA or SELECT that gives one number. 0 or ERR_*. */
int db_number(struct db *db, const char *sql, int64_t *number);

/*
 * Get a statement ready for binding. NULL when it cannot be prepared: *rc
 * is then the reason. db_use_read() also sets the short wait of a reader
 * and refuses on a latched connection.
 */
sqlite3_stmt *db_use(struct db *db, enum statement id, int *rc);
sqlite3_stmt *db_use_read(struct db *db, enum statement id, int *rc);

/*
 * Step: 1 there is a row, 0 done (the statement is then reset), or ERR_*
 * (reset too). After a row the caller resets with db_reset().
 */
int db_step(struct db *db, enum statement id);
void db_reset(struct db *db, enum statement id);

/* Step a statement that gives no row, to its end. 0 or ERR_*. */
int db_run(struct db *db, enum statement id);

/* Bind; memory must stay until the statement is reset. Cannot fail. */
void db_bind_int(sqlite3_stmt *stmt, int index, int64_t value);
void db_bind_blob(sqlite3_stmt *stmt, int index, const void *data, size_t len);
void db_bind_text(sqlite3_stmt *stmt, int index, const char *text);

/* A read transaction over several statements. 0 or ERR_*. */
int db_read_begin(struct db *db);
void db_read_end(struct db *db);

/*
 * The version of the database as it is now: another number after every commit
 * of any process, our own included. Costs no lock and no system call. 0: it
 * cannot be told.
 */
uint64_t db_version(struct db *db);

/* What it is told by, to be compared with another look at it. False: it
 * cannot be had. */
bool db_index(struct db *db, uint64_t header[DB_INDEX_WORDS]);

/*
 * Pages in the log, copied or not, of which the file may have room for more: a
 * writer begins at its front again when all are copied and nobody reads in it.
 * No lock, no system call. False: it cannot be told.
 */
bool db_log_pages(struct db *db, uint32_t *pages);

/* The number of commits in it. False: it is being written just now. */
bool db_index_commits(const uint64_t header[DB_INDEX_WORDS], uint32_t *commits);

/*
 * A write transaction: shared lock on checkpoint.lock, BEGIN IMMEDIATE. When
 * the file is not in the folder any more, it begins on the one that the keeper
 * puts there, or fails when that takes long; it costs a stat() to know.
 * Ends with db_write_commit() or db_write_cancel(); a failed commit has
 * rolled back. Nothing slow belongs in between. 0 or ERR_*.
 */
int db_write_begin(struct db *db);
int db_write_commit(struct db *db);
void db_write_cancel(struct db *db);

/*
 * Keep all other writers out, for a checkpoint and for transactions of our
 * own, until db_alone_end(). Waits at most `budget_us` for those that write
 * just now. Our own transactions then wait for no pause and for no keeper.
 * 0, ERR_BUSY or -errno. Keeper.
 */
int db_alone_begin(struct db *db, int64_t budget_us);
void db_alone_end(struct db *db);

/* Bytes of the write-ahead log file; 0 when there is none. */
int64_t db_wal_bytes(const struct db *db);

/* Turn a SQLite result code into ERR_*, log it, latch if it is damage. */
int db_failed(struct db *db, int code, const char *what);

/* The same table without log and latch. */
int db_error_of(int code);

/* Path of a file in the cache folder; 0 or -ENAMETOOLONG. */
int db_path(char *path, size_t cap, const char *dir, const char *name);

#define DB_LOCK_FILE "checkpoint.lock"

/* Its presence tells prepare that a worker met damage. */
#define DB_DAMAGE_FILE "cache-v1.damaged"

/*
 * A writer slows down while the log has more pages than the first, and stops
 * for a moment while it has more than the second (64 MiB, or an eighth of the
 * disk).
 */
#define DB_WAL_SLOW 2500
#define DB_WAL_STOP 4096
#define DB_WAL_SHARE 8

/* Size of the file system that holds the folder, bytes; INT64_MAX: unknown. */
int64_t db_disk_bytes(const char *dir);

#endif
