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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/app.h"
#include "worker/utf8.h"

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

	if (title != NULL && !utf8_is_text(title))
		(void)buf_printf(&app->problems,
		    "ph_title(): the title is not valid UTF-8\n");
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

void
app_define_memoize(struct ph_app *ph, ph_function *function, const char *name,
    const struct ph_memoize_options *options)
{
	struct app *app = app_of(ph);
	struct computation *computation = calloc(1, sizeof(*computation));
	void **list = (void **)app->functions;

	if (options->name != NULL)
		name = options->name;
	if (function == NULL)
		(void)buf_printf(&app->problems,
		    "ph_memoize(%s): the function is NULL\n", name);
	app_check_memoize(app, name, options);
	if (computation == NULL)
		return;
	computation->name = strdup(name);
	computation->run = function;
	computation->timeout = options->timeout;
	computation->stale = options->stale;
	computation->version = options->version;
	computation->null_timeout = options->null_timeout;
	computation->error_timeout = options->error_timeout;
	computation->scope = options->scope;
	computation->ignore = options->ignore;
	computation->may_stop = options->cancel;
	computation->key_of = options->key;
	computation->unless = options->unless;
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
	app_check_database(app, name != NULL ? name : "NULL", options);
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

void
app_define_options(struct ph_app *ph, const struct ph_page_options *options)
{
	struct app *app = app_of(ph);
	const char *title = options->update_title;

	app_check_page_options(app, options);
	app->page = *options;
	if (title != NULL)
		app->page.update_title =
		    arena_strndup(&app->arena, title, strlen(title));
}

void
app_define_on_error(struct ph_app *ph, ph_function *function)
{
	struct app *app = app_of(ph);

	if (app->on_error != NULL)
		(void)buf_puts(&app->problems, "ph_on_error: called twice\n");
	app->on_error = function;
}
