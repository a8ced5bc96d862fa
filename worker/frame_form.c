/* SPDX-License-Identifier: MIT */

/*
 * A table as split, as columns, as CSV. See frame.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "worker/csv.h"
#include "worker/frame.h"
#include "worker/json_write.h"

static void
set_name(struct value_member *member, const char *name)
{
	member->name = name;
	member->name_len = (uint32_t)strlen(name);
}

static bool
fill_names(struct value *list, const struct value_table *table)
{
	uint32_t i;

	if (list == NULL)
		return false;
	for (i = 0; i < table->column_count; i++) {
		list->u.items[i].kind = VALUE_TEXT;
		list->u.items[i].u.text = table->columns[i].name;
		list->u.items[i].count = table->columns[i].name_len;
	}
	return true;
}

const struct value *
frame_split(struct arena *arena, const struct value_table *table)
{
	struct value *object = value_object(arena, 3);
	struct value *names = value_array(arena, table->column_count);
	struct value *index = value_array(arena, table->row_count);
	struct value *data = value_array(arena, table->row_count);
	struct value *row;
	uint32_t i;
	uint32_t j;

	if (object == NULL || !fill_names(names, table) || index == NULL ||
	    data == NULL)
		return NULL;
	for (i = 0; i < table->row_count; i++) {
		index->u.items[i].kind = VALUE_INT;
		index->u.items[i].u.integer = i;
		row = value_array(arena, table->column_count);
		if (row == NULL)
			return NULL;
		for (j = 0; j < table->column_count; j++)
			row->u.items[j] =
			    frame_cell(arena, &table->columns[j], i);
		data->u.items[i] = *row;
	}
	set_name(&object->u.members[0], "columns");
	object->u.members[0].value = *names;
	set_name(&object->u.members[1], "index");
	object->u.members[1].value = *index;
	set_name(&object->u.members[2], "data");
	object->u.members[2].value = *data;
	return object;
}

const struct value *
frame_columns(struct arena *arena, const struct value_table *table)
{
	struct value *object = value_object(arena, table->column_count);
	struct value column = { .kind = VALUE_COLUMN };
	const struct value *list;
	uint32_t i;

	for (i = 0; object != NULL && i < table->column_count; i++) {
		column.u.column = &table->columns[i];
		list = frame_list(arena, &column);
		if (list == NULL)
			return NULL;
		object->u.members[i].name = table->columns[i].name;
		object->u.members[i].name_len = table->columns[i].name_len;
		object->u.members[i].value = *list;
	}
	return object;
}

/* --- CSV ---------------------------------------------------------------------
 */

/* Quoted when a reader could take it for something else: for a number or a
 * missing value, too. */
static void
put_csv_text(const char *text, size_t len, char separator, char decimal,
    struct buf *out)
{
	struct csv_field field = { text, len, false };
	const char *end = text + len;
	const char *at;
	bool quote = csv_widen(CSV_EMPTY, &field, decimal) != CSV_TEXT;

	for (at = text; at < end && !quote; at++)
		quote = *at == separator || *at == '"' || *at == '\n' ||
			*at == '\r';
	if (!quote) {
		(void)buf_put(out, text, len);
		return;
	}
	(void)buf_putc(out, '"');
	for (at = text; at < end; at++) {
		if (*at == '"')
			(void)buf_putc(out, '"');
		(void)buf_putc(out, *at);
	}
	(void)buf_putc(out, '"');
}

static void
put_csv_number(double number, char decimal, struct buf *out)
{
	size_t from = out->len;
	char *point;

	if (!isfinite(number))
		return; /* missing */
	(void)json_write_number(number, out);
	if (decimal == '.' || !buf_ok(out))
		return;
	point = memchr(out->data + from, '.', out->len - from);
	if (point != NULL)
		*point = decimal;
}

static void
put_csv_cell(const struct value_column *column, uint32_t row, char separator,
    char decimal, struct buf *out)
{
	const struct value_text *text;

	switch (column->type) {
	case VALUE_COLUMN_I64:
		(void)buf_printf(out, "%" PRId64, column->u.integers[row]);
		return;
	case VALUE_COLUMN_F64:
		put_csv_number(column->u.numbers[row], decimal, out);
		return;
	case VALUE_COLUMN_F32:
		put_csv_number((double)column->u.floats[row], decimal, out);
		return;
	default:
		text = &column->u.texts[row];
		if (text->text != NULL)
			put_csv_text(text->text, text->len, separator, decimal,
			    out);
		return;
	}
}

int
frame_csv(const struct value_table *table, const struct ph_csv_options *options,
    struct buf *out)
{
	char separator = options->separator != '\0' ? options->separator : ',';
	char decimal = options->decimal != '\0' ? options->decimal : '.';
	size_t before;
	uint32_t row;
	uint32_t i;

	for (i = 0; i < table->column_count && !options->no_header; i++) {
		if (i > 0)
			(void)buf_putc(out, separator);
		put_csv_text(table->columns[i].name, table->columns[i].name_len,
		    separator, decimal, out);
	}
	if (!options->no_header)
		(void)buf_putl(out, "\r\n");
	for (row = 0; row < table->row_count; row++) {
		before = out->len;
		for (i = 0; i < table->column_count; i++) {
			if (i > 0)
				(void)buf_putc(out, separator);
			put_csv_cell(&table->columns[i], row, separator,
			    decimal, out);
		}
		/* An empty line is no record. */
		if (table->column_count == 1 && out->len == before)
			(void)buf_putl(out, "\"\"");
		(void)buf_putl(out, "\r\n");
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}
