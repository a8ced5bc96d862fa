/* SPDX-License-Identifier: MIT */

/*
 * A simulation that runs while you steer it: heat in a metal plate.
 *
 * One background callback computes, as many pages as you like look on. The plate,
 * the flame and whether to go on are in the cache, where sliders and buttons of
 * every page put them. No process holds what another would miss: a run outlives
 * its worker, and for three minutes the page that has started it.
 */
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
step(const double *from, double *to)
{
	for (int i = SIZE; i < SIZE * (SIZE - 1); i++)
		if (i % SIZE > 0 && i % SIZE < SIZE - 1)
			to[i] = 0.04 * from[i] + 0.24 * (from[i - 1] + from[i + 1] +
			    from[i - SIZE] + from[i + SIZE]);
}

/* One at a time: whoever starts it while it runs is too late. */
static enum ph_status
press(struct ph_call *call)
{
	int64_t run;

	if (ph_triggered_by(call, "stop.n_clicks"))
		ph_cache_delete(call, "run");
	else if (ph_cache_incr(call, "runs", 1, &run) &&
	    ph_cache_add(call, "run", ph_int(run), .timeout = 60))
		return ph_output(call, "run.data", ph_int(run));
	return PH_NO_UPDATE;
}

/* Runs while "run" is its number; five minutes at most, as a call keeps all it makes. */
static enum ph_status
simulate(struct ph_call *call)
{
	double run = ph_number_of(ph_input(call, "run.data"));
	double plate[SIZE * SIZE] = { 0 };
	const double *cells;

	for (int round = 0; round < 3000 && !ph_cancelled(call) && steering(call, "run", 0) == run &&
	    ph_cache_touch(call, "run", .timeout = 60); round++) {
		if (ph_numbers_of(ph_cache_get(call, "plate"), &cells) == SIZE * SIZE)
			step(cells, plate);
		for (int y = 21; y < 27; y++) /* hold the flame there */
			plate[y * SIZE + (int)steering(call, "flame", 24)] = steering(call, "heat", 300);
		ph_cache_set(call, "plate", ph_doubles(plate, SIZE * SIZE), .timeout = PH_FOREVER);
		ph_sleep(call, 0.1);
	}
	return PH_NO_UPDATE;
}

static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "mean", "children", html_span(.role = "alert",
	    .children = ph_textf("This did not work: %s.", ph_error(call))));
}

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
	bool runs = ph_cache_get(call, "run") != NULL;
	const double *cells;
	double mean = 0;

	ph_output(call, "start.disabled", ph_bool(runs));
	ph_output(call, "stop.disabled", ph_bool(!runs));
	if (ph_numbers_of(ph_cache_get(call, "plate"), &cells) != SIZE * SIZE)
		return ph_output(call, "mean.children", ph_text("Not begun"));
	for (int i = 0; i < SIZE * SIZE; i++)
		mean += cells[i] / (SIZE * SIZE);
	ph_heatmap(figure, .z = ph_grid(cells, SIZE, SIZE), .colorscale = "Hot",
	    .more = PH_JSON({ "zmin": 0, "zmax": 500 }));
	ph_figure_layout(figure, .height = 460, .margin = 30, .revision = "as the user left it");
	ph_output(call, "mean.children", ph_textf("Mean %.1f degrees, %s", mean, runs ? "running" : "stopped"));
	return ph_output(call, "plate.figure", ph_figure_value(figure));
}

static const struct ph_value *
slider(const char *id, const char *label, int least, int most, double value)
{
	return html_div(.className = "four columns", .role = "group",
	    .more = PH_OBJECT({ "aria-label", ph_text(label) }), .children = PH_CHILDREN(ph_text(label),
		dcc_slider(.id = id, .min = ph_int(least), .max = ph_int(most), .step = ph_int(1),
		    .value = ph_number(value), .marks = ph_null(), .allow_direct_input = PH_FALSE)));
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
	    html_p(.id = "problem", .role = "alert"), html_p(.id = "mean"),
	    dcc_graph(.id = "plate"), dcc_store(.id = "run"), dcc_interval(.id = "tick", .interval = ph_int(200))));
}

PH_APP(app)
{
	ph_title(app, "Simulation");
	ph_options(app, .keep_title = true);
	ph_layout(app, layout, .blocking = true); /* it reads the cache */
	ph_on_error(app, show_error);
	ph_callback(app, press, PH_OUTPUT("run.data"), PH_INPUT("start.n_clicks"),
	    PH_INPUT("stop.n_clicks"), .prevent_initial_call = true);
	ph_callback(app, simulate, PH_OUTPUT("start.title"), PH_INPUT("run.data"),
	    .prevent_initial_call = true, .background = true);
	ph_callback(app, steer, PH_OUTPUT("problem.children"), PH_INPUT("flame.value"),
	    PH_INPUT("heat.value"), .prevent_initial_call = true);
	ph_callback(app, show, PH_OUTPUT("plate.figure"), PH_OUTPUT("mean.children"),
	    PH_OUTPUT("start.disabled"), PH_OUTPUT("stop.disabled"), PH_INPUT("tick.n_intervals"));
}
