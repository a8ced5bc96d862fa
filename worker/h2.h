/* SPDX-License-Identifier: MIT */
#ifndef WORKER_H2_H
#define WORKER_H2_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/conn.h"

/*
 * HTTP/2 (RFC 9113) through nghttp2, on a connection that chose it.
 *
 * Each stream has a struct conn of its own without a socket, so that router
 * and dispatch answer it as they answer any connection. Its request is put
 * together as an HTTP/1.1 head and goes through the same strict parser.
 *
 * OWNERSHIP  The connection owns its struct h2, which owns the streams.
 * THREADS    The loop only.
 */
struct h2;
struct h2_stream;

/* Begin: our SETTINGS are queued. 0 or -ENOMEM. */
int h2_start(struct conn *conn);
void h2_free(struct h2 **h2);

/* Bytes from the client; answers what is complete. */
void h2_receive(struct conn *conn, const char *data, size_t len);

/* Send what is ready, as far as the socket takes it. */
void h2_flush(struct conn *conn);

/* Once a second: streams whose client takes or sends nothing, and those that
 * the app takes too long for. */
void h2_sweep(struct conn *conn);

/* No more streams; what is open is answered. */
void h2_drain(struct conn *conn);
bool h2_is_drained(const struct h2 *h2);

size_t h2_stream_count(const struct h2 *h2);

/* A stream whose request is being worked on, or NULL. */
struct conn *h2_busy_stream(const struct h2 *h2);

/* The connection a stream belongs to. */
struct conn *h2_parent(const struct conn *stream);

/* Queue a stream's answer; consumes the reply's blob. */
void h2_answer(struct conn *stream, const struct answer_to *to,
    struct reply *reply, bool borrowed);

#endif
