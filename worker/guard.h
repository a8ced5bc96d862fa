/* SPDX-License-Identifier: MIT */
#ifndef WORKER_GUARD_H
#define WORKER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/buf.h"
#include "worker/http_parse.h"
#include "worker/options.h"

/*
 * Who may ask, and what a browser may do with the page: the Host allow list,
 * the checks against requests that other sites make a browser send, the
 * content security policy. docs/SECURITY.md says why each of them is there.
 *
 * THREADS  Any; nothing is kept between calls.
 */

#define GUARD_TOKEN_LEN 32    /* hexadecimal digits of a CSRF token */
#define GUARD_FIELDS_MAX 4096 /* bytes of the page's own header lines */
#define GUARD_COOKIE_MAX 576  /* bytes of a Set-Cookie value, with NUL */

/* Is this Host (host or host:port, already checked for syntax) one of ours?
 * An absent one (HTTP/1.0) is, when every host is. */
bool guard_host(const opt_LIST_t *allowed, struct http_span host);

/* Could each item of allowed_hosts be one? 0, or ERR_SYNTAX with a sentence. */
int guard_check_hosts(const opt_LIST_t *allowed, struct buf *why);

/* May a browser have sent this POST from a page of ours? By Sec-Fetch-Site,
 * else by Origin; a client that sends neither is no browser. `secure`: the
 * request came by https. */
bool guard_origin(const struct worker_options *options,
    const struct http_head *head, bool secure);

/*
 * The query of the page that asks, as its Referer says; absent: there is none,
 * or the page is no other than one below `prefix` of the host that is asked.
 * `secure` as above.
 */
struct http_span guard_page_query(const struct http_head *head,
    const char *prefix, bool secure);

/* Do the CSRF cookie and the header that repeats it agree? */
bool guard_token(const struct worker_options *options,
    const struct http_head *head);

/* The value of the first cookie of this name; absent: data is NULL. */
struct http_span guard_cookie(const struct http_head *head, const char *name);

/* A Set-Cookie value with a fresh token, for URLs below `path`. 0, or negative
 * when the system gives no random bytes. */
int guard_new_cookie(const struct worker_options *options, const char *path,
    bool secure, char out[GUARD_COOKIE_MAX]);

/*
 * Append the header lines that go with the index page: the policy with a
 * hash of each inline script in it, frame and referrer rules. 0, or negative
 * with a sentence in *why.
 */
int guard_page_fields(const struct worker_options *options, const char *page,
    size_t len, struct buf *out, struct buf *why);

/* Append the sources of one directive ("script-src") that the page needs for
 * what it loads from other servers. */
void guard_put_sources(const char *directive, const char *page, size_t len,
    struct buf *out);

#endif
