/* SPDX-License-Identifier: MIT */

/*
 * Arrays of numbers, and tables made of columns in any of their forms.
 *
 * A column is typed by all its cells: integers, numbers (missing ones are
 * NaN) or texts. A list that came from a browser says nothing about types, so
 * it is looked through once before it is copied.
 */
#include "worker/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/base64.h"
#include "worker/json_write.h"

static const struct value *
column_as_value(struct arena *arena, const struct value_column *column)
{
	struct value *value = value_null(arena);

	if (value == NULL)
		return NULL;
	value->kind = VALUE_COLUMN;
	value->u.column = column;
	return value;
}

const struct value *
frame_array(struct arena *arena, enum ph_array_type type, const void *items,
    size_t count)
{
	struct value_column *column = arena_calloc(arena, 1, sizeof(*column));
	size_t size = type == PH_ARRAY_F32 ? 4 : 8;
	char *copy = NULL;
	size_t i;

	if (count <= UINT32_MAX)
		copy = arena_alloc(arena, size * count + 1);
	if (column == NULL || copy == NULL)
		return NULL;
	if (type == PH_ARRAY_I32) {
		for (i = 0; i < count; i++)
			((int64_t *)(void *)copy)[i] =
			    ((const int32_t *)items)[i];
	} else if (count > 0) {
		memcpy(copy, items, size * count);
	}
	column->name = "";
	column->row_count = (uint32_t)count;
	column->u.numbers = (const double *)(const void *)copy;
	column->type = type == PH_ARRAY_F64   ? VALUE_COLUMN_F64
		       : type == PH_ARRAY_F32 ? VALUE_COLUMN_F32
					      : VALUE_COLUMN_I64;
	return column_as_value(arena, column);
}

/* --- numbers out of anything ------------------------------------------------
 */

static double
cell_number(const struct value_column *column, uint32_t row)
{
	switch (column->type) {
	case VALUE_COLUMN_F64:
		return column->u.numbers[row];
	case VALUE_COLUMN_F32:
		return (double)column->u.floats[row];
	case VALUE_COLUMN_I64:
		return (double)column->u.integers[row];
	default:
		return NAN;
	}
}

static double
item_number(const struct value *item)
{
	if (item->kind == VALUE_INT)
		return (double)item->u.integer;
	return item->kind == VALUE_DOUBLE ? item->u.number : NAN;
}

/* The types of plotly.js, and how one item becomes a double. */
static double
typed_item(const char *dtype, const char *at)
{
	union {
		int8_t i1;
		uint8_t u1;
		int16_t i2;
		uint16_t u2;
		int32_t i4;
		uint32_t u4;
		float f4;
		double f8;
	} item;

	memcpy(&item, at, (size_t)(dtype[1] - '0'));
	switch (dtype[0] * 16 + dtype[1] - '0') {
	case 'i' * 16 + 1:
		return item.i1;
	case 'i' * 16 + 2:
		return item.i2;
	case 'i' * 16 + 4:
		return item.i4;
	case 'u' * 16 + 1:
		return item.u1;
	case 'u' * 16 + 2:
		return item.u2;
	case 'u' * 16 + 4:
		return item.u4;
	case 'f' * 16 + 4:
		return (double)item.f4;
	default:
		return item.f8;
	}
}

/* Is it one of i1 i2 i4 u1 u2 u4 f4 f8? */
static bool
is_dtype(const struct value *value)
{
	static const char known[] = "i1 i2 i4 u1 u2 u4 f4 f8";

	return value != NULL && value->kind == VALUE_TEXT &&
	       value->count == 2 && strstr(known, value->u.text) != NULL &&
	       value->u.text[0] != ' ' && value->u.text[1] != ' ';
}

static bool
typed_numbers(struct arena *arena, const struct value *value,
    const double **numbers, size_t *count)
{
	const struct value *dtype = value_get(value, "dtype");
	const struct value *data = value_get(value, "bdata");
	struct buf bytes = BUF_EMPTY;
	double *copy = NULL;
	size_t size;
	size_t i;

	if (!is_dtype(dtype) || data == NULL || data->kind != VALUE_TEXT)
		return false;
	size = (size_t)(dtype->u.text[1] - '0');
	if (base64_decode(data->u.text, data->count, &bytes) == 0 &&
	    bytes.len % size == 0)
		copy = arena_calloc(arena, bytes.len / size + 1, sizeof(*copy));
	for (i = 0; copy != NULL && i < bytes.len / size; i++)
		copy[i] = typed_item(dtype->u.text, bytes.data + i * size);
	*numbers = copy;
	*count = bytes.len / size;
	buf_free(&bytes);
	return copy != NULL;
}

