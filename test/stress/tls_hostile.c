/* SPDX-License-Identifier: MIT */

/*
 * Clients of TLS that are rude below HTTP.
 *
 *   tls_hostile hellos PORT COUNT      mutated and truncated ClientHellos
 *   tls_hostile keyupdates PORT COUNT  as many KeyUpdates, each to be answered
 *   tls_hostile records PORT COUNT     requests in records of one byte
 *   tls_hostile renegotiate PORT COUNT a second handshake, in TLS 1.2
 *
 * Prints one line of JSON: how often the server answered, refused, or did
 * neither until the deadline (hung). Exit status 1: it hung, or a well-behaved
 * client in between got no answer.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_S 60 /* longer than any deadline of the server */
#define CANARY_EVERY 500

static const char request[] = "GET /_ph/health HTTP/1.1\r\nHost: a\r\n\r\n";

static int port;
static SSL_CTX *context;
static uint64_t state = 1;
static long answered;
static long refused;
static long hung;

static uint64_t
draw(void)
{
	uint64_t z = (state += UINT64_C(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

static int
dial(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	const void *any = &address;
	struct timeval patience = { PATIENCE_S, 0 };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, any, sizeof(address)) < 0) {
		perror("connect");
		exit(2);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
	    sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
	    sizeof(patience));
	return fd;
}

/* A connection of TLS up to `version`; NULL: refused. */
static SSL *
open_tls(int version)
{
	SSL *ssl = SSL_new(context);

	(void)SSL_set_fd(ssl, dial());
	(void)SSL_set_max_proto_version(ssl, version);
	if (SSL_connect(ssl) == 1)
		return ssl;
	(void)close(SSL_get_fd(ssl));
	SSL_free(ssl);
	return NULL;
}

static void
close_tls(SSL *ssl)
{
	(void)close(SSL_get_fd(ssl));
	SSL_free(ssl);
	ERR_clear_error();
}

/* Is there an answer with status 200? Counts what there is. */
static void
read_answer(SSL *ssl)
{
	char answer[4096];
	int got = SSL_read(ssl, answer, sizeof(answer));

	if (got > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0)
		answered++;
	else if (got <= 0 && SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ)
		hung++;
	else
		refused++;
}

/* A client as it should be. */
static void
ask_canary(void)
{
	long before = answered;
	SSL *ssl = open_tls(TLS1_3_VERSION);

	if (ssl != NULL) {
		(void)SSL_write(ssl, request, sizeof(request) - 1);
		read_answer(ssl);
		close_tls(ssl);
	}
	if (answered != before + 1) {
		(void)fprintf(stderr, "the canary has no answer\n");
		exit(1);
	}
	answered = before;
}

/* What OpenSSL would send first. */
static size_t
make_hello(unsigned char *out, size_t cap)
{
	static char name[] = "app.example";
	BIO *into = BIO_new(BIO_s_mem());
	BIO *from = BIO_new(BIO_s_mem());
	SSL *ssl = SSL_new(context);
	int len;

	SSL_set_bio(ssl, into, from);
	(void)SSL_set_tlsext_host_name(ssl, name);
	(void)SSL_connect(ssl);
	len = BIO_read(from, out, (int)cap);
	SSL_free(ssl);
	ERR_clear_error();
	if (len < 2) {
		(void)fprintf(stderr, "no ClientHello\n");
		exit(2);
	}
	return (size_t)len;
}

static size_t
spoil(unsigned char *hello, size_t len)
{
	unsigned times = 1 + (unsigned)(draw() % 4);
	size_t at;

	switch (draw() % 4) {
	case 0: /* cut anywhere */
		return 1 + draw() % len;
	case 1: /* nothing but noise behind the record's head */
		for (at = 5; at < len; at++)
			hello[at] = (unsigned char)draw();
		return len;
	case 2: /* no head either */
		for (at = 0; at < len; at++)
			hello[at] = (unsigned char)draw();
		return len;
	default: /* a few bytes, lengths among them */
		while (times-- > 0)
			hello[draw() % len] = (unsigned char)draw();
		return len;
	}
}

static void
send_hello(const unsigned char *hello, size_t len, unsigned char *answer,
    size_t cap)
{
	ssize_t got;
	int fd = dial();

	(void)send(fd, hello, len, MSG_NOSIGNAL);
	if (draw() % 8 == 0) { /* and away */
		(void)close(fd);
		refused++;
		return;
	}
	(void)shutdown(fd, SHUT_WR);
	while ((got = recv(fd, answer, cap, 0)) > 0)
		continue;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		hung++;
	else
		refused++;
	(void)close(fd);
}

static void
send_hellos(long count)
{
	unsigned char hello[2048];
	unsigned char answer[4096];
	size_t len;
	long i;

	for (i = 0; i < count; i++) {
		len = make_hello(hello, sizeof(hello));
		len = spoil(hello, len);
		send_hello(hello, len, answer, sizeof(answer));
		if (i % CANARY_EVERY == 0)
			ask_canary();
	}
}

static void
send_key_updates(long count)
{
	SSL *ssl = open_tls(TLS1_3_VERSION);
	long i;

	if (ssl == NULL) {
		refused++;
		return;
	}
	for (i = 0; i < count; i++) {
		if (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
		    SSL_do_handshake(ssl) != 1)
			break;
	}
	(void)SSL_write(ssl, request, sizeof(request) - 1);
	read_answer(ssl);
	close_tls(ssl);
}

static void
send_small_records(long count)
{
	SSL *ssl;
	size_t at;
	long i;

	for (i = 0; i < count; i++) {
		ssl = open_tls(i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION);
		if (ssl == NULL) {
			refused++;
			continue;
		}
		for (at = 0; at < sizeof(request) - 1; at++) {
			if (SSL_write(ssl, request + at, 1) != 1)
				break;
		}
		read_answer(ssl);
		close_tls(ssl);
	}
}

/* Accepted, it would cost the server a key exchange each time. */
static void
renegotiate(long count)
{
	SSL *ssl;
	long i;

	for (i = 0; i < count; i++) {
		ssl = open_tls(TLS1_2_VERSION);
		if (ssl == NULL || SSL_renegotiate(ssl) != 1 ||
		    SSL_do_handshake(ssl) != 1) {
			refused++;
		} else {
			(void)SSL_write(ssl, request, sizeof(request) - 1);
			read_answer(ssl);
		}
		if (ssl != NULL)
			close_tls(ssl);
	}
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(long count);
	} ways[] = {
		{ "hellos", send_hellos },
		{ "keyupdates", send_key_updates },
		{ "records", send_small_records },
		{ "renegotiate", renegotiate },
	};
	size_t i;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: tls_hostile WAY PORT COUNT\n");
		return 2;
	}
	port = atoi(argv[2]);
	(void)signal(SIGPIPE, SIG_IGN);
	context = SSL_CTX_new(TLS_client_method());
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].name, argv[1]) == 0)
			ways[i].run(atol(argv[3]));
	}
	ask_canary();
	SSL_CTX_free(context);
	(void)printf("{\"answered\":%ld,\"refused\":%ld,\"hung\":%ld}\n",
	    answered, refused, hung);
	return hung > 0;
}
