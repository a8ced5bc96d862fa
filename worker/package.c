/* SPDX-License-Identifier: MIT */

/*
 * ph_package() and ph_app_file(): what belongs to an app beside its code.
 *
 * OWNERSHIP  Names live in the app's arena, paths in that of the call.
 * THREADS    Defined by the loading thread; ph_app_file() on any.
 */
#include "worker/package.h"

#include <stdlib.h>
#include <string.h>

#include "worker/call.h"
#include "worker/host.h"

/* The packages that the server brings itself. */
static const char *const own[] = { "dash_html_components",
	"dash_core_components", "dash_table" };

static bool
is_own(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(own[i], name) == 0)
			return true;
	}
	return false;
}

static bool
is_named(const struct app *app, const char *name)
{
	size_t i;

	for (i = 0; i < app->package_count; i++) {
		if (strcmp(app->packages[i], name) == 0)
			return true;
	}
	return false;
}

static void
define_package(struct ph_app *ph, const char *name)
{
	struct app *app = (struct app *)(void *)ph;
	const char **list;
	const char *wrong = NULL;

	if (name == NULL || name[0] == '\0' ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789_") != strlen(name))
		wrong = "a name has letters, digits and _ only, as "
			"dash_bootstrap_components";
	else if (is_own(name))
		wrong = "the server has it anyway";
	else if (is_named(app, name))
		wrong = "called twice";
	if (wrong != NULL) {
		(void)buf_printf(&app->problems, "ph_package(\"%.60s\"): %s\n",
		    name != NULL ? name : "NULL", wrong);
		return;
	}
	list = realloc(app->packages, (app->package_count + 1) * sizeof(*list));
	if (list != NULL) {
		app->packages = list;
		list[app->package_count] =
		    arena_strndup(&app->arena, name, strlen(name));
	}
	if (list == NULL || list[app->package_count] == NULL)
		(void)buf_printf(&app->problems,
		    "ph_package(\"%s\"): no memory\n", name);
	else
		app->package_count++;
}

bool
package_check(struct app *app, const struct ph_component_type *type)
{
	struct buf line = BUF_EMPTY;

	if (is_own(type->name_space) || is_named(app, type->name_space))
		return true;
	(void)buf_printf(&line,
	    "the layout has components of a package that the app does not "
	    "name, as %s: ph_package(app, \"%s\") is missing\n",
	    type->name, type->name_space);
	if (buf_cstr(&line) != NULL &&
	    (app->problems.len == 0 || buf_cstr(&app->problems) == NULL ||
		strstr(app->problems.data, type->name_space) == NULL))
		(void)buf_put(&app->problems, line.data, line.len);
	buf_free(&line);
	return false;
}

static const char *
app_file(const char *name)
{
	struct call *call = call_current();
	const char *app;
	const char *slash;
	size_t folder;
	size_t len;
	char *path;

	if (call == NULL || name == NULL)
		return "";
	app = call->kit != NULL && call->kit->app != NULL &&
		      call->kit->app->path != NULL
		  ? call->kit->app->path
		  : "";
	slash = strrchr(app, '/');
	folder = slash != NULL ? (size_t)(slash + 1 - app) : 0;
	len = strlen(name);
	path = arena_alloc(call->arena, folder + len + 1);
	if (path == NULL) {
		call_error(call, "ph_app_file(\"%.60s\"): out of memory", name);
		return "";
	}
	memcpy(path, app, folder);
	memcpy(path + folder, name, len + 1);
	return path;
}

const struct ph_package_host host_package_table = {
	.size = sizeof(struct ph_package_host),
	.package = define_package,
	.file = app_file,
};
