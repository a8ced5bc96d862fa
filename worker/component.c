/* SPDX-License-Identifier: MIT */

/*
 * Components: from a generated struct of properties to name and value.
 *
 * The generated header lists each property with its offset and kind, so one
 * loop serves every component of every package.
 *
 * OWNERSHIP  The component and its list live in the arena; texts are copied,
 *            values are shared with the app's own tree in the same arena.
 * THREADS    The thread that runs the call.
 */
#include "worker/component.h"

#include <stdio.h>
#include <string.h>

#include "worker/dash_id.h"

/* An id: a text, or an object in JSON as ph_id() and PH_ID() give. */
static int
id_read(struct arena *arena, const char *text, struct value *out,
    const char **why)
{
	const struct value *id = NULL;

	if (text[0] == '{')
		id = dash_id_parse(arena, text, strlen(text), why);
	else if (strpbrk(text, ".{") != NULL)
		*why = "an id is a text without dots and braces, or ph_id() "
		       "or PH_ID()";
	else
		id = value_text(arena, text, strlen(text));
	if (id == NULL)
		return -1;
	*out = *id;
	return 1;
}

/* Read one property; returns 1 given, 0 not given, -1 with *why. */
static int
prop_read(struct arena *arena, const struct ph_prop *prop, const void *props,
    struct value_member *member, const char **why)
{
	const char *at = (const char *)props + prop->offset;
	const struct value *value;
	const char *text;
	enum ph_bool flag;

	memset(member, 0, sizeof(*member));
	member->name = prop->name;
	member->name_len = (uint32_t)strlen(prop->name);
	switch (prop->kind) {
	case PH_PROP_TEXT:
		memcpy(&text, at, sizeof(text));
		if (text == NULL)
			return 0;
		if (strcmp(prop->name, "id") == 0)
			return id_read(arena, text, &member->value, why);
		member->value.kind = VALUE_TEXT;
		member->value.count = (uint32_t)strlen(text);
		member->value.u.text =
		    arena_strndup(arena, text, member->value.count);
		return member->value.u.text != NULL ? 1 : -1;
	case PH_PROP_BOOL:
		memcpy(&flag, at, sizeof(flag));
		member->value.kind = VALUE_BOOL;
		member->value.flag = flag == PH_TRUE;
		return flag != PH_UNSET;
	default:
		memcpy(&value, at, sizeof(value));
		if (value == NULL)
			return 0;
		member->value = *value;
		return 1;
	}
}

/* The pseudo property `more`: an object whose members are properties. */
static uint32_t
more_count(const struct value_member *member)
{
	if (strcmp(member->name, "more") != 0 ||
	    member->value.kind != VALUE_OBJECT)
		return 0;
	return member->value.count;
}

static const char *
missing_prop(struct arena *arena, const struct ph_component_type *type,
    const struct ph_prop *prop)
{
	char text[256];
	const char *copy;
	int len;

	len = snprintf(text, sizeof(text), "component %s needs property %s",
	    type->name, prop->name);
	if (len < 0 || (size_t)len >= sizeof(text))
		len = 0;
	copy = arena_strndup(arena, text, (size_t)len);
	return copy != NULL ? copy : "a component lacks a required property";
}

struct value *
component_new(struct arena *arena, const struct ph_component_type *type,
    const void *props, const char **why)
{
	struct component *component = arena_alloc(arena, sizeof(*component));
	struct value *value = value_null(arena);
	struct value_member member;
	uint32_t extra;
	unsigned i;
	int given;

	*why = "out of memory";
	if (component == NULL || value == NULL)
		return NULL;
	component->type = type;
	component->prop_count = 0;
	component->props =
	    arena_calloc(arena, type->prop_count + 1, sizeof(member));
	if (component->props == NULL)
		return NULL;
	for (i = 0; i < type->prop_count; i++) {
		given = prop_read(arena, &type->props[i], props, &member, why);
		if (given < 0)
			return NULL;
		if (given == 0) {
			if (!(type->props[i].flags & PH_PROP_REQUIRED))
				continue;
			*why = missing_prop(arena, type, &type->props[i]);
			return NULL;
		}
		extra = more_count(&member);
		if (extra == 0) {
			component->props[component->prop_count++] = member;
			continue;
		}
		/* `more` stands last in every generated struct. */
		struct value_member *all = arena_calloc(arena,
		    component->prop_count + (size_t)extra, sizeof(member));

		if (all == NULL)
			return NULL;
		memcpy(all, component->props,
		    component->prop_count * sizeof(member));
		memcpy(all + component->prop_count, member.value.u.members,
		    extra * sizeof(member));
		component->props = all;
		component->prop_count += extra;
	}
	value->kind = VALUE_COMPONENT;
	value->u.component = component;
	return value;
}
