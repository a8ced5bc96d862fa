/* SPDX-License-Identifier: MIT */

/*
 * Options of an app that would do nothing.
 *
 * An option is written because something is expected of it. One that another
 * option, or its absence, makes meaningless is a mistake like a wrong name,
 * and is told at start: else it would be looked for in the running app.
 *
 * THREADS  The loading thread only.
 */
#include <math.h>

#include "worker/app.h"

static bool
is_timeout(double timeout)
{
	return isfinite(timeout) && timeout < 1e10;
}

/* How long something is kept, and the option that says so. */
struct life {
	const char *member;
	double seconds;
};

static void
check_lives(struct app *app, const char *verb, const char *name,
    const struct life *lives, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (lives[i].seconds < 0 && lives[i].seconds != PH_FOREVER)
			(void)buf_printf(&app->problems,
			    "%s(%s): %s = %g: a time is 0 or more seconds, or "
			    "PH_FOREVER\n",
			    verb, name, lives[i].member, lives[i].seconds);
	}
}

#define CHECK_LIVES(app, verb, name, lives) \
	check_lives(app, verb, name, lives, sizeof(lives) / sizeof((lives)[0]))

static void
complain(struct app *app, const char *verb, const char *name, const char *why)
{
	if (why != NULL)
		(void)buf_printf(&app->problems, "%s(%s): %s\n", verb, name,
		    why);
}

/* `timeout` and `stale` of what is kept; NULL: they make sense. */
static const char *
useless_stale(double timeout, double stale)
{
	return timeout == PH_FOREVER && stale != 0
		   ? ".stale would begin when .timeout ends: PH_FOREVER "
		     "does not end"
		   : NULL;
}

void
app_check_callback(struct app *app, const char *name,
    const struct ph_callback_options *options)
{
	static const char verb[] = "ph_callback";
	const struct life lives[] = { { ".timeout", options->timeout },
		{ ".stale", options->stale } };
	const char *why = NULL;

	if (!is_timeout(options->timeout) || !is_timeout(options->stale))
		why = "the timeout is not a number of seconds";
	else if (options->memoize)
		why = useless_stale(options->timeout, options->stale);
	else if (options->timeout != 0 && !options->background)
		why = ".timeout is how long an answer is kept: it needs "
		      ".memoize (to end a callback that takes too long, see "
		      "the setting request_timeout)";
	else if (options->stale != 0 || options->version != 0)
		why = ".stale and .version are of kept answers: they need "
		      ".memoize";
	if (why == NULL)
		CHECK_LIVES(app, verb, name, lives);
	complain(app, verb, name, why);
	why = NULL;
	if (!options->background &&
	    (options->progress != NULL || options->cancel != NULL ||
		options->interval != 0))
		why = ".interval, .progress and .cancel need .background";
	else if (options->interval != 0 &&
		 !(options->interval >= 0.02 && options->interval <= 3600))
		why = ".interval is 0.02 to 3600 seconds";
	complain(app, verb, name, why);
}

void
app_check_clientside(struct app *app, const char *source,
    const struct ph_callback_options *options)
{
	if (options->memoize || options->on_error != NULL ||
	    options->background || options->running != NULL)
		(void)buf_printf(&app->problems,
		    "ph_clientside(\"%.40s\"): .memoize, .background, .running "
		    "and .on_error are for callbacks of the server\n",
		    source);
}

void
app_check_memoize(struct app *app, const char *name,
    const struct ph_memoize_options *options)
{
	static const char verb[] = "ph_memoize";
	const struct life lives[] = { { ".timeout", options->timeout },
		{ ".stale", options->stale },
		{ ".null_timeout", options->null_timeout },
		{ ".error_timeout", options->error_timeout } };
	const char *why = useless_stale(options->timeout, options->stale);

	if (!is_timeout(options->timeout) || !is_timeout(options->stale) ||
	    !is_timeout(options->null_timeout) ||
	    !is_timeout(options->error_timeout))
		complain(app, verb, name,
		    "the timeout is not a number of seconds");
	else if (why == NULL)
		CHECK_LIVES(app, verb, name, lives);
	else
		complain(app, verb, name, why);
	if (options->scope < PH_SCOPE_GLOBAL || options->scope > PH_SCOPE_USER)
		complain(app, verb, name, ".scope is none of the scopes");
	if (options->key != NULL && options->ignore != 0)
		complain(app, verb, name, "give .key or .ignore, not both");
}

void
app_check_database(struct app *app, const char *name,
    const struct ph_database_options *options)
{
	static const char verb[] = "ph_database";

	if ((options->create == NULL) == (options->path == NULL))
		complain(app, verb, name,
		    options->create == NULL
			? "give .create or .path, not neither"
			: "give .create or .path, not both");
	else if (options->path != NULL && options->version != 0)
		complain(app, verb, name,
		    ".version is of what .create makes; a .path is taken as "
		    "it is");
}

void
app_check_page_options(struct app *app, const struct ph_page_options *options)
{
	if (app->page_given)
		(void)buf_puts(&app->problems, "ph_options: called twice\n");
	app->page_given = true;
	if (options->keep_title && options->update_title != NULL)
		(void)buf_puts(&app->problems,
		    "ph_options: with .keep_title there is no .update_title\n");
}

void
app_check_whole(struct app *app)
{
	const struct computation *function;
	size_t i;

	for (i = 0; i < app->function_count; i++) {
		function = app->functions[i];
		if (function->scope != PH_SCOPE_GLOBAL && !app->sessions)
			complain(app, "ph_memoize", function->name,
			    ".scope needs sessions: call ph_sessions(app)");
	}
	if (app->not_found != NULL && app->page_count == 0)
		(void)buf_puts(&app->problems,
		    "ph_not_found: without ph_page() every address is the "
		    "page's\n");
}
