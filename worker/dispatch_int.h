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

/* A request for a callback, and the body it came in. */
struct dispatch_asked {
	const struct callback *callback;
	const char *body; /* NULL: long gone */
	size_t len;
};

/*
 * dispatch_recall.c: answer a request for a memoized callback whose arguments
 * are in worker->scratch, or one with a body that was answered before. False:
 * no such answer is to be had now, and nothing was done.
 */
bool dispatch_recall(struct conn *conn, const struct answer_to *to,
    const struct dispatch_asked *asked, const uint8_t key[CACHE_KEY_LEN]);
bool dispatch_recall_body(struct conn *conn, const struct answer_to *to,
    const char *body, size_t len);

/* dispatch.c: the outcome of a TASK_PARSE. */
void dispatch_parsed(struct worker *worker, struct task *task);

#endif
