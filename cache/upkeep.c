/* SPDX-License-Identifier: MIT */

/*
 * The keeper's work on the database.
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
#include "cache/upkeep.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/cache_int.h"
#include "cache/flight.h"
#include "cache/gate.h"
#include "cache/store.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"

#define FRAME_SIZE (SCHEMA_PAGE_SIZE + 24)
#define WAL_COPY (1000 * (int64_t)FRAME_SIZE)     /* copy above */
#define WAL_TRUNCATE (4000 * (int64_t)FRAME_SIZE) /* truncate above */
#define COPY_EVERY_MS 1000
#define GATE_US 50000     /* longest wait for writers to leave */
#define TRUNCATE_US 20000 /* longest wait for readers to leave */
#define LOOK_AGES 5000    /* values looked at in one step */
#define LOOK_SIGNALS 500  /* signal rows looked at in one step */
#define DAY_MS INT64_C(86400000)

void
upkeep_init(struct upkeep *upkeep)
{
	memset(upkeep, 0, sizeof(*upkeep));
	upkeep->signals_from = -1;
}

void
upkeep_gauges(const struct upkeep *upkeep, struct cache *cache,
    struct cache_counters *out)
{
	int64_t pages = 0;
	int64_t free_pages = 0;

	if (cache == NULL || cache->db.handle == NULL || cache->db.latched)
		return;
	if (db_number(&cache->db, "PRAGMA page_count", &pages) == 0 &&
	    db_number(&cache->db, "PRAGMA freelist_count", &free_pages) == 0) {
		out->file_bytes = (uint64_t)(pages * SCHEMA_PAGE_SIZE);
		out->bytes =
		    (uint64_t)((pages - free_pages) * SCHEMA_PAGE_SIZE);
	}
	out->wal_bytes = (uint64_t)db_wal_bytes(&cache->db);
	out->wal_unmoved = (uint64_t)upkeep->wal_unmoved;
	out->entries = (uint64_t)(upkeep->count > 0 ? upkeep->count : 0);
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

/* A reader that stays keeps the log from being copied: say so. */
static void
report_pinned(int frames, int copied)
{
	static struct log_gate gate;
	unsigned suppressed;

	if (log_gate_open(&gate, &suppressed))
		log_warn(ERR_BUSY, "keeper.wal_pinned",
		    "frames=%d copied=%d suppressed=%u", frames, copied,
		    suppressed);
}

/* Behind the shut gate. 1: all was copied, ERR_BUSY: not all, ERR_*. */
static int
copy_wal(struct upkeep *upkeep, struct cache *cache)
{
	struct db *db = &cache->db;
	int64_t size;
	int64_t stamp;
	int frames = 0;
	int copied = 0;
	int code;

	look_at_wal(cache, &size, &stamp);
	code = sqlite3_wal_checkpoint_v2(db->handle, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, &frames, &copied);
	if (code == SQLITE_OK && copied == frames && size > WAL_TRUNCATE) {
		db->wait_us = TRUNCATE_US;
		code = sqlite3_wal_checkpoint_v2(db->handle, NULL,
		    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		/* A reader in the way: the file is only longer than needed. */
		if (code == SQLITE_OK)
			look_at_wal(cache, &size, &stamp);
		else if ((code & 0xff) == SQLITE_BUSY)
			code = SQLITE_OK;
	}
	if (code != SQLITE_OK)
		return db_failed(db, code, "CHECKPOINT");
	upkeep->wal_unmoved = (int64_t)(frames - copied) * FRAME_SIZE;
	if (copied < frames) {
		if ((int64_t)frames * FRAME_SIZE > WAL_TRUNCATE)
			report_pinned(frames, copied);
		return ERR_BUSY;
	}
	upkeep->wal_size = size;
	upkeep->wal_stamp = stamp;
	counts_add(&cache->counts, COUNT_CHECKPOINT, 1);
	return 1;
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
	if (size < WAL_COPY && now_ms - upkeep->copied_ms < COPY_EVERY_MS)
		return 0;
	rc = gate_shut(cache->db.lock_fd, GATE_US);
	if (rc < 0)
		return rc;
	rc = copy_wal(upkeep, cache);
	gate_open(cache->db.lock_fd);
	upkeep->copied_ms = now_ms;
	return rc;
}

/* --- deleting ---------------------------------------------------------- */

/* A row to delete: its id and up to two values it must still have. */
struct doomed {
	int64_t id;
	int64_t second;
	int64_t third;
};

struct doom {
	enum statement statement;
	int parameters; /* how many of the three the statement takes */
	struct doomed rows[UPKEEP_STEP];
	unsigned count;
};

/* Delete what was collected until the time is up. >= 0: how many. */
static int
delete_some(struct cache *cache, const struct doom *doom)
{
	int64_t until;
	sqlite3_stmt *stmt;
	unsigned i;
	int rc;

	if (doom->count == 0)
		return 0;
	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return rc;
	until = clock_mono_us() + UPKEEP_STEP_US;
	stmt = db_use(&cache->db, doom->statement, &rc);
	for (i = 0; i < doom->count && rc == 0; i++) {
		if (i > 0 && clock_mono_us() > until)
			break;
		db_bind_int(stmt, 1, doom->rows[i].id);
		if (doom->parameters > 1)
			db_bind_int(stmt, 2, doom->rows[i].second);
		if (doom->parameters > 2)
			db_bind_int(stmt, 3, doom->rows[i].third);
		rc = db_run(&cache->db, doom->statement);
	}
	if (rc < 0) {
		db_write_cancel(&cache->db);
		return rc;
	}
	rc = db_write_commit(&cache->db);
	return rc < 0 ? rc : (int)i;
}

/* Read values by age. `visit` is given each; false ends the walk. */
static int
walk_ages(struct cache *cache, int64_t from, int64_t limit,
    bool (*visit)(void *context, int64_t id, int64_t created, int64_t expires),
    void *context)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_VALUE_AGES, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, from);
	db_bind_int(stmt, 2, limit);
	while ((rc = db_step(&cache->db, STATEMENT_VALUE_AGES)) > 0) {
		if (!visit(context, sqlite3_column_int64(stmt, 0),
			sqlite3_column_int64(stmt, 1),
			sqlite3_column_int64(stmt, 2))) {
			rc = 0;
			break;
		}
	}
	db_reset(&cache->db, STATEMENT_VALUE_AGES);
	return rc;
}

