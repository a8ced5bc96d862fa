/* SPDX-License-Identifier: MIT */

/*
 * What a load asks for against what it draws: mean and spread of pauses and
 * gaps over 10,000 draws of a fixed seed (so the same on every run), who has
 * arrived when, and what starts that wait were due.
 */
#include "test/bench/schedule.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define DRAWS 10000

struct drawn {
	double mean;
	double deviation;
	double least;
	double most;
	unsigned above; /* how many are above three times the first number */
};

static struct drawn
draw(double (*one)(const void *arg, double random), const void *arg,
    double limit)
{
	struct drawn drawn = { .least = INFINITY, .most = -INFINITY };
	uint64_t state = 1;
	double squares = 0;
	double value;
	int i;

	for (i = 0; i < DRAWS; i++) {
		value = one(arg, schedule_random(&state));
		drawn.mean += value / DRAWS;
		squares += value * value / DRAWS;
		drawn.least = fmin(drawn.least, value);
		drawn.most = fmax(drawn.most, value);
		drawn.above += value > limit;
	}
	drawn.deviation = sqrt(fmax(0, squares - drawn.mean * drawn.mean));
	return drawn;
}

static double
one_pause(const void *arg, double random)
{
	return schedule_pause(arg, random);
}

/* Means, deviations and shares of 10,000 draws are this near. */
static void
assert_near(double got, double wanted)
{
	if (fabs(got - wanted) > 0.05 * wanted)
		fail_msg("%g instead of %g", got, wanted);
}

static void
constant_pauses(void **state)
{
	struct bench_pause pause = { .spread = SPREAD_CONSTANT, .a = 0.4 };
	struct drawn drawn = draw(one_pause, &pause, 0);

	(void)state;
	assert_true(drawn.least == 0.4 && drawn.most == 0.4);
}

static void
uniform_pauses(void **state)
{
	struct bench_pause pause = { .spread = SPREAD_UNIFORM, .a = 2, .b = 6 };
	struct drawn drawn = draw(one_pause, &pause, 5);

	(void)state;
	assert_near(drawn.mean, 4);
	assert_near(drawn.deviation, 4 / sqrt(12));
	assert_near(drawn.above, DRAWS / 4.0);
	assert_true(drawn.least >= 2 && drawn.least < 2.01);
	assert_true(drawn.most < 6 && drawn.most > 5.99);
}

static void
exponential_pauses(void **state)
{
	struct bench_pause pause = { .spread = SPREAD_EXP, .a = 1.5 };
	struct drawn drawn = draw(one_pause, &pause, 1.5);

	(void)state;
	assert_near(drawn.mean, 1.5);
	assert_near(drawn.deviation, 1.5);
	assert_near(drawn.above, DRAWS * exp(-1));
	assert_true(drawn.least >= 0 && drawn.least < 0.01);
	assert_true(drawn.most > 8 && isfinite(drawn.most));
}

struct spacing {
	double rate;
	enum bench_spread spread;
};

static double
one_gap(const void *arg, double random)
{
	const struct spacing *spacing = arg;

	return schedule_gap_us(spacing->rate, spacing->spread, random);
}

static void
gaps_of_a_rate(void **state)
{
	struct spacing even = { 150000, SPREAD_CONSTANT };
	struct spacing random = { 2000, SPREAD_EXP };
	struct drawn drawn = draw(one_gap, &even, 0);

	(void)state;
	/* Not rounded: whole microseconds would miss this rate by 5 %. */
	assert_true(fabs(drawn.least - 1e6 / 150000) < 1e-9);
	assert_true(drawn.most == drawn.least);
	drawn = draw(one_gap, &random, 500);
	assert_near(drawn.mean, 500);
	assert_near(drawn.deviation, 500);
	assert_near(drawn.above, DRAWS * exp(-1));
}

static void
arrivals(void **state)
{
	(void)state;
	assert_int_equal(schedule_arrived(0, 0, 40), 40);
	assert_int_equal(schedule_arrived(10, 0, 40), 1);
	assert_int_equal(schedule_arrived(10, 99999, 40), 1);
	assert_int_equal(schedule_arrived(10, 100000, 40), 2);
	assert_int_equal(schedule_arrived(10, 2000000, 40), 21);
	assert_int_equal(schedule_arrived(10, 3900000, 40), 40);
	assert_int_equal(schedule_arrived(10, 60000000, 40), 40);
	assert_int_equal(schedule_arrived(0.001, 999999999, 3), 1);
	assert_int_equal(schedule_arrived(0.001, 1000000000, 3), 2);
}

/* A server stands still: a start each millisecond waits, and keeps its time. */
static void
starts_after_a_stall(void **state)
{
	struct schedule_queue queue = { 0 };
	int64_t pushed = 0;
	int64_t popped = 0;

	(void)state;
	while (pushed < 5000) {
		assert_int_equal(schedule_push(&queue, pushed++ * 1000), 0);
		/* Some are served meanwhile, so that the ring goes round. */
		if (pushed % 3 == 0)
			assert_true(schedule_pop(&queue) == popped++ * 1000);
	}
	assert_int_equal(queue.count, pushed - popped);
	while (queue.count > 0)
		assert_true(schedule_pop(&queue) == popped++ * 1000);
	assert_int_equal(popped, pushed);
	schedule_free(&queue);
	assert_null(queue.due_us);
}

static void
a_queue_is_bounded(void **state)
{
	struct schedule_queue queue = { 0 };
	size_t count = 0;

	(void)state;
	while (schedule_push(&queue, (int64_t)count) == 0)
		count++;
	assert_int_equal(count, 1u << 22);
	assert_int_equal(schedule_push(&queue, 0), -ENOMEM);
	assert_true(schedule_pop(&queue) == 0);
	assert_int_equal(schedule_push(&queue, 7), 0);
	schedule_free(&queue);
}

/* The same seed gives the same numbers, another one others. */
static void
seeds(void **state)
{
	uint64_t a = 7;
	uint64_t b = 7;
	uint64_t c = 8;
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		double one = schedule_random(&a);

		assert_true(one >= 0 && one < 1);
		assert_true(one == schedule_random(&b));
		assert_true(one != schedule_random(&c));
	}
}

/* The picks of one session are not those of the next, a draw later. */
static void
neighbours_have_nothing_in_common(void **state)
{
	uint64_t left;
	uint64_t right;
	unsigned same = 0;
	unsigned i;
	unsigned shift;

	(void)state;
	for (shift = 0; shift < 3; shift++) {
		left = schedule_stream(1, 0);
		right = shift < 2 ? schedule_stream(1 + shift, 1 - shift)
				  : schedule_stream(2, 0);
		if (shift == 2)
			(void)schedule_random(&left);
		for (i = 0; i < 100; i++)
			same += (int)(4 * schedule_random(&left)) ==
				(int)(4 * schedule_random(&right));
	}
	/* A quarter by chance: 75 of 300, give or take four deviations. */
	assert_in_range(same, 45, 105);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_pauses),
		cmocka_unit_test(uniform_pauses),
		cmocka_unit_test(exponential_pauses),
		cmocka_unit_test(gaps_of_a_rate),
		cmocka_unit_test(arrivals),
		cmocka_unit_test(starts_after_a_stall),
		cmocka_unit_test(a_queue_is_bounded),
		cmocka_unit_test(seeds),
		cmocka_unit_test(neighbours_have_nothing_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
