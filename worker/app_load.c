/* SPDX-License-Identifier: MIT */

/*
 * Loading an app: open the shared object, check its contract, let it define
 * itself, validate the whole.
 *
 * INVARIANT  An app that loads has a page and a consistent set of callbacks.
 * OWNERSHIP  The caller owns the struct app. The shared object is never
 *            unloaded: its functions and literals are in use until exit.
 * THREADS    Before any other thread of the process starts.
 * FAILURE    Everything wrong is a sentence in *why; nothing is asserted.
 */
#include <dlfcn.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/app.h"
#include "worker/crash.h"
#include "worker/host.h"
#include "worker/pages.h"
#include "worker/routes.h"

#define APP_FILE_MAX ((size_t)512 * 1024 * 1024)

/* "path/app.so:name" into its parts; the name is optional. */
static int
split_spec(const char *spec, char **path, char **symbol)
{
	const char *colon = strrchr(spec, ':');
	struct buf name = BUF_EMPTY;
	size_t len;

	if (colon != NULL && strchr(colon, '/') != NULL)
		colon = NULL;
	*path = colon != NULL ? strndup(spec, (size_t)(colon - spec))
			      : strdup(spec);
	(void)buf_printf(&name, "ph_app_%s", colon != NULL ? colon + 1 : "app");
	*symbol = buf_cstr(&name) != NULL ? buf_detach(&name, &len) : NULL;
	return *path != NULL && *symbol != NULL ? 0 : -ENOMEM;
}

static int
fingerprint_file(const char *file, const char *path, char out[65],
    struct buf *why)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	char *data;
	size_t len;
	int rc;
	int i;

	rc = fd_read_file(file, APP_FILE_MAX, &data, &len);
	if (rc < 0) {
		(void)buf_printf(why, "cannot read app %s: %s\n", path,
		    err_str(rc));
		return rc;
	}
	(void)SHA256((unsigned char *)data, len, digest);
	for (i = 0; i < SHA256_DIGEST_LENGTH; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
	free(data);
	return 0;
}

/*
 * The name to open the object by, to be freed: its path while that is the file
 * that `fd` holds open, as debuggers and $ORIGIN know it by that; else the
 * descriptor's, as somebody has put another file there. Either has a slash, or
 * dlopen() would search the library path.
 */
static char *
object_name(const char *path, int fd)
{
	struct buf name = BUF_EMPTY;
	struct stat held;
	struct stat there;
	char *real;
	size_t len;

	if (fd >= 0 && fstat(fd, &held) == 0 &&
	    (stat(path, &there) < 0 || there.st_dev != held.st_dev ||
		there.st_ino != held.st_ino)) {
		(void)buf_printf(&name, "/proc/self/fd/%d", fd);
		return buf_cstr(&name) != NULL ? buf_detach(&name, &len) : NULL;
	}
	real = realpath(path, NULL);
	return real != NULL ? real : strdup(path);
}

/* Inside a call, so that values can be made: they live in the app's arena.
 * False: it was left by an exception. */
static bool
run_definition(struct app *app, const struct ph_app_info *info)
{
	struct toolkit kit = { .app = app };
	struct call call;
	char thrown[512] = "";

	call_init(&call, &kit, &app->arena, CALL_CREATE, "PH_APP()", NULL);
	call_enter(&call);
	crash_part("PH_APP");
	if (app->guard == NULL)
		info->define((struct ph_app *)(void *)app);
	else
		app->guard->define((struct ph_app *)(void *)app, info->define,
		    thrown, sizeof(thrown));
	call_leave(&call);
	if (thrown[0] != '\0')
		call_error(&call, "PH_APP(): %s", thrown);
	if (call.failed)
		(void)buf_printf(&app->problems, "%s\n", call.error);
	call_fini(&call);
	return thrown[0] == '\0';
}

/* Where an app in C++ says what() of an exception that ends it, see call.hpp.
 */
static void
let_it_say(void *handle)
{
	void (**say)(const char *text) = dlsym(handle, "ph_last_words_");

	if (say != NULL)
		*say = crash_last_words;
}

/* What its functions are run by, so that no exception leaves them. */
static const struct ph_guard_ *
find_guard(void *handle)
{
	const struct ph_guard_ *guard = dlsym(handle, "ph_guard_");

	return guard != NULL && guard->size >= sizeof(*guard) ? guard : NULL;
}

/* Was the app compiled for an SDK that this server has? */
static bool
is_for_us(const struct app *app, const struct ph_app_info *info,
    struct buf *why)
{
	bool newer =
	    info->abi_major > PH_ABI_MAJOR ||
	    (info->abi_major == PH_ABI_MAJOR && info->abi_minor > PH_ABI_MINOR);

	if (info->abi_major == PH_ABI_MAJOR && !newer &&
	    info->size >= sizeof(*info))
		return true;
	(void)buf_printf(why,
	    "app %s was compiled for SDK %u.%u, this server has %d.%d: %s\n",
	    app->path, info->abi_major, info->abi_minor, PH_ABI_MAJOR,
	    PH_ABI_MINOR,
	    newer ? "the server is too old for it; or compile it with the SDK "
		    "of this server"
		  : "compile it again");
	return false;
}

