/* SPDX-License-Identifier: MIT */

/*
 * Answers in all forms, cut at every byte.
 */
#include "test/bench/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "server/base/err.h"

struct sample {
	const char *text;
	int status;
	const char *body;
	bool keep_alive;
};

static const struct sample samples[] = {
	{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello",
	    true },
	{ "HTTP/1.1 200 OK\r\ncontent-length:5 \r\n\r\nhello", 0, NULL, false },
	{ "HTTP/1.1 200 OK\r\nCONTENT-LENGTH:  3\r\nConnection: close\r\n\r\n"
	  "abc",
	    200, "abc", false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false },
	{ "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "",
	    true },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "5\r\nhello\r\n1;x=y\r\n!\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
	    200, "hello!0123456789", true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200,
	    "", true },
	{ "HTTP/1.1 100 Continue\r\n\r\n"
	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
	    200, "ok", true },
	{ "HTTP/1.1 500 Broken\r\nContent-Length: 2\r\n\r\nno", 500, "no",
	    true },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0,
	    NULL, false },
	{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
	    0, NULL, false },
	{ "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", 0, NULL, false },
	{ "SSH-2.0-OpenSSH_9.2 hello there\r\n\r\n", 0, NULL, false },
	{ "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n", 0, NULL, false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0, NULL, false },
	{ "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", 0, NULL,
	    false },
	{ "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", 0, NULL, false },
};

/* Give `text` in two pieces cut at `cut`, each in memory of its own. */
static int
take_cut(struct answer *answer, const char *text, size_t cut)
{
	size_t len = strlen(text);
	size_t sizes[2] = { cut, len - cut };
	size_t used;
	char *piece;
	int rc = 0;
	int i;

	answer_reset(answer, false);
	for (i = 0; i < 2 && rc == 0; i++) {
		if (sizes[i] == 0)
			continue;
		piece = malloc(sizes[i]);
		assert_non_null(piece);
		memcpy(piece, text + (i == 0 ? 0 : cut), sizes[i]);
		rc = answer_take(answer, piece, sizes[i], &used);
		if (rc == 0 && answer->state == ANSWER_DONE) {
			assert_int_equal(used, sizes[i]);
			buf_clear(&answer->plain);
			assert_int_equal(buf_put(&answer->plain, answer->body,
					     answer->body_len),
			    0);
		}
		free(piece);
	}
	return rc;
}

static void
all_forms_at_every_cut(void **state)
{
	struct answer answer;
	const struct sample *sample;
	size_t cut;
	size_t i;
	int rc;

	(void)state;
	answer_init(&answer);
	for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		sample = &samples[i];
		for (cut = 0; cut <= strlen(sample->text); cut++) {
			rc = take_cut(&answer, sample->text, cut);
			if (sample->body == NULL) {
				assert_true(rc < 0);
				continue;
			}
			assert_int_equal(rc, 0);
			assert_int_equal(answer.state, ANSWER_DONE);
			assert_int_equal(answer.status, sample->status);
			assert_int_equal(answer.keep_alive, sample->keep_alive);
			assert_int_equal(answer.plain.len,
			    strlen(sample->body));
			assert_memory_equal(answer.plain.data, sample->body,
			    answer.plain.len);
			assert_int_equal(answer.wire, strlen(sample->text));
		}
	}
	answer_free(&answer);
}

static void
until_close(void **state)
{
	static const char text[] = "HTTP/1.1 200 OK\r\n\r\nall of it";
	struct answer answer;
	size_t used;

	(void)state;
	answer_init(&answer);
	answer_reset(&answer, false);
	assert_int_equal(answer_take(&answer, text, sizeof(text) - 1, &used),
	    0);
	assert_int_equal(answer.state, ANSWER_UNTIL_CLOSE);
	assert_int_equal(answer_close(&answer), 0);
	assert_int_equal(answer.body_len, 9);
	assert_memory_equal(answer.body, "all of it", 9);
	assert_false(answer.keep_alive);
	answer_reset(&answer, false);
	assert_int_equal(answer_take(&answer, samples[0].text, 40, &used), 0);
	assert_true(answer_close(&answer) < 0);
	answer_free(&answer);
}

static void
gzip_is_undone(void **state)
{
	unsigned char packed[256];
	char text[512];
	z_stream stream;
	struct answer answer;
	size_t used;
	int len;

	(void)state;
	memset(&stream, 0, sizeof(stream));
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8,
			     Z_DEFAULT_STRATEGY),
	    Z_OK);
	stream.next_in = (Bytef *)text;
	memset(text, 'a', 400);
	stream.avail_in = 400;
	stream.next_out = packed;
	stream.avail_out = sizeof(packed);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	len = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
	    "Content-Length: %lu\r\n\r\n",
	    stream.total_out);
	memcpy(text + len, packed, stream.total_out);
	answer_init(&answer);
	answer_reset(&answer, false);
	assert_int_equal(
	    answer_take(&answer, text, (size_t)len + stream.total_out, &used),
	    0);
	assert_int_equal(answer.state, ANSWER_DONE);
	assert_int_equal(answer.body_len, 400);
	assert_int_equal(answer.body[399], 'a');
	assert_int_equal(deflateEnd(&stream), Z_OK);
	answer_free(&answer);
}

static void
cookies_are_kept(void **state)
{
	static const char text[] =
	    "HTTP/1.1 204 No Content\r\nSet-Cookie: a=1; Path=/\r\n"
	    "Set-Cookie: b=2\r\n\r\n";
	struct answer answer;
	size_t used;

	(void)state;
	answer_init(&answer);
	answer_reset(&answer, false);
	assert_int_equal(answer_take(&answer, text, sizeof(text) - 1, &used),
	    0);
	assert_string_equal(answer.cookies, "a=1; b=2");
	answer_free(&answer);
}

/* What belongs to the next answer is not taken. */
static void
rest_is_left(void **state)
{
	static const char text[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 ";
	struct answer answer;
	size_t used;

	(void)state;
	answer_init(&answer);
	answer_reset(&answer, false);
	assert_int_equal(answer_take(&answer, text, sizeof(text) - 1, &used),
	    0);
	assert_int_equal(used, sizeof(text) - 1 - 9);
	answer_free(&answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms_at_every_cut),
		cmocka_unit_test(until_close),
		cmocka_unit_test(gzip_is_undone),
		cmocka_unit_test(cookies_are_kept),
		cmocka_unit_test(rest_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
