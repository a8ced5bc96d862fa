/* SPDX-License-Identifier: MIT */
#ifndef PRONGHORN_DATA_H
#define PRONGHORN_DATA_H

/*
 * Data: arrays of numbers, tables, CSV, dates, JSON as text.
 * Included by <pronghorn/app.h>, which says what holds for all of this.
 *
 * A table is what ph_query() and ph_read_csv() give: named, typed columns of
 * equal length. As an output it is a list of records (what DataTable's `data`
 * takes); ph_split(), ph_columns() and ph_csv() give it other forms, and
 * ph_member(table, "x") is one column. Filtering, sorting, grouping and
 * joining are SQL's work: see ph_query().
 *
 * A column has one type. One of SQLite's in which numbers and texts are mixed
 * is one of texts, the numbers as they are written: CAST() it in the query. So
 * is one with an integer beyond 2^53 and a missing or broken number, which as
 * numbers would round it.
 *
 * A column, and an array made by ph_doubles() and its kin, reaches a figure as
 * a typed array, which is a quarter of the bytes of a list and is not parsed;
 * in any other property of a component, and in a route's JSON, it is a list.
 */
#include <pronghorn/app.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ph_read_csv(call, .path = "trips.csv", .separator = ';') */
struct ph_csv_options {
	const char *path;            /* the file; relative to where the server
					runs (see chdir) */
	const struct ph_value *text; /* or: the content itself, a text */
	char separator;              /* 0: , ; tab or |, as the first line */
	char decimal;                /* 0: a point */
	bool no_header;  /* the first line is data; columns are c1, c2 ... */
	bool texts_only; /* numbers stay texts */
	bool ph_end_;
};

/* ph_table_page(call, "trips", .page = ..., .size = ...): see there */
struct ph_table_page_options {
	const char *columns;           /* what to select; NULL: all */
	const struct ph_value *page;   /* page_current, from 0 */
	const struct ph_value *size;   /* page_size; null: 50; at most 10,000 */
	const struct ph_value *sort;   /* sort_by */
	const struct ph_value *filter; /* filter_query */
	const char *order;             /* when nothing is to be sorted by; as
					  behind ORDER BY */
	int64_t *pages;                /* receives page_count */
	int64_t *rows;                 /* receives how many rows pass */
	bool ph_end_;
};

enum ph_downsampling {
	PH_LTTB,   /* largest triangle three buckets: keeps the shape */
	PH_MIN_MAX /* least and greatest of each bucket: keeps every spike */
};

enum ph_array_type { PH_ARRAY_F64, PH_ARRAY_F32, PH_ARRAY_I64, PH_ARRAY_I32 };

struct ph_data_host {
	uint32_t size;
	const struct ph_value *(
	    *array)(enum ph_array_type type, const void *items, size_t count);
	size_t (
	    *numbers_of)(const struct ph_value *value, const double **numbers);
	const struct ph_value *(*list_of)(const struct ph_value *value);
	const struct ph_value *(*table_new)(const char *const *names,
	    const struct ph_value *const *columns, size_t count);
	const struct ph_value *(*table_of)(const struct ph_value *value);
	const struct ph_value *(*split)(const struct ph_value *table);
	const struct ph_value *(*columns)(const struct ph_value *table);
	const struct ph_value *(*csv)(const struct ph_value *table,
	    const struct ph_csv_options *options);
	const struct ph_value *(*cell)(const struct ph_value *table, size_t row,
	    const char *column);
	const struct ph_value *(*read_csv)(struct ph_call *call,
	    const struct ph_csv_options *options);
	enum ph_status (*import_csv)(struct ph_call *call, const char *table,
	    const struct ph_csv_options *options);
	const struct ph_value *(*table_page)(struct ph_call *call,
	    const char *table, const struct ph_table_page_options *options);
	const struct ph_value *(*downsample)(struct ph_call *call,
	    const struct ph_value *x, const struct ph_value *y, size_t points,
	    enum ph_downsampling method);
	const struct ph_value *(*json_text)(const struct ph_value *value);
	const struct ph_value *(*json_parse)(const struct ph_value *text);
	const struct ph_value *(*time)(double seconds);
	double (*time_of)(const struct ph_value *value);
};

/* ---- lists -------------------------------------------------------------- */

/* A list of `count` values out of an array. */
static inline const struct ph_value *
ph_list(const struct ph_value *const *items, size_t count)
{
	return ph_host_->make_list(items, count);
}

