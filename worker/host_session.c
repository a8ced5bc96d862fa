/* SPDX-License-Identifier: MIT */

/*
 * What an app may do with sessions.
 *
 * THREADS  Pool threads; on the loop thread only reading is allowed.
 * FAILURE  A mistake of the app ends its call as an error; a store that
 *          fails is false, and the cache has logged it.
 */
#include "worker/host_session.h"

#include <stdio.h>
#include <string.h>

#include "cache/encode.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/host.h"
#include "worker/memo.h"
#include "worker/session_store.h"
#include "worker/visit.h"

static void
declare(struct ph_app *ph)
{
	((struct app *)(void *)ph)->sessions = true;
}

static const char *
id(struct ph_call *ph)
{
	const char *scope = session_scope(host_call(ph), "ph_session_id()");

	return scope != NULL ? scope : "";
}

static const char *
user(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	struct session_visit *visit;

	if (call->job != NULL && call->session != NULL)
		return call->user != NULL ? call->user : "";
	visit = session_open(call, "ph_user()");
	return visit != NULL ? visit->user : "";
}

/* The session of a call that may change it, or NULL. */
static struct session_visit *
writable(struct call *call, const char *verb)
{
	if (call_is_early(call))
		return NULL;
	if (call->kit->on_loop) {
		call_error(call,
		    "%s: %s: a page function cannot change a "
		    "session: give ph_layout() .blocking = true",
		    call->name, verb);
		return NULL;
	}
	return session_open(call, verb);
}

static const struct ph_value *
get(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);
	const char *scope = session_scope(call, "ph_session_get()");
	struct buf found = BUF_EMPTY;
	struct value *value = NULL;
	void *bytes;
	size_t len;

	if (scope == NULL || call->kit->cache == NULL)
		return NULL;
	if (session_get(call->kit->cache, scope, SESSION_ENTRY, name, &found) <=
	    0) {
		buf_free(&found);
		return NULL;
	}
	bytes = buf_detach(&found, &len);
	if (call_keep(call, bytes) < 0 ||
	    encode_decode(bytes, len, call->arena, &value) < 0)
		return NULL;
	return host_give(value);
}

static bool
set(struct ph_call *ph, const char *name, const struct ph_value *value)
{
	static struct log_gate gate;
	struct call *call = host_call(ph);
	struct session_visit *visit = writable(call, "ph_session_set()");
	struct session_entry entry = { .kind = SESSION_ENTRY,
		.name = name,
		.expires_ms = INT64_MAX };
	struct buf bytes = BUF_EMPTY;
	const char *why = NULL;
	unsigned suppressed;
	int64_t until_ms = 0;
	int rc;

	if (visit == NULL)
		return false;
	rc = encode_stored(host_take(value), &bytes, &why);
	if (rc < 0 || strlen(name) > SESSION_NAME_MAX) {
		call_error(call, "ph_session_set(\"%.40s\"): %s", name,
		    rc < 0 ? why : "the name is too long");
		buf_free(&bytes);
		return false;
	}
	entry.scope = visit->scope;
	entry.data = bytes.data;
	entry.len = bytes.len;
	do
		rc = session_put(call->kit->cache, visit->ticket.id, &entry);
	while (memo_try_again(call->kit, rc, &until_ms));
	buf_free(&bytes);
	if (rc == ERR_TOO_BIG && log_gate_open(&gate, &suppressed))
		log_warn(rc, "session.quota",
		    "callback=%s name=%.40s session_quota is used up "
		    "suppressed=%u",
		    call->name, name, suppressed);
	return rc > 0;
}

static bool
remove_entry(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);
	struct session_visit *visit = writable(call, "ph_session_delete()");
	int64_t until_ms = 0;
	int rc;

	if (visit == NULL)
		return false;
	do
		rc = session_delete(call->kit->cache, visit->scope,
		    SESSION_ENTRY, name);
	while (memo_try_again(call->kit, rc, &until_ms));
	return rc > 0;
}

