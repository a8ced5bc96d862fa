/* SPDX-License-Identifier: MIT */

/*
 * Sending: all answers of one turn leave by one sendmsg().
 *
 * Heads are written into a buffer of the worker, bodies are sent from where
 * they are, and what is sent all the time from a file with both (whole.h). Only
 * what the socket does not take at once is kept: heads and borrowed bodies are
 * copied, shared ones counted, mapped files pointed to.
 *
 * INVARIANT  While conn->out exists, no further request is read: a client
 *            that does not read holds at most one turn's answers.
 * THREADS    The loop only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/base/bug.h"
#include "server/base/clock.h"
#include "worker/app.h"
#include "worker/compress.h"
#include "worker/conn_int.h"
#include "worker/h2.h"
#include "worker/hooks.h"
#include "worker/share.h"
#include "worker/tls.h"
#include "worker/unsent.h"
#include "worker/whole.h"
#include "worker/worker_int.h"

#define COPY_FILE_BYTES 16384                /* one record of TLS */
#define INLINE_MAX 1024                      /* sent from behind its head */
#define TURN_BYTES_MAX ((size_t)1024 * 1024) /* then it is sent */
#define SEND_MAX ((size_t)4 * 1024 * 1024)   /* of one call; whole records */
#define SHARE_FREE ((size_t)32 * 1024)       /* share.h is for more */

/* Any head fits, once those before it have left. */
_Static_assert(HTTP_REPLY_HEAD_MAX + HTTP_REPLY_FIELDS_MAX + INLINE_MAX <=
		   WORKER_TURN_HEADS,
    "an answer's head");

struct conn_piece {
	const char *data;
	size_t len;
	size_t own;        /* bytes of the copy */
	char *copy;        /* owned, or NULL */
	struct blob *blob; /* a reference, or NULL */
	off_t offset;      /* into the blob's file, when data is NULL */
};

struct conn_out {
	int first;
	int count;
	struct conn_piece pieces[];
};

ssize_t
conn_recv(struct conn *conn, void *data, size_t len)
{
	if (conn->tls != NULL && conn->state != CONN_LINGER)
		return tls_recv(conn->tls, data, len);
	return recv(conn->fd, data, len, 0);
}

/*
 * Whoever is in the way of the keeper because of an open read must not be
 * held up by a client on top of it.
 */
static void
begin_send(struct conn *conn)
{
	worker_read_end(conn->worker);
	ASSERT(cache_is_idle(conn->worker->kit.cache));
}

ssize_t
conn_sendv(struct conn *conn, struct iovec *pieces, int count)
{
	struct msghdr message;

	begin_send(conn);
	if (conn->tls != NULL)
		return tls_sendv(conn->tls, pieces, count);
	if (count == 1)
		return send(conn->fd, pieces[0].iov_base, pieces[0].iov_len,
		    MSG_NOSIGNAL);
	memset(&message, 0, sizeof(message));
	message.msg_iov = pieces;
	message.msg_iovlen = (size_t)count;
	return sendmsg(conn->fd, &message, MSG_NOSIGNAL);
}

/* May it send so much now? Who may not is called again in the next pass. */
static bool
may_send(struct conn *conn, size_t len)
{
	return len <= SHARE_FREE || share_is_left(conn->worker);
}

/* It would send more, but others come first: it goes behind all that wait. */
static void
give_way(struct conn *conn)
{
	(void)event_del(&conn->event);
}

void
conn_turn_begin(struct conn *conn)
{
	struct turn *turn = &conn->worker->turn;

	ASSERT(turn->count == 0);
	turn->heads_used = 0;
}

static void
turn_add(struct turn *turn, const void *data, size_t len, struct blob *blob,
    bool borrowed)
{
	/* sendmsg() only reads; iovec has no const. */
	turn->pieces[turn->count].iov_base = (void *)(uintptr_t)data;
	turn->pieces[turn->count].iov_len = len;
	turn->blobs[turn->count] = blob;
	turn->borrowed[turn->count] = borrowed;
	turn->count++;
}

/* The bytes that were written behind what turn->heads holds. */
static void
turn_add_head(struct turn *turn, size_t len)
{
	char *head = turn->heads + turn->heads_used;
	int last = turn->count - 1;

	turn->heads_used += len;
	if (last >= 0 &&
	    (char *)turn->pieces[last].iov_base + turn->pieces[last].iov_len ==
		head)
		turn->pieces[last].iov_len += len;
	else
		turn_add(turn, head, len, NULL, true);
}

