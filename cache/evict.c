/* SPDX-License-Identifier: MIT */

/*
 * Which values go: those whose time is over, and, when there are too many or
 * they take too much room, those that were used longest ago.
 *
 * Nothing is kept in order of use, because every use would have to be written
 * then. Instead a run of neighbouring rows of the narrow table `uses` is
 * looked at, at a place drawn by lot, and the one eighth of it that was used
 * longest ago goes. Row numbers are hashes, so neighbours have nothing to do
 * with each other and such a run is a fair sample.
 *
 * Counters, which are an app's own entries that are integers, cannot be made
 * anew, so they are pinned up to a bound: they go only where they are more than
 * three quarters of a run. Their time of use has an offset (STORE_COUNTER),
 * by which they are told and come last.
 *
 * Pages that become free are used again by later values; the file itself
 * does not grow above what SQLite is told to be the most (cache.c), nor as
 * long as the keeper keeps up above what the disk has room for (room.c).
 *
 * INVARIANT  What is being computed or waited for is not evicted, nor what
 *            was made in the last two seconds, or noted as used then (somebody
 *            may be on his way to it), unless there is far too much.
 * THREADS    Keeper only.
 */
#include <stdlib.h>
#include <string.h>

#include "cache/meta.h"
#include "cache/now.h"
#include "cache/store.h"
#include "cache/upkeep_int.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"

#define LOOK_USES 5000 /* rows looked at in one step of expiry */
#define SAMPLE 128     /* rows looked at for each choice */
#define CHOICE 16      /* of these, those that go */
#define GRACE_MS 2000
#define AHEAD_MS 1000 /* of our clock: nothing is used later */
#define ROUNDS 64     /* runs without a victim before giving up */

/* --- what is over ------------------------------------------------------ */

/* Collect; *seen rows looked at, *last the number of the last one. */
static int
look_for_expired(struct upkeep *upkeep, struct cache *cache, struct doom *doom,
    unsigned *seen, int64_t *last)
{
	int64_t now_ms = cache_now_ms();
	sqlite3_stmt *stmt;
	int rc = 0;

	stmt = db_use_read(&cache->db, STATEMENT_USE_WALK, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, upkeep->uses_from);
	db_bind_int(stmt, 2, LOOK_USES);
	while (doom->count < UPKEEP_STEP &&
	       (rc = db_step(&cache->db, STATEMENT_USE_WALK)) > 0) {
		*last = sqlite3_column_int64(stmt, 0);
		++*seen;
		if (sqlite3_column_int64(stmt, 2) > now_ms)
			continue;
		doom->rows[doom->count].id = *last;
		doom->rows[doom->count].second = now_ms;
		doom->count++;
	}
	db_reset(&cache->db, STATEMENT_USE_WALK);
	return rc < 0 ? rc : 0;
}

int
upkeep_expire(struct upkeep *upkeep, struct cache *cache)
{
	struct doom doom;
	unsigned seen = 0;
	int64_t last = -1;
	int rc;

	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_USE_EXPIRE;
	doom.parameters = 2;
	doom.values = true;
	rc = look_for_expired(upkeep, cache, &doom, &seen, &last);
	if (rc == 0)
		rc = upkeep_delete(cache, &doom);
	if (rc < 0)
		return cache_public_rc(rc);
	upkeep->count -= doom.gone;
	counts_add(&cache->counts, COUNT_EXPIRATION, doom.gone);
	if ((unsigned)rc < doom.count)
		return rc; /* the rest is still there: look again */
	upkeep->uses_from =
	    seen < LOOK_USES && doom.count < UPKEEP_STEP ? -1 : last;
	return rc;
}

/* --- what is too much -------------------------------------------------- */