/* ---- arrays of numbers --------------------------------------------------- */

/* A copy of `count` numbers: in a figure one typed array, elsewhere in a page
 * a list. NaN is a missing number. */
static inline const struct ph_value *
ph_doubles(const double *items, size_t count)
{
	return ph_host_->data->array(PH_ARRAY_F64, items, count);
}

/* The same in half the bytes: 7 digits are enough for a screen. */
static inline const struct ph_value *
ph_floats(const float *items, size_t count)
{
	return ph_host_->data->array(PH_ARRAY_F32, items, count);
}

/* Integers travel in the fewest bytes that hold all of them; with one beyond
 * 2^53, which a browser would change, as a list, where that one is a text. */
static inline const struct ph_value *
ph_int64s(const int64_t *items, size_t count)
{
	return ph_host_->data->array(PH_ARRAY_I64, items, count);
}

/* A column of `count` integers of 32 bits, copied. */
static inline const struct ph_value *
ph_int32s(const int32_t *items, size_t count)
{
	return ph_host_->data->array(PH_ARRAY_I32, items, count);
}

/*
 * The numbers of a list, an array, a column, or of a typed array that came
 * from the browser ({ "dtype", "bdata" }). Returns how many; *numbers lives
 * as long as the call; what is not a number is NaN there. 0 for anything else.
 */
static inline size_t
ph_numbers_of(const struct ph_value *value, const double **numbers)
{
	return ph_host_->data->numbers_of(value, numbers);
}

/* An array, column or typed array as a plain list; others as they are. */
static inline const struct ph_value *
ph_list_of(const struct ph_value *value)
{
	return ph_host_->data->list_of(value);
}

/* ---- tables ----------------------------------------------------------------
 */

/*
 * A table of columns that are given as arrays, columns or lists of equal
 * length: PH_TABLE({ "t", ph_doubles(t, n) }, { "name", names }).
 */
#define PH_TABLE(...) \
	ph_table_new_(PH_ARRAY_(struct ph_member, __VA_ARGS__, PH_END_MEMBER_))
static inline const struct ph_value *
ph_table_new_(const struct ph_member *members)
{
	size_t count = ph_count_members_(members);
	const char *names[64];
	const struct ph_value *columns[64];
	size_t i;

	for (i = 0; i < count && i < 64; i++) {
		names[i] = members[i].name;
		columns[i] = members[i].value;
	}
	return ph_host_->data->table_new(names, columns, count);
}

/*
 * A table again from what ph_split(), ph_columns() or a table itself became
 * in the browser: an object or list, or its JSON text. Records need not have
 * the same names: the columns are those of all of them, in the order in which
 * they are seen first, and what a record lacks is missing. A split may lack its
 * "index": {"columns":["a"],"data":[[1],[2]]}. NULL when it is none of these,
 * or a row of a split has too many cells or too few: anything can come from a
 * browser.
 */
static inline const struct ph_value *
ph_table_of(const struct ph_value *value)
{
	return ph_host_->data->table_of(value);
}

/* { "columns": [names], "index": [0, 1, ...], "data": [[row], ...] } */
static inline const struct ph_value *
ph_split(const struct ph_value *table)
{
	return ph_host_->data->split(table);
}

/* { "x": [values], "y": [values] } */
static inline const struct ph_value *
ph_columns(const struct ph_value *table)
{
	return ph_host_->data->columns(table);
}

/* The table as CSV, a text: .separator, .decimal, .no_header. What is missing
 * is nothing between separators, and "" where there is one column only. */
#define ph_csv(...) ph_csv_(__VA_ARGS__, .ph_end_ = false)
#define ph_csv_(table, ...) \
	ph_csv_text_(table, PH_WITH_(ph_csv_options, __VA_ARGS__))
static inline const struct ph_value *
ph_csv_text_(const struct ph_value *table, struct ph_csv_options options)
{
	return ph_host_->data->csv(table, &options);
}

/* One cell, rows counted from 0; null beyond the end. */
static inline const struct ph_value *
ph_cell(const struct ph_value *table, size_t row, const char *column)
{
	return ph_host_->data->cell(table, row, column);
}

/*
 * Read CSV into a table. Types are found by reading all of it: a column of
 * integers, of numbers, or of texts. Nothing between two separators, NA, N/A,
 * NaN and null are missing, "" where there is one column only; 007 is a text.
 * Integers are never rounded: with one of more than 64 bits a column is one of
 * texts, and with one beyond 2^53 when others of its fields are missing or no
 * integers. A mistake (no such file, a quote not closed, a line with too many
 * fields) is an error with its line; ph_null() is given. The result is bounded
 * by limit_request_memory.
 */
