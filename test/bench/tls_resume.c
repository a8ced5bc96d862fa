/* SPDX-License-Identifier: MIT */

/*
 * New TLS connections that resume a session: connect, resume, one request,
 * close, again. Prints one line of JSON.
 *
 *   tls_resume PORT THREADS SECONDS
 *
 * Each thread keeps the newest ticket it was given.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/clock.h"

#define THREADS_MAX 64

struct client {
	pthread_t thread;
	SSL_CTX *ctx;
	SSL_SESSION *session;
	uint16_t port;
	int64_t until_us;
	long done;
	long resumed;
	long failed;
};

static int client_index;

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct client *client = SSL_get_ex_data(ssl, client_index);

	SSL_SESSION_free(client->session);
	client->session = session;
	return 1; /* kept */
}

static int
dial(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	const void *any = &address;
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && connect(fd, any, sizeof(address)) < 0) {
		(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* One connection; true when its answer came. */
static int
visit(struct client *client)
{
	static const char text[] = "GET /_ph/health HTTP/1.1\r\nHost: a\r\n"
				   "Connection: close\r\n\r\n";
	char answer[4096];
	size_t have = 0;
	SSL *ssl;
	int got;
	int fd = dial(client->port);

	if (fd < 0)
		return 0;
	ssl = SSL_new(client->ctx);
	(void)SSL_set_ex_data(ssl, client_index, client);
	(void)SSL_set_fd(ssl, fd);
	if (client->session != NULL)
		(void)SSL_set_session(ssl, client->session);
	if (SSL_connect(ssl) == 1 &&
	    SSL_write(ssl, text, sizeof(text) - 1) > 0) {
		while (have < sizeof(answer) &&
		       (got = SSL_read(ssl, answer + have,
			    (int)(sizeof(answer) - have))) > 0)
			have += (size_t)got;
		client->resumed += SSL_session_reused(ssl);
	}
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(ssl);
	(void)close(fd);
	return have > 12 && memcmp(answer, "HTTP/1.1 200", 12) == 0;
}

static void *
run(void *arg)
{
	struct client *client = arg;

	while (clock_mono_us() < client->until_us) {
		if (visit(client))
			client->done++;
		else
			client->failed++;
	}
	SSL_SESSION_free(client->session);
	return NULL;
}

int
main(int argc, char **argv)
{
	static struct client clients[THREADS_MAX];
	int threads = argc > 2 ? atoi(argv[2]) : 4;
	double seconds = argc > 3 ? atof(argv[3]) : 1;
	long done = 0;
	long resumed = 0;
	long failed = 0;
	SSL_CTX *ctx;
	int i;

	if (argc < 2 || threads < 1 || threads > THREADS_MAX) {
		(void)fprintf(stderr,
		    "usage: tls_resume PORT [THREADS [SECONDS]]\n");
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	client_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_session_cache_mode(ctx,
	    SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	for (i = 0; i < threads; i++) {
		clients[i].ctx = ctx;
		clients[i].port = (uint16_t)atoi(argv[1]);
		clients[i].until_us =
		    clock_mono_us() + (int64_t)(seconds * 1e6);
		if (pthread_create(&clients[i].thread, NULL, run,
			&clients[i]) != 0)
			return 1;
	}
	for (i = 0; i < threads; i++) {
		(void)pthread_join(clients[i].thread, NULL);
		done += clients[i].done;
		resumed += clients[i].resumed;
		failed += clients[i].failed;
	}
	(void)printf("{\"done\":%ld,\"resumed\":%ld,\"failed\":%ld}\n", done,
	    resumed, failed);
	SSL_CTX_free(ctx);
	return 0;
}
