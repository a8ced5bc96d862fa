/* SPDX-License-Identifier: MIT */

/*
 * The pages of an app. See pages.h.
 *
 * There is no protocol for pages: the container holds a Location, and a
 * callback of ours shows the page that its address is.
 *
 * OWNERSHIP  Everything lives in the app's arena.
 * THREADS    Defined by the loading thread; shown on pool threads.
 */
#include "worker/pages.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/crash.h"
#include "worker/host.h"
#include "worker/pattern.h"
#include "worker/site.h"
#include "worker/utf8.h"

#define PATH_MAX_BYTES 4096

#define CONTAINER                                                           \
	"{\"type\":\"Div\",\"namespace\":\"dash_html_components\","         \
	"\"props\":{\"children\":["                                         \
	"{\"type\":\"Location\",\"namespace\":\"dash_core_components\","    \
	"\"props\":{\"id\":\"_pages_location\",\"refresh\":"                \
	"\"callback-nav\"}},"                                               \
	"{\"type\":\"Div\",\"namespace\":\"dash_html_components\","         \
	"\"props\":{\"id\":\"_pages_content\",\"disable_n_clicks\":true}}," \
	"{\"type\":\"Store\",\"namespace\":\"dash_core_components\","       \
	"\"props\":{\"id\":\"_pages_store\"}},"                             \
	"{\"type\":\"Div\",\"namespace\":\"dash_html_components\","         \
	"\"props\":{\"id\":\"_pages_dummy\",\"disable_n_clicks\":true}}]}}"

#define NOT_FOUND                                                  \
	"{\"type\":\"H1\",\"namespace\":\"dash_html_components\"," \
	"\"props\":{\"children\":\"404 - Page not found\"}}"

static struct app *
app_of(struct ph_app *app)
{
	return (struct app *)(void *)app;
}

