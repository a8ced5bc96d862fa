/* SPDX-License-Identifier: MIT */
#ifndef TEST_CREW_WORLD_H
#define TEST_CREW_WORLD_H

/*
 * The crew's policy under a clock of its own: nothing is forked, no time
 * passes. A `world` does what crew_next() asks and counts it. Shared by the
 * tests of crew*.c.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/handoff.h"
#include "server/crew.h"

#define SECOND INT64_C(1000000)
#define SLOTS 16

#define EXITED(status) ((status) << 8) /* as waitpid() encodes it */

struct world {
	struct crew crew;
	int64_t now;
	int next_pid;
	unsigned forks;
	unsigned serves;
	unsigned restarts;
	unsigned keeps;
	unsigned give_ups;
	unsigned sent[65]; /* per signal */
	pid_t last_pid;    /* that a signal was sent to */
	bool stillborn;    /* every fork dies at once, with `status` */
	int status;
};

__attribute__((
    unused)) static const struct crew_rules usual = { .timeout_us = 30 * SECOND,
	.graceful_us = 10 * SECOND,
	.boot_us = 20 * SECOND,
	.backoff_us = SECOND / 10,
	.limit = 0 };

static inline void
world_open(struct world *world, unsigned target, const struct crew_rules *rules)
{
	memset(world, 0, sizeof(*world));
	world->now = 1000 * SECOND;
	world->next_pid = 1000;
	assert_int_equal(crew_init(&world->crew, SLOTS, target, rules), 0);
}

static inline void
do_fork(struct world *world, unsigned slot)
{
	world->forks++;
	crew_forked(&world->crew, slot, world->next_pid, world->next_pid, -1,
	    world->now);
	world->next_pid++;
	if (world->stillborn)
		assert_int_equal(
		    crew_exited(&world->crew, slot, world->status, world->now),
		    REAP_STILLBORN);
}

/* Do everything there is to do now. */
static inline void
settle(struct world *world)
{
	struct crew_action action;
	unsigned turns = 0;

	while (crew_next(&world->crew, world->now, &action)) {
		assert_true(turns++ < 1000);
		switch (action.what) {
		case CREW_DO_FORK:
			do_fork(world, action.slot);
			break;
		case CREW_DO_SIGNAL:
			world->sent[action.sig]++;
			world->last_pid = action.pid;
			break;
		case CREW_DO_SERVE:
			world->serves++;
			break;
		case CREW_DO_RESTARTED:
			world->restarts++;
			break;
		case CREW_DO_KEEP:
			world->keeps++;
			break;
		case CREW_DO_GIVE_UP:
			world->give_ups++;
			crew_end(&world->crew, CREW_QUIT, world->now);
			break;
		}
	}
	assert_true(crew_deadline(&world->crew, world->now) > world->now);
}

/* Let time pass from deadline to deadline, as the master does. */
static inline void
pass(struct world *world, int64_t us)
{
	int64_t end = world->now + us;
	int64_t next;

	for (;;) {
		next = crew_deadline(&world->crew, world->now);
		if (next > end)
			break;
		world->now = next;
		settle(world);
	}
	world->now = end;
	settle(world);
}

/* Every worker that boots reports ready. */
static inline void
all_ready(struct world *world)
{
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++) {
		if (world->crew.seats[slot].state == SEAT_BOOTING)
			crew_ready(&world->crew, slot, world->now);
	}
	settle(world);
}

static inline void
all_beat(struct world *world)
{
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++)
		crew_beat(&world->crew, slot, world->now);
}

static inline enum reap_verdict
die(struct world *world, unsigned slot, int status)
{
	enum reap_verdict verdict;

	verdict = crew_exited(&world->crew, slot, status, world->now);
	settle(world);
	return verdict;
}

static inline unsigned
count(const struct world *world, enum seat_state state)
{
	unsigned total = 0;
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++)
		total += world->crew.seats[slot].state == state;
	return total;
}

/* A crew of `target`, ready and healthy. */
static inline void
serving(struct world *world, unsigned target, const struct crew_rules *rules)
{
	world_open(world, target, rules);
	settle(world);
	all_ready(world);
	pass(world, 2 * SECOND);
	all_beat(world);
}

#endif
