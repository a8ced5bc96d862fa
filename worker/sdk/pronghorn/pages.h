/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_PAGES_H
#define PRONGHORN_PAGES_H

/*
 * Apps of several pages, each with an address of its own. Included by
 * <pronghorn/app.h>, which says what holds for all of this.
 *
 *     ph_page(app, "/", home, .title = "Home");
 *     ph_page(app, "/asset/<id>", asset, .name = "Assets");
 *
 * With pages ph_layout() may be left out; else its function puts
 * ph_page_container() where the present page is to be shown. Links between
 * pages are dcc_link(.href = ph_href("/asset/7")): no request for the whole
 * page is made, only its layout function runs.
 *
 * The layout function of a page runs on a pool thread each time the page is
 * shown: it may query, and return NULL to wait for ph_memo(). Callbacks may
 * use the ids of all pages.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ph_page(app, "/path", layout, .title = "Title", ...) */
struct ph_page_about {
	const char *name;        /* for menus; default: made of the path */
	const char *title;       /* of the browser's tab; default: the name */
	const char *description; /* meta tags of the page */
	const char *image;       /* file in the assets folder for previews */
	int order;               /* in menus; equal ones: as defined */
	const char *const *redirect_from; /* PH_TEXTS("/old", ...): addresses
					     that lead here (301) */
	bool ph_end_;
};

/* One page, as menus want it. Texts live as long as the process. */
struct ph_page_info {
	const char *path; /* as defined, with its <variables> */
	const char *name;
	const char *title;
	const char *description; /* "" when not given */
	const char *image;       /* "" when not given */
	bool has_variables;      /* the path is a template */
};

/* ph_external_script(app, url, .integrity = "sha384-...") */
struct ph_external_options {
	const char *integrity;   /* hash that the file must have */
	const char *crossorigin; /* default with .integrity: "anonymous" */
	const char *type;        /* of a script: "module" */
	const char *media;       /* of a stylesheet: "print" */
	bool defer;              /* a script that waits for the document */
	bool ph_end_;
};
enum ph_external_kind { PH_EXTERNAL_SCRIPT, PH_EXTERNAL_STYLESHEET };

struct ph_page_host {
	uint32_t size;
	void (*page)(struct ph_app *app, const char *path,
	    ph_layout_function *function, const struct ph_page_about *about);
	void (*not_found)(struct ph_app *app, ph_layout_function *function);
	void (*validation_layout)(struct ph_app *app,
	    ph_layout_function *function);
	void (*index)(struct ph_app *app, const char *html);
	void (*meta)(struct ph_app *app, const char *name, const char *content);
	const struct ph_value *(*container)(void);
	size_t (*count)(struct ph_call *call);
	const struct ph_page_info *(*at)(struct ph_call *call, size_t index);
	const char *(*href)(const char *path);
	const char *(*path_arg)(struct ph_call *call, const char *name);
	const char *(*query_arg)(struct ph_call *call, const char *name);
	void (*external)(struct ph_app *app, enum ph_external_kind kind,
	    const char *url, const struct ph_external_options *options);
};

/* ---- define: only inside PH_APP() -------------------------------------- */

/*
 * A page at `path`. A segment may be a variable, as in "/asset/<id>", or have
 * one in it, as in "/report-<year>.html".
 */
#define ph_page(app, path, ...) \
	ph_page_(app, path, __VA_ARGS__, .ph_end_ = false)
#define ph_page_(app, path, function, ...) \
	ph_page_add(app, path, function, PH_WITH_(ph_page_about, __VA_ARGS__))
static inline void
ph_page_add(struct ph_app *app, const char *path, ph_layout_function *function,
    struct ph_page_about about)
{
	ph_host_->pages->page(app, path, function, &about);
}

/* What is shown at addresses that no page has, with status 404. */
static inline void
ph_not_found(struct ph_app *app, ph_layout_function *function)
{
	ph_host_->pages->not_found(app, function);
}

/*
 * A component tree with all ids that callbacks use, for the check at the
 * start and the browser's own; needed where a layout function shows only some
 * of them, or cannot run at the start because it queries. It runs once in each
 * worker's start, before there is a visitor or a store. The browser gets its
 * ids and those of the layout, and nothing else of it.
 */
static inline void
ph_validation_layout(struct ph_app *app, ph_layout_function *function)
{
	ph_host_->pages->validation_layout(app, function);
}

/*
 * The HTML document itself, with the marks {%metas%} {%title%} {%favicon%}
 * {%css%} {%app_entry%} {%config%} {%scripts%} {%renderer%}; the last four
 * must be there. Inline scripts in it get their hash in the security policy.
 */
static inline void
ph_index(struct ph_app *app, const char *html)
{
	ph_host_->pages->index(app, html);
}

/*
 * A meta tag of every page; "og:..." becomes a property. Each name stands once:
 * what a page says of itself (title, description, image) goes before what is
 * said here, and a "viewport" of yours before the usual one.
 */
static inline void
ph_meta(struct ph_app *app, const char *name, const char *content)
{
	ph_host_->pages->meta(app, name, content);
}

/*
 * A script or stylesheet of another server in every page, in the order of the
 * calls: stylesheets before those of packages and assets, scripts before those
 * of the assets folder. The page's policy (content_security_policy = "auto")
 * allows what is named here or in ph_index() as an element of that kind: the
 * script itself; of a stylesheet's server its sheets, fonts and images. What a
 * script loads in its turn needs the setting csp_extra.
 */
#define ph_external_script(app, ...) \
	ph_external_(app, PH_EXTERNAL_SCRIPT, __VA_ARGS__, .ph_end_ = false)
#define ph_external_stylesheet(app, ...) \
	ph_external_(app, PH_EXTERNAL_STYLESHEET, __VA_ARGS__, .ph_end_ = false)
#define ph_external_(app, kind, url, ...) \
	ph_external_add(app, kind, url,   \
	    PH_WITH_(ph_external_options, __VA_ARGS__))
static inline void
ph_external_add(struct ph_app *app, enum ph_external_kind kind, const char *url,
    struct ph_external_options options)
{
	ph_host_->pages->external(app, kind, url, &options);
}

/* ---- in layouts and callbacks ------------------------------------------- */

/* The components that show the present page; once in the layout. */
static inline const struct ph_value *
ph_page_container(void)
{
	return ph_host_->pages->container();
}

/* How many pages there are, and the n-th in the order of menus. */
static inline size_t
ph_page_count(struct ph_call *call)
{
	return ph_host_->pages->count(call);
}
static inline const struct ph_page_info *
ph_page_at(struct ph_call *call, size_t index)
{
	return ph_host_->pages->at(call, index);
}

/* The address of `path` ("/asset/7", or "/assets/logo.png") for the browser,
 * with what a proxy or a setting puts in front. Lives as long as the call. */
static inline const char *
ph_href(const char *path)
{
	return ph_host_->pages->href(path);
}

/* A variable of the path; "" when there is none of that name. In layout
 * functions of pages and in routes; in a callback it is an error, as all of
 * them have one address. */
static inline const char *
ph_path_arg(struct ph_call *call, const char *name)
{
	return ph_host_->pages->path_arg(call, name);
}

/* A variable of the query, as in "?name=value", decoded; "" when absent. The
 * first one counts. In layout functions (in ph_layout()'s that of the page the
 * browser is at, as its Referer says if that is one of this app: below the
 * server's prefix, and of the host and scheme that are asked, or the browser
 * says so) and in routes; in a callback an error. */
static inline const char *
ph_query_arg(struct ph_call *call, const char *name)
{
	return ph_host_->pages->query_arg(call, name);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
