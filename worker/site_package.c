/* SPDX-License-Identifier: MIT */

/*
 * The files of component packages: a folder each, made by www/package.mjs,
 * with a list as that of the front end and with children.json, which says
 * which properties hold components.
 *
 * THREADS  The thread that opens the site.
 * FAILURE  A package that is missing or damaged is an error at the start that
 *          says how to make it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/json_read.h"
#include "worker/site_int.h"

#define NODES_MAX ((size_t)256 * 1024)
#define REMEDY "make it with node www/package.mjs"

/* `packages_folder`/`name`, or below `packages` beside the app. */
static int
package_path(const struct worker_options *options, const char *name,
    char path[PATH_MAX])
{
	const char *slash = strrchr(options->app, '/');
	int beside = slash != NULL ? (int)(slash + 1 - options->app) : 0;
	int len;

	if (options->packages_folder[0] != '\0')
		len = snprintf(path, PATH_MAX, "%s/%s",
		    options->packages_folder, name);
	else
		len = snprintf(path, PATH_MAX, "%.*spackages/%s", beside,
		    options->app, name);
	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* It goes into a script element as it is, so it may not end one. */
static bool
is_harmless(const char *json, size_t len)
{
	static const struct json_limits limits = { 8, 100000, 1000, false,
		false };
	struct value *tree = NULL;
	struct arena arena;
	const char *why;
	bool good;

	arena_init(&arena, NODES_MAX * 64);
	good = json_read(json, len, &limits, &arena, &tree, &why) == 0 &&
	       tree->kind == VALUE_OBJECT && memchr(json, '<', len) == NULL;
	arena_free(&arena);
	return good;
}

static int
add_nodes(struct site *site, const char *folder, const char *name,
    struct buf *why)
{
	char path[PATH_MAX + 32];
	char *json;
	size_t len;
	int rc;

	(void)snprintf(path, sizeof(path), "%s/children.json", folder);
	rc = fd_read_file(path, NODES_MAX, &json, &len);
	if (rc == 0 && !is_harmless(json, len)) {
		free(json);
		rc = ERR_CORRUPT;
	}
	if (rc < 0) {
		(void)buf_printf(why, "package %s: %s: %s: " REMEDY "\n", name,
		    path, err_str(rc));
		return rc;
	}
	(void)buf_printf(&site->nodes, ",\"%s\":", name);
	rc = buf_put(&site->nodes, json, len);
	free(json);
	return rc;
}

/* The highest number of a tag so far. */
static unsigned
last_load(const struct site *site)
{
	unsigned last = 0;
	size_t i;

	for (i = 0; i < site->file_count; i++) {
		if (site->files[i].load > last)
			last = site->files[i].load;
	}
	return last;
}

int
site_add_packages(struct site *site, const struct app *app,
    const struct worker_options *options, struct buf *why)
{
	struct site_folder folder = { .remedy = REMEDY,
		.debug = options->debug };
	char path[PATH_MAX];
	size_t i;
	int rc = 0;

	site->package_texts =
	    calloc(app->package_count + 1, sizeof(*site->package_texts));
	if (site->package_texts == NULL)
		return -ENOMEM;
	for (i = 0; rc == 0 && i < app->package_count; i++) {
		rc = package_path(options, app->packages[i], path);
		if (rc < 0) {
			(void)buf_printf(why, "package %s: %s\n",
			    app->packages[i], err_str(rc));
			return rc;
		}
		folder.path = path;
		folder.load = last_load(site);
		folder.texts = &site->package_texts[site->package_count++];
		rc = site_add_folder(site, &folder, why);
		if (rc == 0)
			rc = add_nodes(site, path, app->packages[i], why);
	}
	return rc;
}

void
site_put_package_css(const struct site *site, struct buf *out)
{
	unsigned next;
	size_t i;

	for (next = 1; next <= site->file_count; next++) {
		for (i = 0; i < site->file_count; i++) {
			if (site->files[i].load == next &&
			    site_is_css(&site->files[i]))
				(void)buf_printf(out,
				    "\n    <link rel=\"stylesheet\" "
				    "href=\"%s_dash-component-suites/%s\">",
				    site->requests, site->files[i].url);
		}
	}
}