static const char *
keep(struct app *app, const char *text)
{
	return text != NULL ? arena_strndup(&app->arena, text, strlen(text))
			    : NULL;
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

/* "/asset-list/<id>" is "Asset list". */
static const char *
name_of_path(struct app *app, const char *path)
{
	struct buf name = BUF_EMPTY;
	const char *copy;
	const char *at;

	if (strcmp(path, "/") == 0)
		return "Home";
	for (at = path + 1; *at != '\0' && *at != '<'; at++)
		(void)buf_putc(&name, strchr("/-_", *at) != NULL ? ' ' : *at);
	while (name.len > 0 && name.data[name.len - 1] == ' ')
		name.len--;
	if (name.len > 0)
		name.data[0] = (char)toupper((unsigned char)name.data[0]);
	copy = arena_strndup(&app->arena, name.len > 0 ? name.data : "Page",
	    name.len > 0 ? name.len : 4);
	buf_free(&name);
	return copy;
}

static const char *
label_of(struct app *app, const char *path)
{
	size_t size = strlen(path) + sizeof("page ");
	char *label = arena_alloc(&app->arena, size);

	if (label != NULL)
		(void)snprintf(label, size, "page %s", path);
	return label != NULL ? label : "page";
}

static const char *const *
keep_list(struct app *app, const char *const *list)
{
	const char **copy;
	size_t count = 0;
	size_t i;

	while (list != NULL && list[count] != NULL)
		count++;
	copy = arena_calloc(&app->arena, count + 1, sizeof(*copy));
	for (i = 0; copy != NULL && i < count; i++)
		copy[i] = keep(app, list[i]);
	return copy;
}

/* What is wrong with a page, or NULL. */
static const char *
check_page(const char *path, ph_layout_function *function,
    const struct ph_page_about *about)
{
	const char *wrong = pattern_check(path);

	if (wrong != NULL)
		return wrong;
	if (function == NULL)
		return "the function is NULL";
	if (pattern_is_of_server(path))
		return "such a path is the server's own";
	if (!utf8_is_text(or_empty(about->title)))
		return "its title is not valid UTF-8";
	if (!utf8_is_text(or_empty(about->name)))
		return "its name is not valid UTF-8";
	if (!utf8_is_text(or_empty(about->description)))
		return "its description is not valid UTF-8";
	return NULL;
}

static void
define_page(struct ph_app *ph, const char *path, ph_layout_function *function,
    const struct ph_page_about *about)
{
	struct app *app = app_of(ph);
	const char *wrong = check_page(path, function, about);
	struct page **list;
	struct page *page;

	if (wrong != NULL) {
		(void)buf_printf(&app->problems, "ph_page(\"%s\"): %s\n",
		    or_empty(path), wrong);
		return;
	}
	page = arena_calloc(&app->arena, 1, sizeof(*page));
	list =
	    realloc(app->pages, (app->page_count + 1) * sizeof(struct page *));
	if (list != NULL)
		app->pages = list;
	if (page == NULL || list == NULL) {
		(void)buf_printf(&app->problems, "ph_page(\"%s\"): no memory\n",
		    path);
		return;
	}
	list[app->page_count++] = page;
	page->info.path = keep(app, path);
	page->info.has_variables = pattern_has_variables(path);
	page->info.name = about->name != NULL ? keep(app, about->name)
					      : name_of_path(app, path);
	page->info.title =
	    about->title != NULL ? keep(app, about->title) : page->info.name;
	page->info.description = or_empty(keep(app, about->description));
	page->info.image = or_empty(keep(app, about->image));
	page->layout = function;
	page->label = label_of(app, path);
	page->order = about->order;
	page->redirect_from = keep_list(app, about->redirect_from);
}

static void
define_not_found(struct ph_app *app, ph_layout_function *function)
{
	app_of(app)->not_found = function;
}

static void
define_validation_layout(struct ph_app *app, ph_layout_function *function)
{
	app_of(app)->validation = function;
}

static void
define_index(struct ph_app *ph, const char *html)
{
	static const char *const needed[] = { "{%app_entry%}", "{%config%}",
		"{%scripts%}", "{%renderer%}" };
	struct app *app = app_of(ph);
	size_t i;

	app->index = keep(app, or_empty(html));
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (strstr(or_empty(html), needed[i]) == NULL)
			(void)buf_printf(&app->problems,
			    "ph_index(): the document lacks %s\n", needed[i]);
	}
}

static void
define_meta(struct ph_app *ph, const char *name, const char *content)
{
	struct app *app = app_of(ph);
	struct app_meta **at = &app->metas;
	struct app_meta *meta = arena_calloc(&app->arena, 1, sizeof(*meta));

	if (meta == NULL || name == NULL || content == NULL)
		return;
	meta->name = keep(app, name);
	meta->content = keep(app, content);
	while (*at != NULL)
		at = &(*at)->next;
	*at = meta;
}

/* ---- finding ------------------------------------------------------------- */

static bool
is_path(const char *path, size_t len, const char *other)
{
	return strlen(other) == len && memcmp(path, other, len) == 0;
}

const struct page *
pages_find(const struct app *app, const char *path, struct arena *arena,
    struct value **variables)
{
	size_t len = strlen(path);
	const char *plain;
	size_t i;

	if (len > 1 && path[len - 1] == '/')
		len--;
	plain = arena_strndup(arena, path, len);
	*variables = NULL;
	/* Without variables first: "/asset/new" is not "/asset/<id>". */
	for (i = 0; i < app->page_count; i++) {
		if (!app->pages[i]->info.has_variables &&
		    is_path(path, len, app->pages[i]->info.path))
			return app->pages[i];
	}
	for (i = 0; plain != NULL && i < app->page_count; i++) {
		if (app->pages[i]->info.has_variables &&
		    pattern_match(app->pages[i]->info.path, plain, arena,
			variables))
			return app->pages[i];
	}
	*variables = NULL;
	return NULL;
}

const struct page *
pages_find_old(const struct app *app, const char *path)
{
	size_t len = strlen(path);
	const char *const *old;
	size_t i;

	if (len > 1 && path[len - 1] == '/')
		len--;
	for (i = 0; i < app->page_count; i++) {
		for (old = app->pages[i]->redirect_from;
		     old != NULL && *old != NULL; old++)
			if (is_path(path, len, *old))
				return app->pages[i];
	}
	return NULL;
}

