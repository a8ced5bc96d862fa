/* SPDX-License-Identifier: MIT */

/*
 * Seats: the life of one child, from fork to burial.
 *
 * INVARIANT  pid > 0 exactly when the state is not EMPTY. due_sig != 0 only
 *            while LEAVING.
 * THREADS    Master only.
 */
#include "server/seat.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "server/base/bug.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define KILL_AGAIN_US INT64_C(1000000)

void
seat_init(struct seat *seat)
{
	*seat = (struct seat){ .status_fd = -1, .orders_fd = -1 };
}

void
seat_fill(struct seat *seat, pid_t pid, int status_fd, int64_t now_us)
{
	ASSERT(seat->state == SEAT_EMPTY && pid > 0);
	seat->state = SEAT_BOOTING;
	seat->pid = pid;
	seat->status_fd = status_fd;
	seat->forked_us = now_us;
	seat->beat_us = now_us;
}

void
seat_order(const struct seat *seat, enum handoff_order_kind kind,
    uint32_t value)
{
	const struct handoff_order order = { .kind = kind, .value = value };

	if (seat->orders_fd >= 0 &&
	    write(seat->orders_fd, &order, sizeof(order)) < 0)
		log_debug("seat.order", "child=%ld kind=%u: %s",
		    (long)seat->pid, order.kind, err_str(-errno));
}

void
seat_ready(struct seat *seat, int64_t now_us)
{
	seat->beat_us = now_us;
	if (seat->ready_us == 0)
		seat->ready_us = now_us;
	if (seat->state == SEAT_BOOTING)
		seat->state = SEAT_READY;
}

void
seat_beat(struct seat *seat, int64_t now_us)
{
	seat->beat_us = now_us;
}

void
seat_leave(struct seat *seat, enum seat_reason reason, int sig,
    int64_t patience_us, int64_t now_us)
{
	int64_t kill_us = now_us + patience_us;

	if (seat->state == SEAT_EMPTY)
		return;
	if (seat->state != SEAT_LEAVING) {
		seat->state = SEAT_LEAVING;
		seat->reason = reason;
		seat->kill_us = kill_us;
	}
	if (kill_us < seat->kill_us)
		seat->kill_us = kill_us;
	seat->due_sig = sig;
}

int
seat_due(struct seat *seat, int64_t now_us)
{
	int sig = seat->due_sig;

	if (seat->state != SEAT_LEAVING)
		return 0;
	seat->due_sig = 0;
	if (sig == 0 && now_us >= seat->kill_us)
		sig = SIGKILL;
	if (sig == SIGKILL) {
		seat->killed = true;
		seat->kill_us = now_us + KILL_AGAIN_US;
	}
	return sig;
}

struct reap_life
seat_life(const struct seat *seat)
{
	return (struct reap_life){
		.ready = seat->ready_us != 0,
		.asked = seat->reason == SEAT_STOP ||
			 seat->reason == SEAT_RESIZE ||
			 seat->reason == SEAT_RESTART ||
			 seat->reason == SEAT_RECYCLE,
		.overdue =
		    seat->reason == SEAT_SLOW || seat->reason == SEAT_SILENT,
		.killed = seat->killed,
	};
}

void
seat_clear(struct seat *seat)
{
	fd_close(&seat->status_fd);
	fd_close(&seat->orders_fd);
	seat_init(seat);
}

const char *
seat_reason_name(enum seat_reason reason)
{
	static const char *const names[] = {
		[SEAT_NO_REASON] = "none",
		[SEAT_STOP] = "stop",
		[SEAT_RESIZE] = "resize",
		[SEAT_RESTART] = "restart",
		[SEAT_RECYCLE] = "recycle",
		[SEAT_SLOW] = "boot_timeout",
		[SEAT_SILENT] = "timeout",
	};

	return names[reason];
}
