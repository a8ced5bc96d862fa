/* SPDX-License-Identifier: MIT */

/*
 * Wrong answers are found, right ones are not accused.
 */
#include "test/bench/oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct oracle oracle;

static enum oracle_verdict
check(const char *request, const char *answer)
{
	return oracle_check(&oracle, request, strlen(request), answer,
	    strlen(answer), NULL);
}

static int
forget(void **state)
{
	(void)state;
	oracle_free(&oracle);
	return 0;
}

static void
nothing_asked(void **state)
{
	(void)state;
	assert_int_equal(check("a", "1"), ORACLE_UNKNOWN);
	assert_int_equal(check("a", "2"), ORACLE_UNKNOWN);
	assert_int_equal(oracle.wrong, 0);
}

static void
same(void **state)
{
	(void)state;
	oracle.same = true;
	assert_int_equal(check("a", "1"), ORACLE_NEW);
	assert_int_equal(check("b", "2"), ORACLE_NEW);
	assert_int_equal(check("a", "1"), ORACLE_SAME);
	assert_int_equal(check("a", "2"), ORACLE_WRONG);
	assert_int_equal(check("a", "11"), ORACLE_WRONG);
	assert_int_equal(check("b", "2"), ORACLE_SAME);
	assert_int_equal(oracle.wrong, 2);
	assert_int_equal(oracle.entries, 2);
	assert_non_null(strstr(oracle.example, "request: a"));
}

/* Two numbers of eight bytes are 24 characters with two at the end empty. */
static void
points(void **state)
{
	static const char two[] =
	    "{\"figure\":{\"data\":[{\"x\":{\"dtype\":\"f8\",\"bdata\":"
	    "\"AAAAAAAAAAAAAAAAAAAAAA==\"},\"y\":[1,2]}]}}";
	static const char three[] =
	    "{\"figure\":{\"data\":[{\"x\":[1,2,3],\"y\":[1,2,3]}]}}";
	static const char uneven[] =
	    "{\"figure\":{\"data\":[{\"x\":[1,2],\"y\":[1]}]}}";
	static const char none[] = "{\"figure\":{\"data\":[]}}";

	(void)state;
	assert_int_equal(oracle_set_points(&oracle, "a=2,b=3"), 0);
	assert_int_equal(check("{\"value\":\"a\"}", two), ORACLE_NEW);
	assert_int_equal(check("{\"value\":\"b\"}", three), ORACLE_NEW);
	assert_int_equal(check("{\"value\":\"b\",\"n\":1}", two), ORACLE_WRONG);
	assert_int_equal(check("{\"value\":\"a\",\"n\":2}", three),
	    ORACLE_WRONG);
	assert_int_equal(check("{\"value\":\"a\",\"n\":3}", uneven),
	    ORACLE_WRONG);
	assert_int_equal(check("{\"value\":\"a\",\"n\":4}", none),
	    ORACLE_WRONG);
	assert_int_equal(check("{\"value\":\"c\"}", two), ORACLE_NEW);
	assert_int_equal(check("{\"value\":\"a\",\"n\":5}", "{\"signal\":1}"),
	    ORACLE_NEW);
	assert_int_equal(oracle.wrong, 4);
	assert_true(oracle_set_points(&oracle, "a") < 0);
	assert_true(oracle_set_points(&oracle, "a=x") < 0);
	assert_true(oracle_set_points(&oracle, "=1") < 0);
}

static void
files(void **state)
{
	char path[] = "/tmp/oracle-test-XXXXXX";
	unsigned line;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	oracle.same = true;
	assert_int_equal(check("{\"a\":\"\\\"\"}", "{\"b\":\"\xc3\xa4\"}"),
	    ORACLE_NEW);
	assert_int_equal(check("c", "d\n"), ORACLE_NEW);
	assert_int_equal(oracle_write(&oracle, path), 0);
	oracle_free(&oracle);
	assert_int_equal(oracle_read(&oracle, path, &line), 0);
	assert_int_equal(oracle.entries, 2);
	assert_int_equal(check("{\"a\":\"\\\"\"}", "{\"b\":\"\xc3\xa4\"}"),
	    ORACLE_SAME);
	assert_int_equal(check("c", "d"), ORACLE_WRONG);
	assert_int_equal(check("e", "f"), ORACLE_UNKNOWN);
	assert_int_equal(check("e", "g"), ORACLE_UNKNOWN);
	assert_int_equal(oracle.unknown, 2);
	(void)unlink(path);
	assert_true(oracle_read(&oracle, path, &line) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_asked, forget),
		cmocka_unit_test_setup(same, forget),
		cmocka_unit_test_setup(points, forget),
		cmocka_unit_test_setup(files, forget),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
