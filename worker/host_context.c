/* SPDX-License-Identifier: MIT */

/*
 * Why a callback runs, for whom, and which components its patterns met.
 *
 * A memoized callback is told no more than what its key is made of: its
 * answer is given to others, who did not ask for the same reason.
 *
 * THREADS  The thread that runs the call.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "worker/dash_id.h"
#include "worker/host.h"
#include "worker/update.h"

/* One part of what is said about the update; NULL: call_error set. */
static const struct value *
about(struct call *call, const char *function, enum update_about part)
{
	if (call->kind == CALL_ROUTE && part == UPDATE_REQUEST)
		return &call->about->u.items[part];
	call->asked = call->asked || part == UPDATE_REQUEST;
	if (call->trial && (call->pooled || part == UPDATE_REQUEST))
		return &call_null_value;
	if (call->kind == CALL_LAYOUT && part == UPDATE_REQUEST)
		return call->about != NULL ? &call->about->u.items[part]
					   : &call_null_value;
	if (call->kind != CALL_CALLBACK || call->callback == NULL) {
		call_error(call, "%s(): %s is not a callback", function,
		    call->name);
		return NULL;
	}
	if (call->callback->memoize && part >= UPDATE_TRIGGERED) {
		call_error(call,
		    "%s(): %s is memoized, so its answer is given to others "
		    "and must depend on its inputs alone: take .memoize away, "
		    "or memoize a function that it calls",
		    function, call->name);
		return NULL;
	}
	if (call->about == NULL)
		return &call_null_value;
	return &call->about->u.items[part];
}

/* The input that "id.property" is, and its place in a list. */
static const struct value *
input_value(const struct call *call, const struct value *id,
    const char *property)
{
	const struct callback *callback = call->callback;
	const struct dependency *input;
	const struct value *ids;
	struct dash_match match;
	uint32_t i, j;

	for (i = 0; i < callback->input_count; i++) {
		input = &callback->inputs[i];
		if (strcmp(input->property, property) != 0)
			continue;
		if (input->pattern == NULL) {
			if (id->kind == VALUE_TEXT &&
			    strcmp(id->u.text, input->id) == 0)
				return &call->args->u.items[i];
			continue;
		}
		ids = &call->about->u.items[UPDATE_IDS].u.items[i];
		memset(&match, 0, sizeof(match));
		if (!input->is_list) {
			if (dash_id_overlaps(ids, id))
				return &call->args->u.items[i];
			continue;
		}
		for (j = 0; j < ids->count; j++) {
			if (dash_id_overlaps(&ids->u.items[j], id))
				return &call->args->u.items[i].u.items[j];
		}
	}
	return &call_null_value;
}

/* "id.property" into its parts; false: it is nothing of the kind. */
static bool
split_what(struct arena *arena, const struct value *what, struct value *id,
    const char **property)
{
	const char *text = what->u.text;
	const char *dot = strrchr(text, '.');
	const struct value *parsed;
	const char *why;

	if (dot == NULL)
		return false;
	*property = dot + 1;
	if (text[0] == '{') {
		parsed = dash_id_parse(arena, text, (size_t)(dot - text), &why);
		if (parsed == NULL)
			return false;
		*id = *parsed;
		return true;
	}
	memset(id, 0, sizeof(*id));
	id->kind = VALUE_TEXT;
	id->count = (uint32_t)(dot - text);
	id->u.text = arena_strndup(arena, text, id->count);
	return id->u.text != NULL;
}

const struct ph_value *
host_triggered(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	const struct value *texts =
	    about(call, "ph_triggered", UPDATE_TRIGGERED);
	const struct ph_value *list;
	struct value *items;
	struct value id;
	const char *property;
	uint32_t i;

	if (texts == NULL || texts->kind != VALUE_ARRAY)
		return host_make_list(NULL, 0);
	items = value_array(call->arena, texts->count);
	if (items == NULL)
		return host_make_list(NULL, 0);
	items->count = 0;
	for (i = 0; i < texts->count; i++) {
		if (!split_what(call->arena, &texts->u.items[i], &id,
			&property))
			continue;
		list = HOST_OBJECT({ "id", host_give(&id) },
		    { "property", host_make_text(property, strlen(property)) },
		    { "value", host_give(input_value(call, &id, property)) });
		items->u.items[items->count++] = *host_take(list);
	}
	return host_give(items);
}

