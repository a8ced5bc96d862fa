/* SPDX-License-Identifier: MIT */

/*
 * Reload: SIGHUP as a transaction.
 *
 *   read the settings -> try them in a child -> open what is new of `bind` ->
 *   start the new workers beside the old ones -> all are ready: the old ones
 *   retire
 *
 * A step that fails undoes the ones before it, so that nothing but a log line
 * is left of a bad config file, an app that does not load or an address that
 * cannot be had. Nothing here waits: the loop goes on serving its children.
 *
 * INVARIANT  `current` is what a worker forked now gets. In STARTING the old
 *            generation is in `other`, its listeners are open and it can be
 *            put back; in CHECKING `other` is the new one.
 * OWNERSHIP  Settings made by children->reload() are released here, when no
 *            worker will be forked with them any more.
 * THREADS    Master only.
 * FAILURE    Logged as master.reload_failed; see reload.text.
 */
#include "server/master_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/environment.h"
#include "server/notify.h"

static void
release(struct master *master, struct generation *generation)
{
	const struct master_settings *settings = &generation->settings;

	if (settings->owned != NULL)
		master->children->release(settings->owned);
	else if (settings->context != NULL &&
		 settings->context != master->current.settings.context &&
		 master->children->retire != NULL)
		master->children->retire(settings->context);
	*generation = (struct generation){ .settings.owned = NULL };
}

/* What the listeners of `other` still serve, `current` keeps. */
static void
drop_other(struct master *master)
{
	struct reload *reload = &master->reload;

	/* A server that is to follow us may listen there, too. */
	if (master->upgrade.pid > 0)
		listen_forget(&reload->other.listeners);
	else
		listen_drop(&reload->other.listeners,
		    &master->current.listeners);
	release(master, &reload->other);
}

static void
finish(struct master *master, const char *error)
{
	struct reload *reload = &master->reload;

	reload->state = RELOAD_IDLE;
	reload->failed = error != NULL;
	reload->finished++;
	tally_reload(&master->tally, error == NULL);
	(void)snprintf(reload->text, sizeof(reload->text), "%s",
	    error != NULL ? error : "");
	if (error != NULL)
		log_error(0, "master.reload_failed",
		    "note=\"everything stays as it was\" error=\"%s\"", error);
	/* Whoever asks for workers gets some: the old ones if need be. */
	if (master->crew.resting)
		crew_rest(&master->crew, false);
	control_command_reloaded(master);
	notify_ready(
	    error == NULL ? "Serving" : "Serving; the last reload failed");
	if (reload->again) {
		reload->again = false;
		reload_begin(master, false);
	}
}

static void
fail(struct master *master, struct buf *why)
{
	const char *text = buf_cstr(why);

	finish(master, text != NULL ? text : err_str(-ENOMEM));
}

static unsigned
new_target(const struct master *master, const struct server_options *options)
{
	/* What TTIN, TTOU and ctl have changed stays changed. */
	int64_t more = (int64_t)master->crew.target -
		       master->current.settings.options->workers;
	int64_t target = options->workers + more;

	return target < 1 ? 1 : (unsigned)target;
}

static int
read_settings(struct master *master, struct master_settings *fresh,
    struct buf *why)
{
	const struct master_children *children = master->children;
	unsigned most = master->crew.slot_count / 2;
	int rc;

	*fresh = master->current.settings;
	fresh->owned = NULL;
	if (children->reload == NULL)
		return 0; /* a test's master */
	rc = children->reload(master->current.settings.context, fresh, why);
	if (rc == 0 && new_target(master, fresh->options) > most) {
		(void)buf_printf(why,
		    "workers = %u: there is room for %u; "
		    "SIGUSR2 or a restart makes more",
		    new_target(master, fresh->options), most);
		rc = ERR_RANGE;
		children->release(fresh->owned);
	}
	if (rc == 0 &&
	    master_hook(master, HOOK_ON_RELOAD, -1, getpid(), 0) != 0) {
		(void)buf_puts(why, "the app's hook on_reload says no");
		rc = ERR_PLUGIN;
		if (fresh->owned != NULL)
			children->release(fresh->owned);
	}
	if (rc < 0 && why->len == 0)
		(void)buf_puts(why, err_str(rc));
	return rc;
}

