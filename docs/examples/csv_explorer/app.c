/* SPDX-License-Identifier: MIT */

/*
 * A CSV file to look around in, with filters that depend on each other.
 *
 * The file is imported into a database once; then filtering is one WHERE, the
 * same for everything on the page. A plant leaves only its machines to choose
 * from; what is boxed in the scatter plot narrows the histogram and the table.
 */
#include <pronghorn/app.h>
#include <pronghorn/dash_table.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* Every query has these five: plant, machines, first and last month, points
 * that are boxed. */
#define WHERE                                                             \
	" FROM runs WHERE (?1 IS NULL OR plant = ?1)"                     \
	" AND (json_array_length(?2) = 0 OR machine IN"                   \
	"      (SELECT value FROM json_each(?2)))"                        \
	" AND CAST(substr(day, 6, 2) AS INTEGER) BETWEEN ?3 AND ?4"       \
	" AND (?5 = 'null' OR id IN (SELECT json_extract(value,"          \
	"      '$.customdata') FROM json_each(?5))) ORDER BY day, machine"

static enum ph_status
create(struct ph_call *call)
{
	return ph_import_csv(call, "runs",
	    .path = ph_app_file("csv_explorer.csv"));
}

static const struct ph_value *
rows(struct ph_call *call, const char *select, const struct ph_value *boxed)
{
	const struct ph_value *months = ph_input(call, "months.value");

	return ph_query(call, select, ph_input(call, "plant.value"),
	    ph_json_text(ph_input(call, "machines.value")), ph_at(months, 0),
	    ph_at(months, 1), ph_json_text(boxed));
}

/* Another plant has other machines; nothing chosen means all of them. */
static enum ph_status
link_machines(struct ph_call *call)
{
	const struct ph_value *found = ph_query(call,
	    "SELECT DISTINCT machine FROM runs WHERE ?1 IS NULL OR plant = ?1 "
	    "ORDER BY machine", ph_input(call, "plant.value"));

	ph_output(call, "machines.options", ph_list_of(ph_member(found, "machine")));
	return ph_output(call, "machines.value", PH_JSON([]));
}

static enum ph_status
draw_scatter(struct ph_call *call)
{
	const struct ph_value *found = rows(call,
	    "SELECT id, speed, defects, temperature, machine" WHERE, NULL);
	struct ph_figure *figure = ph_figure();

	ph_scatter(figure, .x = ph_member(found, "speed"),
	    .y = ph_member(found, "defects"), .mode = "markers",
	    .colors = ph_member(found, "temperature"), .size = 7,
	    .text = ph_member(found, "machine"),
	    .customdata = ph_member(found, "id"), .opacity = 0.7,
	    .hover = "%{text}: %{y} defects at %{x:.0f} m/min<extra></extra>");
	ph_figure_layout(figure, .x_title = "Speed, m/min",
	    .y_title = "Defects", .height = 380, .margin = 45, .more = PH_JSON({ "dragmode": "select" }));
	return ph_output(call, "scatter.figure", ph_figure_value(figure));
}

/* The same rows, those boxed in the scatter plot if there are any. */
static enum ph_status
draw_rest(struct ph_call *call)
{
	const struct ph_value *found = rows(call,
	    "SELECT day, plant, machine, speed, temperature, defects" WHERE,
	    ph_member(ph_input(call, "scatter.selectedData"), "points"));
	struct ph_figure *figure = ph_figure();

	ph_histogram(figure, .x = ph_member(found, "defects"), .x_bins = 30);
	ph_figure_layout(figure, .x_title = "Defects", .y_title = "Runs", .height = 380, .margin = 45);
	ph_output(call, "histogram.figure", ph_figure_value(figure));
	ph_output(call, "count.children",
	    ph_count_of(found) > 0 ? ph_textf("%zu runs", ph_count_of(found))
				   : ph_text("No runs: fewer filters find more"));
	return ph_output(call, "table.data", found);
}

static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "count", "children", html_span(.role = "alert",
	    .children = ph_text("This did not work; the server's log says why")));
}

static const struct ph_value *
column(const char *class_name, const char *label, const char *for_id, const struct ph_value *child)
{
	return html_div(.className = class_name, .role = "group",
	    .more = PH_OBJECT({ "aria-label", ph_text(label) }), .children = PH_CHILDREN(for_id != NULL
		? html_label(.htmlFor = for_id, .children = ph_text(label)) : ph_text(label), child));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container together", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Production runs")),
	    html_div(.className = "row", .children = PH_CHILDREN(
		column("three columns", "Plant", "plant", dcc_dropdown(
		    .id = "plant", .options = PH_JSON(["Graz", "Lyon", "Turku"]))),
		column("five columns", "Machines", "machines", dcc_dropdown(
		    .id = "machines", .multi = PH_TRUE, .placeholder = "All",
		    .value = PH_JSON([]))),
		column("four columns", "Months", NULL, dcc_range_slider(
		    .id = "months", .min = ph_int(1), .max = ph_int(12), .step = ph_int(1),
		    .allow_direct_input = PH_FALSE, .value = PH_JSON([1, 12]))))),
	    html_div(.className = "row", .children = PH_CHILDREN(
		column("seven columns", "Drag over points to pick them", NULL,
		    dcc_graph(.id = "scatter")),
		column("five columns", "How often", NULL, dcc_graph(.id = "histogram")))),
	    html_h2(.id = "count"),
	    dash_table_data_table(.id = "table", .page_size = ph_int(10),
		.sort_action = "native", .style_cell_conditional = PH_JSON([
		    { "if": { "column_id": ["day", "plant", "machine"] }, "textAlign": "left" }]),
		.columns = PH_JSON([{ "id": "day", "name": "Day" },
		    { "id": "plant", "name": "Plant" }, { "id": "machine", "name": "Machine" },
		    { "id": "speed", "name": "m/min" }, { "id": "temperature", "name": "Celsius" },
		    { "id": "defects", "name": "Defects" }]))));
}

PH_APP(app)
{
	ph_title(app, "CSV explorer");
	ph_layout(app, layout);
	ph_on_error(app, show_error);
	ph_database(app, "runs", .create = create, .version = 1);
	ph_callback(app, link_machines, PH_OUTPUT("machines.options"),
	    PH_OUTPUT("machines.value"), PH_INPUT("plant.value"));
	ph_callback(app, draw_scatter, PH_OUTPUT("scatter.figure"),
	    PH_INPUT("plant.value"), PH_INPUT("machines.value"),
	    PH_INPUT("months.value"));
	ph_callback(app, draw_rest, PH_OUTPUT("histogram.figure"),
	    PH_OUTPUT("count.children"), PH_OUTPUT("table.data"),
	    PH_INPUT("plant.value"), PH_INPUT("machines.value"),
	    PH_INPUT("months.value"), PH_INPUT("scatter.selectedData"));
}
