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

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "worker/dash_id.h"

__attribute__((format(printf, 2, 3))) static const char *
say(struct arena *arena, const char *format, ...)
{
	char text[256];
	const char *copy;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		len = 0;
	copy = arena_strndup(arena, text, (size_t)len);
	return copy != NULL ? copy : "a component's properties are wrong";
}

/* Does it stand for many? That is for the dependencies of callbacks. */
static bool
is_pattern(const struct value *id)
{
	uint32_t i;

	for (i = 0; i < id->count; i++)
		if (dash_id_wild(&id->u.members[i].value) != DASH_PLAIN)
			return true;
	return false;
}

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
	if (id != NULL && id->kind == VALUE_OBJECT && is_pattern(id)) {
		*why = say(arena,
		    "the id %.120s is a pattern, for callbacks; a component "
		    "has one id: ph_id(\"type\", index)",
		    text);
		return -1;
	}
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

/* Is it the pseudo property that is an object full of others? */
static bool
is_more(const struct ph_prop *prop)
{
	return strcmp(prop->name, "more") == 0;
}

/*
 * May `more` have it? The server's own packages are known to the last
 * property. A package from npm may take what no header can have: properties
 * that are functions to it and that it finds by a name, {"function": "f"}.
 */
static bool
is_known(const struct ph_component_type *type,
    const struct value_member *member)
{
	static const char *const own[] = { "dash_html_components",
		"dash_core_components", "dash_table" };
	bool is_own = false;
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		is_own |= strcmp(type->name_space, own[i]) == 0;
	if (!is_own || strncmp(member->name, "data-", 5) == 0 ||
	    strncmp(member->name, "aria-", 5) == 0)
		return true;
	for (i = 0; i < type->prop_count; i++) {
		if (strcmp(type->props[i].name, member->name) == 0)
			return !is_more(&type->props[i]);
	}
	return false;
}

/*
 * The members of `more` behind the properties so far. 0, or -1 with *why: it
 * is no object, a property would be there twice, or nobody knows it.
 */
static int
add_more(struct arena *arena, struct component *component,
    const struct value *more, const char **why)
{
	struct value_member *all;
	struct value_member *member;
	uint32_t i;
	uint32_t j;

	if (more->kind == VALUE_NULL)
		return 0;
	if (more->kind != VALUE_OBJECT) {
		*why = say(arena, "component %s: .more is %s, not an object",
		    component->type->name, value_kind_name(more->kind));
		return -1;
	}
	all = arena_calloc(arena, component->prop_count + (size_t)more->count,
	    sizeof(*all));
	if (all == NULL)
		return -1;
	memcpy(all, component->props, component->prop_count * sizeof(*all));
	component->props = all;
	for (i = 0; i < more->count; i++) {
		member = &all[component->prop_count];
		*member = more->u.members[i];
		if (!is_known(component->type, member)) {
			*why = say(arena,
			    "component %s: .more has \"%.60s\", which is "
			    "neither a property of it nor data-* or aria-*",
			    component->type->name, member->name);
			return -1;
		}
		for (j = 0; j < component->prop_count; j++) {
			if (all[j].name_len != member->name_len ||
			    memcmp(all[j].name, member->name,
				member->name_len) != 0)
				continue;
			*why = say(arena,
			    "component %s: .more has \"%s\", which is given "
			    "already",
			    component->type->name, all[j].name);
			return -1;
		}
		component->prop_count++;
	}
	return 0;
}

/* The id of a component out of `more`: as one that is written as .id. */
static int
check_id(struct component *component, const char **why)
{
	const struct value_member *prop;
	uint32_t i;

	for (i = 0; i < component->prop_count; i++) {
		prop = &component->props[i];
		if (prop->name_len != 2 || memcmp(prop->name, "id", 2) != 0 ||
		    prop->value.kind == VALUE_OBJECT ||
		    prop->value.kind == VALUE_JSON)
			continue;
		if (prop->value.kind == VALUE_TEXT &&
		    strpbrk(prop->value.u.text, ".{") == NULL)
			continue;
		*why = "an id is a text without dots and braces, or an object";
		return -1;
	}
	return 0;
}

struct value *
component_new(struct arena *arena, const struct ph_component_type *type,
    const void *props, const char **why)
{
	struct component *component = arena_alloc(arena, sizeof(*component));
	struct value *value = value_null(arena);
	struct value_member member;
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
			*why = say(arena, "component %s needs property %s",
			    type->name, type->props[i].name);
			return NULL;
		}
		/* It stands last in every generated struct. */
		if (!is_more(&type->props[i]))
			component->props[component->prop_count++] = member;
		else if (add_more(arena, component, &member.value, why) < 0)
			return NULL;
	}
	if (check_id(component, why) < 0)
		return NULL;
	value->kind = VALUE_COMPONENT;
	value->u.component = component;
	return value;
}
