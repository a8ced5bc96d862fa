/* SPDX-License-Identifier: MIT */

/*
 * Making and reading values, as ph_text(), ph_at() and the like.
 *
 * Values are built in the arena of the call that runs on this thread, so an
 * author never names an arena and never frees. Outside a call everything
 * gives null.
 *
 * THREADS  Whatever thread runs the call.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/component.h"
#include "worker/dash_id.h"
#include "worker/frame.h"
#include "worker/host.h"
#include "worker/json_read.h"

/* Hand a fresh value out; a full arena fails the call. */
static const struct ph_value *
made(struct call *call, struct value *value)
{
	if (value != NULL)
		return host_give(value);
	if (call != NULL)
		call_error(call,
		    "%s: out of memory (limit_request_memory bounds a call)",
		    call->name);
	return host_give(&call_null_value);
}

bool
host_is_named(const char *function, const void *name)
{
	struct call *call = call_current();

	if (name == NULL && call != NULL)
		call_mistake(call, "%s: %s: a name or text is NULL", call->name,
		    function);
	return name != NULL;
}

bool
host_is_given(const char *function, const char *what, const void *given)
{
	struct call *call = call_current();

	if (given == NULL && call != NULL)
		call_mistake(call, "%s: %s: %s NULL", call->name, function,
		    what);
	return given != NULL;
}

const struct ph_value *
host_make_null(void)
{
	return host_give(&call_null_value);
}

const struct ph_value *
host_make_bool(bool flag)
{
	struct call *call = call_current();

	return made(call, call ? value_bool(call->arena, flag) : NULL);
}

const struct ph_value *
host_make_int(int64_t integer)
{
	struct call *call = call_current();

	return made(call, call ? value_int(call->arena, integer) : NULL);
}

const struct ph_value *
host_make_number(double number)
{
	struct call *call = call_current();

	return made(call, call ? value_double(call->arena, number) : NULL);
}

const struct ph_value *
host_make_text(const char *text, size_t len)
{
	struct call *call = call_current();

	if (text == NULL)
		return host_give(&call_null_value);
	return made(call, call ? value_text(call->arena, text, len) : NULL);
}

const struct ph_value *
host_make_textf(const char *format, ...)
{
	struct call *call = call_current();
	struct value *value = NULL;
	char *text = NULL;
	va_list args;
	int len;

	if (!host_is_given("ph_textf()", "the format is", format))
		return host_give(&call_null_value);
	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len >= 0) {
		if (call != NULL)
			value = value_text(call->arena, text, (size_t)len);
		free(text);
	}
	return made(call, value);
}

/* An integer that only a double would take, and not exactly: ph_uint(). */
static bool
is_beyond(const char *json)
{
	char *end;

	if (!isdigit((unsigned char)*json))
		return false;
	errno = 0;
	return (strtoull(json, &end, 10) > INT64_MAX || errno != 0) &&
	       *end == '\0';
}

const struct ph_value *
host_make_json(const char *json)
{
	struct call *call = call_current();
	struct json_limits limits = { 200, 10000000, 10000000, false, true };
	struct value *value = NULL;
	const char *why;

	if (call == NULL)
		return host_give(&call_null_value);
	if (!host_is_named("ph_json()", json))
		return host_give(&call_null_value);
	if (is_beyond(json)) {
		call_mistake(call,
		    "%s: the integer %.40s is beyond 2^63 - 1: ph_text() "
		    "keeps it",
		    call->name, json);
		return host_give(&call_bad_value);
	}
	if (json_read(json, strlen(json), &limits, call->arena, &value, &why) <
	    0) {
		call_mistake(call, "PH_JSON(%.40s...): %s", json, why);
		return host_give(&call_bad_value);
	}
	return host_give(value);
}

const struct ph_value *
host_make_list(const struct ph_value *const *items, size_t count)
{
	struct call *call = call_current();
	struct value *list = NULL;
	size_t i;

	if (call != NULL && count <= UINT32_MAX)
		list = value_array(call->arena, (uint32_t)count);
	for (i = 0; list != NULL && i < count; i++)
		list->u.items[i] = *host_take(items[i]);
	return made(call, list);
}

