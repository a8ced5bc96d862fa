/* SPDX-License-Identifier: MIT */

/*
 * One stream: its fields to an HTTP/1.1 head, its answer to HTTP/2 fields.
 *
 * INVARIANT  No byte of a field reaches the head that could end its line:
 *            nghttp2 refuses such fields, and the parser sees what is left.
 * THREADS    The loop only.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "worker/conn_int.h"
#include "worker/h2_int.h"
#include "worker/router.h"
#include "worker/static_select.h"
#include "worker/unsent.h"
#include "worker/worker_int.h"

static bool
is_name(const char *name, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(name, text, len) == 0;
}

/* Pseudo fields come first and in any order, so they are kept apart. */
static void
put_pseudo(struct h2_stream *stream, const char *name, size_t len,
    const char *value, size_t value_len)
{
	if (is_name(name, len, ":method")) {
		stream->method_len = value_len < sizeof(stream->method)
					 ? value_len
					 : sizeof(stream->method);
		memcpy(stream->method, value, stream->method_len);
	} else if (is_name(name, len, ":path"))
		(void)buf_put(&stream->head, value, value_len);
	else if (is_name(name, len, ":authority")) {
		stream->host_len = value_len;
		(void)buf_putl(&stream->fields, "Host: ");
		(void)buf_put(&stream->fields, value, value_len);
		(void)buf_putl(&stream->fields, "\r\n");
	}
}

/* Host beside :authority has to say the same (RFC 9113 8.3.1). */
static void
compare_host(struct h2_stream *stream, const char *value, size_t len)
{
	const char *authority = stream->fields.data + sizeof("Host: ") - 1;

	if (buf_ok(&stream->fields) &&
	    (len != stream->host_len ||
		strncasecmp(authority, value, len) != 0))
		stream->refuse = 400;
}

/* nghttp2 has checked that it is a number, and compares it with the frames. */
static void
note_length(struct h2_stream *stream, const char *value, size_t len)
{
	int64_t number = 0;
	size_t i;

	for (i = 0; i < len && value[i] >= '0' && value[i] <= '9' &&
		    number < INT64_MAX / 10 - 1;
	     i++)
		number = number * 10 + (value[i] - '0');
	stream->announced = number;
}

void
h2_request_field(struct h2_stream *stream, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	if (name_len > 0 && name[0] == ':') {
		put_pseudo(stream, name, name_len, value, value_len);
		return;
	}
	/* Browsers split cookies for better compression (RFC 9113 8.2.3). */
	if (is_name(name, name_len, "cookie")) {
		if (stream->cookie.len > 0)
			(void)buf_putl(&stream->cookie, "; ");
		(void)buf_put(&stream->cookie, value, value_len);
		return;
	}
	if (stream->host_len > 0 && is_name(name, name_len, "host")) {
		compare_host(stream, value, value_len);
		return;
	}
	/* The frames say how long the body is. */
	if (is_name(name, name_len, "content-length")) {
		note_length(stream, value, value_len);
		return;
	}
	(void)buf_put(&stream->fields, name, name_len);
	(void)buf_putl(&stream->fields, ": ");
	(void)buf_put(&stream->fields, value, value_len);
	(void)buf_putl(&stream->fields, "\r\n");
}

/* The head as HTTP/1.1 has it. 0, or a status. */
static int
parse(struct h2_stream *stream, struct http_head *head, struct buf *text)
{
	(void)buf_put(text, stream->method, stream->method_len);
	(void)buf_putc(text, ' ');
	(void)buf_put(text, stream->head.data, stream->head.len);
	(void)buf_putl(text, " HTTP/1.1\r\n");
	(void)buf_put(text, stream->fields.data, stream->fields.len);
	if (stream->cookie.len > 0) {
		(void)buf_putl(text, "Cookie: ");
		(void)buf_put(text, stream->cookie.data, stream->cookie.len);
		(void)buf_putl(text, "\r\n");
	}
	(void)buf_putl(text, "\r\n");
	if (!buf_ok(text) || !buf_ok(&stream->fields) ||
	    !buf_ok(&stream->head) || !buf_ok(&stream->cookie))
		return 503;
	return -http_parse_head(text->data, text->len,
	    &stream->conn.worker->limits, head);
}

