/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include <stdio.h>

/*
 * A few kinds of plots as SVG text. They set their own background, so that
 * they can be read on dark pages, too.
 * Layer: test. Threads: any.
 */
struct svg_line {
	const char *name;
	const double *x;
	const double *y;
	size_t count;
};

struct svg_axis {
	const char *label;
	const double *ticks; /* where; NULL: chosen */
	const char *const *names;
	size_t tick_count;
	int log; /* of y only */
};

/* Start and end a picture. */
void svg_open(FILE *file, double width, double height, const char *title);
void svg_close(FILE *file);

/* Lines over x, in a box. */
void svg_lines(FILE *file, double left, double top, double width, double height,
    const struct svg_axis *x, const struct svg_axis *y,
    const struct svg_line *lines, size_t count);

/* A table of numbers, the darker the better. */
struct svg_grid {
	const char *title;
	const char *row_label;
	const char *column_label;
	const unsigned *rows;
	const unsigned *columns;
	size_t row_count;
	size_t column_count;
	const double *values; /* row by row; negative: none */
	const char *unit;
	int less_is_better;
	size_t marked; /* index into values; SIZE_MAX: none */
};

void svg_heat(FILE *file, double left, double top, const struct svg_grid *grid);

#endif
