/* SPDX-License-Identifier: MIT */

/*
 * Recycling: a worker that has done enough, or holds too much memory, or has
 * a stuck thread, is replaced while it serves.
 *
 * INVARIANT  One at a time, over the whole crew, and the successor is ready
 *            before the old one is asked to go; so the workers that serve are
 *            never fewer than the target.
 * THREADS    Master only.
 *
 * See crew.c (how many are wanted).
 */
#include "server/crew_int.h"

#include <signal.h>
#include <stddef.h>

/* The one being replaced; NULL: none, or it has ended. */
static struct seat *
find_recycled(const struct crew *crew)
{
	struct seat *seat;
	unsigned slot;

	for (slot = 0; crew->recycling != 0 && slot < crew->slot_count;
	     slot++) {
		seat = &crew->seats[slot];
		if (seat->pid > 0 && seat->worker_id == crew->recycling)
			return seat;
	}
	return NULL;
}

/* Who has been tired for longest; NULL: nobody. */
static const struct seat *
find_tired(const struct crew *crew)
{
	const struct seat *oldest = NULL;
	const struct seat *seat;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		seat = &crew->seats[slot];
		if (seat->tired && seat->state == SEAT_READY &&
		    crew_is_wanted(crew, seat) &&
		    (oldest == NULL || seat->worker_id < oldest->worker_id))
			oldest = seat;
	}
	return oldest;
}

void
crew_tired(struct crew *crew, unsigned slot)
{
	crew->seats[slot].tired = true;
}

bool
crew_recycle_pending(const struct crew *crew)
{
	const struct seat *seat = find_recycled(crew);

	return seat != NULL && crew_is_wanted(crew, seat);
}

void
crew_recycle(struct crew *crew, int64_t now_us)
{
	struct seat *seat = find_recycled(crew);
	const struct seat *tired;

	if (seat == NULL)
		crew->recycling = 0;
	if (crew->recycling == 0 && crew->serving && !crew->restarting) {
		tired = find_tired(crew);
		crew->recycling = tired != NULL ? tired->worker_id : 0;
	} else if (seat != NULL && seat->state == SEAT_READY &&
		   crew_is_wanted(crew, seat) &&
		   crew_count_ready(crew) > crew->target) {
		seat_leave(seat, SEAT_RECYCLE, SIGTERM, crew->rules.graceful_us,
		    now_us);
	}
}
