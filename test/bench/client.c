/* SPDX-License-Identifier: MIT */

/*
 * A browser's connections. An idle one is taken before a new one is opened;
 * the one used last first, as its memory is still warm in both processes.
 * What the server closes while idle is dropped without a word, and a request
 * that meets such a close is sent again, as browsers do.
 *
 * INVARIANT  A request is in the line, on one connection, or with its owner.
 * OWNERSHIP  Requests belong to the caller; connections to the client.
 * THREADS    The loop only.
 * FAILURE    Told to the request's owner as an enum client_error.
 */
#include "test/bench/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "test/bench/client_h2.h"
#include "test/bench/client_int.h"
#include "test/bench/secure.h"

#define RETRIES 6u /* of one request, at least */

static void on_read(evutil_socket_t fd, short what, void *arg);
static void on_write(evutil_socket_t fd, short what, void *arg);
static void negotiate(struct connection *connection);

int
client_init(struct client *client, struct client_common *common, unsigned max)
{
	unsigned i;

	memset(client, 0, sizeof(*client));
	client->common = common;
	client->connections = calloc(max, sizeof(*client->connections));
	if (client->connections == NULL)
		return -ENOMEM;
	client->max = max;
	for (i = 0; i < max; i++) {
		client->connections[i].client = client;
		client->connections[i].fd = -1;
		answer_init(&client->connections[i].answer);
	}
	return 0;
}

void
connection_close(struct connection *connection)
{
	if (connection->fd < 0)
		return;
	client_h2_free(connection);
	connection->negotiating = false;
	(void)event_del(&connection->read_event);
	(void)event_del(&connection->write_event);
	SSL_free(connection->ssl);
	connection->ssl = NULL;
	fd_close(&connection->fd);
	connection->client->common->open--;
}

void
client_free(struct client *client)
{
	unsigned i;

	for (i = 0; i < client->max; i++) {
		connection_close(&client->connections[i]);
		answer_free(&client->connections[i].answer);
	}
	free(client->connections);
	memset(client, 0, sizeof(*client));
}

void
client_common_free(struct client_common *common)
{
	client_h2_free_spare(common);
	SSL_CTX_free(common->tls);
	common->tls = NULL;
}

struct client_request *
client_take_back(struct client *client)
{
	struct client_request *request = client->first;
	unsigned i;

	if (request != NULL)
		client->first = request->next;
	for (i = 0; request == NULL && i < client->max; i++) {
		if (client->connections[i].h2 != NULL) {
			request = client_h2_take_back(&client->connections[i]);
		} else {
			request = client->connections[i].request;
			client->connections[i].request = NULL;
		}
	}
	return request;
}

static SSL_CTX *
new_context(const struct client_common *common)
{
	static const enum secure_offer offers[] = {
		[CLIENT_HTTP_AUTO] = SECURE_BOTH,
		[CLIENT_HTTP_1] = SECURE_HTTP_1,
		[CLIENT_HTTP_2] = SECURE_HTTP_2,
	};

	return secure_new(offers[common->http]);
}

static int
connection_open(struct connection *connection)
{
	struct client_common *common = connection->client->common;
	int fd = target_connect(common->target);

	if (fd < 0)
		return fd;
	if (common->target->tls) {
		if (common->tls == NULL)
			common->tls = new_context(common);
		connection->ssl = common->tls != NULL ? secure_open(common->tls,
							    common->target, fd)
						      : NULL;
		if (connection->ssl == NULL) {
			fd_close(&fd);
			return -ENOMEM;
		}
	}
	connection->fd = fd;
	connection->served = 0;
	connection->negotiating =
	    connection->ssl != NULL && common->http != CLIENT_HTTP_1;
	connection->deadline_us = clock_mono_us() + common->timeout_us;
	common->open++;
	common->connects++;
	if (event_assign(&connection->read_event, common->base, fd,
		EV_READ | EV_PERSIST, on_read, connection) < 0 ||
	    event_assign(&connection->write_event, common->base, fd, EV_WRITE,
		on_write, connection) < 0 ||
	    event_add(&connection->read_event, NULL) < 0 ||
	    (connection->negotiating &&
		event_add(&connection->write_event, NULL) < 0)) {
		connection_close(connection);
		return -ENOMEM;
	}
	return 0;
}

void
client_push(struct client *client, struct client_request *request, bool front)
{
	request->next = front ? client->first : NULL;
	if (client->first == NULL)
		client->last = request;
	if (client->first == NULL || front)
		client->first = request;
	else {
		client->last->next = request;
		client->last = request;
	}
}

static struct client_request *
pop(struct client *client)
{
	struct client_request *request = client->first;

	client->first = request->next;
	request->next = NULL;
	return request;
}

void
client_lost(struct client *client, struct client_request *request, bool again,
    enum client_error error)
{
	unsigned most = client->max > RETRIES ? client->max : RETRIES;

