/* SPDX-License-Identifier: MIT */

/*
 * Plots. Colours differ in brightness as well, so that they can be told
 * apart in print and by everyone.
 */
#include "test/bench/svg.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static const char *const colours[] = { "#1b6ca8", "#d1495b", "#2e7d32",
	"#8e5ea2", "#b8860b", "#444444", "#00838f", "#c2185b" };

#define COLOURS (sizeof(colours) / sizeof(colours[0]))

struct box {
	double left;
	double top;
	double width;
	double height;
	double x_min;
	double x_max;
	double y_min;
	double y_max;
	int log;
};

static void
put_text(FILE *file, double x, double y, const char *anchor, int size,
    const char *text)
{
	(void)fprintf(file,
	    "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" "
	    "font-size=\"%d\">",
	    x, y, anchor, size);
	for (; *text != '\0'; text++) {
		if (*text == '<')
			(void)fputs("&lt;", file);
		else if (*text == '&')
			(void)fputs("&amp;", file);
		else
			(void)fputc(*text, file);
	}
	(void)fputs("</text>\n", file);
}

void
svg_open(FILE *file, double width, double height, const char *title)
{
	(void)fprintf(file,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
	    "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
	    "font-family=\"sans-serif\" fill=\"#222\">\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
	    width, height, width, height);
	put_text(file, width / 2, 22, "middle", 15, title);
}

void
svg_close(FILE *file)
{
	(void)fputs("</svg>\n", file);
}

static double
place_x(const struct box *box, double x)
{
	double span = box->x_max - box->x_min;

	return box->left +
	       (span > 0 ? (x - box->x_min) / span * box->width : 0);
}

static double
place_y(const struct box *box, double y)
{
	double low = box->log ? log10(box->y_min) : box->y_min;
	double high = box->log ? log10(box->y_max) : box->y_max;
	double at = box->log ? log10(y > box->y_min ? y : box->y_min) : y;

	return box->top + box->height -
	       (high > low ? (at - low) / (high - low) * box->height : 0);
}

/* 1, 2 or 5 times a power of ten, for about five ticks. */
static double
nice_step(double span)
{
	double raw = span / 5;
	double power = pow(10, floor(log10(raw > 0 ? raw : 1)));
	double digit = raw / power;

	return power * (digit > 5 ? 10 : digit > 2 ? 5 : digit > 1 ? 2 : 1);
}

static void
put_y_tick(FILE *file, const struct box *box, double y)
{
	char text[32];
	double at = place_y(box, y);

	(void)snprintf(text, sizeof(text), "%g", y);
	(void)fprintf(file,
	    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" "
	    "stroke=\"#ddd\"/>\n",
	    box->left, box->left + box->width, at, at);
	put_text(file, box->left - 6, at + 4, "end", 11, text);
}

static void
put_x_tick(FILE *file, const struct box *box, double x, const char *name)
{
	double at = place_x(box, x);

	(void)fprintf(file,
	    "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" "
	    "stroke=\"#888\"/>\n",
	    at, at, box->top + box->height, box->top + box->height + 4);
	put_text(file, at, box->top + box->height + 17, "middle", 11, name);
}

static void
put_axes(FILE *file, const struct box *box, const struct svg_axis *x,
    const struct svg_axis *y)
{
	double step;
	double at;
	char text[32];
	size_t i;

	if (box->log) {
		for (at = box->y_min; at <= box->y_max * 1.001; at *= 10)
			put_y_tick(file, box, at);
	} else {
		step = nice_step(box->y_max - box->y_min);
		for (at = box->y_min; at <= box->y_max * 1.001; at += step)
			put_y_tick(file, box, at);
	}
	for (i = 0; i < x->tick_count; i++)
		put_x_tick(file, box, x->ticks[i], x->names[i]);
	step = nice_step(box->x_max - box->x_min);
	for (at = box->x_min; x->tick_count == 0 && at <= box->x_max * 1.001;
	     at += step) {
		(void)snprintf(text, sizeof(text), "%g", at);
		put_x_tick(file, box, at, text);
	}
	(void)fprintf(file,
	    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
	    "fill=\"none\" stroke=\"#888\"/>\n",
	    box->left, box->top, box->width, box->height);
	put_text(file, box->left + box->width / 2, box->top + box->height + 34,
	    "middle", 12, x->label);
	put_text(file, box->left - 46, box->top - 8, "start", 12, y->label);
}

