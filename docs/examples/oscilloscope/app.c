/* SPDX-License-Identifier: MIT */

/*
 * A live oscilloscope: four channels of 1,000 points, ten times a second.
 *
 * The page asks by dcc.Interval; each answer is a sweep that begins now, so any
 * worker can draw the next one. The points travel as typed arrays of 4-byte
 * floats. Run, stop and the choice of channels never lose the zoom (.revision).
 */
#include <math.h>
#include <time.h>
#include <pronghorn/app.h>
#include <pronghorn/dcc.h>
#include <pronghorn/html.h>

enum { POINTS = 1000, CHANNELS = 4 };
#define TURN 6.283185307179586

static const struct channel {
	const char *name;
	const char *color;
	double frequency; /* Hz */
	double volts;
} channels[CHANNELS] = {
	{ "A sine", "#d4a300", 50, 2 },
	{ "B square", "#00838f", 25, 1 },
	{ "C triangle", "#a03fa0", 75, 1.5 },
	{ "D noise", "#2e7d32", 0, 0.6 },
};

static double
now(void)
{
	struct timespec time;

	timespec_get(&time, TIME_UTC);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* A number between -1 and 1 that the moment decides. */
static double
noise(double t)
{
	double x = sin(t * 12989.8) * 43758.5453;

	return 2 * (x - floor(x)) - 1;
}

/* What the probe of channel `c` sees at the time `t`. */
static double
voltage(int c, double t)
{
	double phase = sin(TURN * channels[c].frequency * t);
	double shape = noise(t);

	if (c == 0)
		shape = phase;
	else if (c == 1)
		shape = phase >= 0 ? 1 : -1;
	else if (c == 2)
		shape = asin(phase) * 4 / TURN;
	return channels[c].volts * (shape + 0.02 * noise(t + c));
}

/* One sweep of `span` seconds; *peak receives its highest voltage. */
static const struct ph_value *
sweep(int c, double start, double span, double *peak)
{
	float points[POINTS];
	int i;

	*peak = 0;
	for (i = 0; i < POINTS; i++) {
		points[i] = (float)voltage(c, start + span * i / POINTS);
		*peak = fmax(*peak, fabs(points[i]));
	}
	return ph_floats(points, POINTS);
}

static enum ph_status
show_error(struct ph_call *call)
{
	return ph_set_props(call, "tiles", "children", PH_LIST(
	    html_dt(.children = ph_text("Not shown")), html_dd(.children =
		html_span(.role = "alert", .children = ph_text(ph_error(call))))));
}

static enum ph_status
draw(struct ph_call *call)
{
	struct ph_figure *figure = ph_figure();
	double span = ph_number_of(ph_input(call, "span.value")) / 1000;
	/* A trigger makes every sweep begin with the same phase. */
	double start = fmod(now(), 3600);
	const struct ph_value *tiles[CHANNELS];
	double peak;

	if (!(span >= 0.001 && span <= 1)) /* anything can come from a browser */
		return ph_fail(call, "The time base is 1 to 1000 ms");
	if (ph_count_of(ph_input(call, "trigger.value")) > 0)
		start = floor(start * 25) / 25;
	for (int c = 0; c < CHANNELS; c++) {
		ph_line(figure, .y = sweep(c, start, span, &peak), .name = channels[c].name,
		    .color = channels[c].color, .width = 1.5,
		    .more = PH_OBJECT({ "x0", ph_int(0) },
			{ "dx", ph_number(span * 1000 / POINTS) }));
		tiles[c] = html_div(.className = "tile", .children = PH_CHILDREN(
		    html_dt(.children = ph_text(channels[c].name)),
		    html_dd(.children = ph_textf("%.2f V peak", peak))));
	}
	ph_figure_layout(figure, .x_title = "ms", .y_title = "V",
	    .y_range = PH_JSON([-2.5, 2.5]), .style = "dark", .height = 420, .margin = 50,
	    .revision = "as the user left it");
	ph_output(call, "tiles.children", ph_list(tiles, CHANNELS));
	return ph_output(call, "screen.figure", ph_figure_value(figure));
}

static const struct ph_value *
layout(struct ph_call *call)
{
	(void)call;
	return html_main(.className = "container live", .children = PH_CHILDREN(
	    html_h1(.children = ph_text("Oscilloscope")),
	    html_div(.className = "row", .children = PH_CHILDREN(
		html_div(.className = "two columns", .children =
		    html_button(.id = "run", .children = ph_text("Stop"))),
		html_div(.className = "three columns", .children = dcc_checklist(.id = "trigger",
		    .options = PH_JSON(["Trigger"]), .value = PH_JSON(["Trigger"]))),
		html_div(.className = "seven columns", .role = "group",
		    .more = PH_JSON({ "aria-label": "Time base, ms" }), .children = PH_CHILDREN(
		    ph_text("Time base, ms"),
		    dcc_slider(.id = "span", .min = ph_int(20), .max = ph_int(200), .step = ph_int(20),
			.value = ph_int(100), .allow_direct_input = PH_FALSE))))),
	    dcc_graph(.id = "screen"),
	    html_dl(.id = "tiles", .className = "tiles"),
	    dcc_interval(.id = "tick", .interval = ph_int(100))));
}

PH_APP(app)
{
	ph_title(app, "Oscilloscope");
	ph_options(app, .keep_title = true);
	ph_layout(app, layout);
	ph_on_error(app, show_error);
	ph_callback(app, draw, PH_OUTPUT("screen.figure"), PH_OUTPUT("tiles.children"),
	    PH_INPUT("tick.n_intervals"), PH_INPUT("span.value"), PH_INPUT("trigger.value"));
	ph_clientside(app, "function(n) { return n % 2 ? [true, 'Run'] : [false, 'Stop']; }",
	    PH_OUTPUT("tick.disabled"), PH_OUTPUT("run.children"), PH_INPUT("run.n_clicks"));
}
