/* SPDX-License-Identifier: MIT */

/* Which frames are counted, however they are cut, and what pays them back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/h2_calm.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define ALLOWED 10000

/* `count` PINGs behind each other, `step` bytes at a time: how many came. */
static int
pings(struct h2_calm *calm, int count, size_t step, int64_t now_us)
{
	static const char ping[17] = { 0, 0, 8, 6 };
	size_t at;
	size_t some;
	int i;

	for (i = 0; i < count; i++) {
		for (at = 0; at < sizeof(ping); at += some) {
			some =
			    sizeof(ping) - at < step ? sizeof(ping) - at : step;
			if (!h2_calm_receive(calm, ping + at, some, now_us))
				return i;
		}
	}
	return i;
}

static void
begin(struct h2_calm *calm)
{
	h2_calm_init(calm, 0);
	assert_true(h2_calm_receive(calm, PREFACE, 24, 0));
}

static void
floods(void **state)
{
	struct h2_calm calm;
	size_t step;

	(void)state;
	for (step = 1; step <= 17; step++) {
		begin(&calm);
		assert_int_equal(pings(&calm, 20000, step, 0), ALLOWED);
	}
	/* Bytes of a payload are no frames. */
	begin(&calm);
	assert_true(h2_calm_receive(&calm, "\1\0\0\0\0\0\0\0\1", 9, 0));
	for (step = 0; step < 65536 / 16; step++)
		assert_true(h2_calm_receive(&calm,
		    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, 0));
	assert_int_equal(pings(&calm, 20000, 17, 0), ALLOWED - 1);
}

static void
pay(void **state)
{
	struct h2_calm calm;

	(void)state;
	/* Time: a thousand a second, never more than at first. */
	begin(&calm);
	assert_int_equal(pings(&calm, ALLOWED, 17, 0), ALLOWED);
	assert_int_equal(pings(&calm, 20000, 17, 2000000), 2000);
	begin(&calm);
	assert_int_equal(pings(&calm, 20000, 17, INT64_MAX / 2), ALLOWED);
	/* Bodies, answers, bytes that are sent. */
	begin(&calm);
	assert_int_equal(pings(&calm, ALLOWED, 17, 0), ALLOWED);
	h2_calm_body(&calm);
	assert_int_equal(pings(&calm, 1, 17, 0), 1);
	h2_calm_finished(&calm);
	assert_int_equal(pings(&calm, 16, 17, 0), 16);
	h2_calm_sent(&calm, 100);
	h2_calm_sent(&calm, 156 + 2 * 256);
	assert_int_equal(pings(&calm, 20000, 17, 0), 3);
	/* Nothing is saved up. */
	begin(&calm);
	h2_calm_finished(&calm);
	h2_calm_sent(&calm, SIZE_MAX);
	assert_int_equal(pings(&calm, 20000, 17, 0), ALLOWED);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(floods),
		cmocka_unit_test(pay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
