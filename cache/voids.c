/* SPDX-License-Identifier: MIT */

/*
 * Rows of `voids` that nobody needs go, so that an app may forget any number
 * of different groups.
 *
 * A row is needed as long as there is a value that it says is none. So, when
 * there are many: note the counter, walk over all values and delete those that
 * are none (nobody will ever look at them again), and then delete the rows
 * up to the counter as noted. In steps:
 *
 *   rest --many rows--> walk --all values seen--> raise --> drop --> rest
 *
 * What is published meanwhile was checked by its publisher, against rows that
 * were all there. What is published later by a computation that began before
 * could not be: therefore the number up to which rows may be missing stands in
 * row -2, and forget_since() takes everything that was born before it for
 * forgotten. So that no computation begins again because of that, the number
 * is not raised above the oldest that runs; its `born` stands in `due_at` of
 * its row. Only when there are far too many rows it is.
 *
 * INVARIANT  No value in kv is none because of a row that is not there.
 * INVARIANT  Row -2 is written before any row goes.
 * THREADS    Keeper only.
 * FAILURE    Nothing was changed, or a step of it; it goes on from there.
 */
#include <string.h>

#include "cache/store.h"
#include "cache/upkeep_int.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define ROWS_LEAST 64
#define ROWS_MOST 65536
#define ROW_SHARE 1024 /* one row per so many bytes of cache_max_bytes */
#define FAR_TOO_MANY 4 /* times as many as there may be */
#define LOOK_VALUES 500
#define REST_US 500000 /* between two counts, at least */

enum phase { REST, WALK, RAISE, DROP };

int64_t
upkeep_voids_max(const struct cache *cache)
{
	return cache_rows_max(cache, ROW_SHARE, ROWS_LEAST, ROWS_MOST);
}

/* The one number of a statement without parameters; 0 when there is none. */
static int
read_number(struct db *db, enum statement statement, int64_t *number)
{
	sqlite3_stmt *stmt;
	int rc;

	*number = 0;
	stmt = db_use_read(db, statement, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, statement);
	if (rc <= 0)
		return rc;
	*number = sqlite3_column_int64(stmt, 0);
	db_reset(db, statement);
	return 0;
}

/* Are there too many rows? Counting takes time, so not before a hundred times
 * as long has passed. */
static int
rest(struct upkeep *upkeep, struct cache *cache)
{
	int64_t from = clock_mono_us();
	int64_t floor = 0;
	int64_t now = 0;
	int rc;

	if (from < upkeep->voids_at_us)
		return 0;
	rc = read_number(&cache->db, STATEMENT_VOID_NOW, &now);
	if (rc == 0)
		rc = read_number(&cache->db, STATEMENT_VOID_FLOOR, &floor);
	if (rc < 0 || now - floor <= upkeep_voids_max(cache))
		return rc;
	rc = read_number(&cache->db, STATEMENT_VOID_COUNT, &upkeep->voids);
	upkeep->voids_at_us = from + REST_US + (clock_mono_us() - from) * 100;
	if (rc < 0 || upkeep->voids <= upkeep_voids_max(cache))
		return rc;
	upkeep->voids_to = now;
	upkeep->voids_from = -1;
	upkeep->voids_phase = WALK;
	return 1;
}

/* Numbers of the next values that are none. *last: the last value seen. */
static int
look_for_void(struct upkeep *upkeep, struct cache *cache, struct doom *doom,
    unsigned *seen, int64_t *last)
{
	sqlite3_stmt *stmt;
	int rc = 0;

	stmt = db_use_read(&cache->db, STATEMENT_VOID_WALK, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, upkeep->voids_from);
	db_bind_int(stmt, 2, LOOK_VALUES);
	while (doom->count < UPKEEP_STEP &&
	       (rc = db_step(&cache->db, STATEMENT_VOID_WALK)) > 0) {
		*last = sqlite3_column_int64(stmt, 0);
		++*seen;
		if (sqlite3_column_int(stmt, 1) != 0)
			doom->rows[doom->count++].id = *last;
	}
	db_reset(&cache->db, STATEMENT_VOID_WALK);
	return rc < 0 ? rc : 0;
}

