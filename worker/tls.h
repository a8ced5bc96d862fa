/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TLS_H
#define WORKER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "server/base/buf.h"
#include "worker/options.h"
#include "worker/stock.h"

/*
 * TLS 1.2 and 1.3 by OpenSSL on non-blocking sockets.
 *
 * Connections are spread over workers that share no memory, so sessions live
 * in tickets; the keys of the tickets are made before fork.
 *
 * THREADS  The tickets' keys: the master, before it forks. The rest: the loop
 *          only.
 */

/*
 * New keys for tickets from fresh random bytes, in the process that will fork
 * the workers, and from now on others every `period` seconds (0: never). The
 * keys until now open the tickets that they have sealed until the next change.
 * 0 or -errno.
 */
int tls_tickets_renew(double period);

/* That stays so, or else is as if it had not been. In each process that has
 * been forked meanwhile, too, so that it does not keep what was before. */
void tls_tickets_settle(bool keep);

/*
 * Change the keys when it is time. Workers need not call it; the process that
 * forks them does, now and then, so that it keeps no old secret.
 */
void tls_tickets_advance(void);

struct tls_context;

/* Make what `stock` holds of certificates and keys usable. *context is NULL
 * when options->certfile is empty. 0, or negative with a sentence in *why. */
int tls_context_open(struct tls_context **context,
    const struct worker_options *options, const struct stock *stock,
    struct buf *why);
void tls_context_close(struct tls_context **context);

/* Is each certificate valid today? 0, or negative with a line in *why for
 * each that is not. */
int tls_dates_check(const struct worker_options *options,
    const struct stock *stock, struct buf *why);

/* One connection's TLS; does not own the socket. */
struct tls;

struct tls *tls_new(struct tls_context *context, int fd); /* NULL: no memory */

/* Says goodbye if it can, and frees. Accepts NULL. */
void tls_free(struct tls **tls);

enum tls_step {
	TLS_DONE,
	TLS_READ,  /* go on when the socket can be read */
	TLS_WRITE, /* ... or written */
	TLS_HTTP,  /* the client speaks plain HTTP */
	TLS_FAILED,
};

enum tls_step tls_handshake(struct tls *tls);
bool tls_is_ready(const struct tls *tls);

/* Has the client chosen HTTP/2? */
bool tls_is_h2(const struct tls *tls);

/* As recv() and sendmsg(): bytes, 0 for the end, or -1 with errno. */
ssize_t tls_recv(struct tls *tls, void *data, size_t len);
ssize_t tls_sendv(struct tls *tls, const struct iovec *pieces, int count);

/* Did the last tls_recv() leave bytes behind that no event will tell of? */
bool tls_has_more(const struct tls *tls);

/* Has a record begun to come that is not complete? */
bool tls_has_part(const struct tls *tls);

/* Does reading wait for the socket to take bytes? */
bool tls_wants_write(const struct tls *tls);

/*
 * The end of a turn that went on with a handshake: what was held back, so that
 * its last bytes leave with the first answer, goes. Who closes need not.
 */
void tls_uncork(struct tls *tls);

/* Announce the end of what we send. */
void tls_shutdown(struct tls *tls);

#endif
