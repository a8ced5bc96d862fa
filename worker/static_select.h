/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATIC_SELECT_H
#define WORKER_STATIC_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/http_parse.h"

/*
 * Which form of a file a request asks for: conditions, ranges, codings
 * (RFC 9110 sections 12.5.3, 13 and 14). Pure functions.
 */

/* How much an Accept-Encoding list such as `gzip, br;q=0.5` likes `coding`, in
 * thousandths; -1: it does not name it. */
int static_quality(struct http_span list, const char *coding);

/* What the client takes: brotli only where it is named, which a star does not,
 * and liked as much as gzip. */
struct static_codings {
	bool gzip;
	bool br;
};
struct static_codings static_codings(const struct http_head *head);

/* Is the quoted tag in an If-None-Match list (weakly), or the list `*`? */
bool static_etag_matches(struct http_span list, const char *etag);

/* Seconds since 1970 of an IMF-fixdate ("Sun, 06 Nov 1994 08:49:37 GMT");
 * -1 for anything else. */
int64_t static_parse_date(struct http_span text);

enum static_range {
	STATIC_WHOLE,         /* no range that we serve: all of it, 200 */
	STATIC_PART,          /* 206 */
	STATIC_UNSATISFIABLE, /* 416 */
};

/*
 * One range of `len` bytes. Several ranges, other units and what is not
 * well-formed give the whole; sums and signs cannot overflow.
 */
enum static_range static_parse_range(struct http_span range, size_t len,
    size_t *first, size_t *count);

/*
 * The verdict of the conditional fields: 412, 304, or 200. `mtime` in
 * seconds; 0: unknown.
 */
int static_condition(const struct http_head *head, const char *etag,
    int64_t mtime);

/* Does If-Range (or its absence) allow a part? */
bool static_if_range(const struct http_head *head, const char *etag,
    int64_t mtime);

#endif