bool
frame_numbers(struct arena *arena, const struct value *value,
    const double **numbers, size_t *count)
{
	const struct value_column *column = value->u.column;
	double *copy;
	uint32_t i;

	*numbers = NULL;
	*count = 0;
	if (value->kind == VALUE_OBJECT)
		return typed_numbers(arena, value, numbers, count);
	if (value->kind != VALUE_ARRAY && value->kind != VALUE_COLUMN)
		return false;
	*count = value->kind == VALUE_ARRAY ? value->count : column->row_count;
	if (value->kind == VALUE_COLUMN && column->type == VALUE_COLUMN_F64) {
		*numbers = column->u.numbers;
		return true;
	}
	copy = arena_calloc(arena, *count + 1, sizeof(*copy));
	for (i = 0; copy != NULL && i < *count; i++)
		copy[i] = value->kind == VALUE_ARRAY
			      ? item_number(&value->u.items[i])
			      : cell_number(column, i);
	*numbers = copy;
	return copy != NULL;
}

struct value
frame_cell(struct arena *arena, const struct value_column *column, size_t row)
{
	struct value cell = { .kind = VALUE_NULL };
	const struct value_text *text;

	if (row >= column->row_count)
		return cell;
	if (column->type == VALUE_COLUMN_TEXT) {
		text = &column->u.texts[row];
		if (text->text == NULL)
			return cell;
		cell.u.text = arena_strndup(arena, text->text, text->len);
		cell.count = text->len;
		cell.kind = cell.u.text != NULL ? VALUE_TEXT : VALUE_NULL;
	} else if (column->type == VALUE_COLUMN_I64) {
		cell.kind = VALUE_INT;
		cell.u.integer = column->u.integers[row];
	} else {
		cell.u.number = cell_number(column, (uint32_t)row);
		if (!isnan(cell.u.number))
			cell.kind = VALUE_DOUBLE;
	}
	return cell;
}

const struct value *
frame_list(struct arena *arena, const struct value *value)
{
	const double *numbers;
	struct value *list;
	size_t count;
	size_t i;

	if (value->kind == VALUE_COLUMN) {
		list = value_array(arena, value->u.column->row_count);
		for (i = 0; list != NULL && i < list->count; i++)
			list->u.items[i] =
			    frame_cell(arena, value->u.column, i);
		return list;
	}
	if (value->kind != VALUE_OBJECT ||
	    !typed_numbers(arena, value, &numbers, &count))
		return value;
	list = value_array(arena, (uint32_t)count);
	for (i = 0; list != NULL && i < count; i++) {
		list->u.items[i].kind = VALUE_DOUBLE;
		list->u.items[i].u.number = numbers[i];
	}
	return list;
}

/* --- tables ------------------------------------------------------------------
 */

static enum value_column_type
type_of_items(const struct value *items, size_t step, size_t count)
{
	enum value_column_type type = VALUE_COLUMN_I64;
	size_t i;

	for (i = 0; i < count; i++, items += step) {
		if (items->kind == VALUE_DOUBLE || items->kind == VALUE_NULL)
			type = VALUE_COLUMN_F64;
		else if (items->kind != VALUE_INT)
			return VALUE_COLUMN_TEXT;
	}
	return type;
}

/* What is no text is written as JSON, so that nothing gets lost. */
static bool
text_of_item(struct arena *arena, const struct value *item,
    struct value_text *text)
{
	struct buf json = BUF_EMPTY;
	const char *why;

	text->text = NULL;
	text->len = 0;
	if (item->kind == VALUE_NULL)
		return true;
	if (item->kind == VALUE_TEXT) {
		text->text = item->u.text;
		text->len = item->count;
		return true;
	}
	if (json_write(item, &json, &why) == 0) {
		text->text = arena_strndup(arena, json.data, json.len);
		text->len = (uint32_t)json.len;
	}
	buf_free(&json);
	return text->text != NULL;
}

