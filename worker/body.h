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

/* What Content-Encoding says; absent, or identity, is BODY_PLAIN. */
enum body_coding body_coding(struct http_span content_encoding);

/*
 * Replace the contents of `out` by the bytes of a gzip body.
 *
 * limit  most bytes that may come out (413 above)
 * ratio  most of them for each byte that went in, looked at when more than
 *        1 MiB has come out (413 above)
 *
 * Whole gzip members must take all of the body, one behind the other (RFC 1952
 * section 2.2): an end cut off, a checksum wrong, or other bytes behind them
 * are 400. The bounds are for all of them. Returns 0, -400, -413 or -503.
 */
int body_gunzip(const char *data, size_t len, size_t limit, size_t ratio,
    struct buf *out);

#endif
