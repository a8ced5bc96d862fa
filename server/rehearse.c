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

/* Open `item` into the empty *set. */
static int
try_address(const struct server_options *options, const char *item,
    struct listen_set *set, struct buf *why)
{
	const struct opt_list bind = { &item, 1 };
	const struct listen_rules rules = launch_listen_rules(options);
	struct listen_address address;
	struct buf reason = BUF_EMPTY;
	int rc = listen_address_parse(item, &address, &reason);

	/* Whoever starts the server hands it over then, perhaps not now. */
	if (rc == 0 && address.kind == LISTEN_FD) {
		if (!fd_is_listening(address.port))
			log_warn(0, "config.not_tried",
			    "bind=%s reason=\"no listening socket has this "
			    "number here\"",
			    item);
	} else if (rc == 0) {
		buf_clear(&reason);
		rc = listen_open(set, &bind, &rules, &reason);
	}
	if (rc == -EADDRINUSE && is_running(options))
		rc = 0;
	if (rc < 0)
		(void)buf_printf(why, "%s%s", why->len > 0 ? "\n" : "",
		    reason.len > 0 ? buf_cstr(&reason) : err_str(rc));
	buf_free(&reason);
	return rc;
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

/* Where ctl would find the server; a socket like any other. */
static int
try_control(const struct server_options *options, struct listen_set *set,
    struct buf *why)
{
	struct buf item = BUF_EMPTY;
	struct buf path = BUF_EMPTY;
	int rc = 0;

	(void)control_path(options->control_socket, options->pidfile, &path);
	if (path.len > 0 && !options->control_socket_disable) {
		(void)buf_printf(&item, "unix:%s", buf_cstr(&path));
		rc = buf_cstr(&item) != NULL
			 ? try_address(options, buf_cstr(&item), set, why)
			 : -ENOMEM;
	}
	buf_free(&path);
	buf_free(&item);
	return rc;
}

/* Everything that listens, at the same time. */
static int
try_sockets(const struct server_options *options, struct buf *why)
{
	const struct opt_list *lists[] = { &options->bind,
		&options->metrics_bind };
	size_t most = options->bind.count + options->metrics_bind.count + 1;
	struct listen_set *sets = calloc(most, sizeof(*sets));
	size_t count = 0;
	int worst = 0;
	size_t list;
	size_t i;
	int rc;

	if (sets == NULL)
		return -ENOMEM;
	for (list = 0; list < 2; list++) {
		for (i = 0; i < lists[list]->count; i++) {
			rc = try_address(options, lists[list]->items[i],
			    &sets[count++], why);
			worst = rc < 0 ? rc : worst;
		}
	}
	rc = try_control(options, &sets[count++], why);
	worst = rc < 0 ? rc : worst;
	for (i = 0; i < count; i++)
		listen_close(&sets[i]);
	free(sets);
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
