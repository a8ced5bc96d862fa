/* SPDX-License-Identifier: MIT */

/*
 * ph_memo(): one process computes, many callbacks read.
 *
 * A hit is decoded in place and costs one read of the database. A miss asks
 * for the value in the signal table and gives NULL; the callback returns
 * PH_WAIT, its thread is free, and it runs again when the value is there.
 * When the store fails, the value is computed right here instead: a broken
 * cache makes the server slower, never wrong and never silent (the cache has
 * logged it).
 *
 * OWNERSHIP  Values live in the arena of the call; the bytes they point into
 *            are kept by the call.
 * THREADS    Pool threads.
 */
#include "worker/memo.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/memo_key.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "worker/host.h"
#include "worker/host_cache.h"

#define INLINE_DEPTH 16      /* of values computed inside values */
#define BUSY_PATIENCE_MS 750 /* with somebody else's write lock */
#define STORE_PAUSE_MS 5000  /* without the store after it failed */
#define LOOKUP_TRIES 3       /* published and evicted in between */

int
memo_key_of(const struct toolkit *kit, const struct computation *computation,
    bool is_callback, const void *arguments, size_t len,
    uint8_t key[CACHE_KEY_LEN])
{
	/* A fingerprint is 64 characters, so no scope name equals one. */
	return memo_key(kit->cache_options->cache_key_prefix, computation->name,
	    computation->version, is_callback ? kit->app->fingerprint : "",
	    arguments, len, key);
}

int64_t
memo_ttl_ms(const struct toolkit *kit, const struct computation *computation)
{
	double seconds = computation->timeout;

	if (seconds == 0.0) {
		seconds = kit->cache_options->cache_default_timeout;
		if (seconds == 0.0)
			return -1;
	}
	return seconds < 0 ? -1 : (int64_t)(seconds * 1000);
}

#define JITTER_MS 10000 /* shorter lives are kept exactly */

void
memo_life(const struct toolkit *kit, const struct computation *computation,
    int64_t epoch, struct cache_life *life)
{
	int64_t ms = memo_ttl_ms(kit, computation);
	uint64_t mixed = (uint64_t)epoch * UINT64_C(0x9e3779b97f4a7c15) >> 32;

	if (ms >= JITTER_MS)
		ms -= (int64_t)((uint64_t)(ms / 20) * (mixed & 0xffff) >> 16);
	life->fresh_ms = ms;
	life->stale_ms =
	    computation->stale < 0 ? -1 : (int64_t)(computation->stale * 1000);
}

bool
memo_store_is_failing(const struct toolkit *kit)
{
	return kit->cache == NULL ||
	       (kit->inline_until_ms != NULL &&
		   atomic_load(kit->inline_until_ms) > clock_boot_ms());
}

bool
memo_store_is_stuck(struct toolkit *kit, int rc)
{
	int64_t now_ms = clock_boot_ms();

	if (rc != ERR_BUSY) {
		kit->busy_since_ms = 0;
		return false;
	}
	if (kit->busy_since_ms == 0)
		kit->busy_since_ms = now_ms;
	/* No pause: the next question finds out whether it is free again. */
	return now_ms - kit->busy_since_ms >= BUSY_PATIENCE_MS;
}

void
memo_store_failed(const struct toolkit *kit)
{
	if (kit->inline_until_ms != NULL)
		atomic_store(kit->inline_until_ms,
		    clock_boot_ms() + STORE_PAUSE_MS);
}

/*
 * The value in the store, or NULL (rc says why: 0 is a plain miss). With
 * *rc CACHE_STALE the value is to be made anew.
 */
static const struct value *
look_up(struct call *call, const uint8_t key[CACHE_KEY_LEN], int64_t since_ms,
    int *rc)
{
	struct buf blob = BUF_EMPTY;
	enum cache_format format;
	struct value *value = NULL;
	void *bytes;
	size_t len;
	int found;

	found =
	    cache_lookup_since(call->kit->cache, key, since_ms, &blob, &format);
	*rc = found;
	if ((found != CACHE_HIT && found != CACHE_STALE) ||
	    format != CACHE_FORMAT_VALUE) {
		buf_free(&blob);
		if (*rc > 0)
			*rc = 0;
		return NULL;
	}
	bytes = buf_detach(&blob, &len);
	*rc = call_keep(call, bytes);
	if (*rc == 0)
		*rc = encode_decode(bytes, len, call->arena, &value);
	if (*rc < 0)
		return NULL;
	*rc = found;
	return value;
}

/*
 * The value may be used but should be made anew: have some thread do it, and
 * go on. Whoever asks meanwhile finds that it is being done.
 */
static void
renew(struct call *call, const struct cache_question *question, int64_t seen_ms)
{
	struct cache_question anew = *question;

	if (call->kit->on_loop || memo_store_is_failing(call->kit))
		return;
	anew.since_ms = seen_ms;
	anew.asker = NULL;
	if (cache_ask_for(call->kit->cache, &anew, NULL, NULL) ==
	    CACHE_WANTED_NEW)
		cache_hint_all(call->kit->cache);
}

