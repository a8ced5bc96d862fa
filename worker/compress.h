/* SPDX-License-Identifier: MIT */
#ifndef WORKER_COMPRESS_H
#define WORKER_COMPRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/http_reply.h"

/*
 * gzip and brotli for answers: once for files, and for text while serving.
 *
 * THREADS  compress_gzip(), compress_brotli(): any. struct compress: the
 *          loop only.
 */

/* Compress; NULL when there is no memory or it does not shrink. malloc'ed. */
char *compress_gzip(const void *data, size_t len, int level, size_t *out_len);

/* The same; `level` is gzip's, the quality that takes about as long. */
char *compress_brotli(const void *data, size_t len, int level, size_t *out_len);

/* Is what has this Content-Type text, which is worth compressing? */
bool compress_is_text(const char *type);

/* May this answer be compressed, if its client takes it and nothing else
 * speaks against it? Text that is made for the request: files have forms of
 * their own. */
bool compress_may(const struct reply *reply);

/*
 * The answers compressed lately, so that a cached one is compressed once.
 * Bounded: COMPRESS_SLOTS answers of at most COMPRESS_MAX bytes.
 */
#define COMPRESS_SLOTS 64
#define COMPRESS_MAX ((size_t)256 * 1024)
/* Longer ones are for the packer: see packer.h. */

struct compress;

/* level 0: off. NULL: no memory, or off. */
struct compress *compress_new(int level, size_t min_size);
void compress_free(struct compress **compress);

/*
 * Replace the body of an answer by its brotli or gzip form when that is
 * smaller.
 * Accepts NULL for `compress`. Returns whether the reply was changed; it
 * then holds a reference to the new bytes and no other.
 */
bool compress_reply(struct compress *compress, struct reply *reply,
    bool brotli);

#endif