bool
pages_is_own(const struct callback *callback)
{
	return callback->output_count > 0 &&
	       strncmp(callback->outputs[0].id, "_pages_", 7) == 0;
}

/* ---- showing --------------------------------------------------------------
 */

/* The page of what Location says; the call learns its variables. */
static const struct page *
page_of(struct call *call, const char *pathname, const char *search)
{
	const char *prefix = site_prefix_of(call->kit->options).requests;
	size_t skip = strlen(prefix) - 1;
	struct http_span span = { pathname, strlen(pathname) };
	char path[PATH_MAX_BYTES];

	call->page_path = pathname;
	if (span.len < skip || memcmp(pathname, prefix, skip) != 0)
		return NULL;
	span.data += skip;
	span.len -= skip;
	if (span.len == 0) {
		span.data = "/";
		span.len = 1;
	}
	call->query_args = pattern_query(
	    (struct http_span){ search, strlen(search) }, call->arena);
	if (http_path_decode(span, path, sizeof(path)) < 0)
		return NULL;
	call->page_path = arena_strndup(call->arena, path, strlen(path));
	return pages_find(call->kit->app, path, call->arena, &call->path_args);
}

static enum ph_status
show(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	const struct app *app = call->kit->app;
	const struct page *page;
	const struct ph_value *content = NULL;
	const char *title;

	page = page_of(call, host_text_of(host_input(ph, PAGES_PATHNAME)),
	    host_text_of(host_input(ph, PAGES_SEARCH)));
	/* What fails or crashes from here on is the page's. */
	call->name = page != NULL ? page->label : "page 404";
	crash_rename(call->name);
	title = page != NULL         ? page->info.title
		: app->title != NULL ? app->title
				     : "404";
	if (page != NULL)
		content = call_make(call, page->layout);
	else if (app->not_found != NULL)
		content = call_make(call, app->not_found);
	else
		content = host_make_json(NOT_FOUND);
	if (content == NULL && call->waits)
		return PH_WAIT;
	if (content == NULL)
		call_error(call, "its layout function gave NULL");
	(void)host_output(ph, PAGES_CONTENT, content);
	return host_output(ph, PAGES_STORE,
	    HOST_OBJECT({ "title", host_make_text(title, strlen(title)) }));
}

static const struct ph_value *
container(void)
{
	return host_make_json(CONTAINER);
}

/* For an app without a ph_layout() of its own. */
static const struct ph_value *
container_alone(struct ph_call *call)
{
	(void)call;
	return container();
}

bool
pages_is_container(const struct value *value)
{
	const struct value *list = value_get(value, "props");
	const struct value *id = NULL;

	if (list != NULL)
		list = value_get(list, "children");
	if (list != NULL && list->kind == VALUE_ARRAY && list->count > 0)
		id = value_get(&list->u.items[0], "props");
	if (id != NULL)
		id = value_get(id, "id");
	return id != NULL && id->kind == VALUE_TEXT &&
	       strcmp(id->u.text, "_pages_location") == 0;
}

static int
compare(const void *a, const void *b)
{
	const struct page *x = *(struct page *const *)a;
	const struct page *y = *(struct page *const *)b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return x->number < y->number ? -1 : 1;
}

void
pages_define(struct app *app)
{
	struct ph_callback_options options = {
		.d0 = PH_MARK_OUTPUT_ PAGES_CONTENT,
		.d1 = PH_MARK_OUTPUT_ PAGES_STORE,
		.d2 = PH_MARK_INPUT_ PAGES_PATHNAME,
		.d3 = PH_MARK_INPUT_ PAGES_SEARCH,
		.prevent_initial_call = true,
	};
	struct ph_callback_options set_title = {
		.d0 = PH_MARK_OUTPUT_ "_pages_dummy.children",
		.d1 = PH_MARK_INPUT_ PAGES_STORE,
	};
	struct ph_app *ph = (struct ph_app *)(void *)app;
	size_t i;

	if (app->page_count == 0)
		return;
	for (i = 0; i < app->page_count; i++)
		app->pages[i]->number = i;
	qsort(app->pages, app->page_count, sizeof(struct page *), compare);
	if (app->layout == NULL)
		app->layout = container_alone;
	app_define_callback(ph, show, "pages", &options);
	app_define_clientside(ph,
	    "function(data){if(data)document.title=data.title;"
	    "return window.dash_clientside.no_update;}",
	    &set_title);
}

