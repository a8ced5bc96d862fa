/* SPDX-License-Identifier: MIT */

/*
 * The keeper's work on the database. Which values go is in evict.c.
 *
 * Expiry and pruning walk the rows with a cursor, a bounded number per step,
 * reading only; what is to go is collected and deleted in one short
 * transaction, which checks each row again. When the deletion stops early,
 * because its time is up, the cursor stays and the next step goes on.
 *
 * INVARIANT  A checkpoint runs only while the gate is shut, so no commit
 *            overlaps it (see db.c, the WAL-reset bug).
 * INVARIANT  No transaction here holds the write lock much longer than
 *            UPKEEP_STEP_US.
 */
#include "cache/upkeep_int.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/flight.h"
#include "cache/now.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"

#define COPY_EVERY_MS 1000
#define GATE_US 50000     /* longest wait for writers to leave */
#define TRUNCATE_US 20000 /* longest wait for readers to leave */
#define RESTART_US 5000   /* the same where it may as well be the next time */
#define LOOK_SIGNALS 500  /* signal rows looked at in one step */
#define FORGIVE_MS 1000   /* an error is kept longer than it holds */
#define ERROR_SHARE 8192  /* one error per so many bytes of cache_max_bytes */
#define ERRORS_LEAST 64
#define ERRORS_MOST 65536
#define DAY_MS INT64_C(86400000)

void
upkeep_init(struct upkeep *upkeep)
{
	memset(upkeep, 0, sizeof(*upkeep));
	pace_init(&upkeep->pace);
	upkeep->signals_from = -1;
	upkeep->uses_from = -1;
	upkeep->copy_above = UPKEEP_COPY_ABOVE;
}

void
upkeep_gauges(const struct upkeep *upkeep, struct cache *cache,
    struct cache_counters *out)
{
	if (cache == NULL)
		return;
	out->file_bytes = (uint64_t)upkeep->file_bytes;
	out->bytes = (uint64_t)upkeep->bytes;
	out->entries = (uint64_t)(upkeep->count > 0 ? upkeep->count : 0);
	out->wal_bytes = (uint64_t)db_wal_bytes(&cache->db);
	out->wal_unmoved = (uint64_t)upkeep->wal_unmoved;
	out->pinned_frames = (uint64_t)upkeep->pin.frames;
	out->pinned_ms = (uint64_t)pin_ms(&upkeep->pin, clock_boot_ms());
	out->pinned_pid = (uint64_t)upkeep->pin.pid;
	memcpy(out->signals, upkeep->signals, sizeof(out->signals));
	out->sessions = (uint64_t)(upkeep->sessions > 0 ? upkeep->sessions : 0);
}

int
upkeep_count_sessions(struct upkeep *upkeep, struct cache *cache)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SESSION_COUNT, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(&cache->db, STATEMENT_SESSION_COUNT);
	if (rc > 0) {
		upkeep->sessions = sqlite3_column_int64(stmt, 0);
		db_reset(&cache->db, STATEMENT_SESSION_COUNT);
	}
	return rc < 0 ? rc : 0;
}

/* --- the log ----------------------------------------------------------- */

/* Size and time of last writing of the log; both 0 when there is none. */
static void
look_at_wal(const struct cache *cache, int64_t *size, int64_t *stamp)
{
	char path[PATH_MAX];
	struct stat st;

	*size = 0;
	*stamp = 0;
	if (cache->db.dir == NULL ||
	    db_path(path, sizeof(path), cache->db.dir, SCHEMA_FILE "-wal") <
		0 ||
	    stat(path, &st) < 0)
		return;
	*size = st.st_size;
	*stamp = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
}

bool
upkeep_wal_changed(const struct upkeep *upkeep, const struct cache *cache)
{
	int64_t size;
	int64_t stamp;

	look_at_wal(cache, &size, &stamp);
	return size > 0 &&
	       (stamp != upkeep->wal_stamp || size != upkeep->wal_size);
}

/* So long that writers are about to wait for it to be cut? */
static bool
is_very_long(const struct cache *cache, int64_t size)
{
	return size > SCHEMA_WAL_BYTES(cache->db.wal_stop) / 16 * 15;
}

