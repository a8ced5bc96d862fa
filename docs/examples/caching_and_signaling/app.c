/* SPDX-License-Identifier: MIT */

/*
 * Caching and signaling: one process computes, many callbacks read.
 *
 * A dropdown picks a category. `compute_value` asks for its points and, when
 * they are there, puts the category into the hidden `signal`; that sets four
 * callbacks off, which draw the same points in four ways. The points come
 * from `global_store`, which is memoized: however many browsers ask, however
 * many workers and threads serve them, it runs once per category.
 *
 * PH_DEMO_DELAY (seconds, default 5) is what the query pretends to cost.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

/* ---- the data: four categories of points, normally distributed ---------- */

static const struct category {
	const char *name;
	int rows;
} categories[] = { { "apples", 500 }, { "oranges", 1000 }, { "figs", 2000 },
	{ "pineapples", 1500 } };

/* The next of a fixed series of uniform numbers between 0 and 1. */
static double
uniform(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return ((double)(*state >> 11) + 0.5) / 9007199254740992.0;
}

/* Box and Muller's transform: two uniform numbers to a normal one. */
static double
normal(uint64_t *state)
{
	double radius = sqrt(-2 * log(uniform(state)));

	return radius * cos(6.283185307179586 * uniform(state));
}

static enum ph_status
create_points(struct ph_call *call)
{
	uint64_t seed = 42;
	double x;
	double y;
	int c;
	int i;

	ph_exec(call, "CREATE TABLE points (category TEXT, x REAL, y REAL)");
	for (c = 0; c < 4; c++)
		for (i = 0; i < categories[c].rows; i++) {
			x = normal(&seed);
			y = normal(&seed);
			ph_exec(call, "INSERT INTO points VALUES (?1, ?2, ?3)",
			    ph_text(categories[c].name), ph_number(x),
			    ph_number(y));
		}
	return ph_exec(call, "CREATE INDEX by_category ON points (category)");
}

static double
delay(void)
{
	const char *text = getenv("PH_DEMO_DELAY");

	return text != NULL ? strtod(text, NULL) : 5.0;
}

/* ---- computing and signaling ------------------------------------------- */

/* Expensive, so memoized: runs once per category on the whole server. */
static enum ph_status
global_store(struct ph_call *call)
{
	ph_log(call, "Computing value with %s", ph_text_of(ph_arg(call, 0)));
	ph_sleep(call, delay()); /* stands for the expensive query */
	return ph_return_query(call,
	    "SELECT x, y FROM points WHERE category = ?1", ph_arg(call, 0));
}

/* Anything can come from a browser; a cleared dropdown gives null. */
static bool
is_category(const struct ph_value *value)
{
	int c;

	for (c = 0; c < 4; c++)
		if (strcmp(ph_text_of(value), categories[c].name) == 0)
			return true;
	return false;
}

static enum ph_status
compute_value(struct ph_call *call)
{
	const struct ph_value *category = ph_input(call, "dropdown.value");

	if (!is_category(category))
		return PH_NO_UPDATE;
	if (ph_memo(call, global_store, category) == NULL)
		return PH_WAIT; /* runs again when the value is ready */
	return ph_output(call, "signal.children", category);
}

/* The query has failed: the page says so, until something else is chosen. */
static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "error", "children",
	    ph_textf("This did not work: %s.", ph_error(call)));
}

/* A figure of the points, drawn as `trace` says. */
static enum ph_status
draw(struct ph_call *call, const char *output, const struct ph_value *figure)
{
	const struct ph_value *category = ph_input(call, "signal.children");
	const struct ph_value *points;

	if (!is_category(category))
		return PH_NO_UPDATE;
	points = ph_memo(call, global_store, category);
	if (points == NULL)
		return PH_WAIT;
	return ph_output_figure(call, output, figure,
	    PH_COLUMN("data[0].x", points, "x"),
	    PH_COLUMN("data[0].y", points, "y"));
}

static enum ph_status
update_graph_1(struct ph_call *call)
{
	return draw(call, "graph-1.figure", PH_JSON({
		"data": [{ "type": "scatter", "mode": "markers",
			"marker": { "opacity": 0.5, "size": 14 } }],
		"layout": { "margin": { "l": 20, "r": 10, "b": 20, "t": 10 } }
	}));
}

static enum ph_status
update_graph_2(struct ph_call *call)
{
	return draw(call, "graph-2.figure", PH_JSON({
		"data": [{ "type": "scatter", "mode": "lines",
			"line": { "shape": "spline", "width": 0.5 } }],
		"layout": { "margin": { "l": 20, "r": 10, "b": 20, "t": 10 } }
	}));
}

static enum ph_status
update_graph_3(struct ph_call *call)
{
	return draw(call, "graph-3.figure", PH_JSON({
		"data": [{ "type": "histogram2d" }],
		"layout": { "margin": { "l": 20, "r": 10, "b": 20, "t": 10 } }
	}));
}

static enum ph_status
update_graph_4(struct ph_call *call)
{
	return draw(call, "graph-4.figure", PH_JSON({
		"data": [{ "type": "histogram2dcontour" }],
		"layout": { "margin": { "l": 20, "r": 10, "b": 20, "t": 10 } }
	}));
}

/* ---- the page ----------------------------------------------------------- */

static const struct ph_value *
graph(const char *id)
{
	return html_div(.className = "six columns",
	    .children = dcc_graph(.id = id));
}

/* What is "together" waits together: until the signal comes, the graphs that
 * it sets off are shown as loading. */
static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Caching and signaling")),
	    html_div(.role = "group",
		.more = PH_JSON({ "aria-label": "Category" }),
		.children = dcc_dropdown(.id = "dropdown",
		    .value = ph_text("apples"), .clearable = PH_FALSE,
		    .options = PH_JSON(
			["apples", "oranges", "figs", "pineapples"]))),
	    html_p(.id = "error", .role = "alert"),
	    html_div(.className = "together", .children = PH_CHILDREN(
		html_div(.className = "row", .children =
		    PH_CHILDREN(graph("graph-1"), graph("graph-2"))),
		html_div(.className = "row", .children =
		    PH_CHILDREN(graph("graph-3"), graph("graph-4"))),
		html_div(.id = "signal",
		    .style = PH_JSON({ "display": "none" }))))));
}

PH_APP(app)
{
	ph_title(app, "Caching and signaling");
	ph_layout(app, layout);
	ph_database(app, "points", .create = create_points, .version = 1);
	ph_memoize(app, global_store, .timeout = PH_FOREVER);
	ph_callback(app, compute_value, PH_OUTPUT("signal.children"),
	    PH_INPUT("dropdown.value"), .memoize = true,
	    .on_error = show_error);
	ph_clientside(app, "function() { return ''; }",
	    PH_OUTPUT("error.children"), PH_INPUT("dropdown.value"));
	ph_callback(app, update_graph_1, PH_OUTPUT("graph-1.figure"),
	    PH_INPUT("signal.children"), .memoize = true);
	ph_callback(app, update_graph_2, PH_OUTPUT("graph-2.figure"),
	    PH_INPUT("signal.children"), .memoize = true);
	ph_callback(app, update_graph_3, PH_OUTPUT("graph-3.figure"),
	    PH_INPUT("signal.children"), .memoize = true);
	ph_callback(app, update_graph_4, PH_OUTPUT("graph-4.figure"),
	    PH_INPUT("signal.children"), .memoize = true);
}