/* Fill *column from every `step`th item of `items`. */
static bool
column_of_items(struct arena *arena, const struct value *items, size_t step,
    size_t count, struct value_column *column)
{
	struct value_text *texts;
	double *numbers;
	int64_t *integers;
	size_t i;

	column->row_count = (uint32_t)count;
	column->type = (uint8_t)type_of_items(items, step, count);
	if (column->type == VALUE_COLUMN_TEXT) {
		texts = arena_calloc(arena, count + 1, sizeof(*texts));
		column->u.texts = texts;
		for (i = 0; texts != NULL && i < count; i++)
			if (!text_of_item(arena, &items[i * step], &texts[i]))
				return false;
		return texts != NULL;
	}
	if (column->type == VALUE_COLUMN_I64) {
		integers = arena_calloc(arena, count + 1, sizeof(*integers));
		column->u.integers = integers;
		for (i = 0; integers != NULL && i < count; i++)
			integers[i] = items[i * step].u.integer;
		return integers != NULL;
	}
	numbers = arena_calloc(arena, count + 1, sizeof(*numbers));
	column->u.numbers = numbers;
	for (i = 0; numbers != NULL && i < count; i++)
		numbers[i] = item_number(&items[i * step]);
	return numbers != NULL;
}

static bool
column_of(struct arena *arena, const struct value *value,
    struct value_column *column)
{
	size_t count;

	if (value->kind == VALUE_COLUMN) {
		column->type = value->u.column->type;
		column->row_count = value->u.column->row_count;
		column->u = value->u.column->u;
		return true;
	}
	if (value->kind == VALUE_ARRAY)
		return column_of_items(arena, value->u.items, 1, value->count,
		    column);
	column->type = VALUE_COLUMN_F64;
	if (value->kind != VALUE_OBJECT ||
	    !typed_numbers(arena, value, &column->u.numbers, &count))
		return false;
	column->row_count = (uint32_t)count;
	return true;
}

static struct value *
table_new(struct arena *arena, size_t columns, struct value_table **out)
{
	struct value_table *table = arena_calloc(arena, 1, sizeof(*table));
	struct value *value = value_null(arena);

	if (table == NULL || value == NULL)
		return NULL;
	table->columns =
	    arena_calloc(arena, columns + 1, sizeof(*table->columns));
	if (table->columns == NULL)
		return NULL;
	table->column_count = (uint32_t)columns;
	value->kind = VALUE_TABLE;
	value->u.table = table;
	*out = table;
	return value;
}

static bool
name_column(struct arena *arena, struct value_column *column, const char *name,
    size_t len)
{
	column->name = arena_strndup(arena, name, len);
	column->name_len = (uint32_t)len;
	return column->name != NULL;
}

/* A name and where it stands; sorted, so that looking one up is quick in a
 * table of any width. */
struct place {
	const char *name;
	uint32_t at;
};

static int
compare_places(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->name,
	    ((const struct place *)b)->name);
}

/* NULL: the arena is full. */
static struct place *
places_of(struct arena *arena, const char *const *names, size_t count)
{
	struct place *places = arena_calloc(arena, count + 1, sizeof(*places));
	size_t i;

	for (i = 0; places != NULL && i < count; i++)
		places[i] = (struct place){ names[i], (uint32_t)i };
	if (places != NULL && count > 0)
		qsort(places, count, sizeof(*places), compare_places);
	return places;
}

const struct value *
frame_table(struct arena *arena, const char *const *names,
    const struct value *const *columns, size_t count, const char **why)
{
	struct value_table *table;
	struct value *value = table_new(arena, count, &table);
	struct place *places = places_of(arena, names, count);
	size_t i;

	*why = "out of memory";
	if (value == NULL || places == NULL)
		return NULL;
	for (i = 1; i < count; i++) {
		if (compare_places(&places[i - 1], &places[i]) == 0) {
			*why = "two columns have the same name";
			return NULL;
		}
	}
	for (i = 0; i < count; i++) {
		if (!name_column(arena, &table->columns[i], names[i],
			strlen(names[i])))
			return NULL;
		if (!column_of(arena, columns[i], &table->columns[i])) {
			*why = "a column is an array, a column of a table or "
			       "a list";
			return NULL;
		}
		if (table->columns[i].row_count !=
		    table->columns[0].row_count) {
			*why = "the columns differ in length";
			return NULL;
		}
		table->row_count = table->columns[i].row_count;
	}
	return value;
}

/* Is every item a list of `width` values? */
static bool
are_rows(const struct value *data, uint32_t width)
{
	uint32_t i;

	for (i = 0; i < data->count; i++)
		if (data->u.items[i].kind != VALUE_ARRAY ||
		    data->u.items[i].count != width)
			return false;
	return true;
}

/* Cells row by row, in one piece, become columns. */
static const struct value *
table_of_cells(struct arena *arena, const struct value *names,
    const struct value *cells, size_t rows)
{
	size_t width = names->count;
	struct value_table *table;
	struct value *value = table_new(arena, width, &table);
	size_t i;

	for (i = 0; value != NULL && i < width; i++) {
		if (!name_column(arena, &table->columns[i],
			names->u.items[i].u.text, names->u.items[i].count) ||
		    !column_of_items(arena, cells + i, width, rows,
			&table->columns[i]))
			return NULL;
	}
	if (value != NULL)
		table->row_count = (uint32_t)rows;
	return value;
}

