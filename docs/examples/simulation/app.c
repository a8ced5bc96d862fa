/* SPDX-License-Identifier: MIT */

/*
 * A simulation that runs while you steer it: heat in a metal plate.
 *
 * One background callback computes, as many pages as you like look on. What
 * it computes it leaves in the cache as a picture of the plate, ten times a
 * second; the flame it reads from there, where the sliders of every page put
 * it. No process holds what another would miss: a run outlives its worker.
 */
#include <string.h>
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

#define SIZE 48 /* cells along each side of the plate */

/* What was steered last, or what it is when nobody has. */
static double
steering(struct ph_call *call, const char *key, double otherwise)
{
	const struct ph_value *value = ph_cache_get(call, key);

	return value != NULL ? ph_number_of(value) : otherwise;
}

/* One step of the heat equation: each cell towards its neighbours' mean. */
static void
step(const double from[SIZE][SIZE], double to[SIZE][SIZE])
{
	for (int y = 1; y < SIZE - 1; y++)
		for (int x = 1; x < SIZE - 1; x++)
			to[y][x] = from[y][x] + 0.24 *
			    (from[y - 1][x] + from[y + 1][x] + from[y][x - 1] +
				from[y][x + 1] - 4 * from[y][x]);
}

/* Runs until it is stopped, from where the last run was. */
static enum ph_status
simulate(struct ph_call *call)
{
	double plates[2][SIZE][SIZE] = { 0 };
	const double *cells;
	int x, y, round;

	/* One at a time: another one waits until this lease has run out. */
	while (!ph_cache_add(call, "lease", ph_bool(true), .timeout = 2)) {
		if (ph_cancelled(call))
			return PH_NO_UPDATE;
		ph_sleep(call, 0.2);
	}
	if (ph_numbers_of(ph_cache_get(call, "plate"), &cells) == SIZE * SIZE)
		memcpy(plates[0], cells, sizeof(plates[0]));
	for (round = 0; !ph_cancelled(call); round++) {
		x = (int)steering(call, "flame", 24);
		for (y = 21; y < 27; y++) /* hold the flame there */
			plates[round % 2][y][x] = steering(call, "heat", 300);
		step(plates[round % 2], plates[(round + 1) % 2]);
		ph_cache_set(call, "plate", ph_doubles(plates[(round + 1) % 2][0], SIZE * SIZE),
		    .timeout = PH_FOREVER);
		ph_cache_touch(call, "lease", .timeout = 2);
		ph_sleep(call, 0.1);
	}
	ph_cache_delete(call, "lease");
	return PH_NO_UPDATE;
}

static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "mean", "children", html_span(.role = "alert",
	    .children = ph_textf("This did not work: %s.", ph_error(call))));
}

/* Everybody's: the sliders of all pages move the same flame. */
static enum ph_status
steer(struct ph_call *call)
{
	double x = ph_number_of(ph_input(call, "flame.value"));
	double heat = ph_number_of(ph_input(call, "heat.value"));

	if (!(x >= 1 && x < SIZE - 1 && heat >= 0 && heat <= 1000))
		return ph_output(call, "problem.children", ph_text("The flame has to be on the plate"));
	ph_cache_set(call, "flame", ph_number(x), .timeout = PH_FOREVER);
	ph_cache_set(call, "heat", ph_number(heat), .timeout = PH_FOREVER);
	return ph_output(call, "problem.children", ph_text(""));
}

static enum ph_status
show(struct ph_call *call)
{
	struct ph_figure *figure = ph_figure();
	const double *cells;
	double sum = 0;

	if (ph_numbers_of(ph_cache_get(call, "plate"), &cells) != SIZE * SIZE)
		return ph_output(call, "mean.children", ph_text("Not begun"));
	for (int i = 0; i < SIZE * SIZE; i++)
		sum += cells[i];
	ph_heatmap(figure, .z = ph_grid(cells, SIZE, SIZE), .colorscale = "Hot",
	    .more = PH_JSON({ "zmin": 0, "zmax": 500 }));
	ph_figure_layout(figure, .height = 460, .margin = 30, .revision = "as the user left it");
	ph_output(call, "mean.children", ph_textf("Mean %.1f degrees, %s",
	    sum / (SIZE * SIZE), ph_is_null(ph_cache_get(call, "lease"))
	    ? "stopped" : "running"));
	return ph_output(call, "plate.figure", ph_figure_value(figure));
}

static const struct ph_value *
slider(const char *id, const char *label, int least, int most, double value)
{
	return html_div(.className = "four columns", .children = PH_CHILDREN(
	    html_div(.children = ph_text(label)),
	    dcc_slider(.id = id, .min = ph_int(least), .max = ph_int(most),
		.step = ph_int(1), .value = ph_number(value),
		.marks = ph_null(), .allow_direct_input = PH_FALSE)));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	return html_main(.className = "container live", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("A plate and a flame")),
	    html_div(.className = "row", .children = PH_CHILDREN(
		html_div(.className = "four columns", .children = PH_CHILDREN(
		    html_button(.id = "start", .children = ph_text("Start")),
		    html_button(.id = "stop", .children = ph_text("Stop")))),
		slider("flame", "Flame", 1, SIZE - 2, steering(call, "flame", 24)),
		slider("heat", "Degrees", 0, 1000, steering(call, "heat", 300)))),
	    html_p(.id = "problem", .role = "alert"),
	    html_p(.id = "mean"), dcc_graph(.id = "plate"),
	    dcc_interval(.id = "tick", .interval = ph_int(200))));
}

PH_APP(app)
{
	ph_title(app, "Simulation");
	ph_options(app, .keep_title = true);
	ph_layout(app, layout, .blocking = true); /* it reads the cache */
	ph_on_error(app, show_error);
	ph_callback(app, simulate, PH_OUTPUT("start.title"),
	    PH_INPUT("start.n_clicks"), .prevent_initial_call = true,
	    .background = true, .cancel = PH_TEXTS("stop.n_clicks"),
	    .running = PH_RUNNING(PH_WHILE("start.disabled", ph_bool(true), ph_bool(false))));
	ph_callback(app, steer, PH_OUTPUT("problem.children"), PH_INPUT("flame.value"),
	    PH_INPUT("heat.value"), .prevent_initial_call = true);
	ph_callback(app, show, PH_OUTPUT("plate.figure"), PH_OUTPUT("mean.children"),
	    PH_INPUT("tick.n_intervals"));
}
