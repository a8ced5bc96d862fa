/* SPDX-License-Identifier: MIT */

/*
 * Tasks of each kind with each outcome, run on this thread against a real
 * cache; another connection plays the other workers.
 */

#include "cache/now.h"
#include "test/unit/worker/task_app.h"

/* ---- callbacks ---- */

static void
callbacks(void **state)
{
	static const struct {
		const char *arguments;
		const char *response; /* or NULL */
		const char *error;
	} cases[] = {
		{ "[1,2]", RESPONSE("[1,2]"), NULL },
		{ "[null,{\"a\":[1]}]", RESPONSE("[null,{\"a\":[1]}]"), NULL },
		{ "[\"none\",0]", "", NULL },
		{ "[\"no update\",0]", "", NULL },
		{ "[\"fail\",0]", NULL, "bad luck" },
		{ "[\"error\",0]", NULL, "it returned PH_ERROR" },
		{ "[\"forget\",0]", NULL,
		    "ph_input(\"no.such\"): not an input or state of "
		    "callback" },
		{ "[\"stuck\",0]", NULL,
		    "PH_WAIT without a ph_memo() to wait for" },
		{ "[\"utf8\",0]", NULL,
		    "output out.x: a text is not valid UTF-8" },
		{ "[\"large\",0]", NULL,
		    "out of memory (limit_request_memory bounds a "
		    "call)" },
		{ "[1]", NULL, "stored data is damaged" },
		{ "[1,2,3]", NULL, "stored data is damaged" },
		{ "{\"a\":1,\"b\":2}", NULL, "stored data is damaged" },
		{ "7", NULL, "stored data is damaged" },
	};
	struct task *task;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		task = make_task(TASK_CALLBACK, cases[i].arguments);
		task_run(task, &fixture.kit);
		if (cases[i].response != NULL)
			check_response(task, cases[i].response);
		else
			check_failed(task, cases[i].error);
		check_not_stored(task->key, -ENOENT); /* nobody asked for it */
		task_free(task);
	}
}

static void
arguments_that_are_no_encoding(void **state)
{
	struct task *task = make_task(TASK_CALLBACK, NULL);

	(void)state;
	task_run(task, &fixture.kit);
	check_failed(task, "stored data is damaged");
	assert_int_equal(buf_puts(&task->arguments, "garbage!"), 0);
	task_run(task, &fixture.kit);
	check_failed(task, "stored data is damaged");
	assert_int_equal(runs, 0);
	task_free(task);
}

static void
a_callback_waits_and_runs_again(void **state)
{
	struct task *task = make_task(TASK_CALLBACK, "[\"wait\",0]");

	(void)state;
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_WAITS);
	assert_true(task->wanted_new);
	assert_int_equal(cache_state(fixture.other, task->wait_key, NULL),
	    CACHE_WAITING);
	task_run(task, &fixture.kit); /* not there yet */
	assert_int_equal(task->outcome, TASK_WAITS);
	assert_false(task->wanted_new);
	provide_twice_of_four();
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("8"));
	task_free(task);
}

/* ---- answers ---- */

static void
an_answer_is_owned_and_published(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[1,2]");

	(void)state;
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("[1,2]"));
	assert_false(task->owned);
	check_stored(task->key, CACHE_FORMAT_RESPONSE, RESPONSE("[1,2]"));
	assert_int_equal(cache_state(fixture.other, task->key, NULL),
	    CACHE_READY);
	task_free(task);
	task = make_task(TASK_ANSWER, "[1,2]");
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_THERE);
	assert_int_equal(runs, 1);
	task_free(task);
}

static void
an_empty_answer_is_stored_too(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[\"no update\",0]");

	(void)state;
	task_run(task, &fixture.kit);
	check_response(task, "");
	check_stored(task->key, CACHE_FORMAT_RESPONSE, "");
	task_free(task);
}

static void
an_answer_that_another_worker_makes(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[1,2]");
	struct cache_claim claim = { .epoch = 0 };

	(void)state;
	assert_int_equal(cache_ask(fixture.other, task->key,
			     task->computation->name, task->arguments.data,
			     task->arguments.len, &claim, NULL),
	    CACHE_OWNED);
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_ELSEWHERE);
	assert_int_equal(runs, 0);
	/* It is put back, so that it is wanted by nobody in particular. */
	assert_int_equal(cache_release(fixture.other, &claim), 0);
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_ELSEWHERE);
	cache_claim_free(&claim);
	task_free(task);
}

