/* SPDX-License-Identifier: MIT */

/*
 * The database before the first connection and after the last.
 *
 * prepare takes the file for itself (SQLite's exclusive mode, under the shut
 * gate), so that nobody can come in between, and judges it: is it ours, is
 * it sound, was it complete when the machine went down. A file that fails is
 * set aside and a new one is made. When it cannot be had alone, another
 * server is using it: then it was judged already and is left as it is.
 *
 * The boot-id guard: workers write without fsync, which survives any crash
 * of a process but not of the machine. So `meta` holds the id of the boot
 * and whether the file is complete. Not complete and another boot means that
 * the machine went down under it: the file is not trusted.
 *
 * The clock (now.c): its offset is decided here, by who takes the file first
 * in a boot, and adopted by whoever opens it.
 *
 * INVARIANT  Only damage, a foreign identity and a broken boot set a file
 *            aside; never a lack of rights, space or time.
 * INVARIANT  `clean` = 0 is in the database file and on the disk before any
 *            unsynced write can be.
 * THREADS    Master before fork; prepare_finish: keeper at its end.
 */
#include "cache/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/cache_int.h"
#include "cache/folder.h"
#include "cache/gate.h"
#include "cache/library.h"
#include "cache/mark.h"
#include "cache/meta.h"
#include "cache/now.h"
#include "cache/session_int.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define PREPARE_WAIT_US 5000000 /* for another prepare to end */
#define PREPARE_CHECK_US 20000  /* quick_check of a complete file */
#define REPAIR_LOG_US 60000000
#define PREPARE_CHECK_MORE_US 1000000 /* and of one left by a crash */

/* What to do with the file that was found. */
enum verdict { KEEP, DAMAGED, FOREIGN, OTHER_BOOT };

static const char *const verdict_texts[] = {
	[KEEP] = "sound",
	[DAMAGED] = "damaged",
	[FOREIGN] = "not a cache of this program",
	[OTHER_BOOT] = "the machine went down while it was in use",
};

/* Has the file our two numbers? 1, 0 or ERR_*. */
static int
has_identity(struct db *db)
{
	int64_t application = 0;
	int64_t version = 0;
	int rc;

	rc = db_number(db, "PRAGMA application_id", &application);
	if (rc == 0)
		rc = db_number(db, "PRAGMA user_version", &version);
	if (rc < 0)
		return rc;
	return application == SCHEMA_APPLICATION_ID &&
	       version == SCHEMA_VERSION;
}

/* Are the tables exactly ours: no trigger, no view, no other column? */
static int
has_schema(struct db *db)
{
	static const char one[] = "SELECT count(*) FROM sqlite_schema"
				  " WHERE name = ?1 AND sql = ?2";
	sqlite3_stmt *stmt = NULL;
	int64_t objects = 0;
	unsigned found = 0;
	unsigned i;
	int code;
	int rc;

	rc = db_number(db,
	    "SELECT count(*) FROM sqlite_schema"
	    " WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'",
	    &objects);
	if (rc < 0)
		return rc;
	code = sqlite3_prepare_v2(db->handle, one, -1, &stmt, NULL);
	for (i = 0; i < schema_object_count && code == SQLITE_OK; i++) {
		db_bind_text(stmt, 1, schema_objects[i].name);
		db_bind_text(stmt, 2, schema_objects[i].sql);
		code = sqlite3_step(stmt);
		if (code == SQLITE_ROW) {
			found += sqlite3_column_int(stmt, 0) == 1;
			code = sqlite3_reset(stmt);
		}
	}
	(void)sqlite3_finalize(stmt);
	if (code != SQLITE_OK)
		return db_failed(db, code, "SCHEMA");
	return found == schema_object_count && objects == found;
}

