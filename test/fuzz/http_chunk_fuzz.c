/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: chunked bodies.
 *
 * Property: verdict, consumed bytes and decoded bytes are the same however
 * the body is cut: whole, byte by byte, and in pieces of changing sizes.
 */

#include "test/fuzz/fuzz.h"

#include <string.h>

#include "worker/http_chunk.h"

static const struct http_chunk_limits large = { 65536, 256, 16384, 8192 };
static const struct http_chunk_limits small = { 20, 8, 10, 16 };

struct decoded {
	int verdict;
	size_t consumed;
	size_t len;
	char *body;
};

/* Pieces of `step`, `step` + `grow`, ... bytes, each in its own block. */
static struct decoded
decode(const uint8_t *data, size_t size, const struct http_chunk_limits *limits,
    size_t step, size_t grow)
{
	struct decoded sum = { .body = malloc(size + 1) };
	struct http_chunk chunk;
	size_t at = 0;
	size_t len, consumed, given;
	char *piece;

	FUZZ_CHECK(sum.body != NULL);
	http_chunk_init(&chunk, limits);
	while (sum.verdict == 0 && at < size) {
		given = step < size - at ? step : size - at;
		piece = malloc(given);
		FUZZ_CHECK(piece != NULL);
		memcpy(piece, data + at, given);
		len = given;
		sum.verdict = http_chunk_decode(&chunk, piece, &len, &consumed);
		FUZZ_CHECK(len <= consumed && consumed <= given);
		FUZZ_CHECK(sum.verdict != 0 || consumed == given);
		memcpy(sum.body + sum.len, piece, len);
		sum.len += len;
		sum.consumed += consumed;
		free(piece);
		at += given;
		step += grow;
	}
	return sum;
}

static void
check_same(const struct decoded *a, struct decoded *b)
{
	FUZZ_CHECK(a->verdict == b->verdict);
	FUZZ_CHECK(a->consumed == b->consumed);
	FUZZ_CHECK(a->len == b->len);
	FUZZ_CHECK(memcmp(a->body, b->body, a->len) == 0);
	free(b->body);
}

static void
check_limits(const uint8_t *data, size_t size,
    const struct http_chunk_limits *limits)
{
	struct decoded whole = decode(data, size, limits, size, 0);
	struct decoded cut;

	FUZZ_CHECK(whole.verdict == 0 || whole.verdict == 1 ||
		   whole.verdict == -400 || whole.verdict == -413 ||
		   whole.verdict == -431);
	FUZZ_CHECK(whole.len <= limits->body);
	cut = decode(data, size, limits, 1, 0);
	check_same(&whole, &cut);
	cut = decode(data, size, limits, 1, 1);
	check_same(&whole, &cut);
	cut = decode(data, size, limits, size / 2 + 1, 0);
	check_same(&whole, &cut);
	free(whole.body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_limits(data, size, &large);
	check_limits(data, size, &small);
	return 0;
}
