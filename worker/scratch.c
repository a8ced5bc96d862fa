/* SPDX-License-Identifier: MIT */

/*
 * Memory that a call gives back before it ends. See scratch.h.
 *
 * INVARIANT  call->arena is the arena of call->scratch, the innermost one that
 *            is open; each scratch knows what it was before.
 * FAILURE    A scratch that cannot be made is counted, so that its end does not
 *            end the one around it; the call has failed anyhow.
 */
#include "worker/scratch.h"

#include <stdlib.h>
#include <string.h>

#include "worker/component.h"

#define DEPTH_MAX 200

struct scratch {
	struct scratch *outer;
	struct arena *around;    /* the arena of the call before */
	struct call_blob *blobs; /* the newest that was there before */
	struct arena arena;
};

struct arena *
scratch_lasting_arena(struct call *call)
{
	struct scratch *scratch = call->scratch;

	if (scratch == NULL)
		return call->arena;
	while (scratch->outer != NULL)
		scratch = scratch->outer;
	return scratch->around;
}

/* What may still be handed out there; 0 is "no bound". */
static size_t
room_of(const struct arena *arena)
{
	if (arena->max == 0)
		return 0;
	return arena->max > arena->used ? arena->max - arena->used : 1;
}

void
host_scratch_begin(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	struct scratch *scratch = malloc(sizeof(*scratch));

	if (scratch == NULL) {
		call->scratches_lost++;
		call_error(call, "%s: ph_scratch_begin(): out of memory",
		    call->name);
		return;
	}
	scratch->outer = call->scratch;
	scratch->around = call->arena;
	scratch->blobs = call->blobs;
	arena_init(&scratch->arena, room_of(call->arena));
	call->scratch = scratch;
	call->arena = &scratch->arena;
}

/* Take the innermost one off; its arena is the caller's. */
static struct scratch *
pop(struct call *call)
{
	struct scratch *scratch = call->scratch;

	call->scratch = scratch->outer;
	call->arena = scratch->around;
	return scratch;
}

void
host_scratch_end(struct ph_call *ph)
{
	struct call *call = host_call(ph);
	struct scratch *scratch;

	if (call->scratches_lost > 0) {
		call->scratches_lost--;
		return;
	}
	if (call->scratch == NULL) {
		call_mistake(call,
		    "%s: ph_scratch_end() without a ph_scratch_begin()",
		    call->name);
		return;
	}
	scratch = pop(call);
	call_drop(call, scratch->blobs);
	arena_free(&scratch->arena);
	free(scratch);
}

void
scratch_leave(struct call *call)
{
	struct scratch *scratch;

	while (call->scratch != NULL) {
		scratch = pop(call);
		arena_join(call->arena, &scratch->arena);
		free(scratch);
	}
	call->scratches_lost = 0;
}

bool
scratch_is_here(struct call *call, const struct arena *arena, const char *what)
{
	if (arena == call->arena)
		return true;
	call_mistake(call,
	    "%s: %s was begun outside of this ph_scratch_begin(), or inside of "
	    "one that has ended",
	    call->name, what);
	return false;
}

/* --- copies --------------------------------------------------------------- */

static bool copy_into(struct arena *arena, struct value *value, unsigned depth);

static bool
copy_text(struct arena *arena, const char **text, size_t len)
{
	*text = arena_strndup(arena, *text, len);
	return *text != NULL;
}

static bool
copy_members(struct arena *arena, struct value_member **list, uint32_t count,
    unsigned depth)
{
	struct value_member *copy =
	    arena_alloc(arena, count * sizeof(struct value_member));
	uint32_t i;

	if (copy == NULL)
		return false;
	if (count > 0)
		memcpy(copy, *list, count * sizeof(*copy));
	*list = copy;
	for (i = 0; i < count; i++) {
		if (!copy_text(arena, &copy[i].name, copy[i].name_len) ||
		    !copy_into(arena, &copy[i].value, depth))
			return false;
	}
	return true;
}

static bool
copy_items(struct arena *arena, struct value *value, unsigned depth)
{
	struct value *copy =
	    arena_alloc(arena, value->count * sizeof(struct value));
	uint32_t i;

	if (copy == NULL)
		return false;
	if (value->count > 0)
		memcpy(copy, value->u.items, value->count * sizeof(*copy));
	value->u.items = copy;
	for (i = 0; i < value->count; i++) {
		if (!copy_into(arena, &copy[i], depth))
			return false;
	}
	return true;
}

