/* SPDX-License-Identifier: MIT */

/* Descriptors are close-on-exec, files are bounded, nothing leaks. */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/base/fd.h"

#include "test/unit/scratch_file.h"

static int
set_up(void **state)
{
	(void)state;
	return scratch_make("file");
}

static int
tear_down(void **state)
{
	(void)state;
	return scratch_remove();
}

static void
write_file(const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, data, len), 0);
	assert_int_equal(close(fd), 0);
}

static void
close_empties_and_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int was = fd;

	(void)state;
	assert_true(fd >= 0);
	errno = ENOTTY;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(fcntl(was, F_GETFD), -1);
	errno = ENOTTY;
	fd_close(&fd); /* none: nothing happens */
	assert_int_equal(fd, -1);
	assert_int_equal(errno, ENOTTY);
	fd = 999999; /* not open: reported to nobody, errno stays */
	fd_close(&fd);
	assert_int_equal(errno, ENOTTY);
}

static void
nonblocking_is_added(void **state)
{
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fd_set_nonblocking(ends[0]), 0);
	assert_int_equal(read(ends[0], &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fd_set_nonblocking(ends[1]), 0);
	assert_int_equal(fcntl(ends[1], F_GETFL) & O_ACCMODE, O_WRONLY);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	assert_int_equal(fd_set_nonblocking(-1), -EBADF);
}

static void
events_count_and_drain(void **state)
{
	int fd = fd_event_new();

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_event_drain(fd), 0);
	fd_event_wake(fd);
	fd_event_wake(fd);
	fd_event_wake(fd);
	assert_int_equal(fd_event_drain(fd), 3);
	assert_int_equal(fd_event_drain(fd), 0);
	fd_close(&fd);
}

/* A full counter must not block the one who wakes. */
static void
a_full_counter_is_no_obstacle(void **state)
{
	uint64_t most = UINT64_MAX - 1;
	int fd = fd_event_new();

	(void)state;
	assert_int_equal(write(fd, &most, sizeof(most)), sizeof(most));
	fd_event_wake(fd);
	fd_event_wake(fd);
	assert_true(fd_event_drain(fd) == most);
	fd_close(&fd);
}

/* More than a pipe takes at once, with a slow reader. */
static void
writes_all_of_it(void **state)
{
	size_t len = (size_t)1 << 20;
	char *data = malloc(len);
	char piece[997];
	size_t seen = 0;
	ssize_t got;
	int ends[2];
	int status;
	pid_t pid;
	size_t i;

	(void)state;
	for (i = 0; i < len; i++)
		data[i] = (char)(i % 251);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(ends[0]);
		_exit(fd_write_full(ends[1], data, len) != 0);
	}
	fd_close(&ends[1]);
	while ((got = read(ends[0], piece, sizeof(piece))) > 0) {
		for (i = 0; i < (size_t)got; i++, seen++)
			assert_int_equal(piece[i], (char)(seen % 251));
	}
	assert_int_equal(seen, len);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	fd_close(&ends[0]);
	free(data);
}

static void
write_failures_are_returned(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	int ends[2];

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fd_write_full(fd, "x", 1), -ENOSPC);
	assert_int_equal(fd_write_full(fd, "", 0), 0);
	fd_close(&fd);
	assert_int_equal(fd_write_full(-1, "x", 1), -EBADF);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	fd_close(&ends[0]);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fd_write_full(ends[1], "x", 1), -EPIPE);
	(void)signal(SIGPIPE, SIG_DFL);
	fd_close(&ends[1]);
}

static void
reads_a_file_up_to_its_limit(void **state)
{
	static const struct {
		size_t len;
		size_t max;
		int rc;
	} cases[] = {
		{ 0, 0, 0 },
		{ 0, 1, 0 },
		{ 1, 0, ERR_TOO_BIG },
		{ 1, 1, 0 },
		{ 4096, 4096, 0 },
		{ 4097, 4096, ERR_TOO_BIG },
		{ 300000, SIZE_MAX, 0 },
	};
	char *want = malloc(300000);
	char *data;
	size_t len;
	size_t i;

	(void)state;
	for (i = 0; i < 300000; i++)
		want[i] = (char)(i % 253);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(want, cases[i].len);
		data = want;
		len = 12345;
		assert_int_equal(fd_read_file(path, cases[i].max, &data, &len),
		    cases[i].rc);
		if (cases[i].rc < 0) {
			assert_null(data);
			assert_int_equal(len, 0);
			continue;
		}
		assert_int_equal(len, cases[i].len);
		assert_memory_equal(data, want, len);
		assert_int_equal(data[len], '\0');
		free(data);
	}
	free(want);
}

/* What is no regular file is refused at once, never waited for. */
static void
refuses_what_is_no_file(void **state)
{
	char *data;
	size_t len;

	(void)state;
	assert_int_equal(fd_read_file(path, 10, &data, &len), -ENOENT);
	assert_null(data);
	assert_int_equal(fd_read_file("", 10, &data, &len), -ENOENT);
	assert_int_equal(fd_read_file(folder, 10, &data, &len), -EISDIR);
	assert_int_equal(fd_read_file("/dev/zero", 10, &data, &len), -EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(fd_read_file(path, 10, &data, &len), -EINVAL);
	assert_null(data);
}

static int
lowest_free(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	(void)close(fd);
	return fd;
}

static void
no_descriptor_is_left_open(void **state)
{
	int before = lowest_free();
	char *data;
	size_t len;

	(void)state;
	write_file("hello", 5);
	assert_int_equal(fd_read_file(path, 5, &data, &len), 0);
	free(data);
	assert_int_equal(fd_read_file(path, 4, &data, &len), ERR_TOO_BIG);
	assert_int_equal(fd_read_file(folder, 4, &data, &len), -EISDIR);
	assert_int_equal(lowest_free(), before);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(close_empties_and_keeps_errno),
		TEST(nonblocking_is_added),
		TEST(events_count_and_drain),
		TEST(a_full_counter_is_no_obstacle),
		TEST(writes_all_of_it),
		TEST(write_failures_are_returned),
		TEST(reads_a_file_up_to_its_limit),
		TEST(refuses_what_is_no_file),
		TEST(no_descriptor_is_left_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
