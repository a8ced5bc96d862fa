/* SPDX-License-Identifier: MIT */

/*
 * The live guide: the chapter on sharing state, with its examples running.
 * `make run` shows it.
 *
 * One app of several pages. A page has prose, the example itself and the
 * example's source, which is the file that is compiled in.
 */
#include <string.h>

#include "docs/guide/guide.h"

static const struct link {
	const char *path;
	const char *name;
} links[] = {
	{ "/", "Why share state" },
	{ "/browser-data", "1 In the browser" },
	{ "/aggregations", "2 Upfront" },
	{ "/caching-and-signaling", "3 Caching" },
	{ "/session-data", "4 Sessions" },
	{ "/tune", "Tune it" },
};

#define LINKS (sizeof(links) / sizeof(links[0]))

const char *
guide_id(const char *prefix, const char *id)
{
	return ph_text_of(ph_textf("%s%s", prefix, id));
}

static const struct ph_value *
link_to(const struct link *link, const char *class_name, const char *format)
{
	return dcc_link(.className = class_name, .href = ph_href(link->path),
	    .children = ph_textf("%s%s", format, link->name));
}

static const struct ph_value *
menu(const char *path)
{
	const struct ph_value *items[LINKS];
	size_t i;

	for (i = 0; i < LINKS; i++) {
		bool here = strcmp(links[i].path, path) == 0;

		items[i] = html_li(.children = link_to(&links[i],
				       here ? "here" : NULL, ""),
		    .more = here ? PH_JSON({ "aria-current" : "page" }) : NULL);
	}
	return html_nav(.className = "guide-menu",
	    .more = PH_JSON({ "aria-label" : "Pages" }),
	    .children = html_ol(.children = ph_host_->make_list(items, LINKS)));
}

/* Links to the page before and the one after. */
static const struct ph_value *
neighbours(const char *path)
{
	const struct ph_value *before = NULL;
	const struct ph_value *after = NULL;
	size_t i;

	for (i = 0; i < LINKS; i++) {
		if (strcmp(links[i].path, path) != 0)
			continue;
		if (i > 0)
			before = link_to(&links[i - 1], "before", "Back: ");
		if (i + 1 < LINKS)
			after = link_to(&links[i + 1], "after", "Next: ");
	}
	return html_nav(.className = "guide-turn",
	    .more = PH_JSON({ "aria-label" : "Back and next" }),
	    .children = PH_CHILDREN(before != NULL ? before : ph_null(),
		after != NULL ? after : ph_null()));
}

static const struct ph_value *
source_of(const struct guide_page *page)
{
	if (page->source == NULL)
		return ph_null();
	return html_section(.className = "guide-source", .children = PH_CHILDREN(
	    html_h2(.children = ph_text("The whole source")),
	    html_p(.children =
		html_code(.children = ph_text(page->source_name))),
	    guide_source(page->source)));
}

const struct ph_value *
guide_frame(struct ph_call *call, const struct guide_page *page)
{
	(void)call;
	return html_div(.className = "guide", .children = PH_CHILDREN(
	    html_header(.children = menu(page->path)),
	    html_main(.className = "guide-page", .children = PH_CHILDREN(
		html_div(.className = "guide-prose",
		    .children = dcc_markdown(.children = ph_text(page->prose))),
		html_section(.className = "guide-live",
		    .more = PH_JSON({ "aria-label": "It runs here" }),
		    .children = PH_CHILDREN(
			html_p(.id = "guide-error", .role = "alert"),
			page->live)),
		source_of(page))),
	    neighbours(page->path)));
}

/* What failed says so where people look; the log has the reason. */
static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "guide-error", "children",
	    ph_textf("This did not work: %s", ph_error(call)));
}

static const struct ph_value *
not_found(struct ph_call *call)
{
	const struct guide_page page = { .path = "",
		.prose = "# No such page\n\nThe menu has all there are.",
		.live = ph_null() };

	return guide_frame(call, &page);
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = ph_page_container());
}

PH_APP(app)
{
	ph_title(app, "Sharing state between callbacks");
	ph_options(app, .keep_title = true);
	ph_sessions(app);
	ph_layout(app, layout);
	ph_on_error(app, show_error);
	ph_not_found(app, not_found);
	guide_why(app);
	guide_browser(app);
	guide_upfront(app);
	guide_caching(app);
	guide_session(app);
	guide_tune(app);
}
