/* SPDX-License-Identifier: MIT */

/*
 * The functions behind <pronghorn/data.h>: they build in the arena of the
 * call that runs on this thread, as those of host_value.c do.
 *
 * THREADS  Whatever thread runs the call.
 */
#include "worker/host_data.h"

#include <math.h>
#include <string.h>

#include "worker/frame.h"
#include "worker/json_read.h"
#include "worker/json_write.h"
#include "worker/series.h"

#define TABLE_COLUMNS 64 /* of PH_TABLE() */

/* A fresh value, or null with the reason noted in the call. */
static const struct ph_value *
made(struct call *call, const char *function, const struct value *value,
    const char *why)
{
	if (value != NULL)
		return host_give(value);
	if (call != NULL)
		call_error(call, "%s: %s: %s", call->name, function,
		    why != NULL
			? why
			: "out of memory (limit_request_memory bounds a call)");
	return host_give(&call_null_value);
}

static const struct ph_value *
data_array(enum ph_array_type type, const void *items, size_t count)
{
	struct call *call = call_current();

	if (call == NULL)
		return host_give(&call_null_value);
	if (items == NULL && count > 0) {
		call_mistake(call, "%s: an array: %zu items at NULL",
		    call->name, count);
		return host_give(&call_null_value);
	}
	return made(call, "an array",
	    frame_array(call->arena, type, items, count), NULL);
}

static size_t
data_numbers_of(const struct ph_value *value, const double **numbers)
{
	struct call *call = call_current();
	size_t count = 0;

	*numbers = NULL;
	if (call == NULL ||
	    !frame_numbers(call->arena, host_take(value), numbers, &count))
		return 0;
	return count;
}

static const struct ph_value *
data_list_of(const struct ph_value *value)
{
	struct call *call = call_current();

	if (call == NULL)
		return host_give(&call_null_value);
	return made(call, "ph_list_of()",
	    frame_list(call->arena, host_take(value)), NULL);
}

static const struct ph_value *
data_table_new(const char *const *names, const struct ph_value *const *columns,
    size_t count)
{
	struct call *call = call_current();
	const struct value *taken[TABLE_COLUMNS];
	const struct value *table;
	const char *why = NULL;
	size_t i;

	if (call == NULL)
		return host_give(&call_null_value);
	if (count > TABLE_COLUMNS)
		return made(call, "PH_TABLE()", NULL, "more than 64 columns");
	for (i = 0; i < count; i++) {
		if (!host_is_named("PH_TABLE()", names[i]))
			return host_give(&call_null_value);
		taken[i] = host_take(columns[i]);
	}
	table = frame_table(call->arena, names, taken, count, &why);
	return made(call, "PH_TABLE()", table, why);
}

/* JSON of a browser, within what a request may have anyway. */
static struct value *
parse_json(struct call *call, const struct value *text)
{
	struct json_limits limits = { 128, 10000000, 10000000, false, true };
	struct value *value = NULL;
	const char *why;

	if (text->kind != VALUE_TEXT && text->kind != VALUE_JSON)
		return NULL;
	if (json_read(text->u.text, text->count, &limits, call->arena, &value,
		&why) < 0)
		return NULL;
	return value;
}

static const struct ph_value *
data_json_parse(const struct ph_value *text)
{
	struct call *call = call_current();
	const struct value *value = NULL;

	if (call != NULL)
		value = parse_json(call, host_take(text));
	return value != NULL ? host_give(value) : NULL;
}

static const struct ph_value *
data_json_text(const struct ph_value *ph)
{
	struct call *call = call_current();
	const struct value *text = NULL;
	const char *why = NULL;
	struct buf json;

	if (call == NULL)
		return host_give(&call_null_value);
	buf_init(&json, (size_t)call->kit->options->limit_request_memory);
	if (json_write_typed(host_take(ph), &json, &why) == 0)
		text = value_text(call->arena, json.data, json.len);
	buf_free(&json);
	return made(call, "ph_json_text()", text, why);
}

static const struct ph_value *
data_table_of(const struct ph_value *ph)
{
	struct call *call = call_current();
	const struct value *value = host_take(ph);
	const char *why;

	if (call == NULL)
		return NULL;
	if (value->kind == VALUE_TEXT || value->kind == VALUE_JSON)
		value = parse_json(call, value);
	if (value != NULL)
		value = frame_parse(call->arena, value, &why);
	return value != NULL ? host_give(value) : NULL;
}

/* The table; NULL: noted in the call that it is none. */
static const struct value_table *
take_table(struct call *call, const char *function, const struct ph_value *ph)
{
	const struct value *value = host_take(ph);

	if (value->kind == VALUE_TABLE)
		return value->u.table;
	if (call != NULL)
		call_error(call, "%s: %s takes a table, not %s", call->name,
		    function, value_kind_name((enum value_kind)value->kind));
	return NULL;
}

static const struct ph_value *
data_split(const struct ph_value *ph)
{
	struct call *call = call_current();
	const struct value_table *table = take_table(call, "ph_split()", ph);

	if (call == NULL || table == NULL)
		return host_give(&call_null_value);
	return made(call, "ph_split()", frame_split(call->arena, table), NULL);
}

