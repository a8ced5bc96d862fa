/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SESSION_STORE_H
#define WORKER_SESSION_STORE_H

#include "worker/call.h"

/*
 * The server-side store: values that stay here while the page holds a handle,
 * the object { "_ph_handle": "..." }. A handle is a random name, the time it
 * expires, and HMAC-SHA256 over both and the scope of its session.
 */

/* The text of a handle, when the value is one; else NULL. */
const struct value *session_store_handle(const struct value *value);

/* Keep a value; its handle, or NULL: the call has failed. */
const struct value *session_store_put(struct call *call,
    const struct value *value);

/* The value of a handle, or NULL with a sentence in *why. */
const struct value *session_store_get(struct call *call,
    const struct value *handle, const char **why);

#endif
