/* SPDX-License-Identifier: MIT */

/*
 * Building and reading values. See value.h for the model.
 *
 * OWNERSHIP  The arena given owns what is built.
 * THREADS    The thread that owns the arena.
 */
#include "cache/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FEW_NAMES 16

static struct value *
value_new(struct arena *arena, enum value_kind kind)
{
	struct value *value = arena_alloc(arena, sizeof(*value));

	if (value != NULL) {
		memset(value, 0, sizeof(*value));
		value->kind = (uint8_t)kind;
	}
	return value;
}

struct value *
value_null(struct arena *arena)
{
	return value_new(arena, VALUE_NULL);
}

struct value *
value_bool(struct arena *arena, bool flag)
{
	struct value *value = value_new(arena, VALUE_BOOL);

	if (value != NULL)
		value->flag = flag;
	return value;
}

struct value *
value_int(struct arena *arena, int64_t integer)
{
	struct value *value = value_new(arena, VALUE_INT);

	if (value != NULL)
		value->u.integer = integer;
	return value;
}

struct value *
value_double(struct arena *arena, double number)
{
	struct value *value = value_new(arena, VALUE_DOUBLE);

	if (value != NULL)
		value->u.number = number;
	return value;
}

struct value *
value_text(struct arena *arena, const char *text, size_t len)
{
	struct value *value;

	if (len > UINT32_MAX)
		return NULL;
	value = value_new(arena, VALUE_TEXT);
	if (value == NULL)
		return NULL;
	value->count = (uint32_t)len;
	value->u.text = arena_strndup(arena, text, len);
	return value->u.text != NULL ? value : NULL;
}

struct value *
value_array(struct arena *arena, uint32_t count)
{
	struct value *value = value_new(arena, VALUE_ARRAY);

	if (value == NULL)
		return NULL;
	value->count = count;
	value->u.items = arena_calloc(arena, count, sizeof(struct value));
	return value->u.items != NULL ? value : NULL;
}

struct value *
value_object(struct arena *arena, uint32_t count)
{
	struct value *value = value_new(arena, VALUE_OBJECT);

	if (value == NULL)
		return NULL;
	value->count = count;
	value->u.members =
	    arena_calloc(arena, count, sizeof(struct value_member));
	return value->u.members != NULL ? value : NULL;
}

const struct value *
value_get(const struct value *object, const char *name)
{
	size_t len = strlen(name);
	uint32_t i;

	if (object == NULL || object->kind != VALUE_OBJECT)
		return NULL;
	for (i = 0; i < object->count; i++) {
		const struct value_member *member = &object->u.members[i];

		if (member->name_len == len &&
		    memcmp(member->name, name, len) == 0)
			return &member->value;
	}
	return NULL;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int
value_repeated_name(const struct value *object, struct arena *arena,
    const char **name)
{
	const struct value_member *members = object->u.members;
	const char **names;
	uint32_t i;
	uint32_t j;

	for (i = 1; object->count <= FEW_NAMES && i < object->count; i++) {
		*name = members[i].name;
		for (j = 0; j < i; j++) {
			if (members[i].name_len == members[j].name_len &&
			    memcmp(members[i].name, members[j].name,
				members[i].name_len) == 0)
				return 1;
		}
	}
	if (object->count <= FEW_NAMES)
		return 0;
	names = arena_calloc(arena, object->count, sizeof(*names));
	if (names == NULL)
		return -ENOMEM;
	for (i = 0; i < object->count; i++)
		names[i] = members[i].name;
	qsort(names, object->count, sizeof(*names), compare_names);
	for (i = 1; i < object->count; i++) {
		*name = names[i];
		if (strcmp(names[i - 1], names[i]) == 0)
			return 1;
	}
	return 0;
}

const struct value_column *
value_table_column(const struct value_table *table, const char *name)
{
	uint32_t i;

	for (i = 0; i < table->column_count; i++) {
		if (strcmp(table->columns[i].name, name) == 0)
			return &table->columns[i];
	}
	return NULL;
}

const char *
value_kind_name(enum value_kind kind)
{
	static const char *const names[] = {
		[VALUE_NULL] = "null",
		[VALUE_BOOL] = "boolean",
		[VALUE_INT] = "integer",
		[VALUE_DOUBLE] = "number",
		[VALUE_TEXT] = "text",
		[VALUE_JSON] = "JSON",
		[VALUE_ARRAY] = "array",
		[VALUE_OBJECT] = "object",
		[VALUE_TABLE] = "table",
		[VALUE_COLUMN] = "column",
		[VALUE_COMPONENT] = "component",
	};

	if ((unsigned)kind >= sizeof(names) / sizeof(names[0]))
		return "?";
	return names[kind];
}
