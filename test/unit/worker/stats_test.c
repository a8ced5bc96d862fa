/* SPDX-License-Identifier: MIT */

/*
 * Counting answers, and when a worker has done enough.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/stats.h"

static void
counts_answers(void **state)
{
	const struct worker_options options = { .max_requests = 0 };
	struct stats stats;

	(void)state;
	stats_init(&stats, &options);
	stats_answer(&stats, 200, 0);
	stats_answer(&stats, 204, 500);
	stats_answer(&stats, 304, 501);
	stats_answer(&stats, 404, 99999);
	stats_answer(&stats, 504, INT64_C(3600) * 1000000);
	assert_int_equal(5, stats.beat.requests);
	assert_int_equal(2, stats.beat.answers[0]);
	assert_int_equal(1, stats.beat.answers[1]);
	assert_int_equal(1, stats.beat.answers[2]);
	assert_int_equal(1, stats.beat.answers[3]);
	assert_int_equal(2, stats.beat.buckets[0]); /* a bound is within */
	assert_int_equal(1, stats.beat.buckets[1]);
	assert_int_equal(1, stats.beat.buckets[7]);
	assert_int_equal(1, stats.beat.buckets[HANDOFF_BUCKETS - 1]);
	assert_null(stats_is_tired(&stats, &options, 0));
	stats_free(&stats);
}

/* A memoized callback is both at the same address; see struct callback. */
static void
callback_and_computation_are_two(void **state)
{
	const struct worker_options options = { .max_requests = 0 };
	struct handoff_series series;
	struct stats stats;
	unsigned index = 0;
	int seen = 0;
	int i;

	(void)state;
	stats_init(&stats, &options);
	for (i = 0; i < 3; i++)
		stats_series(&stats, HANDOFF_CALLBACK, &options, "draw", false,
		    10);
	stats_series(&stats, HANDOFF_COMPUTATION, &options, "callback:a.b",
	    true, 20);
	while (stats_take(&stats, &index, &series)) {
		seen++;
		if (series.kind == HANDOFF_CALLBACK) {
			assert_string_equal(series.name, "draw");
			assert_int_equal(series.count, 3);
			assert_int_equal(series.failed, 0);
		} else {
			assert_string_equal(series.name, "callback:a.b");
			assert_int_equal(series.count, 1);
			assert_int_equal(series.failed, 1);
		}
	}
	assert_int_equal(seen, 2);
	/* Taken ones count on at their places. */
	stats_series(&stats, HANDOFF_CALLBACK, &options, "draw", false, 10);
	index = 0;
	assert_true(stats_take(&stats, &index, &series));
	assert_string_equal(series.name, "draw");
	assert_int_equal(series.count, 1);
	assert_false(stats_take(&stats, &index, &series));
	stats_free(&stats);
}

static void
is_tired_once(void **state)
{
	const struct worker_options options = { .max_requests = 10,
		.max_requests_jitter = 5 };
	struct stats stats;
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		stats_init(&stats, &options);
		assert_in_range(stats.recycle_at, 10, 15);
		stats_free(&stats);
	}
	stats_init(&stats, &options);
	for (i = 1; i < stats.recycle_at; i++)
		assert_false(stats_answer(&stats, 200, 1));
	assert_null(stats_is_tired(&stats, &options, 0));
	assert_true(stats_answer(&stats, 200, 1)); /* exactly then */
	assert_string_equal("max_requests",
	    stats_is_tired(&stats, &options, 0));
	assert_null(stats_is_tired(&stats, &options, 0));
	assert_false(stats_answer(&stats, 200, 1)); /* and only then */
	stats_not_told(&stats);
	assert_string_equal("max_requests",
	    stats_is_tired(&stats, &options, 0));
	stats_free(&stats);
}

static void
looks_at_its_memory(void **state)
{
	const struct worker_options options = { .max_worker_memory = 1 };
	struct stats stats;

	(void)state;
	stats_init(&stats, &options);
	assert_null(stats_is_tired(&stats, &options, 0)); /* not so often */
	assert_string_equal("max_worker_memory",
	    stats_is_tired(&stats, &options, INT64_C(10000000)));
	assert_true(stats.beat.memory > 4096);
	stats_free(&stats);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_answers),
		cmocka_unit_test(callback_and_computation_are_two),
		cmocka_unit_test(is_tired_once),
		cmocka_unit_test(looks_at_its_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
