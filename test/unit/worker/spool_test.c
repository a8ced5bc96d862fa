/* SPDX-License-Identifier: MIT */

/* Bodies in files: no name, no trace, bounded, saved under a name. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/spool.h"

static char dir[] = "/tmp/ph-spool-XXXXXX";

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
count_files(void)
{
	DIR *open = opendir(dir);
	int count = 0;

	assert_non_null(open);
	while (readdir(open) != NULL)
		count++;
	(void)closedir(open);
	return count - 2;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

static void
test_bytes(void **state)
{
	struct spool *spool;
	struct spool *other;
	const char *data;
	char path[SPOOL_PATH_MAX];
	char *read;
	size_t len;

	(void)state;
	assert_int_equal(spool_new(&spool, dir, 100), 0);
	assert_int_equal(spool_map(spool, &data), 0);
	assert_string_equal(data, "");
	assert_int_equal(spool_put(spool, "hello ", 6), 0);
	assert_int_equal(spool_put(spool, "world", 5), 0);
	assert_int_equal(spool_len(spool), 11);
	assert_int_equal(count_files(), 0);
	assert_int_equal(spool_map(spool, &data), 0);
	assert_memory_equal(data, "hello world", 11);
	spool_path(spool, path);
	assert_int_equal(fd_read_file(path, 100, &read, &len), 0);
	assert_int_equal(len, 11);
	free(read);
	other = spool_ref(spool);
	spool_unref(&spool);
	assert_null(spool);
	assert_memory_equal(data, "hello world", 11);
	spool_unref(&other);
	spool_unref(&other);
}

/* All spools of the process together stay below the bound. */
/* They leave most descriptors to connections. */
static void
test_count(void **state)
{
	struct spool *spools[32] = { NULL };
	struct rlimit before;
	struct rlimit limit;
	size_t count = 0;
	size_t i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = 80;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (count < 32 && spool_new(&spools[count], dir, 100) == 0)
		count++;
	assert_int_equal(count, 20);
	assert_int_equal(spool_new(&spools[count], dir, 100), ERR_FULL);
	assert_null(spools[count]);
	spool_unref(&spools[0]);
	assert_int_equal(spool_new(&spools[0], dir, 100), 0);
	for (i = 0; i < 32; i++)
		spool_unref(&spools[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void
test_total(void **state)
{
	struct spool *one;
	struct spool *two;

	(void)state;
	assert_int_equal(spool_new(&one, dir, 100), 0);
	assert_int_equal(spool_new(&two, dir, 100), 0);
	assert_int_equal(spool_put(one, "0123456789", 10), 0);
	assert_int_equal(spool_put(two, dir, 0), 0);
	assert_int_equal(spool_put(one, dir, sizeof(dir)), 0);
	while (spool_len(one) < 80)
		assert_int_equal(spool_put(one, "x", 1), 0);
	assert_int_equal(spool_put(two, dir, 21), ERR_FULL);
	assert_int_equal(spool_put(two, dir, 20), 0);
	spool_unref(&one);
	assert_int_equal(spool_put(two, dir, 20), 0);
	spool_unref(&two);
}

static void
test_save(void **state)
{
	struct spool *spool;
	char path[64];
	char *read;
	size_t len;
	int i;
	static const char *const where[] = { dir, "/dev/shm" };

	(void)state;
	assert_int_equal(spool_new(&spool, dir, 1 << 20), 0);
	for (i = 0; i < 1000; i++)
		assert_int_equal(spool_put(spool, "0123456789", 10), 0);
	for (i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/saved-%d", where[i],
		    (int)getpid());
		assert_int_equal(spool_save(spool, path), 0);
		assert_int_equal(spool_save(spool, path), -EEXIST);
		assert_int_equal(fd_read_file(path, 20000, &read, &len), 0);
		assert_int_equal(len, 10000);
		assert_memory_equal(read + 9990, "0123456789", 10);
		free(read);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(spool_save(spool, "/nonexistent/x"), -ENOENT);
	spool_unref(&spool);
}

/* A name until its end; a new one when somebody has taken the file away. */
static void
test_name(void **state)
{
	struct spool *spool;
	const char *path;
	const char *data;
	char first[200];
	char taken[64];

	(void)state;
	assert_int_equal(spool_new(&spool, dir, 1 << 20), 0);
	assert_int_equal(spool_put(spool, "hello", 5), 0);
	assert_int_equal(spool_map(spool, &data), 0);
	assert_int_equal(spool_name(spool, dir, &path), 0);
	assert_int_equal(count_files(), 1);
	(void)snprintf(first, sizeof(first), "%s", path);
	assert_int_equal(spool_name(spool, dir, &path), 0);
	assert_string_equal(path, first);
	(void)snprintf(taken, sizeof(taken), "%s/taken", dir);
	assert_int_equal(rename(path, taken), 0);
	assert_int_equal(spool_name(spool, dir, &path), 0);
	assert_string_not_equal(path, first);
	assert_int_equal(count_files(), 2);
	assert_string_equal(data, "hello");
	spool_sweep(dir);
	assert_int_equal(access(path, R_OK), 0);
	spool_unref(&spool);
	assert_int_equal(count_files(), 1);
	assert_int_equal(unlink(taken), 0);
	assert_int_equal(spool_new(&spool, dir, 1 << 20), 0);
	assert_int_equal(spool_name(spool, "/nonexistent", &path), -ENOENT);
	assert_null(path);
	spool_unref(&spool);
}

/* What nobody holds goes, by its name; nothing else does. */
static void
test_sweep(void **state)
{
	static const char *const names[] = { "pronghorn-upload-1", "other" };
	char path[64];
	FILE *file;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		file = fopen(path, "w");
		assert_non_null(file);
		assert_int_equal(fclose(file), 0);
	}
	spool_sweep(dir);
	spool_sweep("/nonexistent");
	assert_int_equal(count_files(), 1);
	assert_int_equal(unlink(path), 0);
}

static void
test_failures(void **state)
{
	struct spool *spool;

	(void)state;
	assert_int_equal(spool_new(&spool, "/nonexistent", 100), -ENOENT);
	assert_null(spool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_total),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_save),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
