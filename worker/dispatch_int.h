/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DISPATCH_INT_H
#define WORKER_DISPATCH_INT_H

#include "worker/dispatch.h"
#include "worker/park.h"
#include "worker/task.h"

/* Between the two files of dispatch: requests in, results out. */

/* 200 with JSON, or 204 when there are no bytes. */
void dispatch_json_reply(struct reply *reply, const void *data, size_t len);

/* Answer a request that is in no list any more, and free it. */
void dispatch_finish(struct request *request, struct reply *reply);
void dispatch_finish_status(struct request *request, int status);

/* Link a request into a parked entry and out of it. */
void dispatch_park(struct request *request, struct parked *parked);
void dispatch_unpark(struct request *request, struct worker *worker);

/* Have the answer of a parked callback made. 0, or ERR_BUSY, -ENOMEM. */
int dispatch_ask(struct worker *worker, struct parked *parked);

/* The task of a request waits in the lot, and nobody for the task: end it. */
void dispatch_end_waiting(struct worker *worker, struct task *task);

/* For whom a request of this connection counts when values are computed. */
int64_t dispatch_client(const struct conn *conn);

/* Forget an entry that nobody waits for. */
void dispatch_drop_if_empty(struct worker *worker, struct parked *parked);

/* dispatch.c: the outcome of a TASK_PARSE. */
void dispatch_parsed(struct worker *worker, struct task *task);

#endif
