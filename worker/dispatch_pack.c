/* SPDX-License-Identifier: MIT */

/*
 * Answers that are too long to be compressed here go to the packer: what may be
 * compressed and for whom is settled before, and nothing of the head depends on
 * it but Content-Encoding and the length.
 *
 * THREADS  The loop only.
 * FAILURE  Where the packer has no room or memory is short the answer goes out
 *          as it is.
 */
#include <stdlib.h>

#include "worker/compress.h"
#include "worker/dispatch_int.h"
#include "worker/packer.h"
#include "worker/worker_int.h"

static bool
is_for_packer(const struct worker *worker, const struct answer_to *to,
    const struct reply *reply)
{
	return worker->compress != NULL && (to->gzip || to->br) &&
	       !reply->as_is && compress_may(reply) && reply->blob != NULL &&
	       reply->body != NULL && reply->len > COMPRESS_MAX &&
	       packer_has_room(worker->packer, reply->len);
}

static bool
submit(struct request *request, struct task *task, const struct reply *reply)
{
	struct packer_item *item = calloc(1, sizeof(*item));

	if (item == NULL)
		return false;
	item->reply = *reply; /* and the reference in it */
	item->brotli = request->to.br;
	item->request = request;
	item->task = task;
	if (packer_submit(request->worker->packer, item) < 0) {
		free(item);
		return false;
	}
	request->with_task = true;
	request->task = task;
	request->begun = true; /* all work is done: not for nothing */
	return true;
}

bool
dispatch_pack(struct request *request, struct task *task,
    const struct reply *reply)
{
	return request->conn != NULL &&
	       is_for_packer(request->worker, &request->to, reply) &&
	       submit(request, task, reply);
}

bool
dispatch_pack_new(struct conn *conn, const struct answer_to *to,
    struct task *task, const struct reply *reply, const char *name)
{
	struct request *request;

	if (!is_for_packer(conn->worker, to, reply))
		return false;
	request = dispatch_request_new(conn, to);
	if (request == NULL)
		return false;
	request->name = name;
	if (submit(request, task, reply))
		return true;
	dispatch_request_drop(request);
	return false;
}

static void
free_item(struct packer_item *item)
{
	free(item->small);
	task_free(item->task);
	free(item);
}

static void
finish(struct packer_item *item)
{
	struct request *request = item->request;
	struct reply *reply = &item->reply;
	struct blob *small = NULL;

	if (item->small != NULL) {
		small = blob_new(item->small, item->small_len);
		item->small = NULL; /* the blob's now, or freed */
	}
	if (small != NULL) {
		blob_unref(reply->blob);
		reply->blob = small;
		reply->body = small->data;
		reply->len = small->len;
		reply->br = item->brotli;
		reply->gzip = !item->brotli;
	}
	reply->as_is = true; /* Vary is said all the same */
	request->with_task = false;
	dispatch_finish(request, reply);
	free_item(item);
}

void
dispatch_on_packed(struct worker *worker)
{
	struct packer_item *item = packer_collect(worker->packer);
	struct packer_item *next;

	for (; item != NULL; item = next) {
		next = item->next;
		finish(item);
	}
}

void
dispatch_stop_packer(struct worker *worker)
{
	struct packer_item *item = packer_stop(&worker->packer);
	struct packer_item *next;

	for (; item != NULL; item = next) {
		next = item->next;
		blob_unref(item->reply.blob);
		free(item->request); /* its connection is gone */
		free_item(item);
	}
}
