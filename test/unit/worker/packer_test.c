/* SPDX-License-Identifier: MIT */

/* Compressing beside the loop: order, bounds, and what is left at the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "server/base/fd.h"
#include "worker/packer.h"

struct bench {
	struct packer *packer;
	int fd;
	char *text; /* PACKER_MAX bytes */
};

static int
setup(void **state)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	size_t i;

	assert_non_null(bench);
	bench->fd = fd_event_new();
	bench->packer = packer_new(1, bench->fd);
	bench->text = malloc(PACKER_MAX);
	assert_true(bench->fd >= 0);
	assert_non_null(bench->packer);
	assert_non_null(bench->text);
	for (i = 0; i < PACKER_MAX; i++)
		bench->text[i] = (char)('a' + i % 23);
	*state = bench;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *bench = *state;
	struct packer_item *item = packer_stop(&bench->packer);
	struct packer_item *next;

	for (; item != NULL; item = next) {
		next = item->next;
		free(item->small);
		free(item);
	}
	fd_close(&bench->fd);
	free(bench->text);
	free(bench);
	return 0;
}

/* The number of an item stands where its request would. */
static void
submit(struct bench *bench, int number, size_t len, bool brotli)
{
	struct packer_item *item = calloc(1, sizeof(*item));

	assert_non_null(item);
	item->reply.body = bench->text;
	item->reply.len = len;
	item->brotli = brotli;
	item->request = (struct request *)(void *)(bench->text + number);
	assert_int_equal(packer_submit(bench->packer, item), 0);
}

static int
number_of(const struct bench *bench, const struct packer_item *item)
{
	return (int)((const char *)(const void *)item->request - bench->text);
}

static void
check_gzip(const struct bench *bench, const struct packer_item *item)
{
	char *plain = malloc(item->reply.len);
	z_stream stream = { .next_in = (unsigned char *)item->small,
		.avail_in = (unsigned)item->small_len,
		.next_out = (unsigned char *)plain,
		.avail_out = (unsigned)item->reply.len };

	assert_non_null(plain);
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(stream.total_out, item->reply.len);
	assert_memory_equal(plain, bench->text, item->reply.len);
	(void)inflateEnd(&stream);
	free(plain);
}

static void
they_come_back_in_order(void **state)
{
	struct bench *bench = *state;
	struct packer_item *item;
	struct packer_item *next;
	struct pollfd poll_fd = { .fd = bench->fd, .events = POLLIN };
	int seen = 0;
	int i;

	assert_null(packer_collect(bench->packer));
	for (i = 0; i < 20; i++)
		submit(bench, i, 300000 + (size_t)i, i % 2 != 0);
	while (seen < 20) {
		assert_int_equal(poll(&poll_fd, 1, 60000), 1);
		fd_event_drain(bench->fd);
		for (item = packer_collect(bench->packer); item != NULL;
		     item = next) {
			next = item->next;
			assert_int_equal(number_of(bench, item), seen);
			assert_non_null(item->small);
			assert_in_range(item->small_len, 1, 100000);
			if (!item->brotli)
				check_gzip(bench, item);
			free(item->small);
			free(item);
			seen++;
		}
	}
	assert_true(packer_has_room(bench->packer, PACKER_MAX));
}

static void
what_waits_is_bounded(void **state)
{
	struct bench *bench = *state;
	int i;

	assert_false(packer_has_room(NULL, 1));
	assert_true(packer_has_room(bench->packer, PACKER_MAX));
	assert_false(packer_has_room(bench->packer, PACKER_MAX + 1));
	/* Faster than anybody compresses them. */
	for (i = 0; i < 4; i++)
		submit(bench, i, PACKER_MAX, true);
	assert_false(packer_has_room(bench->packer, PACKER_MAX / 2));
	/* The end leaves most of them undone, and gives all back. */
}

static void
one_that_never_ran(void **state)
{
	struct bench *bench = *state;

	assert_null(packer_stop(&bench->packer));
	assert_null(bench->packer);
	assert_null(packer_stop(&bench->packer));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_come_back_in_order, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(what_waits_is_bounded, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(one_that_never_ran, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
