/* SPDX-License-Identifier: MIT */

/*
 * The index page: a template with {%marks%}, filled in once at start.
 *
 * The order of the scripts is the one the front end needs (React before the
 * renderer, the renderer before dcc); the manifest numbers them.
 *
 * THREADS  The thread that opens the site.
 */
#include <string.h>

#include "server/base/err.h"
#include "worker/debug.h"
#include "worker/json_write.h"
#include "worker/pages.h"
#include "worker/site_int.h"

#define SUITES "_dash-component-suites/"

/* What the marks are filled from. */
struct template
{
	const struct site *site;
	const struct app *app;
	const struct worker_options *options;
	const struct page *current; /* NULL: none */
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
put_meta(const char *name, const char *content, struct buf *out)
{
	if (content[0] == '\0')
		return;
	(void)buf_puts(out, strncmp(name, "og:", 3) == 0
				? "\n    <meta property=\""
				: "\n    <meta name=\"");
	site_escape_html(name, out);
	(void)buf_putl(out, "\" content=\"");
	site_escape_html(content, out);
	(void)buf_putl(out, "\">");
}

/* What a page says of itself, for previews of a link, too. */
struct said {
	const char *name;
	const char *content; /* "": nothing */
};

#define SAID_COUNT 9

static void
say_page(const struct template *page, const char *image,
    struct said said[SAID_COUNT])
{
	const struct ph_page_info *info = &page->current->info;
	const char *card = image[0] != '\0' ? "summary_large_image" : "summary";
	const struct said all[SAID_COUNT] = {
		{ "description", info->description },
		{ "og:type", "website" },
		{ "og:title", info->title },
		{ "og:description", info->description },
		{ "twitter:card", card },
		{ "twitter:title", info->title },
		{ "twitter:description", info->description },
		{ "og:image", image },
		{ "twitter:image", image },
	};

	memcpy(said, all, sizeof(all));
}

static bool
is_said(const struct said said[SAID_COUNT], const char *name)
{
	size_t i;

	for (i = 0; i < SAID_COUNT; i++)
		if (said[i].content[0] != '\0' &&
		    strcmp(said[i].name, name) == 0)
			return true;
	return false;
}

static bool
has_viewport(const struct app_meta *meta)
{
	while (meta != NULL && strcmp(meta->name, "viewport") != 0)
		meta = meta->next;
	return meta != NULL;
}

/* Each name once: the app's viewport stands for ours, and what a page says of
 * itself for what the app says of all pages. */
static void
put_metas(const struct template *page, struct buf *out)
{
	const struct app_meta *meta = page->app->metas;
	struct said said[SAID_COUNT];
	struct buf image = BUF_EMPTY;
	size_t i;

	for (i = 0; i < SAID_COUNT; i++)
		said[i] = (struct said){ "", "" };
	if (page->current != NULL && page->current->info.image[0] != '\0')
		(void)buf_printf(&image, "%sassets/%s",
		    site_prefix_of(page->options).requests,
		    page->current->info.image);
	if (page->current != NULL)
		say_page(page,
		    image.len > 0 && buf_cstr(&image) != NULL ? image.data : "",
		    said);
	(void)buf_putl(out, "<meta charset=\"UTF-8\">");
	if (!has_viewport(meta))
		put_meta("viewport", "width=device-width, initial-scale=1",
		    out);
	for (; meta != NULL; meta = meta->next)
		if (!is_said(said, meta->name))
			put_meta(meta->name, meta->content, out);
	for (i = 0; i < SAID_COUNT; i++)
		put_meta(said[i].name, said[i].content, out);
	buf_free(&image);
}

static void
put_title(const struct template *page, struct buf *out)
{
	const char *title = page->app->title;

	if (page->current != NULL)
		title = page->current->info.title;
	site_escape_html(title != NULL ? title : "Pronghorn", out);
}

static void
put_favicon(const struct template *page, struct buf *out)
{
	(void)buf_putl(out, "<link rel=\"icon\" type=\"image/x-icon\" href=\"");
	if (static_put_favicon(page->site->assets, page->site->requests, out) <
	    0)
		(void)buf_printf(out, "%s_favicon.ico", page->site->requests);
	(void)buf_putl(out, "\">");
}

static void
put_css(const struct template *page, struct buf *out)
{
	(void)buf_printf(out,
	    "<link rel=\"stylesheet\" href=\"%s" SUITES "%s\">",
	    page->site->requests, url_ending(page->site, "/pronghorn.css"));
	if (page->app->stylesheets.len > 0)
		(void)buf_put(out, page->app->stylesheets.data,
		    page->app->stylesheets.len);
	site_put_package_css(page->site, out);
	static_put_css(page->site->assets, page->site->requests, out);
}

static void
put_entry(const struct template *page, struct buf *out)
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
	    app_shows_more(app) || app->more_ids ? "true" : "false");
	if (app->page.keep_title)
		title = "";
	put_text(title != NULL ? title : "Updating...", out);
	(void)buf_putc(out, ',');
	if (app->known_ids.len > 0) {
		(void)buf_putl(out, "\"validation_layout\":");
		(void)buf_put(out, app->known_ids.data, app->known_ids.len);
		(void)buf_putc(out, ',');
	}
}

