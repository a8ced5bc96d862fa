/* SPDX-License-Identifier: MIT */
#ifndef BENCH_HEAD_FIELDS_H
#define BENCH_HEAD_FIELDS_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>

/*
 * Layer: test. Threads: any.
 */
#define HEAD_FIELDS_MAX 40u

/*
 * The head of an HTTP/1 request, with its empty line, as the fields of an
 * HTTP/2 one: the request line and Host become pseudo-fields, what speaks of
 * the connection is left out, and each cookie is a field of its own. The
 * fields point into `head`; their names are as written there (nghttp2 makes
 * them lower case). Gives how many there are, or -EINVAL for a head that is
 * none or has too many.
 */
int head_fields(const char *head, size_t len,
    nghttp2_nv fields[HEAD_FIELDS_MAX]);

#endif