/* Copy the whole log into the file and bring both to the disk. */
static int
sync_all(struct db *db)
{
	int frames = 0;
	int copied = 0;
	int code;

	code = sqlite3_wal_checkpoint_v2(db->handle, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
	if (code != SQLITE_OK)
		return db_failed(db, code, "CHECKPOINT");
	return copied == frames ? 0 : ERR_BUSY;
}

/*
 * The file was closed as complete by a keeper that ended between two
 * workers. Note, on the disk, that it is in use again.
 */
static int
use_again(struct db *db)
{
	int rc;

	rc = gate_shut(db->lock_fd, PREPARE_WAIT_US);
	if (rc < 0)
		return rc;
	rc = db_exec(db, "PRAGMA synchronous = FULL");
	if (rc == 0)
		rc = meta_put(db, SCHEMA_META_CLEAN, "0");
	if (rc == 0)
		rc = sync_all(db);
	if (rc == 0)
		rc = db_exec(db, "PRAGMA synchronous = OFF");
	gate_open(db->lock_fd);
	return rc;
}

int
prepare_check(struct db *db)
{
	char boot[CLOCK_BOOT_ID_LEN + 1];
	char text[CLOCK_BOOT_ID_LEN + 1] = "";
	char clean[8] = "";
	int rc;

	rc = has_identity(db);
	if (rc > 0)
		rc = meta_get(db, SCHEMA_META_CLEAN, clean, sizeof(clean));
	else if (rc == 0)
		rc = ERR_STORE;
	if (rc == 0)
		rc = meta_get(db, SCHEMA_META_BOOT_ID, text, sizeof(text));
	if (rc < 0)
		return rc;
	meta_boot(boot);
	if (strcmp(boot, text) != 0) {
		log_error(ERR_STORE, "cache.not_prepared", "boot=%s", text);
		return ERR_STORE;
	}
	rc = meta_follow_clock(db);
	return rc == 0 && strcmp(clean, "1") == 0 ? use_again(db) : rc;
}

/* Ends a quick_check whose time is up. */
static int
on_progress(void *context)
{
	const int64_t *until = context;

	return clock_mono_us() > *until;
}

/* One check: 1 sound as far as looked, 0 damaged, or ERR_*. */
static int
check(struct db *db, int64_t budget_us)
{
	int64_t until = clock_mono_us() + budget_us;
	sqlite3_stmt *stmt = NULL;
	const char *text;
	int sound = 1;
	int code;

	sqlite3_progress_handler(db->handle, 1000, on_progress, &until);
	code = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1,
	    &stmt, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		text = (const char *)sqlite3_column_text(stmt, 0);
		sound = text != NULL && strcmp(text, "ok") == 0;
		if (!sound)
			log_warn(0, "cache.check", "found=\"%s\"",
			    text != NULL ? text : "");
		code = SQLITE_OK;
	}
	(void)sqlite3_finalize(stmt);
	sqlite3_progress_handler(db->handle, 0, NULL, NULL);
	if (code == SQLITE_INTERRUPT)
		return 1;
	if (code != SQLITE_OK && code != SQLITE_DONE)
		return db_failed(db, code, "CHECK");
	return sound;
}

/*
 * The same, twice when the first finds something: it reports a page that
 * could not be read as damage, and that may have been a passing trouble.
 */
static int
is_sound(struct db *db, int64_t budget_us)
{
	int rc = check(db, budget_us);

	return rc != 0 ? rc : check(db, PREPARE_CHECK_MORE_US);
}

/* Judge a file that has content. 0 with *verdict, or ERR_*. */
static int
judge(struct db *db, enum verdict *verdict)
{
	char boot[CLOCK_BOOT_ID_LEN + 1];
	char text[CLOCK_BOOT_ID_LEN + 1];
	char clean[8];
	bool complete;
	int rc;

	*verdict = FOREIGN;
	rc = has_identity(db);
	if (rc <= 0)
		return rc;
	rc = has_schema(db);
	if (rc <= 0)
		return rc;
	rc = meta_get(db, SCHEMA_META_CLEAN, clean, sizeof(clean));
	if (rc == 0)
		rc = meta_get(db, SCHEMA_META_BOOT_ID, text, sizeof(text));
	if (rc < 0)
		return rc;
	meta_boot(boot);
	complete = strcmp(clean, "1") == 0;
	*verdict = OTHER_BOOT;
	if (!complete &&
	    (strcmp(boot, text) != 0 || strcmp(boot, META_NO_BOOT_ID) == 0))
		return 0;
	rc = is_sound(db, complete ? PREPARE_CHECK_US : PREPARE_CHECK_MORE_US);
	*verdict = rc == 0 ? DAMAGED : KEEP;
	return rc < 0 ? rc : 0;
}

/* --- making and taking over -------------------------------------------- */