static void
a_failed_answer_is_kept_for_a_while(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[\"fail\",0]");
	struct buf error = BUF_EMPTY;

	(void)state;
	task_run(task, &fixture.kit);
	check_failed(task, "bad luck");
	assert_false(task->owned);
	assert_int_equal(cache_state(fixture.other, task->key, &error),
	    CACHE_FAILED);
	assert_string_equal(buf_cstr(&error), "bad luck");
	task_free(task);
	task = make_task(TASK_ANSWER, "[\"fail\",0]");
	task_run(task, &fixture.kit);
	check_failed(task, "bad luck");
	assert_int_equal(runs, 1); /* told, not tried again */
	buf_free(&error);
	task_free(task);
}

static enum ph_status
explain(struct ph_call *call)
{
	return ph_output(call, "out.x", ph_text(ph_error(call)));
}

/* It says what went wrong, and is there no longer than the error would be. */
static void
an_answer_in_the_place_of_an_error(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[\"fail\",0]");

	(void)state;
	fixture.cache_options.compute_error_timeout = 0.05;
	fixture.app->on_error = explain;
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("\"bad luck\""));
	check_stored(task->key, CACHE_FORMAT_RESPONSE,
	    RESPONSE("\"bad luck\""));
	while (cache_state(fixture.other, task->key, NULL) == CACHE_READY)
		(void)usleep(5000);
	check_not_stored(task->key, -ENOENT);
	task_free(task);
	/* An older answer that still serves is not written over. */
	task = make_task(TASK_ANSWER, "[\"fail\",0]");
	task->renew = true;
	task->since_ms = cache_now_ms();
	task_run(task, &fixture.kit);
	check_failed(task, "bad luck");
	task_free(task);
}

static enum ph_status
end_what_is_not_begun(struct ph_call *call)
{
	ph_scratch_end(call);
	return explain(call);
}

/* A scratch that the callback has left open is not the handler's. */
static void
an_error_amid_a_scratch(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[\"fail amid\",0]");

	(void)state;
	fixture.app->on_error = end_what_is_not_begun;
	task_run(task, &fixture.kit);
	check_failed(task, "ph_scratch_end() without a ph_scratch_begin()");
	task_free(task);
	fixture.cache_options.compute_error_timeout = 0;
	fixture.app->on_error = explain;
	task = make_task(TASK_ANSWER, "[\"fail amid\",1]");
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("\"bad luck\""));
	task_free(task);
}

static void
an_answer_keeps_its_row_while_it_waits(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[\"wait\",0]");

	(void)state;
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_WAITS);
	assert_true(task->owned);
	check_not_stored(task->key, CACHE_WAITING);
	provide_twice_of_four();
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("8"));
	assert_false(task->owned);
	check_stored(task->key, CACHE_FORMAT_RESPONSE, RESPONSE("8"));
	task_free(task);
}

static void
answers_without_the_store(void **state)
{
	struct task *task = make_task(TASK_ANSWER, "[1,2]");

	(void)state;
	memo_store_failed(&fixture.kit);
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("[1,2]"));
	check_not_stored(task->key, -ENOENT);
	task_free(task);
	fixture.inline_until_ms = 0;
	cache_close(&fixture.kit.cache);
	task = make_task(TASK_ANSWER, "[\"wait\",0]");
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("8")); /* computed on the way */
	assert_false(task->owned);
	task_free(task);
}

/* ---- computations ---- */

static void
a_computation_is_adopted_and_published(void **state)
{
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;

	(void)state;
	want("function", "[\"hello\"]", key);
	task = claim_task();
	assert_memory_equal(task->claim.key, key, CACHE_KEY_LEN);
	assert_true(task_adopt(task, &fixture.kit));
	assert_true(task->owned);
	assert_null(task->callback);
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_DONE);
	assert_false(task->owned);
	check_stored(key, CACHE_FORMAT_VALUE, "\"hello\"");
	assert_true(fd_event_drain(fixture.wake_fds[1]) > 0); /* who asked */
	task_free(task);
}

