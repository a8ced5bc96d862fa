/* SPDX-License-Identifier: MIT */

/*
 * Values that a page can show, and some that it cannot.
 */
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

static const double three[] = { 1, 2.5, 1e-7 };

#define SHOWS(name, value)                                         \
	static enum ph_status name(struct ph_call *call)           \
	{                                                          \
		if (ph_int_of(ph_input(call, "go.n_clicks")) == 0) \
			return PH_NO_UPDATE;                       \
		return ph_output(call, #name ".children", value);  \
	}

SHOWS(nested, PH_LIST(ph_text("a"), PH_LIST(ph_text("b"), html_br())))
SHOWS(object, PH_OBJECT({ "a", ph_int(1) }))
SHOWS(inner, html_div(.children = PH_LIST(PH_OBJECT({ "a", ph_int(1) }))))
SHOWS(table, PH_TABLE({ "a", ph_doubles(three, 3) }))
SHOWS(column, ph_doubles(three, 3))
SHOWS(large,
    PH_LIST(ph_int(INT64_C(9007199254740993)), ph_text(" "), ph_number(1e-7)))
SHOWS(graph,
    dcc_graph(.figure = PH_OBJECT({ "data",
		  PH_LIST(PH_OBJECT({ "y", ph_doubles(three, 3) })) })))

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(
			    html_button(.id = "go", .children = ph_text("go")),
			    html_div(.id = "nested"), html_div(.id = "object"),
			    html_div(.id = "inner"), html_div(.id = "table"),
			    html_div(.id = "column"), html_div(.id = "large"),
			    html_div(.id = "graph")));
}

#define CALLBACK(app, name)                                  \
	ph_callback(app, name, PH_OUTPUT(#name ".children"), \
	    PH_INPUT("go.n_clicks"), .prevent_initial_call = true)

PH_APP(app)
{
	ph_layout(app, layout);
	CALLBACK(app, nested);
	CALLBACK(app, object);
	CALLBACK(app, inner);
	CALLBACK(app, table);
	CALLBACK(app, column);
	CALLBACK(app, large);
	CALLBACK(app, graph);
}

/* A function of the browser that is none. */
PH_APP(script)
{
	ph_layout(script, layout);
	ph_clientside(script, "function(n) { return n +; }",
	    PH_OUTPUT("column.children"), PH_INPUT("go.n_clicks"));
	ph_clientside(script, "function(n) { return 'clicks ' + (n || 0); }",
	    PH_OUTPUT("large.children"), PH_INPUT("go.n_clicks"));
}
