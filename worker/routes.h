/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ROUTES_H
#define WORKER_ROUTES_H

#include <pronghorn/app.h>

#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/http_parse.h"
#include "worker/options.h"
#include "worker/static.h"

/*
 * The app's own paths: <pronghorn/route.h>. What the head of a request alone
 * decides, and the run of a handler.
 */
struct app_route {
	const char *path; /* in the app's arena */
	const char *name; /* of the handler */
	ph_function *handler;
	enum http_method method;
	bool any_origin;
	size_t max_body;
};

/* What the conditions and the range of a request make of a file. */
struct route_file {
	int status; /* 200, 206, 304, 412, 416; 0: it was not asked */
	size_t first;
	size_t count;
	struct static_texts texts; /* "": the app says its own */
};

/* What a handler has set as its response. */
struct route_answer {
	int status;        /* 0: nothing, 204 */
	char type[128];    /* Content-Type; "": none */
	struct buf fields; /* header lines with CRLF */
	int fd;            /* an open file, owned; -1: the body is in memory */
	size_t file_len;
	struct route_file file; /* what is sent of it */
	struct spool *spool;    /* or in such a file; NULL: not */
};

void route_answer_free(struct route_answer **answer);

/* What a request is to one of the app's paths. */
struct route_match {
	bool known;                    /* the path is one of them */
	const struct app_route *route; /* NULL: not this method */
	char allow[64];                /* methods of the path */
};

/* Find a path (decoded, below the prefix). Any thread; `arena` is scratch. */
void routes_find(const struct app *app, const char *path,
    enum http_method method, struct arena *arena, struct route_match *match);

/* May this request be sent to the route, as far as its head says? 0, or the
 * status of the refusal. */
int routes_check(const struct worker_options *options,
    const struct app_route *route, const struct http_head *head, bool secure);

void routes_validate(struct app *app);

/*
 * host_part.c: the first line of that name among `fields`, its value in *value
 * and all of it, with CRLF, in *line (may be NULL). False: there is none.
 */
bool routes_find_field(const struct buf *fields, const char *name,
    struct http_span *value, struct http_span *line);

struct task;
struct toolkit;

/* TASK_ROUTE on a pool thread. */
void route_run(struct task *task, struct toolkit *kit, struct arena *arena);

extern const struct ph_route_host host_route_table;

#endif
