/* SPDX-License-Identifier: MIT */

/*
 * From bytes to requests: heads, bodies, limits.
 *
 * A request is handed to the router when its last byte is here, so no thread
 * and no app code ever waits for a client.
 *
 * INVARIANT  Every byte belongs to exactly one request; after any doubt about
 *            framing the connection is closed.
 * THREADS    The loop only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "worker/conn_int.h"
#include "worker/forwarded.h"
#include "worker/router.h"
#include "worker/worker_int.h"

void
conn_refuse(struct conn *conn, int status)
{
	struct answer_to to = { .minor = 1, .start_us = conn->phase_us };
	struct reply reply;

	http_reply_error(&reply, status);
	reply.close = true;
	conn->linger_after = true;
	conn_answer(conn, &to, &reply, false);
}

/*
 * Of those that have to wait until they have read it, there are a few at a
 * time: else who opens more and more connections would hold them all.
 */
#define REFUSED_MAX 32

int
conn_turn_away(struct conn *conn)
{
	if (conn->worker->refused_count >= REFUSED_MAX)
		return ERR_BUSY;
	conn->worker->refused_count++;
	conn->refused = true;
	conn_refuse(conn, 503);
	return 0;
}

/* Forget the request that was used up. */
static void
request_end(struct conn *conn)
{
	conn->head = (struct http_progress){ 0 };
	conn->need = 0;
	conn->continue_sent = false;
	conn->spool_left = 0;
	free(conn->chunked);
	conn->chunked = NULL;
}

/* What the access log will want to know of the request. */
static const struct http_span *
take_extras(struct worker *worker, const struct http_head *head)
{
	const struct access_format *format = worker->access_log.format;
	const struct http_span *value;
	const char *name;
	unsigned i;

	for (i = 0; (name = access_format_extra(format, i)) != NULL; i++) {
		value = http_head_find(head, name);
		worker->extras[i] =
		    value != NULL ? *value : (struct http_span){ NULL, 0 };
	}
	return i > 0 ? worker->extras : NULL;
}

struct answer_to
conn_answer_to(const struct conn *conn, const struct http_head *head)
{
	struct static_codings takes = static_codings(head);
	/* SECURITY.md says why not for other sites. */
	bool may_have = !http_span_is(head->sec_fetch_site, "cross-site");
	struct forwarded_view view;
	struct answer_to to = {
		.method = head->method_name,
		.target = head->target,
		.referer = head->referer,
		.user_agent = head->user_agent,
		.minor = head->minor,
		.keep_alive = head->keep_alive,
		.head_only = head->method == HTTP_HEAD,
		.gzip = takes.gzip && may_have,
		.br = takes.br && may_have,
		.takes = takes,
		.secure = conn->tls != NULL || conn->proxied_tls,
		.start_us = clock_mono_us(),
	};

	if (access_log_is_on(&conn->worker->access_log))
		to.extras = take_extras(conn->worker, head);
	if (!conn->trusted)
		return to;
	to.contradicts =
	    forwarded_look(conn->worker->forwarded, head, &view) < 0;
	if (!conn->proxied_client)
		to.client = view.client;
	if (view.said)
		to.secure = view.secure;
	return to;
}

static void
hand_over(struct conn *conn, const struct http_head *head, const char *body,
    size_t len)
{
	struct answer_to to = conn_answer_to(conn, head);

	request_end(conn);
	conn->served = true;
	conn->worker->request_count++;
	conn_touch(conn, to.start_us);
	conn->phase_us = to.start_us; /* if it is answered at once */
	conn->begun = false;
	router_handle(conn, head, &to, body, len);
	spool_unref(&conn->spool); /* unless it was taken */
}

size_t
conn_body_len(const struct conn *conn)
{
	return conn->in.len +
	       (conn->spool != NULL ? spool_len(conn->spool) : 0);
}

/* The body is not complete: note what is missing, or refuse it unread. */
static int
wait_for_body(struct conn *conn, const struct http_head *head, size_t total)
{
	struct answer_to to = conn_answer_to(conn, head);

	to.keep_alive = false;
	if (router_refuses(conn, head, &to)) {
		conn->linger_after = true;
		return 0;
	}
	conn->need = total;
	conn->phase_us = clock_mono_us();
	if (head->expect_continue && !conn->continue_sent)
		conn_send_continue(conn);
	return 0;
}

/* Hand over a request whose body is in the file. 0 or -status. */
static int
hand_over_spool(struct conn *conn, const char *data, size_t head_len)
{
	struct http_head head;
	const char *body;
	size_t len;
	int rc;

	rc = http_parse_head(data, head_len, &conn->worker->limits, &head);
	if (rc <= 0)
		return -400; /* cannot be: it was complete before */
	rc = conn_spool_map(conn, &body, &len);
	if (rc == 0)
		hand_over(conn, &head, body, len);
	return rc;
}

/*
 * Bytes of a body that goes to a file; those behind it are moved up to the
 * head, which stays. Bytes used, 0 for more, -status.
 */
