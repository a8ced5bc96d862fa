/* SPDX-License-Identifier: MIT */

/*
 * Launch: from settings to a master that may fork, and back to nothing.
 *
 * The order is a contract. What costs nothing and fails often comes first
 * (log, pid file, bind); the app is loaded only when everything it needs is
 * there; nobody is served before it could be loaded once.
 *
 * OWNERSHIP  See master_int.h. launch_finish() is right after any failure.
 * THREADS    Master only.
 * FAILURE    One or more sentences in *why; nothing stays behind after
 *            launch_finish().
 */
#include "server/master_int.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cache/now.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/syslog_out.h"
#include "server/environment.h"
#include "server/notify.h"
#include "server/preflight.h"
#include "server/rehearse.h"

/* With the admin process 64: as many as a mask of waiters has bits, so that
 * none is shared and computations can be given up; see cache_leave(). */
#define SLOTS_MIN 63
#define KEEPER_BACKOFF_US INT64_C(100000)

/* The crew of a master that was killed is gone within a second. */
#define PATIENCE_US INT64_C(1500000)
#define AGAIN_MS 10

void
launch_report(const char *event, struct buf *why)
{
	const char *text = buf_cstr(why);
	const char *end;

	if (text == NULL)
		text = err_str(-ENOMEM);
	if (log_fd != STDERR_FILENO)
		(void)fprintf(stderr, "pronghorn: %s\n", text);
	for (; *text != '\0'; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		log_critical(0, event, "error=\"%.*s\"", (int)(end - text),
		    text);
	}
}

static int64_t
to_us(double seconds)
{
	return (int64_t)(seconds * 1e6);
}

/* Who the children will be, before anything is made for them. */
static int
take_identity(struct master *master, struct buf *why)
{
	const struct server_options *options = master->current.settings.options;
	int rc;

	rc = identity_find(&master->identity, options->user, options->group,
	    options->initgroups, options->no_new_privs, why);
	master->identity.umask = (mode_t)options->umask;
	if (rc == 0)
		rc = environment_apply(&options->raw_env, why);
	return rc;
}

/* What the names of our files end in: the old server has the true ones. */
static const char *
suffix(const struct master *master)
{
	return master->heir.parent > 0 ? HEIR_SUFFIX : "";
}

static int
take_pidfile(struct master *master, struct buf *why)
{
	const char *setting = master->current.settings.options->pidfile;
	struct buf name = BUF_EMPTY;
	const char *path;
	pid_t holder;
	int rc;

	if (setting[0] == '\0')
		return 0;
	(void)buf_printf(&name, "%s%s", setting, suffix(master));
	path = buf_cstr(&name);
	rc = path == NULL ? -ENOMEM
			  : pidfile_open(&master->pidfile, path, &holder);
	if (rc == -EEXIST)
		(void)buf_printf(why, "already running with pid %ld (%s)",
		    (long)holder, path);
	else if (rc < 0)
		(void)buf_printf(why, "cannot use the pid file %s: %s", setting,
		    pidfile_err_str(rc));
	buf_free(&name);
	return rc;
}

