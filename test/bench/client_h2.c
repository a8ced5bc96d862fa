/* SPDX-License-Identifier: MIT */

/*
 * HTTP/2 on one connection of a browser. What is asked for while answers are
 * being read is sent in one piece after them, as a browser's network thread
 * does. Windows are Chromium's, so that the server may send as it would then.
 *
 * A stream that the server refuses, or had not begun when it said good-bye
 * (GOAWAY), goes back into the line and is sent again, as do streams without
 * a byte of an answer when a connection that had served breaks.
 *
 * INVARIANT  A request is on a stream of `active` until its owner is called or
 *            it goes back into the line. Owners are called outside of nghttp2.
 * OWNERSHIP  Streams go from common->spare_streams to the connection and back.
 * THREADS    The loop only.
 * FAILURE    Told to the request's owner as an enum client_error.
 */
#include "test/bench/client_h2.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/clock.h"
#include "test/bench/client_int.h"
#include "test/bench/head_fields.h"
#include "test/bench/secure.h"

#define STREAM_WINDOW (6u << 20)
#define LINK_WINDOW (15u << 20)
#define STREAMS_MAX 100u /* until the server has said how many */
#define OUT_MAX ((size_t)64 * 1024)

struct h2_stream {
	struct h2_stream *next; /* active, ended, or spare */
	struct client_request *request;
	int32_t id;
	size_t sent; /* of the body */
	int64_t start_us;
	uint32_t error; /* nghttp2's, when it has ended */
	bool ended;
	bool reset; /* by the server */
	int broken; /* what answer.c said of it */
	struct answer answer;
};

struct h2_link {
	struct connection *connection;
	nghttp2_session *session;
	struct h2_stream *active;
	unsigned count; /* of active */
	struct buf out;
	size_t out_at;
	int64_t heard_us; /* when the last bytes came */
	bool reading;     /* what is asked for is sent afterwards */
	bool sending;     /* nghttp2 makes frames */
	bool any_ended;   /* of the active; not told yet */
	bool said_goodbye;
};

/* ---- streams ------------------------------------------------------------- */

static struct h2_stream *
stream_new(struct client_common *common)
{
	struct h2_stream *stream = common->spare_streams;

	if (stream != NULL) {
		common->spare_streams = stream->next;
	} else {
		stream = calloc(1, sizeof(*stream));
		if (stream == NULL)
			return NULL;
		answer_init(&stream->answer);
	}
	stream->next = NULL;
	stream->sent = 0;
	stream->error = 0;
	stream->ended = false;
	stream->reset = false;
	stream->broken = 0;
	return stream;
}

static void
stream_put_back(struct client_common *common, struct h2_stream *stream)
{
	stream->request = NULL;
	stream->next = common->spare_streams;
	common->spare_streams = stream;
}

void
client_h2_free_spare(struct client_common *common)
{
	struct h2_stream *stream;

	while ((stream = common->spare_streams) != NULL) {
		common->spare_streams = stream->next;
		answer_free(&stream->answer);
		free(stream);
	}
}

/* ---- what nghttp2 tells -------------------------------------------------- */

