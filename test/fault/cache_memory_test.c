/* SPDX-License-Identifier: MIT */

/*
 * The n-th allocation of SQLite fails, once and from then on, for n = 1, 2,
 * ... until a life of the cache passes without it.
 */
#include "test/fault/cache_scenario_more.h"

static sqlite3_mem_methods real;
static long countdown; /* 0: disarmed */
static bool fail_for_ever;
static bool has_fired;

static void
arm(long n, bool for_ever)
{
	countdown = n;
	fail_for_ever = for_ever;
	has_fired = false;
}

static bool
fired(void)
{
	return has_fired;
}

/* Is this the call that fails? */
static bool
fails(void)
{
	if (has_fired && fail_for_ever && countdown < 0)
		return true;
	if (countdown <= 0 || --countdown > 0)
		return false;
	has_fired = true;
	countdown = -1;
	return true;
}

static void *
failing_malloc(int size)
{
	return fails() ? NULL : real.xMalloc(size);
}

static void *
failing_realloc(void *memory, int size)
{
	return fails() ? NULL : real.xRealloc(memory, size);
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
		scenario_init(&scenario, arm, fired);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_without_memory),
		cmocka_unit_test(entries_and_sessions_without_memory),
		cmocka_unit_test(repairing_without_memory),
		cmocka_unit_test(preparing_without_memory),
		cmocka_unit_test(creating_without_memory),
	};

	return cmocka_run_group_tests(tests, setup_group, NULL);
}
