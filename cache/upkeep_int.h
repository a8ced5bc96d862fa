/* SPDX-License-Identifier: MIT */
#ifndef CACHE_UPKEEP_INT_H
#define CACHE_UPKEEP_INT_H

#include "cache/cache_int.h"
#include "cache/upkeep.h"

/*
 * What the parts of the keeper's work share: upkeep.c (the log, signal rows),
 * evict.c (values), voids.c (what was forgotten), room.c (a full disk).
 */

/*
 * A log this long is copied at once; a small disk has it copied sooner. A page
 * that was written several times is copied once, so more is less work in all;
 * but a writer waits from DB_WAL_SLOW on.
 */
#define UPKEEP_COPY_ABOVE SCHEMA_WAL_BYTES(600)

/* A row to delete: its id and up to two values it must still have. */
struct doomed {
	int64_t id;
	int64_t second;
	int64_t third;
};

struct doom {
	enum statement statement; /* deletes it if it still is as it was */
	int parameters; /* how many of the three the statement takes */
	bool values;    /* the value row of that id goes, too */
	bool uses;      /* or its row of `uses` does */
	struct doomed rows[UPKEEP_STEP];
	unsigned count;
	unsigned gone; /* out: rows that were as they had been */
};

/*
 * Delete what was collected, in one transaction, until the time is up. How
 * many rows of the list were dealt with, or ERR_*.
 */
int upkeep_delete(struct cache *cache, struct doom *doom);

/*
 * Copy the log into the database; `cut`: and make its file empty, as is always
 * done when it is so long that writers are about to wait for that. The caller
 * is alone (db_alone_begin). Where there is no room for all of it nothing is
 * copied, since what fits would take what emptying needs. 1 all was copied,
 * ERR_BUSY: a reader is in the way, ERR_FULL, ERR_*.
 */
int upkeep_copy_wal(struct upkeep *upkeep, struct cache *cache, bool cut);

/* Is there room on the disk for what the database grows by? */
bool upkeep_copy_fits(struct cache *cache);

/* After measuring the file: how much of the disk is for what. */
void upkeep_share_room(struct upkeep *upkeep, const struct cache *cache);

/* How many rows of `voids` there may be before some are looked for that are
 * not needed. */
int64_t upkeep_voids_max(const struct cache *cache);

/* Remove up to `want` values, at most UPKEEP_STEP; `all`: even those used just
 * now. >= 0: how many went, or ERR_*. */
int upkeep_remove_some(struct upkeep *upkeep, struct cache *cache, int64_t want,
    bool all);

#endif
