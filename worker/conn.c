/* SPDX-License-Identifier: MIT */

/*
 * The life of a connection: events in, state changes, end. See conn.h.
 *
 * Each connection has one event, handled once in each pass through the loop:
 * read, answer all that is complete, send, decide what to watch for.
 *
 * INVARIANT  A connection is freed only at the end of an entry point of this
 *            file (conn_settle) and of conn_time.c, never in the middle
 *            of a turn.
 * THREADS    The loop only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "worker/conn_int.h"
#include "worker/conn_peers.h"
#include "worker/conn_proxy.h"
#include "worker/dispatch.h"
#include "worker/h2.h"
#include "worker/tls.h"
#include "worker/worker_int.h"

#define OLDEST_LOOKS 256 /* connections looked at for one that is idle */
#define BUSY_READ_MAX ((size_t)64 * 1024) /* kept from an impatient client */

const struct timeval conn_drain_grace = { 0, 250000 };

/*
 * A timer that has run out takes its event from the sockets that are looked at
 * until its turn comes; libevent does not put one back that is added meanwhile,
 * but starts its timer and forgets the turn.
 */
static int
arm(struct conn *conn, const struct timeval *timeout)
{
	if (!event_pending(&conn->event, EV_READ | EV_WRITE, NULL))
		(void)event_del(&conn->event);
	return event_add(&conn->event, timeout);
}

static void
watch(struct conn *conn)
{
	const struct timeval *timeout = conn_timeout_of(conn);
	short what = EV_READ | EV_PERSIST | (conn->ended ? EV_ET : 0);
	const short kind = EV_READ | EV_WRITE | EV_ET;

	if (conn->out != NULL || conn->handshake_writes ||
	    (conn->tls != NULL && tls_wants_write(conn->tls)))
		what = EV_WRITE | EV_PERSIST;
	else if (conn->state == CONN_BUSY && conn->in.len >= BUSY_READ_MAX) {
		(void)event_del(&conn->event);
		conn->timeout = NULL;
		return;
	}
	if ((event_get_events(&conn->event) & kind) != (what & kind)) {
		(void)event_del(&conn->event);
		(void)event_assign(&conn->event, conn->worker->base, conn->fd,
		    what, event_get_callback(&conn->event), conn);
	} else if (timeout == conn->timeout &&
		   event_pending(&conn->event, what & (EV_READ | EV_WRITE),
		       NULL)) {
		return; /* a persistent event re-arms its own timeout */
	} else if (timeout == NULL) {
		(void)event_remove_timer(&conn->event);
	}
	conn->timeout = timeout;
	if (arm(conn, timeout) < 0)
		conn->doomed = true;
}

void
conn_watch(struct conn *conn)
{
	watch(conn);
	/* Bytes inside OpenSSL make no event. */
	if (conn->tls != NULL && tls_has_more(conn->tls) &&
	    event_pending(&conn->event, EV_READ, NULL))
		event_active(&conn->event, EV_READ, 1);
}

static void
list_remove(struct conn *conn)
{
	struct worker *worker = conn->worker;

	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		worker->conns = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	else
		worker->conns_last = conn->prev;
}

static void
list_add(struct conn *conn)
{
	struct worker *worker = conn->worker;

	conn->prev = NULL;
	conn->next = worker->conns;
	if (conn->next != NULL)
		conn->next->prev = conn;
	else
		worker->conns_last = conn;
	worker->conns = conn;
}

/*
 * Seldom more than a comparison: the order is exact to a second only, but where
 * the next connection may need the place of the one that is idle longest.
 */
void
conn_touch(struct conn *conn, int64_t now_us)
{
	const struct worker *worker = conn->worker;
	size_t most = (size_t)worker->options->worker_connections;

	if (now_us - conn->used_us < 1000000 && worker->conn_count < most / 2)
		return;
	conn->used_us = now_us;
	list_remove(conn);
	list_add(conn);
}

