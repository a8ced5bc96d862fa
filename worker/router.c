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

#include <stdio.h>
#include <string.h>

#include "worker/body.h"
#include "worker/dispatch.h"
#include "worker/guard.h"
#include "worker/hooks.h"
#include "worker/metrics.h"
#include "worker/router_int.h"
#include "worker/routes.h"
#include "worker/static.h"
#include "worker/static_select.h"
#include "worker/status_json.h"
#include "worker/worker_int.h"

#define INFLATED_KEEP ((size_t)256 * 1024) /* memory kept for the next */
#define SUITES "/_dash-component-suites/"
#define IMMUTABLE "public, max-age=31536000, immutable"

void
router_answer_status(const struct route_request *rq, int status)
{
	struct reply reply;

	http_reply_error(&reply, status);
	conn_answer(rq->conn, rq->to, &reply, false);
}

void
router_file_reply(const struct route_request *rq, const struct site_file *file,
    const char *cache, struct reply *reply)
{
	struct static_codings takes = rq->to->takes;
	bool br = file->br_data != NULL && takes.br;
	bool gzip = !br && file->gzip_data != NULL && takes.gzip;

	memset(reply, 0, sizeof(*reply));
	reply->type = file->mime;
	reply->cache = cache;
	reply->etag = br ? file->etag_br : gzip ? file->etag_gzip : file->etag;
	reply->status = static_condition(rq->head, reply->etag, 0);
	reply->vary = file->gzip_data != NULL;
	if (reply->status == 412) {
		http_reply_error(reply, 412);
	} else if (reply->status == 304) {
		reply->type = NULL;
	} else {
		reply->br = br;
		reply->gzip = gzip;
		reply->body = br     ? file->br_data
			      : gzip ? file->gzip_data
				     : file->data;
		reply->len = br     ? file->br_len
			     : gzip ? file->gzip_len
				    : file->len;
	}
}

static void
answer_file(const struct route_request *rq, const struct site_file *file,
    const char *cache)
{
	struct reply reply;

	router_file_reply(rq, file, cache, &reply);
	conn_answer(rq->conn, rq->to, &reply, false);
}

/* Is it one of the app's own paths? `path` has ROUTER_PATH_MAX bytes. */
static bool
find_own(struct worker *worker, const struct http_head *head,
    struct http_span below, char *path, struct route_match *match)
{
	memset(match, 0, sizeof(*match));
	if (worker->app->route_count == 0 || below.data == NULL ||
	    http_path_decode(below, path, ROUTER_PATH_MAX) < 0)
		return false;
	arena_reset(&worker->arena);
	routes_find(worker->app, path, head->method, &worker->arena, match);
	return match->known;
}

