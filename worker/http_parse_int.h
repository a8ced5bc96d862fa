/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HTTP_PARSE_INT_H
#define WORKER_HTTP_PARSE_INT_H

#include "worker/http_parse.h"

/*
 * Between http_parse.c, which cuts the bytes into lines and fields, and
 * http_meaning.c, which judges what they say.
 */

/* What an internal step returns beside 0 (done) and minus a status. */
#define HTTP_PARSE_MORE 1

struct http_parse {
	const char *p;     /* first byte not yet consumed */
	const char *end;   /* after the last byte that may be looked at */
	const char *field; /* where the present field begins; NULL: none yet */
	const struct http_limits *limits;
	struct http_head *head;
	struct http_span authority; /* of an absolute or CONNECT target */
	unsigned seen;              /* one bit for each well-known field */
	size_t dropped;             /* fields left out of the head */
	bool close_asked;
	bool keep_alive_asked;
};

/* The request line is whole: method, target form. 0 or minus a status. */
int http_meaning_line(struct http_parse *parse);

/* One field line is whole. 0 or minus a status. */
int http_meaning_field(struct http_parse *parse,
    const struct http_field *field);

/* The head is whole: what only all fields together can tell. */
int http_meaning_end(struct http_parse *parse);

#endif
