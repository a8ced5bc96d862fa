/* SPDX-License-Identifier: MIT */

/*
 * Requests are kept as HTTP/1 text, whatever the connection speaks; this is
 * the way from there to HTTP/2's fields (RFC 9113, section 8).
 *
 * OWNERSHIP  Nothing is copied.
 */
#include "test/bench/head_fields.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct sink {
	nghttp2_nv *fields;
	size_t count;
};

static void
add(struct sink *sink, const char *name, size_t name_len, const char *value,
    size_t len)
{
	nghttp2_nv *field = &sink->fields[sink->count];

	if (sink->count++ >= HEAD_FIELDS_MAX)
		return;
	/* nghttp2 copies both; its declaration is for its own heads, too. */
	field->name = (uint8_t *)(uintptr_t)name;
	field->namelen = name_len;
	field->value = (uint8_t *)(uintptr_t)value;
	field->valuelen = len;
	field->flags = NGHTTP2_NV_FLAG_NONE;
}

static bool
is_name(const char *name, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(name, word, len) == 0;
}

/* RFC 9113, 8.2.2: they speak of an HTTP/1 connection. */
static bool
is_of_connection(const char *name, size_t len)
{
	static const char *const words[] = { "connection", "keep-alive",
		"proxy-connection", "transfer-encoding", "upgrade", "te" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (is_name(name, len, words[i]))
			return true;
	}
	return false;
}

/* One field for each, as browsers do: those that stay compress to a byte. */
static void
add_cookies(struct sink *sink, const char *value, size_t len)
{
	const char *end = value + len;
	const char *semicolon;

	while (value < end) {
		semicolon = memchr(value, ';', (size_t)(end - value));
		if (semicolon == NULL)
			semicolon = end;
		if (semicolon > value)
			add(sink, "cookie", 6, value,
			    (size_t)(semicolon - value));
		value = semicolon + (semicolon < end);
		while (value < end && *value == ' ')
			value++;
	}
}

/* "METHOD PATH HTTP/1.1" */
static int
add_request_line(struct sink *sink, const char *line, size_t len)
{
	const char *path = memchr(line, ' ', len);
	const char *version;

	if (path == NULL || path == line)
		return -EINVAL;
	path++;
	version = memchr(path, ' ', (size_t)(line + len - path));
	if (version == NULL || version == path)
		return -EINVAL;
	add(sink, ":method", 7, line, (size_t)(path - 1 - line));
	add(sink, ":scheme", 7, "https", 5);
	add(sink, ":path", 5, path, (size_t)(version - path));
	return 0;
}

/* Host stands before all others, as pseudo-fields must. */
static int
add_field(struct sink *sink, const char *line, size_t len, bool authority)
{
	const char *colon = memchr(line, ':', len);
	const char *value;
	size_t name_len;
	size_t value_len;

	if (colon == NULL || colon == line)
		return -EINVAL;
	name_len = (size_t)(colon - line);
	for (value = colon + 1; value < line + len && *value == ' '; value++)
		;
	value_len = (size_t)(line + len - value);
	if (authority == !is_name(line, name_len, "host"))
		return 0;
	if (authority)
		add(sink, ":authority", 10, value, value_len);
	else if (is_name(line, name_len, "cookie"))
		add_cookies(sink, value, value_len);
	else if (!is_of_connection(line, name_len))
		add(sink, line, name_len, value, value_len);
	return 0;
}

static int
add_fields(struct sink *sink, const char *head, size_t len, bool authority)
{
	const char *end = head + len;
	const char *eol;
	int rc = 0;

	for (; rc == 0; head = eol + 2) {
		eol = memmem(head, (size_t)(end - head), "\r\n", 2);
		if (eol == NULL)
			return -EINVAL;
		if (eol == head)
			return 0;
		rc = add_field(sink, head, (size_t)(eol - head), authority);
	}
	return rc;
}

int
head_fields(const char *head, size_t len, nghttp2_nv fields[HEAD_FIELDS_MAX])
{
	struct sink sink = { fields, 0 };
	const char *eol = memmem(head, len, "\r\n", 2);
	size_t rest;
	int rc;

	if (eol == NULL)
		return -EINVAL;
	rest = len - (size_t)(eol + 2 - head);
	rc = add_request_line(&sink, head, (size_t)(eol - head));
	if (rc == 0)
		rc = add_fields(&sink, eol + 2, rest, true);
	if (rc == 0)
		rc = add_fields(&sink, eol + 2, rest, false);
	if (rc < 0 || sink.count > HEAD_FIELDS_MAX)
		return -EINVAL;
	return (int)sink.count;
}
