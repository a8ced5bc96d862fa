/* SPDX-License-Identifier: MIT */

/*
 * Figures built trace by trace: the other side of <pronghorn/figure.h>.
 *
 * Two tables say where each field goes in plotly's tree; figure_put() makes
 * what leads there.
 *
 * OWNERSHIP  Everything lives in the arena of the call; arrays are pointed to.
 * THREADS    The thread that runs the call.
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "worker/base64.h"
#include "worker/figure.h"
#include "worker/frame.h"
#include "worker/host.h"
#include "worker/json_read.h"
#include "worker/scratch.h"

#define PATH_MAX_LEN 256

struct figure {
	struct call *call;
	struct arena *arena;      /* of all of it */
	const struct value *tree; /* { "data": [...], "layout": {...} } */
};

enum field_kind {
	FIELD_VALUE,
	FIELD_LIST,  /* what the page gives back: no typed array */
	FIELD_BOXES, /* plotly draws NaN there, and leaves null out */
	FIELD_TEXT,
	FIELD_NUMBER,
	FIELD_INT,
	FIELD_BOOL
};

/* A member of an options struct and its place in the tree. */
struct field {
	size_t offset;
	enum field_kind kind;
	const char *path;
	const char *types; /* only for these types of trace; NULL: all */
};

#define LINES "scatter scattergl scatter3d"
#define TRACE(member, kind, path, types)                                     \
	{                                                                    \
		offsetof(struct ph_trace, member), FIELD_##kind, path, types \
	}
static const struct field trace_fields[] = {
	TRACE(x, VALUE, "x", NULL),
	TRACE(y, VALUE, "y", NULL),
	TRACE(z, VALUE, "z", NULL),
	TRACE(labels, VALUE, "labels", NULL),
	TRACE(values, VALUE, "values", NULL),
	TRACE(open, BOXES, "open", NULL),
	TRACE(high, BOXES, "high", NULL),
	TRACE(low, BOXES, "low", NULL),
	TRACE(close, BOXES, "close", NULL),
	TRACE(lat, VALUE, "lat", NULL),
	TRACE(lon, VALUE, "lon", NULL),
	TRACE(locations, VALUE, "locations", NULL),
	TRACE(geojson, VALUE, "geojson", NULL),
	TRACE(text, VALUE, "text", NULL),
	TRACE(customdata, LIST, "customdata", NULL),
	TRACE(colors, VALUE, "marker.colors", "pie"),
	TRACE(colors, VALUE, "surfacecolor", "surface"),
	TRACE(colors, VALUE, "marker.color",
	    LINES " bar histogram scattergeo box violin"),
	TRACE(sizes, VALUE, "marker.size", NULL),
	TRACE(error_x, VALUE, "error_x.array", NULL),
	TRACE(error_y, VALUE, "error_y.array", NULL),
	TRACE(name, TEXT, "name", NULL),
	TRACE(mode, TEXT, "mode", NULL),
	TRACE(color, TEXT, "marker.color",
	    LINES " bar histogram scattergeo box violin"),
	TRACE(color, TEXT, "line.color", LINES " box violin"),
	TRACE(colorscale, TEXT, "colorscale",
	    "heatmap contour histogram2d histogram2dcontour surface "
	    "choropleth"),
	TRACE(colorscale, TEXT, "marker.colorscale", LINES " bar scattergeo"),
	TRACE(symbol, TEXT, "marker.symbol", NULL),
	TRACE(dash, TEXT, "line.dash", NULL),
	TRACE(shape, TEXT, "line.shape", NULL),
	TRACE(fill, TEXT, "fill", NULL),
	TRACE(orientation, TEXT, "orientation", NULL),
	TRACE(histnorm, TEXT, "histnorm", NULL),
	TRACE(box_points, TEXT, "boxpoints", "box"),
	TRACE(box_points, TEXT, "points", "violin"),
	TRACE(hover, TEXT, "hovertemplate", NULL),
	TRACE(x_axis, TEXT, "xaxis", NULL),
	TRACE(y_axis, TEXT, "yaxis", NULL),
	TRACE(scene, TEXT, "scene", NULL),
	TRACE(opacity, NUMBER, "opacity", NULL),
	TRACE(size, NUMBER, "marker.size", NULL),
	TRACE(width, NUMBER, "line.width", NULL),
	TRACE(hole, NUMBER, "hole", NULL),
	TRACE(x_bins, INT, "nbinsx", NULL),
	TRACE(y_bins, INT, "nbinsy", NULL),
	TRACE(show_legend, BOOL, "showlegend", NULL),
	TRACE(show_scale, BOOL, "showscale", NULL),
};
#undef TRACE

