/* SPDX-License-Identifier: MIT */
#ifndef CACHE_INSPECT_H
#define CACHE_INSPECT_H

#include <stdint.h>

#include "server/base/buf.h"

/*
 * A look at the cache from outside: read-only, for tools. It takes no lock
 * that a worker or the keeper would wait for and checkpoints nothing.
 *
 * THREADS  One; a process of its own, never the master.
 */
struct inspect;

struct inspect_signal {
	const char *key;   /* 64 hexadecimal digits */
	const char *state; /* flight_state_name() */
	const char *function;
	const char *error;  /* "": none */
	int64_t owner_slot; /* computing */
	int64_t owner_pid;
	int64_t lease_ms; /* computing: left; may be negative */
	int64_t age_ms;   /* since the state changed */
	int64_t attempts;
	int64_t waiters; /* worker slots */
	int64_t computations;
	int64_t progress;  /* computing: 0 to 1000 */
	int64_t wanted_ms; /* since somebody asked first */
	const char *scope; /* "", session or user; not which one */
};

struct inspect_summary {
	int64_t values;      /* rows that have not expired */
	int64_t value_bytes; /* of all values */
	int64_t expired;
	int64_t oldest_ms; /* age of the oldest value; 0: none */
	int64_t wanted;
	int64_t computing;
	int64_t ready;
	int64_t failed;
	int64_t quarantined;
	int64_t passing; /* not to be stored, for a while */
	int64_t file_bytes;
	int64_t log_bytes; /* of the write-ahead log */
};

/*
 * Open the database in the folder `dir`. 0, or negative with a sentence in
 * *why. inspect_close() accepts NULL.
 */
int inspect_open(struct inspect **inspect, const char *dir, struct buf *why);
void inspect_close(struct inspect **inspect);

/* Prepare a question of another file of this folder. 0 or ERR_*. */
struct sqlite3_stmt;
int inspect_query(struct inspect *inspect, const char *sql,
    struct sqlite3_stmt **stmt);

/*
 * Walk over all values in steps, each a read of its own: one long read would
 * keep the log from being copied, and a log that grows stops the writers.
 * `stmt` selects max(id) and what is wanted of "kv WHERE id > ?1" INSPECT_STEP;
 * *from is -1 at first. False at the end, and after a failure, which
 * sqlite3_finalize() returns.
 */
#define INSPECT_STEP " ORDER BY id LIMIT 200"
bool inspect_step(struct sqlite3_stmt *stmt, int64_t *from);

/* What is there, in numbers. Reads the head of every row. 0 or ERR_*. */
int inspect_summarize(struct inspect *inspect, struct inspect_summary *out);

/*
 * Computations, the live ones first, then by the last change; at most
 * `limit`. The texts live during the call of `put`. 0 or ERR_*.
 */
int inspect_signals(struct inspect *inspect, unsigned limit,
    void (*put)(void *context, const struct inspect_signal *signal),
    void *context);

#endif
