/* SPDX-License-Identifier: MIT */

/*
 * Are the components that callbacks name on the page? Checked at the start
 * against the layouts, so that a wrong letter is found before a visitor does.
 *
 * A layout that cannot run yet (it queries, or waits for a value) leaves ids
 * unknown: then they are not checked, as with suppress_callback_exceptions and
 * with finished JSON in the tree. ph_validation_layout() helps there. Who asks
 * is not known: ph_header() and the like give nothing, and leave ids unknown,
 * as a user may see other parts. What fails all the same is warned of, as it
 * may do so at each visit; who only asks whether all is good (--check-config)
 * is told that it is not. A layout that no visitor would ever see is a mistake
 * whatever is known of the ids; only a blocking one does not run at a start.
 *
 * The front end checks once more, against the layout that it got. Where there
 * is a ph_validation_layout() each worker tells it what the check here knew:
 * not the trees, which may be large and are nobody's to see, but a list of
 * components with nothing but their ids.
 *
 * THREADS  The loading thread, or the loop's before it serves.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"
#include "worker/app.h"
#include "worker/children.h"
#include "worker/component.h"
#include "worker/crash.h"
#include "worker/dash_id.h"
#include "worker/host.h"
#include "worker/json_write.h"
#include "worker/package.h"
#include "worker/pages.h"

#define IDS_MAX 100000
#define DEPTH_MAX 200

struct known {
	struct known *next;
	const struct component *component;
	const struct value *id;
	const char *name; /* the id as the browser writes it */
	size_t layout;    /* whose it is; 0: that of the app */
};

struct search {
	struct app *app;
	struct arena *arena;
	struct known *first;
	size_t count;
	size_t layout; /* which one runs */
	bool strictly; /* a layout that fails is a mistake */
	bool shows;    /* ph_page_container() is there */
	bool quietly;  /* all has been said before */
	bool unsure;   /* something is there that cannot be looked into */
	bool wrong;    /* no browser could show it */
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
	known->name = dash_id_string(search->arena, id);
	known->layout = search->layout;
	known->next = search->first;
	search->first = known;
}

/* What the front end leaves out without a word. */
static void
check_children(struct search *search, const struct component *component,
    const struct value *children)
{
	const char *why = children_fault(children);

	if (why == NULL)
		return;
	search->wrong = true;
	(void)buf_printf(&search->app->problems,
	    "layout: component %s: .children %s\n", component->type->name, why);
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
		if (strcmp(prop->name, "children") == 0 &&
		    children_are_taken(component->type))
			check_children(search, component, &prop->value);
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
	else if (children_is_finished(value) && pages_is_container(value))
		search->shows = true;
	else if (children_is_finished(value))
		search->unsure = true;
	else if (value->kind == VALUE_OBJECT)
		for (i = 0; i < value->count; i++)
			look_at(search, &value->u.members[i].value, depth + 1);
	else if (value->kind == VALUE_JSON &&
		 strstr(value->u.text, "\"namespace\"") != NULL)
		search->unsure = true;
}

/* Could a browser show it? NULL, or what is wrong. */
static const char *
check_page(const struct value *page)
{
	struct buf json = BUF_EMPTY;
	const char *why = NULL;

	switch (page->kind) {
	case VALUE_COMPONENT:
	case VALUE_ARRAY:
	case VALUE_TEXT:
	case VALUE_JSON:
		break;
	default:
		if (!children_is_finished(page))
			return "is no component, list or text";
	}
	if (json_write_page(page, NULL, &json, &why) >= 0)
		why = NULL;
	buf_free(&json);
	return why;
}

/* It has failed, and not for what only a visit has. A visitor may make it go
 * well, if it asks who that is. */
static void
note_failure(struct search *search, const struct call *call)
{
	if (search->quietly)
		return;
	if (!search->strictly || call->asked) {
		log_warn(0, "app.layout", "%s: %s", call->name,
		    call_reason(call));
		return;
	}
	search->wrong = true;
	(void)buf_printf(&search->app->problems, "%s: it fails: %s\n",
	    call->name, call_reason(call));
}