/* A reader that stays keeps the log from being copied: say so. */
static void
report_pinned(const struct pin *pin, int frames, int copied)
{
	static struct log_gate gate;
	unsigned suppressed;

	if (log_gate_open(&gate, &suppressed))
		log_warn(ERR_BUSY, "keeper.wal_pinned",
		    "frames=%d copied=%d reader=%d ms=%lld suppressed=%u",
		    frames, copied, (int)pin->pid,
		    (long long)pin_ms(pin, clock_boot_ms()), suppressed);
}

/*
 * All is copied: wait for those who still read in the log, so that the next
 * writer begins at its front; `cut`: and make the file empty. Whoever begins to
 * read meanwhile needs nothing of the log. An error code of SQLite.
 */
static int
begin_anew(struct db *db, bool cut)
{
	db->wait_us = cut ? TRUNCATE_US : RESTART_US;
	return sqlite3_wal_checkpoint_v2(db->handle, NULL,
	    cut ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART, NULL,
	    NULL);
}

int
upkeep_copy_wal(struct upkeep *upkeep, struct cache *cache, bool cut)
{
	struct db *db = &cache->db;
	int64_t size;
	int64_t stamp;
	int frames = 0;
	int copied = 0;
	int code;

	if (!upkeep_copy_fits(cache)) {
		(void)futimens(db->lock_fd, NULL); /* room is to be made */
		return ERR_FULL;
	}
	look_at_wal(cache, &size, &stamp);
	/* Else it would stay as it is, and writers would wait for ever. */
	cut = cut || is_very_long(cache, size);
	code = sqlite3_wal_checkpoint_v2(db->handle, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
	if (code == SQLITE_OK && copied == frames &&
	    (cut || SCHEMA_WAL_BYTES(frames) >= upkeep->copy_above)) {
		code = begin_anew(db, cut);
		/* A reader in the way: it is longer than need be. Writers may
		 * wait for it to be cut, so that has to be tried again; else
		 * the next writer may find it free. */
		if ((code & 0xff) == SQLITE_BUSY) {
			if (cut)
				return ERR_BUSY;
			code = SQLITE_OK;
		}
		look_at_wal(cache, &size, &stamp);
	}
	if (code != SQLITE_OK)
		return db_failed(db, code, "CHECKPOINT");
	upkeep->wal_unmoved = SCHEMA_WAL_BYTES(frames - copied);
	pin_note(&upkeep->pin, db->dir, frames - copied, clock_boot_ms());
	if (copied < frames) {
		if (is_very_long(cache, SCHEMA_WAL_BYTES(frames)))
			report_pinned(&upkeep->pin, frames, copied);
		return ERR_BUSY;
	}
	upkeep->wal_size = size;
	upkeep->wal_stamp = stamp;
	counts_add(&cache->counts, COUNT_CHECKPOINT, 1);
	return 1;
}

/*
 * Bytes that are in the log. Its file keeps its length when a writer begins at
 * the front again; but that needs a moment in which all is copied and nobody
 * reads, so what is there is tried to be copied again and again until then.
 */
static int64_t
bytes_in_log(struct cache *cache, int64_t size)
{
	uint32_t pages;

	return db_log_pages(&cache->db, &pages) ? SCHEMA_WAL_BYTES(pages)
						: size;
}

int
upkeep_checkpoint(struct upkeep *upkeep, struct cache *cache)
{
	int64_t now_ms = clock_boot_ms();
	int64_t size;
	int64_t stamp;
	int rc;

	if (cache->db.handle == NULL || cache->db.latched)
		return ERR_STORE;
	look_at_wal(cache, &size, &stamp);
	if (size == 0 ||
	    (size == upkeep->wal_size && stamp == upkeep->wal_stamp))
		return 0;
	if (bytes_in_log(cache, size) < upkeep->copy_above &&
	    now_ms - upkeep->copied_ms < COPY_EVERY_MS)
		return 0;
	rc = db_alone_begin(&cache->db, GATE_US);
	if (rc < 0)
		return rc;
	rc = upkeep_copy_wal(upkeep, cache, false);
	db_alone_end(&cache->db);
	upkeep->copied_ms = now_ms;
	return rc;
}

/* --- deleting ---------------------------------------------------------- */

/* What belongs to a row that was deleted just now. */
static int
delete_other(struct db *db, enum statement statement, int64_t id)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, statement, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, id);
	return db_run(db, statement);
}

