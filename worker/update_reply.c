/* SPDX-License-Identifier: MIT */

/*
 * From a checked update to the run of its callback, and from what the
 * callback has set to the bytes of the answer.
 *
 * THREADS  Any; no state but the text of the last failure.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/encode.h"
#include "server/base/err.h"
#include "worker/children.h"
#include "worker/dash_id.h"
#include "worker/json_write.h"
#include "worker/update.h"

/* Copy a text to `to`, with its NUL; the place behind it. */
static char *
set_text(struct value *value, struct http_span span, char *to)
{
	value->kind = VALUE_TEXT;
	value->count = (uint32_t)span.len;
	value->u.text = to;
	if (span.len > 0)
		memcpy(to, span.data, span.len);
	to[span.len] = '\0';
	return to + span.len + 1;
}

/* Bytes of the texts of a head, each with a NUL. */
static size_t
text_bytes(const struct http_head *head, struct http_span client)
{
	size_t bytes = client.len + 1;
	size_t i;

	for (i = 0; i < head->field_count; i++)
		bytes +=
		    head->fields[i].name.len + head->fields[i].value.len + 2;
	return bytes;
}

struct value *
update_request(struct arena *arena, const struct http_head *head,
    struct http_span client)
{
	struct value *request = value_object(arena, 2);
	struct value *fields;
	char *to;
	size_t i;

	fields = value_array(arena, (uint32_t)(2 * head->field_count));
	to = arena_alloc(arena, text_bytes(head, client));
	if (request == NULL || fields == NULL || to == NULL)
		return NULL;
	for (i = 0; i < head->field_count; i++) {
		to =
		    set_text(&fields->u.items[2 * i], head->fields[i].name, to);
		to = set_text(&fields->u.items[2 * i + 1],
		    head->fields[i].value, to);
	}
	request->u.members[0].name = "client";
	request->u.members[0].name_len = 6;
	(void)set_text(&request->u.members[0].value, client, to);
	request->u.members[1].name = "fields";
	request->u.members[1].name_len = 6;
	request->u.members[1].value = *fields;
	return request;
}

int
update_encode(const struct update *update, const struct value *request,
    struct arena *arena, struct buf *out)
{
	const struct value *arguments = update->arguments;
	struct value *all;

	if (update->about == NULL)
		return encode_value(arguments, out);
	all = value_array(arena, arguments->count + 1);
	if (all == NULL)
		return -ENOMEM;
	if (arguments->count > 0)
		memcpy(all->u.items, arguments->u.items,
		    arguments->count * sizeof(struct value));
	if (request != NULL && !update->callback->memoize)
		update->about->u.items[UPDATE_REQUEST] = *request;
	all->u.items[arguments->count] = *update->about;
	return encode_value(all, out);
}

int
update_decode(const void *data, size_t len, const struct callback *callback,
    struct arena *arena, struct value **arguments, const struct value **about)
{
	const struct value *last;
	int rc;

	*about = NULL;
	rc = encode_decode(data, len, arena, arguments);
	if (rc < 0)
		return rc;
	if ((*arguments)->kind != VALUE_ARRAY)
		return ERR_CORRUPT;
	if ((*arguments)->count == callback->arg_count)
		return callback->patterned ? ERR_CORRUPT : 0;
	if ((*arguments)->count != callback->arg_count + 1)
		return ERR_CORRUPT;
	last = &(*arguments)->u.items[callback->arg_count];
	if (last->kind != VALUE_ARRAY || last->count != UPDATE_ABOUT_COUNT)
		return ERR_CORRUPT;
	(*arguments)->count = callback->arg_count;
	*about = last;
	return 0;
}

/* The ids of one output: one, or the items of a list. */
static const struct value *
ids_of(const struct value *id, bool is_list, uint32_t *count)
{
	*count = is_list ? id->count : 1;
	return is_list ? id->u.items : id;
}

/* As it stands in answers: sorted again, as encoding has its own order. */
static const char *
slot_id(struct arena *arena, const struct value *id)
{
	const struct value *sorted =
	    id->kind == VALUE_OBJECT ? dash_id_sorted(arena, id) : id;

	if (sorted == NULL)
		return NULL;
	return dash_id_string(arena, sorted);
}

static int
patterned_slots(const struct callback *callback, const struct value *outputs,
    struct arena *arena, struct update_slot *slots, uint32_t *count)
{
	const struct value *ids;
	uint32_t i, j, many;

