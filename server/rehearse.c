/* SPDX-License-Identifier: MIT */

/*
 * A start without one. See rehearse.h.
 *
 * All sockets stay open until the last was tried, as two addresses may be good
 * alone and not together.
 *
 * INVARIANT  Nothing is made that is still there afterwards, and no pid file
 *            or socket of a running server is touched.
 * THREADS    Master only.
 */
#include "server/rehearse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "server/base/sink.h"
#include "server/control.h"
#include "server/master_int.h"

static bool
answers(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	bool yes;
	int fd;

	if (strlen(path) >= sizeof(name.sun_path))
		return false;
	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	yes = fd >= 0 &&
	      (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0 ||
		  errno == EAGAIN);
	fd_close(&fd);
	return yes;
}

/* Does the server of these settings run? */
static bool
is_running(const struct server_options *options)
{
	struct buf path = BUF_EMPTY;
	const char *text;
	bool yes;

	if (options->pidfile[0] != '\0' && pidfile_is_held(options->pidfile))
		return true;
	(void)control_path(options->control_socket, options->pidfile, &path);
	text = buf_cstr(&path);
	yes = text != NULL && text[0] != '\0' && answers(text);
	buf_free(&path);
	return yes;
}

static bool
fd_is_listening(int fd)
{
	socklen_t len = sizeof(int);
	int yes = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) == 0 &&
	       yes != 0;
}

/* An address, and what came of it. */
struct trial {
	const char *item;
	struct listen_set set;
	struct buf reason;
	int rc;
};

/* Open it into its empty set. */
static void
try_address(const struct server_options *options, struct trial *trial)
{
	const char *item = trial->item;
	const struct opt_list bind = { &item, 1 };
	const struct listen_rules rules = launch_listen_rules(options);
	struct listen_address address;
	int rc = listen_address_parse(item, &address, &trial->reason);

	/* Whoever starts the server hands it over then, perhaps not now. */
	if (rc == 0 && address.kind == LISTEN_FD) {
		if (!fd_is_listening(address.port))
			log_warn(0, "config.not_tried",
			    "bind=%s reason=\"no listening socket has this "
			    "number here\"",
			    item);
	} else if (rc == 0) {
		buf_clear(&trial->reason);
		rc = listen_open(&trial->set, &bind, &rules, &trial->reason);
	}
	trial->rc = rc;
}

/*
 * Of one that was taken when all others were closed again: by another process
 * if it still is. That one may be the server that the start is to follow, and
 * says nothing of the settings.
 */
static void
try_again(const struct server_options *options, struct trial *trial)
{
	struct trial alone = { .item = trial->item };

	if (trial->rc != -EADDRINUSE)
		return;
	try_address(options, &alone);
	if (alone.rc == -EADDRINUSE) {
		if (!is_running(options))
			log_warn(0, "config.in_use",
			    "bind=%s note=\"another process listens there, "
			    "until whose end a start would fail\"",
			    trial->item);
		trial->rc = 0;
	}
	listen_close(&alone.set);
	buf_free(&alone.reason);
}

static int
tell(struct trial *trial, struct buf *why)
{
	if (trial->rc < 0)
		(void)buf_printf(why, "%s%s", why->len > 0 ? "\n" : "",
		    trial->reason.len > 0 ? buf_cstr(&trial->reason)
					  : err_str(trial->rc));
	return trial->rc;
}

/* Could this file be written, or made? */
static int
try_file(const char *name, const char *path, struct buf *why)
{
	int rc = 0;

	if (path[0] != '\0' && strcmp(path, "-") != 0)
		rc = sink_check(path);
	if (rc < 0)
		(void)buf_printf(why, "%scannot write the %s %s: %s",
		    why->len > 0 ? "\n" : "", name, path, err_str(rc));
	return rc;
}

static int
try_pidfile(const char *path, struct buf *why)
{
	int rc = try_file("pid file", path, why);

	if (rc < 0 || path[0] == '\0')
		return rc;
	rc = pidfile_check(path);
	if (rc < 0)
		(void)buf_printf(why, "%scannot use the pid file %s: %s",
		    why->len > 0 ? "\n" : "", path, pidfile_err_str(rc));
	return rc;
}

/* Where ctl would find the server, as an item of `bind`; none: empty. */
static void
control_item(const struct server_options *options, struct buf *item)
{
	struct buf path = BUF_EMPTY;

	(void)control_path(options->control_socket, options->pidfile, &path);
	if (path.len > 0 && !options->control_socket_disable)
		(void)buf_printf(item, "unix:%s", buf_cstr(&path));
	buf_free(&path);
}

/* Everything that listens, at the same time. */
static int
try_sockets(const struct server_options *options, struct buf *why)
{
	const struct opt_list *lists[] = { &options->bind,
		&options->metrics_bind };
	size_t most = options->bind.count + options->metrics_bind.count + 1;
	struct trial *trials = calloc(most, sizeof(*trials));
	struct buf control = BUF_EMPTY;
	size_t count = 0;
	int worst = 0;
	size_t list;
	size_t i;

	if (trials == NULL)
		return -ENOMEM;
	for (list = 0; list < 2; list++)
		for (i = 0; i < lists[list]->count; i++)
			trials[count++].item = lists[list]->items[i];
	control_item(options, &control);
	if (control.len > 0 && buf_cstr(&control) != NULL)
		trials[count++].item = buf_cstr(&control);
	for (i = 0; i < count; i++)
		try_address(options, &trials[i]);
	for (i = 0; i < count; i++)
		listen_close(&trials[i].set);
	for (i = 0; i < count; i++) {
		try_again(options, &trials[i]);
		if (tell(&trials[i], why) < 0)
			worst = trials[i].rc;
		buf_free(&trials[i].reason);
	}
	buf_free(&control);
	free(trials);
	return worst;
}

int
rehearse(const struct server_options *options, struct buf *why)
{
	int worst = try_sockets(options, why);
	int rc;

	rc = try_file("error log", options->errorlog, why);
	worst = rc < 0 ? rc : worst;
	rc = try_pidfile(options->pidfile, why);
	return rc < 0 ? rc : worst;
}
