/* SPDX-License-Identifier: MIT */

/* Who is missing, who is one too many, who has to go: see crew_world.h. */
#include "test/unit/server/crew_world.h"

static void
starts_all_at_once_and_says_so_once(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, 4, &usual);
	settle(&world);
	assert_int_equal(world.forks, 4);
	assert_int_equal(world.serves, 0);
	crew_ready(&world.crew, 0, world.now);
	settle(&world);
	assert_int_equal(world.serves, 0);
	all_ready(&world);
	assert_int_equal(world.serves, 1);
	pass(&world, 5 * SECOND);
	assert_int_equal(world.serves, 1);
	assert_int_equal(world.forks, 4);
	crew_fini(&world.crew);
}

static void
replaces_the_killed_at_once(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 4, &usual);
	assert_int_equal(die(&world, 2, SIGKILL), REAP_CRASHED);
	assert_int_equal(world.forks, 5);
	assert_int_equal(world.crew.seats[2].state, SEAT_BOOTING);
	all_ready(&world);
	pass(&world, 2 * SECOND);
	assert_int_equal(die(&world, 2, EXITED(0)), REAP_RECYCLED);
	assert_int_equal(world.forks, 6);
	crew_fini(&world.crew);
}

static void
backs_off_in_a_crash_loop(void **state)
{
	struct world world;
	unsigned before;

	(void)state;
	world_open(&world, 4, &usual);
	world.stillborn = true;
	world.status = SIGSEGV;
	settle(&world);
	assert_int_equal(world.forks, 4);
	pass(&world, 10 * SECOND);
	/* 4, then one each after 0.1 0.2 0.4 0.8 1.6 3.2 seconds. */
	assert_int_equal(world.forks, 10);
	pass(&world, 110 * SECOND);
	before = world.forks;
	pass(&world, 300 * SECOND);
	assert_int_equal(world.forks - before, 10); /* every 30 seconds */
	crew_fini(&world.crew);
}

static void
a_probe_that_lives_brings_all_back(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, 4, &usual);
	world.stillborn = true;
	world.status = EXITED(1);
	settle(&world);
	world.stillborn = false;
	pass(&world, SECOND / 10);
	assert_int_equal(world.forks, 5); /* the probe, alone */
	pass(&world, SECOND);
	assert_int_equal(world.forks, 5);
	all_ready(&world);
	pass(&world, SECOND / 2);
	assert_int_equal(world.forks, 5); /* not yet trusted */
	pass(&world, SECOND);
	assert_int_equal(world.forks, 8);
	all_ready(&world);
	assert_int_equal(world.serves, 1);
	crew_fini(&world.crew);
}

static void
death_right_after_ready_backs_off(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 2, &usual);
	die(&world, 0, SIGKILL);
	assert_int_equal(world.forks, 3);
	all_ready(&world);
	world.now += SECOND / 2;
	die(&world, 0, SIGKILL);
	assert_int_equal(world.forks, 3);
	pass(&world, SECOND / 10);
	assert_int_equal(world.forks, 4);
	crew_fini(&world.crew);
}

static void
forgets_failures_after_a_minute_of_health(void **state)
{
	struct crew_rules rules = usual;
	struct world world;

	(void)state;
	rules.timeout_us = 0;
	serving(&world, 2, &rules);
	die(&world, 0, SIGKILL);
	die(&world, 0, SIGKILL); /* stillborn */
	assert_int_equal(world.crew.backoff.failures, 1);
	pass(&world, SECOND);
	all_ready(&world);
	pass(&world, 50 * SECOND);
	assert_int_equal(world.crew.backoff.failures, 1);
	pass(&world, 10 * SECOND);
	assert_int_equal(world.crew.backoff.failures, 0);
	crew_fini(&world.crew);
}