static const struct ph_value *
data_columns(const struct ph_value *ph)
{
	struct call *call = call_current();
	const struct value_table *table = take_table(call, "ph_columns()", ph);

	if (call == NULL || table == NULL)
		return host_give(&call_null_value);
	return made(call, "ph_columns()", frame_columns(call->arena, table),
	    NULL);
}

static const struct ph_value *
data_csv(const struct ph_value *ph, const struct ph_csv_options *options)
{
	struct call *call = call_current();
	const struct value_table *table = take_table(call, "ph_csv()", ph);
	const struct value *text = NULL;
	struct buf csv;

	if (call == NULL || table == NULL)
		return host_give(&call_null_value);
	buf_init(&csv, (size_t)call->kit->options->limit_request_memory);
	if (frame_csv(table, options, &csv) == 0)
		text = value_text(call->arena, csv.len > 0 ? csv.data : "",
		    csv.len);
	buf_free(&csv);
	return made(call, "ph_csv()", text, NULL);
}

static const struct ph_value *
data_cell(const struct ph_value *ph, size_t row, const char *name)
{
	struct call *call = call_current();
	const struct value *value = host_take(ph);
	const struct value_column *column;
	struct value *cell;

	if (!host_is_named("ph_cell()", name) || call == NULL ||
	    value->kind != VALUE_TABLE)
		return host_give(&call_null_value);
	column = value_table_column(value->u.table, name);
	cell = column != NULL ? value_null(call->arena) : NULL;
	if (cell == NULL)
		return host_give(&call_null_value);
	*cell = frame_cell(call->arena, column, row);
	return host_give(cell);
}

/* --- downsampling ------------------------------------------------------------
 */

/* x and y at the indices kept. */
static const struct value *
pick_points(struct call *call, const double *x, const double *y,
    const uint32_t *keep, size_t kept, const char **why)
{
	static const char *const names[] = { "x", "y" };
	double *picked = arena_calloc(call->arena, 2 * kept + 1, sizeof(*x));
	const struct value *columns[2];
	size_t i;

	*why = NULL;
	if (picked == NULL)
		return NULL;
	for (i = 0; i < kept; i++) {
		picked[i] = x != NULL ? x[keep[i]] : (double)keep[i];
		picked[kept + i] = y[keep[i]];
	}
	columns[0] = frame_array(call->arena, PH_ARRAY_F64, picked, kept);
	columns[1] =
	    frame_array(call->arena, PH_ARRAY_F64, picked + kept, kept);
	if (columns[0] == NULL || columns[1] == NULL)
		return NULL;
	return frame_table(call->arena, names, columns, 2, why);
}

static const struct ph_value *
data_downsample(struct ph_call *ph, const struct ph_value *x,
    const struct ph_value *y, size_t points, enum ph_downsampling method)
{
	struct call *call = host_call(ph);
	const double *xs = NULL;
	const double *ys;
	const struct value *table;
	const char *why = NULL;
	uint32_t *keep;
	size_t count = data_numbers_of(y, &ys);
	size_t kept = 0;
	size_t i;

	if (!host_is_null(x) && data_numbers_of(x, &xs) != count)
		return made(call, "ph_downsample()", NULL,
		    "x and y differ in length");
	if (points < 3)
		points = 3;
	if (count <= points)
		points = count;
	keep = arena_calloc(call->arena, points + 1, sizeof(*keep));
	if (keep == NULL)
		return made(call, "ph_downsample()", NULL, NULL);
	if (count <= points) {
		for (i = 0; i < count; i++)
			keep[kept++] = (uint32_t)i;
	} else if (method == PH_MIN_MAX) {
		kept = series_min_max(ys, count, points, keep);
	} else {
		kept = series_lttb(xs, ys, count, points, keep);
	}
	table = pick_points(call, xs, ys, keep, kept, &why);
	return made(call, "ph_downsample()", table, why);
}

/* --- moments
 * ------------------------------------------------------------------- */

static const struct ph_value *
data_time(double seconds)
{
	char text[MOMENT_TEXT];

	moment_print(seconds, text);
	return text[0] != '\0' ? host_make_text(text, strlen(text))
			       : host_make_null();
}

static double
data_time_of(const struct ph_value *value)
{
	return moment_parse(host_text_of(value));
}

const struct ph_data_host host_data_table = {
	.size = sizeof(struct ph_data_host),
	.array = data_array,
	.numbers_of = data_numbers_of,
	.list_of = data_list_of,
	.table_new = data_table_new,
	.table_of = data_table_of,
	.split = data_split,
	.columns = data_columns,
	.csv = data_csv,
	.cell = data_cell,
	.read_csv = host_read_csv,
	.import_csv = host_import_csv,
	.table_page = host_table_page,
	.downsample = data_downsample,
	.json_text = data_json_text,
	.json_parse = data_json_parse,
	.time = data_time,
	.time_of = data_time_of,
};
