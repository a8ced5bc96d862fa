/* SPDX-License-Identifier: MIT */

/*
 * Listening unix sockets.
 *
 * A unix socket's path outlives a crashed owner, so a path in use is probed
 * with connect(): if somebody answers, it is his. Probe, removal and bind
 * happen under a lock on the folder; otherwise two masters starting together
 * could both find a dead socket and one would remove the other's live one.
 *
 * INVARIANT  A socket that answers is never removed.
 * THREADS    Master only; umask() is process-wide.
 */
#include "server/listen_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"

#define TIGHT_UMASK 0177
#define FOLDER_TRIES 100
#define FOLDER_WAIT_NS 10000000L

/*
 * Lock the folder of `path`, so that masters do one after the other what
 * follows. A folder we may not read cannot be locked: -1, and we go on.
 */
static int
lock_folder(const char *path, int *out)
{
	const struct timespec wait = { .tv_nsec = FOLDER_WAIT_NS };
	char folder[LISTEN_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');
	int tries;
	int fd;

	if (slash == NULL)
		(void)snprintf(folder, sizeof(folder), ".");
	else
		(void)snprintf(folder, sizeof(folder), "%.*s",
		    (int)(slash - path) + (slash == path), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*out = fd;
	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	for (tries = 0; tries < FOLDER_TRIES; tries++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)nanosleep(&wait, NULL);
	}
	return ERR_BUSY;
}

/* Make room at `path`: 0 free, -EADDRINUSE answered, other: cannot tell. */
static int
clear_path(const char *path, const struct sockaddr_un *name, struct buf *why)
{
	struct stat st;
	int fd = -1;
	int rc;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode)) {
		(void)buf_puts(why, "a file that is no socket is there");
		return -EEXIST;
	}
	rc = listen_new_socket(AF_UNIX, &fd);
	if (rc < 0)
		return rc;
	rc = connect(fd, (const struct sockaddr *)name, sizeof(*name)) < 0
		 ? -errno
		 : 0;
	fd_close(&fd);
	if (rc == 0 || rc == -EAGAIN) { /* EAGAIN: its backlog is full */
		(void)buf_puts(why, "another process serves it");
		return -EADDRINUSE;
	}
	if (rc != -ECONNREFUSED)
		return rc == -ENOENT ? 0 : rc;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* Never open to more than `unix_mode`, not even for a moment. */
static int
bind_unix(int fd, const struct sockaddr_un *name,
    const struct listen_rules *rules, struct listen_socket *made)
{
	mode_t old = umask(TIGHT_UMASK);
	struct stat st;
	int rc = 0;

	if (bind(fd, (const struct sockaddr *)name, sizeof(*name)) < 0)
		rc = -errno;
	(void)umask(old);
	if (rc == 0 && chmod(name->sun_path, rules->unix_mode) < 0)
		rc = -errno;
	if (rc == 0 && listen(fd, rules->backlog) < 0)
		rc = -errno;
	if (rc == 0 && lstat(name->sun_path, &st) < 0)
		rc = -errno;
	if (rc == 0) {
		made->dev = st.st_dev;
		made->ino = st.st_ino;
	}
	return rc;
}

int
listen_open_unix(struct listen_set *set, const struct listen_address *address,
    const struct listen_rules *rules, struct buf *why)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct listen_socket made = { .asked = *address, .address = *address };
	int folder = -1;
	int fd = -1;
	int rc;

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s",
	    address->path);
	rc = lock_folder(address->path, &folder);
	if (rc == 0)
		rc = clear_path(address->path, &name, why);
	if (rc == 0)
		rc = listen_new_socket(AF_UNIX, &fd);
	if (rc == 0)
		rc = bind_unix(fd, &name, rules, &made);
	if (rc == 0)
		rc = listen_add(set, fd, &made);
	if (rc < 0) {
		fd_close(&fd);
		if (why->len == 0)
			(void)buf_puts(why, err_str(rc));
	}
	fd_close(&folder);
	return rc;
}