static int
create_tables(struct db *db)
{
	char sql[96];
	unsigned i;
	int rc = 0;

	for (i = 0; i < schema_object_count && rc == 0; i++)
		rc = db_exec(db, schema_objects[i].sql);
	if (rc == 0)
		rc = db_exec(db,
		    "INSERT INTO voids VALUES (-1, 0, 0);"
		    " INSERT INTO sessions VALUES (-1, x'', 0, '', 0, 0, 0,"
		    " 9223372036854775807, 9223372036854775807, 0, '')");
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
	return rc < 0 ? rc : db_exec(db, sql);
}

/* In one transaction: tables if new, drop old computations, count what sessions
 * keep, the clock, note the boot. */
static int
take_over(struct db *db, bool create)
{
	char boot[CLOCK_BOOT_ID_LEN + 1];
	int rc;

	meta_boot(boot);
	/* The size of a page counts only while the file is empty. */
	rc = db_exec(db, "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL");
	if (rc == 0)
		rc = db_exec(db, "BEGIN IMMEDIATE");
	if (rc == 0 && create)
		rc = create_tables(db);
	if (rc == 0 && db_use(db, STATEMENT_SIGNAL_FORGET, &rc) != NULL)
		rc = db_run(db, STATEMENT_SIGNAL_FORGET);
	if (rc == 0)
		rc = session_bytes_again(db);
	if (rc == 0)
		rc = meta_set_clock(db, boot);
	if (rc == 0)
		rc = meta_put(db, SCHEMA_META_BOOT_ID, boot);
	if (rc == 0)
		rc = meta_put(db, SCHEMA_META_CLEAN, "0");
	if (rc == 0)
		rc = db_exec(db, "COMMIT");
	if (rc == 0)
		rc = meta_follow_clock(db);
	if (rc == 0)
		rc = db_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
	return rc;
}

/* Make an empty file that only its owner can read; SQLite would use 0644. */
static int
create_file(const char *dir)
{
	char path[PATH_MAX];
	int fd;
	int rc;

	rc = db_path(path, sizeof(path), dir, SCHEMA_FILE);
	if (rc < 0)
		return rc;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	fd_close(&fd);
	/* A log without its database is not ours: SQLite would play it. */
	folder_remove_log(dir);
	return 0;
}

/* With the file to ourselves: judge it and, when it is kept, take it over. */
static int
take_alone(struct db *db, enum verdict *verdict)
{
	int64_t pages = 0;
	int rc;

	rc = db_number(db, "SELECT count(*) FROM sqlite_schema", &pages);
	*verdict = KEEP;
	if (rc == 0 && pages > 0)
		rc = judge(db, verdict);
	if (rc == 0 && *verdict == KEEP)
		rc = take_over(db, pages == 0);
	return rc;
}

/* One attempt on the file as it is. */
static int
try_file(const char *dir, enum verdict *verdict)
{
	struct db db;
	int rc;

	*verdict = DAMAGED;
	mark_clear_old(dir);
	if (mark_is_set(dir))
		return 0;
	rc = create_file(dir);
	if (rc < 0)
		return rc;
	rc = db_open(&db, dir, DB_EXCLUSIVE, PREPARE_WAIT_US);
	if (rc == 0)
		rc = take_alone(&db, verdict);
	db_close(&db);
	if (rc == ERR_CORRUPT) {
		*verdict = DAMAGED;
		rc = 0;
	}
	if (rc == ERR_BUSY) {
		/* In use by another server, which has prepared it. */
		*verdict = KEEP;
		rc = db_open(&db, dir, DB_BESIDE, PREPARE_WAIT_US);
		if (rc == 0)
			rc = prepare_check(&db);
		db_close(&db);
	}
	return rc;
}

static int
prepare_files(const char *dir)
{
	enum verdict verdict;
	int rc;

	rc = try_file(dir, &verdict);
	if (rc < 0 || verdict == KEEP)
		return rc;
	rc = folder_set_aside(dir, verdict_texts[verdict]);
	if (rc == 0)
		rc = try_file(dir, &verdict);
	return rc == 0 && verdict != KEEP ? ERR_CORRUPT : rc;
}