static int
define(struct app *app, const char *object, const char *symbol, struct buf *why)
{
	const struct ph_app_info *info;

	crash_part("a constructor");
	app->handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
	if (app->handle == NULL) {
		(void)buf_printf(why, "cannot load app %s: %s\n", app->path,
		    dlerror());
		return ERR_PLUGIN;
	}
	let_it_say(app->handle);
	app->guard = find_guard(app->handle);
	info = dlsym(app->handle, symbol);
	if (info == NULL) {
		(void)buf_printf(why,
		    "app %s has no PH_APP(%s): symbol %s is missing\n",
		    app->path, symbol + strlen("ph_app_"), symbol);
		return ERR_PLUGIN;
	}
	if (!is_for_us(app, info, why))
		return ERR_PLUGIN;
	app->abi_minor = info->abi_minor;
	*info->host = &host_table;
	if (run_definition(app, info)) { /* else half of it is missing */
		app_define_cancels(app);
		pages_define(app);
		app_validate(app);
	}
	if (app->problems.len > 0) {
		(void)buf_printf(why, "app %s is not valid:\n%s", app->path,
		    buf_cstr(&app->problems));
		return ERR_PLUGIN;
	}
	return 0;
}

int
app_load(const char *spec, int fd, struct app **out, struct buf *why)
{
	struct app *app = calloc(1, sizeof(*app));
	char *symbol = NULL;
	char *object = NULL;
	int rc = -ENOMEM;

	*out = NULL;
	if (app == NULL)
		goto out;
	if (spec[0] == '\0') {
		(void)buf_puts(why, "no app given: pronghorn path/app.so\n");
		rc = -EINVAL;
		goto out;
	}
	app->spec = strdup(spec);
	rc =
	    app->spec == NULL ? -ENOMEM : split_spec(spec, &app->path, &symbol);
	if (rc == 0 && (object = object_name(app->path, fd)) == NULL)
		rc = -ENOMEM;
	if (rc == 0)
		rc = fingerprint_file(object, app->path, app->fingerprint, why);
	if (rc == 0)
		rc = define(app, object, symbol, why);
	if (rc == 0) {
		*out = app; /* ownership moves to the caller */
		app = NULL;
	}
out:
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "cannot load app %s: %s\n", spec,
		    err_str(rc));
	free(symbol);
	free(object);
	app_free(&app);
	return rc;
}

static void
dependencies_free(struct dependency *list)
{
	int i;

	for (i = 0; list != NULL && i < PH_DEPENDENCIES_MAX; i++) {
		free(list[i].what);
		free(list[i].id);
		free(list[i].property);
		free(list[i].mark);
	}
	free(list);
}

void
app_callback_free(struct callback *callback)
{
	uint32_t i;

	dependencies_free(callback->outputs);
	dependencies_free(callback->inputs);
	for (i = 0; i < callback->cancel_count; i++) {
		free(callback->cancel[i].what);
		free(callback->cancel[i].id);
		free(callback->cancel[i].property);
	}
	free(callback->computation.name);
	free(callback->function);
	free(callback->output);
	free(callback);
}

void
app_free(struct app **app_in)
{
	struct app *app = *app_in;
	size_t i;

	*app_in = NULL;
	if (app == NULL)
		return;
	for (i = 0; i < app->callback_count; i++)
		app_callback_free(app->callbacks[i]);
	for (i = 0; i < app->function_count; i++) {
		free(app->functions[i]->name);
		free(app->functions[i]);
	}
	for (i = 0; i < app->database_count; i++) {
		free(app->databases[i]->name);
		free(app->databases[i]->path);
		free(app->databases[i]);
	}
	free(app->callbacks);
	free(app->functions);
	free(app->databases);
	free(app->pages);
	free(app->routes);
	free(app->packages);
	free(app->title);
	free(app->spec);
	free(app->path);
	arena_free(&app->arena);
	buf_free(&app->scripts);
	buf_free(&app->stylesheets);
	buf_free(&app->problems);
	buf_free(&app->known_ids);
	free(app);
}

const struct callback *
app_find_callback(const struct app *app, const char *output)
{
	size_t len = strlen(output);
	size_t i;

	for (i = 0; i < app->callback_count; i++) {
		if (app->callbacks[i]->output_len == len &&
		    memcmp(app->callbacks[i]->output, output, len) == 0)
			return app->callbacks[i];
	}
	return NULL;
}

const struct computation *
app_find_function(const struct app *app, ph_function *run)
{
	size_t i;

	for (i = 0; i < app->function_count; i++) {
		if (app->functions[i]->run == run)
			return app->functions[i];
	}
	return NULL;
}

const struct computation *
app_find_computation(const struct app *app, const char *name,
    const struct callback **callback)
{
	size_t i;

	*callback = NULL;
	for (i = 0; i < app->function_count; i++) {
		if (strcmp(app->functions[i]->name, name) == 0)
			return app->functions[i];
	}
	for (i = 0; i < app->callback_count; i++) {
		if (strcmp(app->callbacks[i]->computation.name, name) == 0) {
			*callback = app->callbacks[i];
			return &app->callbacks[i]->computation;
		}
	}
	return NULL;
}
