/* SPDX-License-Identifier: MIT */

/*
 * Development mode. See debug.h.
 *
 * The front end's panel shows the body of a failed callback: in a frame when
 * it begins with a doctype, styled for the class names used here.
 */
#include "worker/debug.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/fd.h"
#include "worker/json_write.h"
#include "worker/site_int.h"

#define NOTICE_MAX ((size_t)256 * 1024)

#define PAGE_BEGIN                                          \
	"<!doctype html><html><head><title>callback failed" \
	"</title></head><body><div class=\"debugger\">"     \
	"<h1>"
#define PAGE_MESSAGE "</h1><div class=\"detail\"><p class=\"errormsg\">"
#define PAGE_TRACE                                                \
	"</p></div><h2 class=\"traceback\">Where</h2><div class=" \
	"\"plain\"><pre>"

const char debug_crash_head[] =
    "HTTP/1.1 500 Internal Server Error\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Cache-Control: no-store\r\nConnection: close\r\n\r\n" PAGE_BEGIN
    "The worker crashed" PAGE_MESSAGE;

void
debug_error_page(const char *what, const char *why, const char *more,
    struct buf *out)
{
	(void)buf_putl(out, PAGE_BEGIN);
	site_escape_html(what, out);
	(void)buf_putl(out, " failed" PAGE_MESSAGE);
	site_escape_html(what, out);
	(void)buf_putl(out, ": ");
	site_escape_html(why, out);
	(void)buf_putl(out, PAGE_TRACE);
	site_escape_html(what, out);
	(void)buf_putl(out, ": ");
	site_escape_html(why, out);
	if (more != NULL) {
		(void)buf_putc(out, '\n');
		site_escape_html(more, out);
	}
	(void)buf_putl(out, "</pre></div></div></body></html>\n");
}

/* The text of the notice, or NULL. The caller frees. */
static char *
read_notice(const struct worker_options *options)
{
	char *text = NULL;
	size_t len;

	if (options->debug_notice[0] == '\0' ||
	    fd_read_file(options->debug_notice, NOTICE_MAX, &text, &len) < 0)
		return NULL;
	if (len > 0)
		return text;
	free(text);
	return NULL;
}

/* Everything a page is made of, as 16 hexadecimal digits. */
static void
digest_all(const struct app *app, const struct static_folder *assets,
    const char *notice, char out[17])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct buf all = BUF_EMPTY;
	int i;

	(void)buf_puts(&all, app->fingerprint);
	static_put_state(assets, &all);
	if (notice != NULL)
		(void)buf_puts(&all, notice);
	(void)SHA256((const unsigned char *)all.data, all.len, digest);
	buf_free(&all);
	for (i = 0; i < 8; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

void
debug_reload_json(const struct app *app, const struct worker_options *options,
    const struct static_folder *assets, struct buf *out)
{
	char *notice = read_notice(options);
	char hash[17];

	digest_all(app, assets, notice, hash);
	(void)buf_printf(out,
	    "{\"reloadHash\":\"%s\",\"hard\":true,\"packages\":[\"pronghorn\","
	    "\"%s\"],\"files\":[]}",
	    hash, hash);
	free(notice);
}

bool
debug_notice_page(const struct worker_options *options, struct buf *out)
{
	char *notice = read_notice(options);

	if (notice == NULL)
		return false;
	(void)buf_putl(out,
	    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"UTF-8\">"
	    "<meta http-equiv=\"refresh\" content=\"1\"><title>The app does "
	    "not compile</title><style>body{font:15px/1.5 system-ui,sans-serif;"
	    "margin:2em}pre{padding:1em;background:#1c2330;color:#e4e8ef;"
	    "overflow:auto}</style></head><body><h1>The app does not compile"
	    "</h1><pre>");
	site_escape_html(notice, out);
	(void)buf_putl(out, "</pre></body></html>\n");
	free(notice);
	return true;
}