static void
get_suite(const struct route_request *rq)
{
	size_t skip = sizeof(SUITES) - 1;
	const struct site_file *file = site_find(rq->conn->worker->site,
	    rq->path.data + skip, rq->path.len - skip);

	if (file == NULL)
		router_answer_status(rq, 404);
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
get_asset(const struct route_request *rq)
{
	const struct static_request request = { rq->path, rq->head,
		rq->to->takes, rq->to->start_us };
	struct static_texts texts;
	struct reply reply;

	static_answer(rq->conn->worker->site->assets, &request, &texts, &reply);
	conn_answer(rq->conn, rq->to, &reply, false);
}

static void
get_layout(const struct route_request *rq)
{
	dispatch_layout(rq->conn, rq->to, rq->head);
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
	reply.fields = rq->conn->worker->site->made_line.data;
	reply.fields_len = rq->conn->worker->site->made_line.len;
	conn_answer(rq->conn, rq->to, &reply, false);
}

static void
answer_text(const struct route_request *rq, int status, const char *text)
{
	struct reply reply;

	memset(&reply, 0, sizeof(reply));
	reply.status = status;
	reply.type = "text/plain; charset=utf-8";
	reply.body = text;
	reply.len = strlen(text);
	conn_answer(rq->conn, rq->to, &reply, false);
}

/* A worker that answers at all is healthy. */
static void
get_health(const struct route_request *rq)
{
	answer_text(rq, 200, "ok\n");
}

static const char uncached[] = "the cache cannot be used\n";

/* Why requests should not be sent here; NULL: they may, and *but says what is
 * not as it should be. */
static const char *
why_not_ready(const struct worker *worker, const char **but)
{
	static struct board board; /* the loop's; large */
	const char *own = worker->draining ? "this worker is stopping\n" : NULL;

	if (!worker->shut && worker_is_uncached(worker))
		return uncached;
	/* New requests go to others: a worker that leaves is no less ready. */
	if (worker->shut || worker->handoff->board_fd < 0 ||
	    board_read(worker->handoff->board_fd, &board) < 0)
		return own;
	if (board.state == BOARD_DRAINING || board.state == BOARD_STOPPING)
		return "the server is stopping\n";
	if (board.state == BOARD_STARTING)
		return "the server is starting\n";
	if (board.workers_ready == 0)
		return "no worker is ready\n";
	/* Those that can use it answer for themselves. */
	if (worker->handoff->admin &&
	    board.workers_uncached >= board.workers_ready)
		return uncached;
	if (board.relapsing != 0)
		*but = "workers crash soon after they start";
	else if (board.workers_uncached > 0)
		*but = "some workers cannot use the cache";
	return NULL;
}

static void
get_ready(const struct route_request *rq)
{
	const char *but = NULL;
	const char *why = why_not_ready(rq->conn->worker, &but);
	char good[80] = "ok\n";

	if (but != NULL)
		(void)snprintf(good, sizeof(good), "ok, but degraded: %s\n",
		    but);
	answer_text(rq, why == NULL ? 200 : 503, why == NULL ? good : why);
}

#define STATUS_S 60 /* a large database on a slow disk */

/* Reads the disk: only where no visitor waits for this loop. */
static void
get_status(const struct route_request *rq)
{
	const struct worker *worker = rq->conn->worker;
	struct buf json = BUF_EMPTY;

	if (!worker->handoff->admin) {
		router_answer_status(rq, 404);
		return;
	}
	heartbeat_excuse(worker, STATUS_S);
	if (status_json(worker->kit.cache_options, worker->handoff->board_fd,
		rq->head->query, &json) < 0) {
		buf_free(&json);
		router_answer_status(rq, 503);
		return;
	}
	router_answer_bytes(rq, &json, "application/json");
}

/* Who must not know is told nothing. */
static void
get_metrics(const struct route_request *rq)
{
	const struct worker *worker = rq->conn->worker;
	static struct board board; /* the loop's; large */
	struct buf text = BUF_EMPTY;

	if (!worker->options->metrics_public) {
		router_answer_status(rq, 404);
		return;
	}
	if (worker->handoff->board_fd < 0 ||
	    board_read(worker->handoff->board_fd, &board) < 0 ||
	    metrics_text(&board, &text) < 0) {
		buf_free(&text);
		router_answer_status(rq, 503);
		return;
	}
	router_answer_bytes(rq, &text, METRICS_TYPE);
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

/* What is wrong with an update before its body is looked at; 0: nothing. */
static int
check_update(const struct worker *worker, const struct http_head *head,
    bool secure)
{
	if (!is_json(head->content_type) ||
	    body_coding(head->content_encoding) == BODY_UNKNOWN)
		return 415;
	if (!guard_origin(worker->options, head, secure) ||
	    !guard_token(worker->options, head))
		return 403;
	return 0;
}

/* A gzip body that is large is inflated by the pool, as large ones are parsed
 * there; how large it is one only knows by trying. */
static void
post_update(const struct route_request *rq)
{
	struct worker *worker = rq->conn->worker;
	size_t most = (size_t)worker->options->limit_request_body;
	size_t here = most < DISPATCH_LOOP_MAX ? most : DISPATCH_LOOP_MAX;
	int rc;

	if (body_coding(rq->head->content_encoding) == BODY_PLAIN) {
		dispatch_update(rq->conn, rq->to, rq->head, rq->body, rq->len,
		    false);
		return;
	}
	rc = rq->len > here ? -413
			    : body_gunzip(rq->body, rq->len, here,
				  (size_t)worker->options->limit_body_ratio,
				  &worker->inflated);
	if (rc == -413 && here < most)
		dispatch_update(rq->conn, rq->to, rq->head, rq->body, rq->len,
		    true);
	else if (rc < 0)
		router_answer_status(rq, -rc);
	else
		dispatch_update(rq->conn, rq->to, rq->head,
		    worker->inflated.data, worker->inflated.len, false);
	if (worker->inflated.cap > INFLATED_KEEP)
		buf_free(&worker->inflated);
}

/* The page's address without its last slash. */
static void
get_prefix(const struct route_request *rq)
{
	char text[1100];
	struct reply reply;
	int len;

	len = snprintf(text, sizeof(text), "Location: %s\r\n",
	    rq->conn->worker->site->requests);
	http_reply_error(&reply, 308);
	reply.fields = text;
	reply.fields_len = len > 0 ? (size_t)len : 0;
	conn_answer(rq->conn, rq->to, &reply, true);
}

static void
get_nothing(const struct route_request *rq)
{
	router_answer_status(rq, 404);
}

/* One of the app's own paths; the head has been checked. */
static void
run_own(const struct route_request *rq)
{
	const struct app_route *route = rq->match.route;
	const struct route_message message = { .route = route,
		.head = rq->head,
		.path = rq->decoded,
		.client = conn_client(rq->conn, rq->to),
		.body = rq->body,
		.len = rq->len };

	if (body_coding(rq->head->content_encoding) != BODY_PLAIN)
		router_answer_status(rq, 415);
	else if (route->max_body > 0 && rq->len > route->max_body)
		router_answer_status(rq, 413);
	else
		dispatch_route(rq->conn, rq->to, &message);
}

#define PATH(text) text, sizeof(text) - 1
static const struct route {
	const char *path;
	size_t len;
	bool prefix;   /* and everything below it */
	bool post;     /* POST only; else GET and HEAD */
	bool any_host; /* health checks use addresses */
	void (*handle)(const struct route_request *rq);
} routes[] = {
	{ PATH("/_dash-update-component"), false, true, false, post_update },
	{ PATH("/"), false, false, false, router_page },
	{ PATH(SUITES), true, false, false, get_suite },
	{ PATH("/_dash-layout"), false, false, false, get_layout },
	{ PATH("/_dash-dependencies"), false, false, false, get_dependencies },
	{ PATH("/_reload-hash"), false, false, false, router_reload_hash },
	{ PATH("/_favicon.ico"), false, false, false, get_favicon },
	{ PATH("/favicon.ico"), false, false, false, get_favicon },
	{ PATH("/_ph/health"), false, false, true, get_health },
	{ PATH("/_ph/ready"), false, false, true, get_ready },
	{ PATH("/_ph/metrics"), false, false, true, get_metrics },
	{ PATH("/_ph/status.json"), false, false, false, get_status },
	{ PATH("/_ph/debug.js"), false, false, false, router_debug_script },
	{ PATH("/_dash-"), true, false, false, get_nothing },
	{ PATH("/_ph/"), true, false, false, get_nothing },
	{ PATH("/assets/"), true, false, false, get_asset },
	{ PATH("/"), true, false, false, router_page },
};

static const struct route to_prefix = { PATH(""), false, false, false,
	get_prefix };
static const struct route own_route = { PATH(""), false, false, false,
	run_own };

static const struct route *
find_route(struct http_span path)
{
	const struct route *route;
	size_t i;

	for (i = 0; path.data != NULL && i < sizeof(routes) / sizeof(routes[0]);
	     i++) {
		route = &routes[i];
		if ((route->prefix ? path.len >= route->len
				   : path.len == route->len) &&
		    memcmp(path.data, route->path, route->len) == 0)
			return route;
	}
	return NULL;
}

/*
 * The path below the prefix of the routes, absent when it is not below it.
 * What is ours and not the app's is at its place with any prefix, too.
 */
static struct http_span
below_prefix(const struct site *site, struct http_span path)
{
	static const char own[] = "/_ph/";
	size_t len = strlen(site->routes) - 1; /* its last slash stays */

	if (len == 0 || path.data == NULL)
		return path;
	if (path.len > len && memcmp(path.data, site->routes, len + 1) == 0)
		return (struct http_span){ path.data + len, path.len - len };
	if (path.len >= sizeof(own) - 1 &&
	    memcmp(path.data, own, sizeof(own) - 1) == 0)
		return path;
	return (struct http_span){ NULL, 0 };
}

/* Is it the prefix without its slash? */
static bool
is_bare_prefix(const struct site *site, struct http_span path)
{
	size_t len = strlen(site->routes) - 1;

	return len > 0 && path.len == len &&
	       memcmp(path.data, site->routes, len) == 0;
}

/* What a method other than those of the route gets; 0: it is one of them. */
static int
check_method(const struct http_head *head, const struct route *route)
{
	if (head->method == HTTP_OPTIONS)
		return 204;
	if (head->method == HTTP_OTHER)
		return 501;
	if (route->post)
		return head->method == HTTP_POST ? 0 : 405;
	return head->method == HTTP_GET || head->method == HTTP_HEAD ? 0 : 405;
}

/* The same for one of the app's own paths. */
static int
check_own(const struct route_request *rq, const char **allow)
{
	struct worker *worker = rq->conn->worker;

	if (rq->match.route != NULL)
		return routes_check(worker->options, rq->match.route, rq->head,
		    rq->to->secure);
	(void)strcpy(worker->allow, rq->match.allow);
	*allow = worker->allow;
	return rq->head->method == HTTP_OPTIONS ? 204 : 405;
}

/* What the head alone decides: a status, or 0. *allow: as a refusal names. */
static int
check_head(struct route_request *rq, const char **allow)
{
	struct worker *worker = rq->conn->worker;
	const struct http_head *head = rq->head;
	const struct route *route;
	int status;

	*allow = NULL;
	if (rq->to->contradicts)
		return 400;
	if (head->path.data == NULL) { /* CONNECT */
		*allow = "GET, HEAD, POST, OPTIONS";
		return 405;
	}
	rq->route = route = is_bare_prefix(worker->site, head->path)
				? &to_prefix
				: find_route(rq->path);
	if ((route == NULL || !route->any_host) &&
	    !guard_host(&worker->options->allowed_hosts, head->host))
		return 421;
	/* The server's own exact paths come first. */
	if ((route == NULL || route->handle == router_page) &&
	    find_own(worker, head, rq->path, rq->decoded, &rq->match)) {
		rq->route = &own_route;
		return check_own(rq, allow);
	}
	if (route == NULL && head->method != HTTP_OPTIONS)
		return 404;
	*allow = route != NULL && route->post ? "POST, OPTIONS"
					      : "GET, HEAD, OPTIONS";
	status = route == NULL ? 204 : check_method(head, route);
	if (status != 405 && status != 204)
		*allow = NULL;
	if (status != 0 || !route->post)
		return status;
	if (head->content_length < 0 && !head->chunked)
		return 411;
	return check_update(worker, head, rq->to->secure);
}

/*
 * A refused body, or one of no length, ends the connection: had the head come
 * alone, none would have been read, and how a request is cut must not matter.
 */
static void
refuse(const struct route_request *rq, int status, const char *allow)
{
	struct reply reply;

	http_reply_error(&reply, status);
	reply.allow = allow;
	reply.close =
	    status == 411 || rq->head->chunked || rq->head->content_length > 0;
	rq->conn->linger_after |= reply.close;
	conn_answer(rq->conn, rq->to, &reply, false);
}

/*
 * JSON becomes a tree, so it is bounded by what memory allows; what is of
 * another type, on a route that takes it, can go to a file of any size.
 */
uint64_t
router_body_limit(struct worker *worker, const struct http_head *head)
{
	const struct worker_options *options = worker->options;
	struct http_span below = below_prefix(worker->site, head->path);
	const struct route *route = find_route(below);
	struct route_match match = { .route = NULL };
	char path[ROUTER_PATH_MAX];

	if (is_json(head->content_type))
		return (uint64_t)options->limit_request_body;
	if (route == NULL || route->handle == router_page)
		(void)find_own(worker, head, below, path, &match);
	if (match.route != NULL && match.route->method != HTTP_GET) {
		if (match.route->max_body > 0 &&
		    match.route->max_body < (uint64_t)options->limit_upload)
			return match.route->max_body;
		return (uint64_t)options->limit_upload;
	}
	return route != NULL && route->post
		   ? (uint64_t)options->limit_upload
		   : (uint64_t)options->limit_request_body;
}

/* The decoded path is large and is written where it is asked for. */
static void
begin(struct route_request *rq, struct conn *conn, const struct http_head *head,
    const struct answer_to *to)
{
	memset(rq, 0, offsetof(struct route_request, decoded));
	rq->conn = conn;
	rq->head = head;
	rq->to = to;
	rq->path = below_prefix(conn->worker->site, head->path);
}

bool
router_refuses(struct conn *conn, const struct http_head *head,
    const struct answer_to *to)
{
	struct route_request rq;
	const char *allow;
	int status;

	begin(&rq, conn, head, to);
	status = check_head(&rq, &allow);
	if (status != 0)
		refuse(&rq, status, allow);
	return status != 0;
}

void
router_handle(struct conn *conn, const struct http_head *head,
    const struct answer_to *to, const char *body, size_t len)
{
	struct route_request rq;
	const char *allow;
	int status;

	begin(&rq, conn, head, to);
	rq.body = body;
	rq.len = len;
	status = check_head(&rq, &allow);
	if (status == 0) {
		status = hooks_before(conn->worker->app, conn, head);
		allow = NULL;
	}
	if (status != 0)
		refuse(&rq, status, allow);
	else
		rq.route->handle(&rq);
}
