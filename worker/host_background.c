/* SPDX-License-Identifier: MIT */

/*
 * What a background callback does while it runs: say how far it is, and ask
 * whether anybody still wants it.
 *
 * The progress is one entry in the store under a key of the row's, as finished
 * JSON, so that whoever answers the page's question reads it and sends it; what
 * ph_set_props() sets is another, see sides.c.
 *
 * THREADS  The thread that runs the call.
 * FAILURE  A store that fails loses a step of the progress, nothing else.
 */
#include <string.h>

#include "server/base/clock.h"
#include "worker/crash.h"
#include "worker/host.h"
#include "worker/job.h"
#include "worker/json_write.h"

#define EVERY_US 50000
#define LIFE_MS 600000

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
	if (call->own_key == NULL || call->kit->cache == NULL ||
	    (call->progress_us != 0 && now_us - call->progress_us < EVERY_US))
		return false;
	call->progress_us = now_us;
	if (write_members(call, members, count, &json) &&
	    job_progress_key(call->kit->cache_options, call->own_key, key) == 0)
		done = job_store(call->kit->cache, key, LIFE_MS, &json);
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
