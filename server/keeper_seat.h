/* SPDX-License-Identifier: MIT */
#ifndef SERVER_KEEPER_SEAT_H
#define SERVER_KEEPER_SEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "server/backoff.h"
#include "server/base/handoff.h"
#include "server/reap.h"
#include "server/seat.h"

/*
 * The place in the master of a child of which there is one, the keeper or the
 * admin process: when to fork one, and what the keeper still has to be
 * told. Every death of a worker becomes a note; a note stays here after
 * it was written, and a new keeper gets all of them once more, because nobody
 * knows how far the old one came. (Releasing a worker twice does no harm.)
 *
 * One that is silent for too long, because it was stopped or hangs, is
 * made to leave like a worker, and another one takes its place.
 *
 * THREADS  Master only. now_us as in crew.h.
 */
#define KEEPER_NOTES_MAX 256
#define KEEPER_SILENCE_US INT64_C(5000000)

struct keeper_seat {
	struct seat seat;
	struct backoff backoff;
	int notes_fd;       /* write end; -1: no keeper */
	int64_t silence_us; /* longest between two beats; 0: never too long */
	bool stopping;
	struct handoff_note notes[KEEPER_NOTES_MAX]; /* ring */
	unsigned first;                              /* oldest */
	unsigned count;
	unsigned sent; /* of these, written to the present keeper */
};

void keeper_seat_init(struct keeper_seat *keeper, int64_t backoff_us);
void keeper_seat_fini(struct keeper_seat *keeper);

/* True when a keeper should be forked now. */
bool keeper_seat_wants_fork(const struct keeper_seat *keeper, int64_t now_us);

/* When to look again if nothing happens; INT64_MAX: never. */
int64_t keeper_seat_deadline(const struct keeper_seat *keeper, int64_t now_us);

/* A keeper was forked; takes over both descriptors. Or could not be. */
void keeper_seat_forked(struct keeper_seat *keeper, pid_t pid, int status_fd,
    int notes_fd, int64_t now_us);
void keeper_seat_not_forked(struct keeper_seat *keeper, int64_t now_us);

/*
 * It has sent a message: READY, or a BEAT, whose `value` is for how many
 * seconds it may be silent beyond silence_us. All others say nothing here.
 */
void keeper_seat_heard(struct keeper_seat *keeper,
    const struct handoff_status *message, int64_t now_us);

/* True once, when it has been silent for too long: it is to leave now, see
 * seat_due(). */
bool keeper_seat_is_silent(struct keeper_seat *keeper, int64_t now_us);

/*
 * In every turn: end it when it has been silent for too long, which is logged
 * as `event`, or when it is due. `watched`: silence counts.
 */
void keeper_seat_watch(struct keeper_seat *keeper, const char *event,
    bool watched, int64_t now_us);

/* The master itself did not run for `gap_us`, see crew_excuse(). */
void keeper_seat_excuse(struct keeper_seat *keeper, int64_t gap_us);

/* It has ended with `status`: empties the seat. Returns the verdict. */
enum reap_verdict keeper_seat_exited(struct keeper_seat *keeper, int status,
    int64_t now_us);

/* Ask it to stop with `sig`; none is forked any more. */
void keeper_seat_stop(struct keeper_seat *keeper, int sig, int64_t patience_us,
    int64_t now_us);

/* Tell the keeper, this one or the next, of a worker's death. */
void keeper_seat_note(struct keeper_seat *keeper,
    const struct handoff_note *note);

/* Write what the pipe takes; the rest waits until it is writable again. */
void keeper_seat_flush(struct keeper_seat *keeper);

#endif
