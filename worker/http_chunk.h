/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HTTP_CHUNK_H
#define WORKER_HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Strict, incremental decoding of chunked bodies (RFC 9112 section 7.1), in
 * place. Layer: worker. Needs libc only; allocates nothing.
 * Threads: any, one at a time for each struct http_chunk.
 */

#define HTTP_CHUNK_LINE_DEFAULT 256
#define HTTP_CHUNK_EXTENSIONS_DEFAULT 16384
#define HTTP_CHUNK_TRAILERS_DEFAULT 8192

/* Upper bounds of one body, in bytes. */
struct http_chunk_limits {
	uint64_t body;     /* decoded; 413 above */
	size_t line;       /* a size line without CRLF; 400 above */
	size_t extensions; /* all chunk extensions together; 400 above */
	size_t trailers;   /* the trailer section; 431 above */
};

#define HTTP_CHUNK_NAME_MAX 18 /* longer than every name refused below */

/* Progress of one body; to be touched by http_chunk.c only. */
struct http_chunk {
	struct http_chunk_limits limits;
	uint64_t body;     /* decoded so far */
	uint64_t left;     /* of the present chunk */
	size_t line;       /* bytes of the present size line */
	size_t extensions; /* bytes of extensions so far */
	size_t trailers;   /* bytes of trailers so far */
	int state;
	int verdict; /* 0 until done or wrong */
	int digits;
	size_t name_len;
	char name[HTTP_CHUNK_NAME_MAX]; /* of the present trailer, lower case */
};

/* Start a body. The limits are copied; every one must be greater than 0. */
void http_chunk_init(struct http_chunk *chunk,
    const struct http_chunk_limits *limits);

/*
 * Decode what has come.
 *
 * data      raw bytes of the body that follow those of the last call. The
 *           decoded bytes are moved to its start.
 * len       in: raw bytes at `data`; out: decoded bytes at `data`.
 * consumed  out: raw bytes used. Less than was given only when the body ended
 *           (the next request starts there) or is wrong. Note that those rest
 *           bytes stay where they are, at data + *consumed.
 *
 * Returns  1  the body is whole: its last CRLF was consumed
 *          0  all bytes are used, more are needed
 *        < 0  minus the status to answer with, before closing: 413 (body over
 *             its limit), 431 (trailers over theirs), 400 (anything else)
 *
 * Extensions are checked for size and syntax and otherwise ignored. Trailers
 * are held to the rules of header fields and dropped; Content-Length,
 * Transfer-Encoding and Host among them are refused. The result and the
 * decoded bytes do not depend on how the body is cut. After 1 or an error the
 * same result comes again and nothing is consumed.
 */
int http_chunk_decode(struct http_chunk *chunk, char *data, size_t *len,
    size_t *consumed);

#endif
