/* SPDX-License-Identifier: MIT */

/*
 * Single flight without the store: who leads, who waits, what a result is
 * worth for whom, and that nothing takes longer the more there is.
 */
#include "test/unit/worker/app_fixture.h"

#include <limits.h>
#include <pthread.h>

#include "cache/now.h"
#include "server/base/buf.h"
#include "server/base/clock.h"
#include "worker/bell.h"
#include "worker/memo.h"
#include "worker/together.h"

static struct buf out;
static int64_t serves_us;

static const uint8_t *
key_of(unsigned number)
{
	static _Thread_local uint8_t key[CACHE_KEY_LEN];

	memcpy(key, &number, sizeof(number));
	return key;
}

static enum together
ask(unsigned number, int64_t asked_us, int64_t since_ms)
{
	buf_clear(&out);
	return together_join(key_of(number), asked_us, since_ms, &out,
	    &serves_us);
}

static bool
end(unsigned number, const char *text)
{
	return together_end(key_of(number),
	    &(struct together_result){ .data = text,
		.len = text != NULL ? strlen(text) : 0,
		.serves_us = clock_mono_us() });
}

/* As another thread. */
struct other {
	unsigned number;
	int64_t asked_us;
	enum together outcome;
};

static void *
run_other(void *arg)
{
	struct other *other = arg;
	struct buf found = BUF_EMPTY;
	int64_t until_us;

	other->outcome = together_join(key_of(other->number), other->asked_us,
	    0, &found, &until_us);
	if (other->outcome == TOGETHER_LEAD)
		(void)end(other->number, "other");
	buf_free(&found);
	return NULL;
}

static enum together
ask_elsewhere(unsigned number, int64_t asked_us)
{
	struct other other = { .number = number, .asked_us = asked_us };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, run_other, &other), 0);
	(void)pthread_join(thread, NULL);
	return other.outcome;
}

static int
teardown(void **state)
{
	(void)state;
	together_limit(UINT_MAX);
	together_sweep(INT64_MAX);
	buf_free(&out);
	return 0;
}

static void
one_leads_and_the_others_wait(void **state)
{
	int64_t asked_us = clock_mono_us();

	(void)state;
	assert_false(together_knows(key_of(1), asked_us));
	assert_int_equal(ask(1, asked_us, 0), TOGETHER_LEAD);
	assert_int_equal(ask(1, asked_us, 0), TOGETHER_ALONE); /* a circle */
	assert_true(together_knows(key_of(1), INT64_MAX));
	assert_int_equal(ask_elsewhere(1, asked_us), TOGETHER_WAIT);
	assert_true(together_must_wait(key_of(1)));
	assert_true(end(1, "one"));
	assert_true(together_has_rung());
	assert_false(together_has_rung());
	assert_false(together_must_wait(key_of(1)));
	assert_int_equal(ask_elsewhere(1, asked_us), TOGETHER_DONE);
	assert_int_equal(ask(1, asked_us, 0), TOGETHER_DONE);
	assert_string_equal(buf_cstr(&out), "one");
	assert_true(together_knows(key_of(1), asked_us));
	assert_false(together_knows(key_of(1), INT64_MAX));
	/* Who asks later gets a new one; who asked before still has this. */
	assert_int_equal(ask(1, clock_mono_us() + 1, 0), TOGETHER_LEAD);
	assert_int_equal(ask_elsewhere(1, asked_us), TOGETHER_DONE);
	(void)end(1, NULL);
	assert_int_equal(ask_elsewhere(1, asked_us), TOGETHER_LEAD);
}

/* What was forgotten meanwhile is for those who had come by then; what could
 * not be stored is held back until that is known. */
static void
a_result_serves_those_who_came_in_time(void **state)
{
	int64_t asked_us = clock_mono_us();
	const struct together_result old = { .data = "old",
		.len = 3,
		.serves_us = asked_us };
	const struct together_result none = { .serves_us = INT64_MAX };

	(void)state;
	assert_int_equal(ask(7, asked_us, 0), TOGETHER_LEAD);
	(void)together_end(key_of(7), &old);
	assert_true(together_knows(key_of(7), asked_us));
	assert_false(together_knows(key_of(7), asked_us + 1));
	assert_int_equal(ask_elsewhere(7, asked_us), TOGETHER_DONE);
	assert_int_equal(ask(7, asked_us, 0), TOGETHER_DONE);
	assert_int_equal(serves_us, asked_us);
	assert_int_equal(ask_elsewhere(7, asked_us + 1), TOGETHER_LEAD);

	assert_true(together_hold(key_of(8), 40000));
	assert_false(together_hold(key_of(8), 40000));
	assert_int_equal(ask_elsewhere(8, asked_us), TOGETHER_WAIT);
	assert_true(together_end(key_of(8), &none)); /* forgotten */
	assert_true(together_has_rung());
	assert_int_equal(ask_elsewhere(8, asked_us), TOGETHER_LEAD);
	assert_true(together_hold(key_of(8), 40000));
	(void)together_end(key_of(8), &old);
	assert_int_equal(ask_elsewhere(8, asked_us), TOGETHER_DONE);
}

