/* SPDX-License-Identifier: MIT */

/*
 * Answers that are too long to be compressed here go to the pool once more,
 * whole: what may be compressed and for whom is settled before, and nothing of
 * the head depends on it but Content-Encoding and the length.
 *
 * THREADS  The loop only.
 * FAILURE  When the pool is full or memory is short the answer goes out as it
 *          is.
 */
#include <stdlib.h>

#include "worker/compress.h"
#include "worker/dispatch_int.h"
#include "worker/worker_int.h"

bool
dispatch_packs(const struct worker *worker, const struct answer_to *to,
    const struct reply *reply)
{
	return worker->compress != NULL && (to->gzip || to->br) &&
	       !reply->as_is && compress_may(reply) && reply->blob != NULL &&
	       reply->body != NULL && reply->len > COMPRESS_MAX &&
	       reply->len <= COMPRESS_POOL_MAX;
}

bool
dispatch_pack_prepare(struct task *task, const struct answer_to *to,
    const struct reply *reply)
{
	task->reply = malloc(sizeof(*reply));
	if (task->reply == NULL)
		return false;
	*task->reply = *reply; /* and the reference in it */
	task->brotli = to->br;
	task->kind = TASK_PACK;
	return true;
}

bool
dispatch_pack(struct request *request, struct task *task,
    const struct reply *reply)
{
	struct worker *worker = request->worker;

	if (request->conn == NULL ||
	    !dispatch_packs(worker, &request->to, reply) ||
	    !dispatch_pack_prepare(task, &request->to, reply))
		return false;
	if (pool_submit(worker->pool, task) < 0) {
		free(task->reply);
		task->reply = NULL;
		return false;
	}
	request->with_task = true;
	request->task = task;
	request->begun = true; /* all work is done: not for nothing */
	return true;
}

void
dispatch_packed(struct task *task)
{
	struct request *request = task->request;
	struct reply reply = *task->reply;
	struct blob *small = NULL;
	size_t len;
	char *data;

	free(task->reply);
	task->reply = NULL; /* its blob is in `reply` */
	if (task->response.len > 0) {
		data = buf_detach(&task->response, &len);
		small = blob_new(data, len);
	}
	if (small != NULL) {
		blob_unref(reply.blob);
		reply.blob = small;
		reply.body = small->data;
		reply.len = small->len;
		reply.br = task->brotli;
		reply.gzip = !task->brotli;
	}
	reply.as_is = true; /* vary is said all the same */
	request->with_task = false;
	dispatch_finish(request, &reply);
	task_free(task);
}