#define LAYOUT(member, kind, path)                                        \
	{                                                                 \
		offsetof(struct ph_figure_options, member), FIELD_##kind, \
		    path, NULL                                            \
	}
static const struct field layout_fields[] = {
	LAYOUT(title, TEXT, "title.text"),
	LAYOUT(x_type, TEXT, "xaxis.type"),
	LAYOUT(y_type, TEXT, "yaxis.type"),
	LAYOUT(x_range, VALUE, "xaxis.range"),
	LAYOUT(y_range, VALUE, "yaxis.range"),
	LAYOUT(bar_mode, TEXT, "barmode"),
	LAYOUT(hover_mode, TEXT, "hovermode"),
	LAYOUT(revision, TEXT, "uirevision"),
	LAYOUT(height, NUMBER, "height"),
	LAYOUT(margin, NUMBER, "margin.l"),
	LAYOUT(margin, NUMBER, "margin.r"),
	LAYOUT(margin, NUMBER, "margin.t"),
	LAYOUT(margin, NUMBER, "margin.b"),
	LAYOUT(show_legend, BOOL, "showlegend"),
};
/* Titles of the axes, flat ones or, with a z_title, those of a scene. */
static const struct field flat_titles[] = {
	LAYOUT(x_title, TEXT, "xaxis.title.text"),
	LAYOUT(y_title, TEXT, "yaxis.title.text"),
};
static const struct field scene_titles[] = {
	LAYOUT(x_title, TEXT, "scene.xaxis.title.text"),
	LAYOUT(y_title, TEXT, "scene.yaxis.title.text"),
	LAYOUT(z_title, TEXT, "scene.zaxis.title.text"),
};
#undef LAYOUT

/* Looks of a whole figure, as plotly's layout.template. */
static const struct {
	const char *name;
	const char *json;
} styles[] = {
	{ "light",
	    "{\"layout\":{\"paper_bgcolor\":\"#ffffff\",\"plot_bgcolor\":"
	    "\"#ffffff\",\"font\":{\"color\":\"#2b3440\"},\"colorway\":["
	    "\"#2f6fb0\",\"#d9772b\",\"#3d9a6d\",\"#b5475b\",\"#7d5ba6\","
	    "\"#8c6d46\",\"#c46a9e\",\"#6b7580\"],\"xaxis\":{\"gridcolor\":"
	    "\"#e6eaee\",\"zerolinecolor\":\"#c8d0d8\",\"automargin\":true},"
	    "\"yaxis\":{\"gridcolor\":\"#e6eaee\",\"zerolinecolor\":"
	    "\"#c8d0d8\",\"automargin\":true}}}" },
	{ "dark",
	    "{\"layout\":{\"paper_bgcolor\":\"#161b22\",\"plot_bgcolor\":"
	    "\"#161b22\",\"font\":{\"color\":\"#d6dde4\"},\"colorway\":["
	    "\"#6aa9e6\",\"#f0a05a\",\"#6cc79b\",\"#e5788a\",\"#ab8fd4\","
	    "\"#c2a57c\",\"#e69cc6\",\"#9aa5b1\"],\"xaxis\":{\"gridcolor\":"
	    "\"#2a323c\",\"zerolinecolor\":\"#3b4653\",\"automargin\":true},"
	    "\"yaxis\":{\"gridcolor\":\"#2a323c\",\"zerolinecolor\":"
	    "\"#3b4653\",\"automargin\":true}}}" },
	{ "plain",
	    "{\"layout\":{\"paper_bgcolor\":\"rgba(0,0,0,0)\",\"plot_bgcolor\":"
	    "\"rgba(0,0,0,0)\",\"xaxis\":{\"showgrid\":false,\"zeroline\":"
	    "false},\"yaxis\":{\"showgrid\":false,\"zeroline\":false}}}" },
};

/* An app sees struct figure as struct ph_figure. */
static struct figure *
take(struct ph_figure *figure)
{
	return (struct figure *)(void *)figure;
}

static struct ph_figure *
give(struct figure *figure)
{
	return (struct ph_figure *)(void *)figure;
}

static bool
is_figure(const char *function, const struct figure *figure)
{
	return host_is_given(function, "the figure is", figure);
}

static void
put(struct figure *figure, const char *path, const struct value *leaf)
{
	struct call *call = figure->call;
	const char *why = "out of memory";
	const struct value *tree;

	if (call == NULL || call->failed ||
	    !scratch_is_here(call, figure->arena, "the ph_figure()"))
		return;
	tree = leaf != NULL
		   ? figure_put(call->arena, figure->tree, path, leaf, &why)
		   : NULL;
	if (tree == NULL)
		call_error(call, "%s: figure, %s: %s", call->name, path, why);
	else
		figure->tree = tree;
}

