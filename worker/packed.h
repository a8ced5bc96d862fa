/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PACKED_H
#define WORKER_PACKED_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/buf.h"
#include "worker/http_reply.h"

/*
 * A finished answer as it stands in the store: the body as it is, and beside
 * it the body as gzip and as brotli, where that pays. So an answer is
 * compressed once, by the pool thread that has made it, and each client is sent
 * the form that it takes, from the bytes that were read.
 *
 * THREADS  Any; no state.
 */
struct packed {
	const char *plain; /* the body; nothing: no update */
	size_t plain_len;
	const char *gzip; /* NULL: does not pay */
	size_t gzip_len;
	const char *br; /* NULL: pays less than gzip */
	size_t br_len;
};

/*
 * Put a body of `plain` and, with a level above 0 and from `min_size` bytes
 * on, its other forms into `out`, which is cleared first. 0, ERR_TOO_BIG,
 * -ENOMEM. Without memory for compressing it goes without.
 */
int packed_make(const struct buf *plain, int level, size_t min_size,
    struct buf *out);

/* See what is in stored bytes; *packed points into them. False: it is no
 * packed answer. */
bool packed_open(const void *data, size_t len, struct packed *packed);

/*
 * The answer of these bytes: 200 with JSON, compressed where the client
 * takes that, or 204 where there is no body. The blob is for the caller.
 */
void packed_reply(const struct packed *packed, bool gzip, bool br,
    struct reply *reply);

#endif