static void
turn_end(struct turn *turn)
{
	int i;

	for (i = 0; i < turn->count; i++)
		blob_unref(turn->blobs[i]);
	turn->count = 0;
	turn->heads_used = 0;
	turn->bytes = 0;
}

/* Room for more pieces behind those that are kept already. */
static struct conn_out *
out_grow(struct conn *conn, int more)
{
	int count = conn->out != NULL ? conn->out->count : 0;
	struct conn_out *out;

	out = realloc(conn->out,
	    sizeof(*out) + (size_t)(count + more) * sizeof(struct conn_piece));
	if (out == NULL)
		return NULL;
	if (conn->out == NULL) {
		out->first = 0;
		out->count = 0;
	}
	conn->out = out;
	return out;
}

/* Keep what the socket did not take, from `sent` bytes on. */
static int
turn_keep(struct conn *conn, size_t sent)
{
	struct turn *turn = &conn->worker->turn;
	struct conn_out *out = out_grow(conn, turn->count);
	struct conn_piece *piece;
	int i;

	if (out == NULL)
		return -ENOMEM;
	if (out->count == 0) {
		conn->out_since_us = clock_mono_us();
		conn->out_sent = 0;
	}
	for (i = 0; i < turn->count; i++) {
		if (sent >= turn->pieces[i].iov_len) {
			sent -= turn->pieces[i].iov_len;
			continue;
		}
		piece = &out->pieces[out->count++];
		memset(piece, 0, sizeof(*piece));
		piece->data = (char *)turn->pieces[i].iov_base + sent;
		piece->len = turn->pieces[i].iov_len - sent;
		sent = 0;
		if (turn->borrowed[i]) {
			piece->copy = malloc(piece->len);
			if (piece->copy == NULL)
				return -ENOMEM;
			memcpy(piece->copy, piece->data, piece->len);
			piece->data = piece->copy;
			piece->own = piece->len;
		} else if (turn->blobs[i] != NULL) {
			piece->blob = blob_ref(turn->blobs[i]);
		}
		unsent_add(conn, piece->blob, piece->own);
	}
	return 0;
}

/* One call for what the turn holds, or for its first SEND_MAX bytes. */
static ssize_t
send_turn(struct conn *conn, size_t total)
{
	struct turn *turn = &conn->worker->turn;
	struct iovec *last = turn->pieces;
	size_t left = SEND_MAX;
	size_t len;
	ssize_t sent;

	if (total <= SEND_MAX)
		return conn_sendv(conn, turn->pieces, turn->count);
	while (last->iov_len < left) {
		left -= last->iov_len;
		last++;
	}
	len = last->iov_len;
	last->iov_len = left;
	sent = conn_sendv(conn, turn->pieces, (int)(last - turn->pieces) + 1);
	last->iov_len = len;
	return sent;
}

void
conn_turn_flush(struct conn *conn)
{
	struct turn *turn = &conn->worker->turn;
	size_t total = 0;
	ssize_t sent = 0;
	int i;

	if (turn->count == 0 || conn->doomed) {
		turn_end(turn);
		return;
	}
	for (i = 0; i < turn->count; i++)
		total += turn->pieces[i].iov_len;
	if (conn->out == NULL &&
	    (may_send(conn, total) || !unsent_has_room(conn->worker, total))) {
		do
			sent = send_turn(conn, total);
		while (sent < 0 && errno == EINTR);
		if (sent < 0 && errno != EAGAIN)
			conn->doomed = true;
	}
	if (sent < 0)
		sent = 0;
	share_take(conn->worker, (size_t)sent);
	if (!conn->doomed && (size_t)sent < total &&
	    turn_keep(conn, (size_t)sent) < 0)
		conn->doomed = true;
	turn_end(turn);
}

void
conn_put_bytes(struct conn *conn, const void *data, size_t len)
{
	turn_add(&conn->worker->turn, data, len, NULL, true);
	conn_turn_flush(conn);
}

void
conn_out_free(struct conn *conn)
{
	struct conn_out *out = conn->out;
	int i;

	conn->out = NULL;
	for (i = 0; out != NULL && i < out->count; i++) {
		unsent_remove(conn, out->pieces[i].blob, out->pieces[i].own);
		free(out->pieces[i].copy);
		blob_unref(out->pieces[i].blob);
	}
	free(out);
}

/* A part of a file by way of memory. Moves the offset as sendfile() does. */
static ssize_t
send_file_copy(struct conn *conn, struct conn_piece *piece)
{
	char data[COPY_FILE_BYTES];
	struct iovec part = { data, 0 };
	ssize_t got;
	ssize_t sent;

	got = pread(piece->blob->fd, data,
	    piece->len < sizeof(data) ? piece->len : sizeof(data),
	    piece->offset);
	if (got <= 0)
		return got;
	part.iov_len = (size_t)got;
	sent = conn_sendv(conn, &part, 1);
	if (sent > 0)
		piece->offset += sent;
	return sent;
}

