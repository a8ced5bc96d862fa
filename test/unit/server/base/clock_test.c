/* SPDX-License-Identifier: MIT */

/* Right unit, right origin, never backwards where that is promised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/clock.h"

static int64_t
nanoseconds(clockid_t id)
{
	struct timespec now;

	assert_int_equal(clock_gettime(id, &now), 0);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Each reading lies between two of the kernel's in the same unit. */
static void
units_and_origins(void **state)
{
	static const struct {
		int64_t (*read)(void);
		clockid_t id;
		int64_t unit; /* nanoseconds */
	} clocks[] = {
		{ clock_wall_ms, CLOCK_REALTIME, 1000000 },
		{ clock_mono_us, CLOCK_MONOTONIC, 1000 },
		{ clock_boot_ms, CLOCK_BOOTTIME, 1000000 },
	};
	int64_t before;
	int64_t after;
	int64_t read;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		before = nanoseconds(clocks[i].id) / clocks[i].unit;
		read = clocks[i].read();
		after = nanoseconds(clocks[i].id) / clocks[i].unit;
		assert_true(before <= read && read <= after);
	}
	assert_true(clock_wall_ms() > 1700000000000); /* after 2023 */
}

static void
never_backwards(void **state)
{
	int64_t mono = clock_mono_us();
	int64_t boot = clock_boot_ms();
	int64_t now;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		now = clock_mono_us();
		assert_true(now >= mono);
		mono = now;
		now = clock_boot_ms();
		assert_true(now >= boot);
		boot = now;
	}
}

/* Leases compare the boot clock of one process with that of another. */
static void
boot_clock_is_the_same_everywhere(void **state)
{
	int64_t before = clock_boot_ms();
	int64_t theirs = 0;
	int ends[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		theirs = clock_boot_ms();
		_exit(write(ends[1], &theirs, sizeof(theirs)) !=
		      (ssize_t)sizeof(theirs));
	}
	assert_int_equal(read(ends[0], &theirs, sizeof(theirs)),
	    sizeof(theirs));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(before <= theirs && theirs <= clock_boot_ms());
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void
boot_id_is_a_uuid(void **state)
{
	char id[CLOCK_BOOT_ID_LEN + 1];
	char again[CLOCK_BOOT_ID_LEN + 1];
	size_t i;

	(void)state;
	assert_int_equal(clock_boot_id(id), 0);
	assert_int_equal(strlen(id), CLOCK_BOOT_ID_LEN);
	for (i = 0; i < CLOCK_BOOT_ID_LEN; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23)
			assert_int_equal(id[i], '-');
		else
			assert_non_null(strchr("0123456789abcdef", id[i]));
	}
	assert_int_equal(clock_boot_id(again), 0);
	assert_string_equal(id, again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_and_origins),
		cmocka_unit_test(never_backwards),
		cmocka_unit_test(boot_clock_is_the_same_everywhere),
		cmocka_unit_test(boot_id_is_a_uuid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
