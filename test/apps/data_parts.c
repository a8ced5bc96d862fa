/* SPDX-License-Identifier: MIT */

/* Values, typed arrays both ways, figures of many kinds, CSV that is given. */
#include <math.h>
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dash_table.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* What is in the browser's figure: typed arrays come back as they went. */
static enum ph_status
reads_figure(struct ph_call *call)
{
	const struct ph_value *figure = ph_input(call, "g-line.figure");
	const double *y;
	double sum = 0;
	size_t count;
	size_t i;

	count = ph_numbers_of(
	    ph_member(ph_at(ph_member(figure, "data"), 0), "y"), &y);
	for (i = 0; i < count; i++)
		sum += isnan(y[i]) ? 1000 : y[i];
	return ph_output(call, "back.children",
	    ph_textf("%zu numbers, sum %g", count, sum));
}

static enum ph_status
reads_csv(struct ph_call *call)
{
	size_t len;
	const char *bytes =
	    ph_upload(call, ph_input(call, "up.contents"), &len);
	const struct ph_value *table;

	if (bytes == NULL)
		return PH_NO_UPDATE;
	table = ph_read_csv(call, .text = ph_text(bytes));
	ph_output(call, "table.columns", PH_JSON([
		{ "id" : "a", "name" : "a" }, { "id" : "b", "name" : "b" }
	]));
	return ph_output(call, "table.data", table);
}

static enum ph_status
values(struct ph_call *call)
{
	(void)ph_input(call, "go.n_clicks");
	return ph_output(call, "store.data",
	    PH_OBJECT({ "int", ph_int(INT64_C(9007199254740991)) },
		{ "third", ph_number(1.0 / 3) }, { "nan", ph_number(NAN) },
		{ "inf", ph_number(INFINITY) },
		{ "text", ph_text("\"<\303\251\360\237\246\214>\n") },
		{ "time", ph_time(1.5) },
		{ "raw", PH_JSON({ "a" : [ true, null, -0.5e-7 ] }) }));
}

static const struct ph_value *
graph(const char *type)
{
	static const double numbers[] = { 1, 3, 2, 5, 4, 2.5 };
	static const double more[] = { 2, 4, 4, 7, 6, 3 };
	static const double gap[] = { 1, NAN, 2 };
	const struct ph_value *x = ph_doubles(numbers, 6);
	const struct ph_value *y = ph_doubles(more, 6);
	struct ph_figure *figure = ph_figure();

	if (strcmp(type, "candlestick") == 0)
		ph_candlestick(figure, .x = PH_JSON([ 1, 2, 3 ]),
		    .open = ph_doubles(gap, 3), .high = PH_JSON([ 3, 4, 5 ]),
		    .low = ph_doubles(gap, 3), .close = PH_JSON([ 2, 3, 4 ]));
	else if (strcmp(type, "ohlc") == 0)
		ph_trace(figure, type, .x = PH_JSON([ 1, 2, 3 ]),
		    .open = ph_doubles(gap, 3), .high = PH_JSON([ 3, 4, 5 ]),
		    .low = ph_doubles(gap, 3), .close = PH_JSON([ 2, 3, 4 ]));
	else if (strcmp(type, "pie") == 0)
		ph_pie(figure, .labels = PH_JSON([ "a", "b" ]),
		    .values = PH_JSON([ 1, 2 ]), .hole = 0.4);
	else if (strcmp(type, "heatmap") == 0 || strcmp(type, "contour") == 0)
		ph_trace(figure, type, .z = ph_grid(more, 2, 3));
	else if (strcmp(type, "scatter") == 0)
		ph_scatter(figure, .x = x, .y = y, .mode = "markers");
	else if (strcmp(type, "line") == 0)
		ph_line(figure, .x = ph_floats((float[]){ 1, 2, 3 }, 3),
		    .y = ph_doubles((double[]){ 1, NAN, 2.5 }, 3));
	else if (strcmp(type, "scattergeo") == 0)
		ph_scattergeo(figure, .lat = PH_JSON([ 60, 48 ]),
		    .lon = PH_JSON([ 22, 2 ]));
	else if (strcmp(type, "choropleth") == 0)
		ph_choropleth(figure, .locations = PH_JSON(["A"]),
		    .z = PH_JSON([1]), .geojson = PH_JSON({
			    "type" : "FeatureCollection",
			    "features" : [ {
				    "type" : "Feature",
				    "id" : "A",
				    "properties" : {},
				    "geometry" : {
					    "type" : "Polygon",
					    "coordinates" : [[
						    [ 0, 0 ], [ 0, 1 ],
						    [ 1, 1 ], [ 1, 0 ], [ 0, 0 ]
					    ]]
				    }
			    } ]
		    }));
	else
		ph_trace(figure, type, .x = x, .y = y, .name = type);
	ph_figure_layout(figure, .title = type, .style = "light", .height = 220,
	    .margin = 30);
	return dcc_graph(.id = ph_format("g-%s", type),
	    .figure = ph_figure_value(figure));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(
		.children = PH_CHILDREN(
		    html_button(.id = "go", .children = ph_text("go")),
		    dcc_store(.id = "store"), html_pre(.id = "back"),
		    html_p(.id = "rich",
			.style = PH_JSON({ "color" : "rgb(1, 2, 3)" }),
			.more = PH_JSON(
			    { "data-row" : "7", "aria-label" : "a row" }),
			.children = PH_CHILDREN(ph_text("one "),
			    html_b(.children = ph_int(2)), ph_number(0.5))),
		    dcc_upload(.id = "up", .children = ph_text("drop")),
		    dash_table_data_table(.id = "table"), graph("scatter"),
		    graph("line"), graph("bar"), graph("histogram"),
		    graph("histogram2d"), graph("histogram2dcontour"),
		    graph("heatmap"), graph("contour"), graph("box"),
		    graph("violin"), graph("pie"), graph("candlestick"),
		    graph("ohlc"), graph("scattergeo"), graph("choropleth")));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_callback(app, values, PH_OUTPUT("store.data"),
	    PH_INPUT("go.n_clicks"));
	ph_callback(app, reads_figure, PH_OUTPUT("back.children"),
	    PH_INPUT("g-line.figure"));
	ph_callback(app, reads_csv, PH_OUTPUT("table.columns"),
	    PH_OUTPUT("table.data"), PH_INPUT("up.contents"));
	ph_clientside(app, "function(data) { window.seen = data; return ''; }",
	    PH_OUTPUT("go.title"), PH_INPUT("store.data"));
}
