/* SPDX-License-Identifier: MIT */

/*
 * What an app says about itself inside PH_APP().
 *
 * Every mistake is written to `problems` with the names the author used, and
 * the definition goes on, so that one start shows all of them.
 *
 * OWNERSHIP  All texts are copied into the struct app.
 * THREADS    The loading thread only.
 * FAILURE    Out of memory is a problem line like any other.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/app.h"

static struct app *
app_of(struct ph_app *app)
{
	return (struct app *)(void *)app;
}

/* Append a pointer to a growing list; false without memory. */
static bool
list_add(void ***list, size_t *count, void *item)
{
	void **grown = realloc(*list, (*count + 1) * sizeof(*grown));

	if (grown == NULL)
		return false;
	grown[(*count)++] = item;
	*list = grown;
	return true;
}

void
app_define_title(struct ph_app *ph, const char *title)
{
	struct app *app = app_of(ph);

	free(app->title);
	app->title = strdup(title != NULL ? title : "");
}

void
app_define_layout(struct ph_app *ph, ph_layout_function *function,
    const struct ph_layout_options *options)
{
	struct app *app = app_of(ph);

	if (function == NULL || app->layout != NULL)
		(void)buf_printf(&app->problems, "ph_layout: %s\n",
		    function == NULL ? "the function is NULL" : "called twice");
	app->layout = function;
	app->layout_blocking = options->blocking;
}

static bool
timeout_is_valid(double timeout)
{
	return isfinite(timeout) && timeout < 1e10;
}

void
app_define_memoize(struct ph_app *ph, ph_function *function, const char *name,
    const struct ph_memoize_options *options)
{
	struct app *app = app_of(ph);
	struct computation *computation = calloc(1, sizeof(*computation));
	void **list = (void **)app->functions;

	if (options->name != NULL)
		name = options->name;
	if (function == NULL || !timeout_is_valid(options->timeout) ||
	    !timeout_is_valid(options->stale))
		(void)buf_printf(&app->problems, "ph_memoize(%s): %s\n", name,
		    function == NULL
			? "the function is NULL"
			: "the timeout is not a number of seconds");
	if (computation == NULL)
		return;
	computation->name = strdup(name);
	computation->run = function;
	computation->timeout = options->timeout;
	computation->stale = options->stale;
	computation->version = options->version;
	if (list_add(&list, &app->function_count, computation))
		app->functions = (struct computation **)list;
	else
		free(computation);
}

void
app_define_database(struct ph_app *ph, const char *name,
    const struct ph_database_options *options)
{
	struct app *app = app_of(ph);
	struct database *database = calloc(1, sizeof(*database));
	void **list = (void **)app->databases;

	if (name == NULL || name[0] == '\0' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_") != strlen(name))
		(void)buf_printf(&app->problems,
		    "ph_database(%s): a name has letters, digits and _ only\n",
		    name != NULL ? name : "NULL");
	if ((options->create == NULL) == (options->path == NULL))
		(void)buf_printf(&app->problems,
		    "ph_database(%s): give .create or .path, not %s\n",
		    name != NULL ? name : "NULL",
		    options->create == NULL ? "neither" : "both");
	if (database == NULL)
		return;
	database->name = strdup(name != NULL ? name : "");
	database->path = options->path != NULL ? strdup(options->path) : NULL;
	database->create = options->create;
	database->version = options->version;
	if (list_add(&list, &app->database_count, database))
		app->databases = (struct database **)list;
	else
		free(database);
}

/* Split "id.property" at its last dot. False: not of that form. */
static bool
dependency_parse(const char *what, struct dependency *dependency)
{
	const char *dot = strrchr(what, '.');

	if (dot == NULL || dot == what || dot[1] == '\0')
		return false;
	/* Ids with a dot or a brace mean something else to the browser. */
	if (memchr(what, '.', (size_t)(dot - what)) != NULL ||
	    memchr(what, '{', (size_t)(dot - what)) != NULL)
		return false;
	dependency->what = strdup(what);
	dependency->id = strndup(what, (size_t)(dot - what));
	dependency->property = strdup(dot + 1);
	return dependency->what != NULL && dependency->id != NULL &&
	       dependency->property != NULL;
}

/* Collect the dependencies with `mark` into `list`; returns how many. */
static uint32_t
dependencies_add(struct app *app, const char *function,
    const char *const marks[PH_DEPENDENCIES_MAX], char mark,
    struct dependency *list)
{
	uint32_t count = 0;
	int i;

	for (i = 0; i < PH_DEPENDENCIES_MAX && marks[i] != NULL; i++) {
		if (marks[i][0] != mark)
			continue;
		if (!dependency_parse(marks[i] + 1, &list[count])) {
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): \"%s\" is not \"id.property\" "
			    "(an id has no dot and no brace)\n",
			    function, marks[i] + 1);
			continue;
		}
		count++;
	}
	return count;
}

