/* SPDX-License-Identifier: MIT */

/*
 * Streams to requests, answers to frames.
 *
 * Bounds: streams (SETTINGS_MAX_CONCURRENT_STREAMS), the decoded size of a
 * head, the bodies of all streams together, streams that a client opens and
 * resets (rapid reset), and frames that carry nothing (h2_calm.h). nghttp2
 * bounds CONTINUATION frames, and the answers it owes to PING and SETTINGS.
 *
 * INVARIANT  A stream that is answered is not handed to the router again.
 *            conn->out of the connection is checked before each send, so at
 *            most one buffer of frames is kept for a slow client.
 * THREADS    The loop only.
 */
#include "worker/h2.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "worker/conn_int.h"
#include "worker/dispatch.h"
#include "worker/h2_int.h"
#include "worker/router.h"
#include "worker/unsent.h"
#include "worker/worker_int.h"

#define RESETS_FREE 100 /* streams that may be reset for no reason */
#define FRAMES_MAX ((size_t)48 * 1024)

static void
stream_free(struct h2_stream *stream)
{
	struct h2 *h2 = stream->h2;

	if (stream->conn.request != NULL)
		dispatch_abandon(stream->conn.request);
	if (stream->prev != NULL)
		stream->prev->next = stream->next;
	else
		h2->streams = stream->next;
	if (stream->next != NULL)
		stream->next->prev = stream->prev;
	h2->stream_count--;
	h2->body_total -= stream->body.len;
	spool_unref(&stream->conn.spool);
	buf_free(&stream->head);
	buf_free(&stream->fields);
	buf_free(&stream->cookie);
	buf_free(&stream->body);
	unsent_remove(h2->conn, stream->blob,
	    stream->copy != NULL ? stream->total : 0);
	free(stream->copy);
	blob_unref(stream->blob);
	free(stream);
}

static int
on_begin(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream;

	if (frame->hd.type != NGHTTP2_HEADERS ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	stream->h2 = h2;
	stream->id = frame->hd.stream_id;
	stream->began_us = stream->since_us = clock_mono_us();
	stream->announced = -1;
	stream->conn.worker = h2->conn->worker;
	stream->conn.stream = stream;
	stream->conn.tls = h2->conn->tls; /* for the flags of cookies */
	stream->conn.trusted = h2->conn->trusted;
	stream->conn.proxied_tls = h2->conn->proxied_tls;
	stream->conn.proxied_client = h2->conn->proxied_client;
	stream->conn.fd = -1;
	memcpy(stream->conn.peer, h2->conn->peer, sizeof(stream->conn.peer));
	stream->next = h2->streams;
	if (stream->next != NULL)
		stream->next->prev = stream;
	h2->streams = stream;
	h2->stream_count++;
	(void)nghttp2_session_set_stream_user_data(session, stream->id, stream);
	return 0;
}

/* NOLINTBEGIN(readability-function-size): nghttp2 asks for so many. */
static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value,
    size_t value_len, uint8_t flags, void *arg)
/* NOLINTEND(readability-function-size) */
{
	struct h2 *h2 = arg;
	struct h2_stream *stream;

	(void)flags;
	stream =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (stream == NULL || frame->hd.type != NGHTTP2_HEADERS)
		return 0;
	stream->list_size += name_len + value_len + 32;
	if (stream->list_size > h2->list_max) {
		stream->refuse = 431; /* and nothing more is kept */
		return 0;
	}
	if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		h2_request_field(stream, (const char *)name, name_len,
		    (const char *)value, value_len);
	return 0;
}

/* What has come of a body goes to a file. 0 or a status. */
static int
to_file(struct h2_stream *stream)
{
	int rc = conn_spool_start(&stream->conn);

	if (rc == 0 && stream->body.len > 0)
		rc = conn_spool_put(&stream->conn, stream->body.data,
		    stream->body.len);
	if (rc < 0) {
		spool_unref(&stream->conn.spool);
		return -rc;
	}
	stream->h2->body_total -= stream->body.len;
	buf_free(&stream->body);
	return 0;
}

/*
 * Room in memory for `len` bytes more of the connection's bodies: the largest
 * go to files, so that many at the same time, as browsers send them, are no
 * reason to refuse any, and a file takes the place of as much as can be.
 * 0 or a status.
 */
static int
make_room(struct h2 *h2, size_t len)
{
	const struct worker_options *options = h2->conn->worker->options;
	size_t most = (size_t)options->limit_request_body + FRAMES_MAX;
	struct h2_stream *largest;
	struct h2_stream *stream;
	size_t most_len;
	int status = 0;

	while (status == 0 && h2->body_total + len > most) {
		largest = NULL;
		most_len = 0;
		for (stream = h2->streams; stream != NULL;
		     stream = stream->next) {
			if (stream->body.len > most_len) {
				largest = stream;
				most_len = stream->body.len;
			}
		}
		if (largest == NULL) /* `len` alone is too much */
			break;
		status = to_file(largest);
	}
	return status;
}

