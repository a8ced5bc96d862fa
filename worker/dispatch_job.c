/* SPDX-License-Identifier: MIT */

/*
 * The page asks how far a background callback is. Answered on the loop from
 * two or three look-ups, so that asking holds no thread; only renewing a
 * ticket now and then is a task for the pool.
 *
 * THREADS  The loop only.
 */
#include <errno.h>
#include <string.h>

#include "cache/encode.h"
#include "server/base/err.h"
#include "worker/dispatch_int.h"
#include "worker/job.h"
#include "worker/packed.h"
#include "worker/worker_int.h"

static void
answer_error(struct conn *conn, const struct answer_to *to, const char *why)
{
	struct reply reply;

	dispatch_error_reply(conn->worker->options, 500, "the job", why,
	    &reply);
	conn_answer(conn, to, &reply, false);
}

/* Append the progress, when there is one. */
static void
put_progress(struct worker *worker, const uint8_t row[CACHE_KEY_LEN],
    struct buf *out)
{
	uint8_t key[CACHE_KEY_LEN];
	enum cache_format format;
	struct value *json;

	if (job_progress_key(worker->cache_options, row, key) < 0 ||
	    cache_lookup(worker->kit.cache, key, &worker->found, &format) <=
		CACHE_MISS)
		return;
	arena_reset(&worker->arena);
	if (encode_decode(worker->found.data, worker->found.len, &worker->arena,
		&json) < 0 ||
	    json->kind != VALUE_JSON)
		return;
	(void)buf_putl(out, ",\"progress\":");
	(void)buf_put(out, json->u.text, json->count);
}

static void
answer_progress(struct conn *conn, const struct answer_to *to,
    const uint8_t row[CACHE_KEY_LEN])
{
	struct worker *worker = conn->worker;
	struct reply reply;

	buf_clear(&worker->scratch);
	(void)buf_putl(&worker->scratch, "{\"multi\":true");
	put_progress(worker, row, &worker->scratch);
	(void)buf_putc(&worker->scratch, '}');
	dispatch_json_reply(&reply, worker->scratch.data, worker->scratch.len);
	conn_answer(conn, to, &reply, true);
}

static void
answer_result(struct conn *conn, const struct answer_to *to,
    const uint8_t row[CACHE_KEY_LEN])
{
	struct worker *worker = conn->worker;
	enum cache_format format;
	struct packed packed;
	struct reply reply;

	if (cache_lookup(worker->kit.cache, row, &worker->found, &format) <=
		CACHE_MISS ||
	    format != CACHE_FORMAT_RESPONSE ||
	    !packed_open(worker->found.data, worker->found.len, &packed)) {
		answer_error(conn, to, "its result is not in the store");
		return;
	}
	packed_reply(&packed, to->gzip, &reply);
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
answer_poll(struct conn *conn, const struct answer_to *to, const char *id,
    const char *requester)
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
		answer_result(conn, to, ticket.key);
	} else if (rc == CACHE_WAITING) {
		answer_progress(conn, to, ticket.key);
		if (ticket.stale)
			renew(worker, id, requester, &ticket);
	} else if (rc == ERR_BUSY) {
		dispatch_json_reply(&reply, "{\"multi\":true}", 14);
		conn_answer(conn, to, &reply, false);
	} else if (rc == CACHE_FAILED) {
		answer_error(conn, to, why.len > 0 ? buf_cstr(&why) : "failed");
	} else {
		answer_error(conn, to,
		    rc == -ENOENT ? "it was lost with the server's restart, "
				    "or its result was forgotten"
				  : err_str(rc));
	}
	buf_free(&why);
}

bool
dispatch_poll(struct conn *conn, const struct answer_to *to,
    const struct http_head *head)
{
	struct worker *worker = conn->worker;
	char requester[JOB_ID_LEN + 1];
	char id[JOB_ID_LEN + 1];
	size_t at = 0;

	buf_clear(&worker->jobs);
	if (!worker->app->has_background)
		return false;
	job_requester(worker->options, head, requester);
	if (head->query.data != NULL &&
	    job_next_id(head->query, "job", &at, id)) {
		answer_poll(conn, to, id, requester);
		return true;
	}
	(void)buf_put(&worker->jobs, requester, JOB_ID_LEN);
	if (head->query.data != NULL)
		(void)buf_put(&worker->jobs, head->query.data, head->query.len);
	return false;
}
