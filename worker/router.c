/* SPDX-License-Identifier: MIT */

/*
 * The routes, one row each. Everything below / that no other row takes is
 * the page itself, so that deep links work.
 *
 * INVARIANT  Each request is answered exactly once: by its handler here, or
 *            later by dispatch.c.
 * THREADS    The loop only.
 */
#include "worker/router.h"

#include <string.h>

#include "worker/dispatch.h"
#include "worker/worker_int.h"

#define SUITES "/_dash-component-suites/"
#define IMMUTABLE "public, max-age=31536000, immutable"

struct route_request {
	struct conn *conn;
	const struct http_head *head;
	const struct answer_to *to;
	const char *body;
	size_t len;
};

static void
answer_status(const struct route_request *rq, int status)
{
	struct reply reply;

	http_reply_error(&reply, status);
	conn_answer(rq->conn, rq->to, &reply, false);
}

/* Does a list such as `gzip, br;q=0.5` offer gzip? */
static bool
accepts_gzip(struct http_span list)
{
	const char *at = list.data;
	const char *end = at + list.len;
	const char *q;
	size_t len;

	while (at != NULL && at < end) {
		while (at < end && (*at == ' ' || *at == '\t' || *at == ','))
			at++;
		for (len = 0; at + len < end && at[len] != ','; len++)
			continue;
		if (len >= 4 && strncasecmp(at, "gzip", 4) == 0 &&
		    (len == 4 || strchr("; \t", at[4]) != NULL)) {
			q = memmem(at, len, "q=0", 3);
			return q == NULL ||
			       (q + 3 < at + len && q[3] == '.' &&
				   q + 4 < at + len && q[4] != '0');
		}
		at += len;
	}
	return false;
}

/* Is the tag in an If-None-Match list, or the list `*`? */
static bool
etag_matches(struct http_span list, const char *etag)
{
	if (list.data == NULL)
		return false;
	return (list.len == 1 && list.data[0] == '*') ||
	       memmem(list.data, list.len, etag, strlen(etag)) != NULL;
}

static void
answer_file(const struct route_request *rq, const struct site_file *file,
    const char *cache)
{
	struct reply reply;

	memset(&reply, 0, sizeof(reply));
	reply.status = 200;
	reply.type = file->mime;
	reply.cache = cache;
	reply.etag = file->etag;
	reply.vary = file->gzip_data != NULL;
	if (etag_matches(rq->head->if_none_match, file->etag)) {
		reply.status = 304;
		reply.type = NULL;
	} else if (file->gzip_data != NULL &&
		   accepts_gzip(rq->head->accept_encoding)) {
		reply.gzip = true;
		reply.body = file->gzip_data;
		reply.len = file->gzip_len;
	} else {
		reply.body = file->data;
		reply.len = file->len;
	}
	conn_answer(rq->conn, rq->to, &reply, false);
}

static void
get_page(const struct route_request *rq)
{
	answer_file(rq, &rq->conn->worker->site->index, "no-cache");
}

static void
get_suite(const struct route_request *rq)
{
	size_t skip = sizeof(SUITES) - 1;
	const struct site_file *file = site_find(rq->conn->worker->site,
	    rq->head->path.data + skip, rq->head->path.len - skip);

	if (file == NULL)
		answer_status(rq, 404);
	else
		answer_file(rq, file, IMMUTABLE);
}

static void
get_favicon(const struct route_request *rq)
{
	answer_file(rq, &rq->conn->worker->site->favicon,
	    "public, max-age=86400");
}

static void
get_layout(const struct route_request *rq)
{
	dispatch_layout(rq->conn, rq->to);
}

static void
get_dependencies(const struct route_request *rq)
{
	const struct buf *json = &rq->conn->worker->site->dependencies;
	struct reply reply;

	memset(&reply, 0, sizeof(reply));
	reply.status = 200;
	reply.type = "application/json";
	reply.body = json->data;
	reply.len = json->len;
	conn_answer(rq->conn, rq->to, &reply, false);
}

