/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CONN_PROXY_H
#define WORKER_CONN_PROXY_H

#include "worker/conn.h"

/*
 * The PROXY protocol on a connection: its header comes before everything
 * else, before TLS, too. While proxy_protocol is on, a connection without one
 * is closed: guessing would let anybody choose his address.
 *
 * THREADS  The loop only.
 */

/* Read the settings into the worker. 0, or negative with *why. */
int conn_proxy_open(struct worker *worker, struct buf *why);
void conn_proxy_close(struct worker *worker);

/* Would conn_proxy_open() succeed? 0, or negative with *why. */
int conn_proxy_check_settings(const struct worker_options *options,
    struct buf *why);

/* A new connection, whose peer is known: is there a header to come, is the
 * peer believed, does it count? */
void conn_proxy_begin(struct conn *conn);

/* Has the header taken too long? Dooms the connection. */
void conn_proxy_check(struct conn *conn);

/* The socket can be read and the header is not complete. True: now it is, and
 * the connection has its client's address. Else wait, or it is doomed. */
bool conn_proxy_read(struct conn *conn);

#endif
