/* SPDX-License-Identifier: MIT */
#ifndef CACHE_STORE_H
#define CACHE_STORE_H

#include "cache/cache.h"
#include "cache/db.h"

/*
 * The value rows. Every function runs on a connection whose transaction, if
 * any, the caller opened; see db.h for threads and failures.
 */

/* `expires` of a value that never does. */
#define STORE_FOREVER INT64_MAX

/* The time of use in the narrow row: hundredths of a second, of the clock of
 * the cache. */
#define STORE_USE_MS 10

static inline int64_t
store_use(int64_t ms)
{
	return ms / STORE_USE_MS;
}

/* Added to it for a counter, which comes after all that is none. See evict.c.
 * More than NOW_LATEST_MS gives. */
#define STORE_COUNTER ((int64_t)1 << 40)

/* Longest value, bytes. */
#define STORE_VALUE_MAX ((size_t)64 << 20)

/* Groups a value may belong to. */
#define STORE_GROUPS 6

/* A value row without its bytes. */
struct store_value {
	int64_t created; /* wall clock, ms */
	int64_t expires; /* not given out from then on */
	int64_t fresh;   /* from then on it should be computed anew */
	int64_t cost_us; /* what computing it took */
	int64_t born;    /* the counter of voids when that began */
	int64_t groups[STORE_GROUPS]; /* see forget.h; 0: none */
	int format;                   /* enum cache_format */
	uint64_t sum;                 /* store_get(): what stands beside it */
	const void *data;
	size_t len;
	bool is_counter; /* nobody could make it anew: goes last; not read */
};

/* The row a key lives in: its first 63 bits. */
int64_t store_id(const uint8_t key[CACHE_KEY_LEN]);

/*
 * 64-bit checksum of a value and of what is said about it. Any change
 * within eight neighbouring bytes is certain to be seen.
 */
uint64_t store_sum(const struct store_value *value);

/*
 * Does a value that was made at `created` and took so long count for one who
 * wants none older than `since_ms`? Negative: none whose making began before
 * -since_ms.
 */
bool store_is_since(int64_t created, int64_t cost_us, int64_t since_ms);

/* What the row `stmt` stands on says about its value, and its bytes: columns
 * as the statement VALUE_GET has them. Its checksum is the one before last. */
struct sqlite3_stmt;
void store_read(struct sqlite3_stmt *stmt, struct store_value *value);

enum store_got {
	STORE_MISS,
	STORE_HIT,
	STORE_DAMAGED /* there, but the checksum does not match */
};

/*
 * Read and check the value under `key` that has not expired at `now_ms`, was
 * not forgotten and was made at `since_ms` or later (store_is_since()). The
 * bytes go to `out` (cleared first; NULL: only check), what is said about them
 * to *about (may be NULL; its `data` is NULL). Returns enum store_got, -ENOMEM
 * or ERR_*.
 */
int store_get(struct db *db, const uint8_t key[CACHE_KEY_LEN], int64_t now_ms,
    int64_t since_ms, struct buf *out, struct store_value *about);

/* 1 when a fresh value is there, unchecked; 0 when not; ERR_*. */
int store_has(struct db *db, const uint8_t key[CACHE_KEY_LEN], int64_t now_ms);

/*
 * Is the row that store_get() said this about still the same, and not
 * forgotten? Reads no overflow page. The expiry is for the caller to compare.
 * 1, 0 or ERR_*.
 */
int store_still(struct db *db, const uint8_t key[CACHE_KEY_LEN],
    int64_t created, uint64_t sum);

/* Write or replace. `sum` is store_sum(value). 0 or ERR_*. */
int store_put(struct db *db, const uint8_t key[CACHE_KEY_LEN],
    const struct store_value *value, uint64_t sum);

int store_delete(struct db *db, const uint8_t key[CACHE_KEY_LEN]);

#endif
