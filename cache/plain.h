/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PLAIN_H
#define CACHE_PLAIN_H

#include "cache/cache.h"

/*
 * Entries that an app puts itself, beside the memoized values and under the
 * same bounds. They have no signal row; reading them is cache_lookup().
 *
 * Every verb is one transaction, so that two processes never see or make
 * half of it. All may wait up to cache_busy_timeout: pool threads only.
 */

/* The key of the entry of that name under a cache_key_prefix. 0, -ENOMEM,
 * ERR_STORE. Any thread. */
int cache_entry_key(const char *prefix, const char *name,
    uint8_t key[CACHE_KEY_LEN]);

struct cache_entry {
	uint8_t key[CACHE_KEY_LEN];
	const void *data; /* encode.h bytes */
	size_t len;
};

enum cache_put {
	CACHE_PUT_ALWAYS, /* replace what is there */
	CACHE_PUT_ABSENT  /* only where nothing is */
};

/*
 * Put all of them, or none. 1 done, 0 with CACHE_PUT_ABSENT when one is
 * there already, ERR_TOO_BIG, ERR_BUSY, ERR_FULL, ERR_STORE, -ENOMEM.
 */
int cache_put(struct cache *cache, const struct cache_entry *entries,
    size_t count, enum cache_put how, const struct cache_life *life);

/* 1 removed, 0 there was none, ERR_*. */
int cache_remove(struct cache *cache, const uint8_t key[CACHE_KEY_LEN]);

/*
 * Put one entry in the place of what is expected there, bytes like those of an
 * entry; NULL: nothing. 1 done, 0 there is something else, and else as
 * cache_put().
 */
int cache_swap(struct cache *cache, const struct cache_entry *entry,
    const void *expected, size_t expected_len, const struct cache_life *life);

/* Take an entry out; `out` (cleared first) receives its bytes. 1 taken, 0 there
 * was none, -ENOMEM, ERR_*. */
int cache_pop(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *out);

/* Change life and tags of an entry. 1 done, 0 there is none, ERR_*. */
int cache_touch(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    const struct cache_life *life);

/*
 * Add `by` to the integer under the key, which begins at 0 and keeps its
 * life. Integers make room after all other values (evict.c). 0 with *result,
 * -EINVAL: it is no integer, ERR_RANGE: it would overflow, ERR_*.
 */
int cache_add_to(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t by, int64_t *result);

#endif