/* The dispatch key: "id.prop", or "..a.b...c.d.." for several outputs. */
static char *
output_key(const struct callback *callback)
{
	struct buf key = BUF_EMPTY;
	size_t len;
	uint32_t i;

	if (callback->several)
		(void)buf_putl(&key, "..");
	for (i = 0; i < callback->output_count; i++) {
		if (i > 0)
			(void)buf_putl(&key, "...");
		(void)buf_puts(&key, callback->outputs[i].what);
	}
	if (callback->several)
		(void)buf_putl(&key, "..");
	if (buf_cstr(&key) == NULL || !buf_ok(&key)) {
		buf_free(&key);
		return NULL;
	}
	return buf_detach(&key, &len);
}

static bool
callback_init(struct app *app, struct callback *callback, ph_function *function,
    const char *name, const struct ph_callback_options *options)
{
	/* The first members are pointers one after the other. */
	const char *marks[PH_DEPENDENCIES_MAX];
	struct buf full = BUF_EMPTY;
	size_t len;

	_Static_assert(offsetof(struct ph_callback_options, d31) ==
			   (PH_DEPENDENCIES_MAX - 1) * sizeof(char *),
	    "dependencies are contiguous");
	memcpy(marks, options, sizeof(marks));
	callback->outputs =
	    calloc(PH_DEPENDENCIES_MAX, sizeof(struct dependency));
	callback->inputs =
	    calloc(PH_DEPENDENCIES_MAX, sizeof(struct dependency));
	if (callback->outputs == NULL || callback->inputs == NULL)
		return false;
	callback->output_count =
	    dependencies_add(app, name, marks, 'O', callback->outputs);
	callback->input_count =
	    dependencies_add(app, name, marks, 'I', callback->inputs);
	callback->arg_count = callback->input_count +
			      dependencies_add(app, name, marks, 'S',
				  callback->inputs + callback->input_count);
	callback->several = callback->output_count > 1;
	callback->function = strdup(name);
	callback->output = output_key(callback);
	callback->memoize = options->memoize;
	callback->prevent_initial_call = options->prevent_initial_call;
	callback->computation.run = function;
	callback->computation.timeout = options->timeout;
	callback->computation.stale = options->stale;
	callback->computation.version = options->version;
	if (callback->function == NULL || callback->output == NULL)
		return false;
	(void)buf_printf(&full, "callback:%s", callback->output);
	if (buf_cstr(&full) != NULL)
		callback->computation.name = buf_detach(&full, &len);
	return callback->computation.name != NULL;
}

void
app_define_callback(struct ph_app *ph, ph_function *function, const char *name,
    const struct ph_callback_options *options)
{
	struct app *app = app_of(ph);
	struct callback *callback = calloc(1, sizeof(*callback));
	void **list = (void **)app->callbacks;

	if (callback == NULL ||
	    !list_add(&list, &app->callback_count, callback)) {
		(void)buf_printf(&app->problems, "ph_callback(%s): no memory\n",
		    name);
		free(callback);
		return;
	}
	app->callbacks = (struct callback **)list;
	if (function == NULL || !timeout_is_valid(options->timeout))
		(void)buf_printf(&app->problems, "ph_callback(%s): %s\n", name,
		    function == NULL
			? "the function is NULL"
			: "the timeout is not a number of seconds");
	if (!callback_init(app, callback, function, name, options))
		(void)buf_printf(&app->problems, "ph_callback(%s): no memory\n",
		    name);
}

static void
validate_outputs(struct app *app, size_t which)
{
	const struct callback *a = app->callbacks[which];
	const struct callback *b;
	uint32_t i, j;
	size_t k;

	for (i = 0; i < a->output_count; i++) {
		for (k = 0; k <= which; k++) {
			b = app->callbacks[k];
			for (j = 0; j < (k == which ? i : b->output_count); j++)
				if (strcmp(a->outputs[i].what,
					b->outputs[j].what) == 0)
					(void)buf_printf(&app->problems,
					    "ph_callback(%s): output \"%s\" "
					    "already belongs to %s\n",
					    a->function, a->outputs[i].what,
					    b->function);
		}
	}
}

void
app_validate(struct app *app)
{
	size_t i, j;

	if (app->layout == NULL)
		(void)buf_puts(&app->problems,
		    "the app has no page: call ph_layout(app, function)\n");
	for (i = 0; i < app->callback_count; i++) {
		if (app->callbacks[i]->output_count == 0)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): no PH_OUTPUT()\n",
			    app->callbacks[i]->function);
		if (app->callbacks[i]->input_count == 0)
			(void)buf_printf(&app->problems,
			    "ph_callback(%s): no PH_INPUT()\n",
			    app->callbacks[i]->function);
		validate_outputs(app, i);
	}
	for (i = 0; i < app->function_count; i++) {
		for (j = 0; j < i; j++)
			if (strcmp(app->functions[i]->name,
				app->functions[j]->name) == 0)
				(void)buf_printf(&app->problems,
				    "ph_memoize(%s): the name is taken\n",
				    app->functions[i]->name);
	}
}