static int
prepare(const struct cache_options *options, struct buf *why)
{
	struct db guard;
	char *dir = NULL;
	int rc;

	if (strcmp(options->cache_type, "null") == 0)
		return 0;
	db_init(&guard);
	rc = folder_prepare(options->cache_dir, why);
	if (rc < 0)
		return rc;
	rc = cache_resolve_dir(options->cache_dir, &dir);
	if (rc == 0)
		rc = db_open_lock(&guard, dir, DB_EXCLUSIVE);
	if (rc == 0)
		rc = gate_shut(guard.lock_fd, PREPARE_WAIT_US);
	if (rc == 0) {
		rc = prepare_files(dir);
		if (rc == ERR_FULL || rc == -ENOSPC) {
			folder_give_reserve(dir);
			rc = prepare_files(dir);
		}
		folder_sync(dir);
	}
	if (rc < 0)
		(void)buf_printf(why, "%s: %s", options->cache_dir,
		    err_str(rc));
	free(dir);
	db_close(&guard);
	return rc;
}

int
cache_prepare(const struct cache_options *options, struct buf *why)
{
	if (strcmp(options->cache_type, "null") != 0)
		library_warn();
	return cache_public_rc(prepare(options, why));
}

/*
 * Look at the file with a connection of its own. 1 sound as far as looked, 0
 * not ours or damaged, or ERR_*.
 */
static int
confirm(const char *dir)
{
	struct db db;
	int rc;

	rc = db_open(&db, dir, DB_AGAIN, PREPARE_CHECK_US);
	if (rc == 0)
		rc = has_identity(&db);
	if (rc > 0)
		rc = has_schema(&db);
	if (rc > 0)
		rc = is_sound(&db, PREPARE_CHECK_MORE_US);
	db_close(&db);
	return rc == ERR_CORRUPT ? 0 : rc;
}

/* Tried again every ten seconds: not so often in the log. A success, which the
 * keeper tells of, ends that: what fails after it is another trouble. */
static void
report_repair(int rc, struct buf *why)
{
	static int64_t again_us;
	static int last;
	bool known = rc == last && clock_mono_us() < again_us;

	last = rc;
	if (rc == 0 || known)
		return;
	again_us = clock_mono_us() + REPAIR_LOG_US;
	log_error(rc, "cache.repair", "text=\"%s\"",
	    why->len > 0 ? buf_cstr(why) : "");
}

int
prepare_repair(const struct cache_options *options, bool doubtful)
{
	uint64_t before = db_inode(options->cache_dir);
	struct buf why = BUF_EMPTY;
	char *dir = NULL;
	int rc;

	rc = cache_resolve_dir(options->cache_dir, &dir);
	if (rc == 0 && !doubtful && mark_is_set(dir)) {
		rc = confirm(dir);
		if (rc > 0) {
			mark_clear(dir);
			log_warn(0, "cache.not_confirmed",
			    "dir=%s note=\"a worker met damage, but the file "
			    "is sound\"",
			    dir);
		}
	}
	free(dir);
	if (rc > 0)
		return 0;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	rc = prepare(options, &why);
	report_repair(rc, &why);
	buf_free(&why);
	return rc < 0 ? rc : db_inode(options->cache_dir) != before;
}

int
prepare_finish(const struct cache_options *options)
{
	struct db guard;
	struct db db;
	char *dir = NULL;
	int rc;

	if (strcmp(options->cache_type, "null") == 0)
		return 0;
	db_init(&guard);
	db_init(&db);
	rc = cache_resolve_dir(options->cache_dir, &dir);
	if (rc == 0)
		rc = db_open_lock(&guard, dir, DB_NORMAL);
	if (rc == 0)
		rc = gate_shut(guard.lock_fd, PREPARE_CHECK_US);
	if (rc == 0)
		rc = db_open(&db, dir, DB_EXCLUSIVE, PREPARE_CHECK_US);
	if (rc == 0) {
		rc = has_identity(&db);
		rc = rc == 0 ? ERR_STORE : rc < 0 ? rc : 0;
	}
	/* First all of the content, then, as the last page, the note. */
	if (rc == 0)
		rc = db_exec(&db, "PRAGMA wal_checkpoint(TRUNCATE)");
	if (rc == 0)
		rc = meta_put_number(&db, SCHEMA_META_NEWEST, cache_now_ms());
	if (rc == 0)
		rc = meta_put(&db, SCHEMA_META_CLEAN, "1");
	if (rc == 0)
		rc = db_exec(&db, "PRAGMA wal_checkpoint(TRUNCATE)");
	db_close(&db);
	if (rc == 0)
		folder_sync(dir);
	free(dir);
	db_close(&guard);
	return rc;
}
