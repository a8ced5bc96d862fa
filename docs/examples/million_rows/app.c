/* SPDX-License-Identifier: MIT */

/*
 * A table of a million rows of which the browser sees twenty at a time.
 *
 * Paging, sorting and filtering are the database's work: ph_table_page() turns
 * what the table asks for into a query, and nothing that a browser sends ever
 * becomes SQL. The figure counts the rows that pass the same filter, and the
 * whole table is there as CSV at /export.csv. While the table cannot be read,
 * because somebody has renamed it for one, the page says so and asks again.
 */
#include <pronghorn/app.h>
#include <pronghorn/dash_table.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

#define ROWS "1000000"

/* Once, when the file is not there yet: a few seconds. */
static enum ph_status
create(struct ph_call *call)
{
	ph_exec(call,
	    "CREATE TABLE orders AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < " ROWS ") SELECT i AS id,"
	    " date('2020-01-01', (i * 7919 % 2190) || ' days') AS day,"
	    " CASE i * 31 % 5 WHEN 0 THEN 'Lisbon' WHEN 1 THEN 'Oslo' WHEN 2"
	    " THEN 'Quito' WHEN 3 THEN 'Seoul' ELSE 'Accra' END AS city,"
	    " i * 7 % 20 + 1 AS pieces,"
	    " round((i * 7919 % 100003) / 100.0, 2) AS price FROM n");
	ph_exec(call, "CREATE INDEX by_city ON orders (city, price)");
	return ph_exec(call, "CREATE INDEX by_price ON orders (price)");
}

static enum ph_status
show_page(struct ph_call *call)
{
	int64_t pages = 0;
	int64_t rows = 0;

	ph_output(call, "table.data",
	    ph_table_page(call, "orders",
		.page = ph_input(call, "table.page_current"),
		.size = ph_input(call, "table.page_size"),
		.sort = ph_input(call, "table.sort_by"),
		.filter = ph_input(call, "table.filter_query"),
		.order = "id", .pages = &pages, .rows = &rows));
	ph_output(call, "count.children",
	    ph_textf("%lld of " ROWS " rows pass", (long long)rows));
	ph_output(call, "again.disabled", ph_bool(true));
	return ph_output(call, "table.page_count", ph_int(pages));
}

/* Counting a million rows is worth remembering: .memoize below. */
static enum ph_status
show_cities(struct ph_call *call)
{
	const struct ph_value *sums = ph_query(call,
	    "SELECT city, sum(pieces * price) / 1e6 AS turnover FROM orders "
	    "GROUP BY city ORDER BY city");
	struct ph_figure *figure = ph_figure();

	(void)ph_input(call, "again.disabled"); /* back, or never away */
	ph_bar(figure, .x = ph_member(sums, "city"),
	    .y = ph_member(sums, "turnover"));
	ph_figure_layout(figure, .title = "Turnover by city, millions",
	    .height = 260, .margin = 45);
	return ph_output(call, "cities.figure", ph_figure_value(figure));
}

/* 40 MB, of which never more than a part is in memory. */
static enum ph_status
export_csv(struct ph_call *call)
{
	ph_respond(call, 200, "text/csv; charset=utf-8", "", 0);
	ph_respond_header(call, "Content-Disposition",
	    "attachment; filename=\"orders.csv\"");
	return ph_respond_csv(call, "SELECT * FROM orders ORDER BY id");
}

static enum ph_status
show_error(struct ph_call *call)
{
	ph_set_props(call, "again", "disabled", ph_bool(false));
	return ph_set_props(call, "count", "children", html_span(.role = "alert",
	    .children = ph_text("The orders cannot be read just now: the server's "
				"log says why. Trying again")));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("A million orders")),
	    dcc_graph(.id = "cities"),
	    dcc_interval(.id = "again", .interval = ph_int(3000),
		.disabled = PH_TRUE),
	    html_p(.children = PH_CHILDREN(html_strong(.id = "count"),
		ph_text(" - type > 500 or Oslo below a heading. "),
		html_a(.href = ph_href("/export.csv"),
		    .children = ph_text("All of it as CSV")))),
	    dash_table_data_table(.id = "table", .page_action = "custom",
		.page_current = ph_int(0), .page_size = ph_int(20),
		.sort_action = "custom", .sort_mode = "multi",
		.sort_by = PH_JSON([]), .filter_action = PH_JSON("custom"),
		.filter_query = "", .style_cell_conditional = PH_JSON([
		    { "if": { "column_type": "text" }, "textAlign": "left" }]),
		.columns = PH_JSON([
		    { "id": "id", "name": "Order", "type": "numeric" },
		    { "id": "day", "name": "Day", "type": "text" },
		    { "id": "city", "name": "City", "type": "text" },
		    { "id": "pieces", "name": "Pieces", "type": "numeric" },
		    { "id": "price", "name": "Price", "type": "numeric" }]))));
}

PH_APP(app)
{
	ph_title(app, "A million rows");
	ph_layout(app, layout);
	ph_on_error(app, show_error);
	ph_database(app, "orders", .create = create, .version = 1);
	ph_callback(app, show_page, PH_OUTPUT("table.data"),
	    PH_OUTPUT("table.page_count"), PH_OUTPUT("count.children"),
	    PH_OUTPUT("again.disabled"), PH_INPUT("again.n_intervals"),
	    PH_INPUT("table.page_current"), PH_INPUT("table.page_size"),
	    PH_INPUT("table.sort_by"), PH_INPUT("table.filter_query"));
	ph_callback(app, show_cities, PH_OUTPUT("cities.figure"),
	    PH_INPUT("again.disabled"), .memoize = true, .timeout = PH_FOREVER);
	ph_route(app, "GET", "/export.csv", export_csv);
}
