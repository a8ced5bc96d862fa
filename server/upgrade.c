/* SPDX-License-Identifier: MIT */

/*
 * The old master's half of an upgrade; see upgrade.h.
 *
 * INVARIANT  At most one new master at a time, and none before this one has
 *            outlived its own old one. While there is one, no unix socket is
 *            removed.
 * OWNERSHIP  The new master owns its copies of the sockets; we keep ours, so
 *            that it can fail at any time.
 * THREADS    Master only.
 * FAILURE    A new program that does not serve within twice boot_timeout is
 *            told to go. However it ends, the old workers serve, and those
 *            that WINCH has sent home come back.
 */
#include "server/upgrade.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/master_int.h"
#include "server/program.h"
#include "server/reap.h"

#define GRACE_US INT64_C(5000000)

static void
put_socket(cJSON *list, int fd, const struct listen_socket *made)
{
	cJSON *row = cJSON_CreateObject();
	struct buf asked = BUF_EMPTY;
	char number[32];
	const char *text;

	(void)listen_address_print(&made->asked, &asked);
	text = buf_cstr(&asked);
	(void)cJSON_AddNumberToObject(row, "fd", fd);
	(void)cJSON_AddStringToObject(row, "asked", text != NULL ? text : "");
	(void)snprintf(number, sizeof(number), "%llu",
	    (unsigned long long)made->dev);
	(void)cJSON_AddStringToObject(row, "dev", number);
	(void)snprintf(number, sizeof(number), "%llu",
	    (unsigned long long)made->ino);
	(void)cJSON_AddStringToObject(row, "ino", number);
	(void)cJSON_AddItemToArray(list, row);
	buf_free(&asked);
}

static void
put_set(cJSON *all, const char *name, const struct listen_set *set)
{
	cJSON *list = cJSON_AddArrayToObject(all, name);
	size_t i;

	for (i = 0; i < set->count; i++)
		put_socket(list, set->fds[i], &set->sockets[i]);
}

/* "PRONGHORN_UPGRADE={...}"; the caller frees the buffer. */
static const char *
make_variable(const struct master *master, int tell_fd, struct buf *out)
{
	cJSON *all = cJSON_CreateObject();
	char *json;

	(void)cJSON_AddNumberToObject(all, "parent", master->spawn.master_pid);
	(void)cJSON_AddNumberToObject(all, "parent_fd",
	    master->spawn.death_fds[0]);
	(void)cJSON_AddNumberToObject(all, "tell_fd", tell_fd);
	(void)cJSON_AddBoolToObject(all, "activated", master->activated);
	put_set(all, "listeners", &master->current.listeners);
	put_set(all, "admin", &master->admin_listeners);
	json = cJSON_PrintUnformatted(all);
	if (json != NULL)
		(void)buf_printf(out, UPGRADE_VARIABLE "=%s", json);
	cJSON_free(json);
	cJSON_Delete(all);
	return json != NULL ? buf_cstr(out) : NULL;
}

static void
keep_set_open(const struct listen_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		(void)fcntl(set->fds[i], F_SETFD, 0);
}

/* Only these descriptors outlive exec; all others are close-on-exec. */
static void
keep_open(const struct master *master, int tell_fd)
{
	keep_set_open(&master->current.listeners);
	keep_set_open(&master->admin_listeners);
	(void)fcntl(master->spawn.death_fds[0], F_SETFD, 0);
	(void)fcntl(tell_fd, F_SETFD, 0);
}

/* The child of the fork, for as long as it is still the old program. */
static _Noreturn void
become_new(const struct master *master, int tell_fd)
{
	struct buf text = BUF_EMPTY;
	char watchdog[40] = "WATCHDOG_PID";
	const char *const variables[] = { make_variable(master, tell_fd, &text),
		"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", watchdog, NULL };
	int rc = -ENOMEM;

	/* What the service manager says to us holds for our heir. */
	if (master->watchdog_us > 0)
		(void)snprintf(watchdog, sizeof(watchdog), "WATCHDOG_PID=%ld",
		    (long)getpid());
	if (variables[0] != NULL) {
		keep_open(master, tell_fd);
		sig_become_child();
		rc = program_exec(master->children->program, variables);
	}
	log_error(rc, "upgrade.exec", "path=%s",
	    master->children->program->path);
	_exit(127);
}

static const char *
why_not(const struct master *master)
{
	if (master->children->program == NULL)
		return "it is not known how the server was started";
	if (master->crew.stop != CREW_RUN)
		return "the server is stopping";
	if (master->upgrade.pid > 0)
		return "a new server runs already";
	if (master->heir.parent > 0)
		return "the server before this one still runs";
	if (!master->crew.serving)
		return "the server is still starting";
	if (master->reload.state != RELOAD_IDLE)
		return "a reload is under way";
	return NULL;
}

