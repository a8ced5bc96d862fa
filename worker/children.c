/* SPDX-License-Identifier: MIT */

/*
 * Which children a browser can show: components, texts, numbers and one list
 * of these. Lists in a list and objects that are no components it cannot.
 *
 * INVARIANT  Finished JSON is not looked into: it passes as it is.
 * THREADS    Any; no state.
 */
#include "worker/children.h"

#include <string.h>

#include "worker/component.h"

#define DEPTH_MAX 200 /* json_write() refuses what is deeper */

static const char *within(const struct value *value, unsigned depth,
    const struct ph_component_type **type);

bool
children_is_finished(const struct value *value)
{
	return value->kind == VALUE_OBJECT &&
	       value_get(value, "namespace") != NULL &&
	       value_get(value, "props") != NULL;
}

/* A patch is no child, but says how these change. */
static bool
is_object(const struct value *value)
{
	return value->kind == VALUE_OBJECT && !children_is_finished(value) &&
	       value_get(value, "__dash_patch_update") == NULL;
}

const char *
children_fault(const struct value *children)
{
	const struct value *item;
	uint32_t i;

	if (children->kind == VALUE_TABLE)
		return "is a table, which is a list of objects there";
	if (is_object(children))
		return "is an object, not a component";
	for (i = 0; children->kind == VALUE_ARRAY && i < children->count; i++) {
		item = &children->u.items[i];
		if (item->kind == VALUE_ARRAY)
			return "has a list with a list in it: give one list";
		if (is_object(item))
			return "has a list with an object, not a component";
	}
	return NULL;
}

bool
children_are_taken(const struct ph_component_type *type)
{
	unsigned i;

	for (i = 0; i < type->prop_count; i++) {
		if (strcmp(type->props[i].name, "children") == 0)
			return (type->props[i].flags & PH_PROP_CHILDREN) != 0;
	}
	return false;
}

static const char *
within_component(const struct component *component, unsigned depth,
    const struct ph_component_type **type)
{
	const struct value_member *prop = component->props;
	const char *why = NULL;
	uint32_t i;

	for (i = 0; why == NULL && i < component->prop_count; i++, prop++) {
		if (strcmp(prop->name, "children") == 0 &&
		    children_are_taken(component->type))
			why = children_fault(&prop->value);
		if (why != NULL)
			*type = component->type;
		else
			why = within(&prop->value, depth + 1, type);
	}
	return why;
}

static const char *
within(const struct value *value, unsigned depth,
    const struct ph_component_type **type)
{
	const char *why = NULL;
	uint32_t i;

	if (depth > DEPTH_MAX)
		return NULL;
	if (value->kind == VALUE_COMPONENT)
		return within_component(value->u.component, depth, type);
	for (i = 0;
	     value->kind == VALUE_ARRAY && why == NULL && i < value->count; i++)
		why = within(&value->u.items[i], depth + 1, type);
	for (i = 0;
	     value->kind == VALUE_OBJECT && why == NULL && i < value->count;
	     i++)
		why = within(&value->u.members[i].value, depth + 1, type);
	return why;
}

const char *
children_fault_within(const struct value *value,
    const struct ph_component_type **type)
{
	return within(value, 0, type);
}