static void
what_began_before_is_not_new(void **state)
{
	struct timespec pause = { 0, 20000000 };
	int64_t asked_us = clock_mono_us();
	int64_t since_ms;

	(void)state;
	(void)nanosleep(&pause, NULL);
	since_ms = cache_now_ms();
	(void)nanosleep(&pause, NULL);
	together_offer(key_of(2), 40000,
	    &(struct together_result){ .data = "old",
		.len = 3,
		.serves_us = clock_mono_us() });
	assert_int_equal(ask(2, asked_us, 0), TOGETHER_DONE);
	assert_int_equal(ask(2, asked_us, since_ms), TOGETHER_DONE);
	assert_int_equal(ask(2, asked_us, -since_ms), TOGETHER_LEAD);
	(void)end(2, "new");
	assert_int_equal(ask(2, asked_us, -since_ms), TOGETHER_DONE);
	assert_string_equal(buf_cstr(&out), "new");
}

static void
few_lead_and_the_oldest_is_next(void **state)
{
	int64_t asked_us = clock_mono_us();

	(void)state;
	together_limit(1);
	assert_int_equal(ask(3, asked_us, 0), TOGETHER_LEAD);
	assert_int_equal(ask_elsewhere(4, asked_us), TOGETHER_WAIT);
	assert_int_equal(ask_elsewhere(5, asked_us), TOGETHER_WAIT);
	assert_true(together_must_wait(key_of(4)));
	assert_true(together_must_wait(key_of(5)));
	/* A value inside the value takes no further place. */
	assert_int_equal(ask(6, asked_us, 0), TOGETHER_LEAD);
	(void)end(6, "inner");
	assert_true(together_must_wait(key_of(4)));
	assert_true(end(3, "outer"));
	assert_false(together_must_wait(key_of(4)));
	assert_true(together_must_wait(key_of(5)));
	/* The place is kept for it. */
	assert_int_equal(ask_elsewhere(7, asked_us), TOGETHER_WAIT);
	assert_int_equal(ask_elsewhere(4, asked_us), TOGETHER_LEAD);
	assert_false(together_must_wait(key_of(5)));
	assert_int_equal(ask_elsewhere(5, asked_us), TOGETHER_LEAD);
	assert_int_equal(ask_elsewhere(7, asked_us), TOGETHER_LEAD);
}

static void
a_place_that_nobody_takes_goes_on(void **state)
{
	struct timespec pause = { 0, 300000000 };
	int64_t asked_us = clock_mono_us();

	(void)state;
	together_limit(1);
	assert_int_equal(ask(8, asked_us, 0), TOGETHER_LEAD);
	assert_int_equal(ask_elsewhere(9, asked_us), TOGETHER_WAIT);
	(void)end(8, "x");
	assert_int_equal(ask(10, asked_us, 0), TOGETHER_WAIT);
	(void)nanosleep(&pause, NULL);
	assert_false(together_must_wait(key_of(10)));
	assert_int_equal(ask(10, asked_us, 0), TOGETHER_LEAD);
	(void)end(10, "x");
}

