/* SPDX-License-Identifier: MIT */

/*
 * The page's component tree, for each visitor: on the loop, as most layouts
 * are quick, or in the pool where the app says that its own is not.
 *
 * THREADS  The loop only.
 * FAILURE  A layout that crashes on the loop is answered like one that fails;
 *          then the worker ends, see ending.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/encode.h"
#include "worker/crash.h"
#include "worker/dispatch_int.h"
#include "worker/guard.h"
#include "worker/update.h"
#include "worker/worker_int.h"

struct page {
	struct worker *worker;
	const struct value *request; /* in the worker's arena */
	struct task *task;
};

static void
run_layout(void *arg)
{
	struct page *page = arg;

	task_layout(page->task, &page->worker->kit, page->request);
}

/* The page, or why there is none. */
static void
take_page(struct page *page, struct reply *reply)
{
	size_t len;
	char *data = buf_detach(&page->task->response, &len);

	if (page->task->outcome != TASK_DONE) {
		free(data);
		dispatch_error_reply(page->worker->options,
		    page->task->visit.outdated ? 409 : 500, "the layout",
		    page->task->error, reply);
		return;
	}
	dispatch_json_reply(reply, data, len);
	reply->blob = blob_new(data, len);
	if (reply->blob == NULL)
		http_reply_error(reply, 503);
}

/* Whose request it is, what he says of himself, and of the page that he sees:
 * only the Referer knows that, as the front end asks for the layout at an
 * address of its own. NULL: no memory. */
static const struct value *
find_request(struct conn *conn, const struct answer_to *to,
    const struct http_head *head, struct task *task)
{
	struct worker *worker = conn->worker;
	struct http_span query =
	    guard_page_query(head, worker->site->requests, to->secure);

	dispatch_visit(conn, head, to, task);
	if (query.len > 0 &&
	    buf_put(&task->arguments, query.data, query.len) < 0)
		return NULL;
	arena_reset(&worker->arena);
	return update_request(&worker->arena, head, conn_client(conn, to));
}

static void
layout_here(struct conn *conn, const struct answer_to *to,
    const struct http_head *head)
{
	struct page page = { .worker = conn->worker,
		.task = task_new(TASK_LAYOUT) };
	struct crash_about about;
	struct reply reply;
	bool whole;

	if (page.task != NULL)
		page.request = find_request(conn, to, head, page.task);
	if (page.request == NULL) {
		task_free(page.task);
		http_reply_error(&reply, 503);
		conn_answer(conn, to, &reply, false);
		return;
	}
	worker_read_begin(conn->worker);
	whole = crash_guard(run_layout, &page, &about);
	worker_read_end(conn->worker);
	if (whole) {
		take_page(&page, &reply);
		dispatch_private(conn, page.task, &reply);
	} else {
		ending_answer_layout(conn, &about, &reply);
	}
	if (dispatch_pack_new(conn, to, page.task, &reply, "the layout"))
		return;
	conn_answer(conn, to, &reply, false);
	task_free(page.task);
}

void
dispatch_layout(struct conn *conn, const struct answer_to *to,
    const struct http_head *head)
{
	const struct value *request;
	struct task *task;

	if (!conn->worker->app->layout_blocking) {
		layout_here(conn, to, head);
		return;
	}
	task = task_new(TASK_LAYOUT);
	request = task != NULL ? find_request(conn, to, head, task) : NULL;
	if (request == NULL || encode_value(request, &task->about) < 0) {
		task_free(task);
		task = NULL;
	}
	dispatch_submit(conn, to, task, "the layout");
}
