/* SPDX-License-Identifier: MIT */
#ifndef WORKER_BALANCE_H
#define WORKER_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/handoff.h"

/*
 * An even share of connections, without shared memory: each slot has a pipe
 * that all workers hold, and the number of bytes in it is the number of
 * connections of its worker, and one more while it accepts. A worker writes
 * and reads only its own; how many bytes lie in another one the kernel tells.
 *
 * Who has more than the least loaded worker lets a connection lie for a
 * millisecond, three times, so that the other can take it. Then it takes it
 * anyway. Whose threads are all busy is more patient: a request on it would
 * have to wait for one of them. When somebody has taken it the next one gets
 * the same patience from its start. Who has let several such chances pass
 * hangs, or has no processor, and is not looked at for a while: it costs the
 * others a few milliseconds.
 *
 * THREADS  The loop only.
 */
struct balance {
	const int *fds; /* NULL: off */
	unsigned slot;
	unsigned slot_count;
	size_t told;    /* bytes in our pipe */
	unsigned waits; /* how often this connection has been left lying */
	int rival;      /* for whom */
	int rival_load;
	int sum; /* of the connections of all others, when the wait began */
	int64_t busy_until_us; /* being busy does not count until then */
	unsigned missed;       /* chances in a row that nobody took */
	int ignored;           /* did not take it; -1: none */
	int64_t ignored_until_us;
	int64_t scanned_us;
	unsigned live_count;
	unsigned live[64]; /* slots that accept, as of the last scan */
};

/* Begin to accept: from now on this worker counts. */
void balance_start(struct balance *balance, const struct handoff *handoff);

/* Do not count any more. */
void balance_stop(struct balance *balance);

/* This worker has `connections` now. */
void balance_tell(struct balance *balance, size_t connections);

/*
 * Should the connection that is there be left to somebody else for 1 ms?
 * `busy`: a request on it would have to wait for a thread here.
 */
bool balance_should_wait(struct balance *balance, bool busy);

/* Is one left lying at this moment? */
bool balance_is_waiting(const struct balance *balance);

/* It was taken, or need not be left lying any more. */
void balance_forget(struct balance *balance);

/* May this worker take another one in the same turn? Not while some other
 * has fewer. */
bool balance_may_go_on(struct balance *balance, bool busy);

#endif
