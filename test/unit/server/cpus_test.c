/* SPDX-License-Identifier: MIT */

/* Quotas of control groups, on a tree of our own. */
#include "server/cpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/cpus_test.XXXXXX";

static void
put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s%s", root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(0, fclose(file));
}

static int
setup(void **state)
{
	char path[256];

	(void)state;
	if (mkdtemp(root) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/a", root);
	if (mkdir(path, 0700) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/a/b", root);
	return mkdir(path, 0700);
}

static int
teardown(void **state)
{
	static const char *const names[] = { "/a/b/cpu.max", "/a/cpu.max",
		"/cpu.max", "/a/b", "/a", "" };
	char path[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", root, names[i]);
		(void)remove(path);
	}
	return 0;
}

static void
test_takes_the_smallest_quota_on_the_way_up(void **state)
{
	(void)state;
	assert_int_equal(8, cpus_quota(root, "/a/b", 8)); /* no files */
	put("/a/b/cpu.max", "max 100000\n");
	assert_int_equal(8, cpus_quota(root, "/a/b", 8));
	put("/a/cpu.max", "250000 100000\n");
	assert_int_equal(3, cpus_quota(root, "/a/b", 8)); /* rounded up */
	assert_int_equal(3, cpus_quota(root, "/a/b/", 8));
	assert_int_equal(2, cpus_quota(root, "/a/b", 2));
	put("/a/b/cpu.max", "50000 100000\n");
	assert_int_equal(1, cpus_quota(root, "/a/b", 8));
	assert_int_equal(3, cpus_quota(root, "/a", 8));
	assert_int_equal(8, cpus_quota(root, "/", 8));
	assert_int_equal(8, cpus_quota(root, "", 8));
	put("/cpu.max", "400000 100000\n");
	assert_int_equal(4, cpus_quota(root, "", 8));
	assert_int_equal(4, cpus_quota(root, "/", 8));
	put("/cpu.max", "nonsense\n");
	assert_int_equal(8, cpus_quota(root, "/", 8));
	put("/cpu.max", "100000 0\n");
	assert_int_equal(8, cpus_quota(root, "/", 8));
}

static void
test_there_is_always_a_cpu(void **state)
{
	long online = sysconf(_SC_NPROCESSORS_CONF);

	(void)state;
	assert_int_equal(1, cpus_quota(root, "/a", 0));
	assert_in_range(cpus_usable(), 1, online);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_the_smallest_quota_on_the_way_up),
		cmocka_unit_test(test_there_is_always_a_cpu),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