static int
delete_row(struct db *db, struct doom *doom, const struct doomed *row)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, doom->statement, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, row->id);
	if (doom->parameters > 1)
		db_bind_int(stmt, 2, row->second);
	if (doom->parameters > 2)
		db_bind_int(stmt, 3, row->third);
	rc = db_run(db, doom->statement);
	if (rc < 0 || sqlite3_changes(db->handle) == 0)
		return rc;
	doom->gone++;
	if (doom->uses)
		return delete_other(db, STATEMENT_USE_DELETE, row->id);
	return doom->values ? delete_other(db, STATEMENT_VALUE_DELETE, row->id)
			    : 0;
}

int
upkeep_delete(struct cache *cache, struct doom *doom)
{
	struct db *db = &cache->db;
	int64_t until;
	unsigned i;
	int rc;

	doom->gone = 0;
	if (doom->count == 0)
		return 0;
	rc = db_write_begin(db);
	if (rc < 0)
		return rc;
	until = clock_mono_us() + UPKEEP_STEP_US;
	for (i = 0; i < doom->count && rc == 0; i++) {
		if (i > 0 && clock_mono_us() > until)
			break;
		rc = delete_row(db, doom, &doom->rows[i]);
	}
	if (rc < 0)
		db_write_cancel(db);
	else
		rc = db_write_commit(db);
	if (rc < 0) {
		doom->gone = 0;
		return rc;
	}
	return (int)i;
}

/* --- signal rows ------------------------------------------------------- */

/* Is the row `stmt` stands on, an ended one, of no more use? */
static bool
is_over(sqlite3_stmt *stmt, int64_t now_ms)
{
	int state = sqlite3_column_int(stmt, 1);
	int64_t changed_at = sqlite3_column_int64(stmt, 2);

	if (state == FLIGHT_WANTED || state == FLIGHT_COMPUTING)
		return false;
	if (changed_at < now_ms - DAY_MS)
		return true;
	if (state == FLIGHT_PASS)
		return changed_at < now_ms - FLIGHT_PASS_MS;
	/* No value: column 3 is NULL, which reads as 0. */
	return state == FLIGHT_READY && sqlite3_column_int64(stmt, 3) <= now_ms;
}

#define STATES FLIGHT_PASS /* the first one has the number 1 */

/* Collect; *seen rows looked at, *last the id of the last one; *kept counts
 * those that stay. */
static int
look_at_signals(struct upkeep *upkeep, struct cache *cache, struct doom *doom,
    unsigned *seen, int64_t *last, uint64_t kept[STATES])
{
	int state;
	int64_t now_ms = cache_now_ms();
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_AGES, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, upkeep->signals_from);
	db_bind_int(stmt, 2, LOOK_SIGNALS);
	while (doom->count < UPKEEP_STEP &&
	       (rc = db_step(&cache->db, STATEMENT_SIGNAL_AGES)) > 0) {
		*last = sqlite3_column_int64(stmt, 0);
		++*seen;
		state = sqlite3_column_int(stmt, 1);
		if (!is_over(stmt, now_ms)) {
			if (state > 0 && state <= STATES)
				kept[state - 1]++;
			continue;
		}
		doom->rows[doom->count].id = *last;
		doom->rows[doom->count].second = state;
		doom->rows[doom->count].third = sqlite3_column_int64(stmt, 2);
		doom->count++;
	}
	db_reset(&cache->db, STATEMENT_SIGNAL_AGES);
	return rc < 0 ? rc : 0;
}

static void
count_kept(struct upkeep *upkeep, const uint64_t kept[STATES])
{
	unsigned i;

	for (i = 0; i < STATES; i++)
		upkeep->passing[i] += kept[i];
}

/* All rows have been looked at. What is live is counted apart, and sooner. */
static void
end_pass(struct upkeep *upkeep)
{
	memcpy(upkeep->signals + FLIGHT_COMPUTING,
	    upkeep->passing + FLIGHT_COMPUTING,
	    sizeof(upkeep->passing) -
		FLIGHT_COMPUTING * sizeof(upkeep->passing[0]));
	memset(upkeep->passing, 0, sizeof(upkeep->passing));
	upkeep->signals_from = -1;
}

