/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ACCESS_FORMAT_H
#define WORKER_ACCESS_FORMAT_H

#include <stdint.h>

#include "server/base/buf.h"
#include "worker/http_parse.h"
#include "worker/http_reply.h"

/*
 * access_log_format: gunicorn's atoms, "%(h)s" and so on, compiled once.
 *
 * Bytes from clients are escaped: `"`, `\` and everything that is not
 * printable ASCII, as \xHH; JSON has UTF-8 as it is. So no client writes a
 * line, or a field, that is not its own.
 *
 * OWNERSHIP  access_format_new() makes, access_format_free() frees.
 * THREADS    Read only once made.
 */
#define ACCESS_EXTRAS 32 /* request fields that a format may name, at most */

struct access_format;

struct access_entry {
	struct http_span client; /* its address; empty: a unix socket */
	struct http_span method;
	struct http_span target;
	int minor; /* HTTP/1.minor; 20: HTTP/2 */
	int status;
	size_t bytes; /* of the body */
	bool secure;
	struct http_span referer;
	struct http_span user_agent;
	const struct http_span *extras; /* as access_format_extra() orders;
					   NULL: it has none of them */
	int fd; /* its socket, for the names of its ends; may be negative */
	const struct reply *reply;
	int64_t duration_us;
};

/* What is logged when nothing else is said. */
#define ACCESS_FORMAT_DEFAULT                                                \
	"%(h)s %(l)s %(u)s %(t)s \"%(r)s\" %(s)s %(b)s \"%(f)s\" \"%(a)s\" " \
	"%(D)s"

/* NULL with a sentence in *why that names the atom and its place. */
struct access_format *access_format_new(const char *text, struct buf *why);

/* One JSON object per line, with fixed names. NULL: no memory. */
struct access_format *access_format_new_json(void);
void access_format_free(struct access_format **format); /* accepts NULL */

/* The names of the request fields it needs, in order; NULL behind the last. */
const char *access_format_extra(const struct access_format *format,
    unsigned index);

/* How many these are. */
unsigned access_format_extra_count(const struct access_format *format);

/* Append the line without its end. `time` is that of the log. */
void access_format_put(const struct access_format *format,
    const struct access_entry *entry, const char *time, struct buf *out);

#endif
