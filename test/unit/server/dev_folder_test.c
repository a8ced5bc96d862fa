/* SPDX-License-Identifier: MIT */

/* Folders of those who were killed go; all else stays. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/fd.h"
#include "server/dev/dev_folder.h"
#include "server/dev/step.h"

static char tmp[32];
static char outside[32];

static int
begin(void **state)
{
	(void)state;
	(void)strcpy(tmp, "/tmp/folder_test_XXXXXX");
	(void)strcpy(outside, "/tmp/folder_test_XXXXXX");
	return mkdtemp(tmp) == NULL || mkdtemp(outside) == NULL;
}

static int
end(void **state)
{
	(void)state;
	step_remove_folder(tmp);
	step_remove_folder(outside);
	return 0;
}

static bool
is_there(const char *folder, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

/* An empty file. */
static void
put(const char *folder, const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	fd_close(&fd);
}

static void
what_nobody_holds_goes(void **state)
{
	char path[FOLDER_PATH_MAX];
	char held[FOLDER_PATH_MAX];
	char link[128];
	int fd;
	int held_fd;
	int copy;

	(void)state;
	assert_int_equal(folder_make(tmp, held, &held_fd), 0);
	assert_int_equal(folder_make(tmp, path, &fd), 0);
	/* With a folder in it, and with links out of it. */
	put(outside, "kept");
	(void)snprintf(link, sizeof(link), "%s/link", path);
	assert_int_equal(symlink(outside, link), 0);
	(void)snprintf(link, sizeof(link), "%s/below", path);
	assert_int_equal(mkdir(link, 0700), 0);
	put(link, "file");
	assert_int_equal(folder_sweep(tmp), 0);
	assert_true(is_there(path, "below/file"));
	/* Who has inherited it holds it, too. */
	copy = dup(fd);
	fd_close(&fd);
	assert_int_equal(folder_sweep(tmp), 0);
	fd_close(&copy);
	assert_int_equal(folder_sweep(tmp), 1);
	assert_int_equal(access(path, F_OK), -1);
	assert_true(is_there(outside, "kept"));
	assert_true(is_there(held, "lock"));
	fd_close(&held_fd);
	assert_int_equal(folder_sweep(tmp), 1);
}

static void
all_else_stays(void **state)
{
	static const char *const names[] = { "pronghorn-short", "pronghorn-",
		"pronghorn-Ab3xYzz", "pronghorn-Ab3x.z", "pronghorns-Ab3xYz",
		"other-Ab3xYz" };
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", tmp, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
		put(path, "lock");
	}
	/* A link, one for others, one without a lock, a lock that is a link,
	 * and one that is no file. */
	put(outside, "lock");
	(void)snprintf(path, sizeof(path), "%s/pronghorn-Linked", tmp);
	assert_int_equal(symlink(outside, path), 0);
	(void)snprintf(path, sizeof(path), "%s/pronghorn-Others", tmp);
	assert_int_equal(mkdir(path, 0700), 0);
	put(path, "lock");
	assert_int_equal(chmod(path, 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/pronghorn-NoLock", tmp);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/pronghorn-LockLn", tmp);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/pronghorn-LockLn/lock", tmp);
	assert_int_equal(symlink("/dev/null", path), 0);
	(void)snprintf(path, sizeof(path), "%s/pronghorn-Fifoed", tmp);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/pronghorn-Fifoed/lock", tmp);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(folder_sweep(tmp), 0);
	assert_true(is_there(outside, "lock"));
	assert_int_equal(folder_sweep("/nowhere"), 0);
}

/* Where others could put another folder in its place. */
static void
an_open_place_is_left_alone(void **state)
{
	char path[FOLDER_PATH_MAX];
	int fd;

	(void)state;
	assert_int_equal(folder_make(tmp, path, &fd), 0);
	fd_close(&fd);
	assert_int_equal(chmod(tmp, 0777), 0);
	assert_int_equal(folder_sweep(tmp), 0);
	assert_int_equal(chmod(tmp, 01777), 0);
	assert_int_equal(folder_sweep(tmp), 1);
}

static void
what_cannot_be_made_says_so(void **state)
{
	char path[FOLDER_PATH_MAX];
	int fd = 7;

	(void)state;
	assert_true(folder_make("/nowhere", path, &fd) < 0);
	assert_int_equal(fd, -1);
	assert_string_equal(path, "");
	assert_true(folder_make("/tmp/a/name/that/is/longer/than/there/is/room"
				"/for/in/a/path",
			path, &fd) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_nobody_holds_goes, begin,
		    end),
		cmocka_unit_test_setup_teardown(all_else_stays, begin, end),
		cmocka_unit_test_setup_teardown(an_open_place_is_left_alone,
		    begin, end),
		cmocka_unit_test(what_cannot_be_made_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
