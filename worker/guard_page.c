/* SPDX-License-Identifier: MIT */

/*
 * The page: what a browser may do with it.
 *
 * The policy allows scripts from this server and the inline scripts of the
 * page itself, by their hashes; from elsewhere only what the page names as a
 * script or stylesheet (guard_source.c). plotly.js writes
 * style attributes, so inline styles are allowed.
 *
 * THREADS  The thread that opens the site.
 */
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/guard.h"
#include "worker/http_class.h"

#define DIRECTIVES_MAX 24
#define HASH_TEXT_MAX 64

/* What the front end needs, directive by directive. */
static const char *const base_policy[][2] = {
	{ "default-src", "'self'" },
	{ "script-src", "'self'" }, /* the hashes follow */
	{ "style-src", "'self' 'unsafe-inline'" },
	{ "img-src", "'self' data: blob:" },
	{ "font-src", "'self' data:" },
	{ "connect-src", "'self'" },
	{ "worker-src", "'self' blob:" },
	{ "object-src", "'none'" },
	{ "base-uri", "'self'" },
	{ "form-action", "'self'" },
};

#define BASE_COUNT (sizeof(base_policy) / sizeof(base_policy[0]))

/* The next directive of a policy text: its name and its sources. */
static bool
next_directive(const char **text, struct http_span *name,
    struct http_span *sources)
{
	const char *at = *text;
	const char *end;

	at += strspn(at, " ;\t");
	if (*at == '\0')
		return false;
	end = at + strcspn(at, ";");
	name->data = at;
	name->len = strcspn(at, " ;\t");
	at += name->len;
	at += strspn(at, " \t");
	sources->data = at;
	sources->len = at < end ? (size_t)(end - at) : 0;
	*text = end;
	return true;
}

static bool
is_base(struct http_span name)
{
	size_t i;

	for (i = 0; i < BASE_COUNT; i++) {
		if (http_span_is(name, base_policy[i][0]))
			return true;
	}
	return false;
}

/* Further sources of the setting for one directive of the base. */
static void
put_extra(const char *extra, const char *directive, struct buf *out)
{
	struct http_span name;
	struct http_span sources;

	while (next_directive(&extra, &name, &sources)) {
		if (!http_span_is(name, directive) || sources.len == 0)
			continue;
		(void)buf_putc(out, ' ');
		(void)buf_put(out, sources.data, sources.len);
	}
}

/* Is there JavaScript between these tags? `tag` is "<script ...>". */
static bool
is_inline_script(const char *tag, size_t len)
{
	const char *type = memmem(tag, len, "type=\"", 6);

	if (memmem(tag, len, " src=", 5) != NULL)
		return false;
	return type == NULL ||
	       memmem(type, len - (size_t)(type - tag), "javascript\"", 11) !=
		   NULL ||
	       memmem(type, len - (size_t)(type - tag), "module\"", 7) != NULL;
}

static void
put_hash(const char *script, size_t len, struct buf *out)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char text[HASH_TEXT_MAX];

	(void)SHA256((const unsigned char *)script, len, digest);
	(void)EVP_EncodeBlock((unsigned char *)text, digest, sizeof(digest));
	(void)buf_printf(out, " 'sha256-%s'", text);
}

/*
 * What the front end itself puts into the frame in which its error panel shows
 * a callback's failure: it tells how high that is. The frame inherits the
 * policy of the page. test/browser/dash_errors sees that it still is this.
 */
static const char panel_script[] =
    "\n"
    "  function sendHeight() {\n"
    "    const height = document.body.scrollHeight;\n"
    "    window.parent.postMessage({ type: \"IFRAME_HEIGHT\", height }, "
    "\"*\");\n"
    "  }\n"
    "\n"
    "  window.addEventListener(\"load\", sendHeight);\n"
    "  window.addEventListener(\"resize\", sendHeight);\n"
    "  window.addEventListener(\"click\", sendHeight);\n";

static bool
is_script(const char *directive)
{
	return strcmp(directive, "script-src") == 0;
}

