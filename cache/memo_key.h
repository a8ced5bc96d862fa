/* SPDX-License-Identifier: MIT */
#ifndef CACHE_MEMO_KEY_H
#define CACHE_MEMO_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/*
 * The key of a memoized result: SHA-256 over everything the result depends
 * on, each part with its length before it, so that no two different calls
 * can give the same bytes to hash.
 *
 * prefix     cache_key_prefix of the configuration
 * function   name of the function
 * version    its version, raised by the author when the code changes
 * scope      "" shared by all, else who may see it (a session)
 * arguments  encode.h bytes of the array of arguments
 *
 * Any thread; each keeps a hashing context of its own. 0, -ENOMEM, or
 * ERR_STORE when the crypto library has no SHA-256: compute uncached.
 */
int memo_key(const char *prefix, const char *function, uint32_t version,
    const char *scope, const void *arguments, size_t len,
    uint8_t key[CACHE_KEY_LEN]);

#endif
