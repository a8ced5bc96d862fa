/* SPDX-License-Identifier: MIT */

/* What workers report becomes sums that never fall while the master lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/master_int.h"

#define SECOND INT64_C(1000000)

static const struct crew_rules rules = { .timeout_us = 30 * SECOND,
	.graceful_us = 10 * SECOND,
	.boot_us = 20 * SECOND,
	.backoff_us = SECOND };
static struct master master;
static struct board board;

static int
set_up(void **state)
{
	(void)state;
	memset(&master, 0, sizeof(master));
	master.now_us = 1000 * SECOND;
	tally_init(&master.tally);
	tally_open(&master.tally);
	keeper_seat_init(&master.keeper, SECOND);
	return crew_init(&master.crew, 8, 2, &rules);
}

static int
tear_down(void **state)
{
	(void)state;
	crew_fini(&master.crew);
	keeper_seat_fini(&master.keeper);
	tally_close(&master.tally);
	return 0;
}

/* A worker that serves and has reported so many answers. */
static struct seat *
worker(unsigned slot, uint64_t answers)
{
	struct seat *seat = &master.crew.seats[slot];

	crew_forked(&master.crew, slot, (pid_t)(100 + slot), slot + 1, -1,
	    master.now_us);
	crew_ready(&master.crew, slot, master.now_us);
	tally_start(&master.tally, slot);
	seat->beat.requests = answers;
	seat->beat.answers[0] = answers;
	seat->beat.connections = 3;
	return seat;
}

static void
put(void)
{
	tally_put(&master, true);
	assert_int_equal(board_read(master.tally.read_fd, &board), 0);
}

static void
sums_over_those_that_live(void **state)
{
	(void)state;
	(void)worker(0, 10);
	(void)worker(5, 20);
	put();
	assert_int_equal(board.total.requests, 30);
	assert_int_equal(board.total.answers[0], 30);
	assert_int_equal(board.total.connections, 6);
	assert_int_equal(board.workers_wanted, 2);
	assert_int_equal(board.workers_ready, 2);
	assert_int_equal(board.worker_count, 2);
	assert_int_equal(board.workers[1].slot, 5);
	assert_int_equal(board.workers[1].pid, 105);
	assert_int_equal(board.starts, 2);
	assert_int_equal(board.state, BOARD_STARTING);
	master.crew.serving = true;
	put();
	assert_int_equal(board.state, BOARD_SERVING);
	master.drain_us = 1;
	put();
	assert_int_equal(board.state, BOARD_DRAINING);
	master.crew.stop = CREW_STOP;
	put();
	assert_int_equal(board.state, BOARD_STOPPING);
}

static void
what_the_dead_had_counted_stays(void **state)
{
	struct seat *seat = worker(0, 10);
	struct handoff_beat last;

	(void)state;
	(void)worker(1, 5);
	put();
	assert_int_equal(board.total.answers[0], 15);
	last = seat->beat;
	seat_clear(seat);
	tally_end(&master.tally, &last, REAP_CRASHED);
	put();
	assert_int_equal(board.total.answers[0], 15);
	assert_int_equal(board.total.requests, 15);
	assert_int_equal(board.total.connections, 3);
	assert_int_equal(board.ends[BOARD_END_CRASHED], 1);
	assert_int_equal(board.workers_ready, 1);
	/* Its successor begins at nothing. */
	(void)worker(0, 2);
	put();
	assert_int_equal(board.total.answers[0], 17);
}

static void
the_keeper_counts_too(void **state)
{
	struct handoff_beat *beat = &master.keeper.seat.beat;

	(void)state;
	beat->cache.evictions = 4;
	beat->cache.entries = 50;
	beat->cache.signals[2] = 9;
	put();
	assert_int_equal(board.total.cache.evictions, 4);
	assert_int_equal(board.total.cache.entries, 50);
	assert_int_equal(board.total.cache.signals[2], 9);
	tally_keep(&master.tally, beat);
	memset(beat, 0, sizeof(*beat));
	put();
	assert_int_equal(board.total.cache.evictions, 4);
	assert_int_equal(board.total.cache.entries, 0);
}

static void
add_series(uint32_t kind, const char *name, uint64_t count)
{
	struct handoff_series more = { .kind = kind, .count = count };

	(void)snprintf(more.name, sizeof(more.name), "%s", name);
	more.buckets[3] = count;
	more.duration_us = 10 * count;
	tally_series(&master.tally, &more);
}

static void
numbers_by_name_are_added(void **state)
{
	const struct handoff_series *series = master.tally.board.series;

	(void)state;
	add_series(HANDOFF_CALLBACK, "a", 2);
	add_series(HANDOFF_COMPUTATION, "a", 7);
	add_series(HANDOFF_CALLBACK, "a", 3);
	assert_int_equal(master.tally.board.series_count, 2);
	assert_int_equal(series[0].count, 5);
	assert_int_equal(series[0].buckets[3], 5);
	assert_int_equal(series[0].duration_us, 50);
	assert_int_equal(series[1].count, 7);
	add_series(99, "no such kind", 1);
	assert_int_equal(master.tally.board.series_count, 2);
}

