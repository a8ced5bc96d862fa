/* SPDX-License-Identifier: MIT */
#ifndef BASE_HANDOFF_H
#define BASE_HANDOFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/cache_counters.h"

/*
 * What the master hands to a child over fork, and the two small message
 * formats that travel on pipes afterwards. Nothing else crosses fork: no
 * database handle, no thread, no lock, no epoll descriptor.
 *
 * OWNERSHIP  The struct and its arrays live in the master's memory, of which
 *            the child has its own copy. Descriptors named here stay open in
 *            the child; the child may close those it does not need.
 */
struct handoff {
	unsigned slot;       /* which place in the crew, 0 .. slot_count-1 */
	unsigned slot_count; /* places that exist, each with a wake_fd */
	int64_t worker_id;   /* unique over all workers that ever ran on this
				machine since boot; owns rows in `signals` */
	pid_t master_pid;
	int death_fd;        /* read end; EOF or POLLHUP: the master is gone */
	int status_fd;       /* write end; struct handoff_status messages */
	int notes_fd;        /* keeper: read end of handoff_note; else -1 */
	int orders_fd;       /* worker: read end of handoff_order; else -1 */
	const int *wake_fds; /* one eventfd per slot, inherited by all */
	const int *load_fds; /* one pipe per slot, both ends in one, whose
				bytes count connections; NULL: none */
	const int *listen_fds;
	size_t listen_count;
	int board_fd; /* see board.h; -1: none */
	bool admin;   /* serves metrics, and no app of the users */
};

/*
 * What a child has done since its start; travels with its heartbeat. Of the
 * keeper only `cache` has a meaning.
 */
#define HANDOFF_BUCKETS 13
#define HANDOFF_BUCKET_BOUNDS_US                                             \
	500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, \
	    2500000, 10000000

struct handoff_beat {
	uint64_t requests;
	uint64_t answers[4];               /* 2xx, 3xx, 4xx, 5xx */
	uint64_t buckets[HANDOFF_BUCKETS]; /* of the time an answer took */
	uint64_t duration_us;              /* of all answers */
	uint64_t tls_handshakes;
	uint64_t tls_failures;
	uint64_t unsent;        /* bytes that wait for clients */
	uint64_t unsent_closed; /* clients that left too many */
	uint64_t log_drops;     /* lines that no log took */
	uint64_t memory;        /* private and dirty, bytes */
	uint32_t connections;
	uint32_t busy;      /* queued, running and finished pool tasks */
	uint32_t parked;    /* keys somebody waits for */
	uint32_t waiting;   /* requests that wait there, without a thread */
	uint32_t queued;    /* tasks that wait for a thread */
	uint32_t computing; /* threads that run a task */
	uint32_t threads;
	uint32_t uncached; /* 1: it cannot use the cache */
	struct cache_counters cache;
};

/*
 * Who waits for what in a worker: the keys for which most requests wait, and
 * computations that wait for other values, so that those who wait for them do,
 * too. Follows a beat when there are any, and once when there are none left.
 */
#define HANDOFF_WAITS 16
#define HANDOFF_CHAINS 8
#define HANDOFF_WAIT_KEY 12 /* first bytes of a key: enough to know it by */

struct handoff_waits {
	struct {
		uint8_t key[HANDOFF_WAIT_KEY];
		uint32_t requests; /* 0: this place is not used */
	} rows[HANDOFF_WAITS];
	struct {
		uint8_t computed[HANDOFF_WAIT_KEY];
		uint8_t wanted[HANDOFF_WAIT_KEY]; /* for it */
	} chains[HANDOFF_CHAINS];
	uint32_t chain_count;
	uint32_t others; /* of either that have no place here */
};

/* What has been added to the numbers of one callback or computation. */
enum handoff_series_kind { HANDOFF_CALLBACK, HANDOFF_COMPUTATION };

struct handoff_series {
	char name[72];
	uint32_t kind;
	uint32_t reserved;
	uint64_t count;
	uint64_t failed;
	uint64_t duration_us;
	uint64_t buckets[HANDOFF_BUCKETS];
};

/* Child to master, on status_fd. Smaller than PIPE_BUF, so never torn. */
enum handoff_status_kind {
	HANDOFF_READY = 1,  /* boot finished, serving */
	HANDOFF_BEAT = 2,   /* alive; sent about once a second */
	HANDOFF_FAILED = 3, /* boot failed; text says why */
	HANDOFF_CRASH = 4,  /* it is about to die; text: signal, callback */
	HANDOFF_STACK = 5,  /* a line of a stack */
	HANDOFF_STUCK = 6,  /* a thread is busy for too long; text says which */
	HANDOFF_TIRED = 7,  /* it asks to be replaced; text says why */
	HANDOFF_SERIES = 8, /* numbers of a callback or computation */
	HANDOFF_WAIT = 9,   /* who waits for what */
	HANDOFF_PART = 10   /* what of the app begins to be loaded */
};

struct handoff_status {
	uint32_t kind;
	uint32_t value; /* BEAT: connections open; of the keeper and the admin
			   process: for how many seconds more than usual it
			   may be silent from now on */
	union {
		char text[248];               /* one line, NUL-terminated */
		struct handoff_beat beat;     /* BEAT */
		struct handoff_series series; /* SERIES */
		struct handoff_waits waits;   /* WAIT */
	};
};

/* Master to worker, on orders_fd. */
enum handoff_order_kind {
	HANDOFF_ORDER_LOG_LEVEL = 1, /* value: enum log_level */
	HANDOFF_ORDER_SHUT = 2 /* the SIGTERM that follows ends the server:
				  nobody else is to listen here any more */
};

struct handoff_order {
	uint32_t kind;
	uint32_t value;
};

/* Master to keeper, on notes_fd: a worker has been reaped. */
struct handoff_note {
	int64_t worker_id;
	uint32_t slot;
	int32_t pid;
	int32_t sig; /* that ended it; 0: it ended by itself */
	int32_t unused;
};

/* Exit status of a child that could not start and would not next time. */
#define HANDOFF_EXIT_BOOT 3

/* Of one whose app has called exit(), whatever its status: no orderly end. */
#define HANDOFF_EXIT_APP 4

#endif
