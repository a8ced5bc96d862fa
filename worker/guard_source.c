/* SPDX-License-Identifier: MIT */

/*
 * What the page itself loads from elsewhere, for its policy: the author of the
 * document wants the scripts and stylesheets that he names in it. Scripts are
 * allowed by their whole address; of a stylesheet's server all sheets, fonts
 * and images, as their addresses stand in the sheet.
 *
 * THREADS  The thread that opens the site.
 */
#include <stddef.h>
#include <string.h>

#include "worker/guard.h"

/* The value of an attribute in quotes, within one tag; absent: NULL. */
static struct http_span
attribute(const char *tag, size_t len, const char *name)
{
	struct http_span value = { NULL, 0 };
	size_t name_len = strlen(name);
	const char *at = tag;
	const char *end = tag + len;
	const char *close;

	while ((at = memmem(at, (size_t)(end - at), name, name_len)) != NULL) {
		at += name_len;
		if ((size_t)(end - at) < 3 || at[0] != '=' || at[1] != '"' ||
		    at[-(ptrdiff_t)name_len - 1] != ' ')
			continue;
		close = memchr(at + 2, '"', (size_t)(end - at - 2));
		if (close == NULL)
			return value;
		value.data = at + 2;
		value.len = (size_t)(close - value.data);
		return value;
	}
	return value;
}

/*
 * As a policy names it, without query and fragment; *host is where the name of
 * the server begins. False: it is of no other server, or no address.
 */
static bool
trim(struct http_span *url, size_t *host)
{
	size_t scheme = 0;
	size_t i;

	if (url->len > 8 && memcmp(url->data, "https:", 6) == 0)
		scheme = 6;
	else if (url->len > 7 && memcmp(url->data, "http:", 5) == 0)
		scheme = 5;
	if (url->len < scheme + 3 || memcmp(url->data + scheme, "//", 2) != 0)
		return false;
	for (i = 0; i < url->len; i++) {
		if (memchr("?#", url->data[i], 2) != NULL)
			break;
		if ((unsigned char)url->data[i] <= ' ' ||
		    (unsigned char)url->data[i] > '~' ||
		    memchr(";,'\\&", url->data[i], 5) != NULL)
			return false;
	}
	url->len = i;
	*host = scheme + 2;
	if (scheme == 0) { /* a policy has no such form */
		url->data += 2;
		url->len -= 2;
		*host = 0;
	}
	return url->len > *host;
}

/* "https://host:port" of it. */
static struct http_span
origin_of(struct http_span url, size_t host)
{
	const char *slash = memchr(url.data + host, '/', url.len - host);

	if (slash != NULL)
		url.len = (size_t)(slash - url.data);
	return url;
}

static bool
is_stylesheet(const char *tag, size_t len)
{
	struct http_span rel = attribute(tag, len, "rel");

	return rel.data != NULL && http_span_is(rel, "stylesheet");
}

static void
put_source(const char *directive, bool script, struct http_span url,
    struct buf *out)
{
	if (script != (strcmp(directive, "script-src") == 0))
		return;
	if (!script && strcmp(directive, "font-src") != 0 &&
	    strcmp(directive, "img-src") != 0 &&
	    strcmp(directive, "style-src") != 0)
		return;
	(void)buf_putc(out, ' ');
	(void)buf_put(out, url.data, url.len);
}

void
guard_put_sources(const char *directive, const char *page, size_t len,
    struct buf *out)
{
	const char *end = page + len;
	const char *tag = page;
	const char *close;
	struct http_span url;
	size_t host;
	bool script;

	for (; (tag = memchr(tag, '<', (size_t)(end - tag))) != NULL; tag++) {
		close = memchr(tag, '>', (size_t)(end - tag));
		if (close == NULL)
			return;
		len = (size_t)(close - tag);
		script = len > 7 && memcmp(tag, "<script", 7) == 0;
		if (script || (len > 5 && memcmp(tag, "<link", 5) == 0 &&
				  is_stylesheet(tag, len))) {
			url = attribute(tag, len, script ? "src" : "href");
			if (!trim(&url, &host))
				continue;
			/* A sheet may import others, from beside it. */
			if (!script)
				url = origin_of(url, host);
			put_source(directive, script, url, out);
		}
	}
}
