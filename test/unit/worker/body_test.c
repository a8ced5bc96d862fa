/* SPDX-License-Identifier: MIT */

/* gzip bodies: whole, cut at every byte, damaged, and bombs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "worker/body.h"

static size_t
gzip(const char *text, size_t len, int window, char *out, size_t cap)
{
	z_stream stream;

	memset(&stream, 0, sizeof(stream));
	assert_int_equal(
	    deflateInit2(&stream, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY),
	    Z_OK);
	stream.next_in = (unsigned char *)(uintptr_t)text;
	stream.avail_in = (unsigned)len;
	stream.next_out = (unsigned char *)out;
	stream.avail_out = (unsigned)cap;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	(void)deflateEnd(&stream);
	return stream.total_out;
}

static void
coding_is_judged(void **state)
{
	(void)state;
	assert_int_equal(body_coding((struct http_span){ NULL, 0 }),
	    BODY_PLAIN);
	assert_int_equal(body_coding((struct http_span){ "GZip", 4 }),
	    BODY_GZIP);
	/* RFC 9110 8.4.1: no coding at all. */
	assert_int_equal(body_coding((struct http_span){ "Identity", 8 }),
	    BODY_PLAIN);
	/* RFC 9110 8.4.1.3: the same as gzip. */
	assert_int_equal(body_coding((struct http_span){ "X-gzip", 6 }),
	    BODY_GZIP);
	assert_int_equal(body_coding((struct http_span){ "", 0 }),
	    BODY_UNKNOWN);
	assert_int_equal(body_coding((struct http_span){ "br", 2 }),
	    BODY_UNKNOWN);
	assert_int_equal(body_coding((struct http_span){ "gzip, gzip", 10 }),
	    BODY_UNKNOWN);
}

static void
only_whole_members_are_taken(void **state)
{
	static const char text[] = "{\"output\":\"a.b\",\"inputs\":[1,2,3]}";
	struct buf out = BUF_EMPTY;
	char bytes[512];
	size_t len = gzip(text, sizeof(text) - 1, 31, bytes, sizeof(bytes));
	char other[512];
	size_t i;

	(void)state;
	assert_int_equal(body_gunzip(bytes, len, 1000, 100, &out), 0);
	assert_int_equal(out.len, sizeof(text) - 1);
	assert_memory_equal(out.data, text, out.len);
	for (i = 0; i < len; i++)
		assert_int_equal(body_gunzip(bytes, i, 1000, 100, &out), -400);
	memcpy(bytes + len, "x", 1);
	assert_int_equal(body_gunzip(bytes, len + 1, 1000, 100, &out), -400);
	for (i = len - 8; i < len; i++) { /* checksum and length */
		memcpy(other, bytes, len);
		other[i] ^= 1;
		assert_int_equal(body_gunzip(other, len, 1000, 100, &out),
		    -400);
	}
	len = gzip(text, sizeof(text) - 1, 15, other, sizeof(other));
	assert_int_equal(body_gunzip(other, len, 1000, 100, &out), -400);
	len = gzip(text, sizeof(text) - 1, -15, other, sizeof(other));
	assert_int_equal(body_gunzip(other, len, 1000, 100, &out), -400);
	buf_free(&out);
}

/* RFC 1952 2.2: one behind the other, as one text; the bounds are for all. */
static void
several_members_are_one_body(void **state)
{
	static const char text[] = "text";
	struct buf out = BUF_EMPTY;
	char bytes[512];
	size_t len = gzip(text, 4, 31, bytes, sizeof(bytes));
	size_t i;

	(void)state;
	memcpy(bytes + len, bytes, len);
	memcpy(bytes + 2 * len, bytes, len);
	assert_int_equal(body_gunzip(bytes, 3 * len, 12, 100, &out), 0);
	assert_int_equal(out.len, 12);
	assert_memory_equal(out.data, "texttexttext", 12);
	assert_int_equal(body_gunzip(bytes, 3 * len, 11, 100, &out), -413);
	for (i = len + 1; i < 3 * len; i++)
		assert_int_equal(body_gunzip(bytes, i, 12, 100, &out),
		    i == 2 * len ? 0 : -400);
	buf_free(&out);
}

static void
many_small_members_are_a_bomb(void **state)
{
	enum { EACH = 100000, COUNT = 40 };
	char *zeros = calloc(1, EACH);
	char *bytes = malloc((size_t)COUNT * 1000);
	struct buf out = BUF_EMPTY;
	size_t len;
	size_t i;

	(void)state;
	assert_non_null(zeros);
	assert_non_null(bytes);
	len = gzip(zeros, EACH, 31, bytes, 1000);
	for (i = 1; i < COUNT; i++)
		memcpy(bytes + i * len, bytes, len);
	len *= COUNT;
	assert_int_equal(
	    body_gunzip(bytes, len, (size_t)EACH * COUNT, 2000, &out), 0);
	assert_int_equal(
	    body_gunzip(bytes, len, (size_t)EACH * COUNT - 1, 2000, &out),
	    -413);
	assert_int_equal(
	    body_gunzip(bytes, len, (size_t)EACH * COUNT, 100, &out), -413);
	buf_free(&out);
	free(zeros);
	free(bytes);
}

static void
bombs_are_cut_off(void **state)
{
	size_t size = (size_t)32 * 1024 * 1024;
	char *zeros = calloc(1, size);
	char *bytes = malloc(size);
	struct buf out = BUF_EMPTY;
	size_t len;

	(void)state;
	assert_non_null(zeros);
	assert_non_null(bytes);
	len = gzip(zeros, size, 31, bytes, size);
	assert_int_equal(body_gunzip(bytes, len, 1000000, 10000, &out), -413);
	assert_true(out.len <= 1000000 + (size_t)64 * 1024);
	assert_int_equal(body_gunzip(bytes, len, size, 100, &out), -413);
	assert_true(out.len <= (size_t)12 * 1024 * 1024);
	assert_int_equal(body_gunzip(bytes, len, size, 2000, &out), 0);
	assert_int_equal(out.len, size);
	assert_int_equal(body_gunzip(bytes, len, size - 1, 2000, &out), -413);
	/* Exactly at the limit; small ones may shrink as they like. */
	len = gzip(zeros, 100000, 31, bytes, size);
	assert_int_equal(body_gunzip(bytes, len, 100000, 2, &out), 0);
	assert_int_equal(body_gunzip(bytes, len, 99999, 2, &out), -413);
	buf_free(&out);
	free(zeros);
	free(bytes);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(coding_is_judged),
		cmocka_unit_test(only_whole_members_are_taken),
		cmocka_unit_test(several_members_are_one_body),
		cmocka_unit_test(many_small_members_are_a_bomb),
		cmocka_unit_test(bombs_are_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
