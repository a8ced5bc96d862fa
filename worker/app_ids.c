/* SPDX-License-Identifier: MIT */

/*
 * Are the components that callbacks name on the page? Checked at the start
 * against the layouts, so that a wrong letter is found before a visitor does.
 *
 * A layout that cannot run yet (it queries, or waits for a value) leaves ids
 * unknown: then nothing is checked, as with suppress_callback_exceptions and
 * with finished JSON in the tree. ph_validation_layout() helps there.
 *
 * THREADS  The loading thread, or the loop's before it serves.
 */
#include <string.h>

#include "worker/app.h"
#include "worker/component.h"
#include "worker/dash_id.h"
#include "worker/host.h"
#include "worker/package.h"
#include "worker/pages.h"

#define IDS_MAX 100000
#define DEPTH_MAX 200

struct known {
	struct known *next;
	const struct component *component;
	const struct value *id;
};

struct search {
	struct app *app;
	struct arena *arena;
	struct known *first;
	size_t count;
	bool unsure; /* something is there that cannot be looked into */
	bool wrong;  /* no browser could show it */
};

static void look_at(struct search *search, const struct value *value,
    unsigned depth);

static void
note(struct search *search, const struct component *component,
    const struct value *id)
{
	struct known *known = arena_alloc(search->arena, sizeof(*known));

	if (known == NULL || ++search->count > IDS_MAX) {
		search->unsure = true;
		return;
	}
	known->component = component;
	known->id = id;
	known->next = search->first;
	search->first = known;
}

static void
look_into(struct search *search, const struct component *component,
    unsigned depth)
{
	const struct value_member *prop = component->props;
	uint32_t i;

	if (!package_check(search->app, component->type))
		search->wrong = true;
	for (i = 0; i < component->prop_count; i++, prop++) {
		if (strcmp(prop->name, "id") == 0)
			note(search, component, &prop->value);
		else
			look_at(search, &prop->value, depth);
	}
}

/* Components stand in children, and in lists and objects of others. */
static void
look_at(struct search *search, const struct value *value, unsigned depth)
{
	uint32_t i;

	if (depth > DEPTH_MAX)
		search->unsure = true;
	else if (value->kind == VALUE_COMPONENT)
		look_into(search, value->u.component, depth + 1);
	else if (value->kind == VALUE_ARRAY)
		for (i = 0; i < value->count; i++)
			look_at(search, &value->u.items[i], depth + 1);
	else if (value->kind == VALUE_OBJECT)
		for (i = 0; i < value->count; i++)
			look_at(search, &value->u.members[i].value, depth + 1);
	else if (value->kind == VALUE_JSON &&
		 strstr(value->u.text, "\"namespace\"") != NULL &&
		 strstr(value->u.text, "\"_pages_location\"") == NULL)
		search->unsure = true;
}

/* Run a layout function as it runs later, but for what is not there yet. */
static void
run(struct toolkit *kit, ph_layout_function *function, struct search *search)
{
	const struct ph_value *page;
	struct call call;

	call_init(&call, kit, search->arena, CALL_LAYOUT, "layout", NULL);
	call_enter(&call);
	page = function((struct ph_call *)(void *)&call);
	call_leave(&call);
	if (call.misbuilt) {
		search->wrong = true;
		(void)buf_printf(&search->app->problems, "%s\n", call.error);
	}
	if (call.failed || page == NULL)
		search->unsure = true;
	else
		look_at(search, host_take(page), 0);
	call_fini(&call);
}

static bool
has_prop(const struct component *component, const char *name)
{
	const struct ph_component_type *type = component->type;
	unsigned i;

	for (i = 0; i < type->prop_count; i++) {
		if (strcmp(type->props[i].name, name) == 0)
			return true;
	}
	/* Those of `more`, which no type lists. */
	return strncmp(name, "data-", 5) == 0 || strncmp(name, "aria-", 5) == 0;
}

