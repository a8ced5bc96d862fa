/* SPDX-License-Identifier: MIT */

/* Page "2 Upfront": the example aggregations. */
#define GUIDE_PREFIX "upfront-"
#define GUIDE_DEFINE define
#include "docs/guide/example.h"
/* Behind it: what it redefines. */
#include "docs/examples/aggregations/app.c"

EMBED(guide_upfront_prose, "docs/guide/text/upfront.md");
EMBED(guide_upfront_source, "docs/examples/aggregations/app.c");

static const struct ph_value *
page(struct ph_call *call)
{
	const struct guide_page page = { .path = "/aggregations",
		.prose = guide_upfront_prose,
		.live = layout(call),
		.source_name = "docs/examples/aggregations/app.c",
		.source = guide_upfront_source };

	return guide_frame(call, &page);
}

void
guide_upfront(struct ph_app *app)
{
	define(app);
	ph_page(app, "/aggregations", page, .name = "Aggregations upfront",
	    .title = "Example 2: aggregations upfront");
}
