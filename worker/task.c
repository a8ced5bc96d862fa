/* SPDX-License-Identifier: MIT */

/*
 * Running app code: arguments in, answer or value out, errors caught.
 *
 * FAILURE    What the app does wrong ends as TASK_FAILED with a sentence and
 *            one log line, owned rows as `failed`.
 */
#include "worker/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cache/encode.h"
#include "cache/now.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/crash.h"
#include "worker/held.h"
#include "worker/host.h"
#include "worker/host_session.h"
#include "worker/job.h"
#include "worker/json_write.h"
#include "worker/memo.h"
#include "worker/packed.h"
#include "worker/routes.h"
#include "worker/scratch.h"
#include "worker/sides.h"
#include "worker/task_int.h"
#include "worker/update.h"

struct task *
task_new(enum task_kind kind)
{
	struct task *task = calloc(1, sizeof(*task));

	if (task != NULL) {
		task->kind = kind;
		task->answer_fd = -1;
	}
	return task;
}

void
task_free(struct task *task)
{
	if (task == NULL)
		return;
	buf_free(&task->arguments);
	arena_free(&task->tree);
	buf_free(&task->about);
	buf_free(&task->jobs);
	route_answer_free(&task->answer);
	buf_free(&task->response);
	spool_unref(&task->spool);
	buf_free(&task->fields);
	cache_claim_free(&task->claim);
	held_free(&task->held);
	free(task->session);
	free(task->user);
	fd_close(&task->answer_fd);
	free(task);
}

bool
task_computes(const struct task *task)
{
	return task->kind == TASK_COMPUTE || task->kind == TASK_ANSWER;
}

void
task_fail(struct task *task, const char *name, const char *why)
{
	size_t len = strnlen(why, sizeof(task->error) - 1);

	task->outcome = TASK_FAILED;
	memcpy(task->error, why, len);
	task->error[len] = '\0';
	LOG_AT(task->visit.outdated ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, 0,
	    "callback.failed", "name=%s reason=\"%s\"", name, task->error);
}

/*
 * It has to wait again: keep the value that it had waited for before, which
 * may not be in the store any more when this wait is over.
 */
static void
hold(struct task *task, struct call *call)
{
	if (!task->waited || call->waited_bytes == NULL ||
	    !call_unkeep(call, call->waited_bytes))
		return;
	if (!held_add(&task->held, task->wait_key, call->waited_bytes,
		call->waited_len))
		free(call->waited_bytes);
}

static const char *
say_status(enum ph_status status)
{
	return status == PH_ERROR ? "it returned PH_ERROR"
				  : "it returned what is no enum ph_status";
}

/* What a status and the state of the call mean together. */
enum task_outcome
task_judge(struct task *task, struct call *call, enum ph_status status)
{
	task->no_store = call->no_store;
	task->tag_count = call->tag_count;
	memcpy(task->tags, call->tags, sizeof(task->tags));
	if (call->cancelled) {
		log_info("signal.given_up", "function=%s nobody waits for it",
		    call->name);
		task->outcome = TASK_GIVEN_UP;
	} else if (call->failed) {
		task_fail(task, call->name, call_reason(call));
	} else if (status == PH_WAIT && call->waits) {
		hold(task, call);
		task->outcome = TASK_WAITS;
		task->wanted_new = call->wanted_new;
		task->waited = true;
		task->wait_may_stop = call->wait_may_stop;
		memcpy(task->wait_key, call->wait_key, CACHE_KEY_LEN);
	} else if (call->waits && status != PH_ERROR) {
		/* A value was missing: whatever was made is not the answer. */
		task_fail(task, call->name,
		    "it went on without the value of ph_memo(): return "
		    "PH_WAIT when ph_memo() gives NULL");
	} else if (status == PH_WAIT) {
		task_fail(task, call->name,
		    "PH_WAIT without a ph_memo() to wait for");
	} else if (status == PH_OK || status == PH_NO_UPDATE) {
		task->outcome = TASK_DONE;
	} else {
		task_fail(task, call->name, say_status(status));
	}
	return task->outcome;
}

