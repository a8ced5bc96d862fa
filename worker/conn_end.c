/* SPDX-License-Identifier: MIT */

/*
 * A client that has ended its sending side behind a complete request.
 *
 * It may wait for the answer (RFC 9112 6.3), or have closed its socket, which
 * looks the same until something is sent. So what a thread runs for it, or what
 * others compute, is waited for and sent; what is still in the queue after a
 * moment is not done, as the queue is for those who certainly wait. Each of
 * several requests has a moment of its own. Where room is needed for another
 * connection, these are the first to go.
 *
 * What was received before the end is answered in turn, then the connection is
 * closed. HTTP/2 has its own ways to end a stream; there the end is the end.
 *
 * INVARIANT  A connection with `ended` reads no more: its socket is watched for
 *            changes only (EV_ET), or the end would be an event for ever.
 * THREADS    The loop only.
 */
#include <poll.h>

#include "worker/conn_int.h"
#include "worker/dispatch.h"

/* For what is in the queue. An idle thread begins within a millisecond. */
const struct timeval conn_end_grace = { 0, 250000 };

/* Reset, or a unix socket that was closed. */
static bool
is_gone(const struct conn *conn)
{
	struct pollfd look = { .fd = conn->fd };

	return poll(&look, 1, 0) > 0 &&
	       (look.revents & (POLLERR | POLLHUP)) != 0;
}

void
conn_on_end(struct conn *conn)
{
	if (conn->state != CONN_BUSY || conn->h2 != NULL || is_gone(conn)) {
		conn->doomed = true;
		return;
	}
	if (conn->ended)
		return;
	conn->ended = true;
	conn->end_grace = true;
}

void
conn_wait(struct conn *conn, struct request *request)
{
	conn->request = request;
	conn->state = CONN_BUSY;
	if (!conn->ended)
		return;
	conn->end_grace = true;
	conn->timeout = NULL; /* what is left of another's does not count */
}

void
conn_end_grace_over(struct conn *conn)
{
	conn->end_grace = false;
	if (!dispatch_give_up(conn->request))
		return;
	conn->request = NULL;
	conn->doomed = true;
}