static void
gives_up_only_when_nobody_ever_served(void **state)
{
	struct crew_rules rules = usual;
	struct world world;

	(void)state;
	rules.limit = 3;
	rules.timeout_us = 0;
	world_open(&world, 1, &rules);
	world.stillborn = true;
	world.status = EXITED(1);
	settle(&world);
	pass(&world, SECOND / 10);
	assert_int_equal(world.give_ups, 0);
	pass(&world, SECOND);
	assert_int_equal(world.forks, 3);
	assert_int_equal(world.give_ups, 1);
	assert_true(crew_gone(&world.crew));
	crew_fini(&world.crew);

	serving(&world, 1, &rules);
	world.stillborn = true;
	die(&world, 0, SIGKILL);
	pass(&world, 300 * SECOND);
	assert_true(world.forks > 10);
	assert_int_equal(world.give_ups, 0);
	crew_fini(&world.crew);
}

static void
a_hopeless_start_ends_at_once(void **state)
{
	struct crew_rules rules = usual;
	struct world world;

	(void)state;
	rules.limit = 10;
	world_open(&world, 2, &rules);
	settle(&world);
	die(&world, 0, EXITED(HANDOFF_EXIT_BOOT));
	assert_int_equal(world.give_ups, 0); /* the other may make it */
	die(&world, 1, EXITED(HANDOFF_EXIT_BOOT));
	assert_int_equal(world.give_ups, 1);
	assert_int_equal(world.forks, 2);
	crew_fini(&world.crew);
}

/* Not even a worker's first second has passed. */
static void
what_has_served_never_gives_up(void **state)
{
	struct crew_rules rules = usual;
	struct world world;
	unsigned seconds;

	(void)state;
	rules.limit = 3;
	rules.timeout_us = 0;
	world_open(&world, 2, &rules);
	settle(&world);
	all_ready(&world);
	assert_int_equal(world.serves, 1);
	world.stillborn = true;
	world.status = EXITED(HANDOFF_EXIT_BOOT);
	die(&world, 0, SIGKILL);
	die(&world, 1, SIGKILL);
	pass(&world, 300 * SECOND);
	assert_int_equal(world.give_ups, 0);
	/* 0.1 s, 0.2 s ... 30 s between them: bounded, and it goes on. */
	assert_in_range(world.forks, 2 + 9, 2 + 20);
	world.stillborn = false;
	for (seconds = 0; seconds < 60; seconds++) {
		pass(&world, SECOND);
		all_ready(&world);
	}
	assert_int_equal(count(&world, SEAT_READY), 2);
	crew_fini(&world.crew);
}

static void
kills_a_worker_that_boots_for_ever(void **state)
{
	struct world world;

	(void)state;
	world_open(&world, 1, &usual);
	settle(&world);
	pass(&world, 19 * SECOND);
	assert_int_equal(world.sent[SIGKILL], 0);
	pass(&world, SECOND);
	assert_int_equal(world.sent[SIGKILL], 1);
	assert_int_equal(die(&world, 0, SIGKILL), REAP_STILLBORN);
	assert_int_equal(world.crew.backoff.failures, 1); /* counted once */
	pass(&world, SECOND / 10);
	assert_int_equal(world.forks, 2);
	crew_fini(&world.crew);
}

static void
aborts_and_kills_a_silent_worker(void **state)
{
	struct crew_rules rules = usual;
	struct world world;

	(void)state;
	serving(&world, 2, &usual);
	pass(&world, 29 * SECOND);
	crew_beat(&world.crew, 1, world.now);
	assert_int_equal(world.sent[SIGABRT], 0);
	pass(&world, SECOND);
	assert_int_equal(world.sent[SIGABRT], 1);
	assert_int_equal(world.last_pid, 1000);
	assert_int_equal(world.forks, 3); /* replaced before it is gone */
	pass(&world, SECOND);
	assert_int_equal(world.sent[SIGKILL], 1);
	assert_int_equal(die(&world, 0, SIGKILL), REAP_KILLED);
	crew_fini(&world.crew);

	rules.timeout_us = 0;
	serving(&world, 2, &rules);
	pass(&world, 3600 * SECOND);
	assert_int_equal(world.sent[SIGABRT], 0);
	crew_fini(&world.crew);
}

