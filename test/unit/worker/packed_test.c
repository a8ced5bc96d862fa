/* SPDX-License-Identifier: MIT */

/* Finished answers as they stand in the store. */
#include <brotli/decode.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "worker/packed.h"

#define LONG_LEN 20000

static void
fill(struct buf *plain, bool regular)
{
	uint32_t x = 12345;
	size_t i;

	buf_init(plain, 0);
	for (i = 0; i < LONG_LEN; i++) {
		x = x * 1103515245 + 12345;
		assert_int_equal(buf_putc(plain, regular ? "[1.25,"[i % 6]
							 : (char)(x >> 23)),
		    0);
	}
}

static void
a_long_regular_body_has_all_forms(void **state)
{
	struct buf plain;
	struct buf bytes = BUF_EMPTY;
	struct packed packed;
	struct reply reply;
	char back[LONG_LEN];
	size_t back_len;
	z_stream stream;

	(void)state;
	fill(&plain, true);
	assert_int_equal(packed_make(&plain, 1, 1000, &bytes), 0);
	assert_true(packed_open(bytes.data, bytes.len, &packed));
	assert_int_equal(packed.plain_len, LONG_LEN);
	assert_memory_equal(packed.plain, plain.data, LONG_LEN);
	assert_non_null(packed.gzip);
	memset(&stream, 0, sizeof(stream));
	assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
	stream.next_in = (unsigned char *)(uintptr_t)packed.gzip;
	stream.avail_in = (unsigned)packed.gzip_len;
	stream.next_out = (unsigned char *)back;
	stream.avail_out = sizeof(back);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	assert_int_equal(inflateEnd(&stream), Z_OK);
	assert_memory_equal(back, plain.data, LONG_LEN);

	back_len = sizeof(back);
	assert_non_null(packed.br);
	assert_int_equal(BrotliDecoderDecompress(packed.br_len,
			     (const uint8_t *)packed.br, &back_len,
			     (uint8_t *)back),
	    BROTLI_DECODER_RESULT_SUCCESS);
	assert_int_equal(back_len, LONG_LEN);
	assert_memory_equal(back, plain.data, LONG_LEN);

	packed_reply(&packed, true, true, &reply);
	assert_true(reply.br);
	assert_false(reply.gzip);
	assert_ptr_equal(reply.body, packed.br);
	assert_int_equal(reply.len, packed.br_len);
	packed.br = NULL; /* of a version that knew none */
	packed_reply(&packed, true, true, &reply);
	assert_true(reply.gzip);
	assert_false(reply.br);
	packed_reply(&packed, true, false, &reply);
	assert_int_equal(reply.status, 200);
	assert_true(reply.gzip);
	assert_ptr_equal(reply.body, packed.gzip);
	packed_reply(&packed, false, false, &reply);
	assert_false(reply.gzip);
	assert_true(reply.as_is);
	assert_int_equal(reply.len, LONG_LEN);
	buf_free(&bytes);
	buf_free(&plain);
}

static void
what_does_not_pay_is_left_out(void **state)
{
	struct buf plain;
	struct buf bytes = BUF_EMPTY;
	struct packed packed;
	struct reply reply;

	(void)state;
	fill(&plain, false); /* does not shrink */
	assert_int_equal(packed_make(&plain, 9, 1000, &bytes), 0);
	assert_true(packed_open(bytes.data, bytes.len, &packed));
	assert_null(packed.gzip);
	assert_null(packed.br);
	buf_free(&plain);
	fill(&plain, true); /* too short, or switched off */
	assert_int_equal(packed_make(&plain, 9, LONG_LEN + 1, &bytes), 0);
	assert_true(packed_open(bytes.data, bytes.len, &packed));
	assert_null(packed.gzip);
	assert_int_equal(packed_make(&plain, 0, 1, &bytes), 0);
	assert_true(packed_open(bytes.data, bytes.len, &packed));
	packed_reply(&packed, true, true, &reply);
	assert_false(reply.gzip);
	assert_false(reply.br);
	assert_int_equal(reply.len, LONG_LEN);
	buf_free(&plain);
	buf_init(&plain, 0); /* no update */
	assert_int_equal(packed_make(&plain, 1, 1, &bytes), 0);
	assert_true(packed_open(bytes.data, bytes.len, &packed));
	packed_reply(&packed, true, false, &reply);
	assert_int_equal(reply.status, 204);
	assert_null(reply.type);
	buf_free(&bytes);
}

static void
other_bytes_are_no_answer(void **state)
{
	struct buf plain = BUF_EMPTY;
	struct buf bytes = BUF_EMPTY;
	struct packed packed;
	uint32_t most = UINT32_MAX;
	size_t i;

	(void)state;
	assert_int_equal(buf_puts(&plain, "{\"multi\":true}"), 0);
	assert_int_equal(packed_make(&plain, 1, 100, &bytes), 0);
	for (i = 0; i < bytes.len; i++)
		assert_false(packed_open(bytes.data, i, &packed));
	assert_false(packed_open(plain.data, plain.len, &packed));
	for (i = 0; i < 16; i += 4) {
		buf_clear(&bytes);
		assert_int_equal(packed_make(&plain, 1, 100, &bytes), 0);
		memcpy(bytes.data + i, &most, sizeof(most));
		assert_false(packed_open(bytes.data, bytes.len, &packed));
	}
	buf_free(&bytes);
	buf_free(&plain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_regular_body_has_all_forms),
		cmocka_unit_test(what_does_not_pay_is_left_out),
		cmocka_unit_test(other_bytes_are_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
