/* SPDX-License-Identifier: MIT */

/*
 * Differential test: our parser against llhttp, the parser of Node.js, in its
 * strict build.
 *
 * Requests from the case tables of the unit tests are mutated at random, with
 * a seed, and given to both. Whatever we accept llhttp must accept, with the
 * same method, target, fields, length and chunked bodies: two programs that
 * see different requests in the same bytes are what smuggling needs. That we
 * refuse more is the intention; it is only counted.
 *
 * The few differences that are known and harmless are the rows of `excuses`.
 *
 *   http_differential [requests [seed]]
 *
 * Exits 1 when there is an unexplained difference; the first ones are printed.
 */

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/llhttp_oracle.h"
#include "test/unit/worker/http_cases.h"
#include "test/unit/worker/http_chunk_cases.h"
#include "worker/http_chunk.h"
#include "worker/http_parse.h"

#define REQUESTS_DEFAULT 200000
#define TEXT_MAX 2048
#define PRINTED_MAX 10

static const struct http_limits head_limits = { 4094, 100, 8190, 65536,
	HTTP_UNDERSCORES_KEEP };
static const struct http_chunk_limits chunk_limits = { 65536, 256, 16384,
	8192 };

struct text {
	size_t len;
	char bytes[TEXT_MAX];
};

typedef bool excuse_fn(const struct http_head *head, const struct text *text,
    const char *difference);

static bool
unknown_method(const struct http_head *head, const struct text *text,
    const char *difference)
{
	(void)text;
	return head->method == HTTP_OTHER &&
	       strcmp(difference, "refused by llhttp") == 0;
}

static bool
close_beside_keep_alive(const struct http_head *head, const struct text *text,
    const char *difference)
{
	(void)text;
	return strcmp(difference, "keep-alive") == 0 && head->minor == 0 &&
	       !head->keep_alive;
}

/* The head before every body has no semicolon. */
static bool
chunk_extension(const struct http_head *head, const struct text *text,
    const char *difference)
{
	(void)head;
	return strcmp(difference, "body refused by llhttp") == 0 &&
	       memchr(text->bytes, ';', text->len) != NULL;
}

static struct excuse {
	const char *sentence;
	excuse_fn *fits;
	unsigned long count;
} excuses[] = {
	{ "llhttp knows a fixed list of methods; our router answers others "
	  "with 405 or 501",
	    unknown_method, 0 },
	{ "HTTP/1.0 with both close and keep-alive: llhttp keeps the "
	  "connection, we close it",
	    close_beside_keep_alive, 0 },
	{ "llhttp knows a part of the syntax of chunk extensions only: no "
	  "blank after a semicolon, no escapes, none after one with a value",
	    chunk_extension, 0 },
};

#define EXCUSES (sizeof(excuses) / sizeof(excuses[0]))

static bool
same(struct http_span a, struct oracle_span b)
{
	while (b.len != 0 &&
	       (b.data[b.len - 1] == ' ' || b.data[b.len - 1] == '\t'))
		b.len--;
	return a.len == b.len && (a.len == 0 || a.data == b.data);
}

/* The first thing that differs, or NULL. */
static const char *
head_difference(const struct http_head *head, const struct oracle *t)
{
	size_t i;

	if (!t->head_done)
		return "refused by llhttp";
	if (!http_span_is(head->method_name, t->method))
		return "method";
	if (!same(head->target, t->target))
		return "target";
	if (t->minor != head->minor)
		return "version";
	if (t->field_count != head->field_count)
		return "number of fields";
	for (i = 0; i < t->field_count; i++) {
		if (!same(head->fields[i].name, t->names[i]))
			return "field name";
		if (!same(head->fields[i].value, t->values[i]))
			return "field value";
	}
	if (head->chunked != t->chunked)
		return "chunked";
	if ((head->content_length >= 0) != t->has_length ||
	    (t->has_length && t->length != (uint64_t)head->content_length))
		return "length";
	return head->keep_alive != t->keep_alive ? "keep-alive" : NULL;
}

static const char *
body_difference(const char *body, size_t len, const struct oracle *t)
{
	if (!t->message_done)
		return "body refused by llhttp";
	if (t->body_len != len || memcmp(t->body, body, len) != 0)
		return "body";
	return NULL;
}

static uint64_t random_state = 1;

static size_t
random_below(size_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state >> 11) % n;
}

static const char *const words[] = { "\r\n", "\n", "\r", " ", "\t", ":", ",",
	";", "=", "0", "1", "a", "\"", "\x80", "\x7f", "%", "/", "?", "#", "*",
	"@", "[::1]", "http://", "https://", "Host: a\r\n",
	"Content-Length: 3\r\n", "Content-Length: 03\r\n",
	"Transfer-Encoding: chunked\r\n", "Transfer-Encoding: ", "chunked",
	"gzip, ", "Connection: close\r\n", "Connection: keep-alive\r\n",
	"Connection: close, keep-alive\r\n",
	"Connection: upgrade\r\nUpgrade: x\r\n", "Upgrade: h2c\r\n", "X: y\r\n",
	"X:\r\n", "GET ", "POST ", "CONNECT ", "OPTIONS ", "PURGE ", "HTTP/1.0",
	"HTTP/1.1", "HTTP/1.2", ";x=\"y\"", "\r\n\r\n" };

