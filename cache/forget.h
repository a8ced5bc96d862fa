/* SPDX-License-Identifier: MIT */
#ifndef CACHE_FORGET_H
#define CACHE_FORGET_H

#include <stdint.h>

#include "cache/cache.h"
#include "cache/store.h"

/*
 * Groups of values and forgetting them; the verbs are declared in cache.h.
 * Functions that take a struct db run inside the caller's transaction.
 */

/* The number of a group. 0, -ENOMEM or ERR_STORE. */
int forget_group(const char *prefix, enum cache_group group, const char *name,
    int64_t *id);

/* All groups of a value: everything, function, scope, tags. 0, ERR_*. */
int forget_groups(const struct cache *cache, const char *function,
    const struct cache_life *life, int64_t groups[STORE_GROUPS]);

/* How often something was forgotten so far. 0 or ERR_*. */
int forget_now(struct db *db, int64_t *seq);

/* Count on, and note the new number for a group. 0 or ERR_*. */
int forget_count_on(struct db *db, int64_t group);

/* 1: one of the groups was forgotten after `born`; 0: none; ERR_*. */
int forget_since(struct db *db, int64_t born,
    const int64_t groups[STORE_GROUPS]);

#endif