#define ph_read_csv(call, ...) \
	ph_read_csv_(call, PH_WITH_(ph_csv_options, __VA_ARGS__))
static inline const struct ph_value *
ph_read_csv_(struct ph_call *call, struct ph_csv_options options)
{
	return ph_host_->data->read_csv(call, &options);
}

/*
 * In a create function (see ph_database()): make the table `table` from CSV,
 * however large, with the types ph_read_csv() would find; in a column of
 * integers some may be missing.
 *	ph_import_csv(call, "trips", .path = "trips.csv");
 */
#define ph_import_csv(call, table, ...) \
	ph_import_csv_(call, table, PH_WITH_(ph_csv_options, __VA_ARGS__))
static inline enum ph_status
ph_import_csv_(struct ph_call *call, const char *table,
    struct ph_csv_options options)
{
	return ph_host_->data->import_csv(call, table, &options);
}

/*
 * One page of a database table for a DataTable whose page_action, sort_action
 * and filter_action are "custom": sorted by its sort_by, filtered by its
 * filter_query, both checked against the table's own columns, so nothing from
 * the browser ever becomes SQL. The same rows pass as when the table filters by
 * itself: each cell counts by what it is, so {code} = 5 finds the text '5.0',
 * and what is missing passes != and !(...). Only integers are exact here, those
 * beyond 2^53 too. A filter that is not understood (it begins with a value,
 * compares two columns, or asks `is prime`) passes no row and is logged. Upper
 * and lower case are those of Unicode. Either way it is sorted, what is missing
 * comes last.
 * Where a column of the table mixes numbers and texts, filter and sort order go
 * by what each cell is to SQLite, and the cells of a page are those of a query
 * for that page: texts when one of them is a text, numbers on a page without
 * one. ph_query() of the whole table makes texts of all, so there {any} is str,
 * is even, <, s> and contains pass other rows. A column declared as TEXT has
 * texts only, and then all of this is the same everywhere.
 *	ph_table_page(call, "trips", .page = ph_input(call, "t.page_current"),
 *	    .size = ph_input(call, "t.page_size"),
 *	    .sort = ph_input(call, "t.sort_by"),
 *	    .filter = ph_input(call, "t.filter_query"), .pages = &pages)
 */
#define ph_table_page(call, ...) \
	ph_table_page_of_(call, __VA_ARGS__, .ph_end_ = false)
#define ph_table_page_of_(call, table, ...) \
	ph_table_page_(call, table,         \
	    PH_WITH_(ph_table_page_options, __VA_ARGS__))
static inline const struct ph_value *
ph_table_page_(struct ph_call *call, const char *table,
    struct ph_table_page_options options)
{
	return ph_host_->data->table_page(call, table, &options);
}

/*
 * A long series in about `points` points, as a table with the columns x and
 * y. x and y are what ph_numbers_of() takes, x ascending; x may be NULL for
 * 0, 1, 2 ... A series that is short enough is given back whole. LTTB: Sveinn
 * Steinarsson, "Downsampling Time Series for Visual Representation" (2013).
 */
static inline const struct ph_value *
ph_downsample(struct ph_call *call, const struct ph_value *x,
    const struct ph_value *y, size_t points, enum ph_downsampling method)
{
	return ph_host_->data->downsample(call, x, y, points, method);
}

/* ---- texts ----------------------------------------------------------------
 */

/* The JSON of a value, as a text. */
static inline const struct ph_value *
ph_json_text(const struct ph_value *value)
{
	return ph_host_->data->json_text(value);
}

/* A text's JSON as a value, with integers as ph_json() reads them; NULL when it
 * is not JSON. */
static inline const struct ph_value *
ph_json_parse(const struct ph_value *text)
{
	return ph_host_->data->json_parse(text);
}

/* Seconds since 1970 (UTC) as the text plotly and dcc take for a date:
 * 2026-11-27T23:33:40.125, without the fraction when it is zero. */
static inline const struct ph_value *
ph_time(double seconds)
{
	return ph_host_->data->time(seconds);
}

/* The way back: dates with or without time, fraction, Z or +hh:mm; without a
 * zone it is UTC. NaN when it is none. */
static inline double
ph_time_of(const struct ph_value *text)
{
	return ph_host_->data->time_of(text);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
