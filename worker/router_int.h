/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ROUTER_INT_H
#define WORKER_ROUTER_INT_H

#include "worker/conn.h"
#include "worker/routes.h"
#include "worker/site.h"

/* Between the two files of the router: the table, and the page. */

#define ROUTER_PATH_MAX 4096

struct route;

struct route_request {
	struct conn *conn;
	const struct http_head *head;
	const struct answer_to *to;
	struct http_span path; /* below the prefix of the routes */
	const char *body;
	size_t len;
	const struct route *route;
	struct route_match match;      /* where that is one of the app's own */
	char decoded[ROUTER_PATH_MAX]; /* ... and its path */
};

void router_answer_status(const struct route_request *rq, int status);

/* The reply with a file in the form that the client takes, or 304. */
void router_file_reply(const struct route_request *rq,
    const struct site_file *file, const char *cache, struct reply *reply);

/* router_page.c */
void router_page(const struct route_request *rq);
/* Answer 200 with bytes of type `type`, which are taken. */
void router_answer_bytes(const struct route_request *rq, struct buf *bytes,
    const char *type);
void router_reload_hash(const struct route_request *rq);
void router_debug_script(const struct route_request *rq);

#endif
