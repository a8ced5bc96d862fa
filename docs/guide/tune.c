/* SPDX-License-Identifier: MIT */

/* Page "Tune it": workers, threads, and the benchmark's plots. */
#include <string.h>

#include "docs/guide/guide.h"

EMBED(guide_tune_prose, "docs/guide/text/tune.md");
EMBED(guide_plot_callbacks, "docs/benchmarks/warm-callbacks.svg");
EMBED(guide_plot_p99, "docs/benchmarks/warm-p99.svg");
EMBED(guide_plot_memory, "docs/benchmarks/warm-memory.svg");
EMBED(guide_plot_cold, "docs/benchmarks/cold-everyone.svg");
EMBED(guide_plot_scale, "docs/benchmarks/scale-callbacks.svg");
EMBED(guide_plot_scale_p99, "docs/benchmarks/scale-p99.svg");

static const struct plot {
	const char *name;
	const char *svg;
	const char *says;
} plots[] = {
	{ "warm-callbacks", guide_plot_callbacks,
	    "Callbacks per second, everything in the cache" },
	{ "warm-p99", guide_plot_p99, "99 % of these callbacks took less" },
	{ "warm-memory", guide_plot_memory, "Memory of all processes" },
	{ "cold-everyone", guide_plot_cold,
	    "Many ask for the same values at once: until all were served" },
	{ "scale-callbacks", guide_plot_scale,
	    "Callbacks per second, by the number of sessions" },
	{ "scale-p99", guide_plot_scale_p99,
	    "99 % took less, by the number of sessions" },
};

#define PLOTS (sizeof(plots) / sizeof(plots[0]))

static enum ph_status
get_plot(struct ph_call *call)
{
	size_t i;

	for (i = 0; i < PLOTS; i++)
		if (strcmp(plots[i].name, ph_path_arg(call, "name")) == 0)
			return ph_respond(call, 200, "image/svg+xml",
			    plots[i].svg, strlen(plots[i].svg));
	return ph_respond_text(call, 404, "no such plot\n");
}

/* What the picture shows, in words: the benchmark has written that into it. */
static const char *
words_of(const char *svg)
{
	const char *start = strstr(svg, "<desc>");
	const char *end = strstr(svg, "</desc>");

	if (start == NULL || end == NULL)
		return "";
	start += strlen("<desc>");
	return ph_format("%.*s", (int)(end - start), start);
}

/* Wider than a phone, so it scrolls by itself; there that is said, and the
 * numbers stand below it, which `alt` has for who cannot see them. */
static const struct ph_value *
figure(const struct plot *plot)
{
	const char *source = ph_format("/plots/%s.svg", plot->name);
	const char *words = words_of(plot->svg);

	return html_figure(.children = PH_CHILDREN(
	    html_div(.className = "wide", .tabIndex = ph_int(0),
		.role = "region",
		.more = PH_OBJECT({ "aria-label", ph_text(plot->says) }),
		.children =
		    html_img(.alt = words, .src = ph_href(source))),
	    html_figcaption(.children = PH_CHILDREN(ph_text(plot->says),
		html_p(.className = "cut",
		    .more = PH_OBJECT({ "aria-hidden", ph_text("true") }),
		    .children = PH_CHILDREN(ph_text(words), html_br(),
			ph_text("The plot goes on sideways: swipe it.")))))));
}

static const struct ph_value *
page(struct ph_call *call)
{
	const struct ph_value *list[PLOTS];
	struct guide_page page = { .path = "/tune", .prose = guide_tune_prose };
	size_t i;

	for (i = 0; i < PLOTS; i++)
		list[i] = figure(&plots[i]);
	page.live = html_div(.className = "plots",
	    .children = ph_host_->make_list(list, PLOTS));
	return guide_frame(call, &page);
}

void
guide_tune(struct ph_app *app)
{
	ph_page(app, "/tune", page, .name = "Tune it", .title = "Tune it");
	ph_route(app, "GET", "/plots/<name>.svg", get_plot);
}
