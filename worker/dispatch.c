/* SPDX-License-Identifier: MIT */

/*
 * Requests into app code: answered from the cache on the loop thread when
 * the answer is there, parked or handed to the pool when it is not.
 *
 * For a memoized callback only the first request of a worker asks for the
 * answer (TASK_ANSWER); all others wait in the parking lot beside it. Where
 * it is computed is for the signal table to say.
 *
 * OWNERSHIP  See dispatch.h for requests, task.h for tasks.
 * THREADS    The loop only.
 */
#include "worker/dispatch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cache/encode.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/debug.h"
#include "worker/dispatch_int.h"
#include "worker/guard.h"
#include "worker/host_session.h"
#include "worker/memo.h"
#include "worker/session_again.h"
#include "worker/update.h"
#include "worker/worker_int.h"

#define SLACK_US 50000
#define CROWD 256 /* requests that wait for a thread */

static void
answer_status(struct conn *conn, const struct answer_to *to, int status)
{
	struct reply reply;

	http_reply_error(&reply, status);
	conn_answer(conn, to, &reply, false);
}

/* Whose request it is, when the app wants to know. */
static void
read_ticket(const struct conn *conn, const struct http_head *head,
    struct answer_to *to)
{
	const struct worker *worker = conn->worker;

	if (!worker->app->sessions)
		return;
	(void)session_ticket_find(worker->options, to->secure, head,
	    &to->ticket);
	to->again = session_again_count(head->query);
}

/* What a handler and the call set, the session's cookie, what debug mode adds,
 * and a Location with a number: it has to fit into one turn's heads. */
_Static_assert(GUARD_FIELDS_MAX + HOST_FIELDS_MAX + SESSION_COOKIE_MAX + 84 <=
		   HTTP_REPLY_FIELDS_MAX,
    "an answer's own lines");

void
dispatch_private(const struct conn *conn, struct task *task,
    struct reply *reply)
{
	const struct worker_options *options = conn->worker->options;

	if (session_fields(options, task->secure, &task->visit, &task->fields) <
	    0)
		log_error(-ENOMEM, "session.cookie", "a cookie is not sent");
	if (options->debug) {
		const struct buf *made = &conn->worker->site->made_line;

		(void)buf_put(&task->fields, made->data, made->len);
	}
	reply->fields = task->fields.data;
	reply->fields_len = task->fields.len;
	if (task->visit.used) {
		reply->cache = "private, no-store";
		reply->vary_cookie = true;
		reply->as_is = reply->as_is || !options->compress_session;
	}
}

/* The request of a task for one client. */
static void
give_visit(struct task *task, const struct answer_to *to)
{
	task->visit.ticket = to->ticket;
	task->secure = to->secure;
}

void
dispatch_visit(const struct conn *conn, const struct http_head *head,
    const struct answer_to *to, struct task *task)
{
	struct answer_to mine = *to;

	read_ticket(conn, head, &mine);
	give_visit(task, &mine);
}

void
dispatch_json_reply(struct reply *reply, const void *data, size_t len)
{
	memset(reply, 0, sizeof(*reply));
	reply->status = len > 0 ? 200 : 204; /* nothing set: no update */
	reply->type = len > 0 ? "application/json" : NULL;
	reply->body = data;
	reply->len = len;
}

struct request *
dispatch_request_new(struct conn *conn, const struct answer_to *to)
{
	const struct access_log *log = &conn->worker->access_log;
	struct request *request;

	request = malloc(sizeof(*request) + dispatch_kept_bytes(log, to));
	if (request == NULL)
		return NULL;
	memset(request, 0, sizeof(*request));
	request->conn = conn;
	request->worker = conn->worker;
	dispatch_keep(log, to, request);
	conn_wait(conn, request);
	return request;
}

void
dispatch_request_drop(struct request *request)
{
	struct conn *conn = request->conn;

	conn->request = NULL;
	conn->state = CONN_OPEN;
	free(request);
}

/* The same; NULL: answered 503. */
static struct request *
request_new(struct conn *conn, const struct answer_to *to)
{
	struct request *request = dispatch_request_new(conn, to);

	if (request == NULL)
		answer_status(conn, to, 503);
	return request;
}

