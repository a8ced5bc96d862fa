/* SPDX-License-Identifier: MIT */

/* Upload, Download, Interval, Store, Location, Loading and persistence. */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* Says what was uploaded: name, bytes and their sum. */
static enum ph_status
uploaded(struct ph_call *call)
{
	size_t len;
	const unsigned char *bytes =
	    ph_upload(call, ph_input(call, "up.contents"), &len);
	unsigned sum = 0;
	size_t i;

	if (bytes == NULL)
		return PH_NO_UPDATE;
	for (i = 0; i < len; i++)
		sum += bytes[i];
	return ph_output(call, "up-out.children",
	    ph_textf("%s %zu %u", ph_text_of(ph_input(call, "up.filename")),
		len, sum));
}

static enum ph_status
downloads(struct ph_call *call)
{
	static const unsigned char bytes[] = { 0, 1, 2, 255, '\n' };

	(void)ph_input(call, "get.n_clicks");
	return ph_download(call, "down.data", "all.bin",
	    "application/octet-stream", bytes, sizeof(bytes));
}

static enum ph_status
downloads_text(struct ph_call *call)
{
	return ph_download_text(call, "down2.data", "all.csv",
	    ph_text("a,b\n1,2\n"));
}

static enum ph_status
ticks(struct ph_call *call)
{
	return ph_output(call, "ticks.children",
	    ph_input(call, "tick.n_intervals"));
}

static enum ph_status
counts(struct ph_call *call)
{
	return ph_output(call, "store.data",
	    ph_int(ph_int_of(ph_input(call, "store.data")) + 1));
}

static enum ph_status
shows(struct ph_call *call)
{
	return ph_output(call, "stored.children",
	    ph_textf("stored %d",
		(int)ph_int_of(ph_input(call, "store.data"))));
}

/* A store of a great many names: how many, and the sum of their values. */
static enum ph_status
weighs(struct ph_call *call)
{
	const struct ph_value *data = ph_input(call, "many.data");
	double sum = 0;
	size_t i;

	for (i = 0; i < ph_count_of(data); i++)
		sum += ph_number_of(ph_at(data, i));
	return ph_output(call, "weight.children",
	    ph_textf("%zu names, %g", ph_count_of(data), sum));
}

static enum ph_status
where(struct ph_call *call)
{
	return ph_output(call, "where.children",
	    ph_textf("%s|%s|%s", ph_text_of(ph_input(call, "url.pathname")),
		ph_text_of(ph_input(call, "url.search")),
		ph_text_of(ph_input(call, "url.hash"))));
}

static enum ph_status
goes(struct ph_call *call)
{
	(void)ph_input(call, "go.n_clicks");
	return ph_output(call, "url.search", ph_text("?went=1"));
}

static enum ph_status
loads(struct ph_call *call)
{
	if (ph_int_of(ph_input(call, "load.n_clicks")) > 0)
		ph_sleep(call, 1.5);
	return ph_output(call, "loaded.children",
	    ph_textf("loaded %d",
		(int)ph_int_of(ph_input(call, "load.n_clicks"))));
}

static enum ph_status
echoes(struct ph_call *call)
{
	return ph_output(call, "kept.children", ph_input(call, "keep.value"));
}

static const struct ph_value *
button(const char *id)
{
	return html_button(.id = id, .children = ph_text(id));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(
		.children = PH_CHILDREN(
		    dcc_location(.id = "url", .refresh = ph_bool(false)),
		    dcc_upload(.id = "up", .children = ph_text("drop here")),
		    html_div(.id = "up-out"), button("get"),
		    dcc_download(.id = "down"), button("get2"),
		    dcc_download(.id = "down2"),
		    dcc_interval(.id = "tick", .interval = ph_int(50),
			.max_intervals = ph_int(3)),
		    html_div(.id = "ticks"), button("count"),
		    dcc_store(.id = "store", .storage_type = "local"),
		    html_div(.id = "stored"), dcc_store(.id = "many"),
		    html_div(.id = "weight"), html_div(.id = "where"),
		    button("go"),
		    dcc_link(.id = "link", .href = "/there?a=b#c",
			.children = ph_text("there")),
		    button("load"),
		    dcc_loading(.id = "loading", .type = "circle",
			.children = html_div(.id = "loaded")),
		    dcc_input(.id = "keep", .persistence = ph_bool(true),
			.persistence_type = "local", .value = ph_text("first")),
		    html_div(.id = "kept")));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_callback(app, uploaded, PH_OUTPUT("up-out.children"),
	    PH_INPUT("up.contents"), PH_STATE("up.filename"));
	ph_callback(app, downloads, PH_OUTPUT("down.data"),
	    PH_INPUT("get.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, downloads_text, PH_OUTPUT("down2.data"),
	    PH_INPUT("get2.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, ticks, PH_OUTPUT("ticks.children"),
	    PH_INPUT("tick.n_intervals"));
	ph_callback(app, counts, PH_OUTPUT("store.data"),
	    PH_INPUT("count.n_clicks"), PH_STATE("store.data"),
	    .prevent_initial_call = true);
	ph_callback(app, shows, PH_OUTPUT("stored.children"),
	    PH_INPUT("store.data"));
	ph_callback(app, weighs, PH_OUTPUT("weight.children"),
	    PH_INPUT("many.data"));
	ph_callback(app, where, PH_OUTPUT("where.children"),
	    PH_INPUT("url.pathname"), PH_INPUT("url.search"),
	    PH_INPUT("url.hash"));
	ph_callback(app, goes, PH_OUTPUT("url.search"), PH_INPUT("go.n_clicks"),
	    .prevent_initial_call = true);
	ph_callback(app, loads, PH_OUTPUT("loaded.children"),
	    PH_INPUT("load.n_clicks"));
	ph_callback(app, echoes, PH_OUTPUT("kept.children"),
	    PH_INPUT("keep.value"));
}