bool
host_triggered_by(struct ph_call *ph, const char *what)
{
	struct call *call = host_call(ph);
	const struct callback *callback = call->callback;
	const struct value *texts =
	    about(call, "ph_triggered_by", UPDATE_TRIGGERED);
	const struct dependency *input = NULL;
	struct dash_match match;
	const char *property;
	struct value id;
	uint32_t i;

	if (!host_is_named("ph_triggered_by()", what))
		return false;
	for (i = 0; texts != NULL && i < callback->input_count; i++) {
		if (host_is_what(call->arena, &callback->inputs[i], what))
			input = &callback->inputs[i];
	}
	if (texts != NULL && input == NULL)
		call_error(call, "ph_triggered_by(\"%s\"): not an input of %s",
		    what, call->name);
	if (input == NULL || texts->kind != VALUE_ARRAY)
		return false;
	for (i = 0; i < texts->count; i++) {
		memset(&match, 0, sizeof(match));
		if (!split_what(call->arena, &texts->u.items[i], &id,
			&property) ||
		    strcmp(property, input->property) != 0)
			continue;
		if (input->pattern == NULL
			? id.kind == VALUE_TEXT &&
			      strcmp(id.u.text, input->id) == 0
			: dash_id_overlaps(input->pattern, &id))
			return true;
	}
	return false;
}

/* Its number in a list; negative: none of them. */
static int
find(struct call *call, const struct dependency *list, uint32_t count,
    const char *what)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (host_is_what(call->arena, &list[i], what))
			return (int)i;
	}
	return -1;
}

const struct ph_value *
host_id_of(struct ph_call *ph, const char *what)
{
	struct call *call = host_call(ph);
	const struct value *ids = about(call, "ph_id_of", UPDATE_IDS);
	const struct callback *callback = call->callback;
	int which;

	if (ids == NULL || !host_is_named("ph_id_of()", what))
		return host_give(&call_null_value);
	which = find(call, callback->inputs, callback->arg_count, what);
	if (which < 0) {
		ids = about(call, "ph_id_of", UPDATE_OUTPUTS);
		which =
		    find(call, callback->outputs, callback->output_count, what);
	}
	if (which < 0) {
		call_error(call,
		    "ph_id_of(\"%s\"): not an input, state or output of %s",
		    what, call->name);
		return host_give(&call_null_value);
	}
	if (ids->kind != VALUE_ARRAY) /* no patterns: it is in the name */
		return host_make_text(what, strcspn(what, "."));
	return host_give(&ids->u.items[which]);
}

static const struct value *
request_of(struct call *call, const char *function)
{
	const struct value *request = about(call, function, UPDATE_REQUEST);

	return request != NULL && request->kind == VALUE_OBJECT ? request
								: NULL;
}

/* Both texts as one; NULL: no memory. */
static const char *
join(struct arena *arena, const char *a, const char *between, const char *b)
{
	size_t size = strlen(a) + strlen(between) + strlen(b) + 1;
	char *text = arena_alloc(arena, size);

	if (text != NULL)
		(void)snprintf(text, size, "%s%s%s", a, between, b);
	return text;
}

/* The value of a field, "" without it. Several lines are one list, with
 * `between` between them. */
static const char *
field(struct arena *arena, const struct value *request, const char *name,
    const char *between)
{
	const struct value *fields = value_get(request, "fields");
	const char *found = NULL;
	const char *next;
	uint32_t i;

	for (i = 0; fields != NULL && i + 1 < fields->count; i += 2) {
		if (strcasecmp(fields->u.items[i].u.text, name) != 0)
			continue;
		next = fields->u.items[i + 1].u.text;
		if (found != NULL)
			next = join(arena, found, between, next);
		if (next == NULL)
			break; /* no memory for more of it */
		found = next;
	}
	return found != NULL ? found : "";
}

const char *
host_header(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);

	if (!host_is_named("ph_header()", name))
		return "";
	return field(call->arena, request_of(call, "ph_header"), name, ", ");
}

const char *
host_cookie(struct ph_call *ph, const char *name)
{
	struct call *call = host_call(ph);
	const char *at;
	const char *value;
	size_t len;

	if (!host_is_named("ph_cookie()", name))
		return "";
	len = strlen(name);
	for (at = field(call->arena, request_of(call, "ph_cookie"), "cookie",
		 "; ");
	     *at != '\0'; at += strcspn(at, ";")) {
		at += strspn(at, "; ");
		if (strncmp(at, name, len) != 0 || at[len] != '=')
			continue;
		at += len + 1;
		value = arena_strndup(call->arena, at, strcspn(at, ";"));
		return value != NULL ? value : "";
	}
	return "";
}

const char *
host_client(struct ph_call *ph)
{
	const struct value *client =
	    value_get(request_of(host_call(ph), "ph_client"), "client");

	return client != NULL ? client->u.text : "";
}
