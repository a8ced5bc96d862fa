/* SPDX-License-Identifier: MIT */

/*
 * Chunked bodies: one small state machine, one byte a step, but for the data
 * of a chunk, which is moved down in one piece.
 *
 *   SIZE --;--> extension     DATA --> DATA_CR --> DATA_LF --> SIZE
 *     \--CR--> SIZE_LF <--CR--/ ^
 *                 |---size > 0---|
 *                 \---size = 0--> TRAILER --CR--> LAST_LF --> done
 *                                  |   ^
 *                                 NAME |
 *                                  v   |
 *                                VALUE --CR--> VALUE_LF
 *
 * An extension is ";" name, or ";" name "=" token or quoted string (EXT_...).
 * Sizes are one to eight hexadecimal digits and nothing else: no sign, no
 * "0x", no white space; blanks are let pass only after a semicolon. Lines end
 * in CRLF. So no other program can see a chunk end at another place.
 *
 * INVARIANT  Each byte is looked at once and in order, and a fault belongs to
 *            one byte; the verdict does not depend on where reads end.
 * OWNERSHIP  Everything is the caller's.
 * THREADS    Any.
 */

#include "worker/http_chunk.h"

#include <stdbool.h>
#include <string.h>

#include "worker/http_class.h"

#define SIZE_DIGITS_MAX 8

enum chunk_state {
	CHUNK_SIZE,
	CHUNK_EXT_START,
	CHUNK_EXT_NAME,
	CHUNK_EXT_EQUALS,
	CHUNK_EXT_TOKEN,
	CHUNK_EXT_QUOTED,
	CHUNK_EXT_ESCAPED,
	CHUNK_EXT_UNQUOTED,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,
	CHUNK_NAME,
	CHUNK_VALUE,
	CHUNK_VALUE_LF,
	CHUNK_LAST_LF,
};

void
http_chunk_init(struct http_chunk *chunk,
    const struct http_chunk_limits *limits)
{
	memset(chunk, 0, sizeof(*chunk));
	chunk->limits = *limits;
	chunk->state = CHUNK_SIZE;
}

static int
expect(struct http_chunk *chunk, char c, char wanted, enum chunk_state next)
{
	if (c != wanted)
		return -400;
	chunk->state = next;
	return 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 0x20) - 'a' + 10;
}

/* The digits are over: is there room for a chunk of this size? */
static int
on_size(struct http_chunk *chunk)
{
	if (chunk->digits == 0)
		return -400;
	return chunk->left > chunk->limits.body - chunk->body ? -413 : 0;
}