/* The error panel needs the development bundles, and they need these. */
static void
put_mode(bool debug, struct buf *out)
{
	const char *flag = debug ? "true" : "false";

	(void)buf_printf(out, "\"ui\":%s,\"props_check\":%s,", flag, flag);
	if (debug)
		(void)buf_putl(out,
		    "\"dash_version\":\"4\",\"dev_tools\":[],\"hot_reload\":"
		    "{\"interval\":100,\"max_retry\":60},");
}

static void
put_config(const struct template *page, struct buf *out)
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
	(void)buf_putl(out, ",\"disable_version_check\":true,");
	put_mode(page->options->debug, out);
	put_app_options(page->app, out);
	(void)buf_putl(out,
	    "\"children_props\":{"
	    "\"dash_core_components\":{\"Clipboard\":[\"copied_children\"],"
	    "\"Loading\":[\"custom_spinner\"],\"Tab\":[\"label\"]}");
	(void)buf_put(out, page->site->nodes.data, page->site->nodes.len);
	(void)buf_putl(out, "},\"serve_locally\":false,\"plotlyjs_url\":");
	(void)buf_printf(out, "\"%s" SUITES, page->site->requests);
	(void)buf_puts(out, url_ending(page->site, "/plotly.min.js"));
	(void)buf_printf(out, "\",\"validate_callbacks\":%s,",
	    page->options->debug ? "true" : "false");
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
put_own_scripts(const struct template *page, struct buf *out)
{
	const struct buf *external = &page->app->scripts;

	(void)buf_putl(out, "\n      ");
	if (external->len > 0)
		(void)buf_put(out, external->data, external->len);
	static_put_scripts(page->site->assets, page->site->requests, out);
}

static void
put_scripts(const struct template *page, struct buf *out)
{
	const struct site *site = page->site;
	unsigned next;
	size_t i;

	/* It must see what the others send and draw. */
	(void)buf_printf(out, "<script src=\"%s" SUITES "%s\"></script>",
	    site->requests, url_ending(site, "/pronghorn.js"));
	for (next = 1; next <= site->file_count; next++) {
		for (i = 0; i < site->file_count; i++) {
			if (site->files[i].load != next ||
			    site_is_css(&site->files[i]))
				continue;
			/* What the app adds to dash_clientside must be there
			 * when the renderer starts. */
			if (strstr(site->files[i].url, "/dash-renderer/"))
				put_own_scripts(page, out);
			(void)buf_printf(out,
			    "\n      <script src=\"%s" SUITES "%s\"></script>",
			    site->requests, site->files[i].url);
		}
	}
}

/* See debug_script(). */
static void
put_debug_script(const struct template *page, struct buf *out)
{
	(void)buf_printf(out,
	    "<script src=\"%s_ph/debug.js?%s\"></script>\n      ",
	    page->site->requests, page->site->document);
}

/*
 * plotly.js fetches a map of the world from another server for each map with
 * shapes, be they the app's own: unless there is one already. This one is
 * empty.
 */
#define NOTHING "{type:'GeometryCollection',geometries:[]}"
#define NO_WORLD                                                       \
	"<script>(function(){var nothing=" NOTHING                     \
	",world={type:'Topology',arcs:[],objects:{coastlines:nothing," \
	"land:nothing,ocean:nothing,lakes:nothing,rivers:nothing,"     \
	"countries:nothing,subunits:nothing}};window.PlotlyGeoAssets=" \
	"{topojson:{world_110m:world,world_50m:world}};})();</script>"

static void
put_renderer(const struct template *page, struct buf *out)
{
	(void)buf_putl(out, NO_WORLD "\n      ");
	if (page->options->debug)
		put_debug_script(page, out);
	app_inline_script(page->app, page->options->debug, out);
	(void)buf_putl(out,
	    "<script id=\"_dash-renderer\" type=\"application/javascript\">"
	    "var renderer = new DashRenderer();</script>");
}

static const struct mark {
	const char *name;
	void (*put)(const struct template *page, struct buf *out);
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
put_mark(const struct template *page, const char *at, struct buf *out)
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

void
site_hash_document(struct site *site, const struct site_source *source)
{
	const struct template page = { site, source->app, source->options,
		NULL };
	struct buf all = BUF_EMPTY;
	size_t i;

	(void)buf_puts(&all, source->template);
	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		if (marks[i].put != put_renderer) /* it holds the hash */
			marks[i].put(&page, &all);
	}
	app_inline_script(source->app, source->options->debug, &all);
	static_put_opened(site->assets, &all);
	debug_hash(&all, site->document);
	buf_free(&all);
}

int
site_page(const struct site *site, const struct site_source *source,
    const struct page *current, struct buf *out, struct buf *why)
{
	const struct template page = { site, source->app, source->options,
		current };
	const char *at = source->template;
	const char *mark;

	while ((mark = strstr(at, "{%")) != NULL) {
		(void)buf_put(out, at, (size_t)(mark - at));
		at = put_mark(&page, mark, out);
		if (at == NULL) {
			(void)buf_printf(why, "%s: unknown mark %.20s\n",
			    source->name, mark);
			return ERR_SYNTAX;
		}
	}
	(void)buf_puts(out, at);
	return buf_ok(out) ? 0 : ERR_TOO_BIG;
}
