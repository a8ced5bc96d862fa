/* SPDX-License-Identifier: MIT */

/*
 * Compress a long answer, which would hold the loop up: a megabyte takes about
 * ten milliseconds. Shorter ones are compressed by the loop itself, see
 * compress.c, and memoized ones where they are stored, see packed.c.
 *
 * THREADS  Pool threads. The bytes in task->reply are only read: their blob may
 *          be shared with other answers, and counts its users without a lock.
 * FAILURE  Without memory, or when it does not shrink: task->response stays
 *          empty, and the answer goes out as it is.
 */
#include "worker/compress.h"
#include "worker/options.h"
#include "worker/task_int.h"

void
task_pack(struct task *task, const struct toolkit *kit)
{
	const struct reply *reply = task->reply;
	int level = (int)kit->options->compress_level;
	size_t len = 0;
	char *small = (task->brotli ? compress_brotli : compress_gzip)(
	    reply->body, reply->len, level, &len);

	buf_free(&task->response);
	if (small == NULL)
		return;
	task->response.data = small; /* ownership moves to the task */
	task->response.len = len;
	task->response.cap = len;
}