/* A number that no other run has: drawn once, then counted on. */
static uint64_t
next_nonce(struct toolkit *kit)
{
	if (kit->nonce == 0 &&
	    getrandom(&kit->nonce, sizeof(kit->nonce), GRND_NONBLOCK) < 0)
		kit->nonce =
		    (uint64_t)clock_mono_us() ^ (uint64_t)(uintptr_t)kit << 20;
	/* An odd step visits all numbers, and neighbours look unlike. */
	return kit->nonce += UINT64_C(0x9e3779b97f4a7c15);
}

void
task_begin(struct task *task, struct toolkit *kit, struct call *call)
{
	if (task->since_ms == 0)
		task->since_ms = cache_now_ms();
	if (task->nonce == 0)
		task->nonce = next_nonce(kit);
	call->nonce = task->nonce;
	call->client = task->client;
	call->held = task->held;
	call->waited_key = task->waited ? task->wait_key : NULL;
	call->may_stop = task->owned && task->computation != NULL &&
			 task->computation->may_stop;
	call->since_ms = task->since_ms;
	if (task->asked_us == 0)
		task->asked_us = clock_mono_us();
	/* What is for many must not be made of what some came too late for. */
	call->asked_us = task->owned                 ? task->claim.started_us
			 : task->kind == TASK_ANSWER ? task->watch.began_us
						     : task->asked_us;
	/* What is memoized is nobody's in particular. */
	if ((task->kind == TASK_CALLBACK && task->callback != NULL &&
		!task->callback->memoize) ||
	    task->kind == TASK_LAYOUT || task->kind == TASK_ROUTE)
		call->visit = &task->visit;
	task->visit.open = false;
	call->secure = task->secure;
	call->session = task->session;
	call->user = task->user;
	call->own_key = task->owned ? task->claim.key : NULL;
	call->own_epoch = task->owned ? task->claim.epoch : 0;
}

/* What an answer may set, and room for it. 0, or negative. */
static int
prepare_outputs(struct call *call, const struct value *about)
{
	struct update_slot *slots = NULL;
	int rc;

	call->about = about;
	if (about != NULL && about->u.items[UPDATE_JOB].kind == VALUE_TEXT) {
		call->job = about->u.items[UPDATE_JOB].u.text;
		/* The session itself came with the row, see task_adopt(). */
		if (call->session != NULL)
			call->user = about->u.items[UPDATE_USER].u.text;
	}
	rc = update_slots(call->callback, about, call->arena, &slots,
	    &call->slot_count);
	call->slots = slots;
	if (rc == 0)
		call->outputs = arena_calloc(call->arena, call->slot_count,
		    sizeof(*call->outputs));
	return rc == 0 && call->outputs == NULL ? -ENOMEM : rc;
}

/* The callback has failed: let the app's handler answer, if it has one, and no
 * older answer serves. */
static enum ph_status
handle_error(struct task *task, struct call *call, enum ph_status status)
{
	const struct callback *callback = call->callback;
	ph_function *handler = callback->on_error != NULL
				   ? callback->on_error
				   : call->kit->app->on_error;

	if (handler == NULL || task->renew ||
	    (!call->failed && (status == PH_OK || status == PH_WAIT ||
				  status == PH_NO_UPDATE)))
		return status;
	task->handled = true;
	scratch_leave(call); /* what is still open is not the handler's */
	call->handled = call->failed
			    ? arena_strndup(call->arena, call_reason(call),
				  strlen(call_reason(call)))
			    : say_status(status);
	log_error(0, "callback.failed", "name=%s reason=\"%s\"", call->name,
	    call->handled != NULL ? call->handled : "");
	call->failed = false;
	sides_end(call);
	call_sides_free(call);
	memset(call->outputs, 0, call->slot_count * sizeof(*call->outputs));
	return call_run(call, handler);
}

void
task_fields(struct task *task, struct call *call)
{
	buf_clear(&task->fields);
	if (!call->failed && !call->waits)
		(void)host_fields_write(call, &task->fields);
}

