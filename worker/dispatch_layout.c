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
#include "worker/update.h"
#include "worker/worker_int.h"

struct page {
	struct worker *worker;
	struct task task;
};

static void
run_layout(void *arg)
{
	struct page *page = arg;

	task_layout(&page->task, &page->worker->kit);
}

/* The page, or why there is none. */
static void
take_page(struct page *page, struct reply *reply)
{
	size_t len;
	char *data = buf_detach(&page->task.response, &len);

	if (page->task.outcome != TASK_DONE) {
		free(data);
		dispatch_error_reply(page->worker->options, 500, "the layout",
		    page->task.error, reply);
		return;
	}
	dispatch_json_reply(reply, data, len);
	reply->blob = blob_new(data, len);
	if (reply->blob == NULL)
		http_reply_error(reply, 503);
}

/* Whose request it is, and what he has said of himself. */
static int
give_request(struct conn *conn, const struct answer_to *to,
    const struct http_head *head, struct task *task)
{
	struct arena *arena = &conn->worker->arena;
	const struct value *request;

	dispatch_visit(conn, head, to, task);
	arena_reset(arena);
	request = update_request(arena, head,
	    to->client.data != NULL
		? to->client
		: (struct http_span){ conn->peer, strlen(conn->peer) });
	return request != NULL ? encode_value(request, &task->about) : -ENOMEM;
}

static void
layout_here(struct conn *conn, const struct answer_to *to,
    const struct http_head *head)
{
	struct page page = { .worker = conn->worker };
	struct crash_about about;
	struct reply reply;
	bool whole;

	if (give_request(conn, to, head, &page.task) < 0) {
		buf_free(&page.task.about);
		http_reply_error(&reply, 503);
		conn_answer(conn, to, &reply, false);
		return;
	}
	worker_read_begin(conn->worker);
	whole = crash_guard(run_layout, &page, &about);
	worker_read_end(conn->worker);
	if (whole) {
		take_page(&page, &reply);
		dispatch_private(conn, &page.task, &reply);
	} else {
		ending_answer_layout(conn, &about, &reply);
	}
	conn_answer(conn, to, &reply, false);
	buf_free(&page.task.fields);
	buf_free(&page.task.about);
}

void
dispatch_layout(struct conn *conn, const struct answer_to *to,
    const struct http_head *head)
{
	struct task *task;

	if (!conn->worker->app->layout_blocking) {
		layout_here(conn, to, head);
		return;
	}
	task = task_new(TASK_LAYOUT);
	if (task != NULL && give_request(conn, to, head, task) < 0) {
		task_free(task);
		task = NULL;
	}
	dispatch_submit(conn, to, task, "the layout");
}
