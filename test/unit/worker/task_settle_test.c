/* SPDX-License-Identifier: MIT */

/*
 * For whom an answer is that was forgotten while it was made.
 */

#include "server/base/clock.h"
#include "test/unit/worker/task_app.h"

/* It is for nobody who waits: the row is computed again. */
static void
an_answer_that_is_forgotten_while_it_is_made(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[\"wait\",0]");
	int64_t before_us = clock_mono_us();

	(void)state;
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_WAITS);
	provide_twice_of_four();
	assert_int_equal(cache_forget(fixture.other, CACHE_GROUP_TAG, "x"), 0);
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("8"));
	assert_true(task->serves_us >= before_us);
	task_free(task);

	assert_int_equal(cache_forget(fixture.other, CACHE_GROUP_ALL, ""), 0);
	task = make_task(TASK_ANSWER, "[\"wait\",0]");
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_WAITS);
	provide_twice_of_four();
	assert_int_equal(cache_forget(fixture.other, CACHE_GROUP_FUNCTION,
			     task->computation->name),
	    0);
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("8"));
	assert_int_equal(task->serves_us, 0);
	assert_false(task->owned);
	check_not_stored(task->key, CACHE_WAITING);
	task_free(task);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_answer_that_is_forgotten_while_it_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
