/* SPDX-License-Identifier: MIT */

/*
 * The table of functions an app receives, and those of a running call:
 * inputs, result, log, failure.
 *
 * THREADS  Whatever thread runs the call.
 * FAILURE  A mistake of the app is remembered in its call with the names it
 *          used; the call then ends as an error.
 */
#include "worker/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "worker/bell.h"
#include "worker/hooks.h"
#include "worker/host_cache.h"
#include "worker/host_data.h"
#include "worker/host_session.h"
#include "worker/job.h"
#include "worker/package.h"
#include "worker/pages.h"
#include "worker/routes.h"
#include "worker/scratch.h"
#include "worker/visit.h"

#define SLEEP_LOOK_US 1000000 /* longest sleep without a look, unrung */

const struct ph_value *
host_input(struct ph_call *ph, const char *what)
{
	struct call *call = host_call(ph);
	const struct callback *callback = call->callback;
	uint32_t i;

	if (!host_is_named("ph_input()", what))
		return host_give(&call_null_value);
	for (i = 0; callback != NULL && i < callback->arg_count; i++) {
		if (host_is_what(call->arena, &callback->inputs[i], what))
			return host_give(session_resolve(call,
			    &call->args->u.items[i], NULL));
	}
	if (!call->trial || !call->pooled ||
	    (strcmp(what, PAGES_PATHNAME) != 0 &&
		strcmp(what, PAGES_SEARCH) != 0))
		call_error(call,
		    "ph_input(\"%s\"): not an input or state of %s", what,
		    call->name);
	return host_give(&call_null_value);
}

static const char *
dependency_name(struct ph_call *ph, bool output, unsigned index)
{
	const struct callback *callback = host_call(ph)->callback;
	uint32_t count = 0;

	if (callback != NULL)
		count = output ? callback->output_count : callback->arg_count;
	if (index >= count)
		return "";
	return output ? callback->outputs[index].what
		      : callback->inputs[index].what;
}

static const struct ph_value *
call_arg(struct ph_call *ph, unsigned index)
{
	struct call *call = host_call(ph);

	if (call->kind == CALL_FUNCTION && call->args != NULL &&
	    index < call->args->count)
		return host_give(&call->args->u.items[index]);
	call_error(call, "ph_arg(%u): %s was given %u arguments", index,
	    call->name, call->args != NULL ? call->args->count : 0);
	return host_give(&call_null_value);
}

static enum ph_status
call_give(struct ph_call *ph, const struct ph_value *value)
{
	struct call *call = host_call(ph);

	if (call->kind != CALL_FUNCTION)
		call_error(call, "ph_return(): %s is not a memoized function",
		    call->name);
	call->result = scratch_lasting(call, host_take(value));
	return call->failed ? PH_ERROR : PH_OK;
}

/* Sleep, but end as soon as nobody waits for the result any more. */
static void
sleep_unless_cancelled(struct call *call, double seconds)
{
	int64_t end_us = clock_mono_us() + (int64_t)(seconds * 1e6);
	int64_t now_us;
	unsigned rings = 0;

	while (!call_is_cancelled(call, true) &&
	       (now_us = clock_mono_us()) < end_us)
		(void)bell_wait(call->kit->bell, &rings,
		    end_us - now_us < SLEEP_LOOK_US ? end_us
						    : now_us + SLEEP_LOOK_US);
}

static void
call_sleep(struct ph_call *ph, double seconds)
{
	struct call *call = host_call(ph);
	struct timespec left;

	/* A page function sleeps on the loop, if it must. */
	if (call->kit->cache != NULL)
		cache_read_end(call->kit->cache);
	ASSERT(cache_is_idle(call->kit->cache));
	if (!(seconds > 0) || seconds > 86400.0 * 365)
		return;
	if (call->may_stop && call->kit->bell != NULL) {
		sleep_unless_cancelled(call, seconds);
		return;
	}
	left.tv_sec = (time_t)seconds;
	left.tv_nsec = (long)((seconds - (double)left.tv_sec) * 1e9);
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

__attribute__((format(printf, 2, 3))) static void
call_log(struct ph_call *ph, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_info("app.log", "from=%s %s", host_call(ph)->name, text);
}

__attribute__((format(printf, 2, 3))) static enum ph_status
call_fail(struct ph_call *ph, const char *format, ...)
{
	char text[sizeof(((struct call *)0)->error)];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	call_error(host_call(ph), "%s", text);
	return PH_ERROR;
}

static const char *
call_error_of(struct ph_call *ph)
{
	const struct call *call = host_call(ph);

	return call->handled != NULL ? call->handled : "";
}

const struct ph_host host_table = {
	.size = sizeof(struct ph_host),
	.abi_major = PH_ABI_MAJOR,
	.abi_minor = PH_ABI_MINOR,
	.title = app_define_title,
	.layout = app_define_layout,
	.memoize = app_define_memoize,
	.callback = app_define_callback,
	.database = app_define_database,
	.hooks = &hooks_host_table,
	.input = host_input,
	.arg = call_arg,
	.output = host_output,
	.output_figure = host_output_figure,
	.memo = host_memo,
	.give = call_give,
	.query = host_query,
	.exec = host_exec,
	.sleep = call_sleep,
	.log = call_log,
	.fail = call_fail,
	.make_null = host_make_null,
	.make_bool = host_make_bool,
	.make_int = host_make_int,
	.make_number = host_make_number,
	.make_text = host_make_text,
	.make_textf = host_make_textf,
	.make_json = host_make_json,
	.make_list = host_make_list,
	.make_object = host_make_object,
	.make_component = host_make_component,
	.is_null = host_is_null,
	.text_of = host_text_of,
	.number_of = host_number_of,
	.int_of = host_int_of,
	.bool_of = host_bool_of,
	.count_of = host_count_of,
	.at = host_at,
	.member = host_member,
	.session = &host_session_table,
	.cache = &host_cache_table,
	.data = &host_data_table,
	.figure = &host_figure_table,
	.clientside = app_define_clientside,
	.options = app_define_options,
	.on_error = app_define_on_error,
	.triggered = host_triggered,
	.triggered_by = host_triggered_by,
	.id_of = host_id_of,
	.header = host_header,
	.cookie = host_cookie,
	.client = host_client,
	.error_of = call_error_of,
	.output_each = host_output_each,
	.set_props = host_set_props,
	.make_id = host_make_id,
	.make_members = host_make_members,
	.name_at = host_name_at,
	.patch_new = host_patch_new,
	.patch_step = host_patch_step,
	.patch_value = host_patch_value,
	.background = &host_background_table,
	.pages = &host_page_table,
	.routes = &host_route_table,
	.packages = &host_package_table,
	.scratch_begin = host_scratch_begin,
	.scratch_end = host_scratch_end,
	.keep = host_keep,
	.text_len_of = host_text_len_of,
	.dependency_name = dependency_name,
};
