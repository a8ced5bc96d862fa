/* SPDX-License-Identifier: MIT */

/*
 * What an app may do with the cache beside ph_memo(): say things about the
 * result it is making, forget values, keep entries of its own.
 *
 * THREADS  Pool threads; on the loop thread only reading is allowed.
 * FAILURE  A store that fails is "not there" or false, and the cache has
 *          logged it. What the app does wrong ends its call as an error.
 */
#include "worker/host_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/peek.h"
#include "cache/plain.h"
#include "server/base/board.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "worker/host.h"
#include "worker/job.h"
#include "worker/memo.h"
#include "worker/scratch.h"

#define PROGRESS_EVERY_US 100000

/* ---- about the result --------------------------------------------------- */

static void
no_store(struct ph_call *ph)
{
	host_call(ph)->no_store = true;
}

static void
tag(struct ph_call *ph, const char *text)
{
	struct call *call = host_call(ph);
	char *copy;
	size_t len = strlen(text);

	if (call->tag_count == CACHE_TAGS_MAX) {
		call_error(call, "%s: ph_tag(): more than %d tags", call->name,
		    CACHE_TAGS_MAX);
		return;
	}
	copy = arena_alloc(scratch_lasting_arena(call), len + 1);
	if (copy == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return;
	}
	memcpy(copy, text, len + 1);
	call->tags[call->tag_count++] = copy;
}

static void
progress(struct ph_call *ph, double part)
{
	struct call *call = host_call(ph);
	int64_t now_us = clock_mono_us();

	if (call->own_key == NULL || call->kit->cache == NULL || !(part >= 0) ||
	    part > 1)
		return;
	/* A loop may call this for each of a million rows. */
	if (call->progress_us != 0 &&
	    now_us - call->progress_us < PROGRESS_EVERY_US)
		return;
	call->progress_us = now_us;
	(void)cache_progress(call->kit->cache, call->own_key, call->own_epoch,
	    (int)(part * 1000));
}

static bool
cancelled(struct ph_call *ph)
{
	return job_is_cancelled(host_call(ph)) ||
	       call_is_cancelled(host_call(ph), false);
}

/* ---- keys and rights ---------------------------------------------------- */

/* The connection, or NULL: there is none, or the call may not write. */
static struct cache *
writable(struct call *call, const char *verb)
{
	if (call_is_early(call))
		return NULL;
	if (call->kit->on_loop || call->kind == CALL_CREATE) {
		call_error(call, "%s: %s here: a %s function cannot",
		    call->name, verb,
		    call->kind == CALL_CREATE ? "create" : "layout");
		return NULL;
	}
	return memo_store_is_failing(call->kit) ? NULL : call->kit->cache;
}

static bool
entry_key(struct call *call, const char *name, uint8_t key[CACHE_KEY_LEN])
{
	return cache_entry_key(call->kit->cache_options->cache_key_prefix, name,
		   key) == 0;
}

/* False: call_error set. */
static bool
entry_life(struct call *call, const struct ph_cache_options *options,
    struct cache_life *life)
{
	struct computation like = { .timeout = options->timeout };

	memset(life, 0, sizeof(*life));
	if (!memo_is_time(options->timeout)) {
		call_error(call,
		    "%s: ph_cache: .timeout is not a number of seconds, nor "
		    "PH_FOREVER",
		    call->name);
		return false;
	}
	life->fresh_ms = memo_ttl_ms(call->kit, &like);
	if (options->tag != NULL) {
		life->tags = &options->tag;
		life->tag_count = 1;
	}
	return true;
}

/* ---- forgetting --------------------------------------------------------- */

static bool
forget_group_of(struct ph_call *ph, const char *verb, enum cache_group group,
    const char *name)
{
	struct call *call = host_call(ph);
	struct cache *cache = writable(call, verb);
	int64_t until_ms = 0;
	int rc;

	if (cache == NULL)
		return false;
	do
		rc = cache_forget(cache, group, name);
	while (memo_try_again(call->kit, rc, &until_ms));
	return rc == 0;
}

static bool
forget(struct ph_call *ph, ph_function *function)
{
	struct call *call = host_call(ph);
	const struct computation *computation =
	    app_find_function(call->kit->app, function);

	if (computation == NULL) {
		call_error(call,
		    "%s: ph_forget() of a function that ph_memoize() does not "
		    "know",
		    call->name);
		return false;
	}
	return forget_group_of(ph, "ph_forget()", CACHE_GROUP_FUNCTION,
	    computation->name);
}