struct expiry {
	struct doom doom;
	int64_t now_ms;
	int64_t last; /* `created` of the last value seen */
	int64_t seen;
};

static bool
visit_expiry(void *context, int64_t id, int64_t created, int64_t expires)
{
	struct expiry *expiry = context;

	expiry->last = created;
	expiry->seen++;
	if (expires > expiry->now_ms)
		return true;
	expiry->doom.rows[expiry->doom.count].id = id;
	expiry->doom.rows[expiry->doom.count].second = expiry->now_ms;
	return ++expiry->doom.count < UPKEEP_STEP;
}

int
upkeep_expire(struct upkeep *upkeep, struct cache *cache)
{
	struct expiry expiry;
	int rc;

	memset(&expiry, 0, sizeof(expiry));
	expiry.doom.statement = STATEMENT_VALUE_EXPIRE;
	expiry.doom.parameters = 2;
	expiry.now_ms = clock_wall_ms();
	rc = walk_ages(cache, upkeep->ages_from, LOOK_AGES, visit_expiry,
	    &expiry);
	if (rc == 0)
		rc = delete_some(cache, &expiry.doom);
	if (rc < 0)
		return cache_public_rc(rc);
	upkeep->count -= rc;
	counts_add(&cache->counts, COUNT_EXPIRATION, (uint64_t)rc);
	if ((unsigned)rc < expiry.doom.count ||
	    expiry.doom.count == UPKEEP_STEP)
		return rc; /* the rest is still there: look again */
	if (expiry.seen < LOOK_AGES)
		upkeep->ages_from = 0;
	else if (expiry.last > upkeep->ages_from)
		upkeep->ages_from = expiry.last;
	else
		upkeep->ages_from++;
	return rc;
}

/* Count, and not again before a hundred times as long has passed. */
static int
count_values(struct upkeep *upkeep, struct cache *cache)
{
	int64_t from = clock_mono_us();
	sqlite3_stmt *stmt;
	int rc;

	if (from < upkeep->count_at_us)
		return 0;
	stmt = db_use_read(&cache->db, STATEMENT_VALUE_COUNT, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(&cache->db, STATEMENT_VALUE_COUNT);
	if (rc > 0)
		upkeep->count = sqlite3_column_int64(stmt, 0);
	db_reset(&cache->db, STATEMENT_VALUE_COUNT);
	upkeep->count_at_us = from + (clock_mono_us() - from) * 100;
	return rc < 0 ? rc : 0;
}

static bool
visit_oldest(void *context, int64_t id, int64_t created, int64_t expires)
{
	struct doom *doom = context;

	(void)expires;
	doom->rows[doom->count].id = id;
	doom->rows[doom->count].second = created;
	return ++doom->count < UPKEEP_STEP;
}

int
upkeep_evict(struct upkeep *upkeep, struct cache *cache)
{
	struct doom doom;
	int64_t surplus;
	int rc;

	if (cache->threshold <= 0)
		return 0;
	rc = count_values(upkeep, cache);
	if (rc < 0)
		return cache_public_rc(rc);
	surplus = upkeep->count - cache->threshold;
	if (surplus <= 0)
		return 0;
	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_VALUE_EVICT;
	doom.parameters = 2;
	rc = walk_ages(cache, 0, surplus < UPKEEP_STEP ? surplus : UPKEEP_STEP,
	    visit_oldest, &doom);
	if (rc == 0)
		rc = delete_some(cache, &doom);
	if (rc > 0) {
		upkeep->count -= rc;
		counts_add(&cache->counts, COUNT_EVICTION, (uint64_t)rc);
	}
	return cache_public_rc(rc);
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

/* Collect; *seen rows looked at, *last the id of the last one. */
static int
look_at_signals(struct upkeep *upkeep, struct cache *cache, struct doom *doom,
    unsigned *seen, int64_t *last)
{
	int64_t now_ms = clock_wall_ms();
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
		if (!is_over(stmt, now_ms))
			continue;
		doom->rows[doom->count].id = *last;
		doom->rows[doom->count].second = sqlite3_column_int(stmt, 1);
		doom->rows[doom->count].third = sqlite3_column_int64(stmt, 2);
		doom->count++;
	}
	db_reset(&cache->db, STATEMENT_SIGNAL_AGES);
	return rc < 0 ? rc : 0;
}

int
upkeep_prune(struct upkeep *upkeep, struct cache *cache)
{
	struct doom doom;
	unsigned seen = 0;
	int64_t last = -1;
	int rc;

	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_SIGNAL_PRUNE;
	doom.parameters = 3;
	rc = look_at_signals(upkeep, cache, &doom, &seen, &last);
	if (rc == 0)
		rc = delete_some(cache, &doom);
	if (rc < 0)
		return cache_public_rc(rc);
	if ((unsigned)rc == doom.count)
		upkeep->signals_from =
		    seen < LOOK_SIGNALS && doom.count < UPKEEP_STEP ? -1 : last;
	return rc;
}