/* An object that has all its members: each name once, as in JSON. */
static const struct ph_value *
made_object(struct call *call, struct value *object, const char *function)
{
	const char *name;
	int rc = 0;

	if (object != NULL)
		rc = value_repeated_name(object, call->arena, &name);
	if (rc <= 0)
		return made(call, rc < 0 ? NULL : object);
	call_mistake(call, "%s: %s: the name \"%.100s\" stands twice",
	    call->name, function, name);
	return host_give(&call_bad_value);
}

const struct ph_value *
host_make_object(const char *const *names, const struct ph_value *const *values,
    size_t count)
{
	struct call *call = call_current();
	struct value *object = NULL;
	struct value_member *member;
	size_t i;

	if (call != NULL && count <= UINT32_MAX)
		object = value_object(call->arena, (uint32_t)count);
	for (i = 0; object != NULL && i < count; i++) {
		if (!host_is_named("ph_object()", names[i]))
			return host_give(&call_null_value);
		member = &object->u.members[i];
		member->name_len = (uint32_t)strlen(names[i]);
		member->name =
		    arena_strndup(call->arena, names[i], member->name_len);
		member->value = *host_take(values[i]);
		if (member->name == NULL)
			return made(call, NULL);
	}
	return made_object(call, object, "ph_object()");
}

const struct ph_value *
host_make_members(const struct ph_member *members, size_t count)
{
	struct call *call = call_current();
	struct value *object = NULL;
	struct value_member *member;
	size_t i;

	if (call != NULL && count <= UINT32_MAX)
		object = value_object(call->arena, (uint32_t)count);
	for (i = 0; object != NULL && i < count; i++) {
		if (!host_is_named("PH_OBJECT()", members[i].name))
			return host_give(&call_null_value);
		member = &object->u.members[i];
		member->name_len = (uint32_t)strlen(members[i].name);
		member->name = arena_strndup(call->arena, members[i].name,
		    member->name_len);
		member->value = *host_take(members[i].value);
		if (member->name == NULL)
			return made(call, NULL);
	}
	return made_object(call, object, "PH_OBJECT()");
}

const char *
host_make_id(const char *type, const struct ph_value *index)
{
	struct call *call = call_current();
	struct value members[2] = { *host_take(index),
		{ .kind = VALUE_TEXT,
		    .count = type != NULL ? (uint32_t)strlen(type) : 0 } };
	struct value_member list[2] = { { "index", 5, members[0] },
		{ "type", 4, members[1] } };
	struct value object = { .kind = VALUE_OBJECT, .count = 2 };
	const struct value *id = NULL;
	const char *text = NULL;

	if (!host_is_named("ph_id()", type))
		return "";
	list[1].value.u.text = type;
	object.u.members = list;
	if (members[0].kind == VALUE_TEXT &&
	    memchr(members[0].u.text, '\0', members[0].count) != NULL) {
		if (call != NULL)
			call_mistake(call,
			    "%s: ph_id(\"%s\"): the index has a NUL",
			    call->name, type);
		return "";
	}
	if (call != NULL)
		id = dash_id_sorted(call->arena, &object);
	if (id == NULL && call != NULL)
		call_error(call,
		    "ph_id(\"%s\"): the index is %s: it has to be a text, a "
		    "number or a boolean",
		    type, value_kind_name(members[0].kind));
	if (id != NULL)
		text = dash_id_string(call->arena, id);
	return text != NULL ? text : "";
}

const struct ph_value *
host_make_component(const struct ph_component_type *type, const void *props)
{
	struct call *call = call_current();
	struct value *value;
	const char *why;

	if (call == NULL)
		return host_give(&call_null_value);
	value = component_new(call->arena, type, props, &why);
	if (value == NULL) {
		call_mistake(call, "%s: %s", call->name, why);
		return host_give(&call_bad_value);
	}
	return host_give(value);
}

bool
host_is_null(const struct ph_value *value)
{
	return host_take(value)->kind == VALUE_NULL;
}

const char *
host_text_of(const struct ph_value *ph)
{
	const struct value *value = host_take(ph);

	return value->kind == VALUE_TEXT ? value->u.text : "";
}

size_t
host_text_len_of(const struct ph_value *ph)
{
	const struct value *value = host_take(ph);

	return value->kind == VALUE_TEXT ? value->count : 0;
}