static void
refuse(struct h2_stream *stream, int status)
{
	struct answer_to to = {
		.minor = 1,
		.head_only =
		    is_name(stream->method, stream->method_len, "HEAD"),
		.start_us = stream->since_us,
	};
	struct reply reply;

	http_reply_error(&reply, status);
	conn_answer(&stream->conn, &to, &reply, false);
}

/* The client holds its body back until it hears that it is wanted. */
static void
send_continue(struct h2_stream *stream)
{
	static uint8_t name[] = ":status";
	static uint8_t value[] = "100";
	const nghttp2_nv field = { name, value, 7, 3,
		NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE };

	if (nghttp2_submit_headers(stream->h2->session, NGHTTP2_FLAG_NONE,
		stream->id, NULL, &field, 1, NULL) != 0)
		stream->h2->conn->doomed = true;
}

/* Parse, and hand over to the router or to its early look. */
static void
run(struct h2_stream *stream, bool early)
{
	struct buf text = BUF_EMPTY;
	struct http_head head;
	struct answer_to to;
	int status =
	    stream->refuse > 0 ? stream->refuse : parse(stream, &head, &text);
	const char *body;
	size_t len;

	if (status > 0) {
		refuse(stream, status);
	} else if (status == 0 || (size_t)-status != text.len) {
		refuse(stream, 400); /* a head that did not end where it ends */
	} else {
		body = stream->body.data != NULL ? stream->body.data : "";
		len = stream->body.len;
		if (!early && stream->conn.spool != NULL)
			status = -conn_spool_map(&stream->conn, &body, &len);
		head.content_length = early ? stream->announced : (int64_t)len;
		if (early && head.content_length < 0)
			head.content_length = 0; /* as much as comes */
		stream->body_max =
		    router_body_limit(stream->conn.worker, &head);
		if ((uint64_t)head.content_length > stream->body_max)
			status = 413;
		to = conn_answer_to(&stream->conn, &head);
		to.minor = 1;
		if (status > 0) {
			refuse(stream, status);
		} else if (early) {
			if (!router_refuses(&stream->conn, &head, &to) &&
			    head.expect_continue)
				send_continue(stream);
		} else {
			stream->conn.worker->request_count++;
			conn_touch(stream->h2->conn, to.start_us);
			router_handle(&stream->conn, &head, &to, body, len);
		}
	}
	buf_free(&text);
}

void
h2_request_check(struct h2_stream *stream)
{
	run(stream, true);
}

void
h2_request_run(struct h2_stream *stream)
{
	struct h2 *h2 = stream->h2;

	run(stream, false);
	/* Whoever still needs the body has copied it. */
	h2->body_total -= stream->body.len;
	buf_free(&stream->body);
	spool_unref(&stream->conn.spool); /* unless it was taken */
}

static ssize_t
read_body(nghttp2_session *session, int32_t id, uint8_t *out, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2_stream *stream = source->ptr;
	ssize_t got;

	(void)session;
	(void)id;
	(void)arg;
	if (len > stream->left)
		len = stream->left;
	if (stream->data != NULL) {
		memcpy(out, stream->data + stream->offset, len);
	} else {
		got = pread(stream->blob->fd, out, len, (off_t)stream->offset);
		if (got <= 0)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
		len = (size_t)got;
	}
	stream->offset += len;
	stream->left -= len;
	stream->since_us = clock_mono_us();
	if (stream->left == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)len;
}

/* Most heads: those that are larger, by an app's own fields, are allocated. */
#define FIELDS_FEW 64
#define HEAD_FEW (HTTP_REPLY_HEAD_MAX + 2048)

/* The lines of an HTTP/1.1 head as fields, names in lower case, in place; there
 * are fewer fields than lines. */