/* NOLINTBEGIN(readability-function-size): nghttp2 asks for so many. */
static int
on_header(nghttp2_session *session, const nghttp2_frame *frame,
    const uint8_t *name, size_t name_len, const uint8_t *value, size_t len,
    uint8_t flags, void *arg)
{
	struct h2_stream *stream =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	char digits[4] = "";

	(void)flags;
	(void)arg;
	if (stream == NULL)
		return 0;
	stream->answer.wire += name_len + len;
	if (name_len == 7 && memcmp(name, ":status", 7) == 0) {
		memcpy(digits, value, len < 3 ? len : 3);
		stream->answer.status = atoi(digits);
	} else if (stream->broken == 0) {
		stream->broken = answer_field(&stream->answer,
		    (const char *)name, name_len, (const char *)value, len);
	}
	return 0;
}
/* NOLINTEND(readability-function-size) */

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t id,
    const uint8_t *data, size_t len, void *arg)
{
	struct h2_stream *stream =
	    nghttp2_session_get_stream_user_data(session, id);

	(void)flags;
	(void)arg;
	if (stream == NULL)
		return 0;
	stream->answer.wire += len;
	if (stream->broken == 0)
		stream->broken =
		    answer_data(&stream->answer, (const char *)data, len);
	return 0;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
	struct h2_link *link = arg;
	struct h2_stream *stream;

	if (frame->hd.type == NGHTTP2_GOAWAY)
		link->said_goodbye = true;
	if (frame->hd.type != NGHTTP2_RST_STREAM)
		return 0;
	stream =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	if (stream != NULL)
		stream->reset = true;
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
	struct h2_link *link = arg;
	struct h2_stream *stream =
	    nghttp2_session_get_stream_user_data(session, id);

	if (stream == NULL)
		return 0;
	/* Not even begun, as a GOAWAY had come meanwhile. */
	if (error != 0 && link->sending && stream->answer.wire == 0)
		error = NGHTTP2_REFUSED_STREAM;
	stream->ended = true;
	stream->error = error;
	link->any_ended = true;
	return 0;
}

static ssize_t
give_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t len,
    uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct h2_stream *stream = source->ptr;
	const struct buf *bytes;
	size_t left;

	(void)arg;
	/* Given up, but nghttp2 has not sent the RST_STREAM yet. */
	if (nghttp2_session_get_stream_user_data(session, id) != stream)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	bytes = &stream->request->bytes;
	left = bytes->len - stream->request->body_at - stream->sent;
	if (len >= left) {
		len = left;
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	}
	memcpy(to, bytes->data + stream->request->body_at + stream->sent, len);
	stream->sent += len;
	return (ssize_t)len;
}

/* ---- the connection ------------------------------------------------------ */

static int
open_session(struct h2_link *link)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 65536 },
		{ NGHTTP2_SETTINGS_ENABLE_PUSH, 0 },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 262144 },
	};
	nghttp2_session_callbacks *calls;
	int rc;

	if (nghttp2_session_callbacks_new(&calls) != 0)
		return -ENOMEM;
	nghttp2_session_callbacks_set_on_header_callback(calls, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls,
	    on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(calls, on_frame);
	nghttp2_session_callbacks_set_on_stream_close_callback(calls,
	    on_stream_close);
	rc = nghttp2_session_client_new(&link->session, calls, link);
	nghttp2_session_callbacks_del(calls);
	if (rc == 0)
		rc = nghttp2_submit_settings(link->session, NGHTTP2_FLAG_NONE,
		    settings, sizeof(settings) / sizeof(settings[0]));
	if (rc == 0)
		rc = nghttp2_session_set_local_window_size(link->session,
		    NGHTTP2_FLAG_NONE, 0, (int32_t)LINK_WINDOW);
	return rc == 0 ? 0 : -ENOMEM;
}

int
client_h2_start(struct connection *connection)
{
	struct h2_link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return -ENOMEM;
	link->connection = connection;
	link->heard_us = clock_mono_us();
	buf_init(&link->out, 0);
	connection->h2 = link;
	return open_session(link);
}

void
client_h2_free(struct connection *connection)
{
	struct h2_link *link = connection->h2;
	struct h2_stream *stream;

	if (link == NULL)
		return;
	while ((stream = link->active) != NULL) {
		link->active = stream->next;
		stream_put_back(connection->client->common, stream);
	}
	nghttp2_session_del(link->session);
	buf_free(&link->out);
	free(link);
	connection->h2 = NULL;
}

bool
client_h2_is_leaving(const struct connection *connection)
{
	const struct h2_link *link = connection->h2;

	return link->said_goodbye ||
	       !nghttp2_session_check_request_allowed(link->session);
}

