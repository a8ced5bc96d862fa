/* SPDX-License-Identifier: MIT */

/*
 * The new master's half of an upgrade; see upgrade.h.
 *
 * While the old master lives, the names are his: our pid file and control
 * socket have another one, unix sockets are not removed, and the service
 * manager hears nothing from us. The end of his death pipe says that he is
 * gone, however he went; then we take the names.
 *
 * INVARIANT  What the environment says counts only when it names our parent,
 *            and a descriptor only when it is a listening socket.
 * OWNERSHIP  struct heir owns the descriptors that were handed over; those
 *            that `bind` still names are copied from there.
 * THREADS    Master only.
 * FAILURE    A name that cannot be taken is a warning; we serve on.
 */
#include "server/upgrade.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/json_text.h"
#include "server/master_int.h"
#include "server/notify.h"

#define NAMES_US INT64_C(10000000) /* until we go on without the names */
#define RETRY_US INT64_C(20000)

static int
number_in(const cJSON *object, const char *name)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

	return cJSON_IsNumber(item) ? item->valueint : -1;
}

static int
take_socket(struct listen_set *set, const cJSON *row)
{
	struct listen_socket known = { .shared = true };
	struct buf ignored = BUF_EMPTY;

	known.dev = strtoull(json_text(row, "dev"), NULL, 10);
	known.ino = strtoull(json_text(row, "ino"), NULL, 10);
	/* What the service manager has opened nobody has asked for. */
	(void)listen_address_parse(json_text(row, "asked"), &known.asked,
	    &ignored);
	buf_free(&ignored);
	return listen_adopt(set, number_in(row, "fd"), &known);
}

static int
take_set(struct listen_set *set, const cJSON *all, const char *name)
{
	const cJSON *row;
	int rc = 0;

	cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(all, name))
	{
		if (rc == 0)
			rc = take_socket(set, row);
	}
	return rc;
}

static int
take_all(struct heir *heir, const cJSON *all, struct buf *why)
{
	int rc = 0;

	heir->parent = getppid();
	heir->parent_fd = number_in(all, "parent_fd");
	heir->tell_fd = number_in(all, "tell_fd");
	heir->activated =
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(all, "activated"));
	if (fcntl(heir->parent_fd, F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(heir->tell_fd, F_SETFD, FD_CLOEXEC) < 0)
		rc = -errno;
	if (rc == 0)
		rc = take_set(&heir->legacy, all, "listeners");
	if (rc == 0)
		rc = take_set(&heir->admin, all, "admin");
	if (rc < 0)
		(void)buf_printf(why,
		    "cannot take over the sockets of the running server: %s",
		    err_str(rc));
	return rc;
}

int
heir_take(struct heir *heir, struct buf *why)
{
	const char *text = getenv(UPGRADE_VARIABLE);
	cJSON *all;
	int rc = 0;

	if (text == NULL)
		return 0;
	all = cJSON_Parse(text);
	if (number_in(all, "parent") == getppid())
		rc = take_all(heir, all, why);
	else
		log_warn(0, "upgrade.stranger",
		    "note=\"%s in the environment is not from our parent\"",
		    UPGRADE_VARIABLE);
	cJSON_Delete(all);
	(void)unsetenv(UPGRADE_VARIABLE);
	if (rc < 0)
		heir_forget(heir);
	return rc;
}

bool
heir_expected(void)
{
	const char *text = getenv(UPGRADE_VARIABLE);
	cJSON *all = text != NULL ? cJSON_Parse(text) : NULL;
	bool expected = all != NULL && number_in(all, "parent") == getppid();

	cJSON_Delete(all);
	return expected;
}

void
heir_ready(struct heir *heir)
{
	if (heir->tell_fd >= 0 && write(heir->tell_fd, "R", 1) < 0)
		log_warn(-errno, "upgrade.tell",
		    "note=\"the old server does not hear us\"");
	fd_close(&heir->tell_fd);
}

/* Is the old master's end of the pipe closed? */
static bool
is_orphan(const struct heir *heir)
{
	char byte;
	ssize_t got = read(heir->parent_fd, &byte, 1);

	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

/*
 * The names of pid file and control socket. A process that is killed lets go
 * of one thing after the other, so they may be taken for a moment yet.
 */
static void
take_names(struct master *master)
{
	const struct server_options *options = master->current.settings.options;
	struct heir *heir = &master->heir;
	bool last = master->now_us >= heir->names_end_us;
	struct buf why = BUF_EMPTY;
	int rc = 0;

	if (options->pidfile[0] != '\0')
		rc = pidfile_move(&master->pidfile, options->pidfile);
	if (rc < 0 && last)
		log_warn(rc, "upgrade.pidfile", "path=%s", options->pidfile);
	if (rc == 0 || last)
		rc = launch_open_control(master, &why);
	if (rc < 0 && last && why.len > 0)
		log_warn(rc, "upgrade.control", "%s", buf_cstr(&why));
	buf_free(&why);
	if (rc == 0 || last) {
		heir->names_end_us = 0;
		if (master->crew.serving)
			notify_ready("Serving");
	}
}

void
heir_look(struct master *master)
{
	struct heir *heir = &master->heir;

	if (heir->names_end_us != 0)
		take_names(master);
	if (heir->parent == 0 || !is_orphan(heir))
		return;
	log_info("upgrade.done", "old=%ld note=\"this is the server now\"",
	    (long)heir->parent);
	heir->parent = 0;
	listen_own(&heir->legacy);
	listen_own(&master->current.listeners);
	listen_own(&master->reload.other.listeners);
	listen_own(&heir->admin);
	listen_own(&master->admin_listeners);
	/* What `bind` does not name any more goes with the old server. */
	if (heir->activated)
		listen_forget(&heir->legacy);
	else
		listen_drop(&heir->legacy, &master->current.listeners);
	listen_drop(&heir->admin, &master->admin_listeners);
	heir_forget(heir);
	notify_hold(false);
	heir->names_end_us = master->now_us + NAMES_US;
	take_names(master);
}

int64_t
heir_deadline(const struct master *master)
{
	return master->heir.names_end_us != 0 ? master->now_us + RETRY_US
					      : INT64_MAX;
}

void
heir_forget(struct heir *heir)
{
	fd_close(&heir->parent_fd);
	fd_close(&heir->tell_fd);
	listen_forget(&heir->legacy);
	listen_forget(&heir->admin);
}
