/* SPDX-License-Identifier: MIT */

/*
 * What comes before a worker: the check of a start or a reload, and the app
 * that the master loads on request.
 *
 * INVARIANT  A preloaded app is never freed; all workers use it, until another
 *            program takes over (SIGUSR2).
 * THREADS    The master, or a child before its first thread.
 * FAILURE    Sentences in *why.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/capture.h"
#include "worker/conn_proxy.h"
#include "worker/crash.h"
#include "worker/data.h"
#include "worker/forwarded.h"
#include "worker/guard.h"
#include "worker/hooks.h"
#include "worker/spool.h"
#include "worker/tls.h"
#include "worker/worker.h"
#include "worker/worker_int.h"

/* Loaded by the master, before the fork; NULL: by each worker itself. */
static struct app *preloaded;
static struct stat preloaded_st; /* of its file; st_ino 0: not known */

static int
load_app(const char *spec, const struct stock *stock, struct app **app,
    struct buf *why)
{
	return app_load(spec, stock != NULL ? stock->app_fd : -1, app, why);
}

int
worker_find_app(const char *spec, const struct stock *stock, struct app **app,
    struct buf *why)
{
	if (preloaded == NULL || strcmp(preloaded->spec, spec) != 0)
		return load_app(spec, stock, app, why);
	*app = preloaded;
	return 0;
}

void
worker_leave_app(struct app **app)
{
	if (*app == preloaded)
		*app = NULL;
	app_free(app);
}

/* A reload that brings no new code must say so. */
static void
warn_if_stale(const struct app *app, const struct stock *stock)
{
	struct stat st;

	if (app != preloaded || preloaded_st.st_ino == 0 || stock == NULL ||
	    stock->app_fd < 0 || fstat(stock->app_fd, &st) < 0)
		return;
	if (st.st_ino != preloaded_st.st_ino ||
	    st.st_dev != preloaded_st.st_dev ||
	    st.st_size != preloaded_st.st_size ||
	    st.st_mtim.tv_sec != preloaded_st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != preloaded_st.st_mtim.tv_nsec)
		log_warn(0, "app.preloaded",
		    "app=%s note=\"another file is there now; with "
		    "preload_app SIGHUP keeps the old code, SIGUSR2 loads the "
		    "new\"",
		    app->path);
}

/*
 * Ids that are not on the page: an error in development, a warning else, as
 * an app may add components later without saying so.
 */
static int
check_ids(struct app *app, struct toolkit *kit, bool strictly, struct buf *why)
{
	char *line;
	char *end;
	bool good;

	kit->on_loop = true; /* layouts must not wait here */
	good = app_validate_ids(app, kit, strictly);
	kit->on_loop = false;
	if (app->problems.len == 0 || buf_cstr(&app->problems) == NULL)
		return 0;
	if (kit->options->debug || !good) {
		(void)buf_printf(why, "app %s is not valid:\n%s", app->path,
		    app->problems.data);
		return ERR_PLUGIN;
	}
	for (line = app->problems.data; *line != '\0'; line = end + 1) {
		end = strchrnul(line, '\n');
		log_warn(0, "app.ids", "%.*s", (int)(end - line), line);
		if (*end == '\0')
			break;
	}
	return 0;
}

void
worker_gather_ids(struct app *app, const struct worker_options *options,
    const struct cache_options *cache_options)
{
	struct toolkit kit = { .app = app,
		.options = options,
		.cache_options = cache_options,
		.on_loop = true };

	app_gather_ids(app, &kit);
}

/* What a worker's start would refuse, whatever the app is. */
static int
check_settings(const struct worker_options *options, struct buf *why)
{
	const char *folder = options->tmp_upload_dir;
	struct forwarded *forwarded = NULL;
	struct spool *spool = NULL;
	int rc = access_log_check(options, why);

	if (rc == 0)
		rc = forwarded_open(&forwarded, options, why);
	if (rc == 0)
		rc = conn_proxy_check_settings(options, why);
	if (rc == 0)
		rc = guard_check_hosts(&options->allowed_hosts, why);
	if (rc == 0 && folder[0] != '\0') {
		rc = spool_new(&spool, folder, 0);
		if (rc < 0)
			(void)buf_printf(why, "tmp_upload_dir %s: %s", folder,
			    err_str(rc));
	}
	spool_unref(&spool);
	forwarded_close(&forwarded);
	return rc;
}

int
worker_check(const struct worker_options *options,
    const struct cache_options *cache_options, const struct stock *stock,
    bool strictly, struct buf *why)
{
	struct toolkit kit;
	struct app *app = NULL;
	struct site *site = NULL;
	struct tls_context *tls = NULL;
	const char *hook;
	int rc;

	memset(&kit, 0, sizeof(kit));
	if (options->debug)
		crash_explains();
	rc = check_settings(options, why);
	if (rc == 0 && options->capture_output)
		rc = capture_start(); /* the app is loaded, its layouts run */
	crash_enter("PH_APP", NULL);
	if (rc == 0)
		rc = worker_find_app(options->app, stock, &app, why);
	crash_leave();
	if (rc == 0)
		warn_if_stale(app, stock);
	if (rc == 0 && !options->preload_app &&
	    (hook = hooks_of_master(app)) != NULL) {
		(void)buf_printf(why,
		    "the app's hook %s runs in the master: set preload_app = "
		    "True",
		    hook);
		rc = ERR_PLUGIN;
	}
	if (rc == 0) {
		kit.app = app;
		kit.options = options;
		kit.cache_options = cache_options;
		crash_enter("layout", NULL);
		rc = check_ids(app, &kit, strictly, why);
		worker_gather_ids(app, options, cache_options);
		crash_leave();
	}
	if (rc == 0)
		rc = site_open(&site, options, app, why);
	if (rc == 0)
		rc = tls_context_open(&tls, options, stock, why);
	if (rc == 0)
		rc = data_check_given(app, why);
	if (rc == 0) {
		/* --check-config leaves nothing behind: a folder that is not
		 * there yet is made at the start. */
		if (access(data_folder(&kit), F_OK) == 0)
			rc = data_prepare(&kit, why);
	}
	tls_context_close(&tls);
	site_close(&site);
	worker_leave_app(&app);
	capture_finish();
	return rc;
}

int
worker_preload(const struct worker_options *options, const struct stock *stock,
    struct buf *why)
{
	if (stock == NULL || stock->app_fd < 0 ||
	    fstat(stock->app_fd, &preloaded_st) < 0)
		preloaded_st.st_ino = 0;
	return load_app(options->app, stock, &preloaded, why);
}

int
worker_master_hook(enum hook_event event, const struct hook_about *about)
{
	return preloaded != NULL ? hooks_run(preloaded, event, about) : 0;
}