void
conn_close(struct conn *conn)
{
	struct worker *worker = conn->worker;

	(void)event_del(&conn->event);
	if (conn->request != NULL)
		dispatch_abandon(conn->request);
	conn_out_free(conn);
	buf_free(&conn->in);
	free(conn->chunked);
	spool_unref(&conn->spool);
	h2_free(&conn->h2);
	tls_free(&conn->tls);
	fd_close(&conn->fd);
	if (conn->counted)
		conn_peers_remove(worker->peers, conn->peer);
	if (conn->refused)
		worker->refused_count--;
	list_remove(conn);
	worker->conn_count--;
	free(conn);
	accept_resume(worker);
	worker_drain_check(worker);
}

/* Everything is sent; was it the last answer? */
void
conn_after_sending(struct conn *conn)
{
	if (conn->out != NULL || conn->doomed || conn->state != CONN_OPEN)
		return;
	if (conn->ended) { /* and what it sent is answered */
		conn->close_after = true;
		conn->linger_after = false;
	}
	/* The answer may be older than the order to go. */
	if (conn->worker->draining && conn->served && conn->in.len == 0)
		conn->close_after = conn->linger_after = true;
	if (!conn->close_after)
		return;
	if (conn->tls != NULL)
		tls_shutdown(conn->tls);
	if (!conn->linger_after || shutdown(conn->fd, SHUT_WR) < 0) {
		conn->doomed = true;
		return;
	}
	conn->state = CONN_LINGER;
	conn->phase_us = clock_mono_us();
	buf_free(&conn->in);
}

/* Use what has been kept, as far as it goes. */
void
conn_use_kept(struct conn *conn)
{
	size_t used;

	used = conn_consume(conn, conn->in.data, &conn->in.len);
	buf_consume(&conn->in, used);
	if (conn->in.len == 0)
		buf_free(&conn->in);
	else if (used > 0)
		conn->phase_us = clock_mono_us();
}

/* The common end of every entry point. */
void
conn_settle(struct conn *conn)
{
	conn_turn_flush(conn);
	conn_after_sending(conn);
	if (!conn->doomed && conn->tls != NULL)
		tls_uncork(conn->tls);
	if (!conn->doomed)
		conn_watch(conn);
	if (conn->doomed)
		conn_close(conn);
}

/* Keep the part of a fresh read that was not used. */
static void
keep_rest(struct conn *conn, const char *data, size_t len)
{
	if (len == 0)
		return;
	if (conn->in.len == 0 && !conn->begun)
		conn->phase_us = clock_mono_us();
	/* Room for the whole request at once, when its size is known. */
	if ((conn->need > len && buf_reserve(&conn->in, conn->need) < 0) ||
	    buf_put(&conn->in, data, len) < 0)
		conn->doomed = true;
}

/* Bytes that arrive behind kept ones. */
static void
add_and_use(struct conn *conn, const char *data, size_t len)
{
	if (buf_put(&conn->in, data, len) < 0) {
		conn->doomed = true;
		return;
	}
	if (conn->state == CONN_OPEN)
		conn_use_kept(conn);
}

/* What came while something else had to be done first: its time begins. */
static void
go_on(struct conn *conn)
{
	if (conn->state != CONN_OPEN || conn->out != NULL)
		return;
	if (conn->h2 != NULL) {
		h2_flush(conn); /* its streams say when it is idle */
		return;
	}
	conn_begin_idle(conn);
	if (conn->in.len > 0)
		conn_use_kept(conn);
}

