/* SPDX-License-Identifier: MIT */
#ifndef BENCH_ANSWER_H
#define BENCH_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/buf.h"

/*
 * Reading one HTTP/1 answer as its bytes come in: with Content-Length,
 * chunked, or up to the end of the connection; plain or gzip. Where HTTP/2
 * has cut the answer into fields and data already, answer_field(),
 * answer_data() and answer_end() take these.
 * Layer: test. Threads: one owner at a time.
 */
enum answer_state {
	ANSWER_HEAD,
	ANSWER_LENGTH,     /* `left` bytes of the body are to come */
	ANSWER_CHUNK_SIZE, /* the line with the size */
	ANSWER_CHUNK_DATA, /* `left` bytes of the chunk are to come */
	ANSWER_CHUNK_END,  /* the empty line behind a chunk */
	ANSWER_TRAILER,    /* lines up to an empty one */
	ANSWER_UNTIL_CLOSE,
	ANSWER_DONE
};

struct answer {
	enum answer_state state;
	int status;
	bool keep_alive;
	bool gzip;
	bool chunked;
	bool discard;     /* the body is counted only */
	bool fixed;       /* the head named a length */
	uint64_t left;    /* see state */
	uint64_t wire;    /* bytes of head and body as they came */
	const char *body; /* when done: see answer_body */
	size_t body_len;
	struct buf head;   /* the head, or the chunk line, so far */
	struct buf data;   /* the body so far, when it came in pieces */
	struct buf plain;  /* inflated */
	char cookies[512]; /* "name=value; ..." that the answer set */
};

/* Start empty: nothing allocated. */
void answer_init(struct answer *answer);

/* Ready for the next answer; keeps the memory. */
void answer_reset(struct answer *answer, bool discard);

void answer_free(struct answer *answer);

/*
 * Take `len` bytes. When it is complete (state ANSWER_DONE), body and
 * body_len hold the body, which may lie in `bytes` and so lives only until
 * they go. *used: how many bytes belonged to this answer.
 * 0, -EPROTO (not HTTP), ERR_TOO_BIG or -ENOMEM.
 */
int answer_take(struct answer *answer, const char *bytes, size_t len,
    size_t *used);

/*
 * The peer closed. 0 if that completes the answer, else -EPROTO.
 */
int answer_close(struct answer *answer);

/* One field of the head. 0, or -EPROTO when its value cannot be. */
int answer_field(struct answer *answer, const char *name, size_t name_len,
    const char *value, size_t len);

/* Bytes of the body. 0, ERR_TOO_BIG or -ENOMEM. */
int answer_data(struct answer *answer, const char *bytes, size_t len);

/* All of it has come. 0, -EPROTO (broken gzip) or -ENOMEM. */
int answer_end(struct answer *answer);

#endif
