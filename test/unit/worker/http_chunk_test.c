/* SPDX-License-Identifier: MIT */

/*
 * The chunked decoder: every case whole, byte by byte and cut in two at every
 * place, with one verdict, one body and one rest. Each piece is a block of
 * exactly its size, so that a sanitizer sees a read or write beyond it.
 */

#include "worker/http_chunk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/unit/worker/http_chunk_cases.h"

static const struct http_chunk_limits limits = {
	.body = 1000,
	.line = HTTP_CHUNK_LINE_DEFAULT,
	.extensions = HTTP_CHUNK_EXTENSIONS_DEFAULT,
	.trailers = HTTP_CHUNK_TRAILERS_DEFAULT,
};

struct decoded {
	int verdict;
	size_t consumed;
	size_t len;
	char body[4096];
};

/* Decode one more piece and add what it gives to *sum. */
static void
feed(struct http_chunk *chunk, const char *bytes, size_t given,
    struct decoded *sum)
{
	char *copy = malloc(given + 1);
	size_t len = given;
	size_t consumed;

	assert_non_null(copy);
	memcpy(copy + 1, bytes, given);
	sum->verdict = http_chunk_decode(chunk, copy + 1, &len, &consumed);
	assert_true(consumed <= given);
	assert_true(len <= consumed);
	if (sum->verdict == 0)
		assert_int_equal(consumed, given);
	/* What was not used is still there. */
	assert_memory_equal(copy + 1 + consumed, bytes + consumed,
	    given - consumed);
	assert_true(sum->len + len <= sizeof(sum->body));
	memcpy(sum->body + sum->len, copy + 1, len);
	sum->len += len;
	sum->consumed += consumed;
	free(copy);
}

/* Pieces of `first` bytes, then of `step` bytes each. */
static struct decoded
decode(const char *bytes, size_t len, size_t first, size_t step)
{
	struct decoded sum = { .verdict = 0 };
	struct http_chunk chunk;
	size_t at = 0;
	size_t n = first;

	http_chunk_init(&chunk, &limits);
	do {
		if (n > len - at)
			n = len - at;
		feed(&chunk, bytes + at, n, &sum);
		at += n;
		n = step;
	} while (sum.verdict == 0 && at < len);
	return sum;
}

static void
check(const struct http_chunk_case *row, const char *how, size_t n,
    const struct decoded *got)
{
	if (got->verdict != row->verdict)
		fail_msg("%s: %s %zu: got %d, want %d", row->name, how, n,
		    got->verdict, row->verdict);
	if (row->body == NULL)
		return;
	if (got->consumed != row->len - row->rest)
		fail_msg("%s: %s %zu: consumed %zu", row->name, how, n,
		    got->consumed);
	if (got->len != strlen(row->body) ||
	    memcmp(got->body, row->body, got->len) != 0)
		fail_msg("%s: %s %zu: body \"%.*s\"", row->name, how, n,
		    (int)got->len, got->body);
}

static void
verdicts_follow_the_table(void **state)
{
	const struct http_chunk_case *row;
	struct decoded whole, cut;
	size_t i, n;

	(void)state;
	for (i = 0; i < HTTP_CHUNK_CASES; i++) {
		row = &http_chunk_cases[i];
		whole = decode(row->bytes, row->len, row->len, 1);
		check(row, "whole", 0, &whole);
		for (n = 1; n <= row->len; n++) {
			cut = decode(row->bytes, row->len, n, row->len);
			check(row, "cut at", n, &cut);
			cut = decode(row->bytes, row->len, n, n);
			check(row, "in steps of", n, &cut);
			/* Also where wrong: same bytes before the fault. */
			assert_int_equal(cut.consumed, whole.consumed);
			assert_int_equal(cut.len, whole.len);
		}
	}
}

static void
verdicts_last(void **state)
{
	struct http_chunk chunk;
	char good[] = "0\r\n\r\nX";
	char wrong[] = "5\n";
	size_t len = 6, consumed;

	(void)state;
	http_chunk_init(&chunk, &limits);
	assert_int_equal(http_chunk_decode(&chunk, good, &len, &consumed), 1);
	assert_int_equal(consumed, 5);
	len = 1;
	assert_int_equal(http_chunk_decode(&chunk, good + 5, &len, &consumed),
	    1);
	assert_int_equal(consumed, 0);
	assert_int_equal(len, 0);
	http_chunk_init(&chunk, &limits);
	len = 2;
	assert_int_equal(http_chunk_decode(&chunk, wrong, &len, &consumed),
	    -400);
	assert_int_equal(consumed, 1);
	len = 2;
	assert_int_equal(http_chunk_decode(&chunk, wrong, &len, &consumed),
	    -400);
	assert_int_equal(consumed, 0);
}