static int
start_new(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	const struct server_options *options = master->current.settings.options;
	sigset_t saved;
	int fds[2];
	pid_t pid;
	int rc = 0;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	(void)master_hook(master, HOOK_PRE_EXEC, -1, getpid(), 0);
	(void)fflush(NULL);
	sig_hold(&saved);
	pid = fork();
	if (pid == 0)
		become_new(master, fds[1]);
	if (pid < 0)
		rc = -errno;
	sig_release(&saved);
	fd_close(&fds[1]);
	if (rc < 0) {
		fd_close(&fds[0]);
		return rc;
	}
	*upgrade = (struct upgrade){ .pid = pid,
		.ready_fd = fds[0],
		.end_us = master->now_us + 2 * launch_rules(options).boot_us };
	return 0;
}

const char *
upgrade_begin(struct master *master)
{
	const char *error = why_not(master);
	int rc = 0;

	if (error == NULL)
		rc = start_new(master);
	if (rc < 0)
		error = err_str(rc);
	if (error != NULL)
		log_warn(0, "upgrade.refused", "why=\"%s\"", error);
	else
		log_info("upgrade.begin", "child=%ld path=%s",
		    (long)master->upgrade.pid, master->children->program->path);
	return error;
}

static void
note_ready(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;

	upgrade->ready = true;
	(void)snprintf(upgrade->text, sizeof(upgrade->text), "ok");
	log_info("upgrade.ready",
	    "child=%ld note=\"TERM ends the upgrade, HUP and then TERM to the "
	    "child undoes it\"",
	    (long)upgrade->pid);
	control_command_upgraded(master);
	if (upgrade->then_stop)
		master_stop(master, CREW_STOP, "TERM");
	else if (master->current.settings.options->upgrade_auto)
		master_stop(master, CREW_STOP, "upgrade_auto");
}

void
upgrade_look(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	char byte;
	ssize_t got;

	if (upgrade->ready_fd >= 0) {
		got = read(upgrade->ready_fd, &byte, 1);
		if (got >= 0 || (errno != EAGAIN && errno != EINTR))
			fd_close(&upgrade->ready_fd);
		if (got == 1)
			note_ready(master);
	}
	if (upgrade->pid > 0 && !upgrade->ready &&
	    master->now_us >= upgrade->end_us) {
		log_error(0, "upgrade.timeout", "child=%ld",
		    (long)upgrade->pid);
		(void)kill(upgrade->pid, upgrade->overdue ? SIGKILL : SIGTERM);
		upgrade->overdue = true;
		upgrade->end_us = master->now_us + GRACE_US;
	}
}

int64_t
upgrade_deadline(const struct master *master)
{
	const struct upgrade *upgrade = &master->upgrade;

	return upgrade->pid > 0 && !upgrade->ready ? upgrade->end_us
						   : INT64_MAX;
}

void
upgrade_ended(struct master *master, int status)
{
	struct upgrade *upgrade = &master->upgrade;
	bool ready = upgrade->ready;
	bool then_stop = upgrade->then_stop && !ready;
	pid_t pid = upgrade->pid;
	char text[64];

	(void)reap_describe(status, text, sizeof(text));
	fd_close(&upgrade->ready_fd);
	*upgrade = (struct upgrade)UPGRADE_EMPTY;
	(void)snprintf(upgrade->text, sizeof(upgrade->text),
	    ready ? "undone: the new server ended (%s)"
		  : "failed: the new server did not serve (%s); see its log",
	    text);
	LOG_AT(ready ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR, 0,
	    ready ? "upgrade.undone" : "upgrade.failed", "child=%ld %s",
	    (long)pid, text);
	control_command_upgraded(master);
	if (master->crew.resting) {
		log_info("master.rest", "note=\"the workers come back\"");
		crew_rest(&master->crew, false);
	}
	if (then_stop)
		master_stop(master, CREW_STOP, "TERM");
}

bool
upgrade_defers_stop(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;

	if (upgrade->pid == 0 || upgrade->ready || upgrade->then_stop)
		return false;
	upgrade->then_stop = true;
	log_info("upgrade.stop_waits",
	    "child=%ld note=\"until the new server serves; once more stops "
	    "both\"",
	    (long)upgrade->pid);
	return true;
}

bool
upgrade_passes_on(const struct master *master)
{
	return master->upgrade.pid > 0 && master->upgrade.ready;
}

void
upgrade_forget(struct upgrade *upgrade)
{
	fd_close(&upgrade->ready_fd);
}
