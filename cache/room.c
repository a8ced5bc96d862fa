/* SPDX-License-Identifier: MIT */

/*
 * Room on the disk: how much the database may take, and what to do when there
 * is none.
 *
 * In WAL mode everything needs room, even deleting: the pages it changes are
 * written to the log first; and copying the log makes the database grow. So a
 * log that took the last of the disk could neither be copied nor be made
 * shorter. Two things are done about that. The keeper lets the database have
 * only a part of the disk, so that the log has the rest; and there is a reserve
 * of 1 MiB. Emptying the database needs less than that: dropping all rows of
 * a table writes a few pages however many they were, VACUUM writes what is
 * left, and of a log after which the database is small only its first pages
 * have to be copied.
 *
 * The reserve is given up only where nothing helps without it: whatever else
 * takes the disk would have it in a moment. And the last resort, a new file,
 * is for a log that nobody could copy: it gives the room back that the log has.
 * What sessions keep cannot be made anew, so a file in which one lives that
 * has something is never removed: it can be read until there is room.
 *
 * INVARIANT  From giving the reserve up to taking it again everybody else is
 *            shut out, or writers would fill it before it has helped.
 * THREADS    Keeper only.
 * FAILURE    As it was before; the keeper tries again in a second.
 */
#include <limits.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "cache/folder.h"
#include "cache/now.h"
#include "cache/upkeep_int.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"

#define SHARE_DATABASE 2 /* one part in two is the database's */
#define SHARE_LOG 16     /* and one part in sixteen is a log to be copied */
#define ALONE_US 50000   /* longest wait for writers to leave */
#define ROOM_US 200000   /* longest time spent on removing values */
#define SMALL_STEP 16    /* values removed at once where room is very short */
#define STUCK_MAX 3      /* times without success before a new file */
#define COPY_ABOVE_MIN SCHEMA_WAL_BYTES(16)

void
upkeep_share_room(struct upkeep *upkeep, const struct cache *cache)
{
	struct statfs fs;
	int64_t room;

	upkeep->bytes_max = cache->max_bytes;
	upkeep->copy_above = UPKEEP_COPY_ABOVE;
	if (statfs(cache->db.dir, &fs) < 0)
		return;
	room = (int64_t)fs.f_bavail * (int64_t)fs.f_bsize + upkeep->file_bytes +
	       db_wal_bytes(&cache->db);
	if (room / SHARE_LOG < upkeep->copy_above)
		upkeep->copy_above = room / SHARE_LOG;
	if (upkeep->copy_above < COPY_ABOVE_MIN)
		upkeep->copy_above = COPY_ABOVE_MIN;
	room /= SHARE_DATABASE;
	if (upkeep->bytes_max == 0 || room < upkeep->bytes_max)
		upkeep->bytes_max = room;
}

bool
upkeep_copy_fits(struct cache *cache)
{
	char path[PATH_MAX];
	int64_t pages = 0;
	struct statfs fs;
	struct stat st;

	if (db_path(path, sizeof(path), cache->db.dir, SCHEMA_FILE) < 0 ||
	    stat(path, &st) < 0 || statfs(path, &fs) < 0 ||
	    db_number(&cache->db, "PRAGMA page_count", &pages) < 0)
		return true; /* trying will tell */
	return pages * SCHEMA_PAGE_SIZE - st.st_size <=
	       (int64_t)fs.f_bavail * (int64_t)fs.f_bsize;
}

/* A sixteenth of the values goes, as far as there is time. How many, ERR_*. */
static int
remove_values(struct upkeep *upkeep, struct cache *cache)
{
	int64_t until = clock_mono_us() + ROOM_US;
	int64_t step = UPKEEP_STEP;
	int64_t want;
	int gone = 0;
	int rc;

	rc = upkeep_measure(upkeep, cache);
	want = upkeep->count / 16 + 64;
	while (rc >= 0 && gone < want && clock_mono_us() < until) {
		rc = upkeep_remove_some(upkeep, cache,
		    step < want - gone ? step : want - gone, true);
		if (rc > 0)
			gone += rc;
		else if (rc == ERR_FULL && step > SMALL_STEP)
			step = SMALL_STEP; /* it wrote more than it freed */
		else
			break;
		if (step == SMALL_STEP)
			rc = upkeep_copy_wal(upkeep, cache, false);
	}
	return rc < 0 ? rc : gone;
}

