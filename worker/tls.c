/* SPDX-License-Identifier: MIT */

/*
 * One connection's TLS, made to look like a socket.
 *
 * What is to be sent is gathered into records: an answer's head and the start
 * of its body leave in one. A record that the socket did not take is tried
 * again with the same bytes, possibly more of them, from wherever they lie.
 *
 * INVARIANT  After an error of OpenSSL nothing more is read or sent.
 * THREADS    The loop only.
 */
#include "worker/tls.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "worker/tls_int.h"

#define RECORD_MAX ((size_t)16384)

struct tls {
	SSL *ssl;
	bool ready;
	bool broken;
	bool h2;
	bool more;        /* the last read was not the last one */
	bool wants_write; /* ... and waits for room in the socket */
	bool seen;        /* its first byte */
	bool greeted;     /* our first flight has left */
	bool corked;      /* see tls_uncork() */
};

struct tls *
tls_new(struct tls_context *context, int fd)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL)
		return NULL;
	tls->ssl = SSL_new(context->certs[0]);
	if (tls->ssl == NULL || SSL_set_fd(tls->ssl, fd) != 1) {
		SSL_free(tls->ssl);
		free(tls);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_accept_state(tls->ssl);
	return tls;
}

static void
set_cork(struct tls *tls, int on)
{
	tls->corked = setsockopt(SSL_get_fd(tls->ssl), IPPROTO_TCP, TCP_CORK,
			  &on, sizeof(on)) == 0 &&
		      on != 0;
}

void
tls_uncork(struct tls *tls)
{
	if (tls->corked)
		set_cork(tls, 0);
}

void
tls_shutdown(struct tls *tls)
{
	if (tls->ready && !tls->broken)
		(void)SSL_shutdown(tls->ssl);
	tls->broken = true;
	ERR_clear_error();
}

void
tls_free(struct tls **tls_in)
{
	struct tls *tls = *tls_in;

	*tls_in = NULL;
	if (tls == NULL)
		return;
	tls_shutdown(tls);
	SSL_free(tls->ssl);
	free(tls);
}

bool
tls_is_ready(const struct tls *tls)
{
	return tls->ready;
}

bool
tls_is_h2(const struct tls *tls)
{
	return tls->h2;
}

bool
tls_has_more(const struct tls *tls)
{
	return tls->more;
}

bool
tls_has_part(const struct tls *tls)
{
	/* "RB": its head is there, and waits for its body. */
	return SSL_has_pending(tls->ssl) != 0 ||
	       SSL_rstate_string(tls->ssl)[1] == 'B';
}

bool
tls_wants_write(const struct tls *tls)
{
	return tls->wants_write;
}

static void
note_protocol(struct tls *tls)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(tls->ssl, &name, &len);
	tls->h2 = len == 2 && memcmp(name, "h2", 2) == 0;
}

/*
 * Does it begin as the line of an HTTP request? No record of TLS does;
 * OpenSSL knows only a few methods.
 */
static bool
is_plain_http(struct tls *tls)
{
	char first = '\0';

	if (tls->seen ||
	    recv(SSL_get_fd(tls->ssl), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
		return false;
	tls->seen = true;
	return (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
}

enum tls_step
tls_handshake(struct tls *tls)
{
	int rc;

	if (tls->broken)
		return TLS_FAILED;
	if (is_plain_http(tls)) {
		tls->broken = true;
		return TLS_HTTP;
	}
	/* What ends it, a ticket, leaves with the first answer. */
	if (tls->greeted)
		set_cork(tls, 1);
	tls->greeted = true;
	ERR_clear_error();
	rc = SSL_do_handshake(tls->ssl);
	if (rc == 1) {
		tls->ready = true;
		tls->more = true; /* a request may have come with its end */
		note_protocol(tls);
		return TLS_DONE;
	}
	tls_uncork(tls);
	switch (SSL_get_error(tls->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return TLS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WRITE;
	default:
		tls->broken = true;
		rc = ERR_GET_REASON(ERR_peek_error());
		ERR_clear_error();
		return rc == SSL_R_HTTP_REQUEST ? TLS_HTTP : TLS_FAILED;
	}
}

/* The outcome of a read or write that gave nothing, as errno. */
static ssize_t
outcome(struct tls *tls, int rc, bool reading)
{
	switch (SSL_get_error(tls->ssl, rc)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		tls->wants_write = reading;
		errno = EAGAIN;
		return -1;
	case SSL_ERROR_WANT_READ:
		errno = EAGAIN;
		return -1;
	default:
		tls->broken = true;
		ERR_clear_error();
		errno = ECONNRESET;
		return -1;
	}
}

ssize_t
tls_recv(struct tls *tls, void *data, size_t len)
{
	size_t have = 0;
	ssize_t last;
	int got;

	tls->more = false;
	tls->wants_write = false;
	if (tls->broken) {
		errno = ECONNRESET;
		return -1;
	}
	ERR_clear_error();
	while (have < len) {
		got =
		    SSL_read(tls->ssl, (char *)data + have, (int)(len - have));
		if (got > 0) {
			have += (size_t)got;
			if (SSL_has_pending(tls->ssl) == 0)
				return (ssize_t)have; /* epoll tells of more */
			continue;
		}
		last = outcome(tls, got, true);
		/* The end is told by the next call. */
		return have > 0 ? (tls->more = last == 0, (ssize_t)have) : last;
	}
	tls->more = true;
	return (ssize_t)have;
}

/* Copy up to a record's worth from where *at is in the pieces. */
static size_t
gather(const struct iovec *pieces, int count, size_t skip, char *record)
{
	size_t have = 0;
	size_t part;
	int i;

	for (i = 0; i < count && have < RECORD_MAX; i++) {
		if (skip >= pieces[i].iov_len) {
			skip -= pieces[i].iov_len;
			continue;
		}
		part = pieces[i].iov_len - skip;
		if (part > RECORD_MAX - have)
			part = RECORD_MAX - have;
		memcpy(record + have, (const char *)pieces[i].iov_base + skip,
		    part);
		have += part;
		skip = 0;
	}
	return have;
}

ssize_t
tls_sendv(struct tls *tls, const struct iovec *pieces, int count)
{
	char record[RECORD_MAX];
	size_t sent = 0;
	ssize_t rc;
	size_t len;
	int took;

	if (tls->broken) {
		errno = ECONNRESET;
		return -1;
	}
	ERR_clear_error();
	while ((len = gather(pieces, count, sent, record)) > 0) {
		took = SSL_write(tls->ssl, record, (int)len);
		if (took > 0) {
			sent += (size_t)took;
			continue;
		}
		rc = outcome(tls, took, false);
		if (rc == 0)
			errno = EPIPE;
		return sent > 0 && errno == EAGAIN ? (ssize_t)sent : -1;
	}
	return (ssize_t)sent;
}
