/* SPDX-License-Identifier: MIT */

/*
 * The place of the keeper, or of the admin process, which gets no notes: one
 * seat, its back-off and the notes for it.
 *
 * INVARIANT  sent <= count <= KEEPER_NOTES_MAX; the first `sent` notes of the
 *            ring went to the present keeper, in order. notes_fd >= 0 only
 *            while the seat is taken.
 * THREADS    Master only.
 * FAILURE    When the ring is full the oldest note is dropped. Had the keeper
 *            not seen it, that is worth a warning; the lease of the dead
 *            worker's computations is then what frees them.
 */
#include "server/keeper_seat.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "server/base/log.h"

#define HEALTHY_US INT64_C(1000000)
#define ABORT_US INT64_C(1000000) /* to leave a core; a stopped one cannot */
/* Opening a database that others hold, or making a new one, takes a while. */
#define START_US INT64_C(60000000)

void
keeper_seat_init(struct keeper_seat *keeper, int64_t backoff_us)
{
	*keeper = (struct keeper_seat){ .notes_fd = -1 };
	seat_init(&keeper->seat);
	backoff_init(&keeper->backoff, backoff_us);
}

void
keeper_seat_fini(struct keeper_seat *keeper)
{
	seat_clear(&keeper->seat);
	fd_close(&keeper->notes_fd);
}

bool
keeper_seat_wants_fork(const struct keeper_seat *keeper, int64_t now_us)
{
	return !keeper->stopping && keeper->seat.state == SEAT_EMPTY &&
	       backoff_open(&keeper->backoff, now_us);
}

/* When its silence will have been too long; INT64_MAX: never. */
static int64_t
silent_us(const struct keeper_seat *keeper)
{
	if (keeper->silence_us <= 0 || !seat_works(&keeper->seat))
		return INT64_MAX;
	return keeper->seat.beat_us + (keeper->seat.state == SEAT_BOOTING
					      ? START_US
					      : keeper->silence_us);
}

int64_t
keeper_seat_deadline(const struct keeper_seat *keeper, int64_t now_us)
{
	int64_t time_us = silent_us(keeper);

	if (keeper->seat.state == SEAT_LEAVING)
		time_us = keeper->seat.kill_us;
	else if (keeper->seat.state == SEAT_EMPTY && !keeper->stopping)
		time_us = keeper->backoff.gate_us;
	return time_us > now_us ? time_us : INT64_MAX;
}

void
keeper_seat_forked(struct keeper_seat *keeper, pid_t pid, int status_fd,
    int notes_fd, int64_t now_us)
{
	seat_fill(&keeper->seat, pid, status_fd, now_us);
	keeper->notes_fd = notes_fd;
	keeper->sent = 0; /* whatever its predecessor has read */
}

void
keeper_seat_not_forked(struct keeper_seat *keeper, int64_t now_us)
{
	backoff_fail(&keeper->backoff, now_us);
}

void
keeper_seat_heard(struct keeper_seat *keeper,
    const struct handoff_status *message, int64_t now_us)
{
	if (message->kind == HANDOFF_READY) {
		seat_ready(&keeper->seat, now_us);
	} else if (message->kind == HANDOFF_BEAT) {
		seat_beat(&keeper->seat,
		    now_us + message->value * INT64_C(1000000));
		keeper->seat.beat = message->beat;
	}
}

bool
keeper_seat_is_silent(struct keeper_seat *keeper, int64_t now_us)
{
	if (now_us < silent_us(keeper))
		return false;
	seat_leave(&keeper->seat, SEAT_SILENT, SIGABRT, ABORT_US, now_us);
	return true;
}

void
keeper_seat_watch(struct keeper_seat *keeper, const char *event, bool watched,
    int64_t now_us)
{
	int64_t silent_us = now_us - keeper->seat.beat_us;
	int sig;

	keeper->silence_us = watched ? KEEPER_SILENCE_US : 0;
	if (keeper_seat_is_silent(keeper, now_us))
		log_error(0, event, "child=%ld silent_ms=%lld",
		    (long)keeper->seat.pid, (long long)silent_us / 1000);
	sig = seat_due(&keeper->seat, now_us);
	if (sig != 0)
		(void)kill(keeper->seat.pid, sig);
}

void
keeper_seat_excuse(struct keeper_seat *keeper, int64_t gap_us)
{
	keeper->seat.forked_us += gap_us;
	keeper->seat.beat_us += gap_us;
	keeper->seat.kill_us += gap_us;
}

enum reap_verdict
keeper_seat_exited(struct keeper_seat *keeper, int status, int64_t now_us)
{
	struct reap_life life = seat_life(&keeper->seat);

	/* A keeper need not report ready: having lived is enough. */
	if (now_us - keeper->seat.forked_us >= HEALTHY_US) {
		life.ready = true;
		backoff_reset(&keeper->backoff);
	} else {
		backoff_fail(&keeper->backoff, now_us);
	}
	seat_clear(&keeper->seat);
	fd_close(&keeper->notes_fd);
	return reap_judge(status, &life);
}

void
keeper_seat_stop(struct keeper_seat *keeper, int sig, int64_t patience_us,
    int64_t now_us)
{
	keeper->stopping = true;
	seat_leave(&keeper->seat, SEAT_STOP, sig, patience_us, now_us);
}

void
keeper_seat_note(struct keeper_seat *keeper, const struct handoff_note *note)
{
	unsigned last;

	if (keeper->count == KEEPER_NOTES_MAX) {
		if (keeper->sent > 0)
			keeper->sent--;
		else
			log_warn(0, "keeper.note_dropped", "worker_id=%lld",
			    (long long)keeper->notes[keeper->first].worker_id);
		keeper->first = (keeper->first + 1) % KEEPER_NOTES_MAX;
		keeper->count--;
	}
	last = (keeper->first + keeper->count) % KEEPER_NOTES_MAX;
	keeper->notes[last] = *note;
	keeper->count++;
}

void
keeper_seat_flush(struct keeper_seat *keeper)
{
	const struct handoff_note *note;
	ssize_t put;

	while (keeper->notes_fd >= 0 && keeper->sent < keeper->count) {
		note = &keeper->notes[(keeper->first + keeper->sent) %
				      KEEPER_NOTES_MAX];
		put = write(keeper->notes_fd, note, sizeof(*note));
		if (put == (ssize_t)sizeof(*note)) {
			keeper->sent++;
		} else if (put < 0 && errno == EAGAIN) {
			return;
		} else if (put >= 0 || errno != EINTR) {
			/* It is dying; its successor gets them all. */
			fd_close(&keeper->notes_fd);
		}
	}
}
