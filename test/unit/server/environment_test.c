/* SPDX-License-Identifier: MIT */

/* Variables come, go, and come back as they were. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/environment.h"

static int
apply(const char *const *items, size_t count)
{
	const struct opt_list list = { items, count };
	struct buf why = BUF_EMPTY;
	int rc = environment_apply(&list, &why);

	assert_int_equal(why.len > 0, rc < 0);
	buf_free(&why);
	return rc;
}

static void
variables_are_taken_back(void **state)
{
	static const char *const first[] = { "PH_OLD=new", "PH_NEW=1",
		"PH_NEW=a=b", "PH_EMPTY=" };
	static const char *const second[] = { "PH_OTHER=2" };

	(void)state;
	assert_int_equal(setenv("PH_OLD", "old", 1), 0);
	(void)unsetenv("PH_NEW");
	assert_int_equal(apply(first, 4), 0);
	assert_string_equal(getenv("PH_OLD"), "new");
	assert_string_equal(getenv("PH_NEW"), "a=b");
	assert_string_equal(getenv("PH_EMPTY"), "");
	assert_int_equal(apply(second, 1), 0);
	assert_string_equal(getenv("PH_OLD"), "old");
	assert_null(getenv("PH_NEW"));
	assert_null(getenv("PH_EMPTY"));
	assert_string_equal(getenv("PH_OTHER"), "2");
	assert_int_equal(apply(NULL, 0), 0);
	assert_null(getenv("PH_OTHER"));
}

static void
what_is_no_variable_is_refused(void **state)
{
	static const char *const wrong[][2] = { { "PH_NEW=1", "NOVALUE" },
		{ "PH_NEW=1", "=x" }, { "PH_NEW=1", "" } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(apply(wrong[i], 2), ERR_SYNTAX);
		assert_int_equal(apply(NULL, 0), 0);
		assert_null(getenv("PH_NEW"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables_are_taken_back),
		cmocka_unit_test(what_is_no_variable_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
