/* SPDX-License-Identifier: MIT */

/*
 * Tables made of columns in any of their forms. See frame.h.
 *
 * A column is typed by all its cells: integers, numbers (missing ones are
 * NaN) or texts. A list that came from a browser says nothing about types, so
 * it is looked through once before it is copied.
 */
#include <stdlib.h>
#include <string.h>

#include "worker/frame.h"
#include "worker/json_write.h"

static enum value_column_type
type_of_items(const struct value *items, size_t step, size_t count)
{
	bool exact = true;
	bool all = true; /* are integers */
	size_t i;

	for (i = 0; i < count; i++, items += step) {
		if (items->kind == VALUE_DOUBLE || items->kind == VALUE_NULL)
			all = false;
		else if (items->kind != VALUE_INT)
			return VALUE_COLUMN_TEXT;
		else
			exact = exact && frame_is_exact(items->u.integer);
	}
	return all     ? VALUE_COLUMN_I64
	       : exact ? VALUE_COLUMN_F64
		       : VALUE_COLUMN_TEXT;
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
		numbers[i] = frame_number(&items[i * step]);
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
	    !frame_numbers(arena, value, &column->u.numbers, &count))
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
		if (names->u.items[i].kind != VALUE_TEXT) {
			*why = "a name of a column is no text";
			return NULL;
		}
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

/* A name, and how many were seen before it. */
struct sight {
	const char *name;
	size_t order;
};

static int
compare_sights(const void *a, const void *b)
{
	const struct sight *one = a;
	const struct sight *other = b;
	int rc = strcmp(one->name, other->name);

	return rc != 0
		   ? rc
		   : (one->order > other->order) - (one->order < other->order);
}

static int
compare_orders(const void *a, const void *b)
{
	const struct sight *one = a;
	const struct sight *other = b;

	return (one->order > other->order) - (one->order < other->order);
}

/* Names as often as they are seen; records that are like the first one, which
 * most are, add none. */
static void
look_through(const struct value *list, struct buf *sights)
{
	const struct value *first = list->u.items;
	const struct value *record;
	struct sight sight = { NULL, 0 };
	uint32_t i;
	uint32_t j;

	for (i = 0; i < list->count; i++) {
		record = &list->u.items[i];
		if (record->kind != VALUE_OBJECT)
			continue;
		for (j = 0; j < record->count; j++) {
			sight.name = record->u.members[j].name;
			if (i > 0 && j < first->count &&
			    strcmp(sight.name, first->u.members[j].name) == 0)
				continue;
			(void)buf_put(sights, &sight, sizeof(sight));
			sight.order++;
		}
	}
}

/* The names of all records, in the order in which they are seen first. Sorted
 * twice, not looked up one by one: a browser may send any number of them. */
static const char **
names_of_records(struct arena *arena, const struct value *list, uint32_t *count)
{
	struct buf found = BUF_EMPTY;
	struct sight *sights;
	const char **names = NULL;
	size_t total;
	size_t i;

	*count = 0;
	look_through(list, &found);
	sights = (struct sight *)(void *)found.data; /* malloc'ed: aligned */
	total = found.len / sizeof(*sights);
	if (total > 0)
		qsort(sights, total, sizeof(*sights), compare_sights);
	for (i = 0; i < total; i++)
		if (*count == 0 ||
		    strcmp(sights[i].name, sights[*count - 1].name) != 0)
			sights[(*count)++] = sights[i];
	if (total > 0)
		qsort(sights, *count, sizeof(*sights), compare_orders);
	if (buf_ok(&found))
		names = arena_calloc(arena, (size_t)*count + 1, sizeof(*names));
	for (i = 0; names != NULL && i < *count; i++)
		names[i] = sights[i].name;
	buf_free(&found);
	return names;
}

/* What a record has no member for is missing. */
static const struct value *
parse_records(struct arena *arena, const struct value *list, const char **why)
{
	struct place *places = NULL;
	struct value *names;
	struct value *cells;
	const char **texts;
	uint32_t width;
	uint32_t i;

	if (list->count > 0 && list->u.items[0].kind != VALUE_OBJECT)
		return NULL;
	*why = "out of memory";
	texts = names_of_records(arena, list, &width);
	names = value_array(arena, width);
	cells = arena_calloc(arena, (size_t)list->count * width + 1,
	    sizeof(*cells));
	if (texts != NULL)
		places = places_of(arena, texts, width);
	if (names == NULL || cells == NULL || places == NULL)
		return NULL;
	for (i = 0; i < width; i++) {
		names->u.items[i].kind = VALUE_TEXT;
		names->u.items[i].u.text = texts[i];
		names->u.items[i].count = (uint32_t)strlen(texts[i]);
	}
	for (i = 0; i < list->count; i++)
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

static bool
has_list(const struct value *list)
{
	uint32_t i;

	for (i = 0; i < list->count; i++)
		if (list->u.items[i].kind == VALUE_ARRAY)
			return true;
	return false;
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
	       (object->count == 2 && (data->count == 0 || has_list(data)));
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
