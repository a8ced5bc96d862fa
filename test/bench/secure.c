/* SPDX-License-Identifier: MIT */

/*
 * TLS of the generator. See secure.h.
 *
 * OWNERSHIP  The context keeps the last session; it is freed with it.
 */
#include "test/bench/secure.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

/* The newest session, for the connections that are opened next. */
static SSL_SESSION *newest;

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(newest);
	newest = session;
	return 1; /* the reference is ours now */
}

SSL_CTX *
secure_new(enum secure_offer offer)
{
	static const unsigned char protocols[] = "\x02h2\x08http/1.1";
	const size_t first = 3; /* bytes of the first of them */
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL)
		return NULL;
	(void)SSL_CTX_set_mode(context,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	(void)SSL_CTX_set_session_cache_mode(context,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, on_session);
	if (offer == SECURE_HTTP_1)
		(void)SSL_CTX_set_alpn_protos(context, protocols + first,
		    sizeof(protocols) - 1 - first);
	else
		(void)SSL_CTX_set_alpn_protos(context, protocols,
		    offer == SECURE_HTTP_2 ? first : sizeof(protocols) - 1);
	return context;
}

SSL *
secure_open(SSL_CTX *context, const struct target *target, int fd)
{
	SSL *ssl = SSL_new(context);
	char name[256];
	size_t len = strcspn(target->host, ":");

	if (ssl == NULL)
		return NULL;
	if (SSL_set_fd(ssl, fd) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	SSL_set_connect_state(ssl);
	if (len > 0 && len < sizeof(name) &&
	    strspn(target->host, "0123456789.") < len) {
		memcpy(name, target->host, len);
		name[len] = '\0';
		(void)SSL_set_tlsext_host_name(ssl, name);
	}
	if (newest != NULL)
		(void)SSL_set_session(ssl, newest);
	return ssl;
}

/* What a call that gave `rc` means to who knows recv() and send(). */
static ssize_t
result(SSL *ssl, int rc, int *write)
{
	int error = SSL_get_error(ssl, rc);

	ERR_clear_error();
	*write = error == SSL_ERROR_WANT_WRITE;
	if (error == SSL_ERROR_ZERO_RETURN)
		return 0;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		errno = EAGAIN;
	else if (errno == 0 || errno == EAGAIN)
		errno = EPROTO;
	return -1;
}

ssize_t
secure_recv(SSL *ssl, void *data, size_t len, int *write)
{
	int rc;

	errno = 0;
	rc = SSL_read(ssl, data, (int)len);
	return rc > 0 ? rc : result(ssl, rc, write);
}

ssize_t
secure_send(SSL *ssl, const void *data, size_t len, int *write)
{
	int rc;

	errno = 0;
	rc = SSL_write(ssl, data, (int)len);
	return rc > 0 ? rc : result(ssl, rc, write);
}

int
secure_handshake(SSL *ssl, int *write)
{
	int rc;

	errno = 0;
	rc = SSL_do_handshake(ssl);
	if (rc == 1 || result(ssl, rc, write) < 0)
		return rc == 1 ? 1 : -1;
	errno = EPROTO; /* closed in the middle of it */
	return -1;
}

bool
secure_is_http_2(const SSL *ssl)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return len == 2 && memcmp(name, "h2", 2) == 0;
}
