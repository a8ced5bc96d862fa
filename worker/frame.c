/* SPDX-License-Identifier: MIT */

/*
 * Arrays of numbers, and cells and numbers out of them. See frame.h.
 */
#include "worker/frame.h"

#include <math.h>
#include <string.h>

#include "worker/base64.h"

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
			      ? frame_number(&value->u.items[i])
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