/* Keep a part of a body, in memory or in its file. 0 or a status. */
static int
keep_body(struct h2_stream *stream, const void *data, size_t len)
{
	const struct worker_options *options = stream->conn.worker->options;
	struct h2 *h2 = stream->h2;
	int status = 0;

	if (conn_body_len(&stream->conn) + stream->body.len + len >
	    stream->body_max)
		return 413;
	if (stream->conn.spool == NULL &&
	    stream->body.len + len > (size_t)options->upload_buffer)
		status = to_file(stream);
	if (status == 0 && stream->conn.spool == NULL)
		status = make_room(h2, len);
	if (status != 0)
		return status;
	if (stream->conn.spool != NULL) /* now, if it was the largest */
		return -conn_spool_put(&stream->conn, data, len);
	if (buf_put(&stream->body, data, len) < 0)
		return 503;
	h2->body_total += len;
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *data, size_t len, void *arg)
{
	struct h2_stream *stream;

	(void)flags;
	(void)arg;
	stream = nghttp2_session_get_stream_user_data(session, id);
	if (stream == NULL || stream->answered)
		return 0;
	stream->since_us = clock_mono_us();
	stream->refuse = keep_body(stream, data, len);
	if (stream->refuse != 0)
		h2_request_run(stream);
	return 0;
}

static bool
has_message(const nghttp2_frame *frame)
{
	return frame->hd.type == NGHTTP2_HEADERS ||
	       frame->hd.type == NGHTTP2_DATA;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream;

	stream =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (stream == NULL)
		return 0;
	if (frame->hd.type == NGHTTP2_RST_STREAM)
		stream->reset = true; /* whatever it gives as the reason */
	if (!has_message(frame))
		return 0;
	stream->complete = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
	if (stream->answered)
		return 0;
	if (frame->hd.type == NGHTTP2_DATA &&
	    frame->hd.length > frame->data.padlen)
		h2_calm_body(&h2->calm);
	if (stream->complete) {
		h2_request_run(stream);
	} else if (frame->hd.type == NGHTTP2_HEADERS) {
		stream->head_complete = true;
		stream->began_us = clock_mono_us();
		h2_request_check(stream);
	}
	return 0;
}

/*
 * An answer that is whole before its request is ends the request, too (RFC 9113
 * 8.1): what is left of a body that was refused is not worth sending.
 */
static int
on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	const struct h2_stream *stream;

	(void)arg;
	if (!has_message(frame) ||
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0)
		return 0;
	stream =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (stream != NULL && !stream->complete)
		(void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE,
		    frame->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

static void
send_away(struct h2 *h2, uint32_t why)
{
	h2->sent_away = true;
	(void)nghttp2_session_terminate_session(h2->session, why);
}

static int
on_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct h2 *h2 = arg;
	struct h2_stream *stream;

	stream = nghttp2_session_get_stream_user_data(session, id);
	if (stream == NULL)
		return 0;
	if (error != NGHTTP2_NO_ERROR || stream->reset) {
		h2->resets++;
	} else {
		h2->finished++;
		h2_calm_finished(&h2->calm);
	}
	stream_free(stream);
	if (h2->stream_count == 0)
		conn_begin_idle(h2->conn);
	/* Rapid reset: work asked for and thrown away, again and again. */
	if (h2->resets > RESETS_FREE && h2->resets / 2 > h2->finished)
		send_away(h2, NGHTTP2_ENHANCE_YOUR_CALM);
	return 0;
}

static int
set_up(struct h2 *h2)
{
	const struct worker_options *options = h2->conn->worker->options;
	nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
		    (uint32_t)options->http2_max_concurrent_streams },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
		    (uint32_t)options->http2_initial_window_size },
		{ NGHTTP2_SETTINGS_MAX_FRAME_SIZE,
		    (uint32_t)options->http2_max_frame_size },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
		    (uint32_t)options->http2_max_header_list_size },
	};
	nghttp2_session_callbacks *calls;
	int rc;

	if (nghttp2_session_callbacks_new(&calls) != 0)
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_begin_headers_callback(calls,
	    on_begin);
	nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls,
	    on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(calls, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls, on_close);
	rc = nghttp2_session_server_new(&h2->session, calls, h2);
	nghttp2_session_callbacks_del(calls);
	if (rc == 0)
		rc = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE,
		    settings, sizeof(settings) / sizeof(settings[0]));
	h2->list_max = (size_t)options->http2_max_header_list_size;
	return rc == 0 ? 0 : -ENOMEM;
}

int
h2_start(struct conn *conn)
{
	struct h2 *h2 = calloc(1, sizeof(*h2));

	if (h2 == NULL)
		return -ENOMEM;
	h2->conn = conn;
	conn->h2 = h2;
	h2_calm_init(&h2->calm, clock_mono_us());
	return set_up(h2);
}

void
h2_free(struct h2 **h2_in)
{
	struct h2 *h2 = *h2_in;
	struct h2_stream *stream;
	struct h2_stream *next;

	*h2_in = NULL;
	if (h2 == NULL)
		return;
	for (stream = h2->streams; stream != NULL; stream = next) {
		next = stream->next;
		stream_free(stream);
	}
	nghttp2_session_del(h2->session);
	free(h2);
}