static bool
rotate(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	struct session_visit *visit = writable(call, "ph_session_rotate()");
	struct session_ticket fresh;
	struct session_life life;
	int64_t until_ms = 0;
	int rc;

	if (visit == NULL || session_ticket_new(&fresh) < 0)
		return false;
	life = session_ticket_life(call->kit->options, &fresh);
	do
		rc = session_rotate(call->kit->cache, visit->ticket.id,
		    fresh.id, &life);
	while (memo_try_again(call->kit, rc, &until_ms));
	if (rc != SESSION_LIVE)
		return false;
	visit->ticket = fresh;
	visit->made = true;
	return true;
}

static bool
end(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	struct session_visit *visit = writable(call, "ph_session_end()");
	int64_t until_ms = 0;
	int rc;

	if (visit == NULL)
		return false;
	do
		rc = session_end(call->kit->cache, visit->ticket.id);
	while (memo_try_again(call->kit, rc, &until_ms));
	if (rc < 0)
		return false;
	memset(&visit->ticket, 0, sizeof(visit->ticket));
	call->session = NULL;
	call->user = NULL;
	visit->open = false;
	visit->made = false;
	visit->ended = true;
	return true;
}

static bool
set_user(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);
	struct session_visit *visit = writable(call, "ph_set_user()");
	int64_t until_ms = 0;
	int rc;

	if (name == NULL)
		name = "";
	if (visit == NULL)
		return false;
	if (strlen(name) > SESSION_USER_MAX) {
		call_error(call,
		    "ph_set_user(\"%.40s...\"): longer than %d "
		    "bytes",
		    name, SESSION_USER_MAX);
		return false;
	}
	/* First the new id, so that nobody has the old one with the name. */
	if (strcmp(visit->user, name) != 0 && !rotate(ph))
		return false;
	do
		rc = session_set_user(call->kit->cache, visit->ticket.id, name);
	while (memo_try_again(call->kit, rc, &until_ms));
	if (rc <= 0)
		return false;
	call->user = NULL;
	memcpy(visit->user, name, strlen(name) + 1);
	return true;
}

static const struct ph_value *
store(struct ph_call *ph, const struct ph_value *value)
{
	const struct value *handle =
	    session_store_put(host_call(ph), host_take(value));

	return handle != NULL ? host_give(handle) : NULL;
}

static const char *
lost(struct ph_call *ph, const char *what)
{
	struct call *call = host_call(ph);
	const struct callback *callback = call->callback;
	const char *why = "";
	uint32_t i;

	for (i = 0; callback != NULL && i < callback->arg_count; i++) {
		if (!host_is_what(call->arena, &callback->inputs[i], what))
			continue;
		(void)session_resolve(call, &call->args->u.items[i], &why);
		return why;
	}
	call_error(call, "ph_lost(\"%s\"): not an input or state of %s", what,
	    call->name);
	return "";
}

static int64_t
count(struct ph_call *ph, int64_t *limit)
{
	struct call *call = host_call(ph);
	int64_t sessions;
	int rc = ERR_BUSY;

	*limit = -1;
	if (session_scope(call, "ph_session_count()") == NULL ||
	    call->kit->cache == NULL)
		return -1;
	rc = session_count(call->kit->cache, &sessions, limit);
	return rc == 0 ? sessions : -1;
}

static bool
forget(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	struct session_visit *visit = writable(call, "ph_session_forget()");
	char group[sizeof(SESSION_GROUP) + SESSION_SCOPE_LEN];
	int64_t until_ms = 0;
	int rc;

	if (visit == NULL || memo_store_is_failing(call->kit))
		return false;
	(void)snprintf(group, sizeof(group), SESSION_GROUP "%s", visit->scope);
	do
		rc = cache_forget(call->kit->cache, CACHE_GROUP_SCOPE, group);
	while (memo_try_again(call->kit, rc, &until_ms));
	return rc == 0;
}

const struct ph_session_host host_session_table = {
	.size = sizeof(struct ph_session_host),
	.declare = declare,
	.id = id,
	.user = user,
	.set_user = set_user,
	.get = get,
	.set = set,
	.remove = remove_entry,
	.rotate = rotate,
	.end = end,
	.store = store,
	.lost = lost,
	.set_header = host_set_header,
	.set_cookie = host_set_cookie,
	.count = count,
	.forget = forget,
};
