/* SPDX-License-Identifier: MIT */
#ifndef WORKER_FRAME_H
#define WORKER_FRAME_H

#include <math.h>
#include <pronghorn/data.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/value.h"
#include "server/base/arena.h"
#include "server/base/buf.h"

/*
 * Tables and arrays in other forms, and back from what a browser made of
 * them. See <pronghorn/data.h> for the forms.
 *
 * OWNERSHIP  Results live in the arena and may point into what they were made
 *            from.
 * THREADS    Any; nothing shared.
 * FAILURE    NULL: the arena is full, or, where `why` is given, *why says
 *            what is wrong with the argument (a static sentence).
 */

/* Does a double hold it? A column of numbers that are no integers, or with a
 * missing one, would round what is beyond 2^53: it is one of texts then. */
static inline bool
frame_is_exact(int64_t integer)
{
	return integer <= (INT64_C(1) << 53) && integer >= -(INT64_C(1) << 53);
}

/* A column without a name: a copy of `count` items. */
const struct value *frame_array(struct arena *arena, enum ph_array_type type,
    const void *items, size_t count);

/* An item of a list as a number; NaN when it is none. */
static inline double
frame_number(const struct value *item)
{
	if (item->kind == VALUE_INT)
		return (double)item->u.integer;
	return item->kind == VALUE_DOUBLE ? item->u.number : NAN;
}

/* The numbers of a list, a column or a typed array of the browser's. False:
 * it is none of them, or the arena is full. */
bool frame_numbers(struct arena *arena, const struct value *value,
    const double **numbers, size_t *count);

/* A column or typed array as a list; anything else is given back. */
const struct value *frame_list(struct arena *arena, const struct value *value);

/* A cell as a value; null when it is missing or beyond the end. */
struct value frame_cell(struct arena *arena, const struct value_column *column,
    size_t row);

/* A table of lists, columns and typed arrays of equal length. */
const struct value *frame_table(struct arena *arena, const char *const *names,
    const struct value *const *columns, size_t count, const char **why);

/* A table from records, from frame_split()'s or frame_columns()'s form. */
const struct value *frame_parse(struct arena *arena, const struct value *value,
    const char **why);

const struct value *frame_split(struct arena *arena,
    const struct value_table *table);
const struct value *frame_columns(struct arena *arena,
    const struct value_table *table);

/* Append the table as CSV, lines ended by CRLF (RFC 4180). 0 or -ENOMEM. */
int frame_csv(const struct value_table *table,
    const struct ph_csv_options *options, struct buf *out);

#endif
