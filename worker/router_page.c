/* SPDX-License-Identifier: MIT */

/*
 * The page: the document of each address, and in development whether it is out
 * of date and what is wrong with the newest one.
 *
 * THREADS  The loop only.
 */
#include <string.h>

#include "server/base/bug.h"
#include "worker/debug.h"
#include "worker/guard.h"
#include "worker/pages.h"
#include "worker/router_int.h"
#include "worker/worker_int.h"

void
router_answer_bytes(const struct route_request *rq, struct buf *bytes,
    const char *type)
{
	struct reply reply;
	size_t len;
	char *data;

	memset(&reply, 0, sizeof(reply));
	reply.status = 200;
	reply.type = type;
	data = buf_detach(bytes, &len);
	reply.body = data;
	reply.len = len;
	reply.blob = blob_new(data, len);
	if (reply.blob == NULL)
		router_answer_status(rq, 503);
	else
		conn_answer(rq->conn, rq->to, &reply, false);
}

void
router_reload_hash(const struct route_request *rq)
{
	const struct worker *worker = rq->conn->worker;
	const struct http_span *query = &rq->head->query;
	struct buf json = BUF_EMPTY;

	if (!worker->options->debug) {
		router_answer_status(rq, 404);
		return;
	}
	debug_reload_json(worker->app, worker->options, worker->site,
	    query->data != NULL && http_span_is(*query, "notice"), &json);
	router_answer_bytes(rq, &json, "application/json");
}

void
router_debug_script(const struct route_request *rq)
{
	const struct worker *worker = rq->conn->worker;
	struct buf script = BUF_EMPTY;

	if (!worker->options->debug) {
		router_answer_status(rq, 404);
		return;
	}
	debug_script(worker->app, worker->options, worker->site, &script);
	router_answer_bytes(rq, &script, "text/javascript; charset=utf-8");
}

/*
 * The document of this address, which is decoded. NULL: none of the app's pages
 * has it; or one had it once, *old then.
 */
static const struct site_file *
page_file(struct worker *worker, const char *path, const struct page **old)
{
	const struct app *app = worker->app;
	const struct page *page;
	struct value *variables;
	size_t i;

	*old = NULL;
	if (app->page_count == 0)
		return &worker->site->index;
	arena_reset(&worker->arena);
	page = pages_find(app, path, &worker->arena, &variables);
	for (i = 0; page != NULL && i < worker->site->page_count; i++) {
		if (app->pages[i] == page)
			return &worker->site->pages[i];
	}
	*old = pages_find_old(app, path);
	return NULL;
}

/* A page's path is the app's own text, and has no variables here. */
static void
answer_moved(const struct route_request *rq, const struct page *page)
{
	struct buf field = BUF_EMPTY;
	struct reply reply;

	http_reply_error(&reply, 301);
	(void)buf_printf(&field, "Location: %s%s",
	    rq->conn->worker->site->requests, page->info.path + 1);
	if (rq->head->query.data != NULL) {
		(void)buf_putc(&field, '?');
		(void)buf_put(&field, rq->head->query.data,
		    rq->head->query.len);
	}
	(void)buf_putl(&field, "\r\n");
	if (!buf_ok(&field) || field.len > GUARD_FIELDS_MAX) {
		router_answer_status(rq, 503);
	} else {
		reply.fields = field.data;
		reply.fields_len = field.len;
		conn_answer(rq->conn, rq->to, &reply, false);
	}
	buf_free(&field);
}

/*
 * The session's cookie goes with the page, so that all that the page asks for
 * at once is asked by one session. 0, or negative: there is no answer.
 */
static int
page_session(const struct route_request *rq, char cookie[SESSION_COOKIE_MAX],
    struct reply *reply)
{
	struct worker *worker = rq->conn->worker;
	bool secure = rq->to->secure;
	struct session_ticket ticket;
	struct session_row row;
	bool known;
	int rc = 0;

	if (!worker->app->sessions)
		return 0;
	reply->cache = "private, no-cache";
	reply->vary_cookie = true;
	known = session_ticket_find(worker->options, secure, rq->head, &ticket);
	if (known && worker->kit.cache != NULL)
		known =
		    session_find(worker->kit.cache, ticket.id,
			(int64_t)ticket.issued * 1000, &row) <= SESSION_LIVE;
	if (known && !session_ticket_is_old(worker->options, &ticket))
		return 0;
	if (!known)
		rc = session_ticket_new(&ticket);
	if (rc == 0)
		rc = session_cookie_write(worker->options, secure, &ticket,
		    cookie);
	reply->session = cookie;
	return rc;
}

/* The token's cookie, where the client has none yet. 0, or negative. */
static int
page_token(const struct route_request *rq, char cookie[GUARD_COOKIE_MAX],
    struct reply *reply)
{
	const struct worker *worker = rq->conn->worker;
	const struct worker_options *options = worker->options;

	if (!options->csrf_token ||
	    guard_cookie(rq->head, options->csrf_token_name).len ==
		GUARD_TOKEN_LEN)
		return 0;
	reply->cookie = cookie;
	reply->cache = "private, no-cache";
	return guard_new_cookie(options, worker->site->requests, rq->to->secure,
	    cookie);
}

/*
 * Deep links are addresses of the app, of which it makes what it likes; one
 * that climbs, or is no text, is none.
 */
void
router_page(const struct route_request *rq)
{
	struct worker *worker = rq->conn->worker;
	const struct site *site = worker->site;
	const struct site_file *file;
	const struct page *old;
	char path[ROUTER_PATH_MAX];
	char cookie[GUARD_COOKIE_MAX];
	char session[SESSION_COOKIE_MAX];
	struct reply reply;
	int rc = http_path_decode(rq->path, path, sizeof(path));

	ASSERT(site != NULL);
	if (rc < 0 || http_path_hides(path)) {
		router_answer_status(rq, rc < 0 ? -rc : 400);
		return;
	}
	file = page_file(worker, path, &old);
	if (old != NULL) {
		answer_moved(rq, old);
		return;
	}
	router_file_reply(rq, file != NULL ? file : &site->index, "no-cache",
	    &reply);
	if (file == NULL && reply.status == 200) { /* the page says so, too */
		reply.status = 404;
		reply.etag = NULL;
	}
	reply.fields = site->page_fields.data;
	reply.fields_len = site->page_fields.len;
	if (page_session(rq, session, &reply) < 0 ||
	    page_token(rq, cookie, &reply) < 0)
		router_answer_status(rq, 503);
	else
		conn_answer(rq->conn, rq->to, &reply, false);
}
