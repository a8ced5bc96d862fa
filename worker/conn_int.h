/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CONN_INT_H
#define WORKER_CONN_INT_H

#include <sys/types.h>
#include <sys/uio.h>

#include "worker/conn.h"

/* Between the three files of a connection: life, reading, writing. */

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

/* conn.c: a request came: it is not the one to close when room is needed. */
void conn_touch(struct conn *conn, int64_t now_us);

/* conn.c: what the loop watches for, from the state. */
void conn_watch(struct conn *conn);

#endif