void
pages_validate(struct app *app)
{
	const struct page *a;
	const struct page *b;
	const char *const *old;
	size_t i;
	size_t j;

	for (i = 0; i < app->page_count; i++) {
		a = app->pages[i];
		for (j = 0; j < i; j++) {
			b = app->pages[j];
			if (a->info.has_variables == b->info.has_variables &&
			    pattern_overlaps(a->info.path, b->info.path))
				(void)buf_printf(&app->problems,
				    "ph_page(\"%s\"): an address would be "
				    "that of \"%s\", too\n",
				    a->info.path, b->info.path);
		}
		for (old = a->redirect_from; old != NULL && *old != NULL;
		     old++) {
			if (a->info.has_variables || **old != '/')
				(void)buf_printf(&app->problems,
				    "ph_page(\"%s\"): .redirect_from \"%s\": "
				    "%s\n",
				    a->info.path, *old,
				    **old != '/' ? "a path starts with /"
						 : "a page with variables has "
						   "no single address");
		}
	}
}

/* ---- reading --------------------------------------------------------------
 */

static size_t
count_pages(struct ph_call *call)
{
	return host_call(call)->kit->app->page_count;
}

static const struct ph_page_info *
page_at(struct ph_call *call, size_t index)
{
	static const struct ph_page_info none = { "", "", "", "", "", false };
	const struct app *app = host_call(call)->kit->app;

	return index < app->page_count ? &app->pages[index]->info : &none;
}

static const char *
href(const char *path)
{
	struct call *call = call_current();
	const char *prefix = "/"; /* a test's call has no settings */
	struct buf url = BUF_EMPTY;
	const char *copy = NULL;

	if (path == NULL || call == NULL)
		return "";
	if (call->kit != NULL && call->kit->options != NULL)
		prefix = site_prefix_of(call->kit->options).requests;
	(void)buf_printf(&url, "%s%s", prefix, path + (path[0] == '/'));
	if (buf_ok(&url))
		copy = arena_strndup(call->arena, url.data, url.len);
	buf_free(&url);
	return or_empty(copy);
}

static const char *
text_in(const struct value *object, const char *name)
{
	const struct value *value =
	    object != NULL ? value_get(object, name) : NULL;

	return value != NULL && value->kind == VALUE_TEXT ? value->u.text : "";
}

/* A callback has no address: what it wants of it is an input, of a Location. */
static bool
has_address(struct call *call, const char *function, const char *name)
{
	if (call->kind != CALL_CALLBACK || call->callback == NULL ||
	    pages_is_own(call->callback))
		return true;
	call_error(call,
	    "%s(\"%s\"): %s is no layout, page or route: take the pathname or "
	    "the search of a dcc_location() as an input",
	    function, name, call->name);
	return false;
}

static const char *
path_arg(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);

	return has_address(call, "ph_path_arg", name)
		   ? text_in(call->path_args, name)
		   : "";
}

static const char *
query_arg(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);

	return has_address(call, "ph_query_arg", name)
		   ? text_in(call->query_args, name)
		   : "";
}

const struct ph_page_host host_page_table = {
	.size = sizeof(struct ph_page_host),
	.page = define_page,
	.not_found = define_not_found,
	.validation_layout = define_validation_layout,
	.index = define_index,
	.meta = define_meta,
	.container = container,
	.count = count_pages,
	.at = page_at,
	.href = href,
	.path_arg = path_arg,
	.query_arg = query_arg,
	.external = app_define_external,
};