/* As many descriptors as we are allowed: every connection is one. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warn(-errno, "master.file_limit",
		    "note=\"stays as it is\"");
}

void
launch_log_listeners(const struct master *master)
{
	const struct listen_set *set = &master->current.listeners;
	const struct server_options *options = master->current.settings.options;
	int most = listen_backlog_max();
	struct buf text = BUF_EMPTY;
	size_t i;

	for (i = 0; i < set->count; i++) {
		buf_clear(&text);
		(void)listen_address_print(&set->sockets[i].address, &text);
		log_info("listen.bound", "address=%s", buf_cstr(&text));
	}
	if (most >= 0 && most < options->backlog && !master->activated)
		log_warn(0, "listen.backlog",
		    "backlog=%lld queue=%d note=\"the kernel grants no more: "
		    "net.core.somaxconn\"",
		    (long long)options->backlog, most);
	buf_free(&text);
}

static int
open_listeners(struct master *master, struct buf *why)
{
	const struct server_options *options = master->current.settings.options;
	const struct listen_rules rules = launch_listen_rules(options);
	int rc;

	if (master->heir.activated) {
		master->activated = true;
		rc = listen_copy(&master->current.listeners,
		    &master->heir.legacy);
	} else {
		rc = listen_inherit(&master->current.listeners, why);
		master->activated = rc > 0;
		if (rc == 0)
			rc = listen_renew(&master->current.listeners,
			    &master->heir.legacy, &options->bind, &rules, why);
		else if (rc > 0)
			rc = 0;
	}
	return rc;
}

struct listen_rules
launch_listen_rules(const struct server_options *options)
{
	return (struct listen_rules){ .backlog = (int)options->backlog,
		.unix_mode = (mode_t)options->socket_mode,
		.reuse_port = options->reuse_port };
}

static int
open_admin(struct master *master, struct buf *why)
{
	const struct server_options *options = master->current.settings.options;
	const struct listen_rules rules = launch_listen_rules(options);
	struct buf reason = BUF_EMPTY;
	struct buf text = BUF_EMPTY;
	int rc;

	if (options->metrics_bind.count == 0)
		return 0;
	rc = listen_renew(&master->admin_listeners, &master->heir.admin,
	    &options->metrics_bind, &rules, &reason);
	if (rc < 0) {
		(void)buf_printf(why, "metrics_bind: %s", buf_cstr(&reason));
	} else {
		(void)listen_address_print(
		    &master->admin_listeners.sockets[0].address, &text);
		log_info("metrics.bound", "address=%s", buf_cstr(&text));
	}
	buf_free(&reason);
	buf_free(&text);
	return rc;
}

int
launch_open_control(struct master *master, struct buf *why)
{
	const struct server_options *options = master->current.settings.options;
	struct buf path = BUF_EMPTY;
	const char *text;
	int rc;

	if (options->control_socket_disable)
		return 0;
	rc = control_path(options->control_socket, options->pidfile, &path);
	if (rc == 0 && path.len > 0)
		rc = buf_puts(&path, suffix(master));
	text = buf_cstr(&path);
	if (rc == 0 && text == NULL)
		rc = -ENOMEM;
	if (rc == 0 && text[0] != '\0') {
		rc = control_open(&master->control, text,
		    (mode_t)options->control_socket_mode, why);
		if (rc == 0)
			log_info("control.bound", "path=%s", text);
	}
	buf_free(&path);
	return rc;
}

/* Room for a second generation beside the first, and for some more. */
static int
open_spawn(struct master *master)
{
	unsigned slots =
	    (unsigned)master->current.settings.options->workers * 2;
	int rc;

	/* The last one is not the crew's: admin.c. */
	rc = spawn_open(&master->spawn,
	    (slots > SLOTS_MIN ? slots : SLOTS_MIN) + 1);
	master->spawn.board_fd = master->tally.read_fd;
	master->spawn.name = master->current.settings.options->proc_name;
	master->spawn.identity = &master->identity;
	master->spawn.forget = nursery_forget;
	master->spawn.forget_context = master;
	return rc;
}

struct crew_rules
launch_rules(const struct server_options *options)
{
	return (struct crew_rules){
		.timeout_us = to_us(options->timeout),
		.graceful_us = to_us(options->graceful_timeout),
		.boot_us = to_us(options->boot_timeout),
		.backoff_us = to_us(options->respawn_backoff),
		.limit = (unsigned)options->respawn_limit,
		.rolling = strcmp(options->reload_strategy, "rolling") == 0,
	};
}

static int
open_crew(struct master *master)
{
	const struct server_options *options = master->current.settings.options;
	struct crew_rules rules = launch_rules(options);
	unsigned slots = master->spawn.slot_count - 1;
	unsigned i;
	int rc;

	keeper_seat_init(&master->keeper, KEEPER_BACKOFF_US);
	rc =
	    crew_init(&master->crew, slots, (unsigned)options->workers, &rules);
	if (rc < 0)
		return rc;
	master->polls = calloc(POLL_SEATS + slots, sizeof(*master->polls));
	if (master->polls == NULL)
		return -ENOMEM;
	for (i = 0; i < POLL_SEATS + slots; i++)
		master->polls[i].events = POLLIN;
	return 0;
}

