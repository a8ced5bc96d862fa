/* SPDX-License-Identifier: MIT */
#ifndef CACHE_FLIGHT_INT_H
#define CACHE_FLIGHT_INT_H

#include "cache/cache_int.h"
#include "cache/flight.h"

/* What the files of the signal table share: a row as it is read. */

/* What the verbs need to know of a row; ABSENT when there is none. */
struct flight_row {
	int state;
	bool foreign; /* another key with the same 63 bits */
	int64_t epoch;
	uint32_t attempts;
	uint64_t waiters;
	int64_t computations;
	int64_t due_at;
	int64_t lease_until; /* boot clock; only while it is computed */
};

/*
 * Fill *row from the table; the text of one that failed, is quarantined or
 * passes into `error` (may be NULL). 0, -ENOMEM or ERR_*.
 */
int flight_read(struct db *db, const uint8_t *key, struct flight_row *row,
    struct buf *error);

/* Wanted or being computed. */
bool flight_is_live(const struct flight_row *row);

/*
 * Being computed by somebody whose lease was over a while ago, and the keeper
 * has not handed it on: nobody can write. Who waited for it would wait until
 * somebody can; the value is computed without the store instead.
 */
bool flight_is_left(const struct flight_row *row);

/* Failed or quarantined, and not to run again yet. */
bool flight_has_failed(const struct flight_row *row);

/* Not to be waited for, for some time yet. */
bool flight_passes(const struct flight_row *row);

/* Take the row away, which is in the state `from`. Inside a write
 * transaction. 0 or ERR_*. */
int flight_drop(struct db *db, const uint8_t *key, enum flight_state from);

#endif
