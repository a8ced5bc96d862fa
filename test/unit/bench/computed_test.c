/* SPDX-License-Identifier: MIT */

/*
 * Lines of a log that say that something was computed.
 */
#include "test/bench/computed.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
append(const char *path, const char *text)
{
	FILE *file = fopen(path, "ae");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void
test_counts_what_comes(void **state)
{
	char path[] = "/tmp/ph-computed-XXXXXX";
	int fd = mkstemp(path);
	struct computed computed;
	struct computed other;
	char text[64];

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	append(path, "Computing value with figs\nother\n");
	assert_int_equal(computed_start(&computed, path), 0);
	(void)snprintf(text, sizeof(text), "%s:other: line", path);
	assert_int_equal(computed_start(&other, text), 0);
	assert_int_equal(computed_count(&computed), 0);
	append(path, "pid=7 Computing value with apples\nnot this\n"
		     "other: line\nComputing value with x");
	assert_int_equal(computed_count(&computed), 2);
	assert_int_equal(computed_count(&other), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(computed_count(&computed), 0);
}

static void
test_a_file_that_is_not_there(void **state)
{
	char path[] = "/tmp/ph-computed-XXXXXX";
	int fd = mkstemp(path);
	struct computed computed;

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(computed_start(&computed, path), -ENOENT);
	append(path, "Computing value with figs\n");
	assert_int_equal(computed_start(&computed, path), 0);
	assert_int_equal(unlink(path), 0);
}

static void
test_refused(void **state)
{
	struct computed computed;

	(void)state;
	assert_int_equal(computed_start(&computed, ""), -EINVAL);
	assert_int_equal(computed_start(&computed, ":word"), -EINVAL);
	assert_int_equal(computed_start(&computed, "file:"), -EINVAL);
	assert_int_equal(computed_start(&computed, "/dev/null/x"), -ENOTDIR);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts_what_comes),
		cmocka_unit_test(test_a_file_that_is_not_there),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
