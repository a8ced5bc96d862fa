/* SPDX-License-Identifier: MIT */

/* Whole lines or none, and nobody waits. */
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
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/base/sink.h"

#include "test/unit/scratch_file.h"

static int
set_up(void **state)
{
	(void)state;
	return scratch_make("log");
}

static int
tear_down(void **state)
{
	(void)state;
	return scratch_remove();
}

static void
check_file(const char *name, const char *want)
{
	char *text;
	size_t len;

	assert_int_equal(fd_read_file(name, 1 << 20, &text, &len), 0);
	assert_string_equal(text, want);
	free(text);
}

static void
a_file_is_made_and_appended_to(void **state)
{
	struct sink sink = { .fd = -1 };
	struct stat st;

	(void)state;
	assert_int_equal(sink_open_file(&sink, path), 0);
	assert_int_equal(sink_write(&sink, "one\n", 4), 0);
	sink_close(&sink);
	assert_int_equal(sink_open_file(&sink, path), 0);
	assert_int_equal(sink_write(&sink, "two\nthree\n", 10), 0);
	assert_int_equal(fstat(sink.fd, &st), 0);
	assert_int_equal(st.st_mode & 0137, 0);
	assert_true(fcntl(sink.fd, F_GETFD) & FD_CLOEXEC);
	sink_close(&sink);
	assert_int_equal(sink.fd, -1);
	/* Without a file lines go nowhere, and that is no failure. */
	assert_int_equal(sink_write(&sink, "four\n", 5), 0);
	check_file(path, "one\ntwo\nthree\n");
}

static void
rotation_loses_nothing(void **state)
{
	struct sink sink = { .fd = -1 };
	int fd;

	(void)state;
	assert_int_equal(sink_open_file(&sink, path), 0);
	fd = sink.fd;
	assert_int_equal(sink_write(&sink, "one\n", 4), 0);
	assert_int_equal(rename(path, moved), 0);
	assert_int_equal(sink_write(&sink, "two\n", 4), 0);
	assert_int_equal(sink_reopen(&sink, path), 0);
	assert_int_equal(sink.fd, fd); /* other threads write to it */
	assert_int_equal(sink_write(&sink, "three\n", 6), 0);
	check_file(moved, "one\ntwo\n");
	check_file(path, "three\n");
	/* What cannot be opened leaves everything as it is. */
	assert_int_equal(sink_reopen(&sink, "/nowhere/log"), -ENOENT);
	assert_int_equal(sink_write(&sink, "four\n", 5), 0);
	check_file(path, "three\nfour\n");
	sink_close(&sink);
}

/* Fill a pipe or socket; gives how many bytes it took. */
static size_t
fill(struct sink *sink)
{
	char line[1000];
	size_t total = 0;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	while (sink_write(sink, line, sizeof(line)) == 0)
		total += sizeof(line);
	while (sink_write(sink, "1234567\n", 8) == 0)
		total += 8; /* where a longer line has no room */
	return total;
}

static void
check_full(int fds[2])
{
	struct sink sink = { .fd = -1 };
	uint64_t before = sink_drops();
	char bytes[1 << 16];
	size_t took;
	int64_t from;
	ssize_t got = 0;
	size_t i;

	assert_int_equal(sink_open_standard(&sink, fds[1]), 0);
	took = fill(&sink);
	assert_true(took > 0);
	/* Waited once, and then not for a second. */
	from = clock_mono_us();
	for (i = 0; i < 1000; i++)
		assert_int_equal(sink_write(&sink, "dropped\n", 8), -EAGAIN);
	assert_true(clock_mono_us() - from < 500000);
	assert_int_equal(sink.drops, 1002);
	assert_int_equal(sink_drops() - before, 1002);
	/* There is room again: whole lines, none in pieces. */
	for (i = 0; i < took; i += (size_t)got) {
		got = read(fds[0], bytes, sizeof(bytes));
		assert_true(got > 0);
	}
	assert_true(got > 0 && bytes[got - 1] == '\n');
	assert_int_equal(sink_write(&sink, "again\n", 6), 0);
	assert_int_equal(read(fds[0], bytes, sizeof(bytes)), 6);
	sink_close(&sink);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
a_full_pipe_holds_nobody_up(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	check_full(fds);
}

static void
a_full_socket_holds_nobody_up(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	check_full(fds);
}

static void
many_lines_go_into_a_pipe_in_whole_lines(void **state)
{
	struct sink sink = { .fd = -1 };
	char lines[9000];
	char bytes[9000];
	ssize_t got;
	int fds[2];
	size_t i;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(sink_open_standard(&sink, fds[1]), 0);
	for (i = 0; i < sizeof(lines); i++)
		lines[i] = i % 300 == 299 ? '\n' : 'a';
	assert_int_equal(sink_write(&sink, lines, sizeof(lines)), 0);
	got = read(fds[0], bytes, sizeof(bytes));
	assert_int_equal(got, sizeof(bytes));
	assert_memory_equal(bytes, lines, sizeof(bytes));
	sink_close(&sink);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void
a_reader_that_has_gone_costs_lines(void **state)
{
	struct sink sink = { .fd = -1 };
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(sink_open_standard(&sink, fds[1]), 0);
	(void)close(fds[0]);
	assert_int_equal(sink_write(&sink, "x\ny\n", 4), -EPIPE);
	assert_int_equal(sink.drops, 2);
	sink_close(&sink);
	(void)close(fds[1]);
}

/* A limit on the size of files is as good as a disk that is full. */
static void
a_line_that_was_torn_is_ended(void **state)
{
	const struct rlimit small = { .rlim_cur = 6,
		.rlim_max = RLIM_INFINITY };
	const struct rlimit none = { .rlim_cur = RLIM_INFINITY,
		.rlim_max = RLIM_INFINITY };
	struct sink sink = { .fd = -1 };

	(void)state;
	assert_int_equal(sink_open_file(&sink, path), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(sink_write(&sink, "abc\ndefghi\n", 11), -EFBIG);
	assert_int_equal(sink.drops, 1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_int_equal(sink_write(&sink, "next\n", 5), 0);
	check_file(path, "abc\nde\nnext\n");
	sink_close(&sink);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_made_and_appended_to),
		TEST(rotation_loses_nothing),
		TEST(a_full_pipe_holds_nobody_up),
		TEST(a_full_socket_holds_nobody_up),
		TEST(many_lines_go_into_a_pipe_in_whole_lines),
		TEST(a_reader_that_has_gone_costs_lines),
		TEST(a_line_that_was_torn_is_ended),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