/* Run a callback; on TASK_DONE the response is written. */
static void
run_callback(struct task *task, struct toolkit *kit, struct arena *arena,
    const struct value *args, const struct value *about)
{
	const struct callback *callback = task->callback;
	struct call call;
	enum ph_status status;
	const char *why;
	int rc;

	call_init(&call, kit, arena, CALL_CALLBACK, callback->function, args);
	call.callback = callback;
	task_begin(task, kit, &call);
	rc = prepare_outputs(&call, about);
	if (rc < 0) {
		task_fail(task, callback->function, err_str(rc));
		return;
	}
	if (call.job != NULL && !job_is_wanted(kit, call.job)) {
		task->outcome = TASK_FAILED; /* nobody will ask why */
		(void)strcpy(task->error, "cancelled");
		return;
	}
	call_enter(&call);
	crash_enter(callback->function, call.own_key);
	status = call_run(&call, callback->computation.run);
	task->handled = false;
	status = handle_error(task, &call, status);
	sides_end(&call);
	crash_leave();
	call_leave(&call);
	task->name = call.name;
	buf_clear(&task->response);
	task_fields(task, &call);
	if (task_judge(task, &call, status) == TASK_DONE && status == PH_OK &&
	    ((kit->options->debug &&
		 !update_can_be_shown(call.slots, call.slot_count, call.outputs,
		     call.sides, &why)) ||
		update_response(call.slots, call.slot_count, call.outputs,
		    call.sides, &task->response, &why) < 0))
		task_fail(task, call.name, why);
	call_fini(&call);
}

/* Run a memoized function; on TASK_DONE `value` holds the encoded result. */
static void
run_function(struct task *task, struct toolkit *kit, struct arena *arena,
    const struct value *args, struct buf *value)
{
	struct call call;
	enum ph_status status;
	char reason[128];
	const char *why;

	call_init(&call, kit, arena, CALL_FUNCTION, task->computation->name,
	    args);
	call.computation = task->computation;
	task_begin(task, kit, &call);
	call_enter(&call);
	crash_enter(task->computation->name, call.own_key);
	status = call_run(&call, task->computation->run);
	crash_leave();
	call_leave(&call);
	task->is_null = call.result == NULL || call.result->kind == VALUE_NULL;
	if (task_judge(task, &call, status) == TASK_DONE) {
		if (encode_stored(call.result != NULL ? call.result
						      : &call_null_value,
			value, &why) < 0) {
			(void)snprintf(reason, sizeof(reason),
			    "its result cannot be stored: %s", why);
			task_fail(task, call.name, reason);
		}
	}
	call_fini(&call);
}

bool
task_adopt(struct task *task, struct toolkit *kit)
{
	const char *name = buf_cstr(&task->claim.function);
	const char *scope = buf_cstr(&task->claim.scope);

	task->owned = true;
	task->client = task->claim.client;
	task->computation =
	    name != NULL ? app_find_computation(kit->app, name, &task->callback)
			 : NULL;
	if (task->computation != NULL && scope != NULL &&
	    memo_scope_read(scope, &task->session, &task->user) == 0) {
		task->arguments = task->claim.arguments;
		buf_init(&task->claim.arguments, 0);
		return true;
	}
	log_warn(0, "signal.claim", "function=%s is not in this app",
	    name != NULL ? name : "?");
	(void)cache_fail(kit->cache, &task->claim,
	    "the app has no such memoized function", 1000);
	task->owned = false;
	return false;
}

/* An answer for the store and for all who wait: its finished form. */
static void
pack_response(struct task *task, struct toolkit *kit)
{
	struct buf packed = BUF_EMPTY;
	int rc;

	if (task->kind == TASK_CALLBACK || task->outcome != TASK_DONE)
		return;
	rc = packed_make(&task->response, (int)kit->options->compress_level,
	    (size_t)kit->options->compress_min_size, &packed);
	buf_free(&task->response);
	task->response = packed; /* ownership moves to the task */
	if (rc < 0)
		task_fail(task, task->callback->function, err_str(rc));
}

/* Who waits may wait long, in a crowd: keep the arguments as bytes, which take
 * little room. */
