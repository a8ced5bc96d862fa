/* SPDX-License-Identifier: MIT */

/*
 * Restarting: another generation takes over.
 *
 * The wanted generation changes; the old one goes on serving. All at once: it
 * is asked to leave when the new one is complete. Rolling: one new worker is
 * started, one old one leaves when that is ready, and the next is started when
 * it has gone, so that there is one worker more than wanted at most.
 *
 * If the new generation fails, it is dropped and the old one is wanted again.
 * In a rolling restart part of the old one may have gone: then the new workers
 * that serve stay until it is complete again (the retreat).
 *
 * INVARIANT  The workers that serve, of all generations, are never fewer than
 *            before, but for those that die.
 * THREADS    Master only.
 *
 * See crew.c (how many are wanted).
 */
#include "server/crew_int.h"

#include <signal.h>
#include <stddef.h>

#include "server/base/bug.h"

bool
crew_reached_limit(const struct crew *crew)
{
	return crew->rules.limit > 0 &&
	       (crew->hopeless || crew->backoff.failures >= crew->rules.limit);
}

void
crew_forget_relapses(struct crew *crew)
{
	crew->relapses = 0;
	backoff_reset(&crew->relapse);
}

void
crew_start_afresh(struct crew *crew)
{
	crew->held = 0;
	crew->hopeless = false;
	backoff_reset(&crew->backoff);
	crew_forget_relapses(crew);
}

static void
leave(struct crew *crew, struct seat *seat, int64_t now_us)
{
	seat_leave(seat, SEAT_RESTART, SIGTERM, crew->rules.graceful_us,
	    now_us);
}

/* Everybody but the wanted generation is asked to leave. */
static void
dismiss_others(struct crew *crew, int64_t now_us)
{
	struct seat *seat;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		seat = &crew->seats[slot];
		if (seat_works(seat) && !crew_is_wanted(crew, seat))
			leave(crew, seat, now_us);
	}
}

/* The wanted generation is, but for those that may `stay` for a while. */
static void
dismiss_wanted(struct crew *crew, bool stay, int64_t now_us)
{
	struct seat *seat;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		seat = &crew->seats[slot];
		if (crew_is_wanted(crew, seat) &&
		    !(stay && seat->state == SEAT_READY))
			leave(crew, seat, now_us);
	}
}

static void
begin(struct crew *crew)
{
	crew->restarting = true;
	crew->restart_again = false;
	crew->retreating = false;
	crew->old_generation = crew->generation;
	crew->generation = ++crew->last_generation;
	crew_start_afresh(crew);
}

static void
give_up(struct crew *crew, int64_t now_us)
{
	dismiss_wanted(crew, crew->rules.rolling, now_us);
	crew->generation = crew->old_generation;
	crew->restarting = false;
	crew->retreating = crew->rules.rolling;
	crew_start_afresh(crew);
}

bool
crew_next_milestone(struct crew *crew, int64_t now_us,
    struct crew_action *action)
{
	bool complete = crew_count_ready(crew) >= crew_goal(crew);

	if (crew->retreating && complete) {
		dismiss_others(crew, now_us);
		crew->retreating = false;
	}
	if (crew->restarting && crew_reached_limit(crew)) {
		give_up(crew, now_us);
		action->what = CREW_DO_KEEP;
	} else if (crew->restarting && complete) {
		dismiss_others(crew, now_us);
		crew->restarting = false;
		action->what = CREW_DO_RESTARTED;
	} else if (!crew->serving && complete) {
		crew->serving = true;
		action->what = CREW_DO_SERVE;
	} else {
		return false;
	}
	if (!crew->restarting && crew->restart_again)
		begin(crew);
	return true;
}

/* Of other generations: how many work; *oldest: who has done so longest. */
static unsigned
count_others(const struct crew *crew, struct seat **oldest)
{
	struct seat *seat;
	unsigned count = 0;
	unsigned slot;

	*oldest = NULL;
	for (slot = 0; slot < crew->slot_count; slot++) {
		seat = &crew->seats[slot];
		if (!seat_works(seat) || crew_is_wanted(crew, seat))
			continue;
		count++;
		if (*oldest == NULL || seat->worker_id < (*oldest)->worker_id)
			*oldest = seat;
	}
	return count;
}

static bool
is_one_leaving(const struct crew *crew)
{
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew->seats[slot].state == SEAT_LEAVING &&
		    crew->seats[slot].reason == SEAT_RESTART)
			return true;
	}
	return false;
}

unsigned
crew_restart_wanted(const struct crew *crew)
{
	unsigned ready = crew_count_ready(crew);
	unsigned goal = crew_goal(crew);
	struct seat *oldest;
	unsigned others = count_others(crew, &oldest);
	unsigned wanted = goal > others ? goal - others : 0;

	wanted += !is_one_leaving(crew);
	if (wanted < ready)
		wanted = ready;
	return wanted < goal ? wanted : goal;
}

void
crew_restart_step(struct crew *crew, int64_t now_us)
{
	struct seat *oldest;
	unsigned others;

	if (!crew->restarting || !crew->rules.rolling || is_one_leaving(crew))
		return;
	others = count_others(crew, &oldest);
	if (oldest != NULL && others + crew_count_ready(crew) > crew_goal(crew))
		leave(crew, oldest, now_us);
}

void
crew_restart(struct crew *crew)
{
	if (crew->restarting)
		crew->restart_again = true;
	else
		begin(crew);
}

void
crew_renew(struct crew *crew, const struct crew_rules *rules, unsigned target)
{
	ASSERT(!crew->restarting);
	crew->resting = false;
	crew_set(crew, rules, target);
	begin(crew);
}
