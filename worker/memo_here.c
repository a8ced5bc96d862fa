/* SPDX-License-Identifier: MIT */

/*
 * A memoized function without the store, or one whose value is too large for
 * it: run on the thread that wants the value, once for all threads of this
 * worker that want it (together.h).
 *
 * FAILURE  What the function does wrong is an error of each call that wanted
 *          its value.
 */
#include "worker/memo_here.h"

#include <string.h>

#include "cache/encode.h"
#include "server/base/clock.h"
#include "server/base/fd.h"
#include "worker/crash.h"
#include "worker/host.h"
#include "worker/together.h"

#define INLINE_DEPTH 16 /* of values computed inside values */

const struct value *
memo_here(struct call *call, const struct computation *computation,
    const struct value *args)
{
	struct call inner;
	enum ph_status status;

	if (call->depth >= INLINE_DEPTH) {
		call_error(call, "%s: computations nest deeper than %d",
		    computation->name, INLINE_DEPTH);
		return NULL;
	}
	call_init(&inner, call->kit, call->arena, CALL_FUNCTION,
	    computation->name, args);
	inner.depth = call->depth + 1;
	inner.computation = computation;
	inner.blobs = call->blobs;
	inner.own_key = call->own_key; /* circles are found through it */
	inner.own_epoch = call->own_epoch;
	inner.may_stop = call->may_stop;
	inner.since_ms = call->since_ms;
	inner.asked_us = call->asked_us;
	inner.nonce = call->nonce;
	inner.client = call->client;
	inner.held = call->held;
	inner.waited_key = call->waited_key;
	if (computation->scope == PH_SCOPE_SESSION)
		inner.session = call->session;
	if (computation->scope == PH_SCOPE_USER)
		inner.user = call->user;
	call_enter(&inner);
	status = call_run(&inner, computation->run);
	call_leave(&inner);
	call->blobs = inner.blobs; /* the result may point into them */
	call->cancelled |= inner.cancelled;
	if (inner.waited_bytes != NULL) {
		call->waited_bytes = inner.waited_bytes;
		call->waited_len = inner.waited_len;
	}
	if (!inner.failed && status == PH_WAIT && inner.waits) {
		call->waits = true; /* the store works for that one */
		call->wanted_new |= inner.wanted_new;
		call->wait_may_stop = inner.wait_may_stop;
		memcpy(call->wait_key, inner.wait_key, CACHE_KEY_LEN);
		return NULL;
	}
	if (inner.failed || status != PH_OK) {
		call_error(call, "%s",
		    inner.failed ? inner.error : "the function gave no value");
		return NULL;
	}
	return inner.result != NULL ? inner.result : &call_null_value;
}

static int64_t
forgets(const struct toolkit *kit)
{
	return kit->cache != NULL ? cache_forgets(kit->cache) : -1;
}

void
memo_watch_begin(struct memo_watch *watch, const struct toolkit *kit)
{
	watch->began_us = clock_mono_us(); /* before the look */
	watch->forgets = forgets(kit);
}

int64_t
memo_watch_end(const struct memo_watch *watch, const struct toolkit *kit)
{
	int64_t now_us = clock_mono_us(); /* as above */

	return forgets(kit) == watch->forgets ? now_us : watch->began_us;
}

/* Has the call a value from before it ran this time? */
static bool
has_older(const struct call *call, const uint8_t *key)
{
	return call->held != NULL ||
	       (call->waited_key != NULL &&
		   memcmp(call->waited_key, key, CACHE_KEY_LEN) != 0);
}

/* Run it, and leave a copy for those who wait. */
static const struct value *
lead(struct call *call, const struct computation *computation,
    const struct value *args, const uint8_t *key)
{
	struct together_result result = { .error = false };
	bool told = crash_leads(key);
	const struct value *value;
	struct memo_watch watch;
	struct buf bytes = BUF_EMPTY;
	const char *why = NULL;

	memo_watch_begin(&watch, call->kit);
	value = memo_here(call, computation, args);
	if (told)
		(void)crash_leads(NULL);
	result.serves_us = memo_watch_end(&watch, call->kit);
	if (has_older(call, key))
		result.serves_us = memo_asked_us(call);
	if (value != NULL && encode_stored(value, &bytes, &why) == 0) {
		result.data = bytes.data;
		result.len = bytes.len;
	} else if (value == NULL && call->failed) {
		result.error = true;
		result.data = call->error;
		result.len = strlen(call->error);
	}
	if (together_end(key, &result) && call->kit->bell != NULL)
		fd_event_wake(call->kit->mail_fd);
	buf_free(&bytes);
	return value;
}

/* Wait for another thread, or for a turn: the loop looks when it ends. */
static void
wait_for(struct call *call, const uint8_t *key)
{
	call->waits = true;
	call->wait_may_stop = false; /* no row says that anybody waits */
	memcpy(call->wait_key, key, CACHE_KEY_LEN);
}

/* The bytes that another thread has left. They are kept with the task, if it
 * has waited for them and has to wait once more. */
static const struct value *
decode(struct call *call, const uint8_t *key, struct buf *found)
{
	struct value *value = NULL;
	size_t len;
	void *bytes = buf_detach(found, &len);
	int rc = call_keep(call, bytes);

	if (rc == 0)
		rc = encode_decode(bytes, len, call->arena, &value);
	if (rc < 0)
		call_error(call, "%s: out of memory", call->name);
	if (rc == 0 && call->waited_key != NULL &&
	    memcmp(call->waited_key, key, CACHE_KEY_LEN) == 0) {
		call->waited_bytes = bytes;
		call->waited_len = len;
	}
	return rc < 0 ? NULL : value;
}

int64_t
memo_asked_us(const struct call *call)
{
	return call->asked_us > 0 ? call->asked_us : clock_mono_us();
}

const struct value *
memo_together(struct call *call, const struct computation *computation,
    const struct value *args, const struct cache_question *question)
{
	struct buf found = BUF_EMPTY;
	const struct value *value = NULL;
	int64_t serves_us;

	/* Who has no cache at all has not asked for this, either. */
	if (strcmp(call->kit->cache_options->cache_type, "null") == 0)
		return memo_here(call, computation, args);
	switch (together_join(question->key, memo_asked_us(call),
	    question->since_ms, &found, &serves_us)) {
	case TOGETHER_LEAD:
		value = lead(call, computation, args, question->key);
		break;
	case TOGETHER_DONE:
		value = decode(call, question->key, &found);
		break;
	case TOGETHER_ERROR:
		call_error(call, "%s",
		    buf_cstr(&found) != NULL ? found.data : "failed");
		break;
	case TOGETHER_WAIT:
		wait_for(call, question->key);
		break;
	case TOGETHER_ALONE:
		value = memo_here(call, computation, args);
		break;
	}
	buf_free(&found);
	return value;
}
