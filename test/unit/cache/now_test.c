/* SPDX-License-Identifier: MIT */

/*
 * The clock of the cache: decided once for each boot, adopted by whoever opens
 * the file, never behind what is stored. A reboot is another boot id in `meta`,
 * another process is now_adopt() with what that process would have begun with.
 */
#include "test/unit/cache/fixture.h"

#include "cache/now.h"
#include "cache/prepare.h"
#include "server/base/clock.h"

#define HOUR_MS INT64_C(3600000)

/* As a process does that starts while the wall clock is `ms` off. */
static void
start_process(int64_t ms)
{
	now_adopt(clock_wall_ms() - clock_boot_ms() + ms);
}

/* Prepare, open, close; the clock then, against the wall clock. */
static int64_t
start(struct fixture *f, int64_t wall_ms)
{
	start_process(wall_ms);
	assert_int_equal(fixture_prepare(f), 0);
	start_process(wall_ms);
	f->a = fixture_open(f, 1, 101);
	cache_close(&f->a);
	return cache_now_ms() - clock_wall_ms();
}

static void
assert_near(int64_t found, int64_t wanted)
{
	assert_in_range(found + 1000 * HOUR_MS, wanted + 1000 * HOUR_MS - 500,
	    wanted + 1000 * HOUR_MS + 500);
}

static void
reboot(struct fixture *f)
{
	assert_int_equal(prepare_finish(&f->options), 0);
	(void)fixture_sql(f,
	    "UPDATE meta SET value = 'x' WHERE name = 'boot_id'");
}

static void
it_begins_as_the_wall_clock_and_is_kept(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_near(start(&f, 0), 0);
	assert_near(start(&f, HOUR_MS), 0);
	assert_near(start(&f, -HOUR_MS), 0);
	/* Closed as complete and used again in the same boot. */
	assert_int_equal(prepare_finish(&f.options), 0);
	assert_near(start(&f, HOUR_MS), 0);
	fixture_fini(&f);
}

static void
after_a_reboot_it_goes_forward_only(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_near(start(&f, 0), 0);
	reboot(&f);
	assert_near(start(&f, 5 * HOUR_MS), 5 * HOUR_MS);
	reboot(&f);
	assert_near(start(&f, 0), 5 * HOUR_MS);
	reboot(&f);
	assert_near(start(&f, 6 * HOUR_MS), 6 * HOUR_MS);
	fixture_fini(&f);
}

/* A file that an older version made has no clock; a spoilt row is none. */
static void
a_file_without_a_clock(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_near(start(&f, HOUR_MS), HOUR_MS);
	(void)fixture_sql(&f, "DELETE FROM meta WHERE name = 'clock'");
	start_process(2 * HOUR_MS);
	f.a = fixture_open(&f, 1, 101);
	assert_near(cache_now_ms() - clock_wall_ms(), 2 * HOUR_MS);
	cache_close(&f.a);
	assert_near(start(&f, 3 * HOUR_MS), 3 * HOUR_MS);
	assert_near(start(&f, 0), 3 * HOUR_MS);
	(void)fixture_sql(&f,
	    "UPDATE meta SET value = '12x' WHERE name = 'clock'");
	assert_near(start(&f, 0), 0);
	fixture_fini(&f);
}

/* What no clock of a server ever says is not taken for the time. */
static void
times_that_cannot_be_are_none(void **state)
{
	static const char *const clocks[] = { "9223372036854775807",
		"-9223372036854775808", "7258118400000" };
	struct fixture f;
	char sql[128];
	size_t i;

	(void)state;
	fixture_init(&f);
	assert_near(start(&f, HOUR_MS), HOUR_MS);
	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE meta SET value = '%s' WHERE name = 'clock'",
		    clocks[i]);
		(void)fixture_sql(&f, sql);
		assert_near(start(&f, 2 * HOUR_MS), 2 * HOUR_MS);
		reboot(&f);
		(void)snprintf(sql, sizeof(sql),
		    "UPDATE meta SET value = '%s' WHERE name = 'newest'",
		    clocks[i]);
		(void)fixture_sql(&f, sql);
		assert_near(start(&f, HOUR_MS), HOUR_MS);
	}
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_begins_as_the_wall_clock_and_is_kept),
		cmocka_unit_test(after_a_reboot_it_goes_forward_only),
		cmocka_unit_test(a_file_without_a_clock),
		cmocka_unit_test(times_that_cannot_be_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