/* Take a request that could not be handed on back, and answer it. */
static void
request_refuse(struct request *request, const struct answer_to *to, int status)
{
	struct conn *conn = request->conn;

	dispatch_request_drop(request);
	answer_status(conn, to, status);
}

void
dispatch_finish(struct request *request, struct reply *reply)
{
	struct conn *conn = request->conn;
	struct answer_to to = request->to;

	if (conn == NULL)
		blob_unref(reply->blob);
	else
		conn_finish(conn, &to, reply);
	free(request); /* after the answer: `to` points into it */
}

void
dispatch_finish_status(struct request *request, int status)
{
	struct reply reply;

	http_reply_error(&reply, status);
	dispatch_finish(request, &reply);
}

/* The page of an error, where its reader may know the reason. */
void
dispatch_explain(const struct worker_options *options, int status,
    const char *what, const char *why, const char *more, struct reply *reply)
{
	struct buf page = BUF_EMPTY;
	size_t len;
	char *data;

	http_reply_error(reply, status);
	if (!options->debug || why == NULL)
		return;
	debug_error_page(what != NULL ? what : "the callback", why, more,
	    &page);
	data = buf_detach(&page, &len);
	reply->blob = blob_new(data, len);
	if (reply->blob == NULL)
		return;
	reply->body = data;
	reply->len = len;
}

void
dispatch_error_reply(const struct worker_options *options, int status,
    const char *what, const char *why, struct reply *reply)
{
	dispatch_explain(options, status, what, why, NULL, reply);
}

void
dispatch_finish_error(struct request *request, int status, const char *why)
{
	struct reply reply;

	if (request->conn == NULL) {
		dispatch_finish_status(request, status);
		return;
	}
	dispatch_error_reply(request->conn->worker->options, status,
	    request->name, why, &reply);
	dispatch_finish(request, &reply);
}

int
dispatch_answer_fd(const struct request *request)
{
	const struct conn *conn = request != NULL ? request->conn : NULL;

	if (conn == NULL || !conn->worker->options->debug ||
	    conn->out != NULL || conn->tls != NULL || conn->h2 != NULL ||
	    conn->stream != NULL)
		return -1;
	return fcntl(conn->fd, F_DUPFD_CLOEXEC, 0);
}

