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

static void
add_rows(const struct boards *boards, unsigned from, unsigned to)
{
	struct board_row row = { 0 };

	for (; from < to; from++) {
		row.wall_ms = from;
		row.bytes = from;
		assert_int_equal(board_add_row(boards->write_fd, &row), 0);
	}
}

static void
the_newest_rows_are_kept(void **state)
{
	static const unsigned counts[] = { 1, 449, 450, 451, 512, 513, 1500 };
	struct boards *boards = *state;
	static struct board_row rows[BOARD_ROWS];
	unsigned added = 0;
	unsigned kept;
	unsigned n;
	unsigned i;

	assert_int_equal(board_rows(boards->read_fd, rows), 0);
	for (n = 0; n < sizeof(counts) / sizeof(counts[0]); n++) {
		add_rows(boards, added, counts[n]);
		added = counts[n];
		kept = added < BOARD_ROWS ? added : BOARD_ROWS;
		assert_int_equal(board_rows(boards->read_fd, rows), kept);
		for (i = 0; i < kept; i++)
			assert_int_equal(rows[i].wall_ms, added - kept + i);
	}
	/* The board beside it is another matter. */
	assert_int_equal(board_read(boards->read_fd, boards->out), ERR_STALE);
	memset(boards->in, 0x5a, sizeof(*boards->in));
	assert_int_equal(board_write(boards->write_fd, boards->in), 0);
	assert_int_equal(board_write(boards->write_fd, boards->in), 0);
	assert_int_equal(board_rows(boards->read_fd, rows), BOARD_ROWS);
	assert_int_equal(rows[BOARD_ROWS - 1].wall_ms, 1499);
	assert_int_equal(board_read(boards->read_fd, boards->out), 0);
	assert_memory_equal(boards->out, boards->in, sizeof(*boards->in));
}

static void *
add_many(void *arg)
{
	add_rows(arg, 0, 60000);
	return NULL;
}

/* Whatever the writer does meanwhile: whole rows, one after the other. */
static void
rows_are_whole_and_in_order(void **state)
{
	struct boards *boards = *state;
	static struct board_row rows[BOARD_ROWS];
	pthread_t writer;
	int count;
	int i;

	assert_int_equal(pthread_create(&writer, NULL, add_many, boards), 0);
	do {
		count = board_rows(boards->read_fd, rows);
		if (count == ERR_BUSY)
			continue;
		assert_true(count >= 0);
		for (i = 0; i < count; i++) {
			assert_int_equal(rows[i].wall_ms, rows[i].bytes);
			assert_int_equal(rows[i].wall_ms, rows[0].wall_ms + i);
		}
	} while (count <= 0 || rows[count - 1].wall_ms < 59999);
	assert_int_equal(pthread_join(writer, NULL), 0);
}

static void
who_waits_for_what_is_added_up(void **state)
{
	struct boards *boards = *state;
	uint8_t key[HANDOFF_WAIT_KEY] = { 7 };
	bool more;

	board_note_wait(&boards->in->workers[0].waits, key, 3);
	board_note_wait(&boards->in->workers[2].waits, key, 97);
	key[HANDOFF_WAIT_KEY - 1] = 1;
	board_note_wait(&boards->in->workers[1].waits, key, 5);
	boards->in->worker_count = 3;
	assert_int_equal(board_write(boards->write_fd, boards->in), 0);
	assert_int_equal(board_read(boards->read_fd, boards->out), 0);
	assert_int_equal(board_waiting(boards->out, key, &more), 5);
	assert_false(more);
	key[HANDOFF_WAIT_KEY - 1] = 0;
	assert_int_equal(board_waiting(boards->out, key, &more), 100);
	assert_false(more);
	key[0] = 8;
	assert_int_equal(board_waiting(boards->out, key, &more), 0);
	assert_false(more);
	/* What is behind the last worker is nobody's. */
	boards->out->worker_count = 2;
	key[0] = 7;
	assert_int_equal(board_waiting(boards->out, key, &more), 3);
}

static void
the_keys_most_wait_for_are_named(void **state)
{
	struct boards *boards = *state;
	struct handoff_waits *waits = &boards->in->workers[0].waits;
	uint8_t key[HANDOFF_WAIT_KEY] = { 0 };
	uint32_t sum = 0;
	bool more;
	int i;

	boards->in->worker_count = 1;
	/* 40 keys, with 1 to 40 requests, not in order. */
	for (i = 0; i < 40; i++) {
		key[0] = (uint8_t)(i * 7 % 40 + 1);
		board_note_wait(waits, key, key[0]);
		if (key[0] <= 40 - HANDOFF_WAITS)
			sum += key[0];
	}
	for (i = 1; i <= 40; i++) {
		key[0] = (uint8_t)i;
		assert_int_equal(board_waiting(boards->in, key, &more),
		    i > 40 - HANDOFF_WAITS ? i : 0);
		assert_true(more);
	}
	assert_int_equal(waits->others, sum);
}

/* a <- b (in another worker) <- c, and a round that cannot be. */
static void
who_waits_behind_another_counts(void **state)
{
	struct boards *boards = *state;
	struct handoff_waits *first = &boards->in->workers[0].waits;
	struct handoff_waits *second = &boards->in->workers[1].waits;
	uint8_t keys[3][HANDOFF_WAIT_KEY] = { { 1 }, { 2 }, { 3 } };
	bool more;
	int i;

	boards->in->worker_count = 2;
	board_note_wait(first, keys[0], 1);
	board_note_wait(first, keys[1], 10);
	board_note_wait(second, keys[1], 20);
	board_note_wait(second, keys[2], 100);
	board_note_chain(first, keys[1], keys[0]);
	board_note_chain(second, keys[2], keys[1]);
	assert_int_equal(board_waiting(boards->in, keys[0], &more), 131);
	assert_int_equal(board_waiting(boards->in, keys[1], &more), 130);
	assert_int_equal(board_waiting(boards->in, keys[2], &more), 100);
	assert_false(more);
	board_note_chain(second, keys[0], keys[2]);
	(void)board_waiting(boards->in, keys[0], &more);
	for (i = 0; i < HANDOFF_CHAINS; i++)
		board_note_chain(second, keys[0], keys[2]);
	(void)board_waiting(boards->in, keys[0], &more);
	assert_true(more);
}

static void
the_last_crash_is_kept(void **state)
{
	struct boards *boards = *state;
	char text[BOARD_CRASH_MAX];
	char *large = malloc(BOARD_CRASH_MAX + 10);

	assert_non_null(large);
	assert_int_equal(board_crash(boards->read_fd, text), 0);
	assert_string_equal(text, "");
	memset(large, 'x', BOARD_CRASH_MAX + 9);
	large[BOARD_CRASH_MAX + 9] = '\0';
	assert_int_equal(board_put_crash(boards->write_fd, large), 0);
	assert_int_equal(board_crash(boards->read_fd, text), 0);
	assert_int_equal(strlen(text), BOARD_CRASH_MAX - 1);
	assert_int_equal(board_put_crash(boards->write_fd, "one\ntwo"), 0);
	add_rows(boards, 0, 600);
	assert_int_equal(board_crash(boards->read_fd, text), 0);
	assert_string_equal(text, "one\ntwo");
	free(large);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_was_written_last_is_read),
		TEST(readers_cannot_write),
		TEST(no_reader_sees_two_halves),
		TEST(the_newest_rows_are_kept),
		TEST(rows_are_whole_and_in_order),
		TEST(who_waits_for_what_is_added_up),
		TEST(the_keys_most_wait_for_are_named),
		TEST(who_waits_behind_another_counts),
		TEST(the_last_crash_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
