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

/* "name":"text", bytes that are not plain ASCII as the characters of their
 * numbers, so that the line is JSON whatever a client sends. */
static void
put_member(struct buf *out, const char *name, struct http_span text)
{
	size_t len = text.len < FIELD_BYTES ? text.len : FIELD_BYTES;
	unsigned char c;
	size_t i;

	(void)buf_printf(out, ",\"%s\":", name);
	if (text.data == NULL) {
		(void)buf_putl(out, "null");
		return;
	}
	(void)buf_putc(out, '"');
	for (i = 0; i < len; i++) {
		c = (unsigned char)text.data[i];
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			(void)buf_printf(out, "\\u%04x", c);
		else
			(void)buf_putc(out, (char)c);
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
	put_member(out, "request_id", entry->extras[0]);
	(void)buf_putc(out, '}');
}