/* One hash for each inline script of the page. */
static void
put_hashes(const char *page, size_t len, struct buf *out)
{
	const char *end = page + len;
	const char *at = page;
	const char *tag;
	const char *body;
	const char *close;

	while ((tag = memmem(at, (size_t)(end - at), "<script", 7)) != NULL) {
		body = memchr(tag, '>', (size_t)(end - tag));
		if (body == NULL)
			return;
		body++;
		close = memmem(body, (size_t)(end - body), "</script", 8);
		if (close == NULL)
			return;
		if (is_inline_script(tag, (size_t)(body - tag)))
			put_hash(body, (size_t)(close - body), out);
		at = close;
	}
}

static void
put_policy(const struct worker_options *options, const char *page, size_t len,
    struct buf *out)
{
	const char *extra = options->csp_extra;
	struct http_span name;
	struct http_span sources;
	size_t i;

	(void)buf_putl(out, "Content-Security-Policy: ");
	for (i = 0; i < BASE_COUNT; i++) {
		(void)buf_printf(out, "%s%s %s", i > 0 ? "; " : "",
		    base_policy[i][0], base_policy[i][1]);
		if (is_script(base_policy[i][0]))
			put_hashes(page, len, out);
		if (is_script(base_policy[i][0]) && options->debug)
			put_hash(panel_script, sizeof(panel_script) - 1, out);
		guard_put_sources(base_policy[i][0], page, len, out);
		put_extra(extra, base_policy[i][0], out);
	}
	while (next_directive(&extra, &name, &sources)) {
		if (!is_base(name))
			(void)buf_printf(out, "; %.*s %.*s", (int)name.len,
			    name.data, (int)sources.len, sources.data);
	}
	if (options->frame_ancestors[0] != '\0')
		(void)buf_printf(out, "; frame-ancestors %s",
		    options->frame_ancestors);
	(void)buf_putl(out, "\r\n");
}

/* For browsers that do not know frame-ancestors. */
static void
put_frame_options(const char *ancestors, struct buf *out)
{
	if (strcmp(ancestors, "'none'") == 0)
		(void)buf_putl(out, "X-Frame-Options: DENY\r\n");
	else if (strcmp(ancestors, "'self'") == 0)
		(void)buf_putl(out, "X-Frame-Options: SAMEORIGIN\r\n");
}

static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if (!isprint((unsigned char)*text))
			return false;
	}
	return true;
}

static bool
is_token(const char *text)
{
	do {
		if (!http_class_has(*text, HTTP_TOKEN))
			return false;
	} while (*++text != '\0');
	return true;
}

int
guard_page_fields(const struct worker_options *options, const char *page,
    size_t len, struct buf *out, struct buf *why)
{
	const char *policy = options->content_security_policy;

	if (!is_token(options->csrf_token_name) ||
	    !is_token(options->csrf_header_name)) {
		(void)buf_puts(why, "csrf_token_name and csrf_header_name "
				    "must be names without blanks or "
				    "separators\n");
		return ERR_SYNTAX;
	}
	if (!is_plain(policy) || !is_plain(options->csp_extra) ||
	    !is_plain(options->frame_ancestors) ||
	    !is_plain(options->referrer_policy)) {
		(void)buf_puts(why,
		    "content_security_policy, csp_extra, frame_ancestors and "
		    "referrer_policy must be plain ASCII\n");
		return ERR_SYNTAX;
	}
	if (strcmp(policy, "auto") == 0)
		put_policy(options, page, len, out);
	else if (policy[0] != '\0')
		(void)buf_printf(out, "Content-Security-Policy: %s\r\n",
		    policy);
	put_frame_options(options->frame_ancestors, out);
	if (options->referrer_policy[0] != '\0')
		(void)buf_printf(out, "Referrer-Policy: %s\r\n",
		    options->referrer_policy);
	if (out->len > GUARD_FIELDS_MAX) {
		(void)buf_printf(why,
		    "the page's security headers take %zu bytes, at most %d "
		    "are possible: shorten content_security_policy\n",
		    out->len, GUARD_FIELDS_MAX);
		return ERR_TOO_BIG;
	}
	return buf_ok(out) ? 0 : ERR_TOO_BIG;
}