/* All values go; what is wanted or computed now, and the sessions, stay. */
static int
drop_values(struct db *db)
{
	int rc = db_write_begin(db);

	if (rc < 0)
		return rc;
	rc = db_exec(db,
	    "CREATE TEMP TABLE live AS SELECT * FROM signals WHERE state <= 2;"
	    "DELETE FROM kv; DELETE FROM uses; DELETE FROM signals;"
	    "INSERT INTO signals SELECT * FROM temp.live;"
	    /* No value is left that they say anything of; see voids.c. */
	    "INSERT OR REPLACE INTO voids SELECT -2, seq, 0 FROM voids"
	    " WHERE id = -1; DELETE FROM voids WHERE id > 0;"
	    "DROP TABLE temp.live");
	if (rc == 0)
		return db_write_commit(db);
	db_write_cancel(db);
	return rc;
}

/* >= 0: how many values went, or ERR_*. */
static int
empty(struct upkeep *upkeep, struct cache *cache)
{
	int gone;
	int rc;

	(void)upkeep_measure(upkeep, cache);
	gone = (int)upkeep->count;
	rc = drop_values(&cache->db);
	if (rc == 0)
		rc = db_exec(&cache->db, "VACUUM");
	/* What sessions keep may be too much to be written anew. */
	if (rc == 0 || rc == ERR_FULL)
		rc = upkeep_copy_wal(upkeep, cache, true);
	if (rc < 0)
		return rc;
	upkeep->count = 0;
	counts_add(&cache->counts, COUNT_EVICTION, (uint64_t)gone);
	log_warn(0, "keeper.emptied",
	    "dir=%s values=%d note=\"there was no room to copy the log\"",
	    cache->db.dir, gone);
	return gone;
}

/* Does a session live that has something? When in doubt it does. */
static bool
holds_sessions(struct db *db)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use_read(db, STATEMENT_SESSION_HELD, &rc);
	if (stmt == NULL)
		return true;
	db_bind_int(stmt, 1, cache_now_ms());
	rc = db_step(db, STATEMENT_SESSION_HELD);
	db_reset(db, STATEMENT_SESSION_HELD);
	return rc != 0;
}

/* The last resort; whoever has it open lets go of it within a second. */
static void
remove_database(struct upkeep *upkeep, struct cache *cache)
{
	if (++upkeep->stuck < STUCK_MAX)
		return;
	upkeep->stuck = 0;
	if (holds_sessions(&cache->db))
		return;
	log_warn(ERR_FULL, "keeper.removed",
	    "dir=%s note=\"there was no room to empty it\"", cache->db.dir);
	folder_remove_database(cache->db.dir);
}

/* Copy the log and remove values. >= 0: how many went, or ERR_*. */
static int
copy_and_remove(struct upkeep *upkeep, struct cache *cache)
{
	int rc = upkeep_copy_wal(upkeep, cache, false);
	int gone = rc == ERR_FULL ? rc : remove_values(upkeep, cache);

	if (gone > 0)
		rc = upkeep_copy_wal(upkeep, cache, false);
	return rc == ERR_FULL ? rc : gone;
}

int
upkeep_make_room(struct upkeep *upkeep, struct cache *cache)
{
	int gone;
	int rc;

	rc = db_alone_begin(&cache->db, ALONE_US);
	if (rc < 0)
		return rc;
	gone = copy_and_remove(upkeep, cache);
	if (gone == ERR_FULL) {
		(void)folder_give_reserve(cache->db.dir);
		gone = copy_and_remove(upkeep, cache);
	}
	if (gone == ERR_FULL)
		gone = empty(upkeep, cache);
	folder_take_reserve(cache->db.dir);
	if (gone == ERR_FULL)
		remove_database(upkeep, cache);
	else if (gone >= 0)
		upkeep->stuck = 0;
	db_alone_end(&cache->db);
	return cache_public_rc(gone);
}
