/* SPDX-License-Identifier: MIT */

/*
 * The pool with real threads and a real cache. This thread plays the loop:
 * it submits, waits for the mail descriptor and collects.
 */
#include "test/unit/worker/pool_loop.h"

#include "worker/pool_int.h"

static void
every_task_comes_back_once(void **state)
{
	static int seen[2000];
	static const int threads[] = { 1, 2, 8 };
	int round;
	int i;

	(void)state;
	for (round = 0; round < 3; round++) {
		memset(seen, 0, sizeof(seen));
		start(threads[round], 1000);
		for (i = 0; i < 1000; i++)
			submit(QUICK, i);
		collect(1000, seen);
		for (i = 0; i < 2000; i++)
			assert_int_equal(seen[i], i % 2 == 0 ? 1 : 0);
		wait_idle();
		assert_null(pool_collect(pool));
		pool_stop(&pool);
		assert_null(pool);
	}
}

static void
one_thread_keeps_the_order(void **state)
{
	struct task *task;
	struct task *next;
	char want_text[64];
	int expected = 0;
	int i;

	(void)state;
	start(1, 100);
	for (i = 0; i < 50; i++)
		submit(QUICK, i);
	while (expected < 50) {
		for (task = next_mail(); task != NULL; task = next) {
			next = task->next;
			(void)snprintf(want_text, sizeof(want_text),
			    "\"x\":%d}", 2 * expected++);
			assert_non_null(
			    strstr(buf_cstr(&task->response), want_text));
			task_free(task);
		}
	}
}

static void
what_is_put_back_comes_next(void **state)
{
	struct task *task;
	char want_text[64];
	int i;

	(void)state;
	start(1, 100);
	for (i = 0; i < 20; i++)
		submit(QUICK, i);
	for (i = 0; i < 20; i++) {
		task = next_mail();
		if (task->next != NULL)
			pool_put_back(pool, task->next);
		(void)snprintf(want_text, sizeof(want_text), "\"x\":%d}",
		    2 * i);
		assert_non_null(strstr(buf_cstr(&task->response), want_text));
		task_free(task);
	}
	wait_idle();
	assert_null(pool_collect(pool));
	for (i = 0; i < 3; i++)
		submit(QUICK, i);
	pool_put_back(pool, next_mail()); /* and nothing is lost at the end */
}

static void
a_full_queue_refuses(void **state)
{
	struct task *refused;
	int seen[64] = { 0 };
	int i;

	(void)state;
	start(1, 3);
	submit(BLOCKED, 40);
	wait_begun();
	assert_int_equal(pool_busy(pool), 1);
	assert_int_equal(pool_computing(pool), 1);
	for (i = 0; i < 3; i++)
		submit(QUICK, i);
	refused = make_task(QUICK, 9);
	assert_int_equal(pool_submit(pool, refused), ERR_BUSY);
	assert_int_equal(pool_busy(pool), 4);
	open_gate(1);
	collect(4, seen);
	assert_int_equal(seen[40] + seen[0] + seen[2] + seen[4], 4);
	hand_on(refused); /* still the caller's */
	collect(1, seen);
	assert_int_equal(seen[18], 1);
}

static void
the_mail_descriptor_is_written_when_there_is_mail(void **state)
{
	struct task *task;

	(void)state;
	start(2, 100);
	assert_int_equal(fd_event_drain(mail_fd), 0);
	assert_null(pool_collect(pool));
	submit(QUICK, 1);
	task = next_mail();
	assert_null(task->next);
	task_free(task);
	wait_idle();
	assert_int_equal(fd_event_drain(mail_fd), 0);
	submit(QUICK, 1); /* and again when the box has been emptied */
	task_free(next_mail());
}

static void
threads_work_at_the_same_time(void **state)
{
	int i;

	(void)state;
	start(4, 100);
	for (i = 0; i < 4; i++)
		submit(BLOCKED, i);
	for (i = 0; i < 4; i++)
		wait_begun(); /* all four before any may end */
	assert_int_equal(pool_computing(pool), 4);
	open_gate(4);
	collect(4, NULL);
	assert_int_equal(atomic_load(&most_inside), 4);
}

