/* SPDX-License-Identifier: MIT */

/*
 * A run over several processes: the parts make the whole, what they counted
 * is added up as if one had counted it, and one that dies is told of.
 */
#include "test/bench/split.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "test/bench/load.h"

static struct load load;
static struct bench_options options;

static int
set_up(void **state)
{
	(void)state;
	memset(&load, 0, sizeof(load));
	memset(&options, 0, sizeof(options));
	load.options = &options;
	return meter_init(&load.meter);
}

static int
tear_down(void **state)
{
	(void)state;
	meter_free(&load.meter);
	return 0;
}

static void
parts_make_the_whole(void **state)
{
	struct bench_options all = { .sessions = 11,
		.processes = 3,
		.rate = 300,
		.arrival = 20,
		.seed = 7,
		.server_count = 1,
		.computed = "log",
		.json = "-",
		.svg = "plot" };
	struct bench_options one;
	unsigned sessions = 0;
	double rate = 0;
	double arrival = 0;
	unsigned i;

	(void)state;
	for (i = 0; i < all.processes; i++) {
		split_options(&all, i, &one);
		sessions += one.sessions;
		rate += one.rate;
		arrival += one.arrival;
		assert_true(one.sessions == 3 || one.sessions == 4);
		assert_int_equal(one.seed, 7);
		assert_int_equal(one.first, sessions - one.sessions);
		/* One looks at the server and speaks. */
		assert_int_equal(one.server_count, i == 0 ? 1 : 0);
		assert_int_equal(one.quiet, i != 0);
		assert_int_equal(one.computed != NULL, i == 0);
		assert_int_equal(one.json != NULL, i == 0);
		assert_int_equal(one.svg != NULL, i == 0);
	}
	assert_int_equal(sessions, 11);
	assert_true(fabs(rate - 300) < 1e-9);
	assert_true(fabs(arrival - 20) < 1e-9);
}

/* What process `part` counts: a hundred rounds of (part + 1) ms, in `us`. */
static void
count(unsigned part, int64_t start_us, int64_t us)
{
	int i;

	meter_start(&load.meter, start_us);
	for (i = 0; i < 100; i++)
		meter_done(&load.meter, STEP_DEPENDENT, start_us + 10,
		    start_us + 10 + 1000 * (part + 1));
	meter_fail(&load.meter, METER_WRONG);
	meter_stop(&load.meter, start_us + us);
	load.starts = 5;
	load.cpu_s = part + 1;
	load.cpu_most_s = load.cpu_s;
	load.bytes_in = 1000;
	load.common.connects = 6;
	load.oracle.checked = 50;
	load.oracle.entries = 20 + part;
	load.oracle.wrong = 1;
	(void)snprintf(load.oracle.example, sizeof(load.oracle.example),
	    "of %u", part);
}

/* A second and a third process, which end as `end` has it. */
static struct split *
begin(void (*end)(struct split *split, unsigned part))
{
	struct split *split = split_new(3);
	int part;

	assert_non_null(split);
	part = split_fork(split);
	assert_true(part >= 0);
	if (part > 0) {
		end(split, (unsigned)part);
		_exit(0);
	}
	return split;
}

static void
end_well(struct split *split, unsigned part)
{
	count(part, 1000000 + 7000 * part, 2000000 + 30000 * part);
	split_give(split, part, &load);
}

static void
what_they_counted_is_added(void **state)
{
	struct split *split = begin(end_well);
	struct meter *meter = &load.meter;

	(void)state;
	count(0, 1000000, 2000000);
	assert_int_equal(split_take(split, &load), 0);
	assert_null(load.trouble);
	assert_int_equal(meter->callbacks, 300);
	assert_int_equal(meter->steps[STEP_DEPENDENT].count, 300);
	assert_int_equal(meter->errors[METER_WRONG], 3);
	assert_int_equal(meter_failures(meter), 3);
	/* A third took 1 ms, a third 2, a third 3: right to one in 1024. */
	assert_in_range(histogram_percentile(&meter->steps[STEP_DEPENDENT], 50),
	    2000, 2002);
	assert_in_range(histogram_percentile(&meter->steps[STEP_DEPENDENT], 99),
	    3000, 3003);
	assert_int_equal(meter->steps[STEP_DEPENDENT].max, 3000);
	/* The mean of 2.00, 2.03 and 2.06 seconds. */
	assert_int_equal(meter->end_us - meter->start_us, 2030000);
	assert_int_equal(load.starts, 15);
	assert_true(load.cpu_s == 6 && load.cpu_most_s == 3);
	assert_int_equal(load.bytes_in, 3000);
	assert_int_equal(load.common.connects, 18);
	assert_int_equal(load.oracle.checked, 150);
	assert_int_equal(load.oracle.wrong, 3);
	assert_int_equal(load.oracle.entries, 22);
	assert_string_equal(load.oracle.example, "of 0");
	split_free(&split);
	assert_null(split);
}

/* With a number of rounds all is over when the last one is. */
static void
rounds_take_as_long_as_the_last(void **state)
{
	struct split *split;

	(void)state;
	options.rounds = 1;
	split = begin(end_well);
	count(0, 1000000, 500000);
	assert_int_equal(split_take(split, &load), 0);
	/* From 1.000 s to 1.014 and 2.060 s. */
	assert_int_equal(load.meter.end_us - load.meter.start_us, 2074000);
	assert_int_equal(load.meter.second_count, 2);
	/* This one has no whole second to tell of. */
	assert_int_equal(load.meter.seconds[0].callbacks, 200);
	split_free(&split);
}

static void
end_at_once(struct split *split, unsigned part)
{
	if (part == 1)
		split_give(split, part, &load);
}

static void
one_that_dies_is_told_of(void **state)
{
	struct split *split = begin(end_at_once);

	(void)state;
	assert_int_equal(split_take(split, &load), -EPROTO);
	assert_string_equal(load.trouble,
	    "a process of the generator has ended early");
	split_free(&split);
}

static void
end_in_trouble(struct split *split, unsigned part)
{
	load.trouble = part == 2 ? "no server" : NULL;
	split_give(split, part, &load);
}

static void
the_trouble_of_one_is_that_of_all(void **state)
{
	struct split *split = begin(end_in_trouble);

	(void)state;
	assert_int_equal(split_take(split, &load), -EPROTO);
	assert_string_equal(load.trouble, "no server");
	split_free(&split);
}

/* Waits until it is told to end. */
static void
end_when_stopped(struct split *split, unsigned part)
{
	(void)part;
	split_add_ready(split);
	while (!split_is_stopped(split))
		(void)usleep(1000);
	split_give(split, part, &load);
}

static void
they_begin_and_end_together(void **state)
{
	struct split *split = begin(end_when_stopped);

	(void)state;
	assert_false(split_is_ready(split)); /* this one is not */
	assert_false(split_is_primed(split));
	split_set_primed(split);
	assert_true(split_is_primed(split));
	split_add_ready(split);
	while (!split_is_ready(split))
		(void)usleep(1000);
	split_free(&split); /* has them end, and waits for it */
	assert_null(split);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parts_make_the_whole, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(what_they_counted_is_added,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(rounds_take_as_long_as_the_last,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_that_dies_is_told_of,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_trouble_of_one_is_that_of_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(they_begin_and_end_together,
		    set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
