/* SPDX-License-Identifier: MIT */

/* A put appends everything or nothing, and a failure is remembered. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/buf.h"
#include "server/base/err.h"

static void
check_content(const struct buf *buf, const char *want)
{
	assert_int_equal(buf->len, strlen(want));
	assert_true(buf->len <= buf->cap);
	if (buf->len > 0)
		assert_memory_equal(buf->data, want, buf->len);
}

static void
starts_empty_without_memory(void **state)
{
	struct buf empty = BUF_EMPTY;
	struct buf buf;

	(void)state;
	buf_init(&buf, 7);
	assert_null(buf.data);
	assert_int_equal(buf.len + buf.cap, 0);
	assert_int_equal(buf.max, 7);
	assert_true(buf_ok(&buf));
	assert_int_equal(empty.max, 0);
	buf_free(&buf);
	buf_free(&buf); /* the empty one is fine, too */
	buf_free(&empty);
}

static void
puts_append(void **state)
{
	struct buf buf = BUF_EMPTY;

	(void)state;
	assert_int_equal(buf_put(&buf, "ab\0c", 4), 0);
	assert_int_equal(buf.len, 4);
	assert_memory_equal(buf.data, "ab\0c", 4);
	buf_clear(&buf);
	assert_int_equal(buf_puts(&buf, "one"), 0);
	assert_int_equal(buf_putc(&buf, ','), 0);
	assert_int_equal(buf_printf(&buf, "%d %s", 2, "two"), 0);
	assert_int_equal(buf_putl(&buf, "!"), 0);
	assert_int_equal(buf_put(&buf, NULL, 0), 0);
	assert_int_equal(buf_puts(&buf, ""), 0);
	assert_int_equal(buf_printf(&buf, "%s", ""), 0);
	check_content(&buf, "one,2 two!");
	assert_true(buf_ok(&buf));
	buf_free(&buf);
	assert_null(buf.data);
}

/* Every length around the steps of growth, byte by byte and at once. */
static void
grows_without_losing_a_byte(void **state)
{
	static char pattern[5000];
	struct buf slow = BUF_EMPTY;
	struct buf fast = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i * 31 + i / 256);
	for (i = 0; i < sizeof(pattern); i++) {
		assert_int_equal(buf_putc(&slow, pattern[i]), 0);
		assert_int_equal(slow.len, i + 1);
		assert_true(slow.len <= slow.cap && slow.cap <= 8192);
	}
	assert_memory_equal(slow.data, pattern, sizeof(pattern));
	assert_int_equal(buf_put(&fast, pattern, 3), 0);
	assert_int_equal(buf_put(&fast, pattern + 3, sizeof(pattern) - 3), 0);
	assert_memory_equal(fast.data, pattern, sizeof(pattern));
	buf_free(&slow);
	buf_free(&fast);
}

static void
printf_of_any_length(void **state)
{
	struct buf buf = BUF_EMPTY;
	int width;

	(void)state;
	for (width = 1; width < 1100; width += 7) {
		buf_clear(&buf);
		assert_int_equal(buf_putc(&buf, '<'), 0);
		assert_int_equal(buf_printf(&buf, "%*d>", width, 5), 0);
		assert_int_equal(buf.len, width + 2);
		assert_int_equal(buf.data[width], '5');
		assert_int_equal(buf.data[width + 1], '>');
		assert_int_equal(buf.data[1], width == 1 ? '5' : ' ');
	}
	buf_free(&buf);
}

enum way { BY_PUT, BY_PUTS, BY_PUTC, BY_PRINTF };

static int
put_one_way(struct buf *buf, enum way way, const char *text)
{
	switch (way) {
	case BY_PUT:
		return buf_put(buf, text, strlen(text));
	case BY_PUTS:
		return buf_puts(buf, text);
	case BY_PUTC:
		return buf_putc(buf, text[0]);
	default:
		return buf_printf(buf, "%s", text);
	}
}

/* The bound holds for each way to put, and what was there stays. */
static void
bound_refuses_and_keeps_the_content(void **state)
{
	enum way way;
	struct buf buf;

	(void)state;
	for (way = BY_PUT; way <= BY_PRINTF; way++) {
		buf_init(&buf, 8);
		assert_int_equal(buf_puts(&buf, "12345678"), 0);
		assert_true(buf_ok(&buf));
		assert_int_equal(put_one_way(&buf, way, "x"), ERR_TOO_BIG);
		assert_false(buf_ok(&buf));
		check_content(&buf, "12345678");
		buf_free(&buf);
		assert_int_equal(buf.max, 8);
		assert_true(buf_ok(&buf));
		assert_int_equal(buf_puts(&buf, "123456"), 0);
		assert_int_equal(put_one_way(&buf, way, "xyz"),
		    way == BY_PUTC ? 0 : ERR_TOO_BIG);
		check_content(&buf, way == BY_PUTC ? "123456x" : "123456");
		buf_free(&buf);
	}
}