static void
fit(struct box *box, const struct svg_line *lines, size_t count)
{
	double y_min = DBL_MAX;
	double y_max = 0;
	size_t i;
	size_t j;

	box->x_min = DBL_MAX;
	box->x_max = -DBL_MAX;
	for (i = 0; i < count; i++) {
		for (j = 0; j < lines[i].count; j++) {
			box->x_min = fmin(box->x_min, lines[i].x[j]);
			box->x_max = fmax(box->x_max, lines[i].x[j]);
			y_max = fmax(y_max, lines[i].y[j]);
			if (lines[i].y[j] > 0)
				y_min = fmin(y_min, lines[i].y[j]);
		}
	}
	if (y_max <= 0) {
		y_min = 1;
		y_max = 1;
	}
	box->y_min = box->log ? pow(10, floor(log10(y_min))) : 0;
	box->y_max = box->log ? pow(10, ceil(log10(y_max))) : y_max * 1.08;
	if (box->log && box->y_max <= box->y_min)
		box->y_max = box->y_min * 10;
}

void
svg_lines(FILE *file, double left, double top, double width, double height,
    const struct svg_axis *x, const struct svg_axis *y,
    const struct svg_line *lines, size_t count)
{
	struct box box = { left, top, width, height, 0, 0, 0, 0, y->log };
	const char *colour;
	size_t i;
	size_t j;

	fit(&box, lines, count);
	put_axes(file, &box, x, y);
	for (i = 0; i < count; i++) {
		colour = colours[i % COLOURS];
		(void)fprintf(file,
		    "<polyline fill=\"none\" stroke=\"%s\" "
		    "stroke-width=\"1.8\" points=\"",
		    colour);
		for (j = 0; j < lines[i].count; j++)
			(void)fprintf(file, "%.1f,%.1f ",
			    place_x(&box, lines[i].x[j]),
			    place_y(&box, lines[i].y[j]));
		(void)fprintf(file,
		    "\"/>\n<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" "
		    "height=\"4\" fill=\"%s\"/>\n",
		    left + width + 10, top + 10 + 18 * (double)i, colour);
		put_text(file, left + width + 27, top + 16 + 18 * (double)i,
		    "start", 12, lines[i].name);
	}
}

/* ---- heat maps
 * -------------------------------------------------------------------- */

static void
put_cell(FILE *file, const struct svg_grid *grid, double x, double y,
    size_t index, double share)
{
	double value = grid->values[index];
	char text[48];

	(void)fprintf(file,
	    "<rect x=\"%.1f\" y=\"%.1f\" width=\"96\" height=\"44\" "
	    "fill=\"hsl(205,%d%%,%d%%)\" stroke=\"%s\" "
	    "stroke-width=\"%d\"/>\n",
	    x + 2, y + 2, value < 0 ? 0 : 60, (int)(96 - share * 50),
	    index == grid->marked ? "#d1495b" : "#fff",
	    index == grid->marked ? 3 : 1);
	if (value < 0)
		(void)snprintf(text, sizeof(text), "-");
	else
		(void)snprintf(text, sizeof(text),
		    value < 100 ? "%.2f %s" : "%.0f %s", value, grid->unit);
	(void)fprintf(file, "<g fill=\"%s\">", share > 0.6 ? "#fff" : "#222");
	put_text(file, x + 50, y + 29, "middle", 13, text);
	(void)fputs("</g>\n", file);
}

void
svg_heat(FILE *file, double left, double top, const struct svg_grid *grid)
{
	double low = DBL_MAX;
	double high = 0;
	double share;
	char text[64];
	size_t r;
	size_t c;
	size_t i;

	put_text(file, left, top - 26, "start", 13, grid->title);
	for (i = 0; i < grid->row_count * grid->column_count; i++) {
		if (grid->values[i] < 0)
			continue;
		low = fmin(low, grid->values[i]);
		high = fmax(high, grid->values[i]);
	}
	for (c = 0; c < grid->column_count; c++) {
		(void)snprintf(text, sizeof(text), "%u %s%s", grid->columns[c],
		    grid->column_label, grid->columns[c] == 1 ? "" : "s");
		put_text(file, left + 60 + 100 * (double)c + 50, top - 6,
		    "middle", 11, text);
	}
	for (r = 0; r < grid->row_count; r++) {
		(void)snprintf(text, sizeof(text), "%u %s%s", grid->rows[r],
		    grid->row_label, grid->rows[r] == 1 ? "" : "s");
		put_text(file, left + 52, top + 48 * (double)r + 28, "end", 11,
		    text);
		for (c = 0; c < grid->column_count; c++) {
			i = r * grid->column_count + c;
			share = high > low
				    ? (grid->values[i] - low) / (high - low)
				    : 0.5;
			if (grid->values[i] < 0)
				share = 0;
			else if (grid->less_is_better)
				share = 1 - share;
			put_cell(file, grid, left + 60 + 100 * (double)c,
			    top + 48 * (double)r, i, share);
		}
	}
}
