/* SPDX-License-Identifier: MIT */

/* Whoever sleeps is woken by a ring, and no ring is missed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "server/base/clock.h"
#include "worker/bell.h"

#define FAR_US 30000000

static void
time_ends_a_sleep(void **state)
{
	struct bell bell;
	unsigned seen = 0;
	int64_t end_us;

	(void)state;
	bell_init(&bell);
	/* The first time it may have rung before: a look is due. */
	assert_true(bell_wait(&bell, &seen, clock_mono_us() + FAR_US));
	end_us = clock_mono_us() + 20000;
	assert_false(bell_wait(&bell, &seen, end_us));
	assert_true(clock_mono_us() >= end_us);
	bell_fini(&bell);
}

static void
a_ring_before_the_sleep_counts(void **state)
{
	struct bell bell;
	unsigned seen = 0;

	(void)state;
	bell_init(&bell);
	(void)bell_wait(&bell, &seen, clock_mono_us());
	bell_ring(&bell);
	assert_true(bell_wait(&bell, &seen, clock_mono_us() + FAR_US));
	assert_false(bell_wait(&bell, &seen, clock_mono_us()));
	bell_fini(&bell);
}

static void *
sleeper(void *arg)
{
	unsigned seen = 0;

	/* Once for the rings before, once for the one to come. */
	(void)bell_wait(arg, &seen, clock_mono_us() + FAR_US);
	(void)bell_wait(arg, &seen, clock_mono_us() + FAR_US);
	return NULL;
}

static void
a_ring_wakes_all_sleepers(void **state)
{
	pthread_t threads[4];
	struct bell bell;
	int64_t start_us = clock_mono_us();
	bool asleep;
	int i;

	(void)state;
	bell_init(&bell);
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, sleeper, &bell), 0);
	do {
		(void)pthread_mutex_lock(&bell.lock);
		asleep = bell.sleepers == 4;
		(void)pthread_mutex_unlock(&bell.lock);
	} while (!asleep);
	bell_ring(&bell);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_true(clock_mono_us() - start_us < FAR_US);
	bell_fini(&bell);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_ends_a_sleep),
		cmocka_unit_test(a_ring_before_the_sleep_counts),
		cmocka_unit_test(a_ring_wakes_all_sleepers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