static void
pack_arguments(struct task *task, struct arena *arena)
{
	struct value args = *task->args;
	struct value about = *task->said;
	const struct update update = { .callback = task->callback,
		.arguments = &args,
		.about = &about };

	if (update_encode(&update, NULL, arena, &task->arguments) < 0)
		return; /* as it is, then */
	task->args = NULL;
	task->said = NULL;
	arena_free(&task->tree);
}

void
task_run_itself(struct task *task, struct toolkit *kit, struct arena *arena)
{
	struct buf value = BUF_EMPTY;
	struct value *decoded = NULL;
	const struct value *args = task->args;
	const struct value *about = task->said;
	const struct callback *callback = task->callback;
	int rc = 0;

	if (args == NULL) {
		if (callback != NULL)
			rc = update_decode(task->arguments.data,
			    task->arguments.len, callback, arena, &decoded,
			    &about);
		else
			rc = encode_decode(task->arguments.data,
			    task->arguments.len, arena, &decoded);
		args = decoded;
	}
	if (rc == 0 && args->kind != VALUE_ARRAY)
		rc = ERR_CORRUPT;
	if (rc < 0)
		task_fail(task,
		    callback != NULL ? callback->function
				     : task->computation->name,
		    err_str(rc));
	else if (callback != NULL)
		run_callback(task, kit, arena, args, about);
	else
		run_function(task, kit, arena, args, &value);
	if (task->args != NULL && task->outcome == TASK_WAITS)
		pack_arguments(task, arena);
	if (callback != NULL) {
		pack_response(task, kit);
		task_settle(task, kit, &task->response, CACHE_FORMAT_RESPONSE);
	} else {
		task_settle(task, kit, &value, CACHE_FORMAT_VALUE);
	}
	buf_free(&value);
}

/* Tell the signal table who does not wait, or is not waited for. */
static void
run_leave(struct task *task, struct toolkit *kit)
{
	int rc;

	task->outcome = TASK_DONE;
	if (kit->cache == NULL)
		return;
	if (!task->owned) {
		(void)cache_leave(kit->cache, task->key);
		return;
	}
	rc = cache_give_up(kit->cache, &task->claim);
	task->owned = false;
	log_info("signal.given_up", "function=%s nobody waits for it rc=%d",
	    task->computation->name, rc);
}

/* The page may have ended the job since it asked: then it stays ended. */
static void
run_renew(struct task *task, struct toolkit *kit)
{
	char requester[JOB_ID_LEN + 1];
	char id[JOB_ID_LEN + 1];

	memcpy(requester, task->jobs.data, JOB_ID_LEN);
	memcpy(id, task->jobs.data + JOB_ID_LEN, JOB_ID_LEN);
	requester[JOB_ID_LEN] = '\0';
	id[JOB_ID_LEN] = '\0';
	if (job_is_wanted(kit, id))
		(void)job_write(kit, id, requester, task->key);
	task->outcome = TASK_DONE;
}

void
task_run(struct task *task, struct toolkit *kit)
{
	struct arena *arena = &kit->arena;

	if (task->kind == TASK_LEAVE) {
		run_leave(task, kit);
		return;
	}
	task->wanted_new = false;
	task->error[0] = '\0';
	arena->max = (size_t)kit->options->limit_request_memory;
	crash_works_for(task->request,
	    task->kind == TASK_ANSWER ? task->key : NULL, task->answer_fd);
	switch (task->kind) {
	case TASK_LAYOUT:
		task_layout(task, kit, NULL);
		break;
	case TASK_PARSE:
		task_parse(task, kit, arena);
		break;
	case TASK_ANSWER:
		task_answer(task, kit, arena);
		break;
	case TASK_ROUTE:
		route_run(task, kit, arena);
		break;
	case TASK_RENEW:
		run_renew(task, kit);
		break;
	case TASK_JOB:
		if (job_start(task, kit))
			break;
		task->kind = TASK_CALLBACK; /* it waits for it, then */
		task_run_itself(task, kit, arena);
		break;
	case TASK_CALLBACK:
	case TASK_COMPUTE:
		task_run_itself(task, kit, arena);
		break;
	case TASK_LEAVE:
		break;
	}
	crash_works_for(NULL, NULL, -1);
	arena_reset(arena);
}