/* Run a layout function as it runs later, but for what is not there yet. */
static void
run(struct toolkit *kit, ph_layout_function *function, const char *name,
    struct search *search)
{
	const struct ph_value *page;
	const char *why = NULL;
	struct call call;

	call_init(&call, kit, search->arena, CALL_LAYOUT, name, NULL);
	call.trial = true;
	call.pooled = search->layout > 0 || search->app->layout_blocking;
	call_enter(&call);
	crash_part(name);
	page = call_make(&call, function);
	call_leave(&call);
	if (call.misbuilt) {
		search->wrong = true;
		(void)buf_printf(&search->app->problems, "%s\n", call.error);
	}
	if (call.failed || call.waits) {
		search->unsure = true;
		if (call.failed && !call.misbuilt && !call.untried)
			note_failure(search, &call);
	} else {
		why = page != NULL ? check_page(host_take(page))
				   : "is NULL: the function returned nothing";
		if (why == NULL)
			look_at(search, host_take(page), 0);
		if (call.asked) /* others may see more of it */
			search->unsure = true;
	}
	if (why != NULL) {
		search->wrong = true;
		(void)buf_printf(&search->app->problems, "%s: the page: %s\n",
		    name, why);
	}
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

/* One that stands in an option, where only the text of it is kept. */
static void
check_text(struct app *app, const struct search *search,
    const struct callback *callback, const char *what, const char *option)
{
	struct dependency dependency = { 0 };

	if (app_parse_dependency(app, what, &dependency) == NULL)
		check(app, search, callback, &dependency, option);
	app_dependency_clear(&dependency);
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
	for (i = 0; i < callback->running_count; i++)
		check_text(app, search, callback, callback->running[i].given,
		    ".running");
	for (i = 0; i < callback->progress_count; i++)
		check_text(app, search, callback, callback->progress[i].given,
		    ".progress");
	for (i = 0; i < callback->cancel_count; i++)
		check(app, search, callback, &callback->cancel[i], ".cancel");
}

static int
compare(const void *a, const void *b)
{
	const struct known *x = *(struct known *const *)a;
	const struct known *y = *(struct known *const *)b;
	int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	return x->layout < y->layout ? -1 : x->layout > y->layout;
}

/*
 * Two components with one id: the front end would take either. Pages are never
 * shown together, so they may share ids, but not with the app's own layout.
 */
static void
check_twice(struct app *app, struct search *search)
{
	struct known **list = calloc(search->count + 1, sizeof(*list));
	const struct known *first = NULL;
	const struct known *known;
	struct known *next;
	size_t count = 0;
	size_t i;

	for (next = search->first; list != NULL && next != NULL;
	     next = next->next) {
		if (next->name != NULL)
			list[count++] = next;
	}
	if (count > 0)
		qsort(list, count, sizeof(*list), compare);
	for (i = 0; i < count; i++) {
		known = list[i];
		if (first == NULL || strcmp(first->name, known->name) != 0) {
			first = known;
			continue;
		}
		if (first->layout != 0 && list[i - 1]->layout != known->layout)
			continue;
		search->wrong = true;
		(void)buf_printf(&app->problems,
		    "%s%s%s has two components with the id \"%s\"\n",
		    known->layout > 0 ? "page \"" : "the layout",
		    known->layout > 0 ? app->pages[known->layout - 1]->info.path
				      : "",
		    known->layout > 0 ? "\"" : "", known->name);
		while (i + 1 < count &&
		       strcmp(list[i + 1]->name, known->name) == 0 &&
		       list[i + 1]->layout == known->layout)
			i++;
	}
	free(list);
}

/* Every page, as what callbacks name may stand on any. */
static void
run_pages(struct app *app, struct toolkit *kit, struct search *search)
{
	char name[200];
	size_t i;

	for (i = 0; i < app->page_count; i++) {
		search->layout = i + 1;
		(void)snprintf(name, sizeof(name), "page \"%s\"",
		    app->pages[i]->info.path);
		run(kit, app->pages[i]->layout, name, search);
	}
}

/*
 * Pages that are nowhere to be seen. A layout that asks who the visitor is may
 * have a place for them another time; one that a callback fills in later says
 * so by a validation layout that has it.
 */
static void
say_not_shown(struct app *app)
{
	(void)buf_puts(&app->problems,
	    "ph_page(): the layout has no ph_page_container(), where pages are "
	    "shown (one that is added later stands in "
	    "ph_validation_layout(), or .suppress_callback_exceptions of "
	    "ph_options() allows that)\n");
}

bool
app_validate_ids(struct app *app, struct toolkit *kit, bool strictly)
{
	struct search search = { .strictly = strictly };
	struct arena arena;
	bool known; /* what the layout shows */
	size_t i;

	if (app->layout == NULL)
		return true;
	arena_init(&arena, (size_t)kit->options->limit_request_memory);
	search.app = app;
	search.arena = &arena;
	if (app->layout_blocking && !strictly)
		search.unsure = true;
	else
		run(kit, app->layout, "layout", &search);
	known = !search.unsure;
	run_pages(app, kit, &search);
	check_twice(app, &search);
	if (app->validation != NULL) {
		search.unsure = false; /* it knows better */
		run(kit, app->validation, "ph_validation_layout", &search);
	}
	if (app->page.suppress_callback_exceptions)
		search.unsure = true;
	else if (app->page_count > 0 && known && !search.shows)
		say_not_shown(app);
	for (i = 0; !search.unsure && i < app->callback_count; i++) {
		if (app->callbacks[i]->cancels ||
		    pages_is_own(app->callbacks[i]))
			continue;
		check_callback(app, &search, app->callbacks[i]);
	}
	arena_free(&arena);
	return !search.wrong;
}

/* A component of nothing but its id. */
static bool
put_bare(const struct known *known, struct buf *out)
{
	const struct ph_component_type *type = known->component->type;
	const char *why;

	(void)buf_putl(out, "{\"props\":{\"id\":");
	if (json_write(known->id, out, &why) < 0)
		return false;
	(void)buf_putl(out, "},\"type\":");
	(void)json_write_text(type->name, strlen(type->name), out);
	(void)buf_putl(out, ",\"namespace\":");
	(void)json_write_text(type->name_space, strlen(type->name_space), out);
	(void)buf_putc(out, '}');
	return true;
}

static void
put_known(const struct search *search, struct buf *out)
{
	const struct known *known = search->first;
	bool good = true;

	(void)buf_putl(out, "{\"props\":{\"children\":[");
	for (; good && known != NULL; known = known->next) {
		good = put_bare(known, out);
		if (known->next != NULL)
			(void)buf_putc(out, ',');
	}
	(void)buf_putl(out, "]},\"type\":\"Div\",\"namespace\":"
			    "\"dash_html_components\"}");
	if (!good || !buf_ok(out))
		buf_clear(out);
}

void
app_gather_ids(struct app *app, struct toolkit *kit)
{
	struct search search = { .app = app, .quietly = true };
	struct arena arena;

	buf_clear(&app->known_ids);
	app->more_ids = false;
	if (app->validation == NULL || app->layout == NULL ||
	    app_shows_more(app))
		return;
	arena_init(&arena, (size_t)kit->options->limit_request_memory);
	search.arena = &arena;
	if (!app->layout_blocking)
		run(kit, app->layout, "layout", &search);
	search.unsure = false;
	run(kit, app->validation, "ph_validation_layout", &search);
	app->more_ids = search.unsure || search.wrong;
	if (!app->more_ids)
		put_known(&search, &app->known_ids);
	buf_clear(&app->problems);
	arena_free(&arena);
}
