/* SPDX-License-Identifier: MIT */

/*
 * Figures that the browser draws with WebGL, and a series of a million points
 * that is given in as many as a screen has: the whole of it, and what of it is
 * in view.
 */
#include <math.h>
#include <stdlib.h>

#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

#define POINTS 1000000
#define SPIKE 654321 /* one point, far above all others */
#define SHOWN 800

static const struct ph_value *
wave(size_t count)
{
	double *y = calloc(count, sizeof(*y));
	const struct ph_value *value;
	size_t i;

	if (y == NULL)
		return ph_null();
	for (i = 0; i < count; i++)
		y[i] = sin((double)i / 5000) + (i == SPIKE ? 50 : 0);
	value = ph_doubles(y, count);
	free(y);
	return value;
}

/* The visible part of the series, by what the graph tells of its axis. */
static enum ph_status
samples(struct ph_call *call)
{
	const struct ph_value *view = ph_input(call, "long.relayoutData");
	double from = ph_number_of(ph_member(view, "xaxis.range[0]"));
	double to = ph_number_of(ph_member(view, "xaxis.range[1]"));
	enum ph_downsampling method =
	    ph_bool_of(ph_member(ph_input(call, "how.data"), "spikes"))
		? PH_MIN_MAX
		: PH_LTTB;
	const struct ph_value *all = wave(POINTS);
	const struct ph_value *shown;
	struct ph_figure *figure = ph_figure();
	const double *y;
	size_t count = ph_numbers_of(all, &y);
	size_t first = from > 0 && from < (double)count ? (size_t)from : 0;
	size_t last =
	    to > (double)first && to < (double)count ? (size_t)to : count;
	double *x = calloc(last - first, sizeof(*x));
	size_t i;

	if (x == NULL)
		return ph_fail(call, "no memory");
	for (i = first; i < last; i++)
		x[i - first] = (double)i;
	shown = ph_downsample(call, ph_doubles(x, last - first),
	    ph_doubles(y + first, last - first), SHOWN, method);
	free(x);
	ph_scattergl(figure, .x = ph_member(shown, "x"),
	    .y = ph_member(shown, "y"), .mode = "lines");
	ph_figure_layout(figure, .revision = "same", .height = 250);
	return ph_output(call, "long.figure", ph_figure_value(figure));
}

static const struct ph_value *
graph(const char *id, struct ph_figure *figure)
{
	ph_figure_layout(figure, .title = id, .height = 300, .margin = 30);
	return dcc_graph(.id = id, .figure = ph_figure_value(figure));
}

static const struct ph_value *
many_points(void)
{
	struct ph_figure *figure = ph_figure();

	ph_scattergl(figure, .y = wave(20000), .mode = "markers", .size = 3);
	return graph("scattergl", figure);
}

static const struct ph_value *
hill(void)
{
	struct ph_figure *figure = ph_figure();
	double z[20 * 30];
	int i;

	for (i = 0; i < 20 * 30; i++)
		z[i] = sin(i / 30 / 5.0) * cos(i % 30 / 5.0);
	ph_surface(figure, .z = ph_grid(z, 20, 30), .colorscale = "Viridis",
	    .show_scale = PH_FALSE);
	return graph("surface", figure);
}

static const struct ph_value *
spiral(void)
{
	struct ph_figure *figure = ph_figure();
	double x[100];
	double y[100];
	double z[100];
	int i;

	for (i = 0; i < 100; i++) {
		x[i] = cos(i / 5.0);
		y[i] = sin(i / 5.0);
		z[i] = i;
	}
	ph_scatter3d(figure, .x = ph_doubles(x, 100), .y = ph_doubles(y, 100),
	    .z = ph_doubles(z, 100), .mode = "lines+markers", .size = 2);
	return graph("scatter3d", figure);
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_div(.children = PH_CHILDREN(many_points(), hill(), spiral(),
			    dcc_graph(.id = "long"), dcc_store(.id = "how")));
}

PH_APP(app)
{
	ph_layout(app, layout);
	ph_callback(app, samples, PH_OUTPUT("long.figure"),
	    PH_INPUT("long.relayoutData"), PH_INPUT("how.data"));
}
