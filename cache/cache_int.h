/* SPDX-License-Identifier: MIT */
#ifndef CACHE_CACHE_INT_H
#define CACHE_CACHE_INT_H

#include "cache/cache.h"
#include "cache/db.h"

/*
 * The inside of a struct cache, for the files of this folder.
 * Settings are copied, so that the options may go away.
 */
struct cache {
	struct db db; /* never opened when cache_type is "null" */
	struct counts counts;
	struct cache_peer peer;
	int64_t lease_ms;
	uint32_t attempts_max;
	int64_t quarantine_ms;
	int64_t threshold; /* cache_threshold; 0: no bound */
	int64_t
	    max_bytes;    /* cache_max_bytes, of the file in use; 0: no bound */
	size_t value_max; /* longest value, bytes */
	char *prefix;     /* cache_key_prefix */
	char *folder;     /* cache_dir */
	int64_t busy_us;  /* cache_busy_timeout */
	int64_t retry_ms; /* clock_boot_ms of the next attempt, and */
	int64_t pause_ms; /* how long after the last; see cache_watch() */
	int64_t group_all;     /* CACHE_GROUP_ALL */
	uint64_t dice;         /* state of the generator; never 0 */
	int64_t session_limit; /* 0: none */
	int64_t session_quota; /* bytes; 0: none */
	int64_t session_share; /* bytes of all together; 0: no bound */
	int64_t session_hand;  /* see session_room.c: time of use to go on at */
};

/* This peer's bit in a mask of waiters. Slots 64 apart share one. */
static inline uint64_t
cache_slot_bit(unsigned slot)
{
	return UINT64_C(1) << (slot & 63);
}

/* 64 bits by lot. */
uint64_t cache_draw(struct cache *cache);

/* Write the eventfd of every slot whose bit is in the mask. */
void cache_wake(const struct cache *cache, uint64_t mask);

/*
 * What a verb of cache.h returns for a failure: damage and a full disk are
 * ERR_STORE to all but cache_publish, which may say ERR_FULL.
 */
int cache_public_rc(int rc);

/* A cache_dir as db_open wants it: absolute, resolved. 0 or -errno. */
int cache_resolve_dir(const char *folder, char **dir);

/* First bytes of a key in hexadecimal, for log lines. */
#define CACHE_KEY_SHORT 9
void cache_key_short(const uint8_t *key, char text[CACHE_KEY_SHORT]);

/*
 * How many rows there may be of a kind that is no value: one for each `share`
 * bytes of cache_max_bytes, but not fewer than `least` nor more than `most`.
 */
int64_t cache_rows_max(const struct cache *cache, int64_t share, int64_t least,
    int64_t most);

#endif