	if (again && request->retries < most) {
		request->retries++;
		client->common->retries++;
		client_push(client, request, true);
	} else {
		request->done(request, error, NULL);
	}
}

/* The connection broke, or its request is given up. */
static void
fail(struct connection *connection, enum client_error error)
{
	struct client *client = connection->client;
	struct client_request *request = connection->request;
	bool stale = connection->served > 0 && connection->answer.wire == 0 &&
		     (error == CLIENT_RESET || error == CLIENT_CLOSED);

	connection_close(connection);
	connection->request = NULL;
	if (request == NULL)
		return;
	client_lost(client, request, stale, error);
	client_serve_line(client);
}

/* As send(); *wait: the socket has to take bytes before it can go on. */
static ssize_t
transmit(struct connection *connection, int *wait)
{
	const struct buf *bytes = &connection->request->bytes;
	const char *data = bytes->data + connection->sent;
	size_t len = bytes->len - connection->sent;

	*wait = 1;
	if (connection->ssl != NULL)
		return secure_send(connection->ssl, data, len, wait);
	return send(connection->fd, data, len, MSG_NOSIGNAL);
}

static void
write_on(struct connection *connection)
{
	struct client_request *request = connection->request;
	int wait;
	ssize_t n;

	while (connection->sent < request->bytes.len) {
		n = transmit(connection, &wait);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
			if (wait) /* else on_read() goes on */
				(void)event_add(&connection->write_event, NULL);
			return;
		}
		if (n <= 0) {
			fail(connection,
			    connection->served == 0 && connection->sent == 0
				? CLIENT_CONNECT
				: CLIENT_RESET);
			return;
		}
		connection->sent += (size_t)n;
		connection->client->common->bytes_out += (uint64_t)n;
	}
}

/* ---- which protocol ------------------------------------------------------ */

/* The handshake is over: HTTP/2, or 1 from now on for all. */
static int
choose(struct connection *connection)
{
	struct client_common *common = connection->client->common;

	connection->negotiating = false;
	if (secure_is_http_2(connection->ssl)) {
		common->spoke_http_2 = true;
		return client_h2_start(connection);
	}
	if (common->http == CLIENT_HTTP_2)
		return -EPROTO;
	common->http = CLIENT_HTTP_1;
	return 0;
}

/* Requests wait in line until it is known what to speak. */
static void
negotiate(struct connection *connection)
{
	struct client *client = connection->client;
	struct client_request *request;
	int wait;

	if (secure_handshake(connection->ssl, &wait) < 0) {
		if (errno == EAGAIN || errno == ENOTCONN) {
			if (wait)
				(void)event_add(&connection->write_event, NULL);
			return;
		}
	} else if (choose(connection) == 0) {
		client_serve_line(client);
		return;
	} else {
		errno = EPROTO;
	}
	if (client->common->http == CLIENT_HTTP_2 && errno == EPROTO)
		client->common->refused = true;
	connection_close(connection);
	if (client->first != NULL) {
		request = pop(client);
		request->done(request, CLIENT_CONNECT, NULL);
	}
	client_serve_line(client);
}

/* ---- HTTP/1 -------------------------------------------------------------- */

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	(void)fd;
	(void)what;
	if (connection->negotiating)
		negotiate(connection);
	else if (connection->h2 != NULL)
		client_h2_on_write(connection);
	else if (connection->request != NULL)
		write_on(connection);
}

static void
connection_ask(struct connection *connection, struct client_request *request)
{
	connection->request = request;
	connection->sent = 0;
	connection->deadline_us =
	    clock_mono_us() + connection->client->common->timeout_us;
	answer_reset(&connection->answer, request->discard);
	write_on(connection);
}

/*
 * An idle connection, or a place for a new one; NULL: all are busy. Where
 * HTTP/2 is spoken or may be, there is one at a time that takes requests.
 */
static struct connection *
find_connection(struct client *client)
{
	struct connection *connection;
	struct connection *empty = NULL;
	bool wait = false;
	unsigned i;

	for (i = 0; i < client->max; i++) {
		connection = &client->connections[i];
		if (connection->fd < 0) {
			if (empty == NULL)
				empty = connection;
		} else if (connection->negotiating) {
			wait = true;
		} else if (connection->h2 != NULL) {
			if (client_h2_has_room(connection))
				return connection;
			wait |= !client_h2_is_leaving(connection);
		} else if (connection->request == NULL) {
			return connection;
		}
	}
	return wait ? NULL : empty;
}

/* Is it us, and not the server, that has no more? */
static enum client_error
why_not_open(struct client_common *common, int rc)
{
	if (rc != -EMFILE && rc != -ENFILE && rc != -ENOMEM && rc != -ENOBUFS &&
	    rc != -EADDRNOTAVAIL)
		return CLIENT_CONNECT;
	common->own_limit = -rc;
	return CLIENT_OWN_LIMIT;
}

