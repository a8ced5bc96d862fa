/* SPDX-License-Identifier: MIT */
#ifndef SERVER_TALLY_H
#define SERVER_TALLY_H

#include "server/base/board.h"
#include "server/reap.h"

/*
 * The master's bookkeeping for metrics: sums what workers report, keeps what
 * the dead had counted, and puts it on the board.
 *
 * OWNERSHIP  struct tally owns the board's descriptors.
 * THREADS    Master only.
 */
struct master;

#define TALLY_SLOTS 512 /* twice the most workers there can be */

struct tally {
	int write_fd; /* -1: no board */
	int read_fd;  /* for children */
	bool changed; /* since it was put on the board */
	int64_t put_us;
	int64_t row_us;  /* when the last row of the past ended; 0: none yet */
	int64_t next_us; /* when the next one is due */
	struct handoff_beat row_total; /* the counters then */
	uint32_t starts[TALLY_SLOTS];  /* in each slot */
	struct handoff_beat ended;     /* counters of workers that are gone */
	struct board board;
};

void tally_init(struct tally *tally);
void tally_open(struct tally *tally); /* a failure is logged, and that is all */
void tally_close(struct tally *tally);

/* A worker has been started; has ended, having reported `beat` last. */
void tally_start(struct tally *tally, unsigned slot);
void tally_end(struct tally *tally, const struct handoff_beat *beat,
    enum reap_verdict verdict);

/* The same of the keeper. */
void tally_keep(struct tally *tally, const struct handoff_beat *beat);

void tally_reload(struct tally *tally, bool done);

/* Numbers of a callback or a computation, to be added. */
void tally_series(struct tally *tally, const struct handoff_series *series);

/* Something has changed that readiness depends on. */
void tally_soon(struct tally *tally);

/* Put everything on the board: when something has changed and the last time
 * was a while ago; `now`: in any case. Adds a row of the past when it is
 * time. */
void tally_put(struct master *master, bool now);

#endif