static void
a_gap_of_the_master_is_nobodys_silence(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 2, &usual);
	world.now += 500 * SECOND;
	crew_excuse(&world.crew, 500 * SECOND);
	settle(&world);
	assert_int_equal(world.sent[SIGABRT], 0);
	crew_fini(&world.crew);
}

static void
stops_with_growing_force(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 3, &usual);
	crew_end(&world.crew, CREW_STOP, world.now);
	settle(&world);
	assert_int_equal(world.sent[SIGTERM], 3);
	assert_int_equal(die(&world, 0, EXITED(0)), REAP_DRAINED);
	assert_int_equal(world.forks, 3);
	pass(&world, 9 * SECOND);
	assert_int_equal(world.sent[SIGKILL], 0);
	pass(&world, SECOND);
	assert_int_equal(world.sent[SIGKILL], 2);
	assert_int_equal(die(&world, 1, SIGKILL), REAP_KILLED);
	assert_int_equal(die(&world, 2, SIGKILL), REAP_KILLED);
	assert_true(crew_gone(&world.crew));
	crew_fini(&world.crew);

	serving(&world, 3, &usual);
	crew_end(&world.crew, CREW_STOP, world.now);
	settle(&world);
	crew_end(&world.crew, CREW_QUIT, world.now);
	settle(&world);
	assert_int_equal(world.sent[SIGQUIT], 3);
	crew_end(&world.crew, CREW_STOP, world.now); /* weaker: ignored */
	pass(&world, SECOND);
	assert_int_equal(world.sent[SIGTERM], 3);
	assert_int_equal(world.sent[SIGKILL], 0);
	pass(&world, SECOND);
	assert_int_equal(world.sent[SIGKILL], 3);
	crew_fini(&world.crew);

	serving(&world, 3, &usual);
	crew_end(&world.crew, CREW_KILL, world.now);
	settle(&world);
	assert_int_equal(world.sent[SIGKILL], 3);
	assert_int_equal(world.sent[SIGTERM], 0);
	crew_fini(&world.crew);
}

static void
grows_and_shrinks(void **state)
{
	struct world world;
	unsigned i;

	(void)state;
	serving(&world, 2, &usual);
	assert_true(crew_resize(&world.crew, 1));
	settle(&world);
	assert_int_equal(world.forks, 3);
	all_ready(&world);
	assert_true(crew_resize(&world.crew, -1));
	settle(&world);
	assert_int_equal(world.sent[SIGTERM], 1);
	assert_int_equal(world.last_pid, 1002); /* the youngest */
	die(&world, 2, EXITED(0));
	assert_int_equal(world.forks, 3);
	assert_true(crew_resize(&world.crew, -1));
	settle(&world);
	assert_false(crew_resize(&world.crew, -1)); /* the last one stays */
	settle(&world);
	assert_int_equal(world.sent[SIGTERM], 2);
	for (i = 1; i < SLOTS / 2; i++)
		assert_true(crew_resize(&world.crew, 1));
	assert_false(crew_resize(&world.crew, 1));
	crew_fini(&world.crew);
}

static void
a_rest_sends_all_home_and_keeps_the_target(void **state)
{
	struct world world;
	unsigned slot;

	(void)state;
	serving(&world, 3, &usual);
	crew_rest(&world.crew, true);
	settle(&world);
	assert_int_equal(world.sent[SIGTERM], 3);
	for (slot = 0; slot < 3; slot++)
		(void)die(&world, slot, EXITED(0));
	pass(&world, 60 * SECOND);
	assert_int_equal(world.forks, 3);
	assert_true(crew_gone(&world.crew));
	crew_rest(&world.crew, false);
	settle(&world);
	assert_int_equal(world.forks, 6);
	all_ready(&world);
	/* A reload ends a rest, too. */
	crew_rest(&world.crew, true);
	settle(&world);
	crew_renew(&world.crew, &usual, 2);
	settle(&world);
	assert_int_equal(world.forks, 8);
	all_ready(&world);
	assert_int_equal(world.restarts, 1);
	crew_fini(&world.crew);
}

