/* SPDX-License-Identifier: MIT */

/*
 * Balance between workers that are only structs here, on real pipes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "server/base/log.h"
#include "server/spawn.h"
#include "worker/balance.h"

#define SLOTS 200 /* more than one looks at */

static struct spawn spawn;

static int
set_up(void **state)
{
	(void)state;
	return spawn_open(&spawn, SLOTS);
}

static int
tear_down(void **state)
{
	(void)state;
	spawn_close(&spawn);
	return 0;
}

/* Is a connection left lying before it is taken? */
static bool
leaves(struct balance *balance)
{
	bool left = false;

	while (balance_should_wait(balance, false))
		left = true;
	return left;
}

static void
start(struct balance *balance, unsigned slot)
{
	const struct handoff handoff = { .slot = slot,
		.slot_count = SLOTS,
		.load_fds = spawn.load_fds };

	balance_start(balance, &handoff);
}

static int
bytes_in(unsigned slot)
{
	int bytes = -1;

	assert_int_equal(0, ioctl(spawn.load_fds[slot], FIONREAD, &bytes));
	return bytes;
}

static void
tells_its_load(void **state)
{
	struct balance a;

	(void)state;
	assert_int_equal(0, bytes_in(3));
	start(&a, 3);
	assert_int_equal(1, bytes_in(3));
	balance_tell(&a, 1000);
	assert_int_equal(1001, bytes_in(3));
	balance_tell(&a, 7);
	assert_int_equal(8, bytes_in(3));
	balance_tell(&a, 1000000); /* more than fit */
	balance_tell(&a, 2);
	assert_int_equal(3, bytes_in(3));
	balance_stop(&a);
	assert_int_equal(0, bytes_in(3));
	balance_tell(&a, 5); /* not any more */
	assert_int_equal(0, bytes_in(3));
}

static void
leaves_room_for_the_idle(void **state)
{
	struct balance a;
	struct balance b;

	(void)state;
	start(&a, 0);
	start(&b, 5);
	assert_false(leaves(&a)); /* both have none */
	balance_tell(&a, 1);
	assert_true(leaves(&a));
	assert_false(leaves(&b));
	balance_tell(&b, 1);
	assert_false(leaves(&a));
	/* An eighth more is as good as even. */
	balance_tell(&a, 18);
	balance_tell(&b, 16);
	assert_false(leaves(&a));
	balance_tell(&a, 19);
	assert_true(leaves(&a));
}

static void
is_alone_without_others(void **state)
{
	struct balance a;
	struct balance off = { .fds = NULL };

	(void)state;
	start(&a, 0);
	balance_tell(&a, 100);
	assert_false(leaves(&a));
	balance_tell(&off, 3);
	assert_false(leaves(&off));
}

/* One that hangs is given up for a while. */
static void
does_not_wait_for_the_dead(void **state)
{
	struct balance a;
	struct balance b;
	unsigned waits = 0;
	int i;

	(void)state;
	start(&a, 0);
	start(&b, 1);
	balance_tell(&a, 10);
	for (i = 0; i < 30; i++)
		waits += leaves(&a);
	assert_in_range(waits, 2, 6);
	/* Buried: it does not count at all. */
	spawn_clear_load(&spawn, 1);
	assert_int_equal(0, bytes_in(1));
	assert_false(leaves(&a));
}

static unsigned
waits_of(struct balance *balance, bool busy)
{
	unsigned count = 0;

	while (balance_should_wait(balance, busy))
		count++;
	return count;
}

/* The patience used up on one client is not missing for the next. */
static void
each_client_has_all_the_patience(void **state)
{
	struct balance a;
	struct balance b;
	unsigned patience;
	int i;

	(void)state;
	start(&a, 0);
	start(&b, 1);
	balance_tell(&a, 1);
	patience = waits_of(&a, true);
	start(&a, 0);
	balance_tell(&a, 1);
	for (i = 0; i < 10; i++) {
		assert_true(balance_should_wait(&a, true));
		assert_true(balance_is_waiting(&a));
		balance_forget(&a); /* somebody has taken it */
		assert_false(balance_is_waiting(&a));
	}
	assert_int_equal(waits_of(&a, true), patience);
	assert_false(balance_is_waiting(&a));
}

/* Nor when it took one at once meanwhile, as it had nothing else. */
static void
an_idle_one_begins_anew(void **state)
{
	struct balance a;
	struct balance b;
	unsigned patience;

	(void)state;
	start(&a, 0);
	start(&b, 1);
	balance_tell(&a, 1);
	patience = waits_of(&a, false);
	start(&a, 0);
	balance_tell(&a, 1);
	assert_true(balance_should_wait(&a, false));
	balance_tell(&a, 0);
	assert_false(balance_should_wait(&a, false));
	balance_tell(&a, 1);
	assert_int_equal(waits_of(&a, false), patience);
	/* Who does not accept any more waits for nobody. */
	assert_true(balance_should_wait(&a, false));
	balance_stop(&a);
	assert_false(balance_is_waiting(&a));
}

/* Each has others to look at, so that nobody is left out. */
static void
the_last_of_many_are_found(void **state)
{
	static struct balance all[SLOTS];
	struct balance *before;
	unsigned slot;

	(void)state;
	for (slot = 0; slot < SLOTS; slot++) {
		start(&all[slot], slot);
		balance_tell(&all[slot], 10);
	}
	/* An idle one is found by those before it, wherever it sits. */
	for (slot = 0; slot < SLOTS; slot++) {
		before = &all[(slot + SLOTS - 1) % SLOTS];
		assert_false(leaves(before));
		balance_tell(&all[slot], 0);
		assert_true(leaves(before));
		balance_tell(&all[slot], 10);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_its_load),
		TEST(leaves_room_for_the_idle),
		TEST(is_alone_without_others),
		TEST(does_not_wait_for_the_dead),
		TEST(each_client_has_all_the_patience),
		TEST(an_idle_one_begins_anew),
		TEST(the_last_of_many_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
