/* SPDX-License-Identifier: MIT */
#ifndef SERVER_LISTEN_INT_H
#define SERVER_LISTEN_INT_H

#include "server/listen.h"

/*
 * One item of `bind` each: what the files of the listeners share. All append
 * to the set, or give a negative code with the reason alone in *why.
 *
 * THREADS  Master only.
 */

/* A stream socket, non-blocking and close-on-exec. 0 or -errno. */
int listen_new_socket(int family, int *out);

/* unix:PATH; see listen_unix.c. */
int listen_open_unix(struct listen_set *set,
    const struct listen_address *address, const struct listen_rules *rules,
    struct buf *why);

/* fd://N: whoever has started us has opened it. */
int listen_take_fd(struct listen_set *set, const struct listen_address *address,
    struct buf *why);

#endif
