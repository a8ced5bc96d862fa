/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HTTP_PARSE_H
#define WORKER_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The head of an HTTP/1.0 or HTTP/1.1 request, parsed strictly and in place.
 * Layer: worker. Needs libc only; allocates nothing, writes nothing into the
 * input, keeps no state of its own. Threads: any.
 */

#define HTTP_FIELDS_MAX 1024

/*
 * A piece of the input: `len` bytes at `data`, never NUL-terminated. A NULL
 * `data` means absent; present and empty is `data` != NULL with `len` == 0.
 */
struct http_span {
	const char *data;
	size_t len;
};

/*
 * What to do with a field whose name has an underscore: programs that turn
 * a field into a variable give X_User and X-User the same name, which is how
 * one that a proxy takes away is put back.
 */
enum http_underscores {
	HTTP_UNDERSCORES_KEEP,
	HTTP_UNDERSCORES_DROP,  /* judged and counted, but not given */
	HTTP_UNDERSCORES_REFUSE /* 400 */
};

/* Upper bounds of one head; every number must be greater than zero. */
struct http_limits {
	size_t request_line; /* bytes, without CRLF; 414 above */
	size_t fields;       /* number, at most HTTP_FIELDS_MAX; 431 above */
	size_t field_size;   /* bytes of one line, without CRLF; 431 above */
	size_t head_size;    /* bytes of the whole head; 431 above */
	enum http_underscores underscores;
};

enum http_method {
	HTTP_OTHER, /* a well-formed token that is none of those below */
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_OPTIONS,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_CONNECT,
	HTTP_TRACE,
};

struct http_field {
	struct http_span name;
	struct http_span value; /* without white space around it; never NULL */
};

/*
 * A parsed head. All spans point into the input of http_parse_head() and live
 * as long as it does. The spans of well-known fields are copies of their
 * entries in `fields`; where a field may be repeated they hold the first one
 * (http_head_line() gives the others), x_forwarded_for the last one (the one
 * added by the nearest proxy).
 * Repeating any of host, content_type, content_encoding, origin, range,
 * if_modified_since and sec_fetch_site is an error.
 */
struct http_head {
	enum http_method method;
	int minor;                    /* HTTP/1.minor: 0 or 1 */
	struct http_span method_name; /* as sent: case matters */
	struct http_span target;      /* as sent */
	/*
	 * Percent-encoded path: starts with '/', or is "*" (OPTIONS), or is
	 * absent (CONNECT). An absolute target without a path has "/".
	 */
	struct http_span path;
	struct http_span query; /* after '?'; absent without one */

	int64_t content_length;  /* bytes; -1 without the field */
	bool chunked;            /* Transfer-Encoding: chunked */
	bool keep_alive;         /* version and Connection allow another one */
	bool expect_continue;    /* HTTP/1.1 only */
	bool connection_upgrade; /* Connection lists "upgrade" */
	bool repeats;            /* one of the fields below came again */

	/* Valid host[:port]; in HTTP/1.0 it may be absent. */
	struct http_span host;
	struct http_span content_type;
	struct http_span content_encoding;
	struct http_span accept_encoding;
	struct http_span if_none_match;
	struct http_span if_modified_since;
	struct http_span range;
	struct http_span cookie;
	struct http_span origin;
	struct http_span sec_fetch_site;
	struct http_span user_agent;
	struct http_span referer;
	struct http_span upgrade;
	struct http_span x_forwarded_for;

	size_t field_count;
	struct http_field
	    fields[HTTP_FIELDS_MAX]; /* only field_count are set */
};

/*
 * Parse the head at the start of `data`.
 *
 * data, len  the bytes received so far, from the first one of the request.
 * limits     bounds, borrowed for the call.
 * head       filled completely when the result is positive, else undefined.
 *
 * Returns  > 0  size of the head in bytes, with the one empty line that may
 *               stand before it; the body or the next request starts there
 *          0    no fault so far, but more bytes are needed
 *          < 0  minus the status to answer with, before closing: 400, 414
 *               (request line too long), 431 (fields or head too large), 501
 *               (unknown transfer coding), 505 (version other than 1.0, 1.1)
 *
 * The verdict is a function of the bytes alone: for every prefix of an input
 * the result is either 0 or the result of the whole input.
 * An unknown method is not an error here: the router answers it.
 */
int http_parse_head(const char *data, size_t len,
    const struct http_limits *limits, struct http_head *head);

/* How far a head has come that is not complete. Zeros before its first byte. */
struct http_progress {
	size_t seen;  /* bytes that were looked at */
	size_t field; /* where the field begins that is not complete; 0: none */
	size_t fields; /* complete ones before it */
};

/*
 * The same as http_parse_head(), for bytes that come one by one: to be called
 * after each read, with those of before and the new ones. Where the end of a
 * line is not among these it looks at that line only.
 *
 * at  in and out; left alone when the result is not 0.
 */
int http_parse_more(const char *data, size_t len,
    const struct http_limits *limits, struct http_progress *at,
    struct http_head *head);

/*
 * The value of the first field called `name` (any case, NUL-terminated), or
 * NULL. Linear in the number of fields.
 */
const struct http_span *http_head_find(const struct http_head *head,
    const char *name);

/*
 * Like http_head_find(), for fields that may be repeated: starts at field
 * number *from and leaves there the number to go on with.
 */
const struct http_span *http_head_find_next(const struct http_head *head,
    const char *name, size_t *from);

/*
 * The lines of a field that may be repeated, one after the other: `first` is
 * its span in the head, *from 0 before the first call. False: no more.
 */
bool http_head_line(const struct http_head *head, struct http_span first,
    const char *name, size_t *from, struct http_span *line);

/* Strict host[:port]: empty hosts and empty ports are refused. */
bool http_host_is_valid(struct http_span host, bool needs_port);

/* Is the span equal to the text, ASCII letters of either case alike? */
bool http_span_is(struct http_span span, const char *text);

/*
 * Decode a path of a parsed head once and check it.
 *
 * path  starts with '/'.
 * out   `cap` bytes; path.len + 1 always suffice. NUL-terminated on success.
 *
 * Refused: '%' without two hexadecimal digits; decoded control bytes, NUL
 * among them, and DEL; backslashes; segments "." and ".." (after decoding, so
 * that an encoded slash hides none); bytes that are not well-formed UTF-8.
 * Empty segments ("//") are kept.
 *
 * Returns the decoded length without the NUL, -400, or -414 when it does not
 * fit into `cap`.
 */
int http_path_decode(struct http_span path, char *out, size_t cap);

/*
 * Does a decoded path hide a segment "." or "..": encoded once more or several
 * times, or with parameters behind a semicolon? Such a path means nothing here,
 * but it is meant for somebody behind a check.
 */
bool http_path_hides(const char *decoded);

#endif