/* One more is asked for while one is under way. */
static void
queue(struct master *master, bool anew)
{
	struct reload *reload = &master->reload;

	reload->again = true;
	if (anew && reload->state == RELOAD_CHECKING && !reload->dropped) {
		reload->dropped = true;
		(void)kill(reload->check.pid, SIGKILL);
	}
	log_info("master.reload", "note=\"%s\"",
	    reload->dropped ? "in place of the one that is being checked"
			    : "will be done once more");
}

void
reload_begin(struct master *master, bool anew)
{
	struct reload *reload = &master->reload;
	struct buf why = BUF_EMPTY;
	int64_t boot_us;
	int rc;

	if (master->crew.stop != CREW_RUN)
		return;
	if (reload->state != RELOAD_IDLE) {
		queue(master, anew);
		return;
	}
	log_info("master.reload", "workers=%u", master->crew.target);
	notify_reloading();
	rc = read_settings(master, &reload->other.settings, &why);
	if (rc == 0) {
		boot_us = launch_rules(reload->other.settings.options).boot_us;
		rc = preflight_begin(&reload->check, &master->spawn,
		    master->children->check, reload->other.settings.context,
		    boot_us, master->now_us, &why);
		if (rc < 0)
			release(master, &reload->other);
	}
	if (rc == 0)
		reload->state = RELOAD_CHECKING;
	else
		fail(master, &why);
	buf_free(&why);
}

void
reload_look(struct master *master)
{
	const char *changed = changes_look(&master->changes, master->now_us);

	if (master->reload.state == RELOAD_CHECKING)
		preflight_look(&master->reload.check, master->now_us);
	if (changed != NULL) {
		log_info("master.changed", "path=%s", changed);
		reload_begin(master, false);
	}
}

void
reload_watch(struct master *master)
{
	const struct master_settings *settings = &master->current.settings;
	const struct server_options *options = settings->options;
	const struct opt_list *extra = &options->reload_extra_files;
	const char *colon;
	const char **items;
	size_t count = 0;
	char *app = NULL;
	size_t i;

	if (!options->reload) {
		changes_close(&master->changes);
		return;
	}
	items = calloc(extra->count + 2, sizeof(*items));
	if (settings->app != NULL) {
		colon = strrchr(settings->app, ':'); /* of :symbol */
		app = colon == NULL || strchr(colon, '/') != NULL
			  ? strdup(settings->app)
			  : strndup(settings->app,
				(size_t)(colon - settings->app));
	}
	if (items != NULL && app != NULL)
		items[count++] = app;
	if (items != NULL && settings->file != NULL &&
	    settings->file[0] != '\0')
		items[count++] = settings->file;
	for (i = 0; items != NULL && i < extra->count; i++)
		items[count++] = extra->items[i];
	if (items == NULL ||
	    changes_open(&master->changes, items, count,
		strcmp(options->reload_engine, "poll") == 0) < 0)
		log_error(-ENOMEM, "master.watch", "note=\"not watching\"");
	free(app);
	free(items);
}

/* Its variables; a list that the check has passed fails without memory only. */
static void
take_environment(const struct server_options *options)
{
	struct buf why = BUF_EMPTY;
	int rc = environment_apply(&options->raw_env, &why);

	if (rc < 0)
		log_error(rc, "master.environment",
		    "note=\"raw_env is not complete\"");
	buf_free(&why);
}

static void
turn_over(const struct master *master, enum master_turnover what)
{
	if (master->children->turn_over != NULL)
		master->children->turn_over(what,
		    master->current.settings.context);
}

/* From here on new workers get the new settings. */
static void
start(struct master *master)
{
	struct generation old = master->current;
	const struct server_options *options =
	    master->reload.other.settings.options;
	unsigned target = new_target(master, options);
	struct crew_rules rules = launch_rules(options);

	master->current = master->reload.other;
	master->reload.other = old;
	master->reload.state = RELOAD_STARTING;
	master->failure[0] = '\0';
	take_environment(options);
	turn_over(master, MASTER_BEGINS);
	crew_renew(&master->crew, &rules, target);
}

