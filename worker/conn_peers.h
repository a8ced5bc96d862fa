/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CONN_PEERS_H
#define WORKER_CONN_PEERS_H

#include <stddef.h>

/*
 * How many connections each client address holds in this worker.
 *
 * OWNERSHIP  struct conn_peers owns its entries.
 * THREADS    The loop only.
 */
struct conn_peers;

struct conn_peers *conn_peers_new(void);
void conn_peers_free(struct conn_peers **peers);

/* One more of `peer`, unless it has `limit` already. 0, ERR_BUSY, -ENOMEM. */
int conn_peers_add(struct conn_peers *peers, const char *peer, size_t limit);

/* One less. */
void conn_peers_remove(struct conn_peers *peers, const char *peer);

#endif
