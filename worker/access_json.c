/* SPDX-License-Identifier: MIT */

/*
 * Lines of the access log as JSON, and the parts of a request that both forms
 * show.
 *
 * THREADS  See access_format.h.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "worker/access_format_int.h"
#include "worker/utf8.h"

/* The target up to the question mark, and what is behind it. */
struct http_span
access_path(const struct access_entry *entry)
{
	struct http_span path = entry->target;
	const char *mark =
	    path.data != NULL ? memchr(path.data, '?', path.len) : NULL;

	if (mark != NULL)
		path.len = (size_t)(mark - path.data);
	return path;
}

struct http_span
access_query(const struct access_entry *entry)
{
	struct http_span path = access_path(entry);
	struct http_span query = { NULL, 0 };

	if (path.len < entry->target.len) {
		query.data = path.data + path.len + 1;
		query.len = entry->target.len - path.len - 1;
	}
	return query;
}

const char *
access_protocol(const struct access_entry *entry)
{
	if (entry->minor >= 20)
		return "HTTP/2";
	return entry->minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

struct http_span
access_extra(const struct access_entry *entry, unsigned index)
{
	return entry->extras != NULL ? entry->extras[index]
				     : (struct http_span){ NULL, 0 };
}

int
access_want_extra(struct access_format *format, const char *name)
{
	unsigned i;

	for (i = 0; i < format->extra_count; i++) {
		if (strcasecmp(format->extras[i], name) == 0)
			return (int)i;
	}
	if (format->extra_count == ACCESS_EXTRAS)
		return -1;
	format->extras[format->extra_count] = name;
	return (int)format->extra_count++;
}

struct access_format *
access_format_new_json(void)
{
	struct access_format *format = calloc(1, sizeof(*format));

	if (format != NULL) {
		format->json = true;
		(void)access_want_extra(format, "x-request-id");
	}
	return format;
}

/*
 * Characters that some reader takes for the end of a line, or that change the
 * order in which a terminal shows the rest: C1, U+2028 to U+202E, U+2066 to
 * U+2069. `at` begins a well-formed character of `len` bytes.
 */
static bool
is_treacherous(const unsigned char *at, size_t len)
{
	if (len == 2)
		return at[0] == 0xC2 && at[1] < 0xA0;
	if (len != 3 || at[0] != 0xE2)
		return false;
	return (at[1] == 0x80 && at[2] >= 0xA8 && at[2] <= 0xAE) ||
	       (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9);
}

static void
put_code(struct buf *out, const unsigned char *at, size_t len)
{
	unsigned code = len == 2 ? (at[0] & 0x1FU) << 6 | (at[1] & 0x3FU)
				 : (at[0] & 0xFU) << 12 | (at[1] & 0x3FU) << 6 |
				       (at[2] & 0x3FU);

	(void)buf_printf(out, "\\u%04x", code);
}

/* "name":"text". UTF-8 stays; a byte that is part of no character becomes the
 * text \xHH, so that the line is JSON whatever a client sends. */
static void
put_member(struct buf *out, const char *name, struct http_span text)
{
	size_t len = text.len < FIELD_BYTES ? text.len : FIELD_BYTES;
	const char *end;
	unsigned char c;
	size_t size;
	size_t i;

	(void)buf_printf(out, ",\"%s\":", name);
	if (text.data == NULL) {
		(void)buf_putl(out, "null");
		return;
	}
	end = text.data + text.len;
	(void)buf_putc(out, '"');
	for (i = 0; i<len; i += size> 0 ? size : 1) {
		c = (unsigned char)text.data[i];
		size = utf8_char_len(text.data + i, end);
		if (i + size > len)
			break; /* half a character is none */
		if (size == 0)
			(void)buf_printf(out, "\\\\x%02x", c);
		else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			(void)buf_printf(out, "\\u%04x", c);
		else if (is_treacherous((const unsigned char *)text.data + i,
			     size))
			put_code(out, (const unsigned char *)text.data + i,
			    size);
		else
			(void)buf_put(out, text.data + i, size);
	}
	(void)buf_putc(out, '"');
}

void
access_json_put(const struct line *line)
{
	const struct access_entry *entry = line->entry;
	struct buf *out = line->out;

	(void)buf_printf(out, "{\"time\":\"%s\",\"pid\":%ld", line->time,
	    (long)getpid());
	put_member(out, "client", entry->client);
	put_member(out, "method", entry->method);
	put_member(out, "path", access_path(entry));
	put_member(out, "query", access_query(entry));
	(void)buf_printf(out, ",\"protocol\":\"%s", access_protocol(entry));
	(void)buf_printf(out,
	    "\",\"secure\":%s,\"status\":%d,\"bytes\":%zu,\"duration_us\":%lld",
	    entry->secure ? "true" : "false", entry->status, entry->bytes,
	    (long long)entry->duration_us);
	put_member(out, "referer", entry->referer);
	put_member(out, "user_agent", entry->user_agent);
	put_member(out, "request_id", access_extra(entry, 0));
	(void)buf_putc(out, '}');
}