static int
step_size(struct http_chunk *chunk, char c)
{
	if (http_class_has(c, HTTP_HEX)) {
		if (chunk->digits == SIZE_DIGITS_MAX)
			return -400;
		chunk->digits++;
		chunk->left = chunk->left * 16 + (uint64_t)hex_value(c);
		return 0;
	}
	if (c == '\r')
		chunk->state = CHUNK_SIZE_LF;
	else if (c == ';')
		chunk->state = CHUNK_EXT_START;
	else
		return -400;
	return on_size(chunk);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* After a whole name or value: what may follow. */
static int
end_extension(struct http_chunk *chunk, char c)
{
	if (c == ';')
		chunk->state = CHUNK_EXT_START;
	else if (c == '\r')
		chunk->state = CHUNK_SIZE_LF;
	else
		return -400;
	return 0;
}

static int
step_quoted(struct http_chunk *chunk, char c)
{
	if (!http_class_has(c, HTTP_VALUE) || (unsigned char)c >= 0x80)
		return -400;
	if (chunk->state == CHUNK_EXT_ESCAPED)
		chunk->state = CHUNK_EXT_QUOTED;
	else if (c == '\\')
		chunk->state = CHUNK_EXT_ESCAPED;
	else if (c == '"')
		chunk->state = CHUNK_EXT_UNQUOTED;
	return 0;
}

static int
step_extension(struct http_chunk *chunk, char c)
{
	bool token = http_class_has(c, HTTP_TOKEN);

	switch ((enum chunk_state)chunk->state) {
	case CHUNK_EXT_START:
		if (is_blank(c))
			return 0;
		chunk->state = CHUNK_EXT_NAME;
		return token ? 0 : -400;
	case CHUNK_EXT_NAME:
		if (c != '=')
			return token ? 0 : end_extension(chunk, c);
		chunk->state = CHUNK_EXT_EQUALS;
		return 0;
	case CHUNK_EXT_EQUALS:
		chunk->state = c == '"' ? CHUNK_EXT_QUOTED : CHUNK_EXT_TOKEN;
		return token || c == '"' ? 0 : -400;
	case CHUNK_EXT_TOKEN:
		return token ? 0 : end_extension(chunk, c);
	case CHUNK_EXT_UNQUOTED:
		return end_extension(chunk, c);
	default:
		return step_quoted(chunk, c);
	}
}

static int
step_size_line(struct http_chunk *chunk, char c)
{
	if (c != '\r' && chunk->line >= chunk->limits.line)
		return -400;
	chunk->line++;
	if (chunk->state == CHUNK_SIZE)
		return step_size(chunk, c);
	if (c != '\r' && chunk->extensions++ >= chunk->limits.extensions)
		return -400;
	return step_extension(chunk, c);
}

static int
step_size_lf(struct http_chunk *chunk, char c)
{
	enum chunk_state next = chunk->left == 0 ? CHUNK_TRAILER : CHUNK_DATA;

	chunk->line = 0;
	chunk->digits = 0;
	return expect(chunk, c, '\n', next);
}

/*
 * A trailer must not say what only the head may: where the message ends and
 * who it is for (RFC 9110 6.5.1).
 */
static bool
is_forbidden(const struct http_chunk *chunk)
{
	static const char *const names[] = { "content-length",
		"transfer-encoding", "host" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == chunk->name_len &&
		    memcmp(names[i], chunk->name, chunk->name_len) == 0)
			return true;
	return false;
}

static int
step_name(struct http_chunk *chunk, char c)
{
	if (c == ':' && chunk->name_len != 0) {
		chunk->state = CHUNK_VALUE;
		return is_forbidden(chunk) ? -400 : 0;
	}
	if (!http_class_has(c, HTTP_TOKEN))
		return -400;
	/* A name longer than the buffer is none of the forbidden ones. */
	if (chunk->name_len < HTTP_CHUNK_NAME_MAX) {
		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		chunk->name[chunk->name_len++] = c;
	}
	return 0;
}

static int
step_trailer(struct http_chunk *chunk, char c)
{
	/* The last CRLF is no trailer and is always free. */
	if (c == '\r' && chunk->state == CHUNK_TRAILER) {
		chunk->state = CHUNK_LAST_LF;
		return 0;
	}
	if (chunk->trailers >= chunk->limits.trailers)
		return -431;
	chunk->trailers++;
	switch (chunk->state) {
	case CHUNK_TRAILER:
		chunk->name_len = 0;
		chunk->state = CHUNK_NAME;
		return step_name(chunk, c);
	case CHUNK_NAME:
		return step_name(chunk, c);
	case CHUNK_VALUE_LF:
		return expect(chunk, c, '\n', CHUNK_TRAILER);
	default: /* CHUNK_VALUE */
		if (c == '\r')
			chunk->state = CHUNK_VALUE_LF;
		else if (!http_class_has(c, HTTP_VALUE))
			return -400;
		return 0;
	}
}

/* One byte that is not chunk data. 1 at the end of the body. */
static int
step(struct http_chunk *chunk, char c)
{
	switch ((enum chunk_state)chunk->state) {
	case CHUNK_SIZE:
	case CHUNK_EXT_START:
	case CHUNK_EXT_NAME:
	case CHUNK_EXT_EQUALS:
	case CHUNK_EXT_TOKEN:
	case CHUNK_EXT_QUOTED:
	case CHUNK_EXT_ESCAPED:
	case CHUNK_EXT_UNQUOTED:
		return step_size_line(chunk, c);
	case CHUNK_SIZE_LF:
		return step_size_lf(chunk, c);
	case CHUNK_DATA_CR:
		return expect(chunk, c, '\r', CHUNK_DATA_LF);
	case CHUNK_DATA_LF:
		return expect(chunk, c, '\n', CHUNK_SIZE);
	case CHUNK_LAST_LF:
		return c == '\n' ? 1 : -400;
	default:
		return step_trailer(chunk, c);
	}
}

/* Move as much of the present chunk as there is down to `out`. */
static size_t
move_data(struct http_chunk *chunk, char *out, const char *in, size_t given)
{
	size_t n = given;

	if (n > chunk->left)
		n = (size_t)chunk->left;
	if (out != in)
		memmove(out, in, n);
	chunk->left -= n;
	chunk->body += n;
	if (chunk->left == 0)
		chunk->state = CHUNK_DATA_CR;
	return n;
}

int
http_chunk_decode(struct http_chunk *chunk, char *data, size_t *len,
    size_t *consumed)
{
	size_t given = *len;
	size_t in = 0;
	size_t out = 0;
	size_t n;

	while (in < given && chunk->verdict == 0) {
		if (chunk->state == CHUNK_DATA) {
			n = move_data(chunk, data + out, data + in, given - in);
			in += n;
			out += n;
			continue;
		}
		chunk->verdict = step(chunk, data[in]);
		if (chunk->verdict >= 0)
			in++;
	}
	*len = out;
	*consumed = in;
	return chunk->verdict;
}
