/* SPDX-License-Identifier: MIT */

/*
 * The index page: a template with {%marks%}, filled in once at start.
 *
 * The order of the scripts is the one the front end needs (React before the
 * renderer, the renderer before dcc); the manifest numbers them.
 *
 * THREADS  The thread that opens the site.
 */
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/json_write.h"
#include "worker/site_int.h"

#define TEMPLATE_MAX ((size_t)1024 * 1024)
#define SUITES "_dash-component-suites/"

/* What the marks are filled from. */
struct page {
	const struct site *site;
	const struct app *app;
	const struct worker_options *options;
};

void
site_escape_html(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			(void)buf_putl(out, "&lt;");
			break;
		case '>':
			(void)buf_putl(out, "&gt;");
			break;
		case '&':
			(void)buf_putl(out, "&amp;");
			break;
		case '"':
			(void)buf_putl(out, "&quot;");
			break;
		default:
			(void)buf_putc(out, *text);
		}
	}
}

/* A quoted text of the settings. */
static void
put_text(const char *text, struct buf *out)
{
	if (json_write_text(text, strlen(text), out) < 0)
		(void)buf_putl(out, "\"\"");
}

static const char *
url_ending(const struct site *site, const char *ending)
{
	size_t tail = strlen(ending);
	size_t len;
	size_t i;

	for (i = 0; i < site->file_count; i++) {
		len = strlen(site->files[i].url);
		if (len >= tail &&
		    strcmp(site->files[i].url + len - tail, ending) == 0)
			return site->files[i].url;
	}
	return "";
}

