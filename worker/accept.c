/* SPDX-License-Identifier: MIT */

/*
 * New connections: one accept4() per wake-up and listener, and more as long
 * as no sibling has fewer, so that idle siblings get their share.
 *
 * When the worker is full, the connection that has been idle longest makes
 * room for one that has come: nobody is closed before. When none is idle, or
 * the process is out of descriptors, the listeners are not watched for a
 * moment; the backlog keeps the clients, and nothing spins.
 *
 * THREADS  The loop only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/compress.h"
#include "worker/conn.h"
#include "worker/conn_peers.h"
#include "worker/packer.h"
#include "worker/recall.h"
#include "worker/whole.h"
#include "worker/worker_int.h"

/*
 * Connections taken in one turn. A turn of a busy loop is long, since it
 * answers everybody who has asked meanwhile: with one connection per turn
 * newcomers would wait for seconds.
 */
#define ACCEPT_TURN 32

static const struct timeval pause_interval = { 0, 100000 };
static const struct timeval at_once = { 0, 0 };

static void
peer_name(const struct sockaddr_storage *address, char out[46])
{
	/* sockaddr_storage is made to be looked at as any of these. */
	const void *any = address;
	const struct sockaddr_in *v4 = any;
	const struct sockaddr_in6 *v6 = any;

	out[0] = '\0';
	if (address->ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &v4->sin_addr, out, 46);
	else if (address->ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &v6->sin6_addr, out, 46);
}

static void
watch(struct worker *worker, bool on)
{
	size_t i;

	if (worker->accepting == on)
		return;
	worker->accepting = on;
	for (i = 0; i < worker->handoff->listen_count; i++) {
		if (on)
			(void)event_add(&worker->accept_events[i], NULL);
		else
			(void)event_del(&worker->accept_events[i]);
	}
}

static const struct timeval balance_interval = { 0, 1000 };
static const struct timeval sweep_interval = { 1, 0 };
#define SWEEP_LATE_US 1500000

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	/* What came while the loop was held up is read first. */
	worker->sweep_late = !worker->sweep_late &&
			     clock_mono_us() - worker->sweep_us > SWEEP_LATE_US;
	worker->sweep_us = clock_mono_us();
	if (!worker->sweep_late)
		conn_sweep(worker);
	whole_sweep(worker->whole);
	recall_sweep(worker->recall);
}

/*
 * An address that holds too many connections: tell it. Before a handshake
 * there is no way to say it.
 */
static void
refuse_peer(struct worker *worker, int fd, const char *peer)
{
	if (worker->tls != NULL || conn_open_refused(worker, fd, peer) < 0)
		(void)close(fd);
}

/* Is there room for one more of this address? Counts it. */
static bool
admit_peer(struct worker *worker, const char *peer)
{
	return worker->peers == NULL || peer[0] == '\0' ||
	       worker->proxy_versions != 0 || /* conn_proxy.c counts */
	       conn_peers_add(worker->peers, peer,
		   (size_t)worker->options->limit_client_connections) == 0;
}

static bool
is_full(const struct worker *worker)
{
	/* Who is only being told to go takes nobody's place. */
	return worker->conn_count - worker->refused_count >=
	       (size_t)worker->options->worker_connections;
}

/* Would a request have to wait for a thread? */
static bool
is_busy(const struct worker *worker)
{
	return pool_busy(worker->pool) >= (size_t)worker->options->threads;
}

/*
 * A connection has ended while one is left to a sibling that was better off:
 * is it still? Who serves many short ones would sleep in between otherwise.
 */
static void
wait_no_more(struct worker *worker)
{
	if (!balance_may_go_on(&worker->balance, is_busy(worker)))
		return;
	balance_forget(&worker->balance);
	(void)event_del(&worker->accept_pause);
}

void
accept_resume(struct worker *worker)
{
	balance_tell(&worker->balance, worker->conn_count);
	if (balance_is_waiting(&worker->balance))
		wait_no_more(worker);
	if (event_pending(&worker->accept_pause, EV_TIMEOUT, NULL))
		return;
	if (!worker->draining)
		watch(worker, true);
	else if (worker->listening) /* not now: a list is being walked */
		(void)event_add(&worker->accept_pause, &at_once);
}

static void
pause_accepting(struct worker *worker, int rc)
{
	static struct log_gate gate;
	unsigned suppressed;

	watch(worker, false);
	worker->crowded = true;
	(void)event_add(&worker->accept_pause, &pause_interval);
	if (log_gate_open(&gate, &suppressed))
		log_warn(rc, "accept.paused", "connections=%zu suppressed=%u",
		    worker->conn_count, suppressed);
}

/* Take one connection; false: none there, or none can be taken. */
static bool
accept_one(struct worker *worker, int listener)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	char peer[46];
	struct conn *idle = NULL; /* makes room, if anybody is waiting */
	int fd;

	if (is_full(worker)) {
		idle = conn_oldest_idle(worker);
		if (idle == NULL) {
			pause_accepting(worker, ERR_BUSY);
			return false;
		}
	}
	memset(&address, 0, sizeof(address));
	fd = accept4(listener, (struct sockaddr *)(void *)&address, &len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			pause_accepting(worker, -errno);
		/* Has one client gone? There may be others behind it. */
		return errno == ECONNABORTED || errno == EINTR;
	}
	if (worker->draining) /* see bar() */
		(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, NULL, 0);
	peer_name(&address, peer);
	if (!admit_peer(worker, peer)) {
		refuse_peer(worker, fd, peer);
		return true;
	}
	if (idle != NULL)
		conn_close(idle);
	if (conn_open(worker, fd, peer) < 0) {
		if (worker->peers != NULL && peer[0] != '\0' &&
		    worker->proxy_versions == 0)
			conn_peers_remove(worker->peers, peer);
		(void)close(fd);
		pause_accepting(worker, -ENOMEM);
		return false;
	}
	return true;
}

