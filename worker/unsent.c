/* SPDX-License-Identifier: MIT */

/*
 * See unsent.h.
 *
 * A client that reads slowly has `send_timeout` and then `min_rate` to keep to,
 * which bounds the time of one of them, and not the sum of all. When that is
 * too much, connections are closed, who has been waiting longest first, until
 * it is not; the last one that holds anything goes on, so that an answer may be
 * larger than the bound. It is done behind whatever the loop is doing, because
 * a connection is not closed inside its own event.
 *
 * INVARIANT  worker->unsent is the sum of the own bytes of all connections and
 *            of the blobs that any of them waits for.
 */
#include "worker/unsent.h"

#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/log.h"
#include "worker/conn.h"
#include "worker/worker_int.h"

void
unsent_add(struct conn *conn, struct blob *blob, size_t own)
{
	struct worker *worker = conn->worker;
	size_t limit = (size_t)worker->options->send_memory;
	size_t shared = blob != NULL && blob->data != NULL ? blob->len : 0;

	if (own + shared == 0)
		return;
	if (conn->unsent == 0)
		conn->unsent_us = clock_mono_us();
	conn->unsent += own + shared;
	worker->unsent += own;
	if (shared > 0 && blob->waiting++ == 0)
		worker->unsent += shared;
	if (limit > 0 && worker->unsent > limit)
		event_active(&worker->unsent_event, EV_TIMEOUT, 0);
}

void
unsent_remove(struct conn *conn, struct blob *blob, size_t own)
{
	struct worker *worker = conn->worker;
	size_t shared = blob != NULL && blob->data != NULL ? blob->len : 0;

	ASSERT(conn->unsent >= own + shared);
	conn->unsent -= own + shared;
	worker->unsent -= own;
	if (shared > 0 && --blob->waiting == 0)
		worker->unsent -= shared;
}

bool
unsent_has_room(const struct worker *worker, size_t len)
{
	size_t limit = (size_t)worker->options->send_memory;

	return limit == 0 || worker->unsent + len <= limit / 2;
}

/* Who holds something, and has for longest; NULL: at most one does. */
static struct conn *
find_oldest(const struct worker *worker)
{
	struct conn *oldest = NULL;
	struct conn *conn;
	size_t holders = 0;

	for (conn = worker->conns; conn != NULL; conn = conn->next) {
		if (conn->unsent == 0)
			continue;
		holders++;
		if (oldest == NULL || conn->unsent_us < oldest->unsent_us)
			oldest = conn;
	}
	return holders > 1 ? oldest : NULL;
}

static void
on_too_much(evutil_socket_t fd, short what, void *arg)
{
	static struct log_gate gate;
	struct worker *worker = arg;
	size_t limit = (size_t)worker->options->send_memory;
	struct conn *conn;
	unsigned suppressed;

	(void)fd;
	(void)what;
	while (worker->unsent > limit && (conn = find_oldest(worker)) != NULL) {
		if (log_gate_open(&gate, &suppressed))
			log_warn(0, "send.memory",
			    "peer=%s bytes=%zu seconds=%.1f suppressed=%u "
			    "note=\"closed: clients leave more than "
			    "send_memory untaken\"",
			    conn->peer[0] != '\0' ? conn->peer : "unix",
			    conn->unsent,
			    (double)(clock_mono_us() - conn->unsent_us) / 1e6,
			    suppressed);
		worker->stats.beat.unsent_closed++;
		conn_close(conn);
	}
}

void
unsent_start(struct worker *worker)
{
	(void)event_assign(&worker->unsent_event, worker->base, -1, 0,
	    on_too_much, worker);
}
