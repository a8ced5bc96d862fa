/* SPDX-License-Identifier: MIT */

/*
 * The turnover is estimated twice, and the shorter estimate counts: the time
 * in which as many values come as there is room for, and how long those had
 * been unused that went. The first is known before anything has gone; the
 * second is shorter where most values are in use all the time, so that the
 * others change within the rest of the room.
 *
 * What has come is looked at when it is a sixteenth of the room, or after a
 * quarter of the turnover. So a flood is known for one before it has pushed
 * anything out.
 *
 * INVARIANT  The turnover is between eight times the least step and eight
 *            times the most, and doubles in one look at most.
 */
#include "cache/pace.h"

#include <stdbool.h>

#define PARTS 8  /* uses noted in one turnover */
#define FLOOD 16 /* part of the room that tells enough */
#define LOOK_MIN 1000
#define LOOK_MAX 10000 /* ms between two looks */
#define LEAST_MS ((int64_t)PARTS << PACE_LEAST)
#define MOST_MS ((int64_t)PARTS << PACE_MOST)

static void
begin(struct pace *pace, int64_t now_us)
{
	pace->from_us = now_us;
	pace->came = 0;
	pace->unused_ms = MOST_MS;
}

void
pace_init(struct pace *pace)
{
	begin(pace, 0);
	pace->turnover_ms = MOST_MS;
	pace->step = PACE_MOST;
}

void
pace_came(struct pace *pace, int64_t values)
{
	/* The quiet before it says nothing about a flood. */
	if (pace->came == 0 && values > 0)
		pace->from_us = pace->asked_us;
	pace->came += values;
}

void
pace_went(struct pace *pace, int64_t unused_ms)
{
	if (unused_ms < pace->unused_ms)
		pace->unused_ms = unused_ms;
}

static int64_t
clamp(int64_t number, int64_t least, int64_t most)
{
	return number < least ? least : number > most ? most : number;
}

/* Is there anything to be learned now? */
static bool
is_due(const struct pace *pace, int64_t room, int64_t passed_ms)
{
	return pace->came > room / FLOOD ||
	       pace->unused_ms < pace->turnover_ms / 2 ||
	       passed_ms >= clamp(pace->turnover_ms / 4, LOOK_MIN, LOOK_MAX);
}

static int64_t
estimate(const struct pace *pace, int64_t room, int64_t passed_ms)
{
	double all_ms = (double)passed_ms * (double)room;

	if (pace->came > 0)
		all_ms /= (double)pace->came;
	else
		all_ms = (double)MOST_MS;
	return all_ms < (double)pace->unused_ms ? (int64_t)all_ms
						: pace->unused_ms;
}

unsigned
pace_find(struct pace *pace, int64_t room, int64_t now_us)
{
	int64_t passed_ms;
	int64_t turnover_ms;

	if (pace->from_us == 0)
		begin(pace, now_us);
	pace->asked_us = now_us;
	passed_ms = (now_us - pace->from_us) / 1000;
	if (!is_due(pace, room, passed_ms))
		return pace->step;
	turnover_ms = estimate(pace, room, passed_ms);
	pace->turnover_ms =
	    clamp(turnover_ms < 2 * pace->turnover_ms ? turnover_ms
						      : 2 * pace->turnover_ms,
		LEAST_MS, MOST_MS);
	begin(pace, now_us);
	while (pace->step > PACE_LEAST &&
	       (int64_t)PARTS << pace->step > pace->turnover_ms)
		pace->step--;
	/* Not to and fro at the edge of two. */
	if (pace->step < PACE_MOST &&
	    (pace->turnover_ms == MOST_MS ||
		((int64_t)PARTS << pace->step) * 3 <= pace->turnover_ms))
		pace->step++;
	return pace->step;
}
