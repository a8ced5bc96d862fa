/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CLIENT_H2_H
#define BENCH_CLIENT_H2_H

#include "test/bench/client.h"

/*
 * A connection that speaks HTTP/2: requests are streams side by side.
 * Layer: test, this folder only. Threads: the loop only.
 */
struct h2_link;

/* ALPN has chosen HTTP/2 on this connection. 0 or -ENOMEM. */
int client_h2_start(struct connection *connection);

/* Forget all, without a call; see client_take_back(). */
void client_h2_free(struct connection *connection);

/* May one more request be sent? */
bool client_h2_has_room(const struct connection *connection);

/* Will it never take one again, as the server has said good-bye? */
bool client_h2_is_leaving(const struct connection *connection);

/* Send it as a new stream; there must be room. */
void client_h2_ask(struct connection *connection,
    struct client_request *request);

/* The socket can be read, or written. */
void client_h2_on_read(struct connection *connection);
void client_h2_on_write(struct connection *connection);

/* Give up streams whose time is over. */
void client_h2_expire(struct connection *connection, int64_t now_us);

/* One of the requests under way, taken off without a call; NULL: none. */
struct client_request *client_h2_take_back(struct connection *connection);

/* Free the streams that are kept for use again. */
void client_h2_free_spare(struct client_common *common);

#endif