static long
take_spooled(struct conn *conn, char *data, size_t *len)
{
	size_t head_len = conn->need - 1;
	size_t part = *len - head_len;
	int rc;

	if (part > conn->spool_left)
		part = conn->spool_left;
	rc = conn_spool_put(conn, data + head_len, part);
	if (rc < 0)
		return rc;
	*len -= part;
	memmove(data + head_len, data + head_len + part, *len - head_len);
	conn->spool_left -= part;
	if (conn->spool_left > 0)
		return 0;
	rc = hand_over_spool(conn, data, head_len);
	return rc < 0 ? rc : (long)head_len;
}

static long
start_spooled(struct conn *conn, const struct http_head *head, size_t head_len,
    char *data, size_t *len)
{
	int rc = conn_spool_start(conn);

	if (rc < 0)
		return rc;
	conn->spool_left = (size_t)head->content_length;
	conn->need = head_len + 1; /* the head is kept, no more */
	return take_spooled(conn, data, len);
}

/* Does a body of this size go to a file? */
static bool
is_large(const struct conn *conn, size_t len)
{
	return len > (size_t)conn->worker->options->upload_buffer;
}

/* Decode more of a chunked body in place. 1 complete, 0 more, -status. */
static int
decode_more(struct conn *conn, char *data, size_t *len, size_t *used)
{
	struct conn_chunked *chunked = conn->chunked;
	size_t raw = chunked->body_start + chunked->decoded;
	size_t got = *len - raw;
	size_t consumed = 0;
	int rc;

	rc = http_chunk_decode(&chunked->decoder, data + raw, &got, &consumed);
	if (rc < 0)
		return rc;
	chunked->decoded += got;
	*used = raw + consumed;
	if (conn->spool != NULL || is_large(conn, chunked->decoded)) {
		got = chunked->decoded;
		chunked->decoded = 0;
		if (conn->spool == NULL && conn_spool_start(conn) < 0)
			return -503;
		if (conn_spool_put(conn, data + chunked->body_start, got) < 0)
			return -507;
	}
	if (rc > 0)
		return 1;
	*len = chunked->body_start + chunked->decoded;
	return 0;
}

static int
start_chunked(struct conn *conn, const struct http_head *head, size_t head_len)
{
	struct http_chunk_limits limits = {
		.body = router_body_limit(conn->worker, head),
		.line = (size_t)conn->worker->options->limit_chunk_line,
		.extensions = HTTP_CHUNK_EXTENSIONS_DEFAULT,
		.trailers = HTTP_CHUNK_TRAILERS_DEFAULT,
	};

	conn->chunked = calloc(1, sizeof(*conn->chunked));
	if (conn->chunked == NULL)
		return -503;
	http_chunk_init(&conn->chunked->decoder, &limits);
	conn->chunked->body_start = head_len;
	return wait_for_body(conn, head, head_len + 1);
}

/* A request with a chunked body. Bytes used, 0 for more, -status. */
static long
take_chunked(struct conn *conn, char *data, size_t *len)
{
	struct http_head head;
	size_t used = 0;
	int rc;

	rc = decode_more(conn, data, len, &used);
	if (rc <= 0)
		return rc;
	if (conn->spool != NULL) {
		rc = hand_over_spool(conn, data, conn->chunked->body_start);
		return rc < 0 ? rc : (long)used;
	}
	rc = http_parse_head(data, conn->chunked->body_start,
	    &conn->worker->limits, &head);
	if (rc <= 0)
		return -400; /* cannot be: it was complete before */
	hand_over(conn, &head, data + conn->chunked->body_start,
	    conn->chunked->decoded);
	return (long)used;
}

/* The next request in the bytes. Bytes used, 0 for more, -status. */
static long
take_request(struct conn *conn, char *data, size_t *len)
{
	struct worker *worker = conn->worker;
	struct http_head head;
	size_t total;
	int rc;

	if (conn->chunked != NULL)
		return take_chunked(conn, data, len);
	if (*len < conn->need)
		return 0;
	if (conn->spool != NULL)
		return take_spooled(conn, data, len);
	rc = http_parse_more(data, *len, &worker->limits, &conn->head, &head);
	if (rc <= 0)
		return rc;
	if (head.chunked) {
		rc = start_chunked(conn, &head, (size_t)rc);
		return rc < 0 || conn->close_after
			   ? rc
			   : take_chunked(conn, data, len);
	}
	if (head.content_length >= 0 &&
	    (uint64_t)head.content_length > router_body_limit(worker, &head))
		return -413;
	total = (size_t)rc;
	if (head.content_length > 0)
		total += (size_t)head.content_length;
	if (*len < total) {
		(void)wait_for_body(conn, &head, total);
		return conn->close_after || !is_large(conn, total)
			   ? 0
			   : start_spooled(conn, &head, (size_t)rc, data, len);
	}
	hand_over(conn, &head, data + rc, total - (size_t)rc);
	return (long)total;
}

size_t
conn_consume(struct conn *conn, char *data, size_t *len)
{
	size_t used = 0;
	size_t left;
	long rc;

	while (conn->state == CONN_OPEN && !conn->doomed &&
	       !conn->close_after && conn->out == NULL && used < *len) {
		left = *len - used;
		rc = take_request(conn, data + used, &left);
		*len = used + left;
		if (rc == 0)
			break;
		if (rc < 0) {
			request_end(conn);
			spool_unref(&conn->spool);
			conn_refuse(conn, (int)-rc);
			break;
		}
		used += (size_t)rc;
	}
	return used;
}