/*
 * Through TLS the pieces go together: a record that the socket did not take
 * may hold parts of several, and must be tried again with the same bytes.
 */
static ssize_t
send_memory_tls(struct conn *conn)
{
	struct conn_out *out = conn->out;
	struct iovec pieces[WORKER_TURN_PIECES];
	size_t left = SEND_MAX;
	int count = 0;
	int i;

	for (i = out->first; i < out->count && count < WORKER_TURN_PIECES &&
			     out->pieces[i].data != NULL && left > 0;
	     i++) {
		pieces[count].iov_base = (void *)(uintptr_t)out->pieces[i].data;
		pieces[count].iov_len =
		    out->pieces[i].len < left ? out->pieces[i].len : left;
		left -= pieces[count++].iov_len;
	}
	return conn_sendv(conn, pieces, count);
}

/* As much of a piece, or more, as the socket takes now. sendfile() moves the
 * offset. */
static ssize_t
send_piece(struct conn *conn, struct conn_piece *piece)
{
	if (piece->data == NULL &&
	    (conn->tls != NULL || !conn->worker->options->sendfile))
		return send_file_copy(conn, piece);
	if (conn->tls != NULL)
		return send_memory_tls(conn);
	begin_send(conn);
	if (piece->data == NULL)
		return sendfile(conn->fd, piece->blob->fd, &piece->offset,
		    piece->len < SEND_MAX ? piece->len : SEND_MAX);
	return send(conn->fd, piece->data,
	    piece->len < SEND_MAX ? piece->len : SEND_MAX, MSG_NOSIGNAL);
}

/* Bytes have left; they may end pieces. */
static void
out_consume(struct conn_out *out, size_t sent)
{
	struct conn_piece *piece;
	size_t part;

	while (sent > 0) {
		piece = &out->pieces[out->first];
		part = sent < piece->len ? sent : piece->len;
		if (piece->data != NULL)
			piece->data += part;
		piece->len -= part;
		sent -= part;
		if (piece->len == 0)
			out->first++;
	}
}

/* The socket takes bytes again. Ends with conn->out == NULL when all went. */
void
conn_send_more(struct conn *conn)
{
	struct conn_out *out = conn->out;
	struct conn_piece *piece;
	ssize_t sent;
	size_t before = conn->out_sent;
	int parts = 0; /* of a file */

	while (out->first < out->count) {
		piece = &out->pieces[out->first];
		if (!may_send(conn, piece->len)) {
			if (conn->out_sent > before)
				give_way(conn);
			return;
		}
		sent = send_piece(conn, piece);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0) {
			/* 0: a file that has become shorter. */
			conn->doomed = sent == 0 || errno != EAGAIN;
			return;
		}
		conn->out_sent += (size_t)sent;
		share_take(conn->worker, (size_t)sent);
		out_consume(out, (size_t)sent);
		if (piece->len == 0 || (size_t)sent == SEND_MAX)
			continue;
		if (piece->data != NULL || ++parts >= 16)
			return; /* the socket is full, or others' turn */
	}
	conn_out_free(conn);
}

void
conn_send_continue(struct conn *conn)
{
	static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct iovec piece = { text, sizeof(text) - 1 };

	conn->continue_sent = true;
	conn_turn_flush(conn);
	if (conn->out != NULL)
		return; /* a client that pipelines does not wait for this */
	/* A fresh socket buffer always takes these few bytes. */
	if (conn_sendv(conn, &piece, 1) != (ssize_t)sizeof(text) - 1)
		conn->doomed = true;
}

static void
log_answer(struct conn *conn, const struct answer_to *to,
    const struct reply *reply)
{
	struct access_entry entry = {
		.client = conn_client(conn, to),
		.method = to->method,
		.target = to->target,
		.minor = conn->stream != NULL ? 20 : to->minor,
		.status = reply->status,
		.bytes = to->head_only ? 0 : reply->len,
		.referer = to->referer,
		.user_agent = to->user_agent,
		.secure = to->secure,
		.extras = to->extras,
		.fd = conn->stream != NULL ? h2_parent(conn)->fd : conn->fd,
		.reply = reply,
		.duration_us = clock_mono_us() - to->start_us,
	};

	access_log_put(&conn->worker->access_log, &entry);
}

