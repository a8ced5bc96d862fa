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
 * Beside it the master keeps rows of the last fifteen minutes, one every two
 * seconds: what plots show. Who looks after an incident finds it there, also
 * when the process that served the page has died meanwhile. A row that has
 * been written is not changed before all of BOARD_ROWS newer ones exist.
 *
 * OWNERSHIP  The writer owns both descriptors; children inherit the one for
 *            reading.
 * THREADS    board_write(), board_add_row(): the master. board_read(),
 *            board_rows(): any.
 */
#define BOARD_WORKERS_MAX 64 /* rows; more of them count in the totals only */
#define BOARD_SERIES_MAX 64  /* callbacks and computations by name */
#define BOARD_ROWS 450       /* of the past */
#define BOARD_ROW_MS 2000    /* what one of them is about, or more */

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
	uint32_t restarts; /* workers that had this slot before it */
	uint32_t unused;
	int64_t age_ms;
	int64_t silent_ms;
	struct handoff_beat beat;
	struct handoff_waits waits;
};

struct board {
	int64_t wall_ms; /* when it was written */
	int64_t started_wall_ms;
	uint32_t state;     /* enum board_state */
	uint32_t relapsing; /* workers crash soon after they are ready */
	uint32_t workers_wanted;
	uint32_t workers_ready;
	uint32_t workers_booting;
	uint32_t workers_uncached; /* ready, but they cannot use the cache */
	uint32_t worker_count;     /* rows below */
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

/* What happened in the span that ended at wall_ms, and how it was then. */
struct board_row {
	int64_t wall_ms;
	uint32_t span_ms;
	/* Buckets below whose bounds half and 99 % of the answers lie;
	 * HANDOFF_BUCKETS: there were none. */
	uint16_t p50;
	uint16_t p99;
	uint64_t answers;
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions;
	uint64_t bytes; /* of the cache */
};

/* Make one. *read_fd is for children. 0 or -errno. */
int board_open(int *write_fd, int *read_fd);

/* Replace what is there. 0 or -errno. */
int board_write(int write_fd, const struct board *board);

/*
 * The report of the last crash, lines of text, at most BOARD_CRASH_MAX bytes
 * with the NUL. A reader may get it half from one and half from another.
 * Writing: 0 or -errno. Reading: the same; "" when there was none.
 */
#define BOARD_CRASH_MAX 16384
int board_put_crash(int write_fd, const char *text);
int board_crash(int read_fd, char text[BOARD_CRASH_MAX]);

/* What was written last. 0, -errno, or ERR_STALE: nothing yet. */
int board_read(int read_fd, struct board *board);

/* Count `requests` that wait for a key in; the keys with few of them make
 * room. */
void board_note_wait(struct handoff_waits *waits, const uint8_t *key,
    uint32_t requests);

/* The computation of the key `computed` waits for the value of `wanted`. */
void board_note_chain(struct handoff_waits *waits, const uint8_t *computed,
    const uint8_t *wanted);

/*
 * How many requests wait for the key, in all workers together, by what these
 * have told; those for what cannot be computed without it, too. *more: perhaps
 * some more do, as a worker did not name all.
 */
uint32_t board_waiting(const struct board *board, const uint8_t *key,
    bool *more);

/* Keep a row beside it; the oldest is forgotten. 0 or -errno. */
int board_add_row(int write_fd, const struct board_row *row);

/* The rows that are kept, at most BOARD_ROWS, the oldest first. How many, or
 * -errno, or ERR_BUSY: the reader was overtaken again and again. */
int board_rows(int read_fd, struct board_row rows[BOARD_ROWS]);

#endif