static void
an_answer_is_computed_for_others(void **state)
{
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;

	(void)state;
	want("callback:out.x", "[3,4]", key);
	task = claim_task();
	assert_true(task_adopt(task, &fixture.kit));
	assert_ptr_equal(task->callback, fixture.app->callbacks[0]);
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_DONE);
	check_stored(key, CACHE_FORMAT_RESPONSE, RESPONSE("[3,4]"));
	task_free(task);
}

static void
what_is_no_number_is_stored_as_null(void **state)
{
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;

	(void)state;
	want("function", "[\"nan\"]", key);
	task = claim_task();
	assert_true(task_adopt(task, &fixture.kit));
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_DONE);
	check_stored(key, CACHE_FORMAT_VALUE, "[null,null,{\"x\":null}]");
	task_free(task);
}

static void
failed_computations(void **state)
{
	static const struct {
		const char *arguments;
		const char *error;
	} cases[] = {
		{ "[\"fail\"]", "bad luck" },
		{ "[]", "ph_arg(0): function was given 0 arguments" },
		{ "[\"component\"]",
		    "its result cannot be stored: a component cannot be "
		    "stored" },
		{ "[\"same name\"]",
		    "PH_OBJECT(): the name \"x\" stands twice" },
		{ "[\"self\"]", "the value depends on itself" },
		{ "{\"no\":\"array\"}", "stored data is damaged" },
	};
	struct buf error = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		want("function", cases[i].arguments, key);
		task = claim_task();
		assert_true(task_adopt(task, &fixture.kit));
		task_run(task, &fixture.kit);
		check_failed(task, cases[i].error);
		assert_false(task->owned);
		assert_int_equal(cache_state(fixture.other, key, &error),
		    CACHE_FAILED);
		assert_string_equal(buf_cstr(&error), cases[i].error);
		task_free(task);
	}
	buf_free(&error);
}

static void
a_computation_waits_for_another(void **state)
{
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;

	(void)state;
	want("function", "[\"wait\"]", key);
	task = claim_task();
	assert_true(task_adopt(task, &fixture.kit));
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_WAITS);
	assert_true(task->owned);
	assert_true(task->wanted_new);
	check_not_stored(key, CACHE_WAITING);
	provide_twice_of_four();
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_DONE);
	check_stored(key, CACHE_FORMAT_VALUE, "8");
	task_free(task);
}

/* A row of a server with another app: it fails, nobody waits for ever. */
static void
an_unknown_function_fails_its_row(void **state)
{
	struct buf error = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;

	(void)state;
	want("nobody_knows", "[1]", key);
	task = claim_task();
	assert_false(task_adopt(task, &fixture.kit));
	assert_false(task->owned);
	assert_int_equal(cache_state(fixture.other, key, &error), CACHE_FAILED);
	assert_string_equal(buf_cstr(&error),
	    "the app has no such memoized function");
	buf_free(&error);
	task_free(task);
}

/* The row was taken over meanwhile: the late value is dropped. */
static void
a_late_value_is_not_published(void **state)
{
	struct cache_claim theirs = { .epoch = 0 };
	uint8_t key[CACHE_KEY_LEN];
	struct task *task;
	unsigned count = 0;

	(void)state;
	want("function", "[\"mine\"]", key);
	task = claim_task();
	assert_true(task_adopt(task, &fixture.kit));
	assert_int_equal(cache_release_owner(fixture.other, 101, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(cache_claim_next(fixture.other, &theirs), 0);
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_DONE);
	assert_false(task->owned);
	check_not_stored(key, CACHE_WAITING);
	assert_false(memo_store_is_failing(&fixture.kit)); /* no failure */
	assert_int_equal(cache_publish(fixture.other, &theirs,
			     CACHE_FORMAT_VALUE, "\1", 1, -1),
	    0);
	check_stored(key, CACHE_FORMAT_VALUE, "null");
	cache_claim_free(&theirs);
	task_free(task);
}

/* ---- parsing ---- */

static void
a_body_is_parsed_off_the_loop(void **state)
{
	static const char head[] =
	    "{\"output\":\"out.x\",\"outputs\":{\"id\":\"out\",\"property\":"
	    "\"x\"},\"inputs\":[{\"id\":\"in\",\"property\":\"value\","
	    "\"value\":";
	static const char tail[] =
	    "}],\"state\":[{\"id\":\"s\",\"property\":\"data\",\"value\":7}]}";
	struct task *task = make_task(TASK_PARSE, NULL);

	(void)state;
	assert_int_equal(buf_printf(&task->arguments, "%s\"a\"%s", head, tail),
	    0);
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_DONE);
	assert_int_equal(task->status, 0);
	assert_ptr_equal(task->callback, fixture.app->callbacks[0]);
	/* What it left is what a callback task takes. */
	task->kind = TASK_CALLBACK;
	task_run(task, &fixture.kit);
	check_response(task, RESPONSE("[\"a\",7]"));
	task_free(task);
}

