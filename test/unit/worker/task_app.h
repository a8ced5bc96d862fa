/* SPDX-License-Identifier: MIT */
#ifndef TEST_WORKER_TASK_APP_H
#define TEST_WORKER_TASK_APP_H

#include "test/unit/worker/app_fixture.h"

#include <errno.h>
#include <math.h>

#include "server/base/clock.h"
#include "worker/memo.h"
#include "worker/packed.h"
#include "worker/task.h"

/*
 * An app whose functions do what their argument says, and short forms of
 * what every test of a task does. One test program includes this.
 */
static struct app_fixture fixture;
static int runs; /* of app functions */

/* ---- the app ---- */

static inline enum ph_status
twice(struct ph_call *call)
{
	runs++;
	return ph_return(call, ph_int(2 * ph_int_of(ph_arg(call, 0))));
}

static const struct ph_component_type div_type = { "s", "Div", NULL, 0 };

/* What it does is its argument. */
static inline enum ph_status
function(struct ph_call *call)
{
	const char *what = ph_text_of(ph_arg(call, 0));
	const struct ph_value *value;

	runs++;
	if (strcmp(what, "fail") == 0)
		return ph_fail(call, "bad luck");
	if (strcmp(what, "component") == 0)
		return ph_return(call, ph_component_new(&div_type, NULL));
	if (strcmp(what, "nan") == 0)
		return ph_return(call,
		    PH_LIST(ph_number(NAN), ph_number(-INFINITY),
			PH_OBJECT({ "x", ph_number(INFINITY) })));
	if (strcmp(what, "same name") == 0)
		return ph_return(call,
		    PH_OBJECT({ "x", ph_int(1) }, { "x", ph_int(2) }));
	if (strcmp(what, "wait") == 0) {
		value = ph_memo(call, twice, ph_int(4));
		return value != NULL ? ph_return(call, value) : PH_WAIT;
	}
	if (strcmp(what, "self") == 0) {
		value = ph_memo(call, function, ph_arg(call, 0));
		return value != NULL ? ph_return(call, value) : PH_WAIT;
	}
	return ph_return(call, ph_arg(call, 0));
}

static inline enum ph_status
callback(struct ph_call *call)
{
	const struct ph_value *input = ph_input(call, "in.value");
	const char *what = ph_text_of(input);
	const struct ph_value *value;

	runs++;
	if (strcmp(what, "fail") == 0)
		return ph_fail(call, "bad luck");
	if (strcmp(what, "fail amid") == 0) {
		ph_scratch_begin(call);
		return ph_fail(call, "bad luck");
	}
	if (strcmp(what, "error") == 0)
		return PH_ERROR;
	if (strcmp(what, "none") == 0)
		return PH_OK;
	if (strcmp(what, "no update") == 0) {
		ph_output(call, "out.x", ph_int(1));
		return PH_NO_UPDATE;
	}
	if (strcmp(what, "forget") == 0) {
		(void)ph_input(call, "no.such");
		return PH_OK; /* the mistake counts all the same */
	}
	if (strcmp(what, "stuck") == 0)
		return PH_WAIT;
	if (strcmp(what, "utf8") == 0)
		return ph_output(call, "out.x", ph_text("\xff"));
	if (strcmp(what, "large") == 0) {
		while (!ph_is_null(ph_textf("%01000000d", 1)))
			continue;
		return PH_OK;
	}
	if (strcmp(what, "wait") == 0) {
		value = ph_memo(call, twice, ph_int(4));
		if (value == NULL)
			return PH_WAIT;
		return ph_output(call, "out.x", value);
	}
	return ph_output(call, "out.x",
	    PH_LIST(input, ph_input(call, "s.data")));
}

static const struct ph_value *(*page)(struct ph_call *call);

static inline const struct ph_value *
page_any(struct ph_call *call)
{
	return page(call);
}

static inline const struct ph_value *
page_good(struct ph_call *call)
{
	(void)call;
	return ph_component_new(&div_type, NULL);
}

static inline const struct ph_value *
page_none(struct ph_call *call)
{
	(void)call;
	return NULL;
}

static inline const struct ph_value *
page_not_utf8(struct ph_call *call)
{
	(void)call;
	return ph_text("\xc0");
}

static inline const struct ph_value *
page_fails(struct ph_call *call)
{
	ph_fail(call, "no page today");
	return ph_text("x");
}

static inline const struct ph_value *
page_waits(struct ph_call *call)
{
	return ph_memo(call, twice, ph_int(4));
}

/* ---- helpers ---- */

