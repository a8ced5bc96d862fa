/* SPDX-License-Identifier: MIT */

/*
 * Whose call it is. See visit.h.
 *
 * INVARIANT  An id comes from a cookie that we have signed, or from our own
 *            random numbers; one that is dead is replaced, never revived.
 * FAILURE    While the store can be read but not written (a full disk) the
 *            sessions in it are found, and a new visitor gets an id whose row
 *            is made by the first use that can write it, as after a layout;
 *            nothing is kept in it before. Where it cannot be read the call
 *            fails and says so, rather than to mix up what belongs to whom.
 */
#include "worker/visit.h"

#include <stdio.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/now.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/memo.h"
#include "worker/session_store.h"

#define ROTATED_MS 60000

/* May this call know a session? NULL, or why not. */
static const char *
refusal(const struct call *call)
{
	if (call->kind == CALL_FUNCTION)
		return "a memoized function knows the session only with "
		       ".scope = PH_SCOPE_SESSION in ph_memoize()";
	if (call->kind == CALL_CREATE)
		return "a create function runs for no session";
	if (call->job != NULL && !call->callback->memoize)
		return "a background callback reads its session only, if it "
		       "was begun in one: what is to be kept belongs into "
		       "another callback, on its output";
	if (call->visit == NULL)
		return "it is memoized, so its answer is given to others: take "
		       ".memoize away, or memoize a function that it calls, "
		       "with .scope = PH_SCOPE_SESSION";
	if (!call->kit->app->sessions)
		return "say ph_sessions(app) in PH_APP()";
	if (call->kit->cache == NULL)
		return "the store of sessions cannot be reached";
	return NULL;
}

/*
 * Look the id up, or take it into use where that can be written. enum
 * session_state or ERR_*.
 */
static int
look(struct call *call, struct session_visit *visit, struct session_row *row)
{
	struct session_life life =
	    session_ticket_life(call->kit->options, &visit->ticket);
	int64_t until_ms = 0;
	int rc = ERR_STORE;

	life.made = visit->made;
	if (!call->kit->on_loop && !memo_store_is_failing(call->kit))
		do
			rc = session_touch(call->kit->cache, visit->ticket.id,
			    &life, row);
		while (memo_try_again(call->kit, rc, &until_ms));
	if (rc < 0)
		rc = session_find(call->kit->cache, visit->ticket.id,
		    life.made ? INT64_MAX : life.issued_ms, row);
	return rc;
}

/* The session of the ticket, or a new one in its place. 0 or negative. */
static int
settle(struct call *call, struct session_visit *visit, struct session_row *row)
{
	int tries;
	int rc;

	for (tries = 0; tries < 3; tries++) {
		if (visit->ticket.issued == 0) {
			rc = session_ticket_new(&visit->ticket);
			if (rc < 0)
				return rc;
			visit->made = true;
			visit->ended = false;
		}
		rc = look(call, visit, row);
		if (rc < 0 || rc == SESSION_LIVE || rc == SESSION_ABSENT)
			return rc < 0 ? rc : 0;
		/* A new cookie would take the place of the newer one. */
		if (rc == SESSION_ROTATED && !visit->made &&
		    cache_now_ms() - row->used_ms < ROTATED_MS)
			return ERR_STALE;
		visit->ticket.issued = 0;
	}
	return ERR_STORE;
}

struct session_visit *
session_open(struct call *call, const char *verb)
{
	struct session_visit *visit = call->visit;
	const char *why = refusal(call);
	struct session_row row;
	int rc;

	call->asked = true;
	if (call->failed || (call->trial && call->kit->app->sessions))
		return NULL;
	if (why != NULL && call->trial)
		why = "say ph_sessions(app) in PH_APP()";
	if (why != NULL) {
		call_error(call, "%s: %s: %s", call->name, verb, why);
		return NULL;
	}
	visit->used = true;
	if (visit->open)
		return visit;
	rc = settle(call, visit, &row);
	visit->outdated = rc == ERR_STALE;
	if (rc < 0) {
		call_error(call, "%s: %s: %s", call->name, verb,
		    rc == ERR_STALE ? "the session has got another id a moment "
				      "ago, and this request has the old one"
				    : err_str(rc));
		return NULL;
	}
	memcpy(visit->scope, row.scope, sizeof(visit->scope));
	memcpy(visit->user, row.user, sizeof(visit->user));
	visit->open = true;
	return visit;
}

const char *
session_scope(struct call *call, const char *verb)
{
	struct session_visit *visit;

	if (call->session != NULL)
		return call->session;
	visit = session_open(call, verb);
	return visit != NULL ? visit->scope : NULL;
}

int
session_fields(const struct worker_options *options, bool secure,
    struct session_visit *visit, struct buf *fields)
{
	char cookie[SESSION_COOKIE_MAX];
	int rc;

	if (!visit->used ||
	    (!visit->made && !visit->ended &&
		!session_ticket_is_old(options, &visit->ticket)))
		return 0;
	rc = session_cookie_write(options, secure,
	    visit->ended ? NULL : &visit->ticket, cookie);
	if (rc < 0)
		return rc;
	return buf_printf(fields, "Set-Cookie: %s\r\n", cookie);
}

const struct value *
session_resolve(struct call *call, const struct value *value, const char **why)
{
	const struct value *handle = session_store_handle(value);
	const char *reason = "";
	const struct value *found = value;

	if (handle != NULL) {
		found = session_store_get(call, handle, &reason);
		if (found == NULL)
			found = &call_null_value;
	}
	if (why != NULL)
		*why = reason;
	return found;
}