	for (i = 0; i < callback->output_count; i++) {
		ids = ids_of(&outputs->u.items[i], callback->outputs[i].is_list,
		    &many);
		for (j = 0; j < many; j++) {
			if (*count == UPDATE_SLOTS_MAX)
				return ERR_TOO_BIG;
			slots[*count].output = &callback->outputs[i];
			slots[*count].id = slot_id(arena, &ids[j]);
			if (slots[(*count)++].id == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

int
update_slots(const struct callback *callback, const struct value *about,
    struct arena *arena, struct update_slot **slots, uint32_t *count)
{
	const struct value *outputs;
	uint32_t most = callback->output_count;
	uint32_t i;

	*count = 0;
	if (callback->patterned && about == NULL)
		return ERR_CORRUPT;
	outputs = callback->patterned ? &about->u.items[UPDATE_OUTPUTS] : NULL;
	if (outputs != NULL && (outputs->kind != VALUE_ARRAY ||
				   outputs->count != callback->output_count))
		return ERR_CORRUPT;
	for (i = 0; outputs != NULL && i < outputs->count; i++) {
		if (!callback->outputs[i].is_list)
			continue;
		if (outputs->u.items[i].kind != VALUE_ARRAY)
			return ERR_CORRUPT;
		most += outputs->u.items[i].count;
	}
	if (most > UPDATE_SLOTS_MAX)
		return ERR_TOO_BIG;
	*slots = arena_calloc(arena, most, sizeof(**slots));
	if (*slots == NULL)
		return -ENOMEM;
	if (outputs != NULL)
		return patterned_slots(callback, outputs, arena, *slots, count);
	for (i = 0; i < callback->output_count; i++) {
		(*slots)[i].output = &callback->outputs[i];
		(*slots)[i].id = callback->outputs[i].id;
	}
	*count = callback->output_count;
	return 0;
}

static int
put_value(const char *what, const struct value *value, struct buf *out,
    const char **why)
{
	static _Thread_local char text[256];
	const char *dot = strrchr(what, '.');
	int rc = json_write_page(value, dot != NULL ? dot + 1 : NULL, out, why);

	if (rc < 0) {
		(void)snprintf(text, sizeof(text), "output %s: %s", what, *why);
		*why = text;
	}
	return rc;
}

/* As layouts are looked at when the app starts. */
static bool
can_be_shown(const char *what, const struct value *value, const char **why)
{
	static _Thread_local char text[256];
	const struct ph_component_type *type = NULL;
	const char *property = strrchr(what, '.');
	const char *fault = NULL;

	if (property != NULL && strcmp(property, ".children") == 0)
		fault = children_fault(value);
	if (fault == NULL)
		fault = children_fault_within(value, &type);
	if (fault == NULL)
		return true;
	(void)snprintf(text, sizeof(text), "output %s: %s%s%s%s", what,
	    type != NULL ? "component " : "it ", type != NULL ? type->name : "",
	    type != NULL ? ": .children " : "", fault);
	*why = text;
	return false;
}

bool
update_can_be_shown(const struct update_slot *slots, uint32_t count,
    const struct value *const *values, const struct update_side *side,
    const char **why)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (values[i] != NULL &&
		    !can_be_shown(slots[i].output->what, values[i], why))
			return false;
	}
	for (; side != NULL; side = side->next) {
		if (!can_be_shown(side->what, side->value, why))
			return false;
	}
	return true;
}

/* The first slot with this id: it opens the id's object. */
static bool
opens_id(const struct update_slot *slots, const struct value *const *values,
    uint32_t which)
{
	uint32_t i;

	for (i = 0; i < which; i++) {
		if (values[i] != NULL &&
		    strcmp(slots[i].id, slots[which].id) == 0)
			return false;
	}
	return true;
}

static int
put_properties(const struct update_slot *slots, uint32_t count,
    const struct value *const *values, uint32_t from, struct buf *out,
    const char **why)
{
	const struct dependency *output;
	uint32_t i;
	int rc;

	(void)json_write_text(slots[from].id, strlen(slots[from].id), out);
	(void)buf_putl(out, ":{");
	for (i = from; i < count; i++) {
		output = slots[i].output;
		if (values[i] == NULL ||
		    strcmp(slots[i].id, slots[from].id) != 0)
			continue;
		if (i > from)
			(void)buf_putc(out, ',');
		(void)json_write_text(output->property,
		    strlen(output->property), out);
		(void)buf_putc(out, ':');
		rc = put_value(output->what, values[i], out, why);
		if (rc < 0)
			return rc;
	}
	return buf_putc(out, '}');
}

bool
update_sides(const struct update_side *side, int64_t since_us, struct buf *out,
    const char **why)
{
	bool any = false;
	int rc = 0;

	(void)buf_putc(out, '{');
	for (; side != NULL && rc == 0; side = side->next) {
		if (side->set_us < since_us)
			continue;
		if (any)
			(void)buf_putc(out, ',');
		any = true;
		(void)json_write_text(side->what, strlen(side->what), out);
		(void)buf_putc(out, ':');
		rc = put_value(side->what, side->value, out, why);
	}
	(void)buf_putc(out, '}');
	return any && rc == 0;
}

int
update_response(const struct update_slot *slots, uint32_t count,
    const struct value *const *values, const struct update_side *side,
    struct buf *out, const char **why)
{
	bool any = false;
	uint32_t i;
	int rc = 0;

	*why = "out of memory";
	for (i = 0; i < count; i++)
		any = any || values[i] != NULL;
	if (!any && side == NULL)
		return 0;
	(void)buf_putl(out, "{\"multi\":true,\"response\":{");
	any = false;
	for (i = 0; i < count && rc == 0; i++) {
		if (values[i] == NULL || !opens_id(slots, values, i))
			continue;
		if (any)
			(void)buf_putc(out, ',');
		any = true;
		rc = put_properties(slots, count, values, i, out, why);
	}
	(void)buf_putc(out, '}');
	if (rc == 0 && side != NULL) {
		(void)buf_putl(out, ",\"sideUpdate\":");
		if (!update_sides(side, INT64_MIN, out, why))
			rc = ERR_SYNTAX;
	}
	(void)buf_putc(out, '}');
	if (rc == 0 && !buf_ok(out))
		rc = -ENOMEM;
	return rc;
}