/* Ready for a few seconds, then a crash, again and again. */
static void
those_who_crash_soon_after_being_ready_wait(void **state)
{
	struct world world;
	int spared;
	int i;

	(void)state;
	serving(&world, 1, &usual);
	for (spared = 0; spared < 20; spared++) {
		pass(&world, 2 * SECOND);
		assert_int_equal(die(&world, 0, SIGSEGV), REAP_CRASHED);
		if (count(&world, SEAT_EMPTY) == SLOTS)
			break;
		all_ready(&world);
	}
	assert_int_equal(spared, 5); /* one more than workers, and four */
	assert_true(crew_is_relapsing(&world.crew));
	for (i = 0; i < 3; i++) { /* 1, 2, 4 seconds */
		pass(&world, (SECOND << i) - SECOND / 10);
		assert_int_equal(count(&world, SEAT_BOOTING), 0);
		pass(&world, SECOND / 5);
		assert_int_equal(count(&world, SEAT_BOOTING), 1);
		all_ready(&world);
		pass(&world, 2 * SECOND);
		(void)die(&world, 0, SIGSEGV);
	}
	pass(&world, 10 * SECOND);
	all_ready(&world);
	for (i = 0; i < 59; i++) {
		pass(&world, SECOND);
		crew_beat(&world.crew, 0, world.now);
	}
	assert_false(crew_is_relapsing(&world.crew)); /* a minute of health */
	(void)die(&world, 0, SIGSEGV);
	assert_int_equal(count(&world, SEAT_BOOTING), 1); /* at once */
	crew_fini(&world.crew);
}

/* More are asked for: that is no fault as long as the old number serves. */
static void
tells_growing_from_missing(void **state)
{
	struct world world;

	(void)state;
	serving(&world, 2, &usual);
	assert_false(crew_is_growing(&world.crew));
	crew_scale(&world.crew, 4);
	assert_true(crew_resize(&world.crew, 1));
	settle(&world);
	assert_int_equal(count(&world, SEAT_BOOTING), 3);
	assert_true(crew_is_growing(&world.crew));
	(void)die(&world, 0, SIGKILL); /* now fewer serve than before */
	assert_false(crew_is_growing(&world.crew));
	all_ready(&world);
	assert_int_equal(count(&world, SEAT_READY), 5);
	assert_false(crew_is_growing(&world.crew)); /* it has grown */
	(void)die(&world, 1, SIGKILL);
	assert_false(crew_is_growing(&world.crew));
	all_ready(&world);
	world.stillborn = true;
	world.status = EXITED(1);
	crew_scale(&world.crew, 6);
	settle(&world);
	assert_false(crew_is_growing(&world.crew)); /* they do not start */
	assert_true(crew_resize(&world.crew, -1));
	assert_int_equal(world.crew.target, 5);
	settle(&world);
	assert_int_equal(world.crew.grown_from, 0);
	crew_scale(&world.crew, SLOTS);
	assert_false(crew_resize(&world.crew, 1)); /* half of the slots */
	crew_scale(&world.crew, 0);
	assert_false(crew_resize(&world.crew, -1));
	crew_fini(&world.crew);
}

static void
a_fork_that_fails_is_tried_again(void **state)
{
	struct crew_action action;
	struct world world;

	(void)state;
	world_open(&world, 1, &usual);
	assert_true(crew_next(&world.crew, world.now, &action));
	assert_int_equal(action.what, CREW_DO_FORK);
	crew_not_forked(&world.crew, world.now);
	settle(&world);
	assert_int_equal(world.forks, 0);
	pass(&world, SECOND / 10);
	assert_int_equal(world.forks, 1);
	crew_fini(&world.crew);
}