/* Is anybody in a backlog? */
static bool
somebody_waits(const struct worker *worker)
{
	struct pollfd poll_fd = { .events = POLLIN };
	size_t i;

	for (i = 0; i < worker->handoff->listen_count; i++) {
		poll_fd.fd = worker->handoff->listen_fds[i];
		if (poll(&poll_fd, 1, 0) > 0)
			return true;
	}
	return false;
}

static void
on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct worker *worker = arg;
	bool more;
	int taken = 0;

	(void)what;
	if (balance_should_wait(&worker->balance, is_busy(worker))) {
		watch(worker, false);
		(void)event_add(&worker->accept_pause, &balance_interval);
		return;
	}
	do {
		more = accept_one(worker, listener);
		balance_tell(&worker->balance, worker->conn_count);
	} while (more && ++taken < ACCEPT_TURN &&
		 balance_may_go_on(&worker->balance, is_busy(worker)));
}

/*
 * Nobody new gets into this listener's backlog; who is there can be taken. The
 * kernel drops the first packet of a TCP client, which sends it again a second
 * later and is refused then. (A unix socket refuses it now.)
 */
static void
bar(int listener, bool on)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog program = { .len = 1, .filter = &nothing };
	int family = AF_UNIX;
	socklen_t len = sizeof(family);

	(void)getsockopt(listener, SOL_SOCKET, SO_DOMAIN, &family, &len);
	if (family == AF_UNIX)
		(void)shutdown(listener, SHUT_RDWR);
	else if (on)
		(void)setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER,
		    &program, sizeof(program));
	else
		(void)setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, NULL,
		    0);
}

/* Take whoever waits there; false: there is no room for all. */
static bool
empty_one(struct worker *worker, int listener)
{
	worker->crowded = is_full(worker);
	if (worker->shut && !worker->crowded)
		bar(listener, true);
	while (!worker->crowded && accept_one(worker, listener))
		worker->crowded = is_full(worker);
	if (worker->shut && worker->crowded)
		bar(listener, false);
	/* For all that have it: a sibling that hangs keeps nobody waiting. */
	if (worker->shut && !worker->crowded)
		(void)shutdown(listener, SHUT_RDWR);
	return !worker->crowded;
}

/*
 * Clients that are in the backlog were promised a connection: when all
 * workers stop, nobody else would take them. In a rolling restart this
 * worker answers a few of them that its successor would have answered.
 * Afterwards new clients are refused at once, or are somebody else's: of the
 * service manager, of another server, of our successor.
 * Without room for all it goes on when a connection ends.
 */
static void
empty_backlog(struct worker *worker)
{
	size_t i;

	for (i = 0; i < worker->handoff->listen_count; i++) {
		if (!empty_one(worker, worker->handoff->listen_fds[i]))
			return;
	}
	for (i = 0; i < worker->handoff->listen_count; i++)
		(void)close(worker->handoff->listen_fds[i]);
	worker->listening = false;
}

static void
on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	if (!worker->draining) {
		/* Else the next client would inherit the patience that is left
		 * over from one whom a sibling has taken. */
		if (balance_is_waiting(&worker->balance) &&
		    !somebody_waits(worker))
			balance_forget(&worker->balance);
		accept_resume(worker);
	} else if (worker->listening) {
		empty_backlog(worker);
		conn_drain_all(worker); /* the new ones, too */
		worker_drain_check(worker);
	}
}

int
accept_start(struct worker *worker)
{
	struct timeval tv;
	time_t whole;
	size_t i;

	worker->accept_events = calloc(worker->handoff->listen_count + 1,
	    sizeof(*worker->accept_events));
	if (worker->accept_events == NULL)
		return -ENOMEM;
	(void)evtimer_assign(&worker->accept_pause, worker->base, on_pause_over,
	    worker);
	for (i = 0; i < worker->handoff->listen_count; i++)
		(void)event_assign(&worker->accept_events[i], worker->base,
		    worker->handoff->listen_fds[i], EV_READ | EV_PERSIST,
		    on_connection, worker);
	whole = (time_t)worker->options->tls_handshake_timeout;
	tv.tv_sec = whole;
	tv.tv_usec = (suseconds_t)((worker->options->tls_handshake_timeout -
				       (double)whole) *
				   1e6);
	worker->handshake_timeout =
	    event_base_init_common_timeout(worker->base, &tv);
	worker->compress = compress_new((int)worker->options->compress_level,
	    (size_t)worker->options->compress_min_size);
	if (worker->compress != NULL)
		worker->packer = packer_new(
		    (int)worker->options->compress_level, worker->mail_fd);
	worker->whole = whole_new(); /* NULL: it does without */
	if (worker->options->limit_client_connections > 0) {
		worker->peers = conn_peers_new();
		if (worker->peers == NULL)
			return -ENOMEM;
	}
	(void)event_assign(&worker->sweep_event, worker->base, -1, EV_PERSIST,
	    on_sweep, worker);
	worker->sweep_us = clock_mono_us();
	if (event_add(&worker->sweep_event, &sweep_interval) < 0)
		return -ENOMEM;
	balance_start(&worker->balance, worker->handoff);
	worker->listening = true;
	watch(worker, true);
	return 0;
}

void
accept_stop(struct worker *worker)
{
	balance_stop(&worker->balance);
	watch(worker, false);
	(void)event_del(&worker->accept_pause);
	empty_backlog(worker);
}

void
accept_halt(struct worker *worker)
{
	balance_stop(&worker->balance);
	watch(worker, false);
	(void)event_del(&worker->accept_pause);
	worker->listening = false;
}
