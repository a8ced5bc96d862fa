/* SPDX-License-Identifier: MIT */

/*
 * The life of one run of app code. See call.h.
 */
#include "worker/call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "worker/scratch.h"
#include "worker/utf8.h"
#include "worker/visit.h"

#define CHECK_EVERY_US 5000 /* a loop may ask for each of a million rows */

struct call_blob {
	struct call_blob *next;
	void *bytes;
};

const struct value call_null_value = { .kind = VALUE_NULL };
const struct value call_bad_value = { .kind = VALUE_NULL, .flag = true };

static _Thread_local struct call *current;

void
call_init(struct call *call, struct toolkit *kit, struct arena *arena,
    enum call_kind kind, const char *name, const struct value *args)
{
	memset(call, 0, sizeof(*call));
	call->kit = kit;
	call->arena = arena;
	call->kind = kind;
	call->name = name;
	call->args = args;
}

void
call_fini(struct call *call)
{
	call->waited_bytes = NULL; /* who wants it longer has taken it */
	call_drop(call, NULL);
	call_sides_free(call);
	call_files_free(call);
}

const char *
call_folder(const struct call *call)
{
	return call->kit->options->tmp_upload_dir[0] != '\0'
		   ? call->kit->options->tmp_upload_dir
		   : call->kit->cache_options->cache_dir;
}

void
call_enter(struct call *call)
{
	call->outer = current;
	current = call;
}

void
call_leave(struct call *call)
{
	current = call->outer;
	scratch_leave(call);
}

enum ph_status
call_run(struct call *call, ph_function *function)
{
	const struct ph_guard_ *guard = call->kit->app->guard;
	struct ph_call *ph = (struct ph_call *)(void *)call;

	return guard != NULL ? guard->run(ph, function) : function(ph);
}

const struct ph_value *
call_make(struct call *call, ph_layout_function *function)
{
	const struct ph_guard_ *guard = call->kit->app->guard;
	struct ph_call *ph = (struct ph_call *)(void *)call;

	return guard != NULL ? guard->make(ph, function) : function(ph);
}

bool
call_ask(struct call *call, ph_condition_function *function)
{
	const struct ph_guard_ *guard = call->kit->app->guard;
	struct ph_call *ph = (struct ph_call *)(void *)call;

	return guard != NULL ? guard->ask(ph, function) : function(ph);
}

struct call *
call_current(void)
{
	return current;
}

/* As a log and a terminal may have it: what is no UTF-8 becomes \xff. */
static void
put_clean(const char *text, char *out, size_t size)
{
	const char *end = text + strlen(text);
	size_t len = 0;
	size_t step;

	while (text < end) {
		step = utf8_char_len(text, end);
		if (len + (step > 0 ? step : 4) >= size)
			break;
		if (step > 0)
			memcpy(out + len, text, step);
		else
			(void)snprintf(out + len, size - len, "\\x%02x",
			    (unsigned char)*text);
		len += step > 0 ? step : 4;
		text += step > 0 ? step : 1;
	}
	out[len] = '\0';
}

void
call_error(struct call *call, const char *format, ...)
{
	char text[sizeof(call->error)];
	va_list args;

	if (call->failed)
		return;
	call->failed = true;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_clean(text, call->error, sizeof(call->error));
}

void
call_mistake(struct call *call, const char *format, ...)
{
	char text[sizeof(call->error)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	call->misbuilt |= !call->failed;
	call_error(call, "%s", text);
}

const char *
call_reason(const struct call *call)
{
	size_t len = strlen(call->name);

	if (strncmp(call->error, call->name, len) == 0 &&
	    strncmp(call->error + len, ": ", 2) == 0)
		return call->error + len + 2;
	return call->error;
}

bool
call_is_early(struct call *call)
{
	if (!call->trial || !call->pooled)
		return false;
	call->untried = true;
	call->failed = true;
	return true;
}

/* The visit of a request for which sessions can be asked, or NULL. */
static struct session_visit *
open_visit(struct call *call, const char *verb)
{
	if (call->visit == NULL || !call->kit->app->sessions)
		return NULL;
	return session_open(call, verb);
}

const char *
call_session(struct call *call)
{
	struct session_visit *visit;

	if (call->session != NULL)
		return call->session;
	visit = open_visit(call, "PH_SCOPE_SESSION");
	if (visit != NULL)
		call->session = visit->scope;
	return call->session;
}

const char *
call_user(struct call *call)
{
	struct session_visit *visit;

	if (call->user != NULL)
		return call->user;
	visit = open_visit(call, "PH_SCOPE_USER");
	if (visit != NULL && visit->user[0] != '\0')
		call->user = visit->user;
	return call->user;
}

bool
call_unkeep(struct call *call, const void *bytes)
{
	struct call_blob *blob = call->blobs;

	while (blob != NULL && blob->bytes != bytes)
		blob = blob->next;
	if (blob == NULL || bytes == NULL)
		return false;
	blob->bytes = NULL;
	return true;
}

bool
call_is_cancelled(struct call *call, bool now)
{
	int64_t now_us;

	if (call->cancelled || !call->may_stop || call->own_key == NULL ||
	    call->kit->cache == NULL)
		return call->cancelled;
	now_us = clock_mono_us();
	if (!now && call->checked_us != 0 &&
	    now_us - call->checked_us < CHECK_EVERY_US)
		return false;
	call->checked_us = now_us;
	call->cancelled =
	    cache_is_left(call->kit->cache, call->own_key, call->own_epoch) > 0;
	return call->cancelled;
}

int
call_keep(struct call *call, void *bytes)
{
	struct call_blob *blob = malloc(sizeof(*blob));

	if (blob == NULL) {
		free(bytes);
		return -ENOMEM;
	}
	blob->bytes = bytes;
	blob->next = call->blobs;
	call->blobs = blob;
	return 0;
}

void
call_drop(struct call *call, struct call_blob *until)
{
	struct call_blob **at = &call->blobs;
	struct call_blob *blob;

	while ((blob = *at) != NULL && blob != until) {
		if (blob->bytes != NULL && blob->bytes == call->waited_bytes) {
			at = &blob->next;
			continue;
		}
		*at = blob->next;
		free(blob->bytes);
		free(blob);
	}
}