/* Run the function here and now, without the store. */
static const struct value *
compute_here(struct call *call, const struct computation *computation,
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
	call_enter(&inner);
	status = computation->run((struct ph_call *)(void *)&inner);
	call_leave(&inner);
	call->blobs = inner.blobs; /* the result may point into them */
	if (!inner.failed && status == PH_WAIT && inner.waits) {
		call->waits = true; /* the store works for that one */
		call->wanted_new |= inner.wanted_new;
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

/* Ask for a value that is not there. NULL: wait, or the call has failed. */
static const struct value *
ask(struct call *call, const struct computation *computation,
    const struct value *args, const struct cache_question *question)
{
	struct buf error = BUF_EMPTY;
	const struct value *value = NULL;
	int tries;
	int rc = CACHE_READY;

	for (tries = 0; tries < LOOKUP_TRIES && rc == CACHE_READY; tries++) {
		rc = cache_ask_for(call->kit->cache, question, NULL, &error);
		if (rc == CACHE_READY)
			value = look_up(call, question->key, question->since_ms,
			    &rc);
		if (value != NULL)
			goto out;
		if (rc == 0)
			rc = CACHE_READY; /* gone again: ask again */
	}
	if (memo_store_is_stuck(call->kit, rc))
		rc = ERR_STORE;
	/* Busy: another look in a moment is cheaper than computing twice. */
	if (rc == CACHE_WAITING || rc == CACHE_WANTED_NEW || rc == ERR_BUSY) {
		call->waits = true;
		call->wanted_new |= rc == CACHE_WANTED_NEW;
		memcpy(call->wait_key, question->key, CACHE_KEY_LEN);
	} else if (rc == CACHE_FAILED) {
		call_error(call, "%s: %s", computation->name,
		    buf_cstr(&error) != NULL ? error.data : "failed");
	} else if (rc == ERR_CYCLE) {
		call_error(call, "%s: the value depends on itself",
		    computation->name);
	} else {
		value = compute_here(call, computation, args);
	}
out:
	buf_free(&error);
	return value;
}

int
memo_name(struct call *call, const struct computation *computation,
    const struct value *args, struct buf *encoded, uint8_t key[CACHE_KEY_LEN])
{
	int rc;

	rc = encode_value(args, encoded);
	if (rc < 0) {
		call_error(call, "ph_memo(%s): an argument cannot be a key: %s",
		    computation->name, err_str(rc));
		return rc;
	}
	return memo_key_of(call->kit, computation, false, encoded->data,
	    encoded->len, key);
}

static const struct value *
memo(struct call *call, const struct computation *computation,
    const struct value *args, int64_t since_ms)
{
	struct buf encoded = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];
	struct cache_question question = { .key = key,
		.asker = call->own_key,
		.function = computation->name,
		.since_ms = since_ms };
	const struct value *value = NULL;
	int64_t seen_ms = clock_wall_ms();
	int rc;

	rc = memo_name(call, computation, args, &encoded, key);
	if (call->failed)
		goto out;
	if (rc < 0 || call->kit->cache == NULL) {
		if (call->kit->on_loop)
			call_error(call,
			    "ph_memo(%s): a page function needs .blocking",
			    computation->name);
		else
			value = compute_here(call, computation, args);
		goto out;
	}
	question.arguments = encoded.data;
	question.arguments_len = encoded.len;
	value = look_up(call, key, since_ms, &rc);
	if (value != NULL) {
		if (rc == CACHE_STALE)
			renew(call, &question, seen_ms);
		goto out;
	}
	if (call->kit->on_loop)
		call_error(call,
		    "ph_memo(%s): not there yet, and a page function must not "
		    "wait: give ph_layout() .blocking = true",
		    computation->name);
	else if ((rc < 0 && rc != ERR_BUSY) || memo_store_is_failing(call->kit))
		value = compute_here(call, computation, args);
	else
		value = ask(call, computation, args, &question);
out:
	buf_free(&encoded);
	return value;
}

const struct computation *
memo_find(struct call *call, ph_function *function,
    const struct ph_value *const *arguments, size_t count, const char *verb,
    struct value **args)
{
	const struct computation *computation;
	size_t i;

	computation = app_find_function(call->kit->app, function);
	if (call->kind == CALL_CREATE || computation == NULL) {
		call_error(call, "%s: %s of a function that %s", call->name,
		    verb,
		    computation == NULL ? "ph_memoize() does not know"
					: "a create function cannot wait for");
		return NULL;
	}
	if (call->failed)
		return NULL;
	*args = value_array(call->arena, (uint32_t)count);
	if (*args == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return NULL;
	}
	for (i = 0; i < count; i++)
		(*args)->u.items[i] = *host_take(arguments[i]);
	return computation;
}

static const struct ph_value *
give_memo(struct call *call, ph_function *function,
    const struct ph_value *const *arguments, size_t count, const char *verb,
    int64_t since_ms)
{
	const struct computation *computation;
	const struct value *value;
	struct value *args = NULL;

	computation = memo_find(call, function, arguments, count, verb, &args);
	if (computation == NULL)
		return NULL;
	value = memo(call, computation, args, since_ms);
	return value != NULL ? host_give(value) : NULL;
}

const struct ph_value *
host_memo(struct ph_call *ph, ph_function *function,
    const struct ph_value *const *arguments, size_t count)
{
	return give_memo(host_call(ph), function, arguments, count, "ph_memo()",
	    0);
}

const struct ph_value *
host_memo_new(struct ph_call *ph, ph_function *function,
    const struct ph_value *const *arguments, size_t count)
{
	struct call *call = host_call(ph);

	return give_memo(call, function, arguments, count, "ph_memo_new()",
	    call->since_ms);
}