static void
too_many_names_are_others(void **state)
{
	const struct handoff_series *series = master.tally.board.series;
	uint64_t sum = 0;
	char name[16];
	uint32_t i;

	(void)state;
	for (i = 0; i < 200; i++) {
		(void)snprintf(name, sizeof(name), "callback_%u", i);
		add_series(HANDOFF_CALLBACK, name, 1);
		add_series(HANDOFF_COMPUTATION, name, 1);
	}
	assert_true(master.tally.board.series_count <= BOARD_SERIES_MAX);
	for (i = 0; i < master.tally.board.series_count; i++)
		sum += series[i].count;
	assert_int_equal(sum, 400);
	for (i = 0; i < master.tally.board.series_count; i++) {
		if (strcmp(series[i].name, "other") == 0)
			assert_true(series[i].count > 100);
	}
}

static void
it_is_put_when_something_has_changed(void **state)
{
	(void)state;
	(void)worker(0, 1);
	put();
	master.crew.seats[0].beat.requests = 9;
	tally_put(&master, false); /* nothing has been reported */
	assert_int_equal(board_read(master.tally.read_fd, &board), 0);
	assert_int_equal(board.total.requests, 1);
	tally_reload(&master.tally, false);
	tally_put(&master, false); /* too soon */
	assert_int_equal(board_read(master.tally.read_fd, &board), 0);
	assert_int_equal(board.total.requests, 1);
	master.now_us += SECOND;
	tally_put(&master, false);
	assert_int_equal(board_read(master.tally.read_fd, &board), 0);
	assert_int_equal(board.total.requests, 9);
	assert_int_equal(board.reloads[1], 1);
	/* What readiness depends on does not wait. */
	master.crew.seats[0].beat.requests = 12;
	tally_soon(&master.tally);
	tally_put(&master, false);
	assert_int_equal(board_read(master.tally.read_fd, &board), 0);
	assert_int_equal(board.total.requests, 12);
}

static void
restarts_are_counted_in_each_slot(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 3; i++) {
		seat_clear(&master.crew.seats[1]);
		(void)worker(1, 0);
	}
	(void)worker(4, 0);
	put();
	assert_int_equal(board.starts, 4);
	assert_int_equal(board.worker_count, 2);
	assert_int_equal(board.workers[0].slot, 1);
	assert_int_equal(board.workers[0].restarts, 2);
	assert_int_equal(board.workers[1].slot, 4);
	assert_int_equal(board.workers[1].restarts, 0);
}

static struct board_row rows[BOARD_ROWS];

static int
rows_after(int64_t pause_us)
{
	master.now_us += pause_us;
	tally_put(&master, false);
	return board_rows(master.tally.read_fd, rows);
}

static void
the_past_is_kept_in_rows(void **state)
{
	struct handoff_beat *beat = &worker(0, 10)->beat;

	(void)state;
	beat->cache.hits = 100;
	put();
	assert_int_equal(board_rows(master.tally.read_fd, rows), 0);
	beat->answers[0] = 40;
	beat->answers[3] = 10;
	beat->buckets[2] = 38;
	beat->buckets[5] = 1;
	beat->buckets[HANDOFF_BUCKETS - 1] = 1;
	beat->cache.hits = 130;
	beat->cache.misses = 10;
	beat->cache.evictions = 7;
	beat->cache.bytes = 4096;
	assert_int_equal(rows_after(SECOND), 0); /* too soon */
	assert_int_equal(rows_after(SECOND), 1); /* nothing else has changed */
	assert_int_equal(rows[0].span_ms, 2000);
	assert_int_equal(rows[0].answers, 40);
	assert_int_equal(rows[0].p50, 2);
	assert_int_equal(rows[0].p99, HANDOFF_BUCKETS - 1);
	assert_int_equal(rows[0].hits, 30);
	assert_int_equal(rows[0].misses, 10);
	assert_int_equal(rows[0].evictions, 7);
	assert_int_equal(rows[0].bytes, 4096);
	assert_true(rows[0].wall_ms >= board.wall_ms);
	/* A quiet time is a row, too; a bit late makes no later one late. */
	assert_int_equal(rows_after(SECOND * 5 / 2), 2);
	assert_int_equal(rows[1].span_ms, 2500);
	assert_int_equal(rows[1].answers, 0);
	assert_int_equal(rows[1].p99, HANDOFF_BUCKETS);
	assert_int_equal(rows_after(SECOND * 3 / 2), 3);
	/* After a long pause: one row about all of it. */
	beat->answers[0] += 60;
	assert_int_equal(rows_after(60 * SECOND), 4);
	assert_int_equal(rows[3].span_ms, 60000);
	assert_int_equal(rows[3].answers, 60);
	assert_int_equal(rows_after(SECOND), 4);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(sums_over_those_that_live),
		TEST(what_the_dead_had_counted_stays),
		TEST(the_keeper_counts_too),
		TEST(numbers_by_name_are_added),
		TEST(too_many_names_are_others),
		TEST(it_is_put_when_something_has_changed),
		TEST(restarts_are_counted_in_each_slot),
		TEST(the_past_is_kept_in_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
