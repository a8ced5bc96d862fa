/* SPDX-License-Identifier: MIT */
#ifndef CACHE_FLIGHT_H
#define CACHE_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"

/*
 * The signal table: one row is one computation, of which one process is the
 * owner and any number wait. The verbs are declared in cache.h; here is what
 * other files of this folder and the tools need to know about a row.
 */

/* Column `state`. The numbers are stored and stand in statements.def. */
enum flight_state {
	FLIGHT_ABSENT = 0, /* no row, or one that counts as none */
	FLIGHT_WANTED = 1,
	FLIGHT_COMPUTING = 2,
	FLIGHT_READY = 3,
	FLIGHT_FAILED = 4,
	FLIGHT_QUARANTINED = 5, /* its workers died of it; kept away for long */
	FLIGHT_PASS = 6 /* its results are not to be stored: each who asks has
			   it computed for himself */
};

/* Printable name; "?" for a number that is no state. */
const char *flight_state_name(int state);

/* May a row go from one state to the other? */
bool flight_may_go(enum flight_state from, enum flight_state to);

/* How long an error of life 0 is kept for those who wait, ms. */
#define FLIGHT_GRACE_MS 2000

/* The same for a value that is not to be stored, and how long the row then
 * says PASS; the row must outlive the value. */
#define FLIGHT_PASS_VALUE_MS 10000
#define FLIGHT_PASS_MS 20000

/* Longest error text stored, bytes. */
#define FLIGHT_ERROR_MAX 4096

#endif
