/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DISPATCH_H
#define WORKER_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/handoff.h"
#include "worker/conn.h"

/*
 * From requests to app code and back: what the loop answers itself, what
 * goes to the pool, who waits for what.
 *
 * THREADS  The loop only.
 */
struct worker;
struct parked;

/* A request that is not answered yet. Owned by its connection; a task only
 * borrows it, and `conn` turns NULL when the client goes away. */
struct request {
	struct conn *conn;
	struct worker *worker;
	struct request *prev; /* in parked->requests */
	struct request *next;
	struct parked *parked; /* waits for this answer, or NULL */
	int64_t asked_us;      /* ... since then (clock_mono_us) */
	bool with_task;        /* a task refers to it: that one frees it */
	bool begun;            /* that task has run, and waited for a value */
	struct task *task;     /* that task, while with_task */
	struct task *waiting;  /* that task, while it is parked, or NULL */
	const char *name;      /* of its callback, for messages; may be NULL */
	struct answer_to to;   /* its spans lie behind this, then their texts */
};

/* The pool parses larger bodies. */
#define DISPATCH_LOOP_MAX ((size_t)64 * 1024)

/*
 * POST _dash-update-component. Answers now, or makes the conn BUSY. `gzip`:
 * the body is, and the pool inflates it.
 */
void dispatch_update(struct conn *conn, const struct answer_to *to,
    const struct http_head *head, const char *body, size_t len, bool gzip);

/* A request for one of the app's own paths. */
struct app_route;
struct route_message {
	const struct app_route *route;
	const struct http_head *head;
	const char *path; /* decoded, below the prefix */
	struct http_span client;
	const char *body;
	size_t len;
};
void dispatch_route(struct conn *conn, const struct answer_to *to,
    const struct route_message *message);

/* GET _dash-layout. */
void dispatch_layout(struct conn *conn, const struct answer_to *to,
    const struct http_head *head);

/* The client is gone: forget its request. */
void dispatch_abandon(struct request *request);

/*
 * The client may have gone: forget its request if no thread has begun it, or
 * what it waits for may stop. False: it is to be answered.
 */
bool dispatch_give_up(struct request *request);

/*
 * Answer a request 504 when it has taken request_timeout, and forget it; its
 * result is dropped. False: it has time left. In its connection's event.
 */
bool dispatch_expire(struct request *request);

/* Which requests wait for a value, without a thread. How many they are. */
unsigned dispatch_count_waiting(struct worker *worker,
    struct handoff_waits *waits);

/* The pool has finished tasks: all are taken, or as many as one pass through
 * the loop has time for; it is called again for the others then. */
void dispatch_on_mail(struct worker *worker, bool all);

/* The process ends now: tell all who wait here, but in production only those
 * who are streams of HTTP/2. */
void dispatch_on_end(struct worker *worker, const char *why);

/*
 * A thread has crashed (`ends`: the process with it) or is stuck: who waits
 * here for what it runs is answered 500, with its stack in development. Not
 * from within an event of a connection. How many were answered.
 */
struct crash_about;
unsigned dispatch_on_dead(struct worker *worker,
    const struct crash_about *about, bool ends);

/* The orderly end, when all connections are closed. */
void dispatch_stop_packer(struct worker *worker);

/* A hint from another process: look at what is parked. */
void dispatch_on_wake(struct worker *worker);

/* The safety net: the same, if there can be anything new to be seen, which
 * is what it returns. */
bool dispatch_on_net(struct worker *worker);

#endif