static void
failure_is_remembered_until_cleared(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 4);
	assert_int_equal(buf_puts(&buf, "12345"), ERR_TOO_BIG);
	assert_int_equal(buf_puts(&buf, "1"), 0); /* still works ... */
	assert_false(buf_ok(&buf));               /* ... and still tells */
	buf_clear(&buf);
	assert_true(buf_ok(&buf));
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf_puts(&buf, "1234"), 0);
	buf_free(&buf);
}

static void
absurd_sizes_are_refused(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2,
		SIZE_MAX / 2 + 1 };
	struct buf buf;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		buf_init(&buf, 0);
		assert_int_equal(buf_puts(&buf, "kept"), 0);
		assert_int_equal(buf_reserve(&buf, sizes[i]), ERR_TOO_BIG);
		assert_false(buf_ok(&buf));
		check_content(&buf, "kept");
		buf_free(&buf);
	}
}

static void
reserve_makes_room(void **state)
{
	struct buf buf = BUF_EMPTY;
	const char *data;

	(void)state;
	assert_int_equal(buf_reserve(&buf, 1000), 0);
	assert_int_equal(buf.len, 0);
	assert_true(buf.cap >= 1000);
	data = buf.data;
	memset(buf.data, 'x', 1000);
	assert_int_equal(buf_reserve(&buf, 1000), 0);
	assert_ptr_equal(buf.data, data);
	assert_int_equal(buf_reserve(&buf, 0), 0);
	buf_free(&buf);
	buf_init(&buf, 10);
	assert_int_equal(buf_reserve(&buf, 11), ERR_TOO_BIG);
	assert_false(buf_ok(&buf));
	buf_free(&buf);
}

static void
consume_takes_from_the_front(void **state)
{
	static const struct {
		size_t len;
		const char *left;
	} cases[] = {
		{ 0, "abcdef" },
		{ 1, "bcdef" },
		{ 5, "f" },
		{ 6, "" },
		{ 7, "" },
		{ SIZE_MAX, "" },
	};
	struct buf buf = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&buf);
		assert_int_equal(buf_puts(&buf, "abcdef"), 0);
		buf_consume(&buf, cases[i].len);
		check_content(&buf, cases[i].left);
		assert_int_equal(buf_puts(&buf, "+"), 0);
		assert_int_equal(buf.data[buf.len - 1], '+');
	}
	buf_free(&buf);
}

static void
cstr_ends_with_an_uncounted_nul(void **state)
{
	struct buf buf = BUF_EMPTY;
	size_t i;

	(void)state;
	assert_string_equal(buf_cstr(&buf), "");
	assert_int_equal(buf.len, 0);
	for (i = 0; i < 600; i++) { /* the NUL must find room at each length */
		assert_int_equal(strlen(buf_cstr(&buf)), i);
		assert_int_equal(buf.len, i);
		assert_int_equal(buf_putc(&buf, 'a'), 0);
	}
	buf_free(&buf);
}

static void
detach_hands_the_bytes_over(void **state)
{
	struct buf buf;
	char *data;
	size_t len = 99;

	(void)state;
	buf_init(&buf, 100);
	assert_null(buf_detach(&buf, &len));
	assert_int_equal(len, 0);
	assert_int_equal(buf_puts(&buf, "mine"), 0);
	assert_int_equal(buf_puts(&buf, "now"), 0);
	data = buf_detach(&buf, &len);
	assert_int_equal(len, 7);
	assert_memory_equal(data, "minenow", 7);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	assert_int_equal(buf.max, 100);
	assert_int_equal(buf_puts(&buf, "again"), 0); /* memory of its own */
	assert_memory_equal(data, "minenow", 7);
	free(data);
	buf_free(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty_without_memory),
		cmocka_unit_test(puts_append),
		cmocka_unit_test(grows_without_losing_a_byte),
		cmocka_unit_test(printf_of_any_length),
		cmocka_unit_test(bound_refuses_and_keeps_the_content),
		cmocka_unit_test(failure_is_remembered_until_cleared),
		cmocka_unit_test(absurd_sizes_are_refused),
		cmocka_unit_test(reserve_makes_room),
		cmocka_unit_test(consume_takes_from_the_front),
		cmocka_unit_test(cstr_ends_with_an_uncounted_nul),
		cmocka_unit_test(detach_hands_the_bytes_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
