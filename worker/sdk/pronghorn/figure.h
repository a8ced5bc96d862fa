/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_FIGURE_H
#define PRONGHORN_FIGURE_H

/*
 * Figures, built trace by trace. Included by <pronghorn/app.h>, which says
 * what holds for all of this.
 *
 *	struct ph_figure *figure = ph_figure();
 *
 *	ph_scatter(figure, .x = ph_member(t, "day"), .y = ph_member(t, "km"),
 *	    .mode = "markers", .name = "Trips");
 *	ph_figure_layout(figure, .title = "Trips", .y_title = "km");
 *	return ph_output(call, "graph.figure", ph_figure_value(figure));
 *
 * x, y and so on are columns of tables, arrays made by ph_doubles() and its
 * kin, or lists. All else is optional. A field that a kind of trace does not
 * have is ignored by the browser; whatever has no field here is set with
 * ph_figure_set(), by the names of plotly.js: "data[0].marker.line.width".
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ph_figure; /* a figure while it is being built */

struct ph_trace {
	/* data */
	const struct ph_value *x, *y;
	const struct ph_value *z; /* heatmap, contour, surface: a list of rows,
				     or see ph_grid() */
	const struct ph_value *labels, *values;           /* pie */
	const struct ph_value *open, *high, *low, *close; /* candlestick */
	const struct ph_value *lat, *lon;                 /* scattergeo */
	const struct ph_value *locations, *geojson;       /* choropleth */
	const struct ph_value *text;       /* per point, shown when hovered */
	const struct ph_value *customdata; /* per point, for callbacks */
	const struct ph_value *colors;     /* per point: numbers or names */
	const struct ph_value *sizes;      /* per point, pixels */
	const struct ph_value *error_x, *error_y; /* per point, plus-minus */
	/* looks */
	const char *name;  /* in the legend */
	const char *mode;  /* "lines", "markers", "lines+markers", "text" */
	const char *color; /* one for all of it */
	const char *colorscale;      /* "Viridis" */
	const char *symbol;          /* of markers: "circle", "x" */
	const char *dash;            /* of lines: "dot", "dash" */
	const char *shape;           /* of lines: "linear", "spline", "hv" */
	const char *fill;            /* "tozeroy", "tonexty" */
	const char *orientation;     /* "h": bars lie */
	const char *histnorm;        /* "percent", "probability density" */
	const char *box_points;      /* "all", "outliers", "false" */
	const char *hover;           /* a hovertemplate: "%{x}: %{y:.1f}" */
	const char *x_axis, *y_axis; /* "x2", "y2"; see ph_figure_layout() */
	const char *scene;           /* "scene2" */
	double opacity;              /* 0: not given */
	double size;                 /* of markers, pixels; 0: not given */
	double width;                /* of lines, pixels; 0: not given */
	double hole;                 /* of a pie, 0 to 1 */
	int x_bins, y_bins;          /* histograms: most bins */
	enum ph_bool show_legend;
	enum ph_bool show_scale;     /* the bar of colours */
	const struct ph_value *more; /* an object of further members */
	bool ph_end_;
};

/* One axis or both; see ph_figure_layout(). */
struct ph_figure_options {
	const char *title;
	const char *x_title, *y_title, *z_title;
	const char *x_type, *y_type; /* "linear", "log", "date", "category" */
	const struct ph_value *x_range, *y_range; /* PH_LIST(low, high) */
	const char *bar_mode;   /* "stack", "group", "overlay" */
	const char *hover_mode; /* "x unified", "closest" */
	const char *style;    /* "light", "dark", "plain"; NULL: plotly's own */
	const char *revision; /* what the user zoomed stays while it is equal */
	double height;        /* pixels; 0: that of the component */
	double margin;        /* pixels on all sides; 0: plotly's own */
	enum ph_bool show_legend;
	enum ph_bool second_y;       /* a second y axis "y2" at the right */
	const struct ph_value *more; /* an object of further members */
	bool ph_end_;
};

struct ph_figure_host {
	uint32_t size;
	struct ph_figure *(*make)(void);
	void (*trace)(struct ph_figure *figure, const char *type,
	    const struct ph_trace *trace);
	void (*layout)(struct ph_figure *figure,
	    const struct ph_figure_options *options);
	void (*set)(struct ph_figure *figure, const char *path,
	    const struct ph_value *value);
	const struct ph_value *(*value)(struct ph_figure *figure);
	const struct ph_value *(
	    *grid)(const double *cells, size_t rows, size_t columns);
};