static int
walk(struct upkeep *upkeep, struct cache *cache)
{
	struct doom doom;
	unsigned seen = 0;
	int64_t last = upkeep->voids_from;
	bool all;
	int rc;

	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_VALUE_VOID;
	doom.parameters = 1;
	doom.uses = true;
	rc = look_for_void(upkeep, cache, &doom, &seen, &last);
	if (rc < 0)
		return rc;
	all = seen < LOOK_VALUES && doom.count < UPKEEP_STEP;
	rc = upkeep_delete(cache, &doom);
	if (rc < 0)
		return rc;
	upkeep->count -= doom.gone;
	if ((unsigned)rc < doom.count) /* the rest of the step again */
		return 1;
	upkeep->voids_from = last;
	if (all)
		upkeep->voids_phase = RAISE;
	return 1;
}

static int
write_floor(struct db *db, int64_t floor)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_VOID_RAISE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, floor);
	return db_run(db, STATEMENT_VOID_RAISE);
}

/* In the transaction no computation can begin. */
static int
choose_floor(struct upkeep *upkeep, struct cache *cache)
{
	struct db *db = &cache->db;
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_VOID_OLDEST, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, STATEMENT_VOID_OLDEST);
	if (rc < 0)
		return rc;
	if (rc > 0) {
		if (sqlite3_column_type(stmt, 0) != SQLITE_NULL &&
		    sqlite3_column_int64(stmt, 0) < upkeep->voids_to &&
		    upkeep->voids <= FAR_TOO_MANY * upkeep_voids_max(cache))
			upkeep->voids_to = sqlite3_column_int64(stmt, 0);
		db_reset(db, STATEMENT_VOID_OLDEST);
	}
	return write_floor(db, upkeep->voids_to);
}

static int
raise_floor(struct upkeep *upkeep, struct cache *cache)
{
	int rc = db_write_begin(&cache->db);

	if (rc < 0)
		return rc;
	rc = choose_floor(upkeep, cache);
	if (rc < 0)
		db_write_cancel(&cache->db);
	else
		rc = db_write_commit(&cache->db);
	if (rc < 0)
		return rc;
	upkeep->voids_phase = DROP;
	upkeep->voids_from = 0; /* behind our own rows */
	return 1;
}

static int
drop(struct upkeep *upkeep, struct cache *cache)
{
	struct doom doom;
	sqlite3_stmt *stmt;
	int rc;

	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_VOID_DROP;
	doom.parameters = 2;
	stmt = db_use_read(&cache->db, STATEMENT_VOID_OLD, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, upkeep->voids_from);
	db_bind_int(stmt, 2, upkeep->voids_to);
	db_bind_int(stmt, 3, UPKEEP_STEP);
	while (doom.count < UPKEEP_STEP &&
	       (rc = db_step(&cache->db, STATEMENT_VOID_OLD)) > 0) {
		doom.rows[doom.count].id = sqlite3_column_int64(stmt, 0);
		doom.rows[doom.count].second = upkeep->voids_to;
		doom.count++;
	}
	db_reset(&cache->db, STATEMENT_VOID_OLD);
	rc = rc < 0 ? rc : upkeep_delete(cache, &doom);
	if (rc < 0)
		return rc;
	if (doom.count == 0)
		upkeep->voids_phase = REST;
	if (rc > 0)
		upkeep->voids_from = doom.rows[rc - 1].id;
	return doom.count > 0;
}

int
upkeep_voids(struct upkeep *upkeep, struct cache *cache)
{
	static int (*const steps[])(struct upkeep *, struct cache *) = {
		[REST] = rest,
		[WALK] = walk,
		[RAISE] = raise_floor,
		[DROP] = drop,
	};

	return cache_public_rc(steps[upkeep->voids_phase](upkeep, cache));
}
