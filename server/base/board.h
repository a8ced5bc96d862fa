/* SPDX-License-Identifier: MIT */
#ifndef BASE_BOARD_H
#define BASE_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/handoff.h"

/*
 * The board: what the master knows of the whole server, for everybody to
 * read. A file in memory that the master writes and its children can only
 * read, by system calls: no memory is shared. It is written whenever workers
 * have reported, at most a few times a second, and at once when the server
 * begins to stop.
 *
 * OWNERSHIP  The writer owns both descriptors; children inherit the one for
 *            reading.
 * THREADS    board_write(): the master. board_read(): any.
 */
#define BOARD_WORKERS_MAX 64 /* rows; more of them count in the totals only */
#define BOARD_SERIES_MAX 64  /* callbacks and computations by name */

enum board_state {
	BOARD_STARTING,
	BOARD_SERVING,
	BOARD_DRAINING, /* still serving, but no longer to be asked */
	BOARD_STOPPING
};

/* Why workers have ended. */
enum board_end {
	BOARD_END_ASKED, /* stop, fewer workers, reload */
	BOARD_END_RECYCLED,
	BOARD_END_CRASHED,
	BOARD_END_KILLED, /* silent, or not ready in time */
	BOARD_END_STILLBORN,
	BOARD_ENDS
};

struct board_worker {
	uint32_t slot;
	int32_t pid;
	uint32_t state; /* 1 booting, 2 ready, 3 leaving */
	uint32_t generation;
	int64_t age_ms;
	int64_t silent_ms;
	struct handoff_beat beat;
};

struct board {
	int64_t wall_ms; /* when it was written */
	int64_t started_wall_ms;
	uint32_t state;     /* enum board_state */
	uint32_t relapsing; /* workers crash soon after they are ready */
	uint32_t workers_wanted;
	uint32_t workers_ready;
	uint32_t workers_booting;
	uint32_t worker_count; /* rows below */
	uint32_t series_count;
	uint64_t starts;           /* workers ever forked */
	uint64_t ends[BOARD_ENDS]; /* ... and buried, by why */
	uint64_t reloads[2];       /* done, failed */
	uint64_t log_drops;        /* of the master itself */
	uint64_t statsd_drops;     /* datagrams */
	uint64_t backlog;          /* connections that nobody has accepted */
	struct handoff_beat total; /* counters: of all workers, ever; the
				      others: of those that live */
	struct handoff_series series[BOARD_SERIES_MAX];
	struct board_worker workers[BOARD_WORKERS_MAX];
};

/* Make one. *read_fd is for children. 0 or -errno. */
int board_open(int *write_fd, int *read_fd);

/* Replace what is there. 0 or -errno. */
int board_write(int write_fd, const struct board *board);

/* What was written last. 0, -errno, or ERR_STALE: nothing yet. */
int board_read(int read_fd, struct board *board);

#endif
