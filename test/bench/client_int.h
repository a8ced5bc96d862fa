/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CLIENT_INT_H
#define BENCH_CLIENT_INT_H

#include "test/bench/client.h"

/*
 * Between the files of the client.
 * Layer: test, this folder only. Threads: the loop only.
 */

/* Close the socket; what was under way on it has been taken off before. */
void connection_close(struct connection *connection);

/* Put a request in the line, in front of it or behind. */
void client_push(struct client *client, struct client_request *request,
    bool front);

/* Send what waits, as far as there are connections. */
void client_serve_line(struct client *client);

/*
 * A request whose connection has gone: send it once more if `again` and if it
 * has not been sent too often, else tell its owner. Does not serve the line.
 */
void client_lost(struct client *client, struct client_request *request,
    bool again, enum client_error error);

#endif
