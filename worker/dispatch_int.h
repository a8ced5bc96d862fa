/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DISPATCH_INT_H
#define WORKER_DISPATCH_INT_H

#include "worker/access_log.h"
#include "worker/dispatch.h"
#include "worker/park.h"
#include "worker/task.h"

/* Between the files of dispatch: requests in, results out. */

/* 200 with JSON, or 204 when there are no bytes. */
void dispatch_json_reply(struct reply *reply, const void *data, size_t len);

/*
 * What an answer to one client has to say besides: the headers that the app
 * has set, the cookie of the session. They live as long as the task.
 */
void dispatch_private(const struct conn *conn, struct task *task,
    struct reply *reply);

/* Tell the task of one client's request whose it is. */
void dispatch_visit(const struct conn *conn, const struct http_head *head,
    const struct answer_to *to, struct task *task);

/*
 * dispatch_keep.c: copy what the answer of `request`, or its line in the access
 * log, will want of the head. Behind the struct there must be that many bytes.
 */
size_t dispatch_kept_bytes(const struct access_log *log,
    const struct answer_to *to);
void dispatch_keep(const struct access_log *log, const struct answer_to *to,
    struct request *request);

/* Answer a request that is in no list any more, and free it. */
void dispatch_finish(struct request *request, struct reply *reply);
void dispatch_finish_status(struct request *request, int status);

/* The same for an error with a reason, which is sent in development only. */
void dispatch_finish_error(struct request *request, int status,
    const char *why);

/* The page of an error, with its reason in development; consumed by
 * conn_answer() as any reply. */
void dispatch_error_reply(const struct worker_options *options, int status,
    const char *what, const char *why, struct reply *reply);

/* The same with more lines for development, or NULL; `more` is only read. */
void dispatch_explain(const struct worker_options *options, int status,
    const char *what, const char *why, const char *more, struct reply *reply);

/* dispatch_job.c: answer the question how far a job is. False: it is another
 * request; what it says of jobs is in worker->jobs. */
bool dispatch_poll(struct conn *conn, const struct answer_to *to,
    const struct http_head *head, const char *body, size_t len);

/* Development: a descriptor by which a crash can be told to the client of
 * `request` (may be NULL); else -1. */
int dispatch_answer_fd(const struct request *request);

/* Link a request into a parked entry and out of it. */
void dispatch_park(struct request *request, struct parked *parked);
void dispatch_unpark(struct request *request, struct worker *worker);

/* dispatch_many.c: take those who had come in by `until_us` out of the entry;
 * answer those who were taken with an error (`why` is sent in development only
 * and may be NULL), or with the same bytes, which are taken over. */
struct request *dispatch_take_until(struct parked *parked, int64_t until_us);
void dispatch_refuse(struct request *request, int status, const char *why);
void dispatch_answer(struct request *request, struct buf *bytes);

/* Have the answer of a parked callback made. 0, or ERR_BUSY, -ENOMEM. */
int dispatch_ask(struct worker *worker, struct parked *parked);

/* The task of a request waits in the lot, and nobody for the task: end it. */
void dispatch_end_waiting(struct worker *worker, struct task *task);

/*
 * For whom a request counts when it is settled whose value is computed next: a
 * session, or else the address that a trusted proxy names, or else the peer's.
 */
int64_t dispatch_client(const struct conn *conn, const struct answer_to *to,
    const struct session_ticket *ticket);

/* Forget an entry that nobody waits for. */
void dispatch_drop_if_empty(struct worker *worker, struct parked *parked);

/* A request for a callback, and the body it came in. Its arguments are those
 * of `update`, in worker->arena; NULL: encoded, in worker->scratch. */
struct dispatch_asked {
	const struct callback *callback;
	const struct update *update;
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

/* Hand a task for a new request to the pool, or answer 503 (also when `task`
 * is NULL). `name` is for messages. */
void dispatch_submit(struct conn *conn, const struct answer_to *to,
    struct task *task, const char *name);

/* dispatch_route.c: the answer of a TASK_ROUTE; it points into the task. */
void dispatch_route_reply(struct task *task, struct reply *reply);

/*
 * dispatch_pack.c: an answer that is long and may be compressed for its client
 * is, by the packer; it takes request, reply and task over, which the reply
 * points into. False: it is to be sent as it is, and nothing was done.
 */
bool dispatch_pack(struct request *request, struct task *task,
    const struct reply *reply);

/* The same for one that was made at once. `name` is for messages. */
bool dispatch_pack_new(struct conn *conn, const struct answer_to *to,
    struct task *task, const struct reply *reply, const char *name);

/* Send what has been compressed. */
void dispatch_on_packed(struct worker *worker);

/* dispatch.c: a request that outlives its head, NULL without memory; and take
 * one back that was handed to nobody: its answer is still to be given. */
struct request *dispatch_request_new(struct conn *conn,
    const struct answer_to *to);
void dispatch_request_drop(struct request *request);

/* dispatch.c: the outcome of a TASK_PARSE. */
void dispatch_parsed(struct worker *worker, struct task *task);

#endif
