/* SPDX-License-Identifier: MIT */

/*
 * The n-th allocation of SQLite fails, once and from then on, for n = 1, 2,
 * ... until a life of the cache passes without it.
 */
#include "test/fault/cache_scenario_tools.h"
#include "test/fault/failing.h"

static sqlite3_mem_methods real;

static void *
failing_malloc(int size)
{
	return failing_now() ? NULL : real.xMalloc(size);
}

static void *
failing_realloc(void *memory, int size)
{
	return failing_now() ? NULL : real.xRealloc(memory, size);
}

static int
setup_group(void **state)
{
	sqlite3_mem_methods failing;

	(void)state;
	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) != SQLITE_OK)
		return -1;
	failing = real;
	failing.xMalloc = failing_malloc;
	failing.xRealloc = failing_realloc;
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) == SQLITE_OK ? 0
									   : -1;
}

static void
run_both(long (*all)(struct scenario *, bool))
{
	struct scenario scenario;
	unsigned mode;
	long rounds;

	for (mode = 0; mode < 2; mode++) {
		scenario_init(&scenario, failing_arm, failing_fired);
		scenario.many = true;
		rounds = all(&scenario, mode == 1);
		/* Fewer would mean that nothing was made to fail. */
		assert_true(rounds > 100);
		print_message("%s: %ld rounds\n", mode ? "for ever" : "once",
		    rounds);
		scenario_fini(&scenario);
	}
}

static void
a_life_without_memory(void **state)
{
	(void)state;
	run_both(scenario_all);
}

static void
entries_and_sessions_without_memory(void **state)
{
	(void)state;
	run_both(scenario_all_more);
}

static void
repairing_without_memory(void **state)
{
	(void)state;
	run_both(scenario_all_repair);
}

static void
preparing_without_memory(void **state)
{
	(void)state;
	run_both(scenario_all_prepare);
}

static void
creating_without_memory(void **state)
{
	(void)state;
	run_both(scenario_all_create);
}

static void
looking_in_without_memory(void **state)
{
	(void)state;
	run_both(scenario_all_tools);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_without_memory),
		cmocka_unit_test(entries_and_sessions_without_memory),
		cmocka_unit_test(repairing_without_memory),
		cmocka_unit_test(preparing_without_memory),
		cmocka_unit_test(creating_without_memory),
		cmocka_unit_test(looking_in_without_memory),
	};

	return cmocka_run_group_tests(tests, setup_group, NULL);
}