/* Who waits for READY=1 sees that from here on it may be the app's fault. */
static int
check_app(struct master *master, struct buf *why)
{
	(void)notify_send("STATUS=Loading the app");
	return preflight_run(&master->spawn, &master->sig,
	    master->children->check, master->children->context,
	    to_us(master->current.settings.options->boot_timeout), why);
}

/* App code in this process: only on request, and never as root for others. */
static int
preload(struct master *master, struct buf *why)
{
	const struct master_children *children = master->children;
	int rc = 0;

	master->hooked_target = master->crew.target;
	if (children->preload != NULL)
		rc = children->preload(children->context, why);
	if (rc == 0)
		(void)master_hook(master, HOOK_ON_STARTING, -1, getpid(), 0);
	return rc;
}

/* By whom it will be used: the files have to be his. */
static int
prepare_cache(struct master *master, struct buf *why)
{
	const struct master_children *children = master->children;
	int rc;

	(void)now_offset(); /* before any fork, so that all agree on it */
	if (!master->identity.change)
		return children->prepare(children->context, why);
	rc = preflight_run(&master->spawn, &master->sig, children->prepare,
	    children->context, 0, why);
	return rc == 0 && children->adopt != NULL
		   ? children->adopt(children->context, why)
		   : rc;
}

/* What the master has made and the children must be able to open. */
static void
give_files(struct master *master)
{
	const struct listen_set *set = &master->current.listeners;
	size_t i;

	(void)identity_give_log(&master->identity);
	for (i = 0; i < set->count && !master->activated; i++) {
		if (set->sockets[i].address.kind == LISTEN_UNIX)
			(void)identity_give(&master->identity,
			    set->sockets[i].address.path);
	}
}

int
launch_open_logs(const struct server_options *options, struct buf *why)
{
	int rc;

	rc = log_open(options->errorlog);
	if (rc < 0) {
		(void)buf_printf(why, "cannot open the error log %s: %s",
		    options->errorlog, err_str(rc));
		return rc;
	}
	if (!options->syslog) {
		syslog_out_close();
		return 0;
	}
	return syslog_out_open(options->syslog_addr, options->syslog_facility,
	    options->syslog_prefix[0] != '\0' ? options->syslog_prefix
					      : options->proc_name,
	    why);
}

typedef int launch_step(struct master *master, struct buf *why);

/*
 * Take what one server can have at a time. A start that follows upon the death
 * of a master finds its children dying: nobody tells us when they have.
 * `busy` is the error that says that somebody has it.
 */
static int
insist(struct master *master, launch_step *take, int busy, struct buf *why)
{
	struct pollfd stop = { .fd = sig_fd(&master->sig), .events = POLLIN };
	int64_t end_us = clock_mono_us() + PATIENCE_US;
	bool told = false;
	int rc;

	for (;;) {
		rc = take(master, why);
		if (rc != busy || clock_mono_us() >= end_us)
			return rc;
		if (!told)
			log_info("master.waiting", "reason=\"%s\"",
			    buf_cstr(why));
		told = true;
		if (poll(&stop, 1, AGAIN_MS) > 0)
			return rc; /* a signal: no time to wait */
		buf_clear(why);
	}
}

/* open_listeners(), and what else would do when somebody has the address. */
static int
take_listeners(struct master *master, struct buf *why)
{
	const struct server_options *options = master->current.settings.options;
	const struct listen_rules rules = launch_listen_rules(options);
	int rc = insist(master, open_listeners, -EADDRINUSE, why);

	if (rc == -EADDRINUSE)
		listen_propose(&options->bind, &rules, "--bind", why);
	return rc;
}

