/* SPDX-License-Identifier: MIT */
#ifndef CACHE_INSPECT_FORGET_H
#define CACHE_INSPECT_FORGET_H

#include "cache/cache.h"

/*
 * Forgetting values from outside, for tools: one small write, as any process
 * makes it. It needs neither a worker nor the master, and none of them need
 * be told: all see it at their next look, and what is being computed for
 * waiters begins again within the net's 50 ms.
 *
 * `prefix` is the cache_key_prefix of the server in question. All return
 * negative with a sentence in *why.
 */

/* Digits of a key, or of a session's name, that are enough to mean it. */
#define INSPECT_DIGITS_MIN 8

/* A group of values; see cache_forget(). 0 or negative. */
int inspect_forget(const char *dir, const char *prefix, enum cache_group group,
    const char *name, struct buf *why);

/* How many values belong to such a group now: it walks over all rows, not
 * their bytes. 0 or negative. */
int inspect_group(const char *dir, const char *prefix, enum cache_group group,
    const char *name, int64_t *values, struct buf *why);

/*
 * The value whose key begins with these hexadecimal digits, and the failure
 * under it. `function` NULL: of any function. How many keys begin like that
 * (none is touched when it is more than one), or negative.
 */
int inspect_forget_key(const char *dir, const char *prefix, const char *digits,
    const char *function, struct buf *why);

/* The memoized values of the sessions whose name begins with these digits.
 * How many sessions, or negative. */
int inspect_forget_session(const char *dir, const char *prefix,
    const char *digits, struct buf *why);

/* An entry that the app has put itself, by its name. 1, 0: none. */
int inspect_forget_entry(const char *dir, const char *prefix, const char *name,
    struct buf *why);

#endif
