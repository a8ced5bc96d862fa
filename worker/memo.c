/* SPDX-License-Identifier: MIT */

/*
 * ph_memo(): one process computes, many callbacks read.
 *
 * A hit is decoded in place and costs one read of the database. A miss asks
 * for the value in the signal table and gives NULL; the callback returns
 * PH_WAIT, its thread is free, and it runs again when the value is there.
 * When the store fails, or a value is too large for it, the value is computed
 * right here instead: a broken
 * cache makes the server slower, never wrong and never silent (the cache has
 * logged it).
 *
 * OWNERSHIP  Values live in the arena of the call; the bytes they point into
 *            are kept by the call.
 * THREADS    Pool threads.
 */
#include "worker/memo.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/now.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "worker/held.h"
#include "worker/host.h"
#include "worker/host_cache.h"
#include "worker/memo_here.h"
#include "worker/together.h"

#define BUSY_PATIENCE_MS 750 /* with somebody else's write lock */
#define WRITE_PATIENCE_MS 1000
#define PUBLISH_PATIENCE_MS 5000
#define STORE_PAUSE_MS 5000   /* without the store after it failed */
#define MEMO_ARGUMENTS_MAX 16 /* members of struct ph_memo_options */
#define LOOKUP_TRIES 3        /* published and evicted in between */

static int64_t
to_ms(double seconds)
{
	return seconds < 0 ? -1 : (int64_t)(seconds * 1000);
}

/* As an asker says it, for whom 0 is "not said". */
static int64_t
said_ms(double seconds)
{
	int64_t ms = to_ms(seconds);

	return seconds > 0 && ms == 0 ? 1 : ms;
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
	return to_ms(seconds);
}

int64_t
memo_error_ms(const struct toolkit *kit, const struct computation *computation)
{
	double seconds = computation->error_timeout;

	if (seconds == 0.0)
		seconds = kit->cache_options->compute_error_timeout;
	return to_ms(seconds);
}

#define JITTER_MS 10000 /* shorter lives are kept exactly */

void
memo_life(const struct toolkit *kit, const struct computation *computation,
    const struct cache_claim *claim, bool is_null, struct cache_life *life)
{
	uint64_t mixed =
	    (uint64_t)claim->epoch * UINT64_C(0x9e3779b97f4a7c15) >> 32;
	int64_t ms = memo_ttl_ms(kit, computation);

	life->stale_ms = to_ms(computation->stale);
	if (claim->fresh_ms != 0)
		ms = claim->fresh_ms;
	if (claim->stale_ms != 0)
		life->stale_ms = claim->stale_ms;
	if (is_null && computation->null_timeout != 0.0) {
		ms = said_ms(computation->null_timeout);
		life->stale_ms = 0;
	}
	if (claim->fresh_ms == MEMO_ONCE)
		ms = 0;
	if (ms >= JITTER_MS)
		ms -= (int64_t)((uint64_t)(ms / 20) * (mixed & 0xffff) >> 16);
	life->fresh_ms = ms;
}

bool
memo_store_is_failing(const struct toolkit *kit)
{
	return kit->cache == NULL ||
	       (kit->inline_until_ms != NULL &&
		   atomic_load(kit->inline_until_ms) > clock_boot_ms());
}

bool
memo_store_is_stuck(int rc)
{
	/* No pause: the next question finds out whether it is free again. */
	return rc == ERR_BUSY && cache_locked_ms() >= BUSY_PATIENCE_MS;
}

static bool
try_until(struct toolkit *kit, int rc, int64_t *until_ms, int64_t least_ms)
{
	int64_t now_ms = clock_boot_ms();
	int64_t busy_ms =
	    (int64_t)(kit->cache_options->cache_busy_timeout * 1000);

	/* The first try has waited for as long as it may. */
	if (*until_ms == 0)
		*until_ms =
		    now_ms + (least_ms > busy_ms ? least_ms - busy_ms : 0);
	return rc == ERR_BUSY && now_ms < *until_ms;
}

