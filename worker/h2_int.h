/* SPDX-License-Identifier: MIT */
#ifndef WORKER_H2_INT_H
#define WORKER_H2_INT_H

#include <nghttp2/nghttp2.h>

#include "worker/h2.h"
#include "worker/h2_calm.h"

/* Between the two files of HTTP/2: the session, and its exchanges. */
struct h2 {
	struct conn *conn;
	nghttp2_session *session;
	struct h2_stream *streams;
	size_t stream_count;
	size_t body_total; /* of requests that are not answered */
	size_t list_max;
	uint64_t resets;
	uint64_t finished;
	struct h2_calm calm;
	bool busy;      /* inside nghttp2: do not send now */
	bool drained;   /* has said that it takes no more streams */
	bool sent_away; /* nothing more is read */
};

struct h2_stream {
	struct conn conn; /* what router and dispatch see */
	struct h2 *h2;
	struct h2_stream *prev;
	struct h2_stream *next;
	int32_t id;
	bool head_complete;
	bool complete; /* the request is whole */
	bool answered;
	bool reset;       /* by the client */
	int refuse;       /* a status, or 0 */
	int64_t began_us; /* the head, then the body, then the answer */
	int64_t since_us; /* last progress */
	size_t list_size;
	uint64_t body_max; /* from its head; 0: not known yet */
	struct buf head;   /* the path */
	struct buf fields;
	struct buf cookie;
	struct buf body;
	char method[24]; /* a longer one is none that we know */
	size_t method_len;
	size_t host_len;   /* of :authority, first in `fields`; 0: none came */
	int64_t announced; /* Content-Length; -1: none */
	/* the answer */
	const char *data;
	size_t left;
	size_t total; /* left when it began */
	size_t offset;
	struct blob *blob;
	char *copy;
};

/* One field of a request head. */
void h2_request_field(struct h2_stream *stream, const char *name,
    size_t name_len, const char *value, size_t value_len);

/* The head is whole, a body follows: refuse it now if the head alone does. */
void h2_request_check(struct h2_stream *stream);

/* The request is whole, or refused. */
void h2_request_run(struct h2_stream *stream);

#endif
