/* SPDX-License-Identifier: MIT */

/* A DataTable with everything a visitor can come to: boxes of rows, cells with
 * lists and links, columns that can be hidden, chosen, sorted and filtered. */
#include <pronghorn/app.h>
#include <pronghorn/dash_table.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* What the table says of itself, for the test to read. */
static enum ph_status
says(struct ph_call *call)
{
	const struct ph_value *row = ph_at(ph_input(call, "table.data"), 0);

	return ph_output(call, "said.children",
	    ph_textf("%s, %zu chosen", ph_text_of(ph_member(row, "fruit")),
		ph_count_of(ph_input(call, "table.selected_rows"))));
}

static const struct ph_value *
columns(void)
{
	return PH_JSON([
		{
			"id" : "fruit",
			"name" : "Fruit",
			"presentation" : "dropdown",
			"hideable" : true,
			"selectable" : true
		},
		{
			"id" : "where",
			"name" : "Where",
			"presentation" : "markdown",
			"editable" : false
		},
		{
			"id" : "n",
			"name" : "Number",
			"type" : "numeric",
			"selectable" : true
		}
	]);
}

static const struct ph_value *
rows(void)
{
	return PH_JSON([
		{ "fruit" : "fig", "where" : "[the first](/#first)", "n" : 1 },
		{
			"fruit" : "plum",
			"where" : "[the second](/#second)",
			"n" : 2
		},
		{ "fruit" : "fig", "where" : "none", "n" : 3 }
	]);
}

static const struct ph_value *
table(void)
{
	return dash_table_data_table(.id = "table",
	    .row_selectable = ph_text("multi"), .editable = true,
	    .column_selectable = ph_text("single"), .sort_action = "native",
	    .filter_action = ph_text("native"), .page_size = ph_int(2),
	    .selected_rows = PH_JSON([]), .columns = columns(), .data = rows(),
	    .dropdown = PH_JSON({
		    "fruit" : {
			    "options" : [
				    { "label" : "Fig", "value" : "fig" },
				    { "label" : "Plum", "value" : "plum" }
			    ]
		    }
	    }));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(
		.children = PH_CHILDREN(html_h1(.children = ph_text("A table")),
		    dcc_input(.id = "before", .name = "before",
			.value = ph_text(""), .placeholder = ph_text("before")),
		    html_div(.children = table()), html_p(.id = "said"),
		    dcc_input(.id = "after", .name = "after",
			.value = ph_text(""),
			.placeholder = ph_text("after"))));
}

PH_APP(app)
{
	ph_title(app, "A table");
	ph_layout(app, layout);
	ph_callback(app, says, PH_OUTPUT("said.children"),
	    PH_INPUT("table.data"), PH_INPUT("table.selected_rows"));
}