/* Queue a part of a file, and begin to send it. */
static void
send_file(struct conn *conn, struct blob *file, size_t offset, size_t len)
{
	struct conn_piece *piece;
	struct conn_out *out;

	conn_turn_flush(conn);
	if (conn->doomed)
		return;
	out = out_grow(conn, 1);
	if (out == NULL) {
		conn->doomed = true;
		return;
	}
	if (out->count == 0) {
		conn->out_since_us = clock_mono_us();
		conn->out_sent = 0;
	}
	piece = &out->pieces[out->count++];
	memset(piece, 0, sizeof(*piece));
	piece->blob = blob_ref(file);
	piece->offset = (off_t)offset;
	piece->len = len;
	conn_send_more(conn);
}

static void
note_answer(struct conn *conn, const struct answer_to *to,
    const struct reply *reply)
{
	struct worker *worker = conn->worker;
	int64_t taken_us = clock_mono_us() - to->start_us;

	if (stats_answer(&worker->stats, reply->status, taken_us))
		heartbeat_look(worker); /* not a second later */
	if (to->callback != NULL)
		stats_series(&worker->stats, HANDOFF_CALLBACK, to->callback,
		    to->callback->function, reply->status >= 500, taken_us);
	hooks_after(worker->app, conn, to, reply->status, taken_us);
	if (access_log_is_on(&worker->access_log))
		log_answer(conn, to, reply);
}

/* An answer that is asked for again and again, by sendfile(): is it one? */
static bool
send_whole(struct conn *conn, const struct reply *reply, const char *head,
    size_t len)
{
	struct worker *worker = conn->worker;
	struct blob *file;

	if (conn->tls != NULL || reply->blob == NULL ||
	    !worker->options->sendfile)
		return false;
	file = whole_get(worker->whole, head, len, reply);
	if (file == NULL)
		return false;
	send_file(conn, file, 0, len + reply->len);
	return true;
}

/*
 * Head and body into the turn. A small body is copied behind its head: one
 * piece is cheaper to send than two. Is the body still the lender's?
 */
static bool
put_reply(struct conn *conn, const struct answer_to *to, struct reply *reply,
    bool keep, bool borrowed)
{
	struct turn *turn = &conn->worker->turn;
	char *head = turn->heads + turn->heads_used;
	size_t len = http_reply_head(reply, keep, conn->worker->date, head);
	bool file = reply->blob != NULL && reply->blob->fd >= 0;
	bool body = !to->head_only && reply->len > 0;

	if (body && !file && !borrowed && send_whole(conn, reply, head, len)) {
		blob_unref(reply->blob);
		return false;
	}
	turn->bytes += len + (file ? 0 : reply->len);
	if (body && !file && reply->len <= INLINE_MAX) {
		memcpy(head + len, reply->body, reply->len);
		len += reply->len;
		body = false;
	}
	turn_add_head(turn, len);
	if (body && !file) {
		turn_add(turn, reply->body, reply->len, reply->blob, borrowed);
		return borrowed;
	}
	if (body)
		send_file(conn, reply->blob, reply->offset, reply->len);
	blob_unref(reply->blob);
	return false;
}

void
conn_answer(struct conn *conn, const struct answer_to *to, struct reply *reply,
    bool borrowed)
{
	struct worker *worker = conn->worker;
	struct turn *turn = &worker->turn;
	bool last = conn->ended && conn->in.len == 0;
	bool keep = to->keep_alive && !reply->close && !worker->draining &&
		    !last && worker->options->keepalive > 0;

	if (turn->heads_used + HTTP_REPLY_HEAD_MAX + reply->fields_len +
		INLINE_MAX >
	    sizeof(turn->heads))
		conn_turn_flush(conn);
	if (worker->compress != NULL && compress_may(reply)) {
		reply->vary = true;
		if (!reply->as_is && (to->gzip || to->br) &&
		    compress_reply(worker->compress, reply, to->br))
			borrowed = false;
	}
	if (conn->stream != NULL) {
		reply->announce = false;
		h2_answer(conn, to, reply, borrowed);
		note_answer(conn, to, reply);
		return;
	}
	reply->announce = to->minor == 0;
	borrowed = put_reply(conn, to, reply, keep, borrowed);
	reply->blob = NULL;
	if (!keep)
		conn->close_after = true;
	note_answer(conn, to, reply);
	/* The next answer may overwrite a borrowed body. */
	if (borrowed || turn->count + 2 > WORKER_TURN_PIECES ||
	    turn->bytes > TURN_BYTES_MAX)
		conn_turn_flush(conn);
}
