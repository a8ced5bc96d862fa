/* SPDX-License-Identifier: MIT */
#ifndef WORKER_BALANCE_H
#define WORKER_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/handoff.h"

/*
 * An even share of connections, without shared memory: each slot has a pipe
 * that all workers hold, and the number of bytes in it tells how many
 * connections its worker has, whether its threads are all busy, and that it
 * accepts at all. A worker writes and reads only its own; how many bytes lie
 * in another one the kernel tells.
 *
 * Who is worse off than another (busy, while that one is not; or as busy, but
 * with more connections) lets a connection lie, so that the other can take it:
 * for a few milliseconds at a time, 25 in all, as a sibling on a busy machine
 * may wait that long for a processor. Then it takes it anyway. Who has let
 * two such chances pass hangs and is not looked at for a while, and the
 * longer, the more often: it costs the others a few milliseconds.
 *
 * Nobody who has neither connections nor work waits for anybody.
 *
 * THREADS  The loop only.
 */
#define BALANCE_SLOTS 256 /* beyond them nobody is looked at */
#define BALANCE_LIVE 64

struct balance_rival {
	unsigned missed; /* chances in a row that it let pass */
	int bytes;       /* least in its pipe since; more: it is alive */
	int64_t ignored_until_us;
};

struct balance {
	const int *fds; /* NULL: off */
	unsigned slot;
	unsigned slot_count;
	size_t connections;
	bool busy;          /* as the others know it */
	size_t told;        /* bytes in our pipe */
	unsigned waits;     /* how often a connection has been left lying */
	int64_t wait_us;    /* since when */
	int rival;          /* for whom */
	int rival_bytes;    /* in its pipe then */
	int64_t scanned_us; /* when we looked who lives */
	unsigned live_count;
	unsigned live[BALANCE_LIVE]; /* slots that accept, as of then */
	struct balance_rival rivals[BALANCE_SLOTS];
};

/* Begin to accept: from now on this worker counts. */
void balance_start(struct balance *balance, const struct handoff *handoff);

/* Do not count any more. */
void balance_stop(struct balance *balance);

/* This worker has `connections` now. */
void balance_tell(struct balance *balance, size_t connections);

/* Is a connection being left lying? */
bool balance_is_waiting(const struct balance *balance);

/* Might balance_settle() have something to do? */
bool balance_is_unsettled(const struct balance *balance);

/*
 * A turn is over: the others may have to know that we are not busy any more,
 * or that we have become it. Whether that ends a wait of ours, perhaps.
 */
bool balance_settle(struct balance *balance, bool busy);

/*
 * Should the connection that is there be left to somebody else, for as many
 * milliseconds as this says? 0: take it. `busy`: a request on it would have
 * to wait for a thread here.
 */
unsigned balance_wait_ms(struct balance *balance, bool busy);

/* What was left lying is gone: the next one is another one. */
void balance_forget(struct balance *balance);

/* May this worker take another one in the same turn? Not while some other
 * is better off. */
bool balance_may_go_on(struct balance *balance, bool busy);

#endif
