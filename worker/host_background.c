/* SPDX-License-Identifier: MIT */

/*
 * What a background callback does while it runs: say how far it is, and ask
 * whether anybody still wants it.
 *
 * The progress is one entry in the store under a key of the row's, as finished
 * JSON, so that whoever answers the page's question reads it and sends it; what
 * ph_set_props() sets is another.
 *
 * THREADS  The thread that runs the call.
 * FAILURE  A store that fails loses a step of the progress, nothing else.
 */
#include <string.h>

#include "cache/encode.h"
#include "cache/plain.h"
#include "server/base/clock.h"
#include "worker/crash.h"
#include "worker/host.h"
#include "worker/job.h"
#include "worker/json_write.h"
#include "worker/update.h"

#define EVERY_US 50000
#define BURST_BYTES (64 * 1024) /* in that time, ... */
#define WRITE_BYTES 4096        /* ... of which each writing costs some */
#define LIFE_MS 600000
#define MARGIN_MS 300

/* Is it one of .progress? Writes its name as the browser has it. */
static const char *
find(struct call *call, const char *what)
{
	const struct callback *callback = call->callback;
	uint32_t i;

	if (!host_is_named("ph_set_progress()", what))
		return NULL;
	for (i = 0; i < callback->progress_count; i++) {
		if (strcmp(callback->progress[i].given, what) == 0)
			return callback->progress[i].what;
	}
	call_error(call, "ph_set_progress(\"%s\"): not a .progress of %s", what,
	    call->name);
	return NULL;
}

static bool
write_members(struct call *call, const struct ph_member *members, size_t count,
    struct buf *json)
{
	const char *what;
	const char *why;
	size_t i;

	for (i = 0; i < count; i++) {
		what = find(call, members[i].name);
		if (what == NULL)
			return false;
		(void)buf_putc(json, i == 0 ? '{' : ',');
		(void)json_write_text(what, strlen(what), json);
		(void)buf_putc(json, ':');
		if (json_write_page(host_take(members[i].value),
			strrchr(what, '.') + 1, json, &why) < 0) {
			call_error(call, "ph_set_progress(\"%s\"): %s",
			    members[i].name, why);
			return false;
		}
	}
	(void)buf_putc(json, '}');
	return count > 0 && buf_ok(json);
}

/* Finished JSON under a key that is made of the row's. */
static bool
store(struct call *call, const uint8_t key[CACHE_KEY_LEN], int64_t life_ms,
    const struct buf *json)
{
	const struct cache_life life = { .fresh_ms = life_ms };
	struct value value = { .kind = VALUE_JSON,
		.count = (uint32_t)json->len };
	struct buf bytes = BUF_EMPTY;
	struct cache_entry entry;
	bool done = false;

	value.u.text = json->data;
	memcpy(entry.key, key, CACHE_KEY_LEN);
	if (encode_value(&value, &bytes) == 0) {
		entry.data = bytes.data;
		entry.len = bytes.len;
		done = cache_put(call->kit->cache, &entry, 1, CACHE_PUT_ALWAYS,
			   &life) > 0;
	}
	buf_free(&bytes);
	return done;
}

/*
 * The entry lives a little longer than the page waits between two looks, and
 * has what was set in that time: so the page gets it once, or twice, and does
 * not undo for as long as the job runs what its reader has changed since. The
 * answer at the end has all of them once more.
 */
static void
tell_sides(struct call *call)
{
	double interval =
	    call->callback->interval > 0 ? call->callback->interval : 1;
	int64_t life_ms = (int64_t)(interval * 1000) + MARGIN_MS;
	int64_t now_us = clock_mono_us();
	struct buf json = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];
	const char *why;

	if (now_us - call->sides_us >= EVERY_US) {
		call->sides_us = now_us;
		call->sides_bytes = 0;
	}
	call->sides_wait = false;
	if (update_sides(call->sides, now_us - life_ms * 1000, &json, &why) &&
	    buf_ok(&json) &&
	    job_sides_key(call->kit->cache_options, call->own_key, key) == 0)
		(void)store(call, key, life_ms, &json);
	call->sides_bytes += WRITE_BYTES + json.len;
	buf_free(&json);
}

/* Some at once, as the job may do something long next that does not come by
 * here; many in a row wait. */
void
job_tell_sides(struct call *call)
{
	call->sides_wait = true;
	if (call->own_key == NULL || call->kit->cache == NULL)
		return;
	if (call->sides_us == 0 || call->sides_bytes < BURST_BYTES ||
	    clock_mono_us() - call->sides_us >= EVERY_US)
		tell_sides(call);
}

void
job_before_sleep(struct call *call, double seconds)
{
	if (!call->sides_wait || call->own_key == NULL ||
	    call->kit->cache == NULL)
		return;
	if (seconds * 1e6 >= EVERY_US)
		tell_sides(call);
	else
		job_tell_sides(call);
}

static bool
set_progress(struct ph_call *ph, const struct ph_member *members, size_t count)
{
	struct call *call = host_call(ph);
	struct buf json = BUF_EMPTY;
	int64_t now_us = clock_mono_us();
	uint8_t key[CACHE_KEY_LEN];
	bool done = false;

	crash_touch();
	if (call->callback == NULL || !call->callback->background) {
		call_error(call,
		    "ph_set_progress(): %s is not a background callback",
		    call->name);
		return false;
	}
	if (call->sides_wait)
		job_tell_sides(call);
	if (call->own_key == NULL || call->kit->cache == NULL ||
	    (call->progress_us != 0 && now_us - call->progress_us < EVERY_US))
		return false;
	call->progress_us = now_us;
	if (write_members(call, members, count, &json) &&
	    job_progress_key(call->kit->cache_options, call->own_key, key) == 0)
		done = store(call, key, LIFE_MS, &json);
	buf_free(&json);
	return done;
}

bool
job_is_cancelled(struct call *call)
{
	int64_t now_us = clock_mono_us();

	if (call->job == NULL)
		return false;
	crash_touch();
	if (call->sides_wait)
		job_tell_sides(call);
	if (call->job_cancelled || now_us - call->job_asked_us < EVERY_US)
		return call->job_cancelled;
	call->job_asked_us = now_us;
	call->job_cancelled = !job_is_wanted(call->kit, call->job);
	return call->job_cancelled;
}

const struct ph_background_host host_background_table = {
	.size = sizeof(struct ph_background_host),
	.set_progress = set_progress,
};
