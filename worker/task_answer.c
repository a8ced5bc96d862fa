/* SPDX-License-Identifier: MIT */

/*
 * The answer of a memoized callback that is not in the store: who computes it.
 * With the store the owner of its row does; while the store takes nothing, or
 * not this one, one of this worker's threads does for all who want it
 * (together.h). While all that may compute here are busy, the row is put to
 * `wanted` by one that may not, so that another worker can take it.
 *
 * THREADS  Pool.
 */
#include <string.h>

#include "cache/cache.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/memo.h"
#include "worker/task_int.h"
#include "worker/together.h"

/* ANSWER: become the owner of the row, or learn that nobody needs us.
 * *unstored: the store does not take it. `claim` NULL: do not become it. */
static bool
acquire(struct task *task, struct toolkit *kit, struct cache_claim *claim,
    bool *unstored)
{
	struct buf error = BUF_EMPTY;
	struct cache_question question = { .key = task->key,
		.function = task->computation->name,
		.arguments = task->arguments.data,
		.arguments_len = task->arguments.len,
		.code = memo_code(kit->app, task->computation, true),
		.client = task->client,
		.may_stop = task->computation->may_stop,
		.since_ms = task->renew ? task->since_ms : 0 };
	int rc;

	task->serves_us = clock_mono_us();
	if (task->since_ms == 0)
		memo_watch_begin(&task->watch, kit);
	*unstored = !task->owned && memo_store_is_failing(kit);
	if (task->owned || *unstored) {
		task->outcome = TASK_THERE; /* what is to be renewed serves */
		return task->owned || !task->renew;
	}
	rc = cache_ask_for(kit->cache, &question, claim, &error);
	if (memo_store_is_stuck(rc))
		rc = ERR_STORE;
	switch (rc) {
	case CACHE_OWNED:
		task->owned = true;
		break;
	case CACHE_READY:
		task->outcome = TASK_THERE;
		break;
	case CACHE_WANTED_NEW:
		task->wanted_new = true;
		task->outcome = TASK_ELSEWHERE;
		break;
	case CACHE_WAITING:
	case ERR_BUSY: /* somebody looks again in a moment */
		task->outcome = TASK_ELSEWHERE;
		break;
	case CACHE_PASS: /* not to be stored: for those who wait here */
		buf_free(&error);
		*unstored = true;
		task->outcome = TASK_THERE;
		return !task->renew;
	case CACHE_FAILED:
		if (task->renew) { /* what is there serves for now */
			task->outcome = TASK_THERE;
			break;
		}
		task_fail(task, task->computation->name,
		    buf_cstr(&error) != NULL ? error.data : "failed");
		break;
	default:
		buf_free(&error);
		*unstored = true;
		task->outcome = TASK_THERE;
		return !task->renew; /* no store: answer all the same */
	}
	buf_free(&error);
	return rc == CACHE_OWNED;
}

static void
run_watched(struct task *task, struct toolkit *kit, struct arena *arena)
{
	task_run_itself(task, kit, arena);
	task->serves_us = memo_watch_end(&task->watch, kit);
}

/* Run it and leave a copy for those who wait. */
static void
lead(struct task *task, struct toolkit *kit, struct arena *arena)
{
	struct together_result result = { .error = false };

	run_watched(task, kit, arena);
	result.serves_us = task->serves_us;
	if (task->outcome == TASK_DONE) {
		result.data = task->response.data;
		result.len = task->response.len;
	} else if (task->outcome == TASK_FAILED) {
		result.error = true;
		result.data = task->error;
		result.len = strlen(task->error);
	}
	if (together_end(task->key, &result) && kit->bell != NULL)
		fd_event_wake(kit->mail_fd);
}

static void
run_together(struct task *task, struct toolkit *kit, struct arena *arena)
{
	struct buf found = BUF_EMPTY;

	if (strcmp(kit->cache_options->cache_type, "null") == 0) {
		run_watched(task, kit, arena);
		return;
	}
	switch (together_join(task->key,
	    task->asked_us > 0 ? task->asked_us : clock_mono_us(), 0, &found,
	    &task->serves_us)) {
	case TOGETHER_LEAD:
		lead(task, kit, arena);
		break;
	case TOGETHER_DONE:
		buf_free(&task->response);
		task->response = found; /* ownership moves to the task */
		buf_init(&found, 0);
		task->outcome = TASK_DONE;
		break;
	case TOGETHER_ERROR:
		task_fail(task, task->callback->function,
		    buf_cstr(&found) != NULL ? found.data : "failed");
		break;
	case TOGETHER_WAIT:
		task->outcome = TASK_ELSEWHERE;
		break;
	case TOGETHER_ALONE:
		run_watched(task, kit, arena);
		break;
	}
	buf_free(&found);
}

bool
task_ask(struct task *task, struct toolkit *kit)
{
	bool unstored;

	task->wanted_new = false;
	return !acquire(task, kit, NULL, &unstored);
}

void
task_answer(struct task *task, struct toolkit *kit, struct arena *arena)
{
	bool unstored;

	if (!acquire(task, kit, &task->claim, &unstored))
		return;
	if (unstored)
		run_together(task, kit, arena);
	else
		task_run_itself(task, kit, arena);
}
