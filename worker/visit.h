/* SPDX-License-Identifier: MIT */
#ifndef WORKER_VISIT_H
#define WORKER_VISIT_H

#include "worker/call.h"
#include "worker/session_cookie.h"

/*
 * The session of one request: from the ticket in its cookie, which the loop
 * has verified, to the row in the store, which is asked for only when app
 * code uses the session, and back to a cookie in the answer.
 *
 * OWNERSHIP  Part of its task.
 * THREADS    Whoever has the task.
 */
struct session_visit {
	struct session_ticket ticket;
	bool made;     /* the browser does not know this id yet */
	bool used;     /* the answer depends on the session */
	bool ended;    /* the cookie is to be removed */
	bool outdated; /* the session has got another id a moment ago */
	bool open;     /* `scope` and `user` are known in this run */
	char scope[SESSION_SCOPE_LEN + 1];
	char user[SESSION_USER_MAX + 1];
};

/*
 * Find or make the session of this call, for `verb`. NULL: the call has
 * failed and says why. On the loop nothing is written.
 */
struct session_visit *session_open(struct call *call, const char *verb);

/* The scope of whatever the call may see: its own session, or the one it is
 * computed for. NULL: the call has failed. */
const char *session_scope(struct call *call, const char *verb);

/*
 * What the answer to such a request has to say: append "Set-Cookie: ..." with
 * CRLF when the browser is to learn something. 0 or negative.
 */
int session_fields(const struct worker_options *options, bool secure,
    struct session_visit *visit, struct buf *fields);

/*
 * The value that an input stands for: `value` itself, or what its handle
 * names; null when it is lost, with the reason in *why (may be NULL; "" when
 * nothing is lost).
 */
const struct value *session_resolve(struct call *call,
    const struct value *value, const char **why);

#endif