/* Its thread may come back all the same, when another one has crashed. */
static void
what_is_lost_has_failed(void **state)
{
	uint8_t keys[2][CACHE_KEY_LEN];
	int64_t asked_us = clock_mono_us();

	(void)state;
	together_limit(1);
	assert_int_equal(ask(11, asked_us, 0), TOGETHER_LEAD);
	assert_int_equal(ask(12, asked_us, 0), TOGETHER_LEAD);
	assert_int_equal(ask(16, asked_us, 0), TOGETHER_LEAD);
	assert_int_equal(ask_elsewhere(12, asked_us), TOGETHER_WAIT);
	assert_int_equal(ask_elsewhere(16, asked_us), TOGETHER_WAIT);
	assert_int_equal(together_lost(key_of(13), "gone", keys, 2), 0);
	assert_int_equal(together_lost(key_of(11), "gone", keys, 2), 2);
	assert_memory_equal(keys[1], key_of(12), CACHE_KEY_LEN);
	assert_false(together_must_wait(key_of(12)));
	/* More than there is room to tell of. */
	assert_false(together_must_wait(key_of(16)));
	assert_int_equal(ask_elsewhere(16, asked_us), TOGETHER_ERROR);
	assert_int_equal(ask_elsewhere(12, asked_us), TOGETHER_ERROR);
	assert_int_equal(ask_elsewhere(14, asked_us), TOGETHER_LEAD);
	assert_false(end(12, "late"));
	assert_false(end(16, "late"));
	assert_false(end(11, NULL));
	assert_int_equal(ask(12, asked_us, 0), TOGETHER_ERROR);
	assert_string_equal(buf_cstr(&out), "gone");
	assert_int_equal(ask(15, asked_us, 0), TOGETHER_LEAD);
	(void)end(15, "x");
}

static int64_t
time_of_many(unsigned first, unsigned count)
{
	int64_t since_us = clock_mono_us();
	unsigned i;

	for (i = first; i < first + count; i++) {
		assert_int_equal(ask(i, clock_mono_us(), 0), TOGETHER_LEAD);
		(void)end(i, "0123456789");
	}
	return clock_mono_us() - since_us;
}

static void
many_results_cost_no_time(void **state)
{
	int64_t us;

	(void)state;
	(void)time_of_many(100, 40000);
	us = time_of_many(100000, 2000);
	print_message("%.2f us each\n", (double)us / 2000);
	assert_in_range(us, 0, 2000 * 30); /* a walk took 500 */
	/* When nothing is left in the queue, none is kept. */
	assert_int_equal(ask(101999, 0, 0), TOGETHER_DONE);
	together_sweep(clock_mono_us() + 3000000);
	assert_int_equal(ask(101999, 0, 0), TOGETHER_LEAD);
	(void)end(101999, NULL);
}

/* ---- a thread that could not open the store ---- */

static int memo_runs;

static enum ph_status
counted(struct ph_call *call)
{
	memo_runs++;
	return ph_return(call, ph_arg(call, 0));
}

static void *
lead_for_ever(void *key)
{
	struct buf found = BUF_EMPTY;
	int64_t until_us;

	assert_int_equal(
	    together_join(key, clock_mono_us(), 0, &found, &until_us),
	    TOGETHER_LEAD);
	return NULL;
}

static void
without_a_connection_one_computes_for_all(void **state)
{
	static struct app_fixture fixture;
	const struct value *args;
	struct buf encoded = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];
	struct bell bell;
	struct call call;
	pthread_t thread;

	(void)state;
	fixture_init(&fixture);
	ph_memoize(fixture_ph(&fixture), counted, .timeout = 60);
	args = fixture_json(&fixture, "[21]");
	assert_int_equal(encode_value(args, &encoded), 0);
	assert_int_equal(memo_key_of(&fixture.kit,
			     app_find_function(fixture.app, counted), false,
			     encoded.data, encoded.len, key),
	    0);
	bell_init(&bell);
	fixture.kit.bell = &bell; /* one of the pool's threads */
	assert_null(fixture.kit.cache);
	assert_int_equal(pthread_create(&thread, NULL, lead_for_ever, key), 0);
	(void)pthread_join(thread, NULL);
	call_init(&call, &fixture.kit, &fixture.arena, CALL_CALLBACK, "cb",
	    NULL);
	call_enter(&call);
	assert_null(ph_memo((struct ph_call *)(void *)&call, counted,
	    host_give(&args->u.items[0])));
	assert_true(call.waits);
	assert_false(call.failed);
	assert_int_equal(memo_runs, 0);
	call_leave(&call);
	call_fini(&call);
	buf_free(&encoded);
	bell_fini(&bell);
	fixture_fini(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(one_leads_and_the_others_wait,
		    teardown),
		cmocka_unit_test_teardown(
		    a_result_serves_those_who_came_in_time, teardown),
		cmocka_unit_test_teardown(what_began_before_is_not_new,
		    teardown),
		cmocka_unit_test_teardown(few_lead_and_the_oldest_is_next,
		    teardown),
		cmocka_unit_test_teardown(a_place_that_nobody_takes_goes_on,
		    teardown),
		cmocka_unit_test_teardown(what_is_lost_has_failed, teardown),
		cmocka_unit_test_teardown(many_results_cost_no_time, teardown),
		cmocka_unit_test_teardown(
		    without_a_connection_one_computes_for_all, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
