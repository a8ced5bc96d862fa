/* SPDX-License-Identifier: MIT */

/*
 * Aggregations upfront: only what is shown travels.
 *
 * As in the example "browser data", one callback prepares and others draw what
 * it has put into the hidden `intermediate-value`. But the graphs show months,
 * so `clean_data` computes the months at once and sends these, one small data
 * set per graph, in the place of every day's price.
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
#define DAYS 30  /* of a month, near enough */
#define MONTHS (ROWS / DAYS)

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

/* The mean price of each month, as JSON. */
static const struct ph_value *
months_of(const struct ph_value *prices, const char *fruit)
{
	const double *numbers;
	size_t count = ph_numbers_of(ph_member(prices, fruit), &numbers);
	double months[MONTHS] = { 0 };
	double means[MONTHS] = { 0 };
	size_t i;

	for (i = 0; i < count && i < MONTHS * DAYS; i++)
		means[i / DAYS] += numbers[i] / DAYS;
	for (i = 0; i < MONTHS; i++) {
		months[i] = (double)(i + 1);
		means[i] = round(means[i] * 1000) / 1000;
	}
	return ph_json_text(
	    ph_split(PH_TABLE({ "month", ph_doubles(months, MONTHS) },
		{ "mean", ph_doubles(means, MONTHS) })));
}

static enum ph_status
clean_data(struct ph_call *call)
{
	int market = market_of(ph_input(call, "dropdown.value"));
	const struct ph_value *prices;

	if (market < 0)
		return ph_fail(call, "no prices have come from %s",
		    ph_text_of(ph_input(call, "dropdown.value")));
	ph_sleep(call, delay()); /* stands for the expensive query */
	prices = prices_of(market);
	ph_output(call, "all-rows.data",
	    ph_int(
		(int64_t)strlen(ph_text_of(ph_json_text(ph_split(prices))))));
	return ph_output(call, "intermediate-value.children",
	    ph_json_text(PH_OBJECT({ "df_1", months_of(prices, "apples") },
		{ "df_2", months_of(prices, "oranges") },
		{ "df_3", months_of(prices, "figs") })));
}

/* Instead of data: the page says why, and shows none that is not of this. */
static enum ph_status
show_error(struct ph_call *call)
{
	ph_set_props(call, "error", "children",
	    ph_textf("This did not work: %s.", ph_error(call)));
	return ph_output(call, "intermediate-value.children", ph_null());
}

/* A figure of one of the data sets. */
static enum ph_status
draw(struct ph_call *call, const char *output, const char *which,
    const char *heading)
{
	const struct ph_value *sets =
	    ph_json_parse(ph_input(call, "intermediate-value.children"));
	const struct ph_value *months =
	    sets != NULL ? ph_table_of(ph_member(sets, which)) : NULL;
	struct ph_figure *figure = ph_figure();

	if (months != NULL) /* they have come */
		ph_bar(figure, .x = ph_member(months, "month"),
		    .y = ph_member(months, "mean"));
	ph_figure_layout(figure, .title = heading, .x_title = "month",
	    .y_title = "mean price", .margin = 45);
	return ph_output(call, output, ph_figure_value(figure));
}

static enum ph_status
update_graph_1(struct ph_call *call)
{
	return draw(call, "graph-1.figure", "df_1", "Apples");
}

static enum ph_status
update_graph_2(struct ph_call *call)
{
	return draw(call, "graph-2.figure", "df_2", "Oranges");
}

static enum ph_status
update_graph_3(struct ph_call *call)
{
	return draw(call, "graph-3.figure", "df_3", "Figs");
}

/* How much travels, counted where it arrives, and what it would have been. */
static const char count_bytes[] =
    "function(text, all) {"
    "if (!text) return 'Nothing has travelled yet.';"
    "const bytes = new TextEncoder().encode(text).length;"
    "const kb = (n) => (n / 1000).toFixed(1) + ' kB';"
    "return kb(bytes) + ' came from the server, and went back to it three '"
    "  + 'times: ' + kb(4 * bytes) + ' per choice, before compression. With '"
    "  + 'all rows, read twice as in \"data in the browser\", it is '"
    "  + kb(3 * all) + ': ' + (100 - 400 * bytes / (3 * all)).toFixed(0)"
    "  + ' % are saved.';"
    "}";

/* ---- the page ----------------------------------------------------------- */

static const struct ph_value *
graph(const char *id)
{
	return html_div(.className = "four columns",
	    .children = dcc_graph(.id = id));
}

/* What is "together" waits together: until the hidden data is there, the
 * graphs that are drawn of it are shown as loading. */
static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Aggregations upfront")),
	    html_label(.htmlFor = "dropdown", .children = ph_text("Market")),
	    dcc_dropdown(.id = "dropdown", .value = ph_text("north"),
		.options = PH_JSON(["north", "south", "west", "east"]),
		.clearable = PH_FALSE),
	    html_p(.id = "error", .role = "alert"),
	    html_div(.className = "together", .children = PH_CHILDREN(
		html_div(.className = "row", .children = PH_CHILDREN(
		    graph("graph-1"), graph("graph-2"), graph("graph-3"))),
		html_p(.id = "bytes"),
		dcc_store(.id = "all-rows"),
		html_div(.id = "intermediate-value",
		    .style = PH_JSON({ "display": "none" }))))));
}

PH_APP(app)
{
	ph_title(app, "Aggregations upfront");
	ph_layout(app, layout);
	ph_callback(app, clean_data, PH_OUTPUT("intermediate-value.children"),
	    PH_OUTPUT("all-rows.data"), PH_INPUT("dropdown.value"),
	    .on_error = show_error);
	ph_clientside(app, "function() { return ''; }",
	    PH_OUTPUT("error.children"), PH_INPUT("dropdown.value"));
	ph_callback(app, update_graph_1, PH_OUTPUT("graph-1.figure"),
	    PH_INPUT("intermediate-value.children"));
	ph_callback(app, update_graph_2, PH_OUTPUT("graph-2.figure"),
	    PH_INPUT("intermediate-value.children"));
	ph_callback(app, update_graph_3, PH_OUTPUT("graph-3.figure"),
	    PH_INPUT("intermediate-value.children"));
	ph_clientside(app, count_bytes, PH_OUTPUT("bytes.children"),
	    PH_INPUT("intermediate-value.children"), PH_STATE("all-rows.data"));
}