bool
client_h2_has_room(const struct connection *connection)
{
	const struct h2_link *link = connection->h2;
	uint32_t max = nghttp2_session_get_remote_settings(link->session,
	    NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

	if (max > STREAMS_MAX)
		max = STREAMS_MAX;
	return !client_h2_is_leaving(connection) && link->count < max;
}

struct client_request *
client_h2_take_back(struct connection *connection)
{
	struct h2_link *link = connection->h2;
	struct h2_stream *stream = link->active;
	struct client_request *request;

	if (stream == NULL)
		return NULL;
	link->active = stream->next;
	link->count--;
	if (link->session != NULL)
		(void)nghttp2_session_set_stream_user_data(link->session,
		    stream->id, NULL);
	request = stream->request;
	stream_put_back(connection->client->common, stream);
	return request;
}

/* Close it, and what to do with a request whose answer has not come. */
static void
break_link(struct connection *connection, enum client_error error)
{
	struct client *client = connection->client;
	struct h2_stream *lost = connection->h2->active;
	struct h2_stream *stream;
	struct client_request *request;
	bool again;

	connection->h2->active = NULL;
	again = connection->served > 0 &&
		(error == CLIENT_RESET || error == CLIENT_CLOSED);
	connection_close(connection);
	while ((stream = lost) != NULL) {
		lost = stream->next;
		request = stream->request;
		client_lost(client, request, again && stream->answer.wire == 0,
		    error);
		stream_put_back(client->common, stream);
	}
	client_serve_line(client);
}

/* ---- sending ------------------------------------------------------------- */

/* Frames that nghttp2 has ready. False: nothing to send. */
static bool
gather(struct h2_link *link)
{
	const uint8_t *data;
	ssize_t n;

	buf_clear(&link->out);
	link->out_at = 0;
	link->sending = true;
	while (link->out.len < OUT_MAX &&
	       (n = nghttp2_session_mem_send(link->session, &data)) > 0) {
		if (buf_put(&link->out, (const char *)data, (size_t)n) < 0)
			break;
	}
	link->sending = false;
	return link->out.len > 0;
}

static bool
send_frames(struct connection *connection)
{
	struct h2_link *link = connection->h2;
	int wait = 1;
	ssize_t n;

	while (link->out_at < link->out.len || gather(link)) {
		n = secure_send(connection->ssl, link->out.data + link->out_at,
		    link->out.len - link->out_at, &wait);
		if (n < 0 && errno == EAGAIN) {
			if (wait)
				(void)event_add(&connection->write_event, NULL);
			return true;
		}
		if (n <= 0) {
			break_link(connection, CLIENT_RESET);
			return false;
		}
		link->out_at += (size_t)n;
		connection->client->common->bytes_out += (uint64_t)n;
	}
	return true;
}

/* ---- the ends of streams ------------------------------------------------- */

/* The stream is no longer among the active; tell how it ended. */
static void
deliver(struct connection *connection, struct h2_stream *stream)
{
	struct client *client = connection->client;
	struct client_request *request = stream->request;

	if (stream->error == 0 && stream->broken == 0)
		stream->broken = answer_end(&stream->answer);
	if (stream->error != 0) {
		client_lost(client, request,
		    stream->error == NGHTTP2_REFUSED_STREAM,
		    stream->error == NGHTTP2_REFUSED_STREAM || stream->reset
			? CLIENT_RESET
			: CLIENT_MALFORMED);
	} else if (stream->broken < 0 || stream->answer.status < 200) {
		client_lost(client, request, false, CLIENT_MALFORMED);
	} else {
		connection->served++;
		request->done(request, CLIENT_OK, &stream->answer);
	}
	stream_put_back(client->common, stream);
}

/* Tell of all that have ended. What owners ask for then waits for flush(). */
static void
deliver_ended(struct connection *connection)
{
	struct h2_link *link = connection->h2;
	struct h2_stream **at = &link->active;
	struct h2_stream *ended = NULL;
	struct h2_stream *stream;

	link->any_ended = false;
	while ((stream = *at) != NULL) {
		if (!stream->ended) {
			at = &stream->next;
			continue;
		}
		*at = stream->next;
		link->count--;
		stream->next = ended; /* the oldest comes to the front */
		ended = stream;
	}
	link->reading = true;
	while ((stream = ended) != NULL) {
		ended = stream->next;
		deliver(connection, stream);
	}
	client_serve_line(connection->client);
	link->reading = false;
}

/* Send what there is. False: the connection broke and has been closed. */
static bool
flush(struct connection *connection)
{
	do {
		if (connection->h2->any_ended)
			deliver_ended(connection);
		if (!send_frames(connection))
			return false;
	} while (connection->h2->any_ended);
	return true;
}

void
client_h2_ask(struct connection *connection, struct client_request *request)
{
	struct client *client = connection->client;
	struct h2_link *link = connection->h2;
	struct h2_stream *stream = stream_new(client->common);
	nghttp2_nv fields[HEAD_FIELDS_MAX];
	nghttp2_data_provider body = { { .ptr = stream }, give_body };
	int count = head_fields(request->bytes.data, request->body_at, fields);

	if (stream != NULL && count > 0)
		stream->id = nghttp2_submit_request(link->session, NULL, fields,
		    (size_t)count,
		    request->bytes.len > request->body_at ? &body : NULL,
		    stream);
	if (stream == NULL || count < 0 || stream->id < 0) {
		if (stream != NULL)
			stream_put_back(client->common, stream);
		client_lost(client, request, false, CLIENT_MALFORMED);
		return;
	}
	stream->request = request;
	stream->start_us = clock_mono_us();
	answer_reset(&stream->answer, request->discard);
	stream->next = link->active;
	link->active = stream;
	link->count++;
	if (!link->reading)
		(void)flush(connection);
}

void
client_h2_on_write(struct connection *connection)
{
	(void)flush(connection);
}

/* ---- receiving ----------------------------------------------------------- */

/* Read until there is no more. CLIENT_OK, or why the connection is over. */
static enum client_error
take_all(struct connection *connection)
{
	struct h2_link *link = connection->h2;
	struct client_common *common = connection->client->common;
	ssize_t n;
	int wait;

	for (;;) {
		n = secure_recv(connection->ssl, common->scratch,
		    CLIENT_SCRATCH, &wait);
		if (n < 0)
			return errno == EAGAIN ? CLIENT_OK : CLIENT_RESET;
		if (n == 0)
			return CLIENT_CLOSED;
		common->bytes_in += (uint64_t)n;
		if (nghttp2_session_mem_recv(link->session,
			(const uint8_t *)common->scratch, (size_t)n) != n)
			return CLIENT_MALFORMED;
	}
}

void
client_h2_on_read(struct connection *connection)
{
	struct h2_link *link = connection->h2;
	enum client_error error;

	link->heard_us = clock_mono_us();
	error = take_all(connection);
	deliver_ended(connection);
	if (error != CLIENT_OK) {
		break_link(connection, error);
		return;
	}
	if (!flush(connection))
		return;
	if (link->count == 0 && client_h2_is_leaving(connection)) {
		connection_close(connection);
		client_serve_line(connection->client);
	}
}

/* ---- time ---------------------------------------------------------------- */

void
client_h2_expire(struct connection *connection, int64_t now_us)
{
	struct client *client = connection->client;
	struct h2_link *link = connection->h2;
	int64_t timeout_us = client->common->timeout_us;
	struct h2_stream **at = &link->active;
	struct h2_stream *late = NULL;
	struct h2_stream *stream;
	bool silent = false;

	while ((stream = *at) != NULL) {
		if (stream->start_us + timeout_us >= now_us) {
			at = &stream->next;
			continue;
		}
		*at = stream->next;
		link->count--;
		silent |= link->heard_us < stream->start_us;
		(void)nghttp2_session_set_stream_user_data(link->session,
		    stream->id, NULL);
		(void)nghttp2_submit_rst_stream(link->session,
		    NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
		stream->next = late;
		late = stream;
	}
	if (late == NULL)
		return;
	link->reading = true;
	while ((stream = late) != NULL) {
		late = stream->next;
		client_lost(client, stream->request, false, CLIENT_TIMEOUT);
		stream_put_back(client->common, stream);
	}
	link->reading = false;
	/* No byte for so long: the connection itself has died. */
	if (silent)
		break_link(connection, CLIENT_CLOSED);
	else if (flush(connection))
		client_serve_line(client);
}
