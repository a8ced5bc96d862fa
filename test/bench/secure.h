/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SECURE_H
#define BENCH_SECURE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

#include "test/bench/target.h"

/*
 * TLS for the generator's connections: the protocol by ALPN, sessions resumed
 * as browsers do, certificates not checked, as servers under test sign their
 * own. Layer: test. Threads: the loop only.
 */

/* What is offered by ALPN: h2 and http/1.1, or one of them alone. */
enum secure_offer { SECURE_BOTH, SECURE_HTTP_1, SECURE_HTTP_2 };

/* The context of all connections; NULL: no memory. */
SSL_CTX *secure_new(enum secure_offer offer);

/* A connection's TLS on a socket that may still be connecting, or NULL. */
SSL *secure_open(SSL_CTX *context, const struct target *target, int fd);

/*
 * As recv() and send(). EAGAIN in errno: *write says whether the socket has
 * to take bytes first, else it has to give some. Handshakes happen inside.
 */
ssize_t secure_recv(SSL *ssl, void *data, size_t len, int *write);
ssize_t secure_send(SSL *ssl, const void *data, size_t len, int *write);

/* The handshake alone. 1: done; -1 with errno, as secure_recv(). */
int secure_handshake(SSL *ssl, int *write);

/* Did ALPN choose HTTP/2? */
bool secure_is_http_2(const SSL *ssl);

#endif
