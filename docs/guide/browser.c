/* SPDX-License-Identifier: MIT */

/* Page "1 In the browser": the example browser_data. */
#define GUIDE_PREFIX "browser-"
#define GUIDE_DEFINE define
#include "docs/guide/example.h"
/* Behind it: what it redefines. */
#include "docs/examples/browser_data/app.c"

EMBED(guide_browser_prose, "docs/guide/text/browser.md");
EMBED(guide_browser_source, "docs/examples/browser_data/app.c");

static const struct ph_value *
page(struct ph_call *call)
{
	const struct guide_page page = { .path = "/browser-data",
		.prose = guide_browser_prose,
		.live = layout(call),
		.source_name = "docs/examples/browser_data/app.c",
		.source = guide_browser_source };

	return guide_frame(call, &page);
}

void
guide_browser(struct ph_app *app)
{
	define(app);
	ph_page(app, "/browser-data", page, .name = "Data in the browser",
	    .title = "Example 1: data in the browser");
}