double
host_number_of(const struct ph_value *ph)
{
	const struct value *value = host_take(ph);

	switch (value->kind) {
	case VALUE_INT:
		return (double)value->u.integer;
	case VALUE_DOUBLE:
		return value->u.number;
	default:
		return NAN;
	}
}

/* As large ones go into a page, and come back. */
static int64_t
int_of_text(const char *text, size_t len)
{
	int64_t integer;
	char *end;

	if (*text != '-' && (*text < '0' || *text > '9'))
		return 0;
	errno = 0;
	integer = strtoll(text, &end, 10);
	return end == text + len && errno == 0 ? integer : 0;
}

int64_t
host_int_of(const struct ph_value *ph)
{
	const struct value *value = host_take(ph);

	if (value->kind == VALUE_TEXT)
		return int_of_text(value->u.text, value->count);

	if (value->kind == VALUE_INT)
		return value->u.integer;
	if (value->kind == VALUE_DOUBLE && fabs(value->u.number) < 9.2e18)
		return (int64_t)value->u.number;
	return 0;
}

bool
host_bool_of(const struct ph_value *ph)
{
	const struct value *value = host_take(ph);

	return value->kind == VALUE_BOOL && value->flag;
}

size_t
host_count_of(const struct ph_value *ph)
{
	const struct value *value = host_take(ph);

	switch (value->kind) {
	case VALUE_ARRAY:
	case VALUE_OBJECT:
		return value->count;
	case VALUE_TABLE:
		return value->u.table->row_count;
	case VALUE_COLUMN:
		return value->u.column->row_count;
	default:
		return 0;
	}
}

/* A cell of a column, made into a value of its own. */
static const struct ph_value *
cell_of(const struct value_column *column, size_t row)
{
	struct call *call = call_current();
	struct value *cell = call != NULL ? value_null(call->arena) : NULL;

	if (cell != NULL)
		*cell = frame_cell(call->arena, column, row);
	return made(call, cell);
}

/* The row of a table as an object. */
static const struct ph_value *
row_of(const struct value_table *table, size_t row)
{
	struct call *call = call_current();
	struct value *object = NULL;
	uint32_t i;

	if (row >= table->row_count)
		return host_give(&call_null_value);
	if (call != NULL)
		object = value_object(call->arena, table->column_count);
	for (i = 0; object != NULL && i < table->column_count; i++) {
		object->u.members[i].name = table->columns[i].name;
		object->u.members[i].name_len = table->columns[i].name_len;
		object->u.members[i].value =
		    frame_cell(call->arena, &table->columns[i], row);
	}
	return made(call, object);
}

const struct ph_value *
host_at(const struct ph_value *ph, size_t index)
{
	const struct value *value = host_take(ph);

	if (value->kind == VALUE_COLUMN)
		return cell_of(value->u.column, index);
	if (value->kind == VALUE_TABLE)
		return row_of(value->u.table, index);

	if (value->kind == VALUE_ARRAY && index < value->count)
		return host_give(&value->u.items[index]);
	if (value->kind == VALUE_OBJECT && index < value->count)
		return host_give(&value->u.members[index].value);
	return host_give(&call_null_value);
}

const char *
host_name_at(const struct ph_value *ph, size_t index)
{
	const struct value *value = host_take(ph);

	if (value->kind != VALUE_OBJECT || index >= value->count)
		return "";
	return value->u.members[index].name;
}

const struct ph_value *
host_member(const struct ph_value *ph, const char *name)
{
	const struct value *value = host_take(ph);
	const struct value *member;
	struct call *call = call_current();
	const struct value_column *column;
	struct value *made_of;

	if (!host_is_named("ph_member()", name))
		return host_give(&call_null_value);
	member = value_get(value, name);
	if (value->kind == VALUE_TABLE && call != NULL) {
		column = value_table_column(value->u.table, name);
		made_of = column != NULL ? value_null(call->arena) : NULL;
		if (made_of != NULL) {
			made_of->kind = VALUE_COLUMN;
			made_of->u.column = column;
		}
		member = made_of;
	}
	return host_give(member != NULL ? member : &call_null_value);
}
