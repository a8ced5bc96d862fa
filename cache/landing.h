/* SPDX-License-Identifier: MIT */
#ifndef CACHE_LANDING_H
#define CACHE_LANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/db.h"
#include "cache/flight.h"

/*
 * The one way out of COMPUTING, shared by the owner's verbs (declared in
 * cache.h) and by the keeper, who ends computations of the dead.
 */

/* How a row leaves COMPUTING: the new values of its columns. */
struct landing {
	enum flight_state state;
	uint32_t attempts;
	uint64_t waiters;
	bool computed;     /* count it in `computations` */
	bool too_big;      /* PASS: there is no value to be stored */
	int64_t due_at;    /* FAILED: clock_boot_ms when it may run again */
	const char *error; /* FAILED, too big: text, else NULL */
};

/*
 * Write the end of the computation in row `id`. Inside a write transaction
 * that has seen the row in COMPUTING. 0 or ERR_*.
 */
int landing_end_row(struct db *db, int64_t id, const struct landing *end);

#endif
