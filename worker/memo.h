/* SPDX-License-Identifier: MIT */
#ifndef WORKER_MEMO_H
#define WORKER_MEMO_H

#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "server/base/buf.h"
#include "worker/call.h"
#include "worker/memo_name.h"

/*
 * Memoized values and answers, between app code and the cache's front door.
 */

/* Could an app mean this time? Seconds, or PH_FOREVER. */
bool memo_is_time(double seconds);

/* Fresh time of a value in milliseconds, as cache_publish() wants it. */
int64_t memo_ttl_ms(const struct toolkit *kit,
    const struct computation *computation);

/*
 * Both times of a value into *life, whose other members are left alone: what
 * the asker said (see struct cache_claim), else what the function says. A
 * fresh time of ten seconds or more is shortened by up to 5 %, a little
 * different for each `epoch`, so that what was made together does not end
 * together.
 */
void memo_life(const struct toolkit *kit, const struct computation *computation,
    const struct cache_claim *claim, bool is_null, struct cache_life *life);

/* `fresh_ms` of a question whose value is for the asker alone. */
#define MEMO_ONCE INT64_MIN

/* How long an error is kept, as cache_fail() wants it. */
int64_t memo_error_ms(const struct toolkit *kit,
    const struct computation *computation);

/* The memoized function with its arguments as an array; NULL: the call has
 * failed. `verb` is for the message. */
const struct computation *memo_find(struct call *call, ph_function *function,
    const struct ph_value *const *arguments, size_t count, const char *verb,
    struct value **args);

/* True while the store failed a moment ago: compute without it. */
bool memo_store_is_failing(const struct toolkit *kit);

/*
 * What asking the store has given, `rc`: true when it has been busy for so
 * long that it counts as failed. Somebody holds its write lock, and nobody
 * shall wait for him for ever.
 */
bool memo_store_is_stuck(int rc);

/*
 * What writing for an app has given: true when it should be tried again. Begin
 * with *until_ms 0. Each try waits up to cache_busy_timeout; all together that
 * long or a second, whichever is more, and once the store counts as stuck there
 * is one try only. The second is for what others wait for: five seconds.
 */
bool memo_try_again(struct toolkit *kit, int rc, int64_t *until_ms);
bool memo_try_longer(struct toolkit *kit, int rc, int64_t *until_ms);

/* The store failed just now: go without it for a few seconds. */
void memo_store_failed(const struct toolkit *kit);

#endif
