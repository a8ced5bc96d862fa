/* SPDX-License-Identifier: MIT */

/*
 * An answer that arrives in one piece is handed on without a copy, which is
 * nearly every one on a loopback; others are gathered in `data`.
 *
 * INVARIANT  Between answers state is ANSWER_HEAD and all buffers are empty.
 * FAILURE    Anything that is not HTTP/1 is -EPROTO; the connection is then
 *            of no more use.
 * LIMITS     Heads of 64 KB, bodies of 256 MB.
 */
#include "test/bench/answer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "server/base/err.h"

#define HEAD_MAX 65536u
#define BODY_MAX (256u << 20)

void
answer_init(struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	buf_init(&answer->head, HEAD_MAX);
	buf_init(&answer->data, BODY_MAX);
	buf_init(&answer->plain, BODY_MAX);
}

void
answer_reset(struct answer *answer, bool discard)
{
	buf_clear(&answer->head);
	buf_clear(&answer->data);
	buf_clear(&answer->plain);
	answer->state = ANSWER_HEAD;
	answer->status = 0;
	answer->gzip = false;
	answer->chunked = false;
	answer->fixed = false;
	answer->discard = discard;
	answer->left = 0;
	answer->wire = 0;
	answer->body = "";
	answer->body_len = 0;
	answer->cookies[0] = '\0';
}

void
answer_free(struct answer *answer)
{
	buf_free(&answer->head);
	buf_free(&answer->data);
	buf_free(&answer->plain);
}

/* ---- the head ------------------------------------------------------------ */

static bool
starts_with(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	return len >= n && strncasecmp(text, word, n) == 0;
}

/* Keep `name=value` of a Set-Cookie field. */
static void
keep_cookie(struct answer *answer, const char *value, size_t len)
{
	const char *end = memchr(value, ';', len);
	size_t have = strlen(answer->cookies);
	size_t n = end != NULL ? (size_t)(end - value) : len;

	if (have + n + 3 > sizeof(answer->cookies))
		return;
	if (have > 0) {
		memcpy(answer->cookies + have, "; ", 2);
		have += 2;
	}
	memcpy(answer->cookies + have, value, n);
	answer->cookies[have + n] = '\0';
}

static bool
is_name(const char *name, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(name, word, len) == 0;
}

static int
take_length(struct answer *answer, const char *value, size_t len)
{
	char digits[24];
	char *end;

	if (len == 0 || len >= sizeof(digits) || *value < '0' || *value > '9')
		return -EPROTO;
	memcpy(digits, value, len);
	digits[len] = '\0';
	answer->left = strtoull(digits, &end, 10);
	if (*end != '\0' || answer->left > BODY_MAX)
		return -EPROTO;
	answer->fixed = true;
	return 0;
}

int
answer_field(struct answer *answer, const char *name, size_t name_len,
    const char *value, size_t len)
{
	if (is_name(name, name_len, "content-length"))
		return take_length(answer, value, len);
	if (is_name(name, name_len, "transfer-encoding")) {
		answer->chunked = starts_with(value, len, "chunked");
		return answer->chunked ? 0 : -EPROTO;
	}
	if (is_name(name, name_len, "connection")) {
		if (starts_with(value, len, "close"))
			answer->keep_alive = false;
		else if (starts_with(value, len, "keep-alive"))
			answer->keep_alive = true;
	} else if (is_name(name, name_len, "content-encoding")) {
		answer->gzip = starts_with(value, len, "gzip");
	} else if (is_name(name, name_len, "set-cookie")) {
		keep_cookie(answer, value, len);
	}
	return 0;
}

static int
take_field(struct answer *answer, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *value;

	if (colon == NULL)
		return -EPROTO;
	value = colon + 1;
	while (value < line + len && (*value == ' ' || *value == '\t'))
		value++;
	return answer_field(answer, line, (size_t)(colon - line), value,
	    (size_t)(line + len - value));
}

static void
start_body(struct answer *answer)
{
	if (answer->status == 204 || answer->status == 304)
		answer->state = ANSWER_DONE;
	else if (answer->chunked)
		answer->state = ANSWER_CHUNK_SIZE;
	else if (!answer->fixed)
		answer->state = ANSWER_UNTIL_CLOSE;
	else
		answer->state = answer->left > 0 ? ANSWER_LENGTH : ANSWER_DONE;
	if (answer->state == ANSWER_UNTIL_CLOSE)
		answer->keep_alive = false;
}

/* The head with its last CRLF but without the empty line. */
static int
parse_head(struct answer *answer, const char *head, size_t len)
{
	const char *end = head + len;
	const char *line;
	const char *eol;
	uint64_t wire;
	int rc;

	if (len < 13 || memcmp(head, "HTTP/1.", 7) != 0 || head[8] != ' ')
		return -EPROTO;
	answer->keep_alive = head[7] == '1';
	answer->status = atoi(head + 9);
	if (answer->status < 100 || answer->status > 599)
		return -EPROTO;
	line = memchr(head, '\n', len);
	for (line++; line < end; line = eol + 1) {
		eol = memchr(line, '\n', (size_t)(end - line));
		if (eol == NULL || eol == line)
			return -EPROTO;
		rc = take_field(answer, line, (size_t)(eol - 1 - line));
		if (rc < 0)
			return rc;
	}
	if (answer->status < 200) { /* 100 Continue: the real one follows */
		wire = answer->wire;
		answer_reset(answer, answer->discard);
		answer->wire = wire;
		return 0;
	}
	start_body(answer);
	return 0;
}