/* Count, and not again before a hundred times as long has passed. */
static int
count_values(struct upkeep *upkeep, struct cache *cache)
{
	int64_t from = clock_mono_us();
	sqlite3_stmt *stmt;
	int64_t count;
	int rc;

	if (from < upkeep->count_at_us)
		return 0;
	stmt = db_use_read(&cache->db, STATEMENT_USE_COUNT, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(&cache->db, STATEMENT_USE_COUNT);
	if (rc > 0) {
		count = sqlite3_column_int64(stmt, 0);
		/* What went since then has been taken off. */
		if (upkeep->counted && count > upkeep->count)
			pace_came(&upkeep->pace, count - upkeep->count);
		upkeep->count = count;
		upkeep->counted = true;
	}
	db_reset(&cache->db, STATEMENT_USE_COUNT);
	upkeep->count_at_us = from + (clock_mono_us() - from) * 100;
	return rc < 0 ? rc : 0;
}

int
upkeep_measure(struct upkeep *upkeep, struct cache *cache)
{
	int64_t pages = 0;
	int64_t free_pages = 0;
	int rc;

	rc = count_values(upkeep, cache);
	if (rc == 0)
		rc = db_number(&cache->db, "PRAGMA page_count", &pages);
	if (rc == 0)
		rc =
		    db_number(&cache->db, "PRAGMA freelist_count", &free_pages);
	if (rc < 0)
		return rc;
	upkeep->file_bytes = pages * SCHEMA_PAGE_SIZE;
	upkeep->bytes = (pages - free_pages) * SCHEMA_PAGE_SIZE;
	upkeep_share_room(upkeep, cache);
	return 0;
}

static int
by_use(const void *a, const void *b)
{
	const struct doomed *x = a;
	const struct doomed *y = b;

	return x->second < y->second ? -1 : x->second > y->second;
}

/* Read a run of rows from a place drawn by lot. >= 0: how many, or ERR_*. */
static int
draw(struct cache *cache, struct doomed sample[SAMPLE])
{
	int64_t from = (int64_t)(cache_draw(cache) & INT64_MAX);
	sqlite3_stmt *stmt;
	int count = 0;
	int rc;

	stmt = db_use_read(&cache->db, STATEMENT_USE_WALK, &rc);
	if (stmt == NULL)
		return rc;
	/* The row numbers are a circle: behind the last comes the first. */
	for (; count < SAMPLE; from = -1) {
		db_bind_int(stmt, 1, from);
		db_bind_int(stmt, 2, SAMPLE - count);
		while ((rc = db_step(&cache->db, STATEMENT_USE_WALK)) > 0) {
			sample[count].id = sqlite3_column_int64(stmt, 0);
			sample[count].second = sqlite3_column_int64(stmt, 1);
			count++;
		}
		if (rc < 0)
			return rc;
		if (from < 0)
			break;
	}
	return count;
}

static bool
is_doomed(const struct doom *doom, int64_t id)
{
	unsigned i;

	for (i = 0; i < doom->count; i++) {
		if (doom->rows[i].id == id)
			return true;
	}
	return false;
}

/* Are there so many counters that they must make room, too? */
static bool
are_mostly_counters(const struct doomed *sample, int count)
{
	int counters = 0;
	int i;

	for (i = 0; i < count; i++)
		counters += sample[i].second >= STORE_COUNTER;
	return counters > count / 4 * 3;
}

/* Of a sample in order of use: those that go. */
static void
take_oldest(struct doom *doom, const struct doomed *sample, int count,
    unsigned want, int64_t before)
{
	bool counters = are_mostly_counters(sample, count);
	int64_t used;
	int taken = 0;
	int i;

	for (i = 0; i < count && doom->count < want && taken < CHOICE; i++) {
		used = sample[i].second % STORE_COUNTER;
		if (used > before || (used != sample[i].second && !counters))
			continue;
		taken++;
		if (is_doomed(doom, sample[i].id))
			continue;
		doom->rows[doom->count] = sample[i];
		/* It may have been made anew since it was used. */
		doom->rows[doom->count++].third = (before + 1) * STORE_USE_MS;
	}
}

/* Choose up to `want` rows used no later than `before`. 0 or ERR_*. */
static int
choose(struct cache *cache, struct doom *doom, unsigned want, int64_t before)
{
	struct doomed sample[SAMPLE];
	unsigned rounds;
	int count;

	for (rounds = 0; rounds < ROUNDS && doom->count < want; rounds++) {
		count = draw(cache, sample);
		if (count <= 0)
			return count;
		qsort(sample, (size_t)count, sizeof(sample[0]), by_use);
		take_oldest(doom, sample, count, want, before);
	}
	return 0;
}

/* How many rows are too many at present, by number or by room. */
static int64_t
surplus_of(const struct upkeep *upkeep, const struct cache *cache)
{
	int64_t rows = 0;
	int64_t by_room;
	int64_t each;

	if (cache->threshold > 0)
		rows = upkeep->count - cache->threshold;
	if (upkeep->bytes_max > 0 && upkeep->bytes > upkeep->bytes_max &&
	    upkeep->count > 0) {
		each = upkeep->bytes / upkeep->count + 1;
		by_room = (upkeep->bytes - upkeep->bytes_max) / each + 1;
		if (by_room > rows)
			rows = by_room;
	}
	return rows;
}

static bool
is_far_too_much(const struct upkeep *upkeep, const struct cache *cache)
{
	return (cache->threshold > 0 && upkeep->count > cache->threshold * 2) ||
	       (upkeep->bytes_max > 0 &&
		   upkeep->bytes > upkeep->bytes_max + upkeep->bytes_max / 8);
}

/* Say once that a bound was reached. */
static void
report_bound(struct upkeep *upkeep, const struct cache *cache)
{
	if (upkeep->bound_reported)
		return;
	upkeep->bound_reported = true;
	log_info("keeper.bound",
	    "entries=%lld cache_threshold=%lld bytes=%lld bytes_max=%lld "
	    "cache_max_bytes=%lld note=\"from now on values used longest ago "
	    "make room\"",
	    (long long)upkeep->count, (long long)cache->threshold,
	    (long long)upkeep->bytes, (long long)upkeep->bytes_max,
	    (long long)cache->max_bytes);
}

/* Never in silence: what was counted is lost. */
static void
report_counters(const struct doom *doom)
{
	static struct log_gate gate;
	unsigned suppressed;
	unsigned count = 0;
	unsigned i;

	for (i = 0; i < doom->count; i++)
		count += doom->rows[i].second >= STORE_COUNTER;
	if (count > 0 && log_gate_open(&gate, &suppressed))
		log_warn(0, "keeper.counters",
		    "evicted=%u note=\"more than three quarters of the entries "
		    "are counters: those used longest ago begin at 0 again\" "
		    "suppressed=%u",
		    count, suppressed);
}

/* How long what went had not been used. Counters go by another order. */
static void
tell_pace(struct upkeep *upkeep, const struct doom *doom, int64_t now)
{
	unsigned i;

	for (i = 0; i < doom->count; i++) {
		if (doom->rows[i].second < STORE_COUNTER)
			pace_went(&upkeep->pace,
			    (now - doom->rows[i].second) * STORE_USE_MS);
	}
}

int
upkeep_remove_some(struct upkeep *upkeep, struct cache *cache, int64_t want,
    bool all)
{
	int64_t now = store_use(cache_now_ms());
	int64_t before =
	    now + (all ? store_use(AHEAD_MS) : -store_use(GRACE_MS));
	struct doom doom;
	int rc;

	memset(&doom, 0, sizeof(doom));
	doom.statement = STATEMENT_USE_EVICT;
	doom.parameters = 3;
	doom.values = true;
	rc = choose(cache, &doom,
	    want < UPKEEP_STEP ? (unsigned)want : UPKEEP_STEP, before);
	if (rc == 0)
		rc = upkeep_delete(cache, &doom);
	if (rc < 0)
		return rc;
	upkeep->count -= doom.gone;
	tell_pace(upkeep, &doom, now);
	counts_add(&cache->counts, COUNT_EVICTION, doom.gone);
	report_counters(&doom);
	return (int)doom.gone;
}

/* How many values there may be, by number and by room; 0: any number. */
static int64_t
room_for(const struct upkeep *upkeep, const struct cache *cache)
{
	int64_t rows = cache->threshold;
	double by_room;

	if (upkeep->bytes_max <= 0 || upkeep->bytes <= 0 || upkeep->count <= 0)
		return rows;
	by_room = (double)upkeep->bytes_max / (double)upkeep->bytes *
		  (double)upkeep->count;
	return rows > 0 && (double)rows < by_room ? rows : (int64_t)by_room;
}

static int
write_pace(struct cache *cache, unsigned step)
{
	int rc = db_write_begin(&cache->db);

	if (rc < 0)
		return rc;
	rc = meta_put_number(&cache->db, SCHEMA_META_PACE, step);
	if (rc == 0)
		return db_write_commit(&cache->db);
	db_write_cancel(&cache->db);
	return rc;
}

/* Tell all how often a use is to be noted, when it is not what they know. */
static void
keep_pace(struct upkeep *upkeep, struct cache *cache)
{
	int64_t room = room_for(upkeep, cache);
	int64_t told = PACE_MOST;
	unsigned step;

	if (room <= 0)
		return;
	step = pace_find(&upkeep->pace, room, clock_mono_us());
	if (step == upkeep->pace_told)
		return;
	if (meta_get_number(&cache->db, SCHEMA_META_PACE, &told) < 0 ||
	    (told != (int64_t)step && write_pace(cache, step) < 0))
		return;
	upkeep->pace_told = step;
	if ((int64_t)step < told) /* at once: a flood does not wait */
		cache_hint_all(cache);
}

int
upkeep_evict(struct upkeep *upkeep, struct cache *cache)
{
	int64_t surplus;
	int rc;

	rc = upkeep_measure(upkeep, cache);
	if (rc < 0)
		return cache_public_rc(rc);
	keep_pace(upkeep, cache);
	surplus = surplus_of(upkeep, cache);
	if (surplus <= 0)
		return 0;
	report_bound(upkeep, cache);
	return cache_public_rc(upkeep_remove_some(upkeep, cache, surplus,
	    is_far_too_much(upkeep, cache)));
}
