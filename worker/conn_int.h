/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CONN_INT_H
#define WORKER_CONN_INT_H

#include <sys/types.h>
#include <sys/uio.h>

#include "worker/conn.h"

/* Between the files of a connection: life, deadlines, reading, writing. */

struct conn_chunked {
	struct http_chunk decoder;
	size_t body_start; /* offset of the body from the head's start */
	size_t decoded;    /* bytes of it so far, but for those in a file */
};

/* conn_read.c: use up what is in `data`; *len may shrink when a chunked body
 * is decoded in place. Returns the bytes used. */
size_t conn_consume(struct conn *conn, char *data, size_t *len);

/* conn_read.c: answer an error and close. */
void conn_refuse(struct conn *conn, int status);

/* conn_read.c: the same for one too many of its address. Without TLS only.
 * 0, or ERR_BUSY: too many are being told so, it is to be closed. */
int conn_turn_away(struct conn *conn);

/* As recv() and sendmsg(), through TLS where there is TLS. */
ssize_t conn_recv(struct conn *conn, void *data, size_t len);
ssize_t conn_sendv(struct conn *conn, struct iovec *pieces, int count);

/*
 * conn_body.c: a body goes to a file: begin, append, look at the whole of it.
 * 0 or minus a status.
 */
int conn_spool_start(struct conn *conn);
int conn_spool_put(struct conn *conn, const char *data, size_t len);
int conn_spool_map(struct conn *conn, const char **data, size_t *len);

/* conn_read.c: bytes of the present body that have come. */
size_t conn_body_len(const struct conn *conn);

/* conn_read.c: what an answer needs to know. */
struct answer_to conn_answer_to(const struct conn *conn,
    const struct http_head *head);

/* conn_write.c: send bytes now, or keep a copy. */
void conn_put_bytes(struct conn *conn, const void *data, size_t len);

/* conn_write.c: start a turn, send what it holds, send what was left. */
void conn_turn_begin(struct conn *conn);
void conn_turn_flush(struct conn *conn);
void conn_send_more(struct conn *conn);
void conn_out_free(struct conn *conn);
void conn_send_continue(struct conn *conn);

/* conn_end.c: the client has ended its side, or closed its socket. */
void conn_on_end(struct conn *conn);
void conn_end_grace_over(struct conn *conn);
extern const struct timeval conn_end_grace;

/* conn.c: a request came: it is not the one to close when room is needed. */
void conn_touch(struct conn *conn, int64_t now_us);

/* conn.c: what the loop watches for, from the state. */
void conn_watch(struct conn *conn);

/* conn.c: the end of every entry point: send, close, or watch. */
void conn_settle(struct conn *conn);

/* conn.c: everything is sent; was it the last answer? */
void conn_after_sending(struct conn *conn);

/* conn.c: use what has been kept, as far as it goes. */
void conn_use_kept(struct conn *conn);

extern const struct timeval conn_drain_grace;

bool conn_in_handshake(const struct conn *conn);

/* conn_time.c: nothing is asked for any more: keepalive begins. */
void conn_begin_idle(struct conn *conn);

/* conn_time.c: bytes came that give no data yet. */
void conn_note_part(struct conn *conn);

/* Has the client sent something that we have not read? */
bool conn_has_unread(const struct conn *conn);

/* conn_time.c: the timer that fits the state; NULL: none. */
const struct timeval *conn_timeout_of(const struct conn *conn);

/* conn_time.c: a trickling client must not outrun a deadline by a byte. */
void conn_check_deadline(struct conn *conn);

/*
 * conn_time.c: has the app had its time with this request, which may be one
 * of HTTP/2? Then the client gets 504, and what it may yet give is dropped.
 */
bool conn_expire(struct conn *conn);

/* conn_time.c: the same, and the timer begins anew if not. */
void conn_check_request(struct conn *conn);

/* conn_time.c: the timer has run out. */
void conn_on_timeout(struct conn *conn);

#endif
