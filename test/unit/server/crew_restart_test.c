/* SPDX-License-Identifier: MIT */

/* Another generation takes over, all at once or one by one: crew_world.h. */
#include "test/unit/server/crew_world.h"

static const struct crew_rules rolling = { .timeout_us = 30 * SECOND,
	.graceful_us = 10 * SECOND,
	.boot_us = 20 * SECOND,
	.backoff_us = SECOND / 10,
	.limit = 3,
	.rolling = true };

static void
a_restart_brings_the_new_before_the_old_go(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 2, &usual);
	crew_restart(&world.crew);
	settle(&world);
	assert_int_equal(world.forks, 4);
	assert_int_equal(count(&world, SEAT_READY), 2);
	crew_ready(&world.crew, 2, world.now);
	settle(&world);
	assert_int_equal(world.sent[SIGTERM], 0);
	crew_restart(&world.crew); /* once more, afterwards */
	all_ready(&world);
	assert_int_equal(world.restarts, 1);
	assert_int_equal(world.sent[SIGTERM], 2);
	assert_int_equal(world.forks, 6);
	assert_int_equal(count(&world, SEAT_LEAVING), 2);
	assert_int_equal(die(&world, 0, EXITED(0)), REAP_DRAINED);
	assert_int_equal(die(&world, 1, EXITED(0)), REAP_DRAINED);
	all_ready(&world);
	assert_int_equal(world.restarts, 2);
	assert_int_equal(world.sent[SIGTERM], 4);
	assert_int_equal(die(&world, 2, EXITED(0)), REAP_DRAINED);
	assert_int_equal(die(&world, 3, EXITED(0)), REAP_DRAINED);
	assert_int_equal(world.forks, 6);
	assert_int_equal(count(&world, SEAT_READY), 2);
	assert_int_equal(world.serves, 1);
	crew_fini(&world.crew);
}

static void
a_restart_that_cannot_fork_ends_at_once(void **state)
{
	struct crew_rules rules = usual;
	struct crew_action action;
	struct world world;

	(void)state;
	rules.limit = 3;
	serving(&world, 2, &rules);
	crew_restart(&world.crew);
	assert_true(crew_next(&world.crew, world.now, &action));
	assert_int_equal(action.what, CREW_DO_FORK);
	crew_not_forked(&world.crew, world.now);
	settle(&world);
	assert_int_equal(world.keeps, 1);
	assert_int_equal(count(&world, SEAT_READY), 2);
	crew_fini(&world.crew);
}

static void
a_failed_restart_keeps_the_old(void **state)
{
	struct crew_rules rules = usual;
	struct world world;

	(void)state;
	rules.limit = 3;
	serving(&world, 2, &rules);
	world.stillborn = true;
	world.status = EXITED(1);
	crew_restart(&world.crew);
	settle(&world);
	pass(&world, SECOND);
	assert_int_equal(world.keeps, 1);
	assert_int_equal(world.restarts, 0);
	assert_int_equal(world.sent[SIGTERM], 0);
	assert_int_equal(count(&world, SEAT_READY), 2);
	assert_int_equal(world.forks, 5);
	pass(&world, 10 * SECOND);
	assert_int_equal(world.forks, 5);
	assert_int_equal(world.give_ups, 0);
	crew_fini(&world.crew);
}

static void
a_restart_during_the_start_still_announces(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, 2, &usual);
	settle(&world);
	crew_restart(&world.crew);
	settle(&world);
	assert_int_equal(world.forks, 4);
	all_ready(&world);
	assert_int_equal(world.restarts, 1);
	assert_int_equal(world.serves, 1);
	assert_int_equal(world.sent[SIGTERM], 2);
	crew_fini(&world.crew);
}

/* The seat that leaves; -1: none or several do. */
static int
leaving(const struct world *world)
{
	int found = -1;
	unsigned slot;

	for (slot = 0; slot < SLOTS; slot++) {
		if (world->crew.seats[slot].state != SEAT_LEAVING)
			continue;
		if (found >= 0)
			return -1;
		found = (int)slot;
	}
	return found;
}

