/* SPDX-License-Identifier: MIT */

/* The lock decides, the content informs; races are run with real processes. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/fd.h"
#include "server/pidfile.h"

#include "test/unit/scratch_file.h"

static int
set_up(void **state)
{
	(void)state;
	return scratch_make("master.pid");
}

static int
tear_down(void **state)
{
	(void)state;
	return scratch_remove();
}

static void
write_file(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, text, strlen(text)), 0);
	assert_int_equal(close(fd), 0);
}

static long
read_pid(void)
{
	char *text;
	size_t len;
	long pid;

	assert_int_equal(fd_read_file(path, 64, &text, &len), 0);
	pid = strtol(text, NULL, 10);
	free(text);
	return pid;
}

static void
writes_and_removes(void **state)
{
	struct pidfile pidfile = PIDFILE_EMPTY;
	pid_t holder;

	(void)state;
	assert_int_equal(pidfile_open(&pidfile, path, &holder), 0);
	assert_int_equal(read_pid(), getpid());
	pidfile_close(&pidfile);
	assert_int_equal(access(path, F_OK), -1);
	pidfile_close(&pidfile); /* the empty value is fine */
}

static void
a_leftover_is_no_obstacle(void **state)
{
	struct pidfile pidfile = PIDFILE_EMPTY;
	pid_t holder;

	(void)state;
	write_file("1\n"); /* a live pid, but not one of ours */
	assert_int_equal(pidfile_open(&pidfile, path, &holder), 0);
	assert_int_equal(read_pid(), getpid());
	pidfile_close(&pidfile);
	assert_int_equal(pidfile_check(path), 0);
	write_file("00000000000000000000000000000000000000000000001\n");
	assert_int_equal(pidfile_check(path), 0);
	assert_int_equal(pidfile_open(&pidfile, path, &holder), 0);
	assert_int_equal(read_pid(), getpid());
	pidfile_close(&pidfile);
}

static void
what_is_no_pid_stays(void **state)
{
	struct pidfile pidfile = PIDFILE_EMPTY;
	char text[64] = "";
	pid_t holder;
	FILE *file;

	(void)state;
	write_file("4711 is not all\n");
	assert_int_equal(pidfile_check(path), -ENOTEMPTY);
	assert_int_equal(pidfile_open(&pidfile, path, &holder), -ENOTEMPTY);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	(void)fclose(file);
	assert_string_equal(text, "4711 is not all\n");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(pidfile_check(path), 0);
}

static void
a_live_one_is_named(void **state)
{
	struct pidfile first = PIDFILE_EMPTY;
	struct pidfile second = PIDFILE_EMPTY;
	pid_t holder;

	(void)state;
	assert_int_equal(pidfile_open(&first, path, &holder), 0);
	assert_int_equal(pidfile_open(&second, path, &holder), -EEXIST);
	assert_int_equal(holder, getpid());
	assert_int_equal(second.fd, -1);
	pidfile_close(&second); /* must not remove the other's */
	assert_int_equal(read_pid(), getpid());
	pidfile_close(&first);
}

static void
removes_only_its_own(void **state)
{
	struct pidfile pidfile = PIDFILE_EMPTY;
	pid_t holder;

	(void)state;
	assert_int_equal(pidfile_open(&pidfile, path, &holder), 0);
	assert_int_equal(unlink(path), 0);
	write_file("4711\n"); /* somebody else's by now */
	pidfile_close(&pidfile);
	assert_int_equal(read_pid(), 4711);
}

static void
refuses_what_is_no_file(void **state)
{
	struct pidfile pidfile = PIDFILE_EMPTY;
	pid_t holder;

	(void)state;
	assert_true(pidfile_open(&pidfile, folder, &holder) < 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(pidfile_open(&pidfile, path, &holder), -EINVAL);
	assert_int_equal(pidfile.fd, -1);
}

/* Take and give back the file many times; count overlaps with others. */
static int
contend(int rounds)
{
	struct pidfile pidfile;
	pid_t holder;
	int wins = 0;
	int i;

	for (i = 0; i < rounds; i++) {
		pidfile = (struct pidfile)PIDFILE_EMPTY;
		if (pidfile_open(&pidfile, path, &holder) < 0)
			continue;
		wins++;
		/* While we hold it, the file names us and nobody else. */
		if (read_pid() != getpid())
			return 1;
		pidfile_close(&pidfile);
	}
	return wins > 0 ? 0 : 2;
}

static void
one_holder_at_a_time(void **state)
{
	pid_t pids[4];
	unsigned winners = 0;
	int status;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(contend(500));
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_not_equal(WEXITSTATUS(status), 1);
		/* On a busy machine one may never have had a turn. */
		winners += WEXITSTATUS(status) == 0;
	}
	assert_true(winners > 0);
}

static void
a_killed_holder_lets_go(void **state)
{
	struct pidfile pidfile = PIDFILE_EMPTY;
	int ready[2];
	pid_t holder;
	pid_t pid;
	char byte;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		if (pidfile_open(&pidfile, path, &holder) < 0)
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(pidfile_open(&pidfile, path, &holder), -EEXIST);
	assert_int_equal(holder, pid);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(read_pid(), pid); /* still there, and no obstacle */
	assert_int_equal(pidfile_open(&pidfile, path, &holder), 0);
	pidfile_close(&pidfile);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(writes_and_removes),
		TEST(a_leftover_is_no_obstacle),
		TEST(what_is_no_pid_stays),
		TEST(a_live_one_is_named),
		TEST(removes_only_its_own),
		TEST(refuses_what_is_no_file),
		TEST(one_holder_at_a_time),
		TEST(a_killed_holder_lets_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
