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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/preflight.h"

#define SLOTS_MIN 64
#define KEEPER_BACKOFF_US INT64_C(100000)

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

static int
take_pidfile(struct master *master, struct buf *why)
{
	const char *path = master->options->pidfile;
	pid_t holder;
	int rc;

	if (path[0] == '\0')
		return 0;
	rc = pidfile_open(&master->pidfile, path, &holder);
	if (rc == -EEXIST)
		(void)buf_printf(why, "already running with pid %ld (%s)",
		    (long)holder, path);
	else if (rc < 0)
		(void)buf_printf(why, "cannot use the pid file %s: %s", path,
		    err_str(rc));
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

static int
open_listeners(struct master *master, struct buf *why)
{
	struct buf text = BUF_EMPTY;
	size_t i;
	int rc;

	rc = listen_open(&master->listeners, &master->options->bind,
	    (int)master->options->backlog, why);
	for (i = 0; i < master->listeners.count; i++) {
		buf_clear(&text);
		(void)listen_address_print(
		    &master->listeners.sockets[i].address, &text);
		log_info("listen.bound", "address=%s", buf_cstr(&text));
	}
	buf_free(&text);
	return rc;
}

/* Room for a second generation beside the first, and for some more. */
static int
open_spawn(struct master *master)
{
	unsigned slots = (unsigned)master->options->workers * 2;
	int rc;

	rc = spawn_open(&master->spawn, slots > SLOTS_MIN ? slots : SLOTS_MIN);
	master->spawn.forget = nursery_forget;
	master->spawn.forget_context = master;
	return rc;
}

static int
open_crew(struct master *master)
{
	const struct server_options *options = master->options;
	struct crew_rules rules = {
		.timeout_us = to_us(options->timeout),
		.graceful_us = to_us(options->graceful_timeout),
		.boot_us = to_us(options->boot_timeout),
		.backoff_us = to_us(options->respawn_backoff),
		.limit = (unsigned)options->respawn_limit,
	};
	unsigned slots = master->spawn.slot_count;
	unsigned i;
	int rc;

	keeper_seat_init(&master->keeper, KEEPER_BACKOFF_US);
	rc =
	    crew_init(&master->crew, slots, (unsigned)options->workers, &rules);
	if (rc < 0)
		return rc;
	master->polls = calloc(slots + 3, sizeof(*master->polls));
	if (master->polls == NULL)
		return -ENOMEM;
	for (i = 0; i < slots + 3; i++)
		master->polls[i].events = POLLIN;
	return 0;
}

static int
check_app(struct master *master, struct buf *why)
{
	return preflight_run(&master->spawn, &master->sig,
	    master->children->check, master->children->context,
	    to_us(master->options->boot_timeout), why);
}

int
launch_start(struct master *master, struct buf *why)
{
	const struct master_children *children = master->children;
	int rc;

	rc = log_open(master->options->errorlog);
	if (rc < 0) {
		(void)buf_printf(why, "cannot open the error log %s: %s",
		    master->options->errorlog, err_str(rc));
		return rc;
	}
	rc = take_pidfile(master, why);
	if (rc < 0)
		return rc;
	raise_file_limit();
	rc = sig_open(&master->sig);
	if (rc == 0)
		rc = open_listeners(master, why);
	if (rc == 0)
		rc = children->prepare(children->context, why);
	if (rc == 0)
		rc = open_spawn(master);
	if (rc == 0)
		rc = check_app(master, why);
	if (rc == 0)
		rc = open_crew(master);
	if (rc < 0 && why->len == 0)
		(void)buf_puts(why, err_str(rc));
	return rc;
}

int
launch_try(struct master *master, struct buf *why)
{
	int rc;

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
	listen_close(&master->listeners);
	keeper_seat_fini(&master->keeper);
	crew_fini(&master->crew);
	spawn_close(&master->spawn);
	sig_close(&master->sig);
	pidfile_close(&master->pidfile);
	free(master->polls);
}

void
launch_init(struct master *master, const struct server_options *options,
    const struct master_children *children)
{
	*master = (struct master){ .options = options,
		.children = children,
		.pidfile = PIDFILE_EMPTY,
		.sig = SIG_EMPTY };
	keeper_seat_init(&master->keeper, KEEPER_BACKOFF_US);
}
