/* SPDX-License-Identifier: MIT */
#ifndef TEST_WORKER_DATA_FIXTURE_H
#define TEST_WORKER_DATA_FIXTURE_H

#include "test/unit/worker/app_fixture.h"

/*
 * An app with databases, in a call that may ask them. Each test has its own:
 *
 *   data_init(); ph_database(fixture_ph(&fixture), ...); data_enter();
 *
 * and data_leave() at its end.
 */
static struct app_fixture fixture;
static struct call call;
static struct ph_call *ph;

static inline void
data_init(void)
{
	fixture_init(&fixture);
}

static inline void
data_enter(void)
{
	fixture_open_data(&fixture);
	ph = fixture_enter(&fixture, &call);
}

static inline int
data_leave(void **state)
{
	(void)state;
	fixture_leave(&fixture, &call);
	return 0;
}

/* What should have failed, and how; the call goes on. */
static inline void
data_check_failed(const struct ph_value *value, const char *error)
{
	assert_true(ph_is_null(value));
	assert_true(call.failed);
	assert_string_equal(call.error, error);
	call.failed = false;
	call.error[0] = '\0';
}

#define DATA_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, data_leave)

#endif