static bool
forget_args(struct ph_call *ph, ph_function *function,
    const struct ph_value *const *arguments, size_t count)
{
	struct call *call = host_call(ph);
	struct cache *cache = writable(call, "ph_forget_args()");
	const struct computation *computation;
	struct memo_name name = { .arguments = BUF_EMPTY, .scope = BUF_EMPTY };
	struct value *args = NULL;
	int64_t until_ms = 0;
	int rc = ERR_STORE;

	computation = memo_find(call, function, arguments, count,
	    "ph_forget_args()", &args);
	if (cache != NULL && computation != NULL)
		rc = memo_name(call, computation, args, NULL, &name);
	if (rc == 0) {
		do
			rc = cache_forget_key(cache, name.key);
		while (memo_try_again(call->kit, rc, &until_ms));
	}
	memo_name_free(&name);
	return rc == 0;
}

static bool
forget_tag(struct ph_call *ph, const char *text)
{
	return forget_group_of(ph, "ph_forget_tag()", CACHE_GROUP_TAG, text);
}

static bool
forget_all(struct ph_call *ph)
{
	return forget_group_of(ph, "ph_forget_all()", CACHE_GROUP_ALL, "");
}

/* ---- an app's own entries ----------------------------------------------- */

/* Bytes of the store as a value that lives as long as the call, or NULL. */
static const struct value *
decode(struct call *call, struct buf *blob)
{
	struct value *value = NULL;
	size_t len;
	void *bytes = buf_detach(blob, &len);

	if (call_keep(call, bytes) < 0 ||
	    encode_decode(bytes, len, call->arena, &value) < 0)
		return NULL;
	return value;
}

static const struct value *
look_up(struct call *call, const char *name)
{
	struct buf blob = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	if (call->kit->cache == NULL || !entry_key(call, name, key))
		return NULL;
	rc = cache_lookup(call->kit->cache, key, &blob, &format);
	if (rc <= CACHE_MISS || format != CACHE_FORMAT_VALUE) {
		buf_free(&blob);
		return NULL;
	}
	return decode(call, &blob);
}

static const struct ph_value *
get(struct ph_call *ph, const char *name)
{
	const struct value *value = look_up(host_call(ph), name);

	return value != NULL ? host_give(value) : NULL;
}

static const struct ph_value *
get_many(struct ph_call *ph, const char *const *names, size_t count)
{
	struct call *call = host_call(ph);
	struct value *list = value_array(call->arena, (uint32_t)count);
	const struct value *value;
	bool began;
	size_t i;

	if (list == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return host_give(&call_null_value);
	}
	/* On the loop one may be open already; then it serves for this. */
	began = !call->kit->on_loop && call->kit->cache != NULL &&
		cache_read_begin(call->kit->cache) == 0;
	for (i = 0; i < count; i++) {
		value = look_up(call, names[i]);
		if (value != NULL)
			list->u.items[i] = *value;
	}
	if (began)
		cache_read_end(call->kit->cache);
	return host_give(list);
}

/* Put `count` values whose bytes stand one after the other in `bytes`. */
static bool
put(struct call *call, struct cache_entry *entries, size_t count,
    enum cache_put how, const struct ph_cache_options *options)
{
	struct cache *cache = writable(call, "ph_cache_set()");
	struct cache_life life;
	int64_t until_ms = 0;
	int rc;

	if (cache == NULL || !entry_life(call, options, &life))
		return false;
	do
		rc = cache_put(cache, entries, count, how, &life);
	while (memo_try_again(call->kit, rc, &until_ms));
	return rc > 0;
}

/* Key and bytes of one entry; `bytes` must live as long. */
static bool
fill(struct call *call, const char *name, const struct value *value,
    struct buf *bytes, struct cache_entry *entry)
{
	const char *why;

	if (encode_stored(value, bytes, &why) < 0) {
		call_error(call, "ph_cache_set(\"%s\"): %s", name, why);
		return false;
	}
	entry->data = bytes->data;
	entry->len = bytes->len;
	return entry_key(call, name, entry->key);
}

