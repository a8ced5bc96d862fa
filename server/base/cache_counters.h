/* SPDX-License-Identifier: MIT */
#ifndef BASE_CACHE_COUNTERS_H
#define BASE_CACHE_COUNTERS_H

#include <stdint.h>

/*
 * What one process has done with the cache, as it tells the master in its
 * heartbeat. A worker fills in what it counts, the keeper the rest; what a
 * process does not know is 0, so the numbers of all processes may be added
 * (but `reading_ms`, of which the largest counts).
 */
struct cache_counters {
	/* Since the process began. */
	uint64_t hits;           /* look-ups that gave a value at once */
	uint64_t stale;          /* of these: to be computed anew */
	uint64_t misses;         /* look-ups that gave none at first */
	uint64_t shared;         /* of these: waited for another's, had it */
	uint64_t stores;         /* values written */
	uint64_t store_failures; /* values the database did not take */
	uint64_t busy;           /* look-ups and writes given up for a lock */
	uint64_t errors;         /* other failures of the database */
	uint64_t damaged;        /* values whose checksum did not match */
	uint64_t reopened;       /* connections opened again while running */
	uint64_t dropped;        /* uses not noted for eviction */
	uint64_t evictions;      /* values removed for lack of room */
	uint64_t expirations;    /* values removed because their time was up */
	uint64_t takeovers;      /* computations taken from the dead and late */
	uint64_t quarantines;    /* database files set aside */
	uint64_t checkpoints;
	/* At this moment. */
	uint64_t reading_ms;    /* how long the oldest read has been open */
	uint64_t entries;       /* values, expired ones too */
	uint64_t bytes;         /* of the database file, in use */
	uint64_t file_bytes;    /* of the database file */
	uint64_t wal_bytes;     /* of the write-ahead log */
	uint64_t wal_unmoved;   /* of these, not yet in the database */
	uint64_t pinned_frames; /* the same, in pages */
	uint64_t pinned_ms;     /* how long that has been so */
	uint64_t pinned_pid;    /* which process reads; 0: not known */
	uint64_t signals[6];    /* computations: wanted, computing, ready,
				   failed, quarantined, not to be stored */
	uint64_t sessions;      /* browser sessions that live */
};

#endif