static const struct value *
json_value(struct call *call, const char *json)
{
	struct json_limits limits = { 32, 10000, 1000, false, false };
	struct value *value = NULL;
	const char *why;

	if (json_read(json, strlen(json), &limits, call->arena, &value, &why) <
	    0)
		return NULL;
	return value;
}

/* As a list, whose gaps are null, if it has any. */
static const struct value *
without_gaps(struct arena *arena, const struct value *value)
{
	const double *numbers;
	size_t count;
	size_t i;

	if (value->kind == VALUE_ARRAY ||
	    !frame_numbers(arena, value, &numbers, &count))
		return value;
	for (i = 0; i < count; i++)
		if (!isfinite(numbers[i]))
			return frame_list(arena, value);
	return value;
}

/* What the member holds; NULL: it was not given. */
static const struct value *
field_value(struct call *call, const struct field *field, const void *options)
{
	const char *at = (const char *)options + field->offset;
	const struct ph_value *value;
	const char *text;
	enum ph_bool flag;
	double number;
	int integer;

	switch (field->kind) {
	case FIELD_VALUE:
		memcpy(&value, at, sizeof(value));
		return value != NULL ? host_take(value) : NULL;
	case FIELD_LIST:
		memcpy(&value, at, sizeof(value));
		return value != NULL ? frame_list(call->arena, host_take(value))
				     : NULL;
	case FIELD_BOXES:
		memcpy(&value, at, sizeof(value));
		return value != NULL
			   ? without_gaps(call->arena, host_take(value))
			   : NULL;
	case FIELD_TEXT:
		memcpy(&text, at, sizeof(text));
		return text != NULL
			   ? value_text(call->arena, text, strlen(text))
			   : NULL;
	case FIELD_NUMBER:
		memcpy(&number, at, sizeof(number));
		return number != 0 ? value_double(call->arena, number) : NULL;
	case FIELD_INT:
		memcpy(&integer, at, sizeof(integer));
		return integer != 0 ? value_int(call->arena, integer) : NULL;
	default:
		memcpy(&flag, at, sizeof(flag));
		return flag != PH_UNSET
			   ? value_bool(call->arena, flag == PH_TRUE)
			   : NULL;
	}
}

/* Is `type` one of the words in `types`? */
static bool
is_one_of(const char *types, const char *type)
{
	size_t len = strlen(type);
	const char *at = types;

	while ((at = strstr(at, type)) != NULL) {
		if ((at == types || at[-1] == ' ') &&
		    (at[len] == ' ' || at[len] == '\0'))
			return true;
		at += len;
	}
	return false;
}

/* Put the fields that were given below `prefix`, then the members of more. */
static void
put_fields(struct figure *figure, const char *prefix,
    const struct field *fields, size_t count, const void *options,
    const char *type, const struct ph_value *more)
{
	const struct value *object = host_take(more);
	const struct value *leaf;
	char path[PATH_MAX_LEN];
	size_t i;

	for (i = 0; i < count && !figure->call->failed; i++) {
		if (type != NULL && fields[i].types != NULL &&
		    !is_one_of(fields[i].types, type))
			continue;
		leaf = field_value(figure->call, &fields[i], options);
		if (leaf == NULL)
			continue;
		(void)snprintf(path, sizeof(path), "%s.%s", prefix,
		    fields[i].path);
		put(figure, path, leaf);
	}
	for (i = 0; object->kind == VALUE_OBJECT && i < object->count; i++) {
		(void)snprintf(path, sizeof(path), "%s.%.200s", prefix,
		    object->u.members[i].name);
		put(figure, path, &object->u.members[i].value);
	}
}

static struct ph_figure *
figure_make(void)
{
	static struct figure nowhere;
	struct call *call = call_current();
	struct figure *figure;

	if (call == NULL)
		return give(&nowhere);
	figure = arena_calloc(call->arena, 1, sizeof(*figure));
	if (figure != NULL) {
		figure->call = call;
		figure->arena = call->arena;
		figure->tree = json_value(call, "{\"data\":[],\"layout\":{}}");
	}
	if (figure == NULL || figure->tree == NULL) {
		call_error(call, "%s: ph_figure(): out of memory", call->name);
		return give(&nowhere);
	}
	return give(figure);
}