static uint64_t
hash_bytes(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *at = data;
	size_t i;

	for (i = 0; i < len; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

int64_t
dispatch_client(const struct conn *conn, const struct answer_to *to,
    const struct session_ticket *ticket)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	struct http_span client = conn_client(conn, to);

	if (ticket->issued != 0)
		hash = hash_bytes(hash, ticket->id, sizeof(ticket->id));
	else if (client.len > 0)
		hash = hash_bytes(hash, client.data, client.len);
	else
		return 0;
	return (int64_t)(hash >> 1);
}

bool
dispatch_expire(struct request *request)
{
	struct conn *conn = request->conn;
	const struct worker_options *options = conn->worker->options;
	int64_t taken_us = clock_mono_us() - request->to.start_us;
	struct reply reply;

	/* The loop's clock is read once a turn, so timers are a bit early. */
	if ((double)taken_us < options->request_timeout * 1e6 - SLACK_US)
		return false;
	conn->request = NULL;
	conn->state = CONN_OPEN;
	dispatch_error_reply(options, 504, request->name,
	    "it took longer than request_timeout", &reply);
	conn_answer(conn, &request->to, &reply, false);
	dispatch_abandon(request);
	return true;
}

/* Hand a task with its request to the pool, or answer 503. */
static void
submit(struct request *request, const struct answer_to *to, struct task *task)
{
	struct worker *worker = request->conn->worker;
	int rc = -ENOMEM;

	if (task != NULL) {
		task->request = request;
		task->answer_fd = dispatch_answer_fd(request);
		rc = pool_submit(worker->pool, task);
	}
	if (rc == 0) {
		request->with_task = true;
		request->task = task;
		return;
	}
	task_free(task);
	request_refuse(request, to, 503);
}

void
dispatch_submit(struct conn *conn, const struct answer_to *to,
    struct task *task, const char *name)
{
	struct request *request = request_new(conn, to);

	if (request == NULL) {
		task_free(task);
		return;
	}
	request->name = name;
	submit(request, to, task);
}

/* What the callback is called with. False: no memory for it. */
static bool
give_arguments(struct worker *worker, const struct dispatch_asked *asked,
    struct task *task)
{
	const struct update *update = asked->update;

	if (update == NULL)
		return buf_put(&task->arguments, worker->scratch.data,
			   worker->scratch.len) == 0;
	task->args = update->arguments;
	task->said = update->about;
	task->tree = worker->arena; /* ownership moves to the task */
	arena_init_sized(&worker->arena, worker->arena.max,
	    worker->arena.block);
	return true;
}

static void
run_callback(struct conn *conn, const struct answer_to *to,
    const struct dispatch_asked *asked)
{
	struct worker *worker = conn->worker;
	const struct callback *callback = asked->callback;
	struct request *request = request_new(conn, to);
	struct task *task;

	if (request == NULL)
		return;
	request->name = callback->function;
	task =
	    task_new(callback->background || callback->cancels ? TASK_JOB
							       : TASK_CALLBACK);
	if (task != NULL) {
		give_visit(task, to);
		task->callback = callback;
		task->computation = &callback->computation;
		task->client = dispatch_client(conn, to, &to->ticket);
		if (!give_arguments(worker, asked, task) ||
		    (task->kind == TASK_JOB &&
			buf_put(&task->jobs, worker->jobs.data,
			    worker->jobs.len) < 0)) {
			task_free(task);
			task = NULL;
		}
	}
	submit(request, to, task);
}

/* A memoized callback whose answer is not in the store. */
static void
wait_for_answer(struct conn *conn, const struct answer_to *to,
    const struct callback *callback, const uint8_t key[CACHE_KEY_LEN])
{
	struct worker *worker = conn->worker;
	struct parked *parked = park_get(worker->park, key);
	struct request *request;

	if (parked == NULL) {
		answer_status(conn, to, 503);
		return;
	}
	if (parked->callback == NULL) {
		parked->callback = callback;
		parked->may_stop = callback->computation.may_stop;
		(void)buf_put(&parked->arguments, worker->scratch.data,
		    worker->scratch.len);
	}
	request = request_new(conn, to);
	if (request == NULL) {
		dispatch_drop_if_empty(worker, parked);
		return;
	}
	request->name = callback->function;
	dispatch_park(request, parked);
	if (!parked->asking && dispatch_ask(worker, parked) < 0) {
		dispatch_unpark(request, worker);
		request_refuse(request, to, 503);
	}
}

/* `arg` is a struct dispatch_asked. */
static void
run_or_recall(struct conn *conn, const struct answer_to *to, const void *arg)
{
	const struct dispatch_asked *asked = arg;
	const struct callback *callback = asked->callback;
	struct answer_to named = *to;
	struct worker *worker = conn->worker;
	uint8_t key[CACHE_KEY_LEN];

	named.callback = callback;
	if (!callback->memoize || callback->background ||
	    worker->kit.cache == NULL ||
	    memo_key_of(&worker->kit, &callback->computation, true,
		worker->scratch.data, worker->scratch.len, key) < 0)
		run_callback(conn, &named, asked);
	else if (!dispatch_recall(conn, &named, asked, key))
		wait_for_answer(conn, &named, callback, key);
}

/* What failed, for those who may know: the callback, if it was found. */
static const char *
refused_name(const struct update *update)
{
	return update->callback != NULL ? update->callback->function
					: "the update";
}

static void
log_refusal(const struct update *update)
{
	static struct log_gate gate;
	unsigned suppressed;

	if (log_gate_open(&gate, &suppressed))
		log_info("update.refused", "status=%d reason=\"%s\" held=%u",
		    update->status, update->why, suppressed);
}

static void
parse_in_pool(struct conn *conn, const struct answer_to *to,
    const struct value *about, const char *body, size_t len, bool gzip)
{
	struct request *request = request_new(conn, to);
	struct task *task;

	if (request == NULL)
		return;
	task = task_new(TASK_PARSE);
	if (task != NULL) {
		task->gzip = gzip;
		task->spool = conn_take_spool(conn); /* if it is in a file */
	}
	if (task != NULL && ((task->spool == NULL &&
				 buf_put(&task->arguments, body, len) < 0) ||
				encode_value(about, &task->about) < 0 ||
				buf_put(&task->jobs, conn->worker->jobs.data,
				    conn->worker->jobs.len) < 0)) {
		task_free(task);
		task = NULL;
	}
	submit(request, to, task);
}

/*
 * The arguments become bytes where they are a key or are stored, or may wait
 * in a crowd: bytes take little room. A callback that is called once, by this
 * worker and soon, gets them as they were read.
 */
static int
settle_arguments(struct worker *worker, struct update *update,
    const struct value *about, struct dispatch_asked *asked)
{
	const struct callback *callback = update->callback;

	if (callback->memoize || callback->background || callback->cancels ||
	    pool_queued(worker->pool) >= CROWD) {
		buf_clear(&worker->scratch);
		return update_encode(update, about, &worker->arena,
		    &worker->scratch);
	}
	update->about->u.items[UPDATE_REQUEST] = *about;
	asked->update = update;
	return 0;
}

void
dispatch_update(struct conn *conn, const struct answer_to *asker,
    const struct http_head *head, const char *body, size_t len, bool gzip)
{
	struct worker *worker = conn->worker;
	struct dispatch_asked asked = { .body = body, .len = len };
	struct answer_to mine = *asker;
	const struct answer_to *to = &mine;
	struct update update;
	struct value *about;
	struct reply reply;

	if (dispatch_poll(conn, to, head, body, gzip ? 0 : len) ||
	    (!gzip && dispatch_recall_body(conn, to, body, len)))
		return;
	read_ticket(conn, head, &mine);
	arena_reset(&worker->arena);
	about = update_request(&worker->arena, head, conn_client(conn, to));
	if (about == NULL) {
		answer_status(conn, to, 503);
		return;
	}
	if (gzip || len > DISPATCH_LOOP_MAX) {
		parse_in_pool(conn, to, about, body, len, gzip);
		return;
	}
	update_parse(worker->app, worker->options, body, len, &worker->arena,
	    &update);
	if (update.status == 0 &&
	    settle_arguments(worker, &update, about, &asked) < 0) {
		update.status = 400;
		update.why = "a value cannot be encoded";
	}
	if (update.status != 0) {
		log_refusal(&update);
		dispatch_error_reply(worker->options, update.status,
		    refused_name(&update), update.why, &reply);
		conn_answer(conn, to, &reply, false);
		return;
	}
	asked.callback = update.callback;
	run_or_recall(conn, to, &asked);
}

/* A large body was parsed by the pool: go on as if it had been small. */
void
dispatch_parsed(struct worker *worker, struct task *task)
{
	struct request *request = task->request;
	struct conn *conn = request->conn;
	struct answer_to to = request->to;
	struct update update = { .status = task->status,
		.why = task->error,
		.callback = task->callback };
	struct dispatch_asked asked = { .callback = task->callback };

	request->with_task = false;
	if (conn == NULL) {
		free(request);
		return;
	}
	if (task->outcome == TASK_FAILED) {
		log_refusal(&update);
		request->name = refused_name(&update);
		dispatch_finish_error(request,
		    task->status != 0 ? task->status : 500, task->error);
		return;
	}
	buf_clear(&worker->scratch);
	buf_clear(&worker->jobs);
	if (buf_put(&worker->jobs, task->jobs.data, task->jobs.len) < 0 ||
	    buf_put(&worker->scratch, task->arguments.data,
		task->arguments.len) < 0) {
		dispatch_finish_status(request, 503);
		return;
	}
	conn_resume(conn, run_or_recall, &to, &asked);
	free(request); /* after the answer: `to` points into it */
}
