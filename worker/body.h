/* SPDX-License-Identifier: MIT */
#ifndef WORKER_BODY_H
#define WORKER_BODY_H

#include <stddef.h>

#include "server/base/buf.h"
#include "worker/http_parse.h"

/*
 * Request bodies with a Content-Encoding.
 *
 * THREADS  Any; nothing is kept between calls.
 */

enum body_coding { BODY_PLAIN, BODY_GZIP, BODY_UNKNOWN };

/* What Content-Encoding says; absent is BODY_PLAIN. */
enum body_coding body_coding(struct http_span content_encoding);

/*
 * Replace the contents of `out` by the bytes of a gzip body.
 *
 * limit  most bytes that may come out (413 above)
 * ratio  most of them for each byte that went in, looked at when more than
 *        1 MiB has come out (413 above)
 *
 * Exactly one gzip member must take all of the body: its end cut off, its
 * checksum wrong, or bytes behind it are 400. Returns 0, -400, -413 or -503.
 */
int body_gunzip(const char *data, size_t len, size_t limit, size_t ratio,
    struct buf *out);

#endif
