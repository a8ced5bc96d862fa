/* SPDX-License-Identifier: MIT */

/*
 * Checking a large update away from the loop: what dispatch.c does itself
 * with a small one. See update.h.
 *
 * OWNERSHIP  The body in the task is replaced by the encoded arguments.
 * THREADS    A pool thread.
 */
#include <string.h>

#include "cache/encode.h"
#include "worker/body.h"
#include "worker/spool.h"
#include "worker/task.h"
#include "worker/update.h"

void
task_parse(struct task *task, struct toolkit *kit, struct arena *arena)
{
	struct update update = { .status = 0 };
	struct buf plain = BUF_EMPTY;
	struct value *request = NULL;
	struct buf encoded = BUF_EMPTY;
	const char *body = task->arguments.data;
	size_t len = task->arguments.len;

	if (task->about.len > 0 && encode_decode(task->about.data,
				       task->about.len, arena, &request) < 0)
		request = NULL;
	if (task->spool != NULL) {
		len = spool_len(task->spool);
		(void)spool_map(task->spool, &body); /* as on the loop */
	}
	if (task->gzip) {
		update.status = -body_gunzip(body, len,
		    (size_t)kit->options->limit_request_body,
		    (size_t)kit->options->limit_body_ratio, &plain);
		update.why = "its gzip form is wrong or too large";
		body = plain.data;
		len = plain.len;
	}
	if (update.status == 0)
		update_parse(kit->app, kit->options, body, len, arena, &update);
	if (update.status == 0 &&
	    update_encode(&update, request, arena, &encoded) < 0) {
		update.status = 400;
		update.why = "a value cannot be encoded";
	}
	buf_free(&plain);
	spool_unref(&task->spool);
	buf_free(&task->arguments);
	task->arguments = encoded; /* ownership moves to the task */
	task->callback = update.callback;
	task->outcome = TASK_DONE;
	if (update.status == 0)
		return;
	task->outcome = TASK_FAILED;
	task->status = update.status;
	(void)strncpy(task->error, update.why, sizeof(task->error) - 1);
}
