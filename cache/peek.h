/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PEEK_H
#define CACHE_PEEK_H

#include "cache/cache.h"

/*
 * How it stands with one computation, for an app that shows it. Nothing is
 * asked for, waited for or counted. As struct cache: one thread each.
 */
struct cache_peek {
	const char *state;  /* flight_state_name(); "absent": no row, or its
			       value is gone */
	int64_t owner_slot; /* who computes, or computed last */
	int64_t owner_pid;
	int64_t age_ms;   /* since the state changed */
	int64_t waiters;  /* worker slots */
	int64_t progress; /* computing: 0 to 1000 */
	int64_t cost_us;  /* ready: what computing took */
	int64_t computations;
};

/* 0 or ERR_*; *out says absent then. */
int cache_peek(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct cache_peek *out);

#endif