bool
conn_has_unread(const struct conn *conn)
{
	char byte;

	return recv(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool
conn_is_promised(const struct conn *conn, int64_t fresh_us)
{
	if (conn->state != CONN_OPEN || conn->h2 != NULL || conn->ended ||
	    conn->refused)
		return false;
	return conn->in.len > 0 || conn->spool != NULL ||
	       conn_has_unread(conn) ||
	       (!conn->served && clock_mono_us() - conn->used_us < fresh_us);
}

struct conn *
conn_oldest_idle(struct worker *worker)
{
	struct conn *conn = worker->conns_last;
	int looks;

	for (looks = 0; conn != NULL && looks < OLDEST_LOOKS; looks++) {
		if (conn->ended ||
		    (conn->state == CONN_OPEN && conn->in.len == 0 &&
			conn->out == NULL &&
			(conn->h2 == NULL || h2_stream_count(conn->h2) == 0) &&
			!conn_has_unread(conn)))
			return conn;
		conn = conn->prev;
	}
	return NULL;
}

static void
on_readable(struct conn *conn)
{
	char *data = conn->worker->read_buffer;
	ssize_t got;
	size_t len;
	size_t used;

	got = conn_recv(conn, data, WORKER_READ_BYTES);
	if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
		conn_note_part(conn);
		return;
	}
	if (got <= 0) {
		if (got == 0)
			conn_on_end(conn);
		else
			conn->doomed = true;
		return;
	}
	if (conn->state == CONN_LINGER)
		return;
	if (conn->h2 != NULL) {
		h2_receive(conn, data, (size_t)got);
		return;
	}
	conn_check_request(conn);
	if (conn->in.len > 0 || conn->state != CONN_OPEN) {
		add_and_use(conn, data, (size_t)got);
	} else {
		len = (size_t)got;
		used = conn_consume(conn, data, &len);
		keep_rest(conn, data + used, len - used);
	}
	conn_check_deadline(conn);
}

/* Go on with a handshake; what may follow it is read at once. */
static void
on_handshake(struct conn *conn)
{
	conn->handshake_writes = false;
	worker_read_end(conn->worker); /* it also sends */
	switch (tls_handshake(conn->tls)) {
	case TLS_DONE:
		conn->worker->stats.beat.tls_handshakes++;
		conn_begin_idle(conn);
		if (tls_is_h2(conn->tls) && h2_start(conn) < 0) {
			conn->doomed = true;
			break;
		}
		on_readable(conn);
		if (conn->h2 != NULL && !conn->doomed)
			h2_flush(conn);
		break;
	case TLS_READ:
		break;
	case TLS_WRITE:
		conn->handshake_writes = true;
		break;
	case TLS_HTTP:
		tls_free(&conn->tls);
		conn_refuse(conn, 400);
		break;
	case TLS_FAILED:
		conn->worker->stats.beat.tls_failures++;
		conn->doomed = true;
		break;
	}
}

/* The header of the PROXY protocol, and what has come behind it. */
static void
on_proxy(struct conn *conn)
{
	if (!conn_proxy_read(conn))
		return;
	conn->phase_us = clock_mono_us();
	if (conn->tls != NULL)
		on_handshake(conn);
	else
		on_readable(conn);
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;

	(void)fd;
	conn_turn_begin(conn);
	if (conn->doomed) {
		conn_settle(conn);
		return;
	}
	/* A loop that was held up comes to its timers before some sockets. */
	if (what == EV_TIMEOUT && conn->out == NULL && conn_has_unread(conn))
		what = EV_READ;
	if (conn->state == CONN_LINGER &&
	    clock_mono_us() - conn->phase_us > 2000000)
		conn->doomed = true;
	else if (conn->proxy_pending && (what & EV_READ))
		on_proxy(conn);
	else if (conn_in_handshake(conn) && (what & (EV_READ | EV_WRITE)))
		on_handshake(conn);
	else if (what & EV_WRITE) {
		if (conn->out != NULL) {
			conn_send_more(conn);
			go_on(conn);
		} else {
			on_readable(conn); /* TLS waited for room */
		}
	} else if (what & EV_READ)
		on_readable(conn);
	else if (what & EV_TIMEOUT)
		conn_on_timeout(conn);
	conn_settle(conn);
}

/* Tell it, and close it when it has read that. */
static void
turn_away(struct conn *conn)
{
	conn_turn_begin(conn);
	if (conn_turn_away(conn) < 0)
		conn->doomed = true;
	conn_settle(conn);
}

struct http_span
conn_client(const struct conn *conn, const struct answer_to *to)
{
	if (to->client.data != NULL)
		return to->client;
	return (struct http_span){ conn->peer, strlen(conn->peer) };
}

static int
open_conn(struct worker *worker, int fd, const char *peer, bool refused)
{
	const struct timeval *first = worker->tls != NULL && peer[0] != '\0'
					  ? worker->handshake_timeout
					  : worker->head_timeout;
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL)
		return -ENOMEM;
	conn->worker = worker;
	conn->fd = fd;
	(void)snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
	conn_proxy_begin(conn);
	conn->counted = conn->counted && !refused;
	conn->phase_us = conn->used_us = clock_mono_us();
	/* A unix socket is plain: who can open it needs no TLS. */
	if (worker->tls != NULL && peer[0] != '\0') {
		conn->tls = tls_new(worker->tls, fd);
		if (conn->tls == NULL) {
			free(conn);
			return -ENOMEM;
		}
	}
	list_add(conn);
	worker->conn_count++;
	if (event_assign(&conn->event, worker->base, fd, EV_READ | EV_PERSIST,
		on_event, conn) < 0 ||
	    event_add(&conn->event, first) < 0) {
		conn_close(conn);
		return 0;
	}
	conn->timeout = first;
	if (refused)
		turn_away(conn);
	return 0;
}