/* Who must be woken, from what the pool knows; `change` is one thing in it. */
static enum pool_wake
decide(void (*change)(struct pool *seen))
{
	struct pool seen = { .quick_max = 4,
		.idle = 3,
		.running = 1,
		.taken_us = 1000000,
		.mean_us16 = 16 * 5 };
	struct task *tasks[8];
	enum pool_wake wake;
	size_t i;

	task_list_init(&seen.queue);
	task_list_init(&seen.compute);
	for (i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++) {
		tasks[i] = task_new(TASK_CALLBACK);
		assert_non_null(tasks[i]);
		task_list_push(&seen.queue, tasks[i]);
	}
	if (change != NULL)
		change(&seen);
	wake = pool_must_wake(&seen, 1000100);
	for (i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		task_free(tasks[i]);
	return wake;
}

static void
all_are_awake(struct pool *seen)
{
	seen->idle = 0;
}

static void
all_sleep(struct pool *seen)
{
	seen->running = 0;
}

static void
only_computing(struct pool *seen)
{
	seen->computing = 1;
}

static void
callbacks_take_long(struct pool *seen)
{
	seen->mean_us16 = 16 * 100;
}

static void
nobody_comes(struct pool *seen)
{
	seen->taken_us = 0;
}

static void
one_is_coming(struct pool *seen)
{
	seen->waking = true;
	seen->running = 0;
}

static void
nothing_is_queued(struct pool *seen)
{
	task_list_init(&seen->queue);
}

static void
a_thread_is_woken_when_it_pays(void **state)
{
	(void)state;
	assert_int_equal(decide(NULL), POOL_HOLD_BACK);
	assert_int_equal(decide(one_is_coming), POOL_HOLD_BACK);
	assert_int_equal(decide(all_are_awake), POOL_REST);
	assert_int_equal(decide(nothing_is_queued), POOL_REST);
	assert_int_equal(decide(all_sleep), POOL_WAKE);
	assert_int_equal(decide(only_computing), POOL_WAKE);
	assert_int_equal(decide(callbacks_take_long), POOL_WAKE);
	assert_int_equal(decide(nobody_comes), POOL_WAKE);
}

/* Until the pool takes callbacks for brief. */
static void
learn(void)
{
	int i, round;

	for (round = 0; round < 50; round++) {
		for (i = 0; i < 20; i++)
			assert_int_equal(pool_submit(pool, make_task(QUICK, 1)),
			    0);
		(void)pool_kick(pool);
		collect(20, NULL);
	}
	wait_idle();
}

static void
nothing_waits_behind_one_that_takes_long(void **state)
{
	struct pollfd mail = { .fd = mail_fd, .events = POLLIN };
	int64_t until = clock_mono_us() + PATIENCE_US;
	int seen[64] = { 0 };
	int i;

	(void)state;
	start(4, 100);
	learn();
	assert_int_equal(pool_submit(pool, make_task(BLOCKED, 40)), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(pool_submit(pool, make_task(QUICK, i)), 0);
	assert_true(pool_kick(pool)); /* it may have to be hurried */
	wait_begun();
	while (pool_hurry(pool)) {
		assert_true(clock_mono_us() < until);
		(void)poll(&mail, 1, 1);
	}
	collect(3, seen);
	assert_int_equal(seen[0] + seen[2] + seen[4], 3);
	assert_int_equal(pool_computing(pool), 1);
	open_gate(1);
	collect(1, seen);
}

static void
wanted_rows_are_computed(void **state)
{
	uint8_t keys[20][CACHE_KEY_LEN];
	int i;

	(void)state;
	start(3, 100);
	for (i = 0; i < 20; i++)
		want(twice, i, keys[i]);
	pool_want(pool); /* one hint is enough for all of them */
	for (i = 0; i < 20; i++)
		wait_ready(keys[i]);
	assert_int_equal(atomic_load(&runs), 20);
	wait_idle();
	assert_null(pool_collect(pool)); /* these do not come back */
}

static void
a_hint_without_a_row_is_harmless(void **state)
{
	int i;

	(void)state;
	start(2, 100);
	for (i = 0; i < 50; i++)
		pool_want(pool);
	wait_idle();
	submit(QUICK, 1);
	collect(1, NULL);
}

/* Slow computations take all threads but one; callbacks still get through. */
static void
computations_leave_a_thread_free(void **state)
{
	uint8_t keys[6][CACHE_KEY_LEN];
	int round;
	int i;

	(void)state;
	start(3, 100);
	for (i = 0; i < 6; i++)
		want(slow, i, keys[i]);
	pool_want(pool);
	wait_begun();
	wait_begun();
	for (round = 0; round < 20; round++) {
		pool_want(pool);
		for (i = 0; i < 10; i++)
			submit(QUICK, i);
		collect(10, NULL);
	}
	assert_int_equal(atomic_load(&inside), 2);
	open_gate(6);
	for (i = 0; i < 6; i++)
		wait_ready(keys[i]);
	assert_int_equal(atomic_load(&most_inside), 2);
	assert_int_equal(atomic_load(&runs), 6);
}

static void
a_single_thread_computes_too(void **state)
{
	uint8_t key[CACHE_KEY_LEN];

	(void)state;
	start(1, 100);
	submit(BLOCKED, 1);
	wait_begun();
	want(twice, 5, key);
	pool_want(pool); /* busy now: it looks afterwards */
	open_gate(1);
	collect(1, NULL);
	wait_ready(key);
}

/* A wanted row does not starve behind a queue that never gets empty. */
static void
an_overdue_row_is_computed_before_the_queue(void **state)
{
	uint8_t key[CACHE_KEY_LEN];
	int64_t until;
	int i;

	(void)state;
	start(1, 100000);
	submit(BLOCKED, 1);
	wait_begun();
	want(twice, 5, key);
	pool_want(pool);
	for (i = 0; i < 3; i++) {
		submit(BLOCKED, 1);
		submit(BLOCKED, 1);
	}
	until = clock_mono_us() + 110000; /* OVERDUE_US of pool.c has passed */
	while (clock_mono_us() < until)
		(void)sched_yield();
	open_gate(1); /* the thread is free now; six more are queued */
	wait_ready(key);
	assert_int_equal(atomic_load(&runs), 1);
	open_gate(6);
	collect(7, NULL);
}

/* The whole way of a callback that needs a value which is not there. */
static void
a_task_waits_and_the_pool_makes_its_value(void **state)
{
	struct task *task;
	static const int threads[] = { 1, 2, 4 };
	int round;

	(void)state;
	for (round = 0; round < 3; round++) {
		start(threads[round], 100);
		submit(THROUGH_CACHE, round + 1);
		task = next_mail();
		assert_null(task->next);
		assert_int_equal(task->outcome, TASK_WAITS);
		assert_true(task->wanted_new);
		/* Wait as the worker does: on its own descriptor. */
		while (cache_state(fixture.kit.cache, task->wait_key, NULL) !=
		       CACHE_READY)
			wait_readable(fixture.wake_fds[0]);
		hand_on(task);
		collect(1, NULL);
		pool_stop(&pool);
	}
	assert_int_equal(atomic_load(&runs), 3);
}

/* A claimed computation that waits comes back, for the loop to park. */
static enum ph_status
waits_for_twice(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, twice, ph_arg(call, 0));

	return value != NULL ? ph_return(call, value) : PH_WAIT;
}

static void
a_computation_that_waits_comes_back(void **state)
{
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;

	(void)state;
	ph_memoize(fixture_ph(&fixture), waits_for_twice, .timeout = 60);
	start(2, 100);
	want(waits_for_twice, 7, key);
	pool_want(pool);
	task = next_mail();
	assert_null(task->next);
	assert_int_equal(task->kind, TASK_COMPUTE);
	assert_int_equal(task->outcome, TASK_WAITS);
	assert_true(task->owned);
	while (
	    cache_state(fixture.kit.cache, task->wait_key, NULL) != CACHE_READY)
		wait_readable(fixture.wake_fds[0]);
	hand_on(task);
	wait_ready(key);
	task = next_mail(); /* finished: for the loop to free */
	assert_null(task->next);
	assert_int_equal(task->outcome, TASK_DONE);
	assert_false(task->owned);
	task_free(task);
}

/* An unknown function: the row fails, the pool goes on. */
static void
a_row_of_another_app(void **state)
{
	uint8_t key[CACHE_KEY_LEN] = { 1, 2, 3 };

	(void)state;
	start(2, 100);
	assert_int_equal(
	    cache_ask(fixture.other, key, "nobody", "x", 1, NULL, NULL),
	    CACHE_WANTED_NEW);
	pool_want(pool);
	while (cache_state(fixture.other, key, NULL) == CACHE_WAITING)
		wait_readable(fixture.wake_fds[1]);
	assert_int_equal(cache_state(fixture.other, key, NULL), CACHE_FAILED);
	submit(QUICK, 1);
	collect(1, NULL);
}

static void
stopping_while_busy(void **state)
{
	int i;

	(void)state;
	start(2, 1000);
	submit(BLOCKED, 1);
	submit(BLOCKED, 2);
	wait_begun();
	wait_begun();
	for (i = 0; i < 200; i++)
		submit(i % 2 == 0 ? QUICK : THROUGH_CACHE, i);
	pool_want(pool);
	open_gate(2); /* they end while we stop */
	pool_stop(&pool);
	assert_null(pool);
	assert_int_equal(atomic_load(&inside), 0);
	pool_stop(&pool); /* none: nothing happens */
}

static void
stopping_at_once(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		start(1 + i % 4, 100);
		if (i % 2 == 0)
			submit(QUICK, i);
		pool_stop(&pool);
	}
}

