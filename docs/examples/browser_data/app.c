/* SPDX-License-Identifier: MIT */

/*
 * Data in the browser: what one callback has prepared, others read there.
 *
 * `clean_data` prepares the prices of a market, which takes long, and puts
 * them as JSON into the hidden `intermediate-value`. That sets two callbacks
 * off, one for the graph and one for the table, and each gets the JSON back
 * from the browser. Nothing is kept on the server; what it costs is the way
 * of the data: once to the browser, and back with each callback that reads it.
 * The market "east" has sent no prices: choose it to see how an error looks.
 *
 * PH_DEMO_DELAY (seconds, default 1) is what the preparation pretends to cost.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

#define ROWS 730 /* two years */

static const char *const fruits[] = { "apples", "oranges", "figs" };

/* ---- the data: prices of three fruits in one market --------------------- */

static double
price(int market, int fruit, int day)
{
	double year = sin((day + 120 * fruit) * 0.0172142) * 0.4;
	double noise = sin(day * (7.1 + fruit) + market) * 0.15;

	return 1 + market * 0.2 + fruit * 0.5 + year + noise;
}

static const struct ph_value *
prices_of(int market)
{
	double columns[4][ROWS];
	int day;
	int f;

	for (day = 0; day < ROWS; day++) {
		columns[0][day] = day;
		for (f = 0; f < 3; f++)
			columns[1 + f][day] =
			    round(price(market, f, day) * 1000) / 1000;
	}
	return PH_TABLE({ "day", ph_doubles(columns[0], ROWS) },
	    { "apples", ph_doubles(columns[1], ROWS) },
	    { "oranges", ph_doubles(columns[2], ROWS) },
	    { "figs", ph_doubles(columns[3], ROWS) });
}

/* Anything can come from a browser; a cleared dropdown gives null. */
static int
market_of(const struct ph_value *name)
{
	static const char *const markets[] = { "north", "south", "west" };
	int m;

	for (m = 0; m < 3; m++)
		if (strcmp(ph_text_of(name), markets[m]) == 0)
			return m;
	return -1;
}

static double
delay(void)
{
	const char *text = getenv("PH_DEMO_DELAY");

	return text != NULL ? strtod(text, NULL) : 1.0;
}

/* ---- the callbacks ------------------------------------------------------ */

static enum ph_status
clean_data(struct ph_call *call)
{
	int market = market_of(ph_input(call, "dropdown.value"));

	if (market < 0)
		return ph_fail(call, "no prices have come from %s",
		    ph_text_of(ph_input(call, "dropdown.value")));
	ph_sleep(call, delay()); /* stands for the expensive cleaning */
	return ph_output(call, "intermediate-value.children",
	    ph_json_text(ph_split(prices_of(market))));
}

/* Instead of data: the page says why, and shows none that is not of this. */
static enum ph_status
show_error(struct ph_call *call)
{
	ph_set_props(call, "error", "children",
	    ph_textf("This did not work: %s.", ph_error(call)));
	return ph_output(call, "intermediate-value.children", ph_null());
}

static enum ph_status
update_graph(struct ph_call *call)
{
	const struct ph_value *prices =
	    ph_table_of(ph_input(call, "intermediate-value.children"));
	struct ph_figure *figure = ph_figure();
	int f;

	for (f = 0; prices != NULL && f < 3; f++)
		ph_line(figure, .x = ph_member(prices, "day"),
		    .y = ph_member(prices, fruits[f]), .name = fruits[f]);
	ph_figure_layout(figure, .x_title = "day", .y_title = "price",
	    .margin = 45);
	return ph_output(call, "graph.figure", ph_figure_value(figure));
}

/* A row of the table: name, least, mean and greatest price. */
static const struct ph_value *
row_of(const struct ph_value *prices, const char *fruit)
{
	const double *numbers;
	size_t count = ph_numbers_of(ph_member(prices, fruit), &numbers);
	double least = INFINITY;
	double most = -INFINITY;
	double sum = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		least = fmin(least, numbers[i]);
		most = fmax(most, numbers[i]);
		sum += numbers[i];
	}
	return html_tr(.children = PH_CHILDREN(
	    html_th(.scope = "row", .children = ph_text(fruit)),
	    html_td(.children = ph_textf("%.2f", least)),
	    html_td(.children = ph_textf("%.2f", sum / (double)count)),
	    html_td(.children = ph_textf("%.2f", most))));
}

static enum ph_status
update_table(struct ph_call *call)
{
	const struct ph_value *prices =
	    ph_table_of(ph_input(call, "intermediate-value.children"));

	if (prices == NULL) /* not yet, or none */
		return ph_output(call, "table.children", ph_null());
	return ph_output(call, "table.children", PH_CHILDREN(
	    html_thead(.children = html_tr(.children = PH_CHILDREN(
		html_th(.scope = "col", .children = ph_text("Fruit")),
		html_th(.scope = "col", .children = ph_text("Least")),
		html_th(.scope = "col", .children = ph_text("Mean")),
		html_th(.scope = "col", .children = ph_text("Most"))))),
	    html_tbody(.children = PH_CHILDREN(row_of(prices, fruits[0]),
		row_of(prices, fruits[1]), row_of(prices, fruits[2])))));
}

/* How much travels, counted where it arrives. */
static const char count_bytes[] =
    "function(text) {"
    "if (!text) return 'Nothing has travelled yet.';"
    "const bytes = new TextEncoder().encode(text).length;"
    "const kb = (n) => (n / 1000).toFixed(1) + ' kB';"
    "return kb(bytes) + ' came from the server, and went back to it twice, '"
    "  + 'for the graph and for the table: ' + kb(3 * bytes) + ' per choice, '"
    "  + 'before compression. Only what comes is compressed.';"
    "}";

/* ---- the page ----------------------------------------------------------- */

/* What is "together" waits together: until the hidden data is there, the
 * graph that is drawn of it is shown as loading. */
static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Data in the browser")),
	    html_label(.htmlFor = "dropdown", .children = ph_text("Market")),
	    dcc_dropdown(.id = "dropdown", .value = ph_text("north"),
		.options = PH_JSON(["north", "south", "west", "east"]),
		.clearable = PH_FALSE),
	    html_p(.id = "error", .role = "alert"),
	    html_div(.className = "together", .children = PH_CHILDREN(
		dcc_graph(.id = "graph"),
		html_table(.id = "table"),
		html_p(.id = "bytes"),
		html_div(.id = "intermediate-value",
		    .style = PH_JSON({ "display": "none" }))))));
}

PH_APP(app)
{
	ph_title(app, "Data in the browser");
	ph_layout(app, layout);
	ph_callback(app, clean_data, PH_OUTPUT("intermediate-value.children"),
	    PH_INPUT("dropdown.value"), .on_error = show_error);
	ph_clientside(app, "function() { return ''; }",
	    PH_OUTPUT("error.children"), PH_INPUT("dropdown.value"));
	ph_callback(app, update_graph, PH_OUTPUT("graph.figure"),
	    PH_INPUT("intermediate-value.children"));
	ph_callback(app, update_table, PH_OUTPUT("table.children"),
	    PH_INPUT("intermediate-value.children"));
	ph_clientside(app, count_bytes, PH_OUTPUT("bytes.children"),
	    PH_INPUT("intermediate-value.children"));
}