int
conn_open(struct worker *worker, int fd, const char *peer)
{
	return open_conn(worker, fd, peer, false);
}

int
conn_open_refused(struct worker *worker, int fd, const char *peer)
{
	return open_conn(worker, fd, peer, true);
}

/*
 * The connection of a stream is not closed here: others of its streams may
 * be next in the list that the caller is working on.
 */
static void
resume_stream(struct conn *stream,
    void (*handle)(struct conn *conn, const struct answer_to *to,
	const void *arg),
    const struct answer_to *to, const void *arg)
{
	struct conn *conn = h2_parent(stream);

	conn_turn_begin(conn);
	handle(stream, to, arg);
	if (conn->out == NULL)
		h2_flush(conn);
	conn_turn_flush(conn);
	conn_after_sending(conn);
	if (conn->doomed)
		event_active(&conn->event, EV_TIMEOUT, 1);
	else
		conn_watch(conn);
}

void
conn_resume(struct conn *conn,
    void (*handle)(struct conn *conn, const struct answer_to *to,
	const void *arg),
    const struct answer_to *to, const void *arg)
{
	conn->request = NULL;
	conn->state = CONN_OPEN;
	if (conn->stream != NULL) {
		resume_stream(conn, handle, to, arg);
		return;
	}
	conn_turn_begin(conn);
	handle(conn, to, arg);
	go_on(conn);
	conn_settle(conn);
}

static void
answer_now(struct conn *conn, const struct answer_to *to, const void *arg)
{
	struct reply reply = *(const struct reply *)arg;

	conn_answer(conn, to, &reply, false);
}

void
conn_finish(struct conn *conn, const struct answer_to *to, struct reply *reply)
{
	conn_resume(conn, answer_now, to, reply);
}

void
conn_drain_all(struct worker *worker)
{
	struct conn *conn;
	struct conn *next;

	for (conn = worker->conns; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->h2 != NULL && conn->state == CONN_OPEN) {
			conn_turn_begin(conn);
			h2_drain(conn);
			conn_settle(conn);
			continue;
		}
		if (conn->state != CONN_OPEN || conn->in.len > 0 ||
		    conn->out != NULL || conn_has_unread(conn))
			continue;
		/* Its next request may be on the way. The idle go soon. */
		(void)arm(conn,
		    conn->served ? &conn_drain_grace : worker->linger_timeout);
	}
}
