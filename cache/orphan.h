/* SPDX-License-Identifier: MIT */
#ifndef CACHE_ORPHAN_H
#define CACHE_ORPHAN_H

#include <stdint.h>

#include "cache/cache.h"

/*
 * Claims whose end the database did not take (busy, full, I/O error). Their
 * rows would stay `computing` for as long as the worker renews its lease, so
 * they are kept here and given back as soon as a write succeeds.
 *
 * THREADS  Any; one list per process, guarded by a lock held for a copy.
 */

/* Remember a claim. When the list is full the oldest is dropped. */
void orphan_add(const uint8_t key[CACHE_KEY_LEN], int64_t epoch,
    int64_t worker_id);

/* Try to give this worker's claims back; those that fail stay listed. */
void orphan_return(struct cache *cache);

/* How many are listed. */
unsigned orphan_count(void);

#endif