static bool
copy_texts(struct arena *arena, struct value_column *column)
{
	struct value_text *texts =
	    arena_alloc(arena, column->row_count * sizeof(*texts));
	uint32_t i;

	if (texts == NULL)
		return false;
	if (column->row_count > 0)
		memcpy(texts, column->u.texts,
		    column->row_count * sizeof(*texts));
	column->u.texts = texts;
	for (i = 0; i < column->row_count; i++) {
		if (texts[i].text != NULL &&
		    !copy_text(arena, &texts[i].text, texts[i].len))
			return false;
	}
	return true;
}

static bool
copy_column(struct arena *arena, struct value_column *column)
{
	size_t size =
	    column->type == VALUE_COLUMN_F32 ? sizeof(float) : sizeof(double);
	void *cells;

	_Static_assert(sizeof(double) == sizeof(int64_t),
	    "both are of 8 bytes");
	if (!copy_text(arena, &column->name, column->name_len))
		return false;
	if (column->type == VALUE_COLUMN_TEXT)
		return copy_texts(arena, column);
	cells = arena_alloc(arena, column->row_count * size);
	if (cells == NULL)
		return false;
	if (column->row_count > 0)
		memcpy(cells, column->u.numbers, column->row_count * size);
	column->u.numbers = cells;
	return true;
}

static bool
copy_columns(struct arena *arena, const struct value_column *from,
    uint32_t count, struct value_column **to)
{
	struct value_column *copy = arena_alloc(arena, count * sizeof(*copy));
	uint32_t i;

	if (copy == NULL)
		return false;
	if (count > 0)
		memcpy(copy, from, count * sizeof(*copy));
	*to = copy;
	for (i = 0; i < count; i++) {
		if (!copy_column(arena, &copy[i]))
			return false;
	}
	return true;
}

static bool
copy_table(struct arena *arena, struct value *value)
{
	struct value_table *copy = arena_alloc(arena, sizeof(*copy));

	if (copy == NULL)
		return false;
	*copy = *value->u.table;
	value->u.table = copy;
	return copy_columns(arena, copy->columns, copy->column_count,
	    &copy->columns);
}

/* Its type is a constant of the app. */
static bool
copy_component(struct arena *arena, struct value *value, unsigned depth)
{
	struct component *copy = arena_alloc(arena, sizeof(*copy));

	if (copy == NULL)
		return false;
	memcpy(copy, value->u.component, sizeof(*copy));
	value->u.component = copy;
	return copy_members(arena, &copy->props, copy->prop_count, depth);
}

/* Make what the value points to its own. */
static bool
copy_into(struct arena *arena, struct value *value, unsigned depth)
{
	struct value_column *column;

	if (depth > DEPTH_MAX)
		return false;
	switch (value->kind) {
	case VALUE_TEXT:
	case VALUE_JSON:
		return copy_text(arena, &value->u.text, value->count);
	case VALUE_ARRAY:
		return copy_items(arena, value, depth + 1);
	case VALUE_OBJECT:
		return copy_members(arena, &value->u.members, value->count,
		    depth + 1);
	case VALUE_TABLE:
		return copy_table(arena, value);
	case VALUE_COLUMN:
		if (!copy_columns(arena, value->u.column, 1, &column))
			return false;
		value->u.column = column;
		return true;
	case VALUE_COMPONENT:
		return copy_component(arena, value, depth + 1);
	default:
		return true;
	}
}

struct value *
scratch_copy(struct arena *arena, const struct value *value)
{
	struct value *copy = value_null(arena);

	if (copy == NULL)
		return NULL;
	*copy = *value;
	return copy_into(arena, copy, 0) ? copy : NULL;
}

static const struct value *
copy_for(struct call *call, struct arena *arena, const struct value *value)
{
	const struct value *copy = scratch_copy(arena, value);

	if (copy == NULL)
		call_error(call,
		    "%s: a value to be kept: out of memory, or nested deeper "
		    "than %d",
		    call->name, DEPTH_MAX);
	return copy != NULL ? copy : &call_null_value;
}

const struct value *
scratch_lasting(struct call *call, const struct value *value)
{
	if (value == NULL)
		return &call_null_value;
	if (call->scratch == NULL || value == &call_null_value ||
	    value == &call_bad_value)
		return value;
	return copy_for(call, scratch_lasting_arena(call), value);
}

const struct ph_value *
host_keep(struct ph_call *ph, const struct ph_value *ph_value)
{
	struct call *call = host_call(ph);

	if (call->scratch == NULL)
		return host_give(host_take(ph_value));
	return host_give(
	    copy_for(call, call->scratch->around, host_take(ph_value)));
}
