/* SPDX-License-Identifier: MIT */

/* <pronghorn/figure.h>: each field at its place in plotly's tree. */
#include "test/unit/worker/app_fixture.h"

#include <math.h>

#include <pronghorn/data.h>

static struct app_fixture fixture;
static struct call call;

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	(void)fixture_enter(&fixture, &call);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	fixture_leave(&fixture, &call);
	return 0;
}

static void
check_json(struct ph_figure *figure, const char *want)
{
	const struct ph_value *text = ph_json_text(ph_figure_value(figure));

	assert_string_equal(call.failed ? call.error : "", "");
	assert_string_equal(ph_text_of(text), want);
}

static void
an_empty_figure(void **state)
{
	(void)state;
	check_json(ph_figure(), "{\"data\":[],\"layout\":{}}");
}

static void
traces_have_their_fields(void **state)
{
	static const double y[] = { 1, 2 };
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_line(figure, .y = ph_doubles(y, 2), .color = "red", .width = 2,
	    .name = "a", .show_legend = PH_FALSE);
	ph_pie(figure, .labels = PH_JSON(["x"]), .values = PH_JSON([1]),
	    .colors = PH_JSON(["red"]), .hole = 0.5);
	ph_bar(figure, .x = PH_JSON([1]), .color = "blue",
	    .more = PH_JSON({ "offset" : 3, "marker" : { "opacity" : 1 } }));
	ph_trace(figure, "funnel");
	check_json(figure,
	    "{\"data\":[{\"type\":\"scatter\",\"y\":{\"dtype\":\"f8\","
	    "\"bdata\":\"AAAAAAAA8D8AAAAAAAAAQA==\"},\"name\":\"a\",\"mode\":"
	    "\"lines\",\"marker\":{\"color\":\"red\"},\"line\":{\"color\":"
	    "\"red\",\"width\":2},\"showlegend\":false},"
	    "{\"type\":\"pie\",\"labels\":[\"x\"],\"values\":[1],\"marker\":{"
	    "\"colors\":[\"red\"]},\"hole\":0.5},"
	    "{\"type\":\"bar\",\"x\":[1],\"marker\":{\"opacity\":1},\"offset\":"
	    "3},{\"type\":\"funnel\"}],\"layout\":{}}");
}

static void
layouts_have_their_fields(void **state)
{
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_figure_layout(figure, .title = "T", .x_title = "x", .y_type = "log",
	    .x_range = PH_LIST(ph_int(0), ph_int(9)), .second_y = PH_TRUE,
	    .more = PH_JSON({ "dragmode" : "pan" }));
	ph_figure_set(figure, "layout.xaxis.tickformat", ph_text(".2f"));
	check_json(figure,
	    "{\"data\":[],\"layout\":{\"yaxis2\":{\"overlaying\":\"y\","
	    "\"side\":\"right\"},\"xaxis\":{\"title\":{\"text\":\"x\"},"
	    "\"range\":[0,9],\"tickformat\":\".2f\"},\"title\":{\"text\":"
	    "\"T\"},\"yaxis\":{\"type\":\"log\"},\"dragmode\":\"pan\"}}");
	figure = ph_figure();
	ph_figure_layout(figure, .x_title = "x", .z_title = "z");
	check_json(figure,
	    "{\"data\":[],\"layout\":{\"scene\":{\"xaxis\":{\"title\":{"
	    "\"text\":\"x\"}},\"zaxis\":{\"title\":{\"text\":\"z\"}}}}}");
}

static void
grids_have_a_shape(void **state)
{
	static const double cells[] = { 1, 2, 3, 4 };
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_heatmap(figure, .z = ph_grid(cells, 2, 2));
	check_json(figure,
	    "{\"data\":[{\"type\":\"heatmap\",\"z\":{\"dtype\":\"f8\","
	    "\"bdata\":\"AAAAAAAA8D8AAAAAAAAAQAAAAAAAAAhAAAAAAAAAEEA=\","
	    "\"shape\":\"2, 2\"}}],\"layout\":{}}");
}

/* The page looks the points up in it, which it cannot in a typed array. */
/* plotly draws a path to NaN there. */
static void
candles_have_null_for_a_gap(void **state)
{
	static const double gap[] = { 1, NAN, INFINITY };
	static const float narrow[] = { 0.5F, NAN };
	static const double full[] = { 1, 2 };
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_candlestick(figure, .x = ph_doubles(full, 2),
	    .open = ph_doubles(gap, 3), .high = ph_floats(narrow, 2),
	    .low = PH_JSON([ 1, null ]), .close = ph_doubles(full, 2));
	check_json(figure,
	    "{\"data\":[{\"type\":\"candlestick\",\"x\":{\"dtype\":\"f8\","
	    "\"bdata\":\"AAAAAAAA8D8AAAAAAAAAQA==\"},\"open\":[1,null,null],"
	    "\"high\":[0.5,null],\"low\":[1,null],\"close\":{\"dtype\":"
	    "\"f8\",\"bdata\":\"AAAAAAAA8D8AAAAAAAAAQA==\"}}],"
	    "\"layout\":{}}");
}

static void
customdata_is_a_list(void **state)
{
	static const double ids[] = { 1, 2 };
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_scatter(figure, .customdata = ph_doubles(ids, 2));
	check_json(figure,
	    "{\"data\":[{\"type\":\"scatter\",\"customdata\":[1,2]}],"
	    "\"layout\":{}}");
}

/* A map asks no other server for its shapes. */
static void
maps_stay_at_home(void **state)
{
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_scattergeo(figure, .lat = PH_JSON([1]), .lon = PH_JSON([2]));
	check_json(figure,
	    "{\"data\":[{\"type\":\"scattergeo\",\"lat\":[1],\"lon\":[2]}],"
	    "\"layout\":{\"geo\":{\"visible\":false,\"fitbounds\":"
	    "\"locations\"}}}");
}

static void
styles_are_known(void **state)
{
	static const char *const names[] = { "light", "dark", "plain" };
	struct ph_figure *figure;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		figure = ph_figure();
		ph_figure_layout(figure, .style = names[i]);
		assert_false(call.failed);
		assert_int_equal(
		    ph_count_of(
			ph_member(ph_member(ph_figure_value(figure), "layout"),
			    "template")),
		    1);
	}
	ph_figure_layout(ph_figure(), .style = "pink");
	assert_true(call.failed);
	assert_non_null(strstr(call.error, "light, dark or plain"));
}

static void
mistakes_name_the_path(void **state)
{
	struct ph_figure *figure = ph_figure();

	(void)state;
	ph_figure_set(figure, "layout.xaxis.range[0]", ph_int(1));
	ph_figure_set(figure, "layout.xaxis.range[1]", ph_int(2));
	check_json(figure,
	    "{\"data\":[],\"layout\":{\"xaxis\":{\"range\":[1,2]}}}");
	ph_figure_set(figure, "data[3].x", ph_int(1));
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "f: figure, data[3].x: the list has no item at that index");
	call.failed = false;
	ph_figure_set(figure, "data[ 0]", ph_int(1));
	assert_true(call.failed);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_empty_figure),
		TEST(traces_have_their_fields),
		TEST(layouts_have_their_fields),
		TEST(grids_have_a_shape),
		TEST(candles_have_null_for_a_gap),
		TEST(customdata_is_a_list),
		TEST(maps_stay_at_home),
		TEST(styles_are_known),
		TEST(mistakes_name_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
