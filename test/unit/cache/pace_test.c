/* SPDX-License-Identifier: MIT */

/* How often uses are noted, by how soon values change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cache/pace.h"

#define SECOND_US INT64_C(1000000)
#define TICK_US INT64_C(10000)
#define START_US INT64_C(5000000)

/* `rate` values a second for that long; what went had been unused for
 * `unused_ms`, 0: nothing went. */
static void
run(struct pace *pace, int64_t *now_us, int64_t for_us, int64_t rate,
    int64_t room, int64_t unused_ms)
{
	int64_t until = *now_us + for_us;
	int64_t owed = 0;

	for (; *now_us < until; *now_us += TICK_US) {
		owed += rate * TICK_US;
		pace_came(pace, owed / SECOND_US);
		owed %= SECOND_US;
		if (unused_ms > 0)
			pace_went(pace, unused_ms);
		(void)pace_find(pace, room, *now_us);
	}
}

static void
it_follows_what_comes(void **state)
{
	struct pace pace;
	int64_t now_us = START_US;

	(void)state;
	pace_init(&pace);
	assert_int_equal(pace_find(&pace, 100, now_us), PACE_MOST);
	/* Nothing goes yet, but in 2.5 s it will: known long before. */
	run(&pace, &now_us, SECOND_US / 2, 40, 100, 0);
	assert_in_range(INT64_C(1) << pace.step, 2500 / 8 / 2, 2500 / 8);
	run(&pace, &now_us, 10 * SECOND_US, 40, 100, 0);
	assert_in_range(INT64_C(1) << pace.step, 2500 / 8 / 2, 2500 / 8);
	/* Ten times as many. */
	run(&pace, &now_us, SECOND_US / 10, 1000, 100, 0);
	assert_int_equal(pace.step, PACE_LEAST);
	/* And after it was quiet for long. */
	run(&pace, &now_us, 600 * SECOND_US + TICK_US, 0, 100, 0);
	assert_int_equal(pace.step, PACE_MOST);
	run(&pace, &now_us, SECOND_US / 10, 1000, 100, 0);
	assert_int_equal(pace.step, PACE_LEAST);
	/* A pause of a second is none; a long one is. */
	run(&pace, &now_us, SECOND_US, 0, 100, 0);
	assert_in_range(pace.step, PACE_LEAST, PACE_LEAST + 1);
	run(&pace, &now_us, 600 * SECOND_US, 0, 100, 0);
	assert_int_equal(pace.step, PACE_MOST);
}

static void
it_follows_what_goes(void **state)
{
	struct pace pace;
	int64_t now_us = START_US;

	(void)state;
	pace_init(&pace);
	/* One in ten is not in use all the time: they change in 4 s, not 40. */
	run(&pace, &now_us, 5 * SECOND_US, 25, 1000, 4000);
	assert_in_range(INT64_C(1) << pace.step, 4000 / 8 / 2, 4000 / 8);
	run(&pace, &now_us, 600 * SECOND_US, 1, 100000, 0);
	assert_int_equal(pace.step, PACE_MOST);
}

static void
it_does_not_go_to_and_fro(void **state)
{
	struct pace pace;
	int64_t now_us = START_US;
	unsigned before;
	unsigned changes = 0;
	unsigned i;

	(void)state;
	pace_init(&pace);
	run(&pace, &now_us, 20 * SECOND_US, 98, 1000, 0);
	before = pace.step;
	/* About 1024 * 8 ms, a little more and a little less. */
	for (i = 0; i < 100; i++) {
		run(&pace, &now_us, 2 * SECOND_US, i % 2 ? 115 : 130, 1000, 0);
		changes += pace.step != before;
		before = pace.step;
	}
	assert_in_range(changes, 0, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_follows_what_comes),
		cmocka_unit_test(it_follows_what_goes),
		cmocka_unit_test(it_does_not_go_to_and_fro),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
