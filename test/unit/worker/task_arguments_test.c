/* SPDX-License-Identifier: MIT */

/*
 * Arguments that a task has as they were read, beside those that are bytes; the
 * latter are what task_test.c has.
 */

#include "test/unit/worker/task_app.h"
#include "worker/json_read.h"
#include "worker/update.h"

/* As the loop hands on a request that was small. */
static struct task *
make_read_task(const char *arguments)
{
	struct task *task = make_task(TASK_CALLBACK, NULL);
	const char *why;
	struct value *read;
	const struct json_limits limits = { 8, 100, 100, false, false };

	arena_init_sized(&task->tree, 0, 1000);
	assert_int_equal(json_read(arguments, strlen(arguments), &limits,
			     &task->tree, &read, &why),
	    0);
	task->args = read;
	task->said = value_array(&task->tree, UPDATE_ABOUT_COUNT);
	return task;
}

static void
arguments_as_they_were_read(void **state)
{
	struct task *task = make_read_task("[2,{\"b\":1,\"a\":[]}]");

	(void)state;
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("[2,{\"b\":1,\"a\":[]}]"));
	task_free(task);
}

static void
who_waits_keeps_bytes(void **state)
{
	struct task *task = make_read_task("[\"wait\",0]");

	(void)state;
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_WAITS);
	assert_null(task->args);
	assert_null(task->tree.blocks);
	provide_twice_of_four();
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("8"));
	task_free(task);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(arguments_as_they_were_read),
		TEST(who_waits_keeps_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