void
h2_receive(struct conn *conn, const char *data, size_t len)
{
	struct h2 *h2 = conn->h2;
	ssize_t used;

	if (h2->sent_away) { /* and does not read why */
		conn->doomed = true;
		return;
	}
	if (!h2_calm_receive(&h2->calm, data, len, clock_mono_us()))
		send_away(h2, NGHTTP2_ENHANCE_YOUR_CALM);
	h2->busy = true; /* answers are sent when all is read */
	used = h2->sent_away ? 0
			     : nghttp2_session_mem_recv(h2->session,
				   (const uint8_t *)data, len);
	h2->busy = false;
	if (used < 0) /* it has queued why, if there is a way to say it */
		send_away(h2, used == NGHTTP2_ERR_FLOODED
				  ? NGHTTP2_ENHANCE_YOUR_CALM
				  : NGHTTP2_PROTOCOL_ERROR);
	h2_flush(conn);
}

void
h2_flush(struct conn *conn)
{
	static char frames[FRAMES_MAX + 32768];
	struct h2 *h2 = conn->h2;
	const uint8_t *data;
	ssize_t got = 1;
	size_t have;

	if (h2->busy)
		return;
	while (got > 0 && conn->out == NULL && !conn->doomed) {
		have = 0;
		while (have < FRAMES_MAX && (got = nghttp2_session_mem_send(
						 h2->session, &data)) > 0) {
			if ((size_t)got > sizeof(frames) - have) {
				conn_put_bytes(conn, frames, have);
				have = 0;
				conn_put_bytes(conn, data, (size_t)got);
				continue;
			}
			memcpy(frames + have, data, (size_t)got);
			have += (size_t)got;
		}
		if (got < 0)
			conn->doomed = true;
		h2_calm_sent(&h2->calm, have);
		if (have > 0)
			conn_put_bytes(conn, frames, have);
	}
	if ((!nghttp2_session_want_read(h2->session) &&
		!nghttp2_session_want_write(h2->session)) ||
	    (conn->worker->draining && h2->stream_count == 0)) {
		conn->close_after = true;
		conn->linger_after = true;
	}
}

/*
 * Has a body not moved for `limit`, or been slower than min_rate all in all?
 * Streams share a connection, so they share the rate.
 */
static bool
is_too_slow(const struct h2_stream *stream, int64_t now_us, double limit,
    size_t bytes)
{
	double rate = (double)stream->conn.worker->options->min_rate;
	double seconds = (double)(now_us - stream->began_us) / 1e6;

	return (double)(now_us - stream->since_us) / 1e6 > limit ||
	       (seconds > limit &&
		   (double)bytes * (double)stream->h2->stream_count <
		       seconds * rate);
}

static void
check_deadline(struct h2 *h2, struct h2_stream *stream, int64_t now_us)
{
	const struct worker_options *options = stream->conn.worker->options;

	if (stream->answered) {
		if (is_too_slow(stream, now_us, options->send_timeout,
			stream->total - stream->left))
			(void)nghttp2_submit_rst_stream(h2->session,
			    NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
	} else if (stream->complete) {
		return;
	} else if (!stream->head_complete) {
		/* Nothing else can come before its end: away with all. */
		if ((double)(now_us - stream->began_us) >
		    options->header_timeout * 1e6)
			(void)nghttp2_session_terminate_session(h2->session,
			    NGHTTP2_ENHANCE_YOUR_CALM);
	} else if (is_too_slow(stream, now_us, options->body_timeout,
		       conn_body_len(&stream->conn) + stream->body.len)) {
		stream->refuse = 408;
		h2_request_run(stream);
	}
}

void
h2_sweep(struct conn *conn)
{
	struct h2 *h2 = conn->h2;
	struct h2_stream *stream;
	int64_t now_us = clock_mono_us();

	h2->busy = true; /* no stream goes while we walk */
	for (stream = h2->streams; stream != NULL; stream = stream->next) {
		/* The app's time does not wait for the client to read. */
		if (stream->conn.state == CONN_BUSY)
			(void)conn_expire(&stream->conn);
		else if (conn->out == NULL)
			check_deadline(h2, stream, now_us);
	}
	h2->busy = false;
	h2_flush(conn);
}

void
h2_drain(struct conn *conn)
{
	struct h2 *h2 = conn->h2;

	(void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h2->session),
	    NGHTTP2_NO_ERROR, NULL, 0);
	h2->drained = true;
	h2_flush(conn);
}

bool
h2_is_drained(const struct h2 *h2)
{
	return h2->drained;
}

size_t
h2_stream_count(const struct h2 *h2)
{
	return h2->stream_count;
}

struct conn *
h2_busy_stream(const struct h2 *h2)
{
	struct h2_stream *stream = h2->streams;

	while (stream != NULL && stream->conn.request == NULL)
		stream = stream->next;
	return stream != NULL ? &stream->conn : NULL;
}

struct conn *
h2_parent(const struct conn *stream)
{
	return stream->stream->h2->conn;
}