static int
take_head(struct answer *answer, const char *bytes, size_t len, size_t *used)
{
	const char *head = bytes;
	const char *end;
	size_t had = answer->head.len;
	size_t head_len = len;
	int rc;

	if (had > 0) {
		rc = buf_put(&answer->head, bytes, len);
		if (rc < 0)
			return rc;
		head = answer->head.data;
		head_len = answer->head.len;
	}
	end = memmem(head, head_len, "\r\n\r\n", 4);
	if (end == NULL) {
		*used = len;
		return had > 0 ? 0 : buf_put(&answer->head, bytes, len);
	}
	*used = (size_t)(end - head) + 4 - had;
	rc = parse_head(answer, head, (size_t)(end - head) + 2);
	buf_clear(&answer->head);
	return rc;
}

/* ---- the body ------------------------------------------------------------ */

static int
keep(struct answer *answer, const char *bytes, size_t len)
{
	return answer->discard ? 0 : buf_put(&answer->data, bytes, len);
}

/* A line of the chunked encoding: its size, the end of a chunk, a trailer. */
static int
end_line(struct answer *answer)
{
	const char *line = buf_cstr(&answer->head);
	size_t len = answer->head.len;
	char *end;

	if (line == NULL || len < 2 || line[len - 2] != '\r')
		return -EPROTO;
	if (answer->state == ANSWER_CHUNK_END) {
		if (len != 2)
			return -EPROTO;
		answer->state = ANSWER_CHUNK_SIZE;
	} else if (answer->state == ANSWER_TRAILER) {
		if (len == 2)
			answer->state = ANSWER_DONE;
	} else {
		answer->left = strtoull(line, &end, 16);
		if (end == line || answer->left > BODY_MAX)
			return -EPROTO;
		answer->state =
		    answer->left > 0 ? ANSWER_CHUNK_DATA : ANSWER_TRAILER;
	}
	buf_clear(&answer->head);
	return 0;
}

static int
take_line(struct answer *answer, const char *bytes, size_t len, size_t *used)
{
	const char *eol = memchr(bytes, '\n', len);
	int rc;

	*used = eol != NULL ? (size_t)(eol - bytes) + 1 : len;
	rc = buf_put(&answer->head, bytes, *used);
	if (rc == 0 && eol != NULL)
		rc = end_line(answer);
	return rc;
}

static int
take_body(struct answer *answer, const char *bytes, size_t len, size_t *used)
{
	int rc;

	if (answer->state == ANSWER_UNTIL_CLOSE) {
		*used = len;
		return keep(answer, bytes, len);
	}
	*used = len < answer->left ? len : (size_t)answer->left;
	if (answer->state == ANSWER_LENGTH && *used == answer->left &&
	    answer->data.len == 0) { /* all of it: no copy */
		answer->body = bytes;
		answer->body_len = *used;
	} else {
		rc = keep(answer, bytes, *used);
		if (rc < 0)
			return rc;
	}
	answer->left -= *used;
	if (answer->left == 0)
		answer->state = answer->state == ANSWER_LENGTH
				    ? ANSWER_DONE
				    : ANSWER_CHUNK_END;
	return 0;
}

static int
inflate_body(struct answer *answer)
{
	z_stream stream;
	int rc;

	memset(&stream, 0, sizeof(stream));
	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		return -ENOMEM;
	/* zlib only reads it, but its declaration does not say so. */
	stream.next_in = (Bytef *)(uintptr_t)answer->body;
	stream.avail_in = (uInt)answer->body_len;
	do {
		rc = buf_reserve(&answer->plain, answer->body_len + 4096);
		if (rc < 0)
			break;
		stream.next_out =
		    (Bytef *)answer->plain.data + answer->plain.len;
		stream.avail_out =
		    (uInt)(answer->plain.cap - answer->plain.len);
		rc = inflate(&stream, Z_NO_FLUSH);
		answer->plain.len = answer->plain.cap - stream.avail_out;
	} while (rc == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0));
	(void)inflateEnd(&stream);
	if (rc != Z_STREAM_END)
		return -EPROTO;
	answer->body = answer->plain.data;
	answer->body_len = answer->plain.len;
	return 0;
}

static int
complete(struct answer *answer)
{
	if (answer->data.len > 0) {
		answer->body = answer->data.data;
		answer->body_len = answer->data.len;
	}
	return answer->gzip && !answer->discard && answer->body_len > 0
		   ? inflate_body(answer)
		   : 0;
}

int
answer_take(struct answer *answer, const char *bytes, size_t len, size_t *used)
{
	size_t at = 0;
	size_t n;
	int rc = 0;

	while (rc == 0 && at < len && answer->state != ANSWER_DONE) {
		if (answer->state == ANSWER_HEAD)
			rc = take_head(answer, bytes + at, len - at, &n);
		else if (answer->state == ANSWER_LENGTH ||
			 answer->state == ANSWER_CHUNK_DATA ||
			 answer->state == ANSWER_UNTIL_CLOSE)
			rc = take_body(answer, bytes + at, len - at, &n);
		else
			rc = take_line(answer, bytes + at, len - at, &n);
		if (rc == 0)
			at += n;
	}
	answer->wire += at;
	*used = at;
	if (rc == 0 && answer->state == ANSWER_DONE)
		rc = complete(answer);
	return rc;
}

int
answer_close(struct answer *answer)
{
	if (answer->state != ANSWER_UNTIL_CLOSE)
		return -EPROTO;
	answer->state = ANSWER_DONE;
	return complete(answer);
}

int
answer_data(struct answer *answer, const char *bytes, size_t len)
{
	return keep(answer, bytes, len);
}

int
answer_end(struct answer *answer)
{
	answer->state = ANSWER_DONE;
	return complete(answer);
}
