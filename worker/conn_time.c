/* SPDX-License-Identifier: MIT */

/*
 * The deadlines of a connection.
 *
 * The timer of its event is cheap and begins anew with every byte, so it ends
 * only those that say nothing. Once a second all are looked at, and those are
 * ended whose time is over however busily they trickle: bytes that complete
 * nothing move no deadline.
 *
 *   idle     `keepalive` from the end of the last request (or handshake), and
 *            up to a second more: those are most, and have no timer
 *   begun    part of a TLS record has come: `header_timeout` from then, once
 *   a head   `header_timeout` from its first byte
 *   a body   `body_timeout`, then the floor on its mean rate
 *   BUSY     `request_timeout`
 *
 * INVARIANT  While a connection is idle, phase_us is when it became so.
 * THREADS    The loop only.
 */
#include "server/base/clock.h"
#include "worker/conn_int.h"
#include "worker/conn_proxy.h"
#include "worker/dispatch.h"
#include "worker/h2.h"
#include "worker/tls.h"
#include "worker/worker_int.h"

bool
conn_in_handshake(const struct conn *conn)
{
	return conn->tls != NULL && !tls_is_ready(conn->tls);
}

/* Between requests, as far as can be seen. */
static bool
is_idle(const struct conn *conn)
{
	return conn->state == CONN_OPEN && conn->in.len == 0 &&
	       conn->out == NULL && !conn->proxy_pending &&
	       !conn_in_handshake(conn) &&
	       (conn->h2 == NULL || h2_stream_count(conn->h2) == 0);
}

void
conn_begin_idle(struct conn *conn)
{
	conn->phase_us = clock_mono_us();
	conn->begun = false;
}

void
conn_note_part(struct conn *conn)
{
	if (conn->tls == NULL || conn->begun || !is_idle(conn) ||
	    !tls_has_part(conn->tls))
		return;
	conn->begun = true;
	conn->phase_us = clock_mono_us();
}

const struct timeval *
conn_timeout_of(const struct conn *conn)
{
	const struct worker *worker = conn->worker;

	if (conn->proxy_pending)
		return worker->head_timeout;
	if (conn_in_handshake(conn))
		return worker->handshake_timeout;
	if (conn->out != NULL)
		return worker->send_timeout;
	switch (conn->state) {
	case CONN_BUSY:
		return conn->end_grace ? &conn_end_grace
				       : worker->request_timeout;
	case CONN_LINGER:
		return worker->draining ? &conn_drain_grace
					: worker->linger_timeout;
	default:
		if (conn->h2 != NULL && h2_stream_count(conn->h2) > 0)
			return NULL; /* h2_sweep() */
		if (conn->need > 0)
			return worker->body_timeout;
		return conn->in.len > 0 || conn->begun ? worker->head_timeout
						       : NULL; /* the sweep */
	}
}

static bool
is_over(int64_t since_us, double limit)
{
	return (double)(clock_mono_us() - since_us) > limit * 1e6;
}

/* Has `bytes` in this time been less than the client must keep up? */
static bool
is_too_slow(const struct conn *conn, int64_t since_us, double limit,
    size_t bytes)
{
	double seconds = (double)(clock_mono_us() - since_us) / 1e6;

	return seconds > limit &&
	       (double)bytes <
		   seconds * (double)conn->worker->options->min_rate;
}

void
conn_check_deadline(struct conn *conn)
{
	const struct worker_options *options = conn->worker->options;

	if (conn->state != CONN_OPEN || conn->in.len == 0 || conn->out != NULL)
		return;
	if (conn->proxy_pending) {
		conn_proxy_check(conn);
		return;
	}
	if (conn->need > 0 ? is_too_slow(conn, conn->phase_us,
				 options->body_timeout, conn_body_len(conn))
			   : is_over(conn->phase_us, options->header_timeout))
		conn_refuse(conn, 408);
}

bool
conn_expire(struct conn *conn)
{
	if (conn->state != CONN_BUSY ||
	    conn->worker->options->request_timeout <= 0 ||
	    !dispatch_expire(conn->request))
		return false;
	if (conn->in.len > 0)
		conn_use_kept(conn);
	return true;
}

void
conn_check_request(struct conn *conn)
{
	if (!conn_expire(conn) && conn->state == CONN_BUSY &&
	    conn->worker->options->request_timeout > 0)
		conn->timeout = NULL; /* began later than the timer */
}

void
conn_on_timeout(struct conn *conn)
{
	if (conn->state == CONN_BUSY && conn->end_grace)
		conn_end_grace_over(conn);
	else if (conn->state == CONN_BUSY)
		conn_check_request(conn);
	else if (conn->state == CONN_OPEN && conn->in.len > 0 &&
		 !conn->proxy_pending)
		conn_refuse(conn, 408);
	else if (conn->state == CONN_OPEN && conn->worker->draining &&
		 conn->served && conn->h2 == NULL)
		conn_after_sending(conn); /* a request may cross: no reset */
	else if (conn->state == CONN_OPEN && conn->h2 != NULL &&
		 !h2_is_drained(conn->h2))
		h2_drain(conn); /* says so, and closes */
	else
		conn->doomed = true;
}

/* Raw bytes of a plain connection are a head; those of TLS may be nothing. No
 * timer: it would begin anew with every request, and here none is late. */
static bool
is_idle_too_long(const struct conn *conn)
{
	const struct worker_options *options = conn->worker->options;
	double keepalive = options->keepalive > 0 ? options->keepalive : 1;

	return is_idle(conn) &&
	       is_over(conn->phase_us,
		   conn->begun ? options->header_timeout : keepalive) &&
	       !conn_has_unread(conn);
}

/* Is there anything to see to? Nearly all are idle, in time. */
static bool
needs_look(const struct conn *conn)
{
	if (conn->out != NULL || conn_in_handshake(conn))
		return true;
	if (conn->state == CONN_OPEN)
		return conn->in.len > 0 || is_idle_too_long(conn) ||
		       (conn->h2 != NULL && h2_stream_count(conn->h2) > 0);
	return conn->state == CONN_BUSY &&
	       conn->worker->request_timeout != NULL;
}

static void
look(struct conn *conn)
{
	const struct worker_options *options = conn->worker->options;

	if (conn_in_handshake(conn) &&
	    is_over(conn->phase_us, options->tls_handshake_timeout))
		conn->doomed = true;
	else if (conn->out != NULL &&
		 is_too_slow(conn, conn->out_since_us, options->send_timeout,
		     conn->out_sent))
		conn->doomed = true;
	else if (is_idle_too_long(conn))
		conn_on_timeout(conn);
	else if (conn->h2 != NULL)
		h2_sweep(conn);
	else if (!conn_expire(conn))
		conn_check_deadline(conn);
}

void
conn_sweep(struct worker *worker)
{
	struct conn *conn;
	struct conn *next;

	for (conn = worker->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (!needs_look(conn))
			continue;
		conn_turn_begin(conn);
		look(conn);
		conn_settle(conn);
	}
}
