/* SPDX-License-Identifier: MIT */
#ifndef SERVER_SEAT_H
#define SERVER_SEAT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/handoff.h"
#include "server/reap.h"

/*
 * The place of one child process: who sits there, how it is doing, and how
 * it is made to leave. Used for workers (crew.h) and the keeper
 * (keeper_seat.h). Sends no signal itself: it says which one is due.
 *
 *   EMPTY --fill--> BOOTING --ready--> READY --leave--> LEAVING --clear-->
 * EMPTY
 *                       \------------leave--------------^
 *
 * OWNERSHIP  A filled seat owns its status_fd; seat_clear() closes it.
 * THREADS    Master only. Times are microseconds of one clock, the caller's.
 */
enum seat_state { SEAT_EMPTY, SEAT_BOOTING, SEAT_READY, SEAT_LEAVING };

enum seat_reason {
	SEAT_NO_REASON,
	SEAT_STOP,    /* the server stops */
	SEAT_RESIZE,  /* fewer workers are wanted */
	SEAT_RESTART, /* another generation takes over */
	SEAT_RECYCLE, /* a fresh one is to take its place */
	SEAT_SLOW,    /* not ready in time */
	SEAT_SILENT   /* no sign of life for too long */
};

struct seat {
	enum seat_state state;
	enum seat_reason reason; /* why it is leaving */
	pid_t pid;
	int64_t worker_id;
	unsigned generation;
	bool probe;    /* alone on trial after failures; see crew.c */
	int status_fd; /* read end; -1: none, or closed by the child */
	int orders_fd; /* write end, non-blocking; -1: none */
	int64_t forked_us;
	int64_t ready_us;         /* 0: never was */
	int64_t beat_us;          /* last sign of life */
	int due_sig;              /* to be sent now; 0: none */
	int64_t kill_us;          /* LEAVING: when SIGKILL follows */
	bool killed;              /* SIGKILL was sent */
	bool tired;               /* asks to be replaced */
	struct handoff_beat beat; /* as last reported */
	struct handoff_waits waits;
};

void seat_init(struct seat *seat);

/* A child has been forked for this empty seat. Takes over status_fd. */
void seat_fill(struct seat *seat, pid_t pid, int status_fd, int64_t now_us);

/* Tell the child something. Nobody waits: a full pipe loses it. */
void seat_order(const struct seat *seat, enum handoff_order_kind kind,
    uint32_t value);

/* The child has reported ready; or has shown that it is alive. */
void seat_ready(struct seat *seat, int64_t now_us);
void seat_beat(struct seat *seat, int64_t now_us);

/*
 * Ask to leave with `sig`; SIGKILL follows after `patience_us`. Asking again
 * never gives more time, and the first reason stays.
 */
void seat_leave(struct seat *seat, enum seat_reason reason, int sig,
    int64_t patience_us, int64_t now_us);

/* The signal to send now, each one once (SIGKILL: every second); 0: none. */
int seat_due(struct seat *seat, int64_t now_us);

/* What reap_judge() wants to know. */
struct reap_life seat_life(const struct seat *seat);

/* The child is gone: close what is open, be empty. */
void seat_clear(struct seat *seat);

/* True while it boots or serves, not while it leaves. */
static inline bool
seat_works(const struct seat *seat)
{
	return seat->state == SEAT_BOOTING || seat->state == SEAT_READY;
}

/* Printable, for the log: "stop", "timeout", ... */
const char *seat_reason_name(enum seat_reason reason);

#endif
