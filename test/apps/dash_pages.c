/* SPDX-License-Identifier: MIT */

/*
 * Several pages: menu, variables, queries, a page that waits, 404; in a
 * document of their own.
 */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static const struct ph_value *
home(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(
			    html_h1(.id = "home", .children = ph_text("Home")),
			    dcc_input(.id = "in", .value = ph_text("x")),
			    html_div(.id = "out")));
}

static const struct ph_value *
asset(struct ph_call *call)
{
	return html_div(.children = PH_CHILDREN(
			    html_h1(.id = "asset",
				.children = ph_textf("asset %s, unit %s",
				    ph_path_arg(call, "id"),
				    ph_query_arg(call, "unit"))),
			    html_button(.id = ph_format("more-%s",
					    ph_path_arg(call, "id")),
				.children = ph_text("more")),
			    html_p(.id = "seven-out")));
}

/* Of one asset only; nothing at the start has these ids. */
static enum ph_status
more(struct ph_call *call)
{
	return ph_output(call, "seven-out.children",
	    ph_textf("more %d",
		(int)ph_int_of(ph_input(call, "more-7.n_clicks"))));
}

static const struct ph_value *
all_ids(struct ph_call *call)
{
	return html_div(.children =
			    PH_CHILDREN(home(call), html_button(.id = "more-7"),
				html_p(.id = "seven-out")));
}

static enum ph_status
slow(struct ph_call *call)
{
	return ph_return(call, ph_text("computed"));
}

/* Needs a value that has to be computed first. */
static const struct ph_value *
report(struct ph_call *call)
{
	const struct ph_value *value = ph_memo(call, slow, ph_int(1));

	if (value == NULL)
		return NULL;
	return html_h1(.id = "report", .children = value);
}

static const struct ph_value *
missing(struct ph_call *call)
{
	return html_h1(.id = "missing",
	    .children = ph_textf("No such page: %s", ph_path(call)));
}

static enum ph_status
echo(struct ph_call *call)
{
	return ph_output(call, "out.children",
	    ph_textf("<%s>", ph_text_of(ph_input(call, "in.value"))));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	const struct ph_value *links[8];
	const struct ph_page_info *page;
	size_t count = 0;
	size_t i;

	for (i = 0; i < ph_page_count(call) && count < 8; i++) {
		page = ph_page_at(call, i);
		if (page->has_variables)
			continue;
		links[count++] = dcc_link(.href = ph_href(page->path),
		    .children = ph_text(page->name));
	}
	return html_div(.children = PH_CHILDREN(
			    html_nav(.id = "menu",
				.children = ph_host_->make_list(links, count)),
			    dcc_link(.id = "seven",
				.href = ph_href("/asset/7?unit=m%2Fs"),
				.children = ph_text("seven")),
			    ph_page_container()));
}

static const char document[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>{%metas%}<title>{%title%}"
    "</title>{%favicon%}{%css%}</head>\n<body>\n"
    "<header id=\"frame\">Of the template</header>\n{%app_entry%}\n"
    "<footer>{%config%}{%scripts%}{%renderer%}</footer>\n"
    "<script>window.ofTemplate = 'ran';</script>\n</body>\n</html>\n";

PH_APP(app)
{
	ph_index(app, document);
	ph_title(app, "The site");
	ph_meta(app, "author", "A \"B\" <C>");
	ph_meta(app, "description", "Of all pages");
	ph_meta(app, "viewport", "width=device-width");
	ph_layout(app, layout);
	ph_memoize(app, slow);
	ph_page(app, "/asset/<id>", asset, .title = "Asset");
	ph_page(app, "/quarterly-report", report, .order = 2,
	    .description = "Numbers & more", .image = "report.png",
	    .redirect_from = PH_TEXTS("/report", "/old/report"));
	ph_page(app, "/", home, .title = "Welcome", .order = 1);
	ph_not_found(app, missing);
	ph_validation_layout(app, all_ids);
	ph_callback(app, echo, PH_OUTPUT("out.children"), PH_INPUT("in.value"));
	ph_callback(app, more, PH_OUTPUT("seven-out.children"),
	    PH_INPUT("more-7.n_clicks"));
}