static const struct value *
parse_split(struct arena *arena, const struct value *names,
    const struct value *data, const char **why)
{
	struct value *cells;
	uint32_t i;

	for (i = 0; i < names->count; i++)
		if (names->u.items[i].kind != VALUE_TEXT)
			return NULL;
	if (!are_rows(data, names->count)) {
		*why = "a row has not as many cells as there are columns";
		return NULL;
	}
	cells = arena_calloc(arena, (size_t)data->count * names->count + 1,
	    sizeof(*cells));
	*why = "out of memory";
	if (cells == NULL)
		return NULL;
	for (i = 0; i < data->count && names->count > 0; i++)
		memcpy(cells + (size_t)i * names->count,
		    data->u.items[i].u.items, names->count * sizeof(*cells));
	return table_of_cells(arena, names, cells, data->count);
}

/* The cells of one record, each where its name says. */
static void
take_record(const struct value *record, const struct place *places,
    uint32_t width, struct value *cells)
{
	const struct value_member *member;
	const struct place *place;
	struct place key = { NULL, 0 };
	uint32_t i;

	for (i = 0; record->kind == VALUE_OBJECT && i < record->count; i++) {
		member = &record->u.members[i];
		key.name = member->name;
		place = bsearch(&key, places, width, sizeof(*places),
		    compare_places);
		if (place != NULL)
			cells[place->at] = member->value;
	}
}

/* The names of the first record are those of the table. */
static const struct value *
parse_records(struct arena *arena, const struct value *list, const char **why)
{
	const struct value *first = list->count > 0 ? list->u.items : NULL;
	struct place *places;
	struct value *names;
	struct value *cells;
	const char **texts;
	uint32_t width;
	uint32_t i;

	if (first != NULL && first->kind != VALUE_OBJECT)
		return NULL;
	*why = "out of memory";
	width = first != NULL ? first->count : 0;
	names = value_array(arena, width);
	texts = arena_calloc(arena, (size_t)width + 1, sizeof(*texts));
	cells = arena_calloc(arena, (size_t)list->count * width + 1,
	    sizeof(*cells));
	if (names == NULL || texts == NULL || cells == NULL)
		return NULL;
	for (i = 0; i < width; i++) {
		names->u.items[i].kind = VALUE_TEXT;
		names->u.items[i].u.text = first->u.members[i].name;
		names->u.items[i].count = first->u.members[i].name_len;
		texts[i] = first->u.members[i].name;
	}
	places = places_of(arena, texts, width);
	if (places == NULL)
		return NULL;
	for (i = 0; first != NULL && i < list->count; i++)
		take_record(&list->u.items[i], places, width,
		    cells + (size_t)i * width);
	return table_of_cells(arena, names, cells, list->count);
}

static const struct value *
parse_columns(struct arena *arena, const struct value *object, const char **why)
{
	const char **names;
	const struct value **columns;
	uint32_t i;

	names = arena_calloc(arena, object->count + 1, sizeof(*names));
	columns = arena_calloc(arena, object->count + 1, sizeof(*columns));
	if (names == NULL || columns == NULL) {
		*why = "out of memory";
		return NULL;
	}
	for (i = 0; i < object->count; i++) {
		names[i] = object->u.members[i].name;
		columns[i] = &object->u.members[i].value;
	}
	return frame_table(arena, names, columns, object->count, why);
}

/* Without the index columns may have these names, but no lists as cells. */
static bool
is_split(const struct value *object, const struct value *names,
    const struct value *data)
{
	if (names == NULL || names->kind != VALUE_ARRAY || data == NULL ||
	    data->kind != VALUE_ARRAY)
		return false;
	return value_get(object, "index") != NULL ||
	       (object->count == 2 && are_rows(data, names->count) &&
		   (names->count > 0 || data->count == 0));
}

const struct value *
frame_parse(struct arena *arena, const struct value *value, const char **why)
{
	const struct value *names = value_get(value, "columns");
	const struct value *data = value_get(value, "data");

	*why = "it is neither records nor columns nor split";
	if (value->kind == VALUE_TABLE)
		return value;
	if (value->kind == VALUE_ARRAY)
		return parse_records(arena, value, why);
	if (value->kind != VALUE_OBJECT)
		return NULL;
	if (is_split(value, names, data))
		return parse_split(arena, names, data, why);
	return parse_columns(arena, value, why);
}