static int
take_admin(struct master *master, struct buf *why)
{
	const struct server_options *options = master->current.settings.options;
	const struct listen_rules rules = launch_listen_rules(options);
	int rc = insist(master, open_admin, -EADDRINUSE, why);

	if (rc == -EADDRINUSE)
		listen_propose(&options->metrics_bind, &rules, "--metrics-bind",
		    why);
	return rc;
}

int
launch_start(struct master *master, struct buf *why)
{
	int rc;

	rc = launch_open_logs(master->current.settings.options, why);
	if (rc < 0)
		return rc;
	rc = heir_take(&master->heir, why);
	notify_hold(master->heir.parent > 0);
	if (rc == 0)
		rc = take_identity(master, why);
	if (rc == 0)
		rc = sig_open(&master->sig);
	if (rc == 0)
		rc = insist(master, take_pidfile, -EEXIST, why);
	if (rc < 0)
		return rc;
	raise_file_limit();
	tally_open(&master->tally);
	rc = take_listeners(master, why);
	if (rc == 0)
		launch_log_listeners(master);
	if (rc == 0)
		rc = take_admin(master, why);
	if (rc == 0)
		rc = statsd_open(&master->statsd,
		    master->current.settings.options, why);
	if (rc == 0)
		rc = insist(master, launch_open_control, -EADDRINUSE, why);
	if (rc == 0)
		give_files(master);
	if (rc == 0)
		rc = open_spawn(master);
	if (rc == 0)
		rc = prepare_cache(master, why);
	if (rc == 0)
		reload_watch(master);
	if (rc == 0)
		rc = check_app(master, why);
	if (rc == 0)
		rc = open_crew(master);
	if (rc == 0)
		rc = preload(master, why);
	if (rc < 0 && why->len == 0)
		(void)buf_puts(why, err_str(rc));
	return rc;
}

int
launch_try(struct master *master, struct buf *why)
{
	const struct server_options *options = master->current.settings.options;
	int rc = 0;

	rc = rehearse(options, why);
	if (rc == 0)
		rc = statsd_open(&master->statsd, options, why);
	if (rc == 0)
		rc = take_identity(master, why);
	if (rc == 0)
		rc = sig_open(&master->sig);
	if (rc == 0)
		rc = open_spawn(master);
	if (rc == 0)
		rc = check_app(master, why);
	if (rc < 0 && why->len == 0)
		(void)buf_puts(why, err_str(rc));
	return rc;
}

void
launch_finish(struct master *master)
{
	reload_abandon(master);
	control_close(&master->control);
	upgrade_forget(&master->upgrade);
	heir_forget(&master->heir);
	preflight_forget(&master->reload.check);
	buf_free(&master->reload.check.text);
	listen_close(&master->current.listeners);
	listen_close(&master->admin_listeners);
	tally_close(&master->tally);
	statsd_close(&master->statsd);
	changes_close(&master->changes);
	keeper_seat_fini(&master->admin);
	if (master->current.settings.owned != NULL)
		master->children->release(master->current.settings.owned);
	keeper_seat_fini(&master->keeper);
	crew_fini(&master->crew);
	spawn_close(&master->spawn);
	sig_close(&master->sig);
	pidfile_close(&master->pidfile);
	free(master->polls);
	crash_keep_free(master);
}

void
launch_init(struct master *master, const struct server_options *options,
    const struct master_children *children)
{
	*master = (struct master){ .children = children,
		.current.settings = { .options = options,
		    .context = children->context,
		    .threads = children->threads,
		    .secure = children->secure,
		    .path = children->path,
		    .app = children->app,
		    .file = children->file },
		.reload.check = PREFLIGHT_EMPTY,
		.upgrade = UPGRADE_EMPTY,
		.heir = HEIR_EMPTY,
		.pidfile = PIDFILE_EMPTY,
		.sig = SIG_EMPTY };
	control_init(&master->control);
	keeper_seat_init(&master->keeper, KEEPER_BACKOFF_US);
	keeper_seat_init(&master->admin, KEEPER_BACKOFF_US);
	tally_init(&master->tally);
	statsd_init(&master->statsd);
	changes_init(&master->changes);
}