static inline int
set_up(void **state)
{
	struct ph_app *app;

	(void)state;
	fixture_init(&fixture);
	app = fixture_ph(&fixture);
	ph_layout(app, page_any);
	ph_memoize(app, twice, .timeout = 60);
	ph_memoize(app, function, .timeout = 60);
	ph_callback(app, callback, PH_OUTPUT("out.x"), PH_INPUT("in.value"),
	    PH_STATE("s.data"), .memoize = true, .timeout = 60);
	fixture_open_cache(&fixture);
	runs = 0;
	return 0;
}

static inline int
tear_down(void **state)
{
	(void)state;
	fixture_fini(&fixture);
	return 0;
}

static inline struct task *
make_task(enum task_kind kind, const char *arguments)
{
	struct task *task = task_new(kind);

	assert_non_null(task);
	assert_int_equal(task->kind, kind);
	if (arguments != NULL)
		assert_int_equal(encode_value(fixture_json(&fixture, arguments),
				     &task->arguments),
		    0);
	if (kind == TASK_CALLBACK || kind == TASK_ANSWER) {
		task->callback = fixture.app->callbacks[0];
		task->computation = &task->callback->computation;
		assert_int_equal(memo_key_of(&fixture.kit, task->computation,
				     true, task->arguments.data,
				     task->arguments.len, task->key),
		    0);
	}
	return task;
}

/* The body of a finished answer. */
static inline void
check_packed(const struct buf *bytes, const char *want)
{
	struct packed packed;

	assert_true(packed_open(bytes->data, bytes->len, &packed));
	assert_int_equal(packed.plain_len, strlen(want));
	assert_memory_equal(packed.plain, want, strlen(want));
}

static inline void
check_response(struct task *task, const char *want)
{
	assert_int_equal(task->outcome, TASK_DONE);
	if (task->kind == TASK_CALLBACK || task->kind == TASK_LAYOUT)
		assert_string_equal(buf_cstr(&task->response), want);
	else
		check_packed(&task->response, want);
}

static inline void
check_failed(struct task *task, const char *error)
{
	assert_int_equal(task->outcome, TASK_FAILED);
	assert_string_equal(task->error, error);
}

/* What another worker finds under a key. */
static inline void
check_stored(const uint8_t key[CACHE_KEY_LEN], enum cache_format want_format,
    const char *want)
{
	enum cache_format format;
	struct buf bytes = BUF_EMPTY;
	struct value *value = NULL;

	assert_int_equal(cache_lookup(fixture.other, key, &bytes, &format),
	    CACHE_HIT);
	assert_int_equal(format, want_format);
	if (format == CACHE_FORMAT_RESPONSE) {
		check_packed(&bytes, want);
	} else {
		assert_int_equal(encode_decode(bytes.data, bytes.len,
				     &fixture.arena, &value),
		    0);
		fixture_check(value, want);
	}
	buf_free(&bytes);
}

static inline void
check_not_stored(const uint8_t key[CACHE_KEY_LEN], int state)
{
	enum cache_format format;
	struct buf bytes = BUF_EMPTY;

	assert_int_equal(cache_lookup(fixture.other, key, &bytes, &format),
	    CACHE_MISS);
	assert_int_equal(cache_state(fixture.other, key, NULL), state);
	buf_free(&bytes);
}

/* The other worker asks for a function's value, so that a row is wanted. */
static inline void
want(const char *name, const char *arguments, uint8_t key[CACHE_KEY_LEN])
{
	const struct callback *unused;
	const struct computation *computation =
	    app_find_computation(fixture.app, name, &unused);
	struct computation unknown = { .name = NULL };
	struct buf encoded = BUF_EMPTY;
	char copy[64];

	if (computation == NULL) {
		(void)snprintf(copy, sizeof(copy), "%s", name);
		unknown.name = copy;
		computation = &unknown;
	}
	assert_int_equal(
	    encode_value(fixture_json(&fixture, arguments), &encoded), 0);
	assert_int_equal(memo_key_of(&fixture.kit, computation, unused != NULL,
			     encoded.data, encoded.len, key),
	    0);
	assert_int_equal(cache_ask(fixture.other, key, name, encoded.data,
			     encoded.len, NULL, NULL),
	    CACHE_WANTED_NEW);
	buf_free(&encoded);
}

/* Claim the oldest wanted row for this worker. */
static inline struct task *
claim_task(void)
{
	struct task *task = make_task(TASK_COMPUTE, NULL);

	assert_int_equal(cache_claim_next(fixture.kit.cache, &task->claim), 0);
	return task;
}

/* Make the value that `wait` waits for. */
static inline void
provide_twice_of_four(void)
{
	struct task *task = claim_task();

	assert_true(task_adopt(task, &fixture.kit));
	assert_string_equal(task->computation->name, "twice");
	task_run(task, &fixture.kit);
	assert_int_equal(task->outcome, TASK_DONE);
	task_free(task);
}

#define RESPONSE(text) \
	"{\"multi\":true,\"response\":{\"out\":{\"x\":" text "}}}"

#endif