/* The list of traces with one more, an empty one. Its place, or -1. */
static int
add_trace(struct figure *figure, const char *type)
{
	struct arena *arena = figure->call->arena;
	const struct value *data = value_get(figure->tree, "data");
	uint32_t count =
	    data != NULL && data->kind == VALUE_ARRAY ? data->count : 0;
	struct value *more = value_array(arena, count + 1);
	struct value *trace = value_object(arena, 1);
	const struct value *text = value_text(arena, type, strlen(type));

	if (more == NULL || trace == NULL || text == NULL) {
		put(figure, "data", NULL);
		return -1;
	}
	if (count > 0)
		memcpy(more->u.items, data->u.items,
		    count * sizeof(struct value));
	trace->u.members[0].name = "type";
	trace->u.members[0].name_len = 4;
	trace->u.members[0].value = *text;
	more->u.items[count] = *trace;
	put(figure, "data", more);
	return (int)count;
}

static void
figure_trace(struct ph_figure *ph, const char *type,
    const struct ph_trace *trace)
{
	struct figure *figure = take(ph);
	char prefix[32];
	int place;

	if (!is_figure("a trace", figure) || figure->call == NULL ||
	    figure->call->failed)
		return;
	if (!host_is_named("a trace", type))
		return;
	place = add_trace(figure, type);
	(void)snprintf(prefix, sizeof(prefix), "data[%d]", place);
	put_fields(figure, prefix, trace_fields,
	    sizeof(trace_fields) / sizeof(trace_fields[0]), trace, type,
	    trace->more);
	/* Else plotly fetches its world map from another server. */
	if (is_one_of("scattergeo choropleth", type)) {
		put(figure, "layout.geo.visible",
		    value_bool(figure->call->arena, false));
		put(figure, "layout.geo.fitbounds",
		    value_text(figure->call->arena, "locations", 9));
	}
}

static void
put_style(struct figure *figure, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
		if (strcmp(styles[i].name, name) != 0)
			continue;
		put(figure, "layout.template",
		    json_value(figure->call, styles[i].json));
		return;
	}
	call_error(figure->call,
	    "%s: ph_figure_layout(.style = \"%.40s\"): it is light, dark or "
	    "plain",
	    figure->call->name, name);
}

static void
figure_layout(struct ph_figure *ph, const struct ph_figure_options *options)
{
	struct figure *figure = take(ph);

	if (!is_figure("ph_figure_layout()", figure) || figure->call == NULL ||
	    figure->call->failed)
		return;
	if (options->style != NULL)
		put_style(figure, options->style);
	if (options->second_y == PH_TRUE)
		put(figure, "layout.yaxis2",
		    json_value(figure->call,
			"{\"overlaying\":\"y\",\"side\":\"right\"}"));
	if (options->z_title != NULL)
		put_fields(figure, "layout", scene_titles, 3, options, NULL,
		    NULL);
	else
		put_fields(figure, "layout", flat_titles, 2, options, NULL,
		    NULL);
	put_fields(figure, "layout", layout_fields,
	    sizeof(layout_fields) / sizeof(layout_fields[0]), options, NULL,
	    options->more);
}

static void
figure_set(struct ph_figure *ph, const char *path, const struct ph_value *value)
{
	if (is_figure("ph_figure_set()", take(ph)) &&
	    host_is_named("ph_figure_set()", path))
		put(take(ph), path, host_take(value));
}

static const struct ph_value *
figure_value(struct ph_figure *ph)
{
	const struct figure *figure = take(ph);

	if (!is_figure("ph_figure_value()", figure))
		return host_give(&call_null_value);
	return host_give(
	    figure->tree != NULL ? figure->tree : &call_null_value);
}

/* plotly takes z as a list of typed arrays, one per row. */
/* As plotly takes a typed array of two dimensions: lists of typed arrays it
 * does not. */
static const struct ph_value *
figure_grid(const double *cells, size_t rows, size_t columns)
{
	struct call *call = call_current();
	struct buf text = BUF_EMPTY;
	const struct ph_value *grid = NULL;

	if (call == NULL || (rows * columns > 0 && !host_is_given("ph_grid()",
						       "the cells are", cells)))
		return host_give(&call_null_value);
	if (base64_encode(cells, rows * columns * sizeof(*cells), &text) == 0)
		grid = HOST_OBJECT({ "dtype", host_make_text("f8", 2) },
		    { "bdata",
			host_make_text(text.data != NULL ? text.data : "",
			    text.len) },
		    { "shape", host_make_textf("%zu, %zu", rows, columns) });
	buf_free(&text);
	if (grid == NULL) {
		call_error(call, "%s: ph_grid(): out of memory", call->name);
		return host_give(&call_null_value);
	}
	return grid;
}

const struct ph_figure_host host_figure_table = {
	.size = sizeof(struct ph_figure_host),
	.make = figure_make,
	.trace = figure_trace,
	.layout = figure_layout,
	.set = figure_set,
	.value = figure_value,
	.grid = figure_grid,
};