static size_t
fields_of(char *head, size_t len, nghttp2_nv *fields)
{
	static uint8_t status_name[] = ":status";
	char *end = head + len;
	char *line = (char *)memchr(head, '\n', len) + 1;
	size_t count = 0;
	char *colon;
	char *stop;
	char *p;

	fields[count++] = (nghttp2_nv){ status_name, (uint8_t *)head + 9, 7, 3,
		NGHTTP2_NV_FLAG_NO_COPY_NAME };
	while (line < end && *line != '\r') {
		stop = memchr(line, '\r', (size_t)(end - line));
		colon = memchr(line, ':', (size_t)(end - line));
		for (p = line; p < colon; p++)
			*p = (char)(*p >= 'A' && *p <= 'Z' ? *p + 32 : *p);
		if (colon - line != 10 || memcmp(line, "connection", 10) != 0)
			fields[count++] = (nghttp2_nv){ (uint8_t *)line,
				(uint8_t *)colon + 2, (size_t)(colon - line),
				(size_t)(stop - colon) - 2,
				NGHTTP2_NV_FLAG_NONE };
		line = stop + 2;
	}
	return count;
}

/* Keep the body until it is sent. 0 or -ENOMEM. */
static int
take_body(struct h2_stream *stream, const struct reply *reply, bool borrowed)
{
	stream->left = stream->total = reply->len;
	stream->blob = reply->blob;
	stream->data = reply->body;
	if (reply->blob != NULL && reply->blob->fd >= 0) {
		stream->data = NULL;
		stream->offset = reply->offset;
	}
	if (borrowed && reply->len > 0) {
		stream->copy = malloc(reply->len);
		if (stream->copy != NULL)
			stream->data =
			    memcpy(stream->copy, reply->body, reply->len);
	}
	unsent_add(stream->h2->conn, stream->blob,
	    stream->copy != NULL ? reply->len : 0);
	return borrowed && reply->len > 0 && stream->copy == NULL ? -ENOMEM : 0;
}

static size_t
count_lines(const char *text, size_t len)
{
	const char *end = text + len;
	size_t count = 0;

	while ((text = memchr(text, '\n', (size_t)(end - text))) != NULL) {
		text++;
		count++;
	}
	return count;
}

/* Head and body to nghttp2, which copies the fields. 0, or negative. */
static int
submit(struct h2_stream *stream, char *head, size_t len,
    nghttp2_data_provider *body)
{
	nghttp2_nv few[FIELDS_FEW];
	nghttp2_nv *fields = few;
	size_t lines = count_lines(head, len);
	int rc = -ENOMEM;

	if (lines > FIELDS_FEW)
		fields = calloc(lines, sizeof(*fields));
	if (fields != NULL)
		rc = nghttp2_submit_response(stream->h2->session, stream->id,
		    fields, fields_of(head, len, fields), body);
	if (fields != few)
		free(fields);
	return rc;
}

/* The same, with the head made first. */
static int
submit_reply(struct h2_stream *stream, const struct reply *reply,
    nghttp2_data_provider *body)
{
	const struct worker *worker = stream->conn.worker;
	size_t most = HTTP_REPLY_HEAD_MAX + reply->fields_len;
	char few[HEAD_FEW];
	char *head = most <= sizeof(few) ? few : malloc(most);
	int rc;

	if (head == NULL)
		return -ENOMEM;
	rc = submit(stream, head,
	    http_reply_head(reply, true, worker->date, head), body);
	if (head != few)
		free(head);
	return rc;
}

void
h2_answer(struct conn *conn, const struct answer_to *to, struct reply *reply,
    bool borrowed)
{
	struct h2_stream *stream = conn->stream;
	nghttp2_data_provider body = { .source.ptr = stream,
		.read_callback = read_body };
	bool empty = to->head_only || reply->len == 0 || reply->status == 304;

	if (stream->answered) {
		blob_unref(reply->blob);
		return;
	}
	stream->answered = true;
	stream->began_us = stream->since_us = clock_mono_us();
	if (take_body(stream, reply, borrowed) < 0 ||
	    submit_reply(stream, reply, empty ? NULL : &body) != 0)
		stream->h2->conn->doomed = true;
}