/* An empty figure. Lives as long as the call. */
PH_TWO_NAMES_
static inline struct ph_figure *
ph_figure(void)
{
	return ph_host_->figure->make();
}
PH_TWO_NAMES_END_

/* The figure so far, for ph_output(). */
static inline const struct ph_value *
ph_figure_value(struct ph_figure *figure)
{
	return ph_host_->figure->value(figure);
}

/* Set anything, by plotly's own names; what leads there is made, lists, too:
 * the index behind the last one appends. */
static inline void
ph_figure_set(struct ph_figure *figure, const char *path,
    const struct ph_value *value)
{
	ph_host_->figure->set(figure, path, value);
}

/* `rows` x `columns` numbers, row by row, as z of a heatmap or surface. */
static inline const struct ph_value *
ph_grid(const double *cells, size_t rows, size_t columns)
{
	return ph_host_->figure->grid(cells, rows, columns);
}

/* Titles, axes, margins: ph_figure_layout(figure, .title = "Trips") */
#define ph_figure_layout(...) ph_figure_layout_(__VA_ARGS__, .ph_end_ = false)
#define ph_figure_layout_(figure, ...) \
	ph_figure_arrange_(figure, PH_WITH_(ph_figure_options, __VA_ARGS__))
static inline void
ph_figure_arrange_(struct ph_figure *figure, struct ph_figure_options options)
{
	ph_host_->figure->layout(figure, &options);
}

/* A trace of any type of plotly's: ph_trace(figure, "funnel", .x = ...) */
#define ph_trace(...) ph_trace_(__VA_ARGS__, .ph_end_ = false)
#define ph_trace_(figure, type, ...) \
	ph_trace_add_(figure, type, PH_WITH_(ph_trace, __VA_ARGS__))
static inline void
ph_trace_add_(struct ph_figure *figure, const char *type, struct ph_trace trace)
{
	ph_host_->figure->trace(figure, type, &trace);
}

/* Points and lines; from some 10,000 points on ph_scattergl() is quicker. */
#define ph_scatter(figure, ...) ph_trace(figure, "scatter", __VA_ARGS__)
#define ph_scattergl(figure, ...) ph_trace(figure, "scattergl", __VA_ARGS__)
#define ph_line(figure, ...) \
	ph_trace(figure, "scatter", .mode = "lines", __VA_ARGS__)
#define ph_bar(figure, ...) ph_trace(figure, "bar", __VA_ARGS__)
/* The browser counts: give .x, or .y for lying bars. */
#define ph_histogram(figure, ...) ph_trace(figure, "histogram", __VA_ARGS__)
#define ph_histogram2d(figure, ...) ph_trace(figure, "histogram2d", __VA_ARGS__)
#define ph_histogram2dcontour(figure, ...) \
	ph_trace(figure, "histogram2dcontour", __VA_ARGS__)
#define ph_heatmap(figure, ...) ph_trace(figure, "heatmap", __VA_ARGS__)
#define ph_contour(figure, ...) ph_trace(figure, "contour", __VA_ARGS__)
#define ph_box(figure, ...) ph_trace(figure, "box", __VA_ARGS__)
#define ph_violin(figure, ...) ph_trace(figure, "violin", __VA_ARGS__)
#define ph_pie(figure, ...) ph_trace(figure, "pie", __VA_ARGS__)
#define ph_candlestick(figure, ...) ph_trace(figure, "candlestick", __VA_ARGS__)
#define ph_surface(figure, ...) ph_trace(figure, "surface", __VA_ARGS__)
#define ph_scatter3d(figure, ...) ph_trace(figure, "scatter3d", __VA_ARGS__)
/*
 * Maps without tiles and without any other server: shapes come as .geojson of
 * the app's own, and plotly's world map, which it would fetch, is off.
 */
#define ph_scattergeo(figure, ...) ph_trace(figure, "scattergeo", __VA_ARGS__)
#define ph_choropleth(figure, ...) ph_trace(figure, "choropleth", __VA_ARGS__)

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
