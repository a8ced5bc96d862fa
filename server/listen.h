/* SPDX-License-Identifier: MIT */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "server/base/buf.h"
#include "server/base/opt.h"
#include "server/listen_address.h"

/*
 * From the `bind` setting to listening sockets. They belong to the master for
 * its whole life; workers inherit them, so a connection that waits to be
 * accepted survives the worker.
 *
 * OWNERSHIP  The set owns its descriptors and the names of its unix sockets.
 * THREADS    Master only (it changes the umask for a moment).
 */
struct listen_socket {
	struct listen_address asked;   /* the item of `bind` it serves */
	struct listen_address address; /* numeric, with the real port */
	dev_t dev; /* unix: what we made, so that we remove nothing else */
	ino_t ino;
	bool shared; /* the master that handed it over may serve it still */
};

/* How to listen. */
struct listen_rules {
	int backlog;
	mode_t unix_mode; /* permissions of unix sockets */
	bool reuse_port;  /* others may listen there, too */
};

struct listen_set {
	struct listen_socket *sockets;
	int *fds; /* same order; non-blocking, close-on-exec */
	size_t count;
};

/*
 * Listen on every item of `bind`. A unix socket that still answers is left
 * alone (-EADDRINUSE), a dead one is replaced. All or nothing: on failure *why
 * names item and reason, nothing stays open. 0 or negative.
 */
int listen_open(struct listen_set *set, const struct opt_list *bind,
    const struct listen_rules *rules, struct buf *why);

/*
 * The same for a new `bind`: what stands in `old`, too, is taken from there
 * (another descriptor of the same socket, with the new backlog), the rest is
 * opened. Neither set is more than the other; one of them is to be dropped by
 * listen_drop(). 0 or negative, as listen_open().
 */
int listen_renew(struct listen_set *set, const struct listen_set *old,
    const struct opt_list *bind, const struct listen_rules *rules,
    struct buf *why);

/*
 * After -EADDRINUSE: append a remark with the option that would do, such as
 * "; free: --bind 127.0.0.1:8001", `flag` being the option of this list.
 * Nothing where no port nearby is free, or what is taken is no port.
 */
void listen_propose(const struct opt_list *bind,
    const struct listen_rules *rules, const char *flag, struct buf *why);

/*
 * Take over what the service manager has opened (LISTEN_FDS). How many there
 * are, or negative with a sentence in *why. Clears the variables.
 */
int listen_inherit(struct listen_set *set, struct buf *why);

/* All of `old` once more, whatever `bind` says. 0 or negative. */
int listen_copy(struct listen_set *set, const struct listen_set *old);

/*
 * Take over one descriptor that listens, whoever has opened it: finds out its
 * address, makes it close-on-exec and non-blocking. `known` says the rest of
 * what is known about it. 0 or -errno.
 */
int listen_adopt(struct listen_set *set, int fd,
    const struct listen_socket *known);

/* Give the unix sockets that we made these permissions. */
void listen_set_mode(const struct listen_set *set, mode_t mode);

/* From now on unix sockets that were handed over are ours alone. */
void listen_own(struct listen_set *set);

/* Add a socket; the set takes the descriptor over when this gives 0. */
int listen_add(struct listen_set *set, int fd,
    const struct listen_socket *listen_socket);

/* Close a set, but remove no unix socket that `kept` serves, too. */
void listen_drop(struct listen_set *set, const struct listen_set *kept);

/* In a child: close the copies, remove nothing. */
void listen_forget(struct listen_set *set);

/* Close all and remove our unix sockets. Accepts the zeroed set. */
void listen_close(struct listen_set *set);

/* How many connections wait there to be accepted; -1: cannot be told. */
int listen_queue(int fd);

/* The longest queue that this system grants; -1: cannot be told. */
int listen_backlog_max(void);

/* Append what a browser would open: http://127.0.0.1:8000, unix:/run/x. */
int listen_print_url(const struct listen_address *address, bool secure,
    struct buf *out);

#endif
