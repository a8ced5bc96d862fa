/* SPDX-License-Identifier: MIT */

/*
 * What a callback sets: its outputs by name, one by one where a pattern
 * stands for several, and any property of the page with ph_set_props().
 *
 * THREADS  The thread that runs the call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/component.h"
#include "worker/dash_id.h"
#include "worker/host.h"
#include "worker/scratch.h"
#include "worker/sides.h"
#include "worker/update.h"

#define DEPTH_MAX 200

bool
host_is_what(struct arena *arena, const struct dependency *dependency,
    const char *what)
{
	const struct value *id;
	const char *dot = strrchr(what, '.');
	const char *text;
	const char *why;

	if (strcmp(dependency->what, what) == 0)
		return true;
	if (what[0] != '{' || dot == NULL || dependency->pattern == NULL ||
	    strcmp(dot + 1, dependency->property) != 0)
		return false;
	id = dash_id_parse(arena, what, (size_t)(dot - what), &why);
	text = id != NULL ? dash_id_string(arena, id) : NULL;
	return text != NULL && strcmp(text, dependency->id) == 0;
}

/* The output's number; negative: call_error set. */
static int
find_output(struct call *call, const char *function, const char *what)
{
	const struct callback *callback = call->callback;
	uint32_t i;

	if (!host_is_named(function, what))
		return -1;
	for (i = 0; callback != NULL && i < callback->output_count; i++) {
		if (host_is_what(call->arena, &callback->outputs[i], what))
			return (int)i;
	}
	call_error(call, "%s(\"%s\"): not an output of %s", function, what,
	    call->name);
	return -1;
}

/* Its slots: the first and how many. */
static uint32_t
slots_of(const struct call *call, int output, uint32_t *count)
{
	const struct dependency *wanted = &call->callback->outputs[output];
	uint32_t first = 0;

	while (first < call->slot_count && call->slots[first].output != wanted)
		first++;
	*count = 0;
	while (first + *count < call->slot_count &&
	       call->slots[first + *count].output == wanted)
		(*count)++;
	return first;
}

/* Is it in the value, what could not be made? */
static bool
has_bad(const struct value *value, unsigned depth)
{
	const struct component *component =
	    value->kind == VALUE_COMPONENT ? value->u.component : NULL;
	bool found = value->kind == VALUE_NULL && value->flag;
	uint32_t i;

	if (depth > DEPTH_MAX)
		return false;
	for (i = 0; value->kind == VALUE_ARRAY && !found && i < value->count;
	     i++)
		found = has_bad(&value->u.items[i], depth + 1);
	for (i = 0; value->kind == VALUE_OBJECT && !found && i < value->count;
	     i++)
		found = has_bad(&value->u.members[i].value, depth + 1);
	for (i = 0; component != NULL && !found && i < component->prop_count;
	     i++)
		found = has_bad(&component->props[i].value, depth + 1);
	return found;
}

/* The call fails as this value is wrong: then say what it was for. */
static void
name_output(struct call *call, const char *what, const struct value *value)
{
	char text[sizeof(call->error)];

	if (!call->misbuilt || call->placed || !has_bad(value, 0))
		return;
	call->placed = true;
	memcpy(text, call->error, sizeof(text));
	(void)snprintf(call->error, sizeof(call->error),
	    "output %.100s: %.380s", what, text);
}

enum ph_status
host_output(struct ph_call *ph, const char *what,
    const struct ph_value *ph_value)
{
	struct call *call = host_call(ph);
	const struct value *value = host_take(ph_value);
	int output = find_output(call, "ph_output", what);
	uint32_t count;
	uint32_t first;
	uint32_t i;

	if (output < 0)
		return PH_ERROR;
	name_output(call, what, value);
	value = scratch_lasting(call, value);
	first = slots_of(call, output, &count);
	if (!call->callback->outputs[output].is_list) {
		call->outputs[first] = value;
		return call->failed ? PH_ERROR : PH_OK;
	}
	if (value->kind != VALUE_ARRAY || value->count != count) {
		call_error(call,
		    "ph_output(\"%s\"): %u components are there, so it takes "
		    "a list of %u, not %s of %u",
		    what, count, count, value_kind_name(value->kind),
		    (unsigned)host_count_of(ph_value));
		return PH_ERROR;
	}
	for (i = 0; i < count; i++)
		call->outputs[first + i] = &value->u.items[i];
	return call->failed ? PH_ERROR : PH_OK;
}

enum ph_status
host_output_each(struct ph_call *ph, const char *what, size_t index,
    const struct ph_value *value)
{
	struct call *call = host_call(ph);
	int output = find_output(call, "ph_output_each", what);
	uint32_t count;
	uint32_t first;

	if (output < 0)
		return PH_ERROR;
	name_output(call, what, host_take(value));
	first = slots_of(call, output, &count);
	if (index >= count) {
		call_error(call,
		    "ph_output_each(\"%s\", %zu): %u components are there",
		    what, index, count);
		return PH_ERROR;
	}
	call->outputs[first + index] = scratch_lasting(call, host_take(value));
	return call->failed ? PH_ERROR : PH_OK;
}

/* "id.property" with the id as the browser writes it; NULL: call_error. */
static const char *
side_key(struct call *call, const char *id, const char *property)
{
	const struct value *parsed;
	const char *why = "an id has no dot and no brace";
	const char *text = id;
	struct buf key = BUF_EMPTY;
	const char *copy = NULL;

	if (id[0] == '{') {
		parsed = dash_id_parse(call->arena, id, strlen(id), &why);
		text =
		    parsed != NULL ? dash_id_string(call->arena, parsed) : NULL;
	} else if (id[0] == '\0' || strpbrk(id, ".{") != NULL) {
		text = NULL;
	}
	if (text == NULL || property[0] == '\0' ||
	    strchr(property, '.') != NULL) {
		call_error(call, "ph_set_props(\"%s\", \"%s\"): %s", id,
		    property, text == NULL ? why : "no such property");
		return NULL;
	}
	if (buf_printf(&key, "%s.%s", text, property) == 0)
		copy = arena_strndup(call->arena, key.data, key.len);
	buf_free(&key);
	if (copy == NULL)
		call_error(call, "ph_set_props(): out of memory");
	return copy;
}

enum ph_status
host_set_props(struct ph_call *ph, const char *id, const char *property,
    const struct ph_value *value)
{
	struct call *call = host_call(ph);
	const char *what;

	if (call->kind != CALL_CALLBACK) {
		call_error(call, "ph_set_props(): %s is not a callback",
		    call->name);
		return PH_ERROR;
	}
	if (!host_is_named("ph_set_props()", id) ||
	    !host_is_named("ph_set_props()", property))
		return PH_ERROR;
	what = side_key(call, id, property);
	if (what == NULL)
		return PH_ERROR;
	name_output(call, what, host_take(value));
	if (!sides_set(call, what, host_take(value)))
		call_error(call, "ph_set_props(): out of memory");
	return call->failed ? PH_ERROR : PH_OK;
}
