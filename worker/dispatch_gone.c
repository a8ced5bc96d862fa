/* SPDX-License-Identifier: MIT */

/*
 * Requests whose client has gone, or may have.
 *
 * Work that no thread has begun is not done for a client that has gone, or a
 * client that asks and goes, again and again, keeps all threads from others
 * (CVE-2023-44487).
 *
 * THREADS  The loop only.
 */
#include <stdlib.h>

#include "worker/dispatch_int.h"
#include "worker/worker_int.h"

static bool
withdraw(struct worker *worker, struct task *task)
{
	if (!pool_withdraw(worker->pool, task))
		return false;
	task_free(task);
	return true;
}

void
dispatch_abandon(struct request *request)
{
	struct worker *worker = request->worker;

	request->conn = NULL;
	if (request->waiting != NULL)
		dispatch_end_waiting(worker, request->waiting);
	else if (request->with_task && !withdraw(worker, request->task))
		return; /* freed when the task comes back */
	if (request->parked != NULL)
		dispatch_unpark(request, worker);
	free(request);
}

bool
dispatch_give_up(struct request *request)
{
	const struct parked *parked = request->waiting != NULL
					  ? request->waiting->parked
					  : request->parked;

	if (parked != NULL) {
		/* It holds no thread; but for those who wait work goes on. */
		if (!parked->may_stop)
			return false;
	} else if (request->with_task) {
		if (request->begun || !withdraw(request->worker, request->task))
			return false;
		request->with_task = false;
	}
	dispatch_abandon(request);
	return true;
}
