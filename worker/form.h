/* SPDX-License-Identifier: MIT */
#ifndef WORKER_FORM_H
#define WORKER_FORM_H

#include <stddef.h>

#include "server/base/arena.h"
#include "worker/http_parse.h"

/*
 * Forms as browsers send them: multipart/form-data (RFC 7578, with the
 * escapes of the WHATWG) and application/x-www-form-urlencoded.
 *
 * The body is looked at where it is: a part of multipart is a span of it, so
 * an upload of a gigabyte in a mapped file costs no memory. Time is linear in
 * the length, memory in the number of parts, which is bounded.
 *
 * THREADS  Any; nothing is kept between calls.
 */
struct form_limits {
	size_t parts;     /* 413 above */
	size_t part_head; /* bytes of the header lines of one part; 431 above */
};

struct form_part {
	struct http_span name; /* well-formed UTF-8 without control bytes */
	/*
	 * The last segment of the name the client gave, never with a slash or
	 * backslash and never "." or ".."; may be empty. data NULL: a field.
	 */
	struct http_span file_name;
	struct http_span type;  /* Content-Type as sent; NULL: none */
	struct http_span value; /* urlencoded: decoded, in the arena */
};

struct form {
	struct form_part *parts; /* in the order of the body */
	size_t count;
};

/*
 * Parse. `type` is the value of Content-Type. Spans borrow the body or the
 * arena. Returns 0 or minus a status: 400, 413, 415 (neither of both types),
 * 431, 503 (no memory).
 */
int form_parse(struct http_span type, const char *data, size_t len,
    const struct form_limits *limits, struct arena *arena, struct form *form);

/* The first part of that name, or NULL. */
const struct form_part *form_find(const struct form *form, const char *name);

#endif
