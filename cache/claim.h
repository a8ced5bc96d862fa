/* SPDX-License-Identifier: MIT */
#ifndef CACHE_CLAIM_H
#define CACHE_CLAIM_H

#include "cache/cache.h"
#include "cache/db.h"

/* Filling in a struct cache_claim, for ask.c and claim.c. */

/* Copy what the question says. 0 or -ENOMEM. */
int claim_fill(struct cache_claim *claim, const struct cache_question *q);

/* Note when the computation begins, in both senses. Within a transaction.
 * 0 or ERR_*. */
int claim_begin(struct db *db, struct cache_claim *claim);

#endif