void
client_serve_line(struct client *client)
{
	struct connection *connection;
	struct client_request *request;
	int rc;

	while (client->first != NULL) {
		connection = find_connection(client);
		if (connection == NULL)
			return;
		rc = connection->fd < 0 ? connection_open(connection) : 0;
		if (rc < 0) {
			request = pop(client);
			request->done(request, why_not_open(client->common, rc),
			    NULL);
		} else if (connection->h2 != NULL) {
			client_h2_ask(connection, pop(client));
		} else if (!connection->negotiating) {
			connection_ask(connection, pop(client));
		}
	}
}

void
client_send(struct client *client, struct client_request *request)
{
	request->retries = 0;
	client_push(client, request, false);
	client_serve_line(client);
}

static void
complete(struct connection *connection)
{
	struct client_request *request = connection->request;

	connection->request = NULL;
	connection->served++;
	if (!connection->answer.keep_alive)
		connection_close(connection);
	request->done(request, CLIENT_OK, &connection->answer);
	client_serve_line(connection->client);
}

static void
on_close(struct connection *connection)
{
	if (connection->request != NULL &&
	    answer_close(&connection->answer) == 0)
		complete(connection);
	else
		fail(connection, CLIENT_CLOSED);
}

/*
 * Bytes of a body that nobody looks at need not be copied out of the kernel;
 * a unix socket has no such call.
 */
static ssize_t
receive(struct connection *connection)
{
	struct client_common *common = connection->client->common;
	const struct answer *answer = &connection->answer;
	size_t want = CLIENT_SCRATCH;
	int flags = 0;
	int wait;

	if (connection->ssl != NULL)
		return secure_recv(connection->ssl, common->scratch, want,
		    &wait);

	if (answer->discard && answer->state == ANSWER_LENGTH &&
	    !common->target->local) {
		want = answer->left < want ? (size_t)answer->left : want;
		flags = MSG_TRUNC;
	} else if (answer->discard && answer->state == ANSWER_HEAD) {
		want = 4096;
	}
	return recv(connection->fd, common->scratch, want, flags);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	struct client_common *common = connection->client->common;
	size_t used;
	ssize_t n;

	(void)fd;
	(void)what;
	if (connection->negotiating) {
		negotiate(connection);
		return;
	}
	if (connection->h2 != NULL) {
		client_h2_on_read(connection);
		return;
	}
	/* A handshake was waiting for these bytes. */
	if (connection->ssl != NULL && connection->request != NULL &&
	    connection->sent < connection->request->bytes.len) {
		write_on(connection);
		if (connection->fd < 0 || connection->request == NULL)
			return;
	}
	do {
		n = receive(connection);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return;
		if (n < 0) {
			fail(connection,
			    connection->served == 0 && connection->sent == 0
				? CLIENT_CONNECT
				: CLIENT_RESET);
			return;
		}
		if (n == 0) {
			on_close(connection);
			return;
		}
		common->bytes_in += (uint64_t)n;
		if (connection->request == NULL) { /* nobody asked */
			connection_close(connection);
			return;
		}
		if (answer_take(&connection->answer, common->scratch, (size_t)n,
			&used) < 0 ||
		    used < (size_t)n) {
			fail(connection, CLIENT_MALFORMED);
			return;
		}
		/* Bytes inside OpenSSL make no event. */
	} while (connection->ssl != NULL
		     ? connection->answer.state != ANSWER_DONE
		     : connection->answer.discard &&
			   connection->answer.state == ANSWER_LENGTH);
	if (connection->answer.state == ANSWER_DONE)
		complete(connection);
}

/* All that is in line has waited for this connection, which does not come. */
static void
give_up_line(struct connection *connection)
{
	struct client_request *waiting = connection->client->first;
	struct client_request *request;

	connection->client->first = NULL;
	connection_close(connection);
	while ((request = waiting) != NULL) {
		waiting = request->next;
		request->next = NULL;
		request->done(request, CLIENT_TIMEOUT, NULL);
	}
}

void
client_expire(struct client *client, int64_t now_us)
{
	struct connection *connection;
	unsigned i;

	for (i = 0; i < client->max; i++) {
		connection = &client->connections[i];
		if (connection->h2 != NULL)
			client_h2_expire(connection, now_us);
		else if (connection->deadline_us >= now_us)
			continue;
		else if (connection->request != NULL)
			fail(connection, CLIENT_TIMEOUT);
		else if (connection->negotiating)
			give_up_line(connection);
	}
}

const char *
client_error_name(enum client_error error)
{
	static const char *const names[CLIENT_ERRORS] = {
		[CLIENT_OK] = "ok",
		[CLIENT_CONNECT] = "connect",
		[CLIENT_OWN_LIMIT] = "own_limit",
		[CLIENT_RESET] = "reset",
		[CLIENT_CLOSED] = "closed",
		[CLIENT_TIMEOUT] = "timeout",
		[CLIENT_MALFORMED] = "malformed",
	};

	return names[error];
}
