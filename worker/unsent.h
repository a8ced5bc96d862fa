/* SPDX-License-Identifier: MIT */
#ifndef WORKER_UNSENT_H
#define WORKER_UNSENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The memory that answers take which their clients have not taken: counted,
 * and bounded by `send_memory`. Bytes that several of them share count once;
 * files take no memory and do not count.
 *
 * THREADS  The loop only.
 */
struct blob;
struct conn;
struct worker;

/*
 * An answer, or a part of one, begins to wait for this client: `own` bytes of
 * its own, and the blob's (NULL: none). With HTTP/2 the connection is that of
 * the streams.
 */
void unsent_add(struct conn *conn, struct blob *blob, size_t own);

/* It waits no more: the same arguments. */
void unsent_remove(struct conn *conn, struct blob *blob, size_t own);

/* May so many bytes more wait, although the socket would take them? Up to half
 * of the bound: the rest is for clients that are slow. */
bool unsent_has_room(const struct worker *worker, size_t len);

/* Before the loop runs. */
void unsent_start(struct worker *worker);

#endif
