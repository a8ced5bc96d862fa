/* SPDX-License-Identifier: MIT */

/*
 * gzip bodies: inflated in steps, so that what comes out is never much larger
 * than what is allowed, whatever the body claims.
 *
 * THREADS  Any.
 */
#include "worker/body.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#define STEP (64U * 1024)
#define RATIO_FREE ((size_t)1024 * 1024) /* small bodies may shrink well */

enum body_coding
body_coding(struct http_span content_encoding)
{
	if (content_encoding.data == NULL ||
	    http_span_is(content_encoding, "identity"))
		return BODY_PLAIN;
	if (http_span_is(content_encoding, "gzip") ||
	    http_span_is(content_encoding, "x-gzip"))
		return BODY_GZIP;
	return BODY_UNKNOWN;
}

static bool
is_bomb(size_t in, size_t out, size_t limit, size_t ratio)
{
	return out > limit || (out > RATIO_FREE && out / ratio > in);
}

/* One step: 0 for more, 1 at the end, else minus a status. `len`: of it all. */
static int
inflate_step(z_stream *stream, size_t len, size_t limit, size_t ratio,
    struct buf *out)
{
	int rc;

	if (buf_reserve(out, STEP) < 0)
		return -503;
	stream->next_out = (unsigned char *)out->data + out->len;
	stream->avail_out = STEP;
	rc = inflate(stream, Z_NO_FLUSH);
	out->len += STEP - stream->avail_out;
	/* Of all members together: zlib counts for each. */
	if (is_bomb(len - stream->avail_in, out->len, limit, ratio))
		return -413;
	if (rc == Z_MEM_ERROR)
		return -503;
	if (rc == Z_STREAM_END) {
		if (stream->avail_in == 0)
			return 1;
		return inflateReset(stream) == Z_OK ? 0 : -400;
	}
	/* Without progress, or with nothing left to read, it is cut short. */
	if (rc != Z_OK || (stream->avail_in == 0 && stream->avail_out > 0))
		return -400;
	return 0;
}

int
body_gunzip(const char *data, size_t len, size_t limit, size_t ratio,
    struct buf *out)
{
	z_stream stream;
	int rc;

	buf_clear(out);
	if (len > UINT_MAX)
		return -413;
	memset(&stream, 0, sizeof(stream));
	/* 16: gzip only, neither zlib nor raw deflate. */
	if (inflateInit2(&stream, 15 + 16) != Z_OK)
		return -503;
	stream.next_in = (unsigned char *)(uintptr_t)data;
	stream.avail_in = (unsigned)len;
	do
		rc = inflate_step(&stream, len, limit, ratio, out);
	while (rc == 0);
	(void)inflateEnd(&stream);
	return rc == 1 ? 0 : rc;
}