static void
a_rolling_restart_has_one_worker_more_at_most(void **state)
{
	struct world world;
	unsigned round;
	int slot;

	(void)state;
	serving(&world, 3, &rolling);
	crew_restart(&world.crew);
	for (round = 1; round <= 3; round++) {
		settle(&world);
		assert_int_equal(count(&world, SEAT_BOOTING), 1);
		assert_int_equal(count(&world, SEAT_READY), 3);
		assert_int_equal(world.restarts, 0);
		all_ready(&world);
		/* One may go now, and nobody comes before it has gone. */
		slot = leaving(&world);
		assert_true(slot >= 0);
		assert_int_equal(world.sent[SIGTERM], round);
		assert_int_equal(count(&world, SEAT_READY), 3);
		assert_int_equal(count(&world, SEAT_BOOTING), 0);
		pass(&world, SECOND);
		all_beat(&world);
		assert_int_equal(die(&world, (unsigned)slot, EXITED(0)),
		    REAP_DRAINED);
	}
	assert_int_equal(world.restarts, 1);
	assert_int_equal(world.forks, 6);
	assert_int_equal(count(&world, SEAT_READY), 3);
	assert_int_equal(count(&world, SEAT_BOOTING), 0);
	assert_int_equal(world.serves, 1);
	crew_fini(&world.crew);
}

static void
the_oldest_goes_first(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 2, &rolling);
	crew_restart(&world.crew);
	settle(&world);
	all_ready(&world);
	assert_int_equal(leaving(&world), 0);
	crew_fini(&world.crew);
}

static void
one_that_dies_meanwhile_is_replaced_by_a_new_one(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 3, &rolling);
	crew_restart(&world.crew);
	settle(&world);
	(void)die(&world, 1, SIGKILL);
	/* In its place and in the place of the next one. */
	assert_int_equal(count(&world, SEAT_BOOTING), 2);
	all_ready(&world);
	assert_int_equal(world.sent[SIGTERM], 1);
	assert_int_equal(count(&world, SEAT_READY), 3);
	crew_fini(&world.crew);
}

static void
a_rolling_restart_that_fails_is_undone(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 2, &rolling);
	crew_restart(&world.crew);
	settle(&world);
	all_ready(&world);
	pass(&world, 2 * SECOND);
	all_beat(&world);
	world.stillborn = true;
	world.status = EXITED(1);
	(void)die(&world, 0, EXITED(0));
	pass(&world, 5 * SECOND);
	assert_int_equal(world.keeps, 1);
	/* Both serve on until a worker of the old kind is there. */
	assert_int_equal(count(&world, SEAT_READY), 2);
	assert_int_equal(world.sent[SIGTERM], 1);
	world.stillborn = false;
	all_beat(&world);
	pass(&world, 20 * SECOND);
	all_ready(&world);
	assert_int_equal(world.sent[SIGTERM], 2);
	assert_int_equal(count(&world, SEAT_READY), 2);
	assert_int_equal(count(&world, SEAT_LEAVING), 1);
	crew_fini(&world.crew);
}

static void
workers_of_any_generation_are_counted(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 2, &usual);
	crew_restart(&world.crew);
	settle(&world);
	assert_int_equal(crew_count(&world.crew, SEAT_READY), 2);
	assert_int_equal(crew_count(&world.crew, SEAT_BOOTING), 2);
	crew_fini(&world.crew);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_restart_brings_the_new_before_the_old_go),
		cmocka_unit_test(a_restart_that_cannot_fork_ends_at_once),
		cmocka_unit_test(a_failed_restart_keeps_the_old),
		cmocka_unit_test(a_restart_during_the_start_still_announces),
		cmocka_unit_test(a_rolling_restart_has_one_worker_more_at_most),
		cmocka_unit_test(the_oldest_goes_first),
		cmocka_unit_test(
		    one_that_dies_meanwhile_is_replaced_by_a_new_one),
		cmocka_unit_test(a_rolling_restart_that_fails_is_undone),
		cmocka_unit_test(workers_of_any_generation_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