static bool
put_one(struct ph_call *ph, const char *name, const struct ph_value *value,
    enum cache_put how, const struct ph_cache_options *options)
{
	struct call *call = host_call(ph);
	struct buf bytes = BUF_EMPTY;
	struct cache_entry entry;
	bool done = fill(call, name, host_take(value), &bytes, &entry) &&
		    put(call, &entry, 1, how, options);

	buf_free(&bytes);
	return done;
}

static bool
set(struct ph_call *ph, const char *name, const struct ph_value *value,
    const struct ph_cache_options *options)
{
	return put_one(ph, name, value, CACHE_PUT_ALWAYS, options);
}

static bool
add(struct ph_call *ph, const char *name, const struct ph_value *value,
    const struct ph_cache_options *options)
{
	return put_one(ph, name, value, CACHE_PUT_ABSENT, options);
}

static bool
set_many(struct ph_call *ph, const struct ph_value *members,
    const struct ph_cache_options *options)
{
	struct call *call = host_call(ph);
	const struct value *object = host_take(members);
	struct cache_entry *entries;
	struct buf *bytes;
	bool ok = true;
	uint32_t i;

	if (object->kind != VALUE_OBJECT) {
		call_error(call,
		    "%s: ph_cache_set_many() of something that is "
		    "no object",
		    call->name);
		return false;
	}
	entries = arena_calloc(call->arena, object->count, sizeof(*entries));
	bytes = arena_calloc(call->arena, object->count, sizeof(*bytes));
	if (object->count > 0 && (entries == NULL || bytes == NULL)) {
		call_error(call, "%s: out of memory", call->name);
		return false;
	}
	for (i = 0; i < object->count; i++) {
		buf_init(&bytes[i], 0);
		ok = ok &&
		     fill(call, object->u.members[i].name,
			 &object->u.members[i].value, &bytes[i], &entries[i]);
	}
	ok = ok && put(call, entries, object->count, CACHE_PUT_ALWAYS, options);
	for (i = 0; i < object->count; i++)
		buf_free(&bytes[i]);
	return ok;
}

static bool
remove_entry(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);
	struct cache *cache = writable(call, "ph_cache_delete()");
	uint8_t key[CACHE_KEY_LEN];
	int64_t until_ms = 0;
	int rc;

	if (cache == NULL || !entry_key(call, name, key))
		return false;
	do
		rc = cache_remove(cache, key);
	while (memo_try_again(call->kit, rc, &until_ms));
	return rc > 0;
}

static const struct ph_value *
pop(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);
	struct cache *cache = writable(call, "ph_cache_pop()");
	struct buf blob = BUF_EMPTY;
	const struct value *value = NULL;
	uint8_t key[CACHE_KEY_LEN];
	int64_t until_ms = 0;
	int rc;

	if (cache == NULL || !entry_key(call, name, key))
		return NULL;
	do
		rc = cache_pop(cache, key, &blob);
	while (memo_try_again(call->kit, rc, &until_ms));
	if (rc > 0)
		value = decode(call, &blob);
	buf_free(&blob);
	return value != NULL ? host_give(value) : NULL;
}

static bool
swap(struct ph_call *ph, const char *name, const struct ph_value *expected,
    const struct ph_value *value, const struct ph_cache_options *options)
{
	struct call *call = host_call(ph);
	struct cache *cache = writable(call, "ph_cache_cas()");
	struct buf bytes = BUF_EMPTY;
	struct buf old = BUF_EMPTY;
	struct cache_entry entry;
	struct cache_life life;
	const char *why;
	int64_t until_ms = 0;
	int rc = 0;

	if (cache != NULL &&
	    fill(call, name, host_take(value), &bytes, &entry) &&
	    (expected == NULL ||
		encode_stored(host_take(expected), &old, &why) == 0) &&
	    entry_life(call, options, &life)) {
		do
			rc =
			    cache_swap(cache, &entry, old.data, old.len, &life);
		while (memo_try_again(call->kit, rc, &until_ms));
	}
	buf_free(&bytes);
	buf_free(&old);
	return rc > 0;
}

static bool
touch(struct ph_call *ph, const char *name,
    const struct ph_cache_options *options)
{
	struct call *call = host_call(ph);
	struct cache *cache = writable(call, "ph_cache_touch()");
	struct cache_life life;
	uint8_t key[CACHE_KEY_LEN];
	int64_t until_ms = 0;
	int rc;

	if (cache == NULL || !entry_key(call, name, key) ||
	    !entry_life(call, options, &life))
		return false;
	do
		rc = cache_touch(cache, key, &life);
	while (memo_try_again(call->kit, rc, &until_ms));
	return rc > 0;
}

