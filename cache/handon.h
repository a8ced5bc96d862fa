/* SPDX-License-Identifier: MIT */
#ifndef CACHE_HANDON_H
#define CACHE_HANDON_H

#include "cache/cache.h"

/*
 * The keeper hands computations on whose owner cannot finish them;
 * cache_release_owner() is declared in cache.h. Each row goes back to
 * `wanted`, or to `quarantined` when compute_attempts owners ended on it, and
 * everybody is woken.
 */

/*
 * Hand on the rows whose lease ran out. 0 or ERR_*; *count rows changed.
 */
int handon_late(struct cache *cache, unsigned *count);

/*
 * Hand on the rows whose owning process does not exist any more, which a new
 * keeper may not have been told. A number that was used again is not seen;
 * the lease is the net below. 0 or ERR_*; *count rows changed.
 */
int handon_vanished(struct cache *cache, unsigned *count);

#endif
