/* SPDX-License-Identifier: MIT */

/*
 * The last half second of a worker of which a thread has crashed, or has
 * called exit().
 *
 * Who waits for what that thread ran is answered at once. Then the worker
 * takes nobody new, and what it has begun may still end: a crash is no reason
 * for others to lose their answer. That goes for a connection whose first
 * request is still on its way, too: on a busy machine it comes long after the
 * connection, and who has a new one does not send it again by himself. Each
 * further crash begins the half second anew, as there are requests left that
 * are yet to be told.
 *
 * What is not done by then is lost, as clients
 * may send it again; not so the streams of HTTP/2, which have been told by then
 * that they were taken, so they get 503. In development all are told why
 * instead, as there it is the next run of the same mistake.
 *
 * THREADS  The loop only; the thread that crashed stands still meanwhile.
 * FAILURE  A loop that comes to a lock which the dead thread holds never ends
 *          this: the thread itself does, see crash_end.c.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "worker/conn.h"
#include "worker/crash.h"
#include "worker/dispatch_int.h"
#include "worker/h2.h"
#include "worker/worker_int.h"

#define END_US 500000
#define END_MAX_US 2000000 /* of all; crash_end.c waits twice as long */
#define ARRIVE_TRIES 4     /* 10 ms each: who asked may be on the way */

static const struct timeval look_interval = { 0, 5000 };

/* Is anybody left who could still get his answer? */
static bool
is_quiet(const struct worker *worker)
{
	bool able = pool_alive(worker->pool) > 0;
	const struct conn *conn;

	for (conn = worker->conns; conn != NULL; conn = conn->next)
		if (conn->out != NULL || conn_is_promised(conn, END_US) ||
		    (able && (conn->state == CONN_BUSY ||
				 (conn->h2 != NULL &&
				     h2_stream_count(conn->h2) > 0))))
			return false;
	return true;
}

static void
end_now(struct worker *worker)
{
	dispatch_on_end(worker, worker->last_words);
	access_log_flush(&worker->access_log);
	crash_over();
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	if (!worker->end_told)
		conn_drain_all(worker);
	worker->end_told = true;
	if (crash_is_pending() && clock_mono_us() < worker->end_us + END_US)
		return;
	if (is_quiet(worker) || clock_mono_us() >= worker->end_us)
		end_now(worker);
}

void
ending_answer_layout(struct conn *conn, struct crash_about *about,
    struct reply *reply)
{
	dispatch_explain(conn->worker->options, 500, "the layout", about->what,
	    about->stack, reply);
	reply->close = true;
	ending_begin(conn->worker, about);
}

void
ending_begin(struct worker *worker, const struct crash_about *about)
{
	int64_t now_us = clock_mono_us();

	if (!worker->ending)
		worker->end_max_us = now_us + END_MAX_US;
	worker->end_us = now_us + END_US;
	if (worker->end_us > worker->end_max_us)
		worker->end_us = worker->end_max_us;
	if (worker->ending)
		return;
	worker->ending = true;
	worker->draining = true;
	(void)snprintf(worker->last_words, sizeof(worker->last_words),
	    "%s, before this was done", about->what);
	accept_halt(worker);
	(void)event_assign(&worker->end_event, worker->base, -1, EV_PERSIST,
	    on_look, worker);
	if (event_add(&worker->end_event, &look_interval) < 0)
		end_now(worker);
}

/* All that runs, for a crash that cannot be told to belong to one of them. */
static void
answer_everybody(struct worker *worker, const struct crash_about *crash)
{
	struct crash_about about;
	unsigned at = 0;

	memset(&about, 0, sizeof(about));
	while (crash_next_running(&at, &about)) {
		memcpy(about.what, crash->what, sizeof(about.what));
		about.stack = crash->stack;
		(void)dispatch_on_dead(worker, &about, true);
	}
}

void
ending_look(struct worker *worker)
{
	struct crash_about about;
	unsigned tries;

	while (crash_take(&about)) {
		tries = ARRIVE_TRIES;
		if (about.everybody)
			answer_everybody(worker, &about);
		else
			pool_lost(worker->pool);
		while (!about.everybody &&
		       dispatch_on_dead(worker, &about, true) == 0 &&
		       about.has_key && --tries > 0) {
			(void)usleep(10000);
			dispatch_on_mail(worker, true);
		}
		access_log_flush(&worker->access_log);
		ending_begin(worker, &about);
		crash_taken();
	}
}
