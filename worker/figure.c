/* SPDX-License-Identifier: MIT */

/*
 * Figures: plotly's JSON with columns of tables put in by path.
 *
 * Values are never changed once made, so a put copies the nodes along its
 * path; a figure's skeleton is small, and the columns are only pointed to.
 *
 * THREADS  The thread that runs the call.
 */
#include "worker/figure.h"

#include <stdlib.h>
#include <string.h>

#include "worker/host.h"

#define PATH_STEPS 32

static const struct value *put(struct arena *arena, const struct value *node,
    const char *path, const struct value *leaf, unsigned steps,
    const char **why);

/* What is put where there is nothing yet, for the rest of the path. */
static const struct value *
missing(const char *rest)
{
	static const struct value object = { .kind = VALUE_OBJECT };
	static const struct value list = { .kind = VALUE_ARRAY };

	return *rest == '[' ? &list : &object;
}

static const struct value *
put_index(struct arena *arena, const struct value *node, const char *path,
    const struct value *leaf, unsigned steps, const char **why)
{
	const struct value *child;
	struct value *copy;
	unsigned long index;
	char *end;

	index = strtoul(path + 1, &end, 10);
	if (path[1] < '0' || path[1] > '9' || *end != ']' ||
	    (end[1] != '\0' && strchr(".[", end[1]) == NULL)) {
		*why = "an index is a number in brackets, as in data[0]";
		return NULL;
	}
	if (node->kind != VALUE_ARRAY || index > node->count) {
		*why = "the list has no item at that index";
		return NULL;
	}
	/* The index behind the last item appends. */
	child = index < node->count ? &node->u.items[index] : missing(end + 1);
	child = put(arena, child, end + 1, leaf, steps, why);
	copy = child != NULL
		   ? value_array(arena, node->count + (index == node->count))
		   : NULL;
	if (copy == NULL)
		return NULL;
	if (node->count > 0)
		memcpy(copy->u.items, node->u.items,
		    node->count * sizeof(struct value));
	copy->u.items[index] = *child;
	return copy;
}

static const struct value *
put_member(struct arena *arena, const struct value *node, const char *path,
    const struct value *leaf, unsigned steps, const char **why)
{
	size_t len = strcspn(path, ".[");
	const struct value *child = missing(path + len);
	struct value *copy;
	uint32_t i;

	if (node->kind != VALUE_OBJECT || len == 0) {
		*why = len == 0 ? "a name is empty"
				: "a name leads into something that is not an "
				  "object";
		return NULL;
	}
	for (i = 0; i < node->count; i++) {
		if (node->u.members[i].name_len == len &&
		    memcmp(node->u.members[i].name, path, len) == 0)
			break;
	}
	if (i < node->count)
		child = &node->u.members[i].value;
	child = put(arena, child, path + len, leaf, steps, why);
	if (child == NULL)
		return NULL;
	copy = value_object(arena, node->count + (i == node->count));
	if (copy == NULL)
		return NULL;
	if (node->count > 0)
		memcpy(copy->u.members, node->u.members,
		    node->count * sizeof(struct value_member));
	copy->u.members[i].name = arena_strndup(arena, path, len);
	copy->u.members[i].name_len = (uint32_t)len;
	copy->u.members[i].value = *child;
	return copy->u.members[i].name != NULL ? copy : NULL;
}

static const struct value *
put(struct arena *arena, const struct value *node, const char *path,
    const struct value *leaf, unsigned steps, const char **why)
{
	if (*path == '\0')
		return leaf;
	if (steps == 0) {
		*why = "the path is too long";
		return NULL;
	}
	if (*path == '[')
		return put_index(arena, node, path, leaf, steps - 1, why);
	if (*path == '.')
		path++;
	return put_member(arena, node, path, leaf, steps - 1, why);
}

const struct value *
figure_put(struct arena *arena, const struct value *tree, const char *path,
    const struct value *leaf, const char **why)
{
	*why = "out of memory";
	if (*path == '\0' || *path == '.') {
		*why = "the path is empty or starts with a dot";
		return NULL;
	}
	return put(arena, tree, path, leaf, PATH_STEPS, why);
}

/* The column of a table as a value; NULL when there is none. */
static const struct value *
column_value(struct call *call, const struct ph_column *ref)
{
	const struct value *table = host_take(ref->table);
	const struct value_column *column;
	struct value *value;

	if (table->kind != VALUE_TABLE) {
		call_error(call, "PH_COLUMN(\"%s\"): the value is %s, no table",
		    ref->path, value_kind_name(table->kind));
		return NULL;
	}
	column = value_table_column(table->u.table, ref->column);
	if (column == NULL) {
		call_error(call, "PH_COLUMN(\"%s\"): no column \"%s\"",
		    ref->path, ref->column);
		return NULL;
	}
	value = value_null(call->arena);
	if (value == NULL) {
		call_error(call, "PH_COLUMN(\"%s\"): out of memory", ref->path);
		return NULL;
	}
	value->kind = VALUE_COLUMN;
	value->flag = true; /* a typed array, wherever it goes */
	value->u.column = column;
	return value;
}

enum ph_status
host_output_figure(struct ph_call *ph, const char *what,
    const struct ph_value *figure, const struct ph_column *columns,
    size_t count)
{
	struct call *call = host_call(ph);
	const struct value *tree = host_take(figure);
	const struct value *leaf;
	const char *why;
	size_t i;

	for (i = 0; i < count && !call->failed; i++) {
		leaf = column_value(call, &columns[i]);
		if (leaf == NULL)
			break;
		tree =
		    figure_put(call->arena, tree, columns[i].path, leaf, &why);
		if (tree == NULL)
			call_error(call, "PH_COLUMN(\"%s\"): %s",
			    columns[i].path, why);
	}
	if (call->failed || tree == NULL)
		return PH_ERROR;
	return host_table.output(ph, what, host_give(tree));
}