/* Without a store every thread still serves. */
static void
without_a_cache(void **state)
{
	int seen[64] = { 0 };

	(void)state;
	fixture.cache_options.cache_dir = "/proc/no/such";
	start(2, 100);
	submit(QUICK, 3);
	submit(THROUGH_CACHE, 4);
	pool_want(pool);
	collect(2, seen);
	assert_int_equal(seen[6], 1);
	assert_int_equal(seen[8], 1);
	assert_int_equal(atomic_load(&runs), 1);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_task_comes_back_once),
		TEST(one_thread_keeps_the_order),
		TEST(what_is_put_back_comes_next),
		TEST(a_full_queue_refuses),
		TEST(the_mail_descriptor_is_written_when_there_is_mail),
		TEST(threads_work_at_the_same_time),
		TEST(a_thread_is_woken_when_it_pays),
		TEST(nothing_waits_behind_one_that_takes_long),
		TEST(wanted_rows_are_computed),
		TEST(a_hint_without_a_row_is_harmless),
		TEST(computations_leave_a_thread_free),
		TEST(a_single_thread_computes_too),
		TEST(an_overdue_row_is_computed_before_the_queue),
		TEST(a_task_waits_and_the_pool_makes_its_value),
		TEST(a_computation_that_waits_comes_back),
		TEST(a_row_of_another_app),
		TEST(stopping_while_busy),
		TEST(stopping_at_once),
		TEST(without_a_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