/* A worker that answers at all is healthy and, until it drains, ready. */
static void
get_health(const struct route_request *rq)
{
	struct reply reply;

	memset(&reply, 0, sizeof(reply));
	reply.status = 200;
	reply.type = "text/plain; charset=utf-8";
	reply.body = "ok\n";
	reply.len = 3;
	conn_answer(rq->conn, rq->to, &reply, false);
}

static void
get_ready(const struct route_request *rq)
{
	if (rq->conn->worker->draining)
		answer_status(rq, 503);
	else
		get_health(rq);
}

/* Only JSON: a page of another site cannot send that type unasked. */
static bool
is_json(struct http_span type)
{
	static const char json[] = "application/json";
	size_t len = sizeof(json) - 1;

	return type.data != NULL && type.len >= len &&
	       strncasecmp(type.data, json, len) == 0 &&
	       (type.len == len || strchr("; \t", type.data[len]) != NULL);
}

static void
post_update(const struct route_request *rq)
{
	if (!is_json(rq->head->content_type) ||
	    rq->head->content_encoding.data != NULL)
		answer_status(rq, 415);
	else
		dispatch_update(rq->conn, rq->to, rq->body, rq->len);
}

static void
get_nothing(const struct route_request *rq)
{
	answer_status(rq, 404);
}

static const struct route {
	const char *path;
	bool prefix; /* and everything below it */
	bool post;   /* POST only; else GET and HEAD */
	void (*handle)(const struct route_request *rq);
} routes[] = {
	{ "/_dash-update-component", false, true, post_update },
	{ "/", false, false, get_page },
	{ SUITES, true, false, get_suite },
	{ "/_dash-layout", false, false, get_layout },
	{ "/_dash-dependencies", false, false, get_dependencies },
	{ "/_favicon.ico", false, false, get_favicon },
	{ "/favicon.ico", false, false, get_favicon },
	{ "/_ph/health", false, false, get_health },
	{ "/_ph/ready", false, false, get_ready },
	{ "/_dash-", true, false, get_nothing },
	{ "/_ph/", true, false, get_nothing },
	{ "/assets/", true, false, get_nothing },
	{ "/", true, false, get_page },
};

static const struct route *
find_route(struct http_span path)
{
	const struct route *route;
	size_t len;
	size_t i;

	for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		route = &routes[i];
		len = strlen(route->path);
		if (path.len >= len &&
		    memcmp(path.data, route->path, len) == 0 &&
		    (route->prefix || path.len == len))
			return route;
	}
	return NULL;
}

static void
answer_options(const struct route_request *rq, const char *allow, int status)
{
	struct reply reply;

	http_reply_error(&reply, status);
	reply.allow = allow;
	conn_answer(rq->conn, rq->to, &reply, false);
}

void
router_handle(struct conn *conn, const struct http_head *head,
    const struct answer_to *to, const char *body, size_t len)
{
	struct route_request rq = { conn, head, to, body, len };
	const struct route *route;
	const char *allow;

	if (head->path.data == NULL || head->method == HTTP_TRACE) {
		answer_options(&rq, "GET, HEAD, POST, OPTIONS", 405);
		return;
	}
	route = find_route(head->path);
	allow = route != NULL && route->post ? "POST, OPTIONS"
					     : "GET, HEAD, OPTIONS";
	if (head->method == HTTP_OPTIONS) {
		answer_options(&rq, allow, 204);
	} else if (route == NULL) {
		answer_status(&rq, 404);
	} else if (head->method == HTTP_OTHER) {
		answer_status(&rq, 501);
	} else if (route->post ? head->method != HTTP_POST
			       : head->method != HTTP_GET &&
				     head->method != HTTP_HEAD) {
		answer_options(&rq, allow, 405);
	} else {
		route->handle(&rq);
	}
}