static void
splice(struct text *text, size_t at, size_t cut, const char *bytes, size_t len)
{
	if (cut > text->len - at)
		cut = text->len - at;
	if (text->len - cut + len > sizeof(text->bytes))
		return;
	memmove(text->bytes + at + len, text->bytes + at + cut,
	    text->len - at - cut);
	memcpy(text->bytes + at, bytes, len);
	text->len = text->len - cut + len;
}

static void
mutate(struct text *text)
{
	size_t at = random_below(text->len + 1);
	const char *word =
	    words[random_below(sizeof(words) / sizeof(words[0]))];
	char copy[64];
	size_t n;
	char c;

	switch (random_below(6)) {
	case 0:
		c = (char)random_below(256);
		splice(text, at, 1, &c, 1);
		break;
	case 1:
		c = (char)(0x20 + random_below(0x5F));
		splice(text, at, 1, &c, 1);
		break;
	case 2:
		splice(text, at, 1 + random_below(8), "", 0);
		break;
	case 3:
		splice(text, at, random_below(4), word, strlen(word));
		break;
	case 4: /* a piece of itself somewhere else */
		n = 1 + random_below(sizeof(copy));
		if (n > text->len - at)
			n = text->len - at;
		memcpy(copy, text->bytes + at, n);
		splice(text, random_below(text->len + 1), 0, copy, n);
		break;
	default:
		splice(text, at, 0, word, strlen(word));
		break;
	}
}

static unsigned long accepted, agreed, refused_by_both, stricter, unexplained;

static void
report(const struct text *text, const char *difference)
{
	size_t i;

	if (unexplained++ >= PRINTED_MAX)
		return;
	printf("difference: %s\n  \"", difference);
	for (i = 0; i < text->len; i++)
		printf(isprint((unsigned char)text->bytes[i]) ? "%c"
							      : "\\x%02x",
		    (unsigned char)text->bytes[i]);
	printf("\"\n");
}

static void
judge(const struct text *text, const struct http_head *head,
    const char *difference)
{
	size_t i;

	accepted++;
	if (difference == NULL) {
		agreed++;
		return;
	}
	for (i = 0; i < EXCUSES; i++) {
		if (excuses[i].fits(head, text, difference)) {
			excuses[i].count++;
			return;
		}
	}
	report(text, difference);
}

static void
try_head(struct text *text)
{
	static struct oracle t;
	struct http_head head;
	int rc;

	rc = http_parse_head(text->bytes, text->len, &head_limits, &head);
	oracle_run(&t, text->bytes, rc > 0 ? (size_t)rc : text->len);
	if (rc > 0)
		judge(text, &head, head_difference(&head, &t));
	else if (t.head_done)
		stricter++;
	else
		refused_by_both++;
}

/* A body after a head that is always the same. */
static void
try_body(struct text *text)
{
	static const char start[] = "POST / HTTP/1.1\r\nHost: a\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n";
	static struct oracle t;
	static struct text whole;
	struct http_head head = { .method = HTTP_POST };
	struct http_chunk chunk;
	size_t len = text->len;
	size_t consumed;
	int rc;

	whole.len = 0;
	splice(&whole, 0, 0, start, sizeof(start) - 1);
	splice(&whole, whole.len, 0, text->bytes, text->len);
	http_chunk_init(&chunk, &chunk_limits);
	rc = http_chunk_decode(&chunk, text->bytes, &len, &consumed);
	if (rc == 1)
		whole.len = sizeof(start) - 1 + consumed;
	oracle_run(&t, whole.bytes, whole.len);
	if (rc == 1)
		judge(&whole, &head, body_difference(text->bytes, len, &t));
	else if (t.message_done)
		stricter++;
	else
		refused_by_both++;
}

/* A row of the head table, of those that are accepted in most cases. */
static size_t
random_head(void)
{
	size_t tries = 3;
	size_t row;

	do
		row = random_below(HTTP_CASES);
	while (http_cases[row].status != 0 && --tries > 0);
	return row;
}

static size_t
random_body(void)
{
	size_t tries = 3;
	size_t row;

	do
		row = random_below(HTTP_CHUNK_CASES);
	while (http_chunk_cases[row].verdict != 1 && --tries > 0);
	return row;
}

static void
try_one(bool body)
{
	struct text text = { .len = 0 };
	size_t row, n;

	if (body) {
		row = random_body();
		splice(&text, 0, 0, http_chunk_cases[row].bytes,
		    http_chunk_cases[row].len);
	} else {
		row = random_head();
		splice(&text, 0, 0, http_cases[row].bytes, http_cases[row].len);
	}
	for (n = random_below(5); n > 0; n--)
		mutate(&text);
	if (body)
		try_body(&text);
	else
		try_head(&text);
}

int
main(int argc, char **argv)
{
	unsigned long requests = REQUESTS_DEFAULT;
	unsigned long i;

	if (argc > 1)
		requests = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		random_state = strtoull(argv[2], NULL, 10) | 1;
	for (i = 0; i < requests; i++)
		try_one(i % 4 == 3);
	printf("%lu requests: %lu accepted, %lu of them agreed upon; "
	       "%lu refused by both, %lu by us only\n",
	    requests, accepted, agreed, refused_by_both, stricter);
	for (i = 0; i < EXCUSES; i++)
		printf("%8lu explained: %s\n", excuses[i].count,
		    excuses[i].sentence);
	printf("%8lu unexplained\n", unexplained);
	return unexplained == 0 && accepted > 0 ? 0 : 1;
}