/*
 * Feed `start`, then `unit` again and again: refused with `status` after
 * exactly `most` more bytes.
 */
static void
check_endless(const char *start, const char *unit, size_t most, int status)
{
	struct http_chunk chunk;
	size_t unit_len = strlen(unit);
	size_t at, len, consumed;
	char text[100];
	int rc;

	http_chunk_init(&chunk, &limits);
	len = strlen(start);
	memcpy(text, start, len);
	assert_int_equal(http_chunk_decode(&chunk, text, &len, &consumed), 0);
	for (at = 0; at <= most; at++) {
		text[0] = unit[at % unit_len];
		len = 1;
		rc = http_chunk_decode(&chunk, text, &len, &consumed);
		if (rc != (at < most ? 0 : -status))
			fail_msg("%s: got %d after %zu", start, rc, at);
	}
}

static void
endless_input_is_refused(void **state)
{
	(void)state;
	/* An extension: 256 for the line, less "5;". */
	check_endless("5;", "x", 254, 400);
	/* One trailer that does not end, its name, and many of them. */
	check_endless("0\r\nX: ", "x", HTTP_CHUNK_TRAILERS_DEFAULT - 3, 431);
	check_endless("0\r\nX", "x", HTTP_CHUNK_TRAILERS_DEFAULT - 1, 431);
	check_endless("0\r\n", "X: y\r\n", HTTP_CHUNK_TRAILERS_DEFAULT, 431);
	/* One-byte chunks: 1000 are allowed, the next one fails at its CR. */
	check_endless("0001\r\nx\r\n", "1\r\nx\r\n", 999 * 6 + 1, 413);
}

static void
all_extensions_together_are_bounded(void **state)
{
	struct http_chunk_limits with = limits;
	char text[] = "1;01\r\nx\r\n1;01\r\nx\r\n1;0\r\nx\r\n1;0";
	size_t len = strlen(text), consumed;
	struct http_chunk chunk;

	(void)state;
	with.extensions = 5;
	http_chunk_init(&chunk, &with);
	assert_int_equal(http_chunk_decode(&chunk, text, &len, &consumed),
	    -400);
	assert_int_equal(consumed, strlen(text) - 1);
	assert_int_equal(len, 3);
}

static void
limits_hold_at_their_edge(void **state)
{
	struct http_chunk_limits with = { .body = 5,
		.line = 4,
		.extensions = 2,
		.trailers = 6 };
	char good[] = "5;ab\r\nhello\r\n0\r\nX: y\r\n\r\n";
	char wrong[] = "0\r\nX: yz\r\n\r\n";
	size_t len = strlen(good), consumed;
	struct http_chunk chunk;

	(void)state;
	http_chunk_init(&chunk, &with);
	assert_int_equal(http_chunk_decode(&chunk, good, &len, &consumed), 1);
	assert_int_equal(len, 5);
	http_chunk_init(&chunk, &with);
	len = strlen(wrong);
	assert_int_equal(http_chunk_decode(&chunk, wrong, &len, &consumed),
	    -431);
}

/* Sizes up to 32 bits do not overflow with the largest limit there is. */
static void
large_bodies_do_not_overflow(void **state)
{
	struct http_chunk_limits with = limits;
	char text[] = "ffffffff\r\n";
	size_t len = strlen(text), consumed;
	struct http_chunk chunk;

	(void)state;
	with.body = UINT64_MAX;
	http_chunk_init(&chunk, &with);
	assert_int_equal(http_chunk_decode(&chunk, text, &len, &consumed), 0);
	assert_int_equal(consumed, 10);
	with.body = 0xFFFFFFFE;
	http_chunk_init(&chunk, &with);
	len = strlen(text);
	assert_int_equal(http_chunk_decode(&chunk, text, &len, &consumed),
	    -413);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_follow_the_table),
		cmocka_unit_test(verdicts_last),
		cmocka_unit_test(endless_input_is_refused),
		cmocka_unit_test(all_extensions_together_are_bounded),
		cmocka_unit_test(limits_hold_at_their_edge),
		cmocka_unit_test(large_bodies_do_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
