/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SESSION_INT_H
#define CACHE_SESSION_INT_H

#include "cache/cache_int.h"
#include "cache/session.h"

/* Between session.c, session_entry.c and session_upkeep.c. */

/* The time of use of a session that is empty lies so much lower (in statements
 * as a number), so that all of these come before all others. */
#define SESSION_EMPTY_MS (INT64_C(1) << 52)

/* SHA-256 of what a session is known by; `label` keeps uses apart. 0, ERR_*. */
int session_digest(const char *label, const void *data, size_t len,
    uint8_t digest[CACHE_KEY_LEN]);

/* The number of a scope in session_values. */
int64_t session_scope_number(const char *scope);

/* Commit when rc >= 0, else undo; rc, or why committing failed. */
int session_commit(struct cache *cache, int rc);

/* Inside a transaction: end the live session of that row. 1 or ERR_*. */
int session_kill(struct cache *cache, int64_t row_id, const char *scope,
    enum session_state state);

#endif
