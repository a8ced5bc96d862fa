/* SPDX-License-Identifier: MIT */

/*
 * The page asks how far a background callback is. Answered on the loop from
 * three or four look-ups, so that asking holds no thread; only renewing a
 * ticket now and then is a task for the pool.
 *
 * THREADS  The loop only.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/encode.h"
#include "server/base/board.h"
#include "server/base/err.h"
#include "worker/dispatch_int.h"
#include "worker/job.h"
#include "worker/packed.h"
#include "worker/update.h"
#include "worker/worker_int.h"

/* A poll, and the body that it came with. */
struct poll {
	const char *body;
	size_t len;
};

/* Whose job it is: the page asks in the callback's own name. */
static const char *
name_of(struct worker *worker, const struct poll *poll)
{
	struct update update;

	if (poll->len > DISPATCH_LOOP_MAX)
		return "the job";
	arena_reset(&worker->arena);
	update_parse(worker->app, worker->options, poll->body, poll->len,
	    &worker->arena, &update);
	return update.callback != NULL ? update.callback->function : "the job";
}

/* The report of the last crash, when that was of the row `key`; else NULL. */
static const char *
crash_of(const struct worker *worker, const uint8_t *key,
    char text[BOARD_CRASH_MAX])
{
	char hex[2 * CACHE_KEY_LEN + 1];
	int i;

	if (key == NULL || worker->handoff->board_fd < 0 ||
	    board_crash(worker->handoff->board_fd, text) < 0)
		return NULL;
	for (i = 0; i < CACHE_KEY_LEN; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", key[i]);
	return strstr(text, hex) != NULL ? text : NULL;
}

/* `key`: the row that has failed, or NULL. */
static void
answer_error(struct conn *conn, const struct answer_to *to,
    const struct poll *poll, const uint8_t *key, const char *why)
{
	struct worker *worker = conn->worker;
	bool debug = worker->options->debug;
	char text[BOARD_CRASH_MAX];
	struct reply reply;

	dispatch_explain(worker->options, 500,
	    debug ? name_of(worker, poll) : NULL, why,
	    debug ? crash_of(worker, key, text) : NULL, &reply);
	conn_answer(conn, to, &reply, false);
}

/* Append an entry that a job has left, when there is one. */
static void
put_entry(struct worker *worker, const char *name,
    const uint8_t key[CACHE_KEY_LEN], struct buf *out)
{
	enum cache_format format;
	struct value *json;

	if (cache_lookup(worker->kit.cache, key, &worker->found, &format) <=
	    CACHE_MISS)
		return;
	arena_reset(&worker->arena);
	if (encode_decode(worker->found.data, worker->found.len, &worker->arena,
		&json) < 0 ||
	    json->kind != VALUE_JSON)
		return;
	(void)buf_printf(out, ",\"%s\":", name);
	(void)buf_put(out, json->u.text, json->count);
}

static void
answer_progress(struct conn *conn, const struct answer_to *to,
    const uint8_t row[CACHE_KEY_LEN])
{
	struct worker *worker = conn->worker;
	uint8_t key[CACHE_KEY_LEN];
	struct reply reply;

	buf_clear(&worker->scratch);
	(void)buf_putl(&worker->scratch, "{\"multi\":true");
	if (job_progress_key(worker->cache_options, row, key) == 0)
		put_entry(worker, "progress", key, &worker->scratch);
	if (job_sides_key(worker->cache_options, row, key) == 0)
		put_entry(worker, "sideUpdate", key, &worker->scratch);
	(void)buf_putc(&worker->scratch, '}');
	dispatch_json_reply(&reply, worker->scratch.data, worker->scratch.len);
	conn_answer(conn, to, &reply, true);
}

static void
answer_result(struct conn *conn, const struct answer_to *to,
    const struct poll *poll, const uint8_t row[CACHE_KEY_LEN])
{
	struct worker *worker = conn->worker;
	enum cache_format format;
	struct packed packed;
	struct reply reply;

	if (cache_lookup(worker->kit.cache, row, &worker->found, &format) <=
		CACHE_MISS ||
	    format != CACHE_FORMAT_RESPONSE ||
	    !packed_open(worker->found.data, worker->found.len, &packed)) {
		answer_error(conn, to, poll, NULL,
		    "its result is not in the store");
		return;
	}
	packed_reply(&packed, to->gzip, to->br, &reply);
	conn_answer(conn, to, &reply, true);
}

/* Nobody waits for it; when it fails the next look tries again. */
static void
renew(struct worker *worker, const char *id, const char *requester,
    const struct job_ticket *ticket)
{
	struct task *task = task_new(TASK_RENEW);

	if (task == NULL)
		return;
	memcpy(task->key, ticket->key, CACHE_KEY_LEN);
	if (buf_put(&task->jobs, requester, JOB_ID_LEN) < 0 ||
	    buf_put(&task->jobs, id, JOB_ID_LEN) < 0 ||
	    pool_submit(worker->pool, task) < 0)
		task_free(task);
}

static void
answer_poll(struct conn *conn, const struct answer_to *to,
    const struct poll *poll, const char *id, const char *requester)
{
	struct worker *worker = conn->worker;
	struct job_ticket ticket;
	struct buf why = BUF_EMPTY;
	struct reply reply;
	int rc;

	worker_read_begin(worker);
	rc = job_read(worker->kit.cache, worker->cache_options, id, requester,
	    &ticket);
	if (rc == -ENOENT) { /* cancelled, or no such job: nothing changes */
		dispatch_json_reply(&reply, NULL, 0);
		conn_answer(conn, to, &reply, false);
		return;
	}
	if (rc == 0)
		rc = cache_state(worker->kit.cache, ticket.key, &why);
	if (rc == CACHE_READY) {
		answer_result(conn, to, poll, ticket.key);
	} else if (rc == CACHE_WAITING) {
		answer_progress(conn, to, ticket.key);
		if (ticket.stale)
			renew(worker, id, requester, &ticket);
	} else if (rc == ERR_BUSY) {
		dispatch_json_reply(&reply, "{\"multi\":true}", 14);
		conn_answer(conn, to, &reply, false);
	} else if (rc == CACHE_FAILED) {
		answer_error(conn, to, poll, ticket.key,
		    why.len > 0 ? buf_cstr(&why) : "failed");
	} else {
		answer_error(conn, to, poll, NULL,
		    rc == -ENOENT ? "it was lost with the server's restart, "
				    "or its result was forgotten"
				  : err_str(rc));
	}
	buf_free(&why);
}

bool
dispatch_poll(struct conn *conn, const struct answer_to *to,
    const struct http_head *head, const char *body, size_t len)
{
	struct worker *worker = conn->worker;
	const struct poll poll = { .body = body, .len = len };
	char requester[JOB_ID_LEN + 1];
	char id[JOB_ID_LEN + 1];
	size_t at = 0;

	buf_clear(&worker->jobs);
	if (!worker->app->has_background)
		return false;
	job_requester(worker->options, head, requester);
	if (head->query.data != NULL &&
	    job_next_id(head->query, "job", &at, id)) {
		answer_poll(conn, to, &poll, id, requester);
		return true;
	}
	(void)buf_put(&worker->jobs, requester, JOB_ID_LEN);
	if (head->query.data != NULL)
		(void)buf_put(&worker->jobs, head->query.data, head->query.len);
	return false;
}