static bool
increment(struct ph_call *ph, const char *name, int64_t by, int64_t *result)
{
	struct call *call = host_call(ph);
	struct cache *cache = writable(call, "ph_cache_incr()");
	uint8_t key[CACHE_KEY_LEN];
	int64_t sum = 0;
	int64_t until_ms = 0;
	int rc;

	if (cache == NULL || !entry_key(call, name, key))
		return false;
	do
		rc = cache_add_to(cache, key, by, &sum);
	while (memo_try_again(call->kit, rc, &until_ms));
	if (rc == 0 && result != NULL)
		*result = sum;
	return rc == 0;
}

/* One member of an object that was made for it. */
static void
put_member(struct value *object, uint32_t at, const char *name,
    struct value value)
{
	object->u.members[at] = (struct value_member){ .name = name,
		.name_len = (uint32_t)strlen(name),
		.value = value };
}

/* As the workers have told it last; -1: they have not. */
static int64_t
requests_for(const struct handoff *handoff, const uint8_t *key)
{
	struct board *board;
	int64_t requests = -1;
	bool more;

	if (handoff == NULL || handoff->board_fd < 0)
		return -1;
	board = malloc(sizeof(*board)); /* too large for a stack */
	if (board != NULL && board_read(handoff->board_fd, board) == 0)
		requests = board_waiting(board, key, &more);
	free(board);
	return requests;
}

static struct value
number(double x)
{
	return (struct value){ .kind = VALUE_DOUBLE, .u.number = x };
}

static const struct ph_value *
memo_state(struct ph_call *ph, ph_function *function,
    const struct ph_value *const *arguments, size_t count)
{
	struct call *call = host_call(ph);
	const struct computation *computation;
	struct memo_name name = { .arguments = BUF_EMPTY, .scope = BUF_EMPTY };
	struct cache_peek peek = { .state = "absent" };
	int64_t requests = 0;
	struct value *args = NULL;
	struct value *object = value_object(call->arena, 7);

	computation = memo_find(call, function, arguments, count,
	    "ph_memo_state()", &args);
	if (computation != NULL && !memo_store_is_failing(call->kit) &&
	    memo_name(call, computation, args, NULL, &name) == 0)
		(void)cache_peek(call->kit->cache, name.key, &peek);
	/* For a value that is there nobody waits, whatever was told last. */
	if (strcmp(peek.state, "wanted") == 0 ||
	    strcmp(peek.state, "computing") == 0)
		requests = requests_for(call->kit->handoff, name.key);
	memo_name_free(&name);
	if (object == NULL) {
		call_error(call, "%s: out of memory", call->name);
		return host_make_null();
	}
	put_member(object, 0, "state",
	    (struct value){ .kind = VALUE_TEXT,
		.count = (uint32_t)strlen(peek.state),
		.u.text = peek.state });
	put_member(object, 1, "worker",
	    (struct value){ .kind = VALUE_INT, .u.integer = peek.owner_pid });
	put_member(object, 2, "seconds", number((double)peek.age_ms / 1e3));
	put_member(object, 3, "took", number((double)peek.cost_us / 1e6));
	put_member(object, 4, "progress", number((double)peek.progress / 1e3));
	put_member(object, 5, "waiting",
	    (struct value){ .kind = VALUE_INT, .u.integer = peek.waiters });
	put_member(object, 6, "requests",
	    (struct value){ .kind = VALUE_INT, .u.integer = requests });
	return (const struct ph_value *)(const void *)object;
}

const struct ph_cache_host host_cache_table = {
	.size = sizeof(struct ph_cache_host),
	.no_store = no_store,
	.tag = tag,
	.progress = progress,
	.memo_new = host_memo_new,
	.forget = forget,
	.forget_args = forget_args,
	.forget_tag = forget_tag,
	.forget_all = forget_all,
	.get = get,
	.get_many = get_many,
	.set = set,
	.add = add,
	.set_many = set_many,
	.remove = remove_entry,
	.touch = touch,
	.increment = increment,
	.memo_with = host_memo_with,
	.cancelled = cancelled,
	.memo_state = memo_state,
	.pop = pop,
	.swap = swap,
};