void
reload_checked(struct master *master, int status)
{
	struct reload *reload = &master->reload;
	struct generation *fresh = &reload->other;
	struct listen_rules rules;
	struct buf why = BUF_EMPTY;
	int rc;

	rc = preflight_end(&reload->check, status, &why);
	if (reload->state != RELOAD_CHECKING) {
		buf_free(&why); /* abandoned meanwhile */
		return;
	}
	if (reload->dropped) {
		buf_free(&why);
		release(master, fresh);
		reload->dropped = false;
		reload->again = false;
		reload->state = RELOAD_IDLE;
		reload_begin(master, false);
		return;
	}
	rules = launch_listen_rules(fresh->settings.options);
	if (rc == 0 && master->activated)
		rc = listen_copy(&fresh->listeners, &master->current.listeners);
	else if (rc == 0)
		rc = listen_renew(&fresh->listeners, &master->current.listeners,
		    &fresh->settings.options->bind, &rules, &why);
	if (rc < 0 && why.len == 0)
		(void)buf_puts(&why, err_str(rc));
	if (rc == 0) {
		start(master);
	} else {
		release(master, fresh);
		fail(master, &why);
	}
	buf_free(&why);
}

/* The master's own log; the new workers have opened theirs. */
static void
change_logs(struct master *master, const struct server_options *old)
{
	const struct server_options *options = master->current.settings.options;
	bool moved = strcmp(old->errorlog, options->errorlog) != 0;
	struct buf why = BUF_EMPTY;
	int rc;

	moved = moved || old->syslog != options->syslog ||
		strcmp(old->syslog_addr, options->syslog_addr) != 0;
	rc = moved ? launch_open_logs(options, &why) : log_reopen();
	if (rc == 0)
		(void)identity_give_log(&master->identity);
	if (rc < 0)
		log_error(rc, "master.reopen",
		    "path=%s note=\"still writing as before\" %s",
		    options->errorlog, why.len > 0 ? buf_cstr(&why) : "");
	buf_free(&why);
	if (!moved && old->loglevel == options->loglevel)
		return;
	log_threshold = options->loglevel;
	/* The keeper has no generations: its successor sees the change. */
	seat_leave(&master->keeper.seat, SEAT_RESTART, SIGTERM,
	    master->crew.rules.graceful_us, master->now_us);
}

void
reload_done(struct master *master)
{
	struct reload *reload = &master->reload;

	turn_over(master, MASTER_DONE);
	change_logs(master, reload->other.settings.options);
	drop_other(master);
	listen_set_mode(&master->current.listeners,
	    (mode_t)master->current.settings.options->socket_mode);
	reload_watch(master);
	launch_log_listeners(master);
	log_info("master.restarted", "workers=%u generation=%u",
	    master->crew.target, master->crew.generation);
	finish(master, NULL);
}

void
reload_undone(struct master *master)
{
	struct generation failed = master->current;
	const struct server_options *options;
	struct crew_rules rules;
	unsigned target;
	char text[sizeof(master->failure)];

	options = master->reload.other.settings.options;
	target = new_target(master, options);
	rules = launch_rules(options);
	master->current = master->reload.other;
	master->reload.other = failed;
	take_environment(options);
	turn_over(master, MASTER_UNDONE);
	drop_other(master);
	crew_set(&master->crew, &rules, target);
	(void)snprintf(text, sizeof(text), "%s", master->failure);
	finish(master, text);
}

void
reload_abandon(struct master *master)
{
	struct reload *reload = &master->reload;

	if (reload->check.pid > 0)
		(void)kill(reload->check.pid, SIGKILL);
	if (reload->state == RELOAD_STARTING)
		drop_other(master);
	else
		release(master, &reload->other);
	reload->state = RELOAD_IDLE;
	reload->again = false;
	reload->dropped = false;
	reload->failed = true;
	(void)snprintf(reload->text, sizeof(reload->text),
	    "the server is stopping");
	control_command_reloaded(master);
}
