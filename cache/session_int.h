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

/* What a row of session_values counts for beside its value: its other columns
 * and its places in the indexes. */
#define SESSION_ROW_BYTES 256

/* What an entry of so many bytes counts for. */
int64_t session_weight(int64_t len);

/* What all sessions keep, as counted. 0 or ERR_*. */
int session_bytes(struct db *db, int64_t *bytes);

/* Inside a transaction: they keep so much more. 0 or ERR_*. */
int session_bytes_add(struct db *db, int64_t by);

/* Inside a transaction: count anew what they keep. 0 or ERR_*. */
int session_bytes_again(struct db *db);

/* Inside a transaction: step a statement with its values bound, which deletes
 * rows of session_values and gives their lengths. How many, or ERR_*. */
int session_values_delete(struct db *db, enum statement statement);

/*
 * Inside a transaction: delete and end until `more` bytes fit the share of all
 * sessions, a bounded number of rows; the session of row `spare` does not end.
 * How many rows, or ERR_*.
 */
int session_keep_share(struct cache *cache, int64_t spare, int64_t more);

/* Inside a transaction: delete entries of one dying session, which is dead when
 * none is left. How many rows were changed, 0: none is dying, ERR_*. */
int session_sweep_dying(struct cache *cache);

/* Commit when rc >= 0, else undo; rc, or why committing failed. */
int session_commit(struct cache *cache, int rc);

/* Inside a transaction: end the live session of that row. 1 or ERR_*. */
int session_kill(struct cache *cache, int64_t row_id, const char *scope,
    enum session_state state);

#endif