int
upkeep_count_live(struct upkeep *upkeep, struct cache *cache)
{
	uint64_t live[FLIGHT_COMPUTING] = { 0 };
	sqlite3_stmt *stmt;
	int state;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_COUNT, &rc);
	if (stmt == NULL)
		return rc;
	while ((rc = db_step(&cache->db, STATEMENT_SIGNAL_COUNT)) > 0) {
		state = sqlite3_column_int(stmt, 0);
		if (state == FLIGHT_WANTED || state == FLIGHT_COMPUTING)
			live[state - 1] =
			    (uint64_t)sqlite3_column_int64(stmt, 1);
	}
	db_reset(&cache->db, STATEMENT_SIGNAL_COUNT);
	if (rc >= 0)
		memcpy(upkeep->signals, live, sizeof(live));
	return rc < 0 ? rc : 0;
}

int
upkeep_prune(struct upkeep *upkeep, struct cache *cache)
{
	uint64_t kept[STATES] = { 0 };
	struct doom doom;
	unsigned seen = 0;
	int64_t last = -1;
	int rc;

	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_SIGNAL_PRUNE;
	doom.parameters = 3;
	rc = look_at_signals(upkeep, cache, &doom, &seen, &last, kept);
	if (rc == 0)
		rc = upkeep_delete(cache, &doom);
	if (rc < 0)
		return cache_public_rc(rc);
	if ((unsigned)rc == doom.count) {
		count_kept(upkeep, kept);
		upkeep->signals_from = last;
		if (seen < LOOK_SIGNALS && doom.count < UPKEEP_STEP)
			end_pass(upkeep);
	}
	return rc;
}

/* How many errors there are above what there may be. 0 or ERR_*. */
static int
count_errors(struct cache *cache, int64_t *surplus)
{
	int64_t most =
	    cache_rows_max(cache, ERROR_SHARE, ERRORS_LEAST, ERRORS_MOST);
	sqlite3_stmt *stmt;
	int rc;

	*surplus = 0;
	stmt = db_use_read(&cache->db, STATEMENT_SIGNAL_ERRORS, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(&cache->db, STATEMENT_SIGNAL_ERRORS);
	if (rc > 0)
		*surplus = sqlite3_column_int64(stmt, 0) - most;
	db_reset(&cache->db, STATEMENT_SIGNAL_ERRORS);
	return rc < 0 ? rc : 0;
}

int
upkeep_forgive(struct upkeep *upkeep, struct cache *cache)
{
	int64_t before_ms = 0; /* those that hold still stay */
	int64_t surplus;
	struct doom doom;
	sqlite3_stmt *stmt;
	int rc = count_errors(cache, &surplus);

	(void)upkeep;
	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_SIGNAL_PRUNE;
	doom.parameters = 3;
	if (surplus > 0) /* everybody who waited has read it by then */
		before_ms = cache_now_ms() - FLIGHT_GRACE_MS - FORGIVE_MS;
	stmt =
	    rc < 0 ? NULL : db_use_read(&cache->db, STATEMENT_SIGNAL_OVER, &rc);
	if (stmt == NULL)
		return cache_public_rc(rc);
	db_bind_int(stmt, 1, clock_boot_ms() - FORGIVE_MS);
	db_bind_int(stmt, 2, before_ms);
	db_bind_int(stmt, 3,
	    surplus > 0 && surplus < UPKEEP_STEP ? surplus : UPKEEP_STEP);
	while (doom.count < UPKEEP_STEP &&
	       (rc = db_step(&cache->db, STATEMENT_SIGNAL_OVER)) > 0) {
		doom.rows[doom.count].id = sqlite3_column_int64(stmt, 0);
		doom.rows[doom.count].second = FLIGHT_FAILED;
		doom.rows[doom.count].third = sqlite3_column_int64(stmt, 1);
		doom.count++;
	}
	db_reset(&cache->db, STATEMENT_SIGNAL_OVER);
	return cache_public_rc(rc < 0 ? rc : upkeep_delete(cache, &doom));
}
