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

/* How many values it was; `more`: at least. They are counted when they are
 * forgotten already, for a second at most. */
struct inspect_count {
	int64_t values;
	bool more;
};

/* A group of values; see cache_forget(). 0 or negative. */
int inspect_forget(const char *dir, const char *prefix, enum cache_group group,
    const char *name, struct inspect_count *count, struct buf *why);

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