static void
refused_bodies_have_a_status(void **state)
{
	static const struct {
		const char *body;
		int status;
	} cases[] = {
		{ "", 400 },
		{ "{", 400 },
		{ "[]", 400 },
		{ "{\"output\":\"no.such\"}", 500 },
		{ "{\"output\":\"out.x\"}", 400 },
		{ "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 413 },
	};
	struct task *task;
	size_t i;

	(void)state;
	fixture.options.limit_json_nodes = 20;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		task = make_task(TASK_PARSE, NULL);
		assert_int_equal(buf_puts(&task->arguments, cases[i].body), 0);
		task_run(task, &fixture.kit);
		assert_int_equal(task->outcome, TASK_FAILED);
		assert_int_equal(task->status, cases[i].status);
		assert_true(strlen(task->error) > 5);
		task_free(task);
	}
}

/* ---- pages ---- */

static void
pages(void **state)
{
	static const struct {
		const struct ph_value *(*page)(struct ph_call *call);
		const char *response; /* or NULL */
		const char *error;
	} cases[] = {
		{ page_good,
		    "{\"props\":{},\"type\":\"Div\",\"namespace\":"
		    "\"s\"}",
		    NULL },
		{ page_none, NULL, "the layout function returned NULL" },
		{ page_not_utf8, NULL, "a text is not valid UTF-8" },
		{ page_fails, NULL, "no page today" },
	};
	struct task *task;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		page = cases[i].page;
		task = make_task(TASK_LAYOUT, NULL);
		task_run(task, &fixture.kit);
		if (cases[i].response != NULL)
			check_response(task, cases[i].response);
		else
			check_failed(task, cases[i].error);
		task_free(task);
	}
}

static void
a_blocking_page_may_wait(void **state)
{
	struct task *task = make_task(TASK_LAYOUT, NULL);

	(void)state;
	page = page_waits;
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_WAITS);
	assert_true(task->wanted_new);
	provide_twice_of_four();
	task_run(task, &fixture.kit);
	check_response(task, "8");
	task_free(task);
}

static void
a_page_on_the_loop_may_not(void **state)
{
	struct task task;

	(void)state;
	memset(&task, 0, sizeof(task));
	page = page_waits;
	fixture.kit.on_loop = true;
	task_layout(&task, &fixture.kit, NULL);
	assert_int_equal(task.outcome, TASK_FAILED);
	assert_non_null(strstr(task.error, ".blocking = true"));
	buf_free(&task.response);
}

static void
freeing_accepts_nothing(void **state)
{
	(void)state;
	task_free(NULL);
	task_free(make_task(TASK_LAYOUT, NULL));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(callbacks),
		TEST(arguments_that_are_no_encoding),
		TEST(a_callback_waits_and_runs_again),
		TEST(an_answer_is_owned_and_published),
		TEST(an_empty_answer_is_stored_too),
		TEST(an_answer_that_another_worker_makes),
		TEST(a_failed_answer_is_kept_for_a_while),
		TEST(an_answer_in_the_place_of_an_error),
		TEST(an_error_amid_a_scratch),
		TEST(an_answer_keeps_its_row_while_it_waits),
		TEST(answers_without_the_store),
		TEST(a_computation_is_adopted_and_published),
		TEST(an_answer_is_computed_for_others),
		TEST(what_is_no_number_is_stored_as_null),
		TEST(failed_computations),
		TEST(a_computation_waits_for_another),
		TEST(an_unknown_function_fails_its_row),
		TEST(a_late_value_is_not_published),
		TEST(a_body_is_parsed_off_the_loop),
		TEST(refused_bodies_have_a_status),
		TEST(pages),
		TEST(a_blocking_page_may_wait),
		TEST(a_page_on_the_loop_may_not),
		TEST(freeing_accepts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
