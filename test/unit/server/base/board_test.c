/* SPDX-License-Identifier: MIT */

/* One writes, everybody reads, and nobody sees half of anything. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/board.h"
#include "server/base/err.h"
#include "server/base/fd.h"

struct boards {
	int write_fd;
	int read_fd;
	struct board *in;
	struct board *out;
};

static int
set_up(void **state)
{
	struct boards *boards = calloc(1, sizeof(*boards));

	boards->in = calloc(1, sizeof(*boards->in));
	boards->out = calloc(1, sizeof(*boards->out));
	*state = boards;
	return board_open(&boards->write_fd, &boards->read_fd);
}

static int
tear_down(void **state)
{
	struct boards *boards = *state;

	fd_close(&boards->write_fd);
	fd_close(&boards->read_fd);
	free(boards->in);
	free(boards->out);
	free(boards);
	return 0;
}

static void
what_was_written_last_is_read(void **state)
{
	struct boards *boards = *state;
	unsigned i;

	assert_int_equal(board_read(boards->read_fd, boards->out), ERR_STALE);
	for (i = 1; i <= 5; i++) {
		boards->in->wall_ms = i;
		boards->in->workers[BOARD_WORKERS_MAX - 1].pid = (int32_t)i;
		assert_int_equal(board_write(boards->write_fd, boards->in), 0);
		assert_int_equal(board_read(boards->read_fd, boards->out), 0);
		assert_memory_equal(boards->out, boards->in,
		    sizeof(*boards->in));
	}
}

static void
readers_cannot_write(void **state)
{
	struct boards *boards = *state;

	assert_int_equal(write(boards->read_fd, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			     boards->read_fd, 0),
	    MAP_FAILED);
	assert_true(fcntl(boards->read_fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(boards->write_fd, F_GETFD) & FD_CLOEXEC);
}

#define WRITES 3000

/* Every number of a board is the same one, another one each time. */
static void *
write_many(void *arg)
{
	struct boards *boards = arg;
	int i;

	for (i = 1; i <= WRITES; i++) {
		memset(boards->in, i & 0xff, sizeof(*boards->in));
		if (board_write(boards->write_fd, boards->in) < 0)
			return arg;
	}
	return NULL;
}

static void
no_reader_sees_two_halves(void **state)
{
	struct boards *boards = *state;
	const unsigned char *bytes = (const unsigned char *)boards->out;
	pthread_t writer;
	unsigned good = 0;
	void *failed;
	int rc;

	memset(boards->in, 0, sizeof(*boards->in));
	assert_int_equal(board_write(boards->write_fd, boards->in), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_many, boards), 0);
	while (good < 2000) {
		rc = board_read(boards->read_fd, boards->out);
		if (rc == ERR_BUSY)
			continue; /* overtaken, eight times in a row */
		assert_int_equal(rc, 0);
		assert_int_equal(
		    memcmp(bytes, bytes + 1, sizeof(*boards->out) - 1), 0);
		good++;
	}
	assert_int_equal(pthread_join(writer, &failed), 0);
	assert_null(failed);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_last_is_read),
		TEST(readers_cannot_write),
		TEST(no_reader_sees_two_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