static const struct known *
find(const struct search *search, const char *id)
{
	const struct known *known;

	for (known = search->first; known != NULL; known = known->next) {
		if (known->id->kind == VALUE_TEXT &&
		    strcmp(known->id->u.text, id) == 0)
			return known;
	}
	return NULL;
}

static void
no_such_prop(struct app *app, const struct callback *callback,
    const struct dependency *dependency, const char *kind,
    const struct known *known)
{
	(void)buf_printf(&app->problems,
	    "ph_callback(%s): %s \"%s\": a %s has no property \"%s\"\n",
	    callback->function, kind, dependency->what,
	    known->component->type->name, dependency->property);
}

/* No component need match; one that does has the property. */
static void
check_pattern(struct app *app, const struct search *search,
    const struct callback *callback, const struct dependency *dependency,
    const char *kind)
{
	const struct known *known;

	for (known = search->first; known != NULL; known = known->next) {
		if (!dash_id_overlaps(dependency->pattern, known->id) ||
		    has_prop(known->component, dependency->property))
			continue;
		no_such_prop(app, callback, dependency, kind, known);
		return;
	}
}

static void
check(struct app *app, const struct search *search,
    const struct callback *callback, const struct dependency *dependency,
    const char *kind)
{
	const struct known *known;

	if (dependency->pattern != NULL)
		check_pattern(app, search, callback, dependency, kind);
	if (dependency->pattern != NULL || dependency->optional)
		return;
	known = find(search, dependency->id);
	if (known == NULL)
		(void)buf_printf(&app->problems,
		    "ph_callback(%s): %s \"%s\": no component of the page has "
		    "the id \"%s\" (.suppress_callback_exceptions of "
		    "ph_options() allows that)\n",
		    callback->function, kind, dependency->what, dependency->id);
	else if (!has_prop(known->component, dependency->property))
		no_such_prop(app, callback, dependency, kind, known);
}

static void
check_callback(struct app *app, const struct search *search,
    const struct callback *callback)
{
	uint32_t i;

	for (i = 0; i < callback->output_count; i++)
		check(app, search, callback, &callback->outputs[i], "output");
	for (i = 0; i < callback->arg_count; i++)
		check(app, search, callback, &callback->inputs[i],
		    i < callback->input_count ? "input" : "state");
}

/* Two components with one id: the front end would take either. */
static void
check_twice(struct app *app, const struct search *search)
{
	const struct known *known;
	const struct known *other;
	size_t left = 2000; /* more are not compared */

	for (known = search->first; known != NULL && left > 0;
	     known = known->next, left--) {
		for (other = known->next; other != NULL; other = other->next) {
			if (known->id->kind == VALUE_TEXT &&
			    other->id->kind == VALUE_TEXT &&
			    strcmp(known->id->u.text, other->id->u.text) == 0)
				(void)buf_printf(&app->problems,
				    "the layout has two components with the id "
				    "\"%s\"\n",
				    known->id->u.text);
		}
	}
}

bool
app_validate_ids(struct app *app, struct toolkit *kit)
{
	struct search search = { 0 };
	struct arena arena;
	size_t i;

	if (app->page.suppress_callback_exceptions || app->layout == NULL ||
	    (app->layout_blocking && app->validation == NULL))
		return true;
	arena_init(&arena, (size_t)kit->options->limit_request_memory);
	search.app = app;
	search.arena = &arena;
	run(kit, app->validation != NULL ? app->validation : app->layout,
	    &search);
	/* Pages are never shown together, so they may share ids. */
	if (app->page_count == 0 && app->validation == NULL && !search.unsure)
		check_twice(app, &search);
	for (i = 0; app->validation == NULL && i < app->page_count; i++)
		run(kit, app->pages[i]->layout, &search);
	for (i = 0; !search.unsure && i < app->callback_count; i++) {
		if (app->callbacks[i]->cancels ||
		    pages_is_own(app->callbacks[i]))
			continue;
		check_callback(app, &search, app->callbacks[i]);
	}
	arena_free(&arena);
	return !search.wrong;
}