static void
put_metas(const struct page *page, struct buf *out)
{
	(void)page;
	(void)buf_putl(out,
	    "<meta charset=\"UTF-8\">\n    <meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">");
}

static void
put_title(const struct page *page, struct buf *out)
{
	site_escape_html(
	    page->app->title != NULL ? page->app->title : "Pronghorn", out);
}

static void
put_favicon(const struct page *page, struct buf *out)
{
	(void)buf_putl(out, "<link rel=\"icon\" type=\"image/x-icon\" href=\"");
	if (static_put_favicon(page->site->assets, page->site->requests, out) <
	    0)
		(void)buf_printf(out, "%s_favicon.ico", page->site->requests);
	(void)buf_putl(out, "\">");
}

static void
put_css(const struct page *page, struct buf *out)
{
	(void)buf_printf(out,
	    "<link rel=\"stylesheet\" href=\"%s" SUITES "%s\">",
	    page->site->requests, url_ending(page->site, "/pronghorn.css"));
	static_put_css(page->site->assets, page->site->requests, out);
}

static void
put_entry(const struct page *page, struct buf *out)
{
	(void)page;
	(void)buf_putl(out,
	    "<div id=\"react-entry-point\"><div class=\"_dash-loading\">"
	    "Loading...</div></div>");
}

static void
put_app_options(const struct app *app, struct buf *out)
{
	const char *title = app->page.update_title;

	(void)buf_printf(out,
	    "\"show_undo_redo\":%s,\"suppress_callback_exceptions\":%s,"
	    "\"update_title\":",
	    app->page.show_undo_redo ? "true" : "false",
	    app->page.suppress_callback_exceptions ? "true" : "false");
	if (app->page.keep_title)
		title = "";
	put_text(title != NULL ? title : "Updating...", out);
	(void)buf_putc(out, ',');
}

static void
put_config(const struct page *page, struct buf *out)
{
	(void)buf_putl(out,
	    "<script id=\"_dash-config\" type=\"application/json\">"
	    "{\"url_base_pathname\":");
	if (page->options->url_base_pathname[0] != '\0')
		put_text(page->options->url_base_pathname, out);
	else
		(void)buf_putl(out, "null");
	(void)buf_putl(out, ",\"requests_pathname_prefix\":");
	put_text(page->site->requests, out);
	(void)buf_putl(out, ",\"ui\":false,\"props_check\":false,"
			    "\"disable_version_check\":true,");
	put_app_options(page->app, out);
	(void)buf_putl(out,
	    "\"children_props\":{"
	    "\"dash_core_components\":{\"Clipboard\":[\"copied_children\"],"
	    "\"Loading\":[\"custom_spinner\"],\"Tab\":[\"label\"]}},"
	    "\"serve_locally\":false,\"plotlyjs_url\":");
	(void)buf_printf(out, "\"%s" SUITES, page->site->requests);
	(void)buf_puts(out, url_ending(page->site, "/plotly.min.js"));
	(void)buf_putl(out, "\",\"validate_callbacks\":false,");
	if (page->options->csrf_token) {
		(void)buf_putl(out, "\"csrf_token_name\":");
		put_text(page->options->csrf_token_name, out);
		(void)buf_putl(out, ",\"csrf_header_name\":");
		put_text(page->options->csrf_header_name, out);
		(void)buf_putc(out, ',');
	}
	(void)buf_putl(out, "\"plotly_cloud_installed\":true}</script>");
}

static void
put_scripts(const struct page *page, struct buf *out)
{
	const struct site *site = page->site;
	unsigned next;
	size_t i;

	for (next = 1; next <= site->file_count; next++) {
		for (i = 0; i < site->file_count; i++) {
			if (site->files[i].load != next)
				continue;
			/* What the app adds to dash_clientside must be there
			 * when the renderer starts. */
			if (strstr(site->files[i].url, "/dash-renderer/"))
				static_put_scripts(site->assets, site->requests,
				    out);
			(void)buf_printf(out,
			    "%s<script src=\"%s" SUITES "%s\"></script>",
			    next > 1 ? "\n      " : "", site->requests,
			    site->files[i].url);
		}
	}
}

static void
put_renderer(const struct page *page, struct buf *out)
{
	app_inline_script(page->app, out);
	(void)buf_putl(out,
	    "<script id=\"_dash-renderer\" type=\"application/javascript\">"
	    "var renderer = new DashRenderer();</script>");
}

static const struct mark {
	const char *name;
	void (*put)(const struct page *page, struct buf *out);
} marks[] = {
	{ "metas", put_metas },
	{ "title", put_title },
	{ "favicon", put_favicon },
	{ "css", put_css },
	{ "app_entry", put_entry },
	{ "config", put_config },
	{ "scripts", put_scripts },
	{ "renderer", put_renderer },
};

/* Fill in the mark that starts at `at` ("{%name%}"); NULL: unknown. */
static const char *
put_mark(const struct page *page, const char *at, struct buf *out)
{
	size_t len;
	size_t i;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		len = strlen(marks[i].name);
		if (strncmp(at + 2, marks[i].name, len) == 0 &&
		    strncmp(at + 2 + len, "%}", 2) == 0) {
			marks[i].put(page, out);
			return at + len + 4;
		}
	}
	return NULL;
}

int
site_page(const struct site *site, const char *template_path,
    const struct app *app, const struct worker_options *options,
    struct buf *out, struct buf *why)
{
	const struct page page = { site, app, options };
	char *template = NULL;
	const char *at;
	const char *mark;
	size_t len;
	int rc;

	rc = fd_read_file(template_path, TEMPLATE_MAX, &template, &len);
	if (rc < 0) {
		(void)buf_printf(why, "cannot read %s: %s\n", template_path,
		    err_str(rc));
		return rc;
	}
	at = template;
	while ((mark = strstr(at, "{%")) != NULL) {
		(void)buf_put(out, at, (size_t)(mark - at));
		at = put_mark(&page, mark, out);
		if (at == NULL) {
			(void)buf_printf(why, "%s: unknown mark %.20s\n",
			    template_path, mark);
			rc = ERR_SYNTAX;
			goto out;
		}
	}
	(void)buf_puts(out, at);
	rc = buf_ok(out) ? 0 : ERR_TOO_BIG;
out:
	free(template);
	return rc;
}
