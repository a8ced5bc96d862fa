/* SPDX-License-Identifier: MIT */
#ifndef CACHE_UPKEEP_INT_H
#define CACHE_UPKEEP_INT_H

#include "cache/cache_int.h"
#include "cache/upkeep.h"

/*
 * Deleting in small steps, for the parts of the keeper's work: upkeep.c (the
 * log, signal rows), evict.c (values).
 */

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
	struct doomed rows[UPKEEP_STEP];
	unsigned count;
	unsigned gone; /* out: rows that were as they had been */
};

/*
 * Delete what was collected, in one transaction, until the time is up. How
 * many rows of the list were dealt with, or ERR_*.
 */
int upkeep_delete(struct cache *cache, struct doom *doom);

#endif
