/* SPDX-License-Identifier: MIT */
#ifndef WORKER_MEMO_NAME_H
#define WORKER_MEMO_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "server/base/buf.h"
#include "worker/call.h"

/*
 * What a memoized value is called: the key that its function, scope and
 * arguments make, and what else a question about it says.
 */

/*
 * The scope of a computation as a text: "" for everybody, "session:ID",
 * "user:NAME"; it is part of the key and the name for CACHE_GROUP_SCOPE.
 * `scope` receives it, a text. False: `call` has no session, or no user, and
 * has failed with a sentence that says so.
 */
bool memo_scope(struct call *call, const struct computation *computation,
    struct buf *scope);

/* Read such a text back into copies for a task: *session or *user, else
 * NULL. 0 or -ENOMEM. */
int memo_scope_read(const char *scope, char **session, char **user);

/* What code a computation takes, as a signal row says it: the version of a
 * function, the fingerprint of the app's file for a callback. */
int64_t memo_code(const struct app *app, const struct computation *computation,
    bool is_callback);

/* Has `app` (a struct app) the code? For struct cache_peer. Any thread. */
bool memo_can_compute(const void *app, const char *function, int64_t code);

/*
 * The key of what `computation` makes of the encoded arguments. For the
 * answer of a callback the fingerprint of the app's file is part of it,
 * since its code decides every byte. 0, -ENOMEM or ERR_STORE.
 */
int memo_key_of(const struct toolkit *kit,
    const struct computation *computation, bool is_callback,
    const void *arguments, size_t len, uint8_t key[CACHE_KEY_LEN]);

/* A value's name. Zero it before use, memo_name_free() after. */
struct memo_name {
	uint8_t key[CACHE_KEY_LEN];
	struct buf arguments; /* all of them, encoded */
	struct buf scope;     /* text, see memo_scope() */
};

/*
 * Name the value of `computation` for `args`. `key_text` (may be NULL) is
 * the key in place of the arguments. 0, or the call has failed, or, without
 * that, the store cannot be used (-ENOMEM, ERR_STORE).
 */
int memo_name(struct call *call, const struct computation *computation,
    const struct value *args, const char *key_text, struct memo_name *name);

void memo_name_free(struct memo_name *name);

/* A key that no other call has, for a value that is not to be shared. */
int memo_private_key(const struct call *call, const uint8_t key[CACHE_KEY_LEN],
    uint8_t out[CACHE_KEY_LEN]);

#endif