bool
memo_try_again(struct toolkit *kit, int rc, int64_t *until_ms)
{
	return !memo_store_is_stuck(rc) &&
	       try_until(kit, rc, until_ms, WRITE_PATIENCE_MS);
}

bool
memo_try_longer(struct toolkit *kit, int rc, int64_t *until_ms)
{
	return try_until(kit, rc, until_ms, PUBLISH_PATIENCE_MS);
}

void
memo_store_failed(const struct toolkit *kit)
{
	if (kit->inline_until_ms != NULL)
		atomic_store(kit->inline_until_ms,
		    clock_boot_ms() + STORE_PAUSE_MS);
}

/* Decode the bytes under a key, which live at least as long as the call. */
static const struct value *
decode(struct call *call, void *bytes, size_t len, int *rc)
{
	struct value *value = NULL;
	int decoded = encode_decode(bytes, len, call->arena, &value);

	if (decoded < 0)
		*rc = decoded;
	return decoded < 0 ? NULL : value;
}

/*
 * The value in the store, or NULL (rc says why: 0 is a plain miss). With
 * *rc CACHE_STALE the value is to be made anew. A value that this work has
 * waited for may be one that only those who waited get.
 */
static const struct value *
look_up(struct call *call, const uint8_t key[CACHE_KEY_LEN], int64_t since_ms,
    int *rc)
{
	struct cache *cache = call->kit->cache;
	struct buf blob = BUF_EMPTY;
	enum cache_format format;
	const struct held *held = held_find(call->held, key);
	bool waited = call->waited_key != NULL &&
		      memcmp(call->waited_key, key, CACHE_KEY_LEN) == 0;
	void *bytes;
	size_t len;

	if (held != NULL) {
		*rc = CACHE_HIT;
		return decode(call, held->bytes, held->len, rc);
	}
	*rc = waited ? cache_lookup_waited(cache, key, since_ms, &blob, &format)
		     : cache_lookup_since(cache, key, since_ms, &blob, &format);
	if ((*rc != CACHE_HIT && *rc != CACHE_STALE) ||
	    format != CACHE_FORMAT_VALUE) {
		buf_free(&blob);
		if (*rc > 0)
			*rc = 0;
		return NULL;
	}
	bytes = buf_detach(&blob, &len);
	if (call_keep(call, bytes) < 0) {
		*rc = -ENOMEM;
		return NULL;
	}
	if (waited) {
		call->waited_bytes = bytes;
		call->waited_len = len;
	}
	return decode(call, bytes, len, rc);
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

/* Note what this call has to wait for. */
static void
wait_for(struct call *call, const struct cache_question *question, int rc)
{
	call->waits = true;
	call->wanted_new |= rc == CACHE_WANTED_NEW;
	call->wait_may_stop = question->may_stop;
	memcpy(call->wait_key, question->key, CACHE_KEY_LEN);
}

/*
 * Ask until there is an answer other than "it is there" for a value that is
 * not: published and evicted in between. The value, or NULL and *rc.
 */
static const struct value *
ask_or_read(struct call *call, const struct cache_question *question,
    struct buf *error, int *rc)
{
	const struct value *value = NULL;
	int tries;

	*rc = CACHE_READY;
	for (tries = 0; tries < LOOKUP_TRIES && *rc == CACHE_READY; tries++) {
		*rc = cache_ask_for(call->kit->cache, question, NULL, error);
		if (*rc == CACHE_READY)
			value = look_up(call, question->key, question->since_ms,
			    rc);
		if (value != NULL)
			break;
		if (*rc == 0)
			*rc = CACHE_READY; /* gone again: ask again */
	}
	return value;
}

/*
 * Results under this key are not stored, so nobody waits for another's: have
 * one computed for this call alone, under a key of its own.
 */
static const struct value *
ask_for_own(struct call *call, const struct cache_question *question,
    struct buf *error, int *rc)
{
	struct cache_question own = *question;
	uint8_t key[CACHE_KEY_LEN];
	const struct value *value;

	*rc = memo_private_key(call, question->key, key);
	if (*rc < 0)
		return NULL;
	own.key = key;
	own.since_ms = 0;
	own.fresh_ms = MEMO_ONCE;
	value = look_up(call, key, 0, rc);
	if (value == NULL && *rc >= 0)
		value = ask_or_read(call, &own, error, rc);
	if (*rc == CACHE_WAITING || *rc == CACHE_WANTED_NEW || *rc == ERR_BUSY)
		wait_for(call, &own, *rc);
	return value;
}

/* Ask for a value that is not there. NULL: wait, or the call has failed. */
static const struct value *
ask(struct call *call, const struct computation *computation,
    const struct value *args, const struct cache_question *question)
{
	struct buf error = BUF_EMPTY;
	const struct value *value;
	int rc;

	value = ask_or_read(call, question, &error, &rc);
	/* Too large to be stored: once for all who want it here. */
	if (rc == CACHE_PASS && (error.len > 0 || together_knows(question->key,
						      memo_asked_us(call))))
		rc = ERR_STORE;
	if (rc == CACHE_PASS)
		value = ask_for_own(call, question, &error, &rc);
	if (value != NULL)
		goto out;
	if (memo_store_is_stuck(rc))
		rc = ERR_STORE;
	/* Busy: another look in a moment is cheaper than computing twice. */
	if (rc == CACHE_WAITING || rc == CACHE_WANTED_NEW || rc == ERR_BUSY) {
		if (!call->waits)
			wait_for(call, question, rc);
	} else if (rc == CACHE_FAILED) {
		call_error(call, "%s: %s", computation->name,
		    buf_cstr(&error) != NULL ? error.data : "failed");
	} else if (rc == ERR_CYCLE) {
		call_error(call, "%s: the value depends on itself",
		    computation->name);
	} else {
		value = memo_together(call, computation, args, question);
	}
out:
	buf_free(&error);
	return value;
}

/* Does the app want this one kept away from the cache? */
static bool
is_excepted(struct call *call, const struct computation *computation,
    const struct value *args, const struct ph_memo_options *options)
{
	struct call inner;
	bool excepted;

	if (options->unless || computation->unless == NULL)
		return options->unless;
	call_init(&inner, call->kit, call->arena, CALL_FUNCTION,
	    computation->name, args);
	inner.computation = computation;
	inner.no_memo = true;
	call_enter(&inner);
	excepted = call_ask(&inner, computation->unless);
	call_leave(&inner);
	if (inner.failed)
		call_error(call, "%s: its condition: %s", computation->name,
		    inner.error);
	return excepted;
}

/* Values made before this moment do not count for this call. An age that
 * reaches back before 1970 is any: the sign means something else. */
static int64_t
oldest_ms(const struct call *call, const struct ph_memo_options *options)
{
	int64_t age_ms = (int64_t)(options->max_age * 1000);

	if (options->fresh) /* nor those that were in the making */
		return -call->since_ms;
	return age_ms > 0 && age_ms < call->since_ms ? call->since_ms - age_ms
						     : 0;
}

/* Without the store, here and now; not where nothing may block. */
static const struct value *
compute_uncached(struct call *call, const struct computation *computation,
    const struct value *args)
{
	if (!call->kit->on_loop)
		return memo_here(call, computation, args);
	if (call_is_early(call))
		return NULL;
	call_error(call, "ph_memo(%s): a page function needs .blocking",
	    computation->name);
	return NULL;
}

/* Nobody here could write just now: the store is not asked for what another
 * thread is computing, or has. */
static bool
is_known_here(const struct call *call, const uint8_t *key)
{
	return cache_locked_ms() != 0 && call->asked_us > 0 &&
	       together_knows(key, call->asked_us);
}

static const struct value *
memo(struct call *call, const struct computation *computation,
    const struct value *args, const struct ph_memo_options *options)
{
	struct memo_name name = { .arguments = BUF_EMPTY, .scope = BUF_EMPTY };
	struct cache_question question = { .key = name.key,
		.asker = call->own_key,
		.function = computation->name,
		.code = memo_code(call->kit->app, computation, false),
		.client = call->client,
		.fresh_ms = said_ms(options->timeout),
		.stale_ms = said_ms(options->stale),
		.may_stop = computation->may_stop,
		.since_ms = oldest_ms(call, options) };
	const struct value *value = NULL;
	int64_t seen_ms = cache_now_ms();
	int rc;

	if (is_excepted(call, computation, args, options))
		return compute_uncached(call, computation, args);
	rc = memo_name(call, computation, args, options->key, &name);
	if (call->failed)
		goto out;
	if (rc < 0 || call->kit->cache == NULL) {
		/* A thread of the pool that could not open the store. */
		value = rc == 0 && call->kit->bell != NULL
			    ? memo_together(call, computation, args, &question)
			    : compute_uncached(call, computation, args);
		goto out;
	}
	question.arguments = name.arguments.data;
	question.arguments_len = name.arguments.len;
	question.scope = name.scope.data;
	value = look_up(call, name.key, question.since_ms, &rc);
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
	else if ((rc < 0 && rc != ERR_BUSY) ||
		 memo_store_is_failing(call->kit) ||
		 is_known_here(call, name.key))
		value = memo_together(call, computation, args, &question);
	else
		value = ask(call, computation, args, &question);
out:
	memo_name_free(&name);
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
	if (call->kind == CALL_CREATE || call->no_memo || computation == NULL) {
		call_error(call, "%s: %s of a function that %s", call->name,
		    verb,
		    computation == NULL ? "ph_memoize() does not know"
		    : call->no_memo
			? "a key function and a condition cannot wait for"
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
    const struct ph_memo_options *options)
{
	const struct computation *computation;
	const struct value *value;
	struct value *args = NULL;

	computation = memo_find(call, function, arguments, count, verb, &args);
	if (computation == NULL)
		return NULL;
	value = memo(call, computation, args, options);
	return value != NULL ? host_give(value) : NULL;
}

const struct ph_value *
host_memo(struct ph_call *ph, ph_function *function,
    const struct ph_value *const *arguments, size_t count)
{
	static const struct ph_memo_options none;

	return give_memo(host_call(ph), function, arguments, count, "ph_memo()",
	    &none);
}

const struct ph_value *
host_memo_new(struct ph_call *ph, ph_function *function,
    const struct ph_value *const *arguments, size_t count)
{
	static const struct ph_memo_options fresh = { .fresh = true };

	return give_memo(host_call(ph), function, arguments, count,
	    "ph_memo_new()", &fresh);
}

bool
memo_is_time(double seconds)
{
	return (isfinite(seconds) && seconds >= 0 && seconds < 1e10) ||
	       seconds == PH_FOREVER;
}

const struct ph_value *
host_memo_with(struct ph_call *ph, const struct ph_memo_options *options)
{
	struct call *call = host_call(ph);
	const struct ph_value *const *arguments = &options->a0;
	size_t count = 0;

	if (!memo_is_time(options->timeout) || !memo_is_time(options->stale) ||
	    !memo_is_time(options->max_age)) {
		call_error(call,
		    "%s: ph_memo_with(): %s is not a number of seconds",
		    call->name,
		    !memo_is_time(options->timeout) ? ".timeout"
		    : !memo_is_time(options->stale) ? ".stale"
						    : ".max_age");
		return NULL;
	}
	while (count < MEMO_ARGUMENTS_MAX && arguments[count] != NULL)
		count++;
	return give_memo(call, options->function, arguments, count,
	    "ph_memo_with()", options);
}
