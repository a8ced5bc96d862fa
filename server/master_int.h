/* SPDX-License-Identifier: MIT */
#ifndef SERVER_MASTER_INT_H
#define SERVER_MASTER_INT_H

#include <poll.h>
#include <stdint.h>

#include "server/base/buf.h"
#include "server/base/handoff.h"
#include "server/base/log.h"
#include "server/crew.h"
#include "server/keeper_seat.h"
#include "server/listen.h"
#include "server/master.h"
#include "server/pidfile.h"
#include "server/sig.h"
#include "server/spawn.h"

/*
 * The master's own state, shared by master.c (the loop), launch.c (start and
 * end) and nursery.c (children). Private to these three.
 *
 * OWNERSHIP  struct master owns everything from the pid file to the seats;
 *            options and children are borrowed.
 * THREADS    One.
 */
struct master {
	const struct server_options *options;
	const struct master_children *children;
	struct pidfile pidfile;
	struct sig sig;
	struct listen_set listeners;
	struct spawn spawn;
	struct crew crew;
	struct keeper_seat keeper;
	enum crew_stop keeper_stop; /* how the keeper has been asked */
	struct pollfd *polls;       /* signals, each slot, keeper, notes */
	int64_t now_us;             /* of this turn of the loop */
	int exit_status;
	struct log_gate garbage;
	char failure[sizeof(((struct handoff_status *)0)->text)];
};

/* --- launch.c ------------------------------------------------------------ */

/* Everything empty; launch_finish() may follow at any time. */
void launch_init(struct master *master, const struct server_options *options,
    const struct master_children *children);

/*
 * All that comes before the first fork of a worker, in order. On failure *why
 * says what is wrong; -EINTR: a signal asked to stop. 0 or negative.
 */
int launch_start(struct master *master, struct buf *why);

/* The check of the app alone; as launch_start(). */
int launch_try(struct master *master, struct buf *why);

/* Close, remove and free everything. */
void launch_finish(struct master *master);

/* Say why there is no server: each line in the log, all of it on stderr. */
void launch_report(const char *event, struct buf *why);

/* --- nursery.c ------------------------------------------------------------ */

/* In a child, as spawn.forget: close what is the master's alone. */
void nursery_forget(void *master, const struct spawn_job *job);

/* Fork, and tell crew or keeper_seat how that went. */
void nursery_fork_worker(struct master *master, unsigned slot);
void nursery_fork_keeper(struct master *master);

/* Take what the children have reported. */
void nursery_read(struct master *master);

/* Bury every child that has ended, tell the log and the keeper. */
void nursery_reap(struct master *master);

#endif
