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

#include "server/base/clock.h"
#include "server/base/log.h"
#include "server/spawn.h"
#include "worker/balance.h"

#define SLOTS 8

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

/* How long is a connection left lying before it is taken? */
static unsigned
left_ms(struct balance *balance, bool busy)
{
	unsigned sum = 0;
	unsigned ms;

	while ((ms = balance_wait_ms(balance, busy)) > 0)
		sum += ms;
	return sum;
}

static bool
leaves(struct balance *balance)
{
	return left_ms(balance, false) > 0;
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

/* Is that for `ms` from now, but for what a busy machine adds to a test? */
static bool
is_about(int64_t until_us, int ms)
{
	int64_t left_us = until_us - clock_mono_us();

	return left_us <= ms * 1000 && left_us > ms * 1000 - 50000;
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
	assert_int_equal(2001, bytes_in(3));
	balance_tell(&a, 7);
	assert_int_equal(15, bytes_in(3));
	balance_tell(&a, 1000000); /* more than fit */
	balance_tell(&a, 2);
	assert_int_equal(5, bytes_in(3));
	assert_false(balance_settle(&a, true));
	assert_int_equal(6, bytes_in(3));
	assert_false(balance_settle(&a, false));
	assert_int_equal(5, bytes_in(3));
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

/* Threads count before connections; among equals connections do. */
static void
leaves_to_those_with_idle_threads(void **state)
{
	struct balance a;
	struct balance b;

	(void)state;
	start(&a, 0);
	start(&b, 1);
	balance_tell(&b, 40);
	assert_false(leaves(&a));
	assert_false(balance_may_go_on(&a, true));
	assert_int_equal(1, balance_wait_ms(&a, true)); /* it says so */
	assert_int_equal(2, bytes_in(0));
	assert_false(leaves(&b)); /* with 40 more */
	(void)balance_settle(&b, true);
	assert_int_equal(0, left_ms(&a, true));
	assert_true(left_ms(&b, true) > 0);
}

/* One that waits may go on at once when it is better off again. */
static void
ends_a_wait_early(void **state)
{
	struct balance a;
	struct balance b;

	(void)state;
	start(&a, 0);
	start(&b, 1);
	assert_false(balance_is_unsettled(&a));
	assert_int_equal(1, balance_wait_ms(&a, true));
	assert_true(balance_is_waiting(&a));
	assert_false(balance_settle(&a, true));
	assert_true(balance_settle(&a, false));
	assert_true(balance_may_go_on(&a, false));
	balance_forget(&a);
	assert_false(balance_is_unsettled(&a));
	assert_int_equal(1, bytes_in(0));
}

/*
 * A sibling that is slow on a busy machine gets 25 ms for each connection,
 * whatever was left lying before and for whomever.
 */
static void
is_as_patient_with_each_client(void **state)
{
	struct balance a;
	struct balance b;
	struct balance c;
	int i;

	(void)state;
	start(&a, 0);
	start(&b, 1);
	start(&c, 2);
	balance_tell(&a, 1);
	for (i = 0; i < 20; i++) { /* a sibling takes each, and ends it */
		assert_int_equal(1, balance_wait_ms(&a, false));
		balance_forget(&a);
	}
	assert_int_equal(1, balance_wait_ms(&a, false));
	assert_int_equal(1, balance_wait_ms(&a, false));
	balance_tell(&b, 1); /* now it is the other's turn */
	assert_int_equal(25, left_ms(&a, false));
}

/* One that hangs is given up for a while, the longer, the more often. */
static void
does_not_wait_for_the_dead(void **state)
{
	struct balance a;
	struct balance b;

	(void)state;
	start(&a, 0);
	start(&b, 1);
	balance_tell(&a, 10);
	assert_int_equal(25, left_ms(&a, false));
	assert_int_equal(25, left_ms(&a, false));
	assert_false(leaves(&a));
	assert_true(is_about(a.rivals[1].ignored_until_us, 100));
	a.rivals[1].ignored_until_us = 1; /* over */
	assert_int_equal(25, left_ms(&a, false));
	assert_true(is_about(a.rivals[1].ignored_until_us, 200));
	assert_false(leaves(&a));
	/* It lives: it has taken one. */
	balance_tell(&b, 1);
	assert_true(leaves(&a));
	/* Buried: it does not count at all. */
	spawn_clear_load(&spawn, 1);
	assert_int_equal(0, bytes_in(1));
	assert_false(leaves(&a));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_its_load),
		TEST(leaves_room_for_the_idle),
		TEST(leaves_to_those_with_idle_threads),
		TEST(ends_a_wait_early),
		TEST(is_as_patient_with_each_client),
		TEST(is_alone_without_others),
		TEST(does_not_wait_for_the_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
