/* SPDX-License-Identifier: MIT */
#ifndef CACHE_UPKEEP_H
#define CACHE_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"
#include "cache/pace.h"
#include "cache/pin.h"
#include "server/base/cache_counters.h"

/*
 * What the keeper does to the database, in steps so small that no writer
 * waits for them: copying the log back, removing what expired, what is too
 * much, and signal rows nobody needs.
 *
 * THREADS  Keeper only.
 */
struct upkeep {
	int64_t wal_stamp;    /* when the log was last written, as copied */
	int64_t wal_size;     /* and how long it was */
	int64_t copied_ms;    /* clock_boot_ms of the last copy */
	int64_t wal_unmoved;  /* bytes a reader kept from being copied */
	struct pin pin;       /* and who it is */
	int64_t uses_from;    /* expiry: `id` to go on after */
	int64_t signals_from; /* pruning: `id` to go on after */
	int64_t count;        /* values there are, as last counted */
	int64_t count_at_us;  /* clock_mono_us of the next count */
	bool counted;         /* it was counted at all */
	struct pace pace;     /* how soon they change */
	unsigned pace_told;   /* the step that others know; 0: unknown */
	int64_t bytes;        /* of the file in use, as last measured */
	int64_t file_bytes;   /* of the file */
	int64_t sessions;     /* that live */
	int64_t bytes_max;    /* that it may be, see upkeep_measure(); 0: any */
	int64_t copy_above;   /* bytes of the log that are copied at once */
	int voids_phase;      /* see voids.c, as the next four */
	int64_t voids;        /* rows of voids, as last counted */
	int64_t voids_at_us;  /* clock_mono_us of the next count */
	int64_t voids_from;   /* `id` to go on after */
	int64_t voids_to;     /* the counter as it was */
	unsigned stuck;       /* times that no room could be made, in a row */
	bool bound_reported;  /* that values must make room */
	uint64_t signals[6];  /* rows by state, as last counted; see below */
	uint64_t passing[6];  /* the same of the pass under way */
};

void upkeep_init(struct upkeep *upkeep);

/* What only the keeper knows, for its heartbeat. `cache` may be NULL. */
void upkeep_gauges(const struct upkeep *upkeep, struct cache *cache,
    struct cache_counters *out);

/* Most rows deleted in one step, and the longest time it takes them, us. */
#define UPKEEP_STEP 200
#define UPKEEP_STEP_US 2000

/*
 * Copy the log back when it is long (600 pages) or a second old, with all
 * commits shut out; truncate the file when it is nearly as long as it may be.
 * 1 copied, 0 nothing to do, ERR_BUSY (writers did not leave in time, or a
 * reader is in the way), ERR_*.
 */
int upkeep_checkpoint(struct upkeep *upkeep, struct cache *cache);

/* True when the log was written to since the last copy. */
bool upkeep_wal_changed(const struct upkeep *upkeep, const struct cache *cache);

/*
 * One step of each kind. How many rows went, 0 when there was nothing to do
 * in this step, or ERR_*.
 *   expire  values whose time is over
 *   evict   values above cache_threshold or cache_max_bytes, those used
 *           longest ago first
 *   prune   signal rows that are ended and a day old, or whose value is gone
 *   forgive signal rows of errors that hold no more, and when there are too
 *           many the oldest, which everybody has read who waited
 *   voids   notes of what was forgotten that are not needed; 1 while there
 *           is more to do
 */
int upkeep_forgive(struct upkeep *upkeep, struct cache *cache);
int upkeep_voids(struct upkeep *upkeep, struct cache *cache);
int upkeep_expire(struct upkeep *upkeep, struct cache *cache);
int upkeep_evict(struct upkeep *upkeep, struct cache *cache);
int upkeep_prune(struct upkeep *upkeep, struct cache *cache);

/*
 * How many computations are wanted and computed now. The rows of those that
 * have ended are counted while prune walks over them. 0 or ERR_*.
 */
int upkeep_count_live(struct upkeep *upkeep, struct cache *cache);

/*
 * Count values, as far as it is time to, and room: what the file has in use,
 * and how much it may be. That is cache_max_bytes, or half of what the disk
 * has for database and log together where that is less. 0 or ERR_*.
 */
int upkeep_measure(struct upkeep *upkeep, struct cache *cache);

/* How many sessions live. 0 or ERR_*. */
int upkeep_count_sessions(struct upkeep *upkeep, struct cache *cache);

/*
 * A write found no room: make some, with all other writers shut out. The log
 * is copied, one sixteenth of the values goes, whatever the bounds say; and
 * where there is no room for either, all values go and the database gives
 * back what it does not need. That needs the reserve (folder.h). Without it,
 * and when nothing helped a few times, the database is removed: the keeper
 * makes a new one. How many values went, or ERR_*. See room.c.
 */
int upkeep_make_room(struct upkeep *upkeep, struct cache *cache);

#endif