/* Two tired workers: each goes after its successor is ready, in turn. */
static void
replaces_the_tired_one_by_one(void **state)
{
	struct world world;
	unsigned leaving = 0;

	(void)state;
	world_open(&world, 3, &usual);
	settle(&world);
	all_ready(&world);
	crew_tired(&world.crew, 1);
	crew_tired(&world.crew, 2);
	settle(&world);
	assert_int_equal(4, world.forks); /* one successor, */
	assert_int_equal(0, world.sent[SIGTERM]);
	all_ready(&world); /* ready first, */
	assert_int_equal(1, world.sent[SIGTERM]);
	leaving = (unsigned)crew_find(&world.crew, world.last_pid);
	assert_int_equal(1, leaving);
	pass(&world, SECOND);
	assert_int_equal(4, world.forks); /* and no other before it is gone */
	assert_int_equal(REAP_DRAINED,
	    crew_exited(&world.crew, leaving, 0, world.now));
	settle(&world);
	assert_int_equal(5, world.forks);
	all_ready(&world);
	assert_int_equal(2, world.sent[SIGTERM]);
	leaving = (unsigned)crew_find(&world.crew, world.last_pid);
	assert_int_equal(2, leaving);
	assert_int_equal(REAP_DRAINED,
	    crew_exited(&world.crew, leaving, 0, world.now));
	pass(&world, SECOND);
	assert_int_equal(5, world.forks);
	assert_int_equal(3, crew_count(&world.crew, SEAT_READY));
	crew_fini(&world.crew);
}

/* The successor does not start: the tired worker goes on serving. */
static void
keeps_the_tired_without_successor(void **state)
{
	struct world world;
	unsigned seconds;

	(void)state;
	world_open(&world, 1, &usual);
	settle(&world);
	all_ready(&world);
	pass(&world, 2 * SECOND);
	world.stillborn = true;
	world.status = 1 << 8;
	crew_tired(&world.crew, 0);
	settle(&world);
	pass(&world, 10 * SECOND);
	assert_true(world.forks > 2);
	assert_int_equal(0, world.sent[SIGTERM]);
	assert_int_equal(0, world.give_ups);
	world.stillborn = false;
	for (seconds = 0; seconds < 60; seconds++) {
		pass(&world, SECOND);
		all_ready(&world);
	}
	assert_int_equal(1, world.sent[SIGTERM]);
	crew_fini(&world.crew);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_all_at_once_and_says_so_once),
		cmocka_unit_test(replaces_the_killed_at_once),
		cmocka_unit_test(backs_off_in_a_crash_loop),
		cmocka_unit_test(a_probe_that_lives_brings_all_back),
		cmocka_unit_test(death_right_after_ready_backs_off),
		cmocka_unit_test(forgets_failures_after_a_minute_of_health),
		cmocka_unit_test(gives_up_only_when_nobody_ever_served),
		cmocka_unit_test(a_hopeless_start_ends_at_once),
		cmocka_unit_test(what_has_served_never_gives_up),
		cmocka_unit_test(kills_a_worker_that_boots_for_ever),
		cmocka_unit_test(aborts_and_kills_a_silent_worker),
		cmocka_unit_test(a_gap_of_the_master_is_nobodys_silence),
		cmocka_unit_test(stops_with_growing_force),
		cmocka_unit_test(grows_and_shrinks),
		cmocka_unit_test(a_rest_sends_all_home_and_keeps_the_target),
		cmocka_unit_test(those_who_crash_soon_after_being_ready_wait),
		cmocka_unit_test(tells_growing_from_missing),
		cmocka_unit_test(a_fork_that_fails_is_tried_again),
		cmocka_unit_test(replaces_the_tired_one_by_one),
		cmocka_unit_test(keeps_the_tired_without_successor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
