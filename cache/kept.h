/* SPDX-License-Identifier: MIT */
#ifndef CACHE_KEPT_H
#define CACHE_KEPT_H

#include "cache/cache.h"
#include "cache/db.h"

/*
 * Values kept in memory, for all connections of the process: what a look-up
 * gave, so that the next one need not fetch it from the database. Whether a
 * kept value may be given out again is always asked: either nothing at all
 * has been committed since (kept_find() tells, without a system call), or the
 * news (news.h) of what has been say nothing of it, or its row is looked at,
 * without the value (store_still()).
 *
 * OWNERSHIP  kept_find() gives a reference; kept_release() gives it back.
 *            The bytes never change.
 * THREADS    Any. One lock, never held over a database call or a copy; it is
 *            held while news are read.
 */
struct kept;

/* Most bytes of all of them; 0: nothing is kept. */
void kept_set_limit(size_t bytes);

/*
 * The value kept under the key, or NULL. *version receives the version of the
 * database behind `db` as it is now, 0 when it cannot be told; *current
 * whether the value was seen in that version, or has not changed since.
 */
struct kept *kept_find(struct db *db, const uint8_t key[CACHE_KEY_LEN],
    uint64_t *version, bool *current);
void kept_release(struct kept *kept);

const struct cache_seen *kept_seen(const struct kept *kept);
enum cache_format kept_format(const struct kept *kept);
const void *kept_bytes(const struct kept *kept, size_t *len);

/* It was looked at, in that version or a later one, and still holds. */
void kept_confirm(struct kept *kept, uint64_t version);

/* Keep a copy, if there is room for such a value. The version is that of
 * before it was read; 0: none. Failing is no harm. */
void kept_add(const uint8_t key[CACHE_KEY_LEN], const struct cache_seen *seen,
    uint64_t version, enum cache_format format, const void *data, size_t len);

/*
 * A connection of this process was opened, will be closed. While one is open
 * the wal-index goes on telling states of the database apart; when the last
 * one is closed everything is forgotten.
 */
void kept_opened(void);
void kept_closed(void);

/* Forget one, or all of them to have memory again. */
void kept_drop(const uint8_t key[CACHE_KEY_LEN]);
void kept_clear(void);

/* Bytes in use. */
size_t kept_size(void);

#endif
