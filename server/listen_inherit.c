/* SPDX-License-Identifier: MIT */

/*
 * Listening sockets that others have opened: the service manager (socket
 * activation: descriptors 3 and up, LISTEN_FDS of them, when LISTEN_PID is
 * this process), or whoever starts us with fd://N in `bind`.
 *
 * INVARIANT  A unix socket that came this way is never removed: no device and
 *            inode are noted for it.
 * THREADS    Master only, before the first fork.
 */
#include "server/listen_int.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"

#define FIRST_FD 3
#define FDS_MAX 64

/* How many the environment promises to this process. */
static int
promised(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	long number;

	if (pid == NULL || count == NULL ||
	    strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	number = strtol(count, NULL, 10);
	return number < 0 || number > FDS_MAX ? -1 : (int)number;
}

static int
name_of(int fd, struct listen_address *address)
{
	struct sockaddr_storage storage;
	const void *any = &storage;
	const struct sockaddr_un *name = any;
	socklen_t len = sizeof(storage);
	char port[8];

	memset(&storage, 0, sizeof(storage));
	if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0)
		return -errno;
	if (storage.ss_family == AF_UNIX) {
		address->kind = LISTEN_UNIX;
		(void)snprintf(address->path, sizeof(address->path), "%.*s",
		    LISTEN_PATH_MAX, name->sun_path);
		return 0;
	}
	if (getnameinfo((struct sockaddr *)&storage, len, address->host,
		sizeof(address->host), port, sizeof(port),
		NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		return -EAFNOSUPPORT;
	address->ipv6 = storage.ss_family == AF_INET6;
	address->port = (uint16_t)strtoul(port, NULL, 10);
	return 0;
}

int
listen_adopt(struct listen_set *set, int fd, const struct listen_socket *known)
{
	struct listen_socket made = *known;
	socklen_t len = sizeof(int);
	int listening = 0;
	int rc = 0;

	made.address = (struct listen_address){ .kind = LISTEN_TCP };
	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0)
		rc = -errno;
	else if (!listening)
		rc = -EINVAL;
	if (rc == 0)
		rc = name_of(fd, &made.address);
	if (rc == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		rc = -errno;
	if (rc == 0)
		rc = fd_set_nonblocking(fd);
	return rc == 0 ? listen_add(set, fd, &made) : rc;
}

int
listen_take_fd(struct listen_set *set, const struct listen_address *address,
    struct buf *why)
{
	const struct listen_socket known = { .asked = *address };
	int rc = listen_adopt(set, (int)address->port, &known);

	if (rc == -EINVAL || rc == -ENOTSOCK)
		(void)buf_puts(why, "it is no listening socket");
	else if (rc == -EBADF)
		(void)buf_puts(why, "no such descriptor was handed over");
	return rc;
}

static int
take(struct listen_set *set, int fd, struct buf *why)
{
	const struct listen_socket known = { .shared = false };
	int rc = listen_adopt(set, fd, &known);

	if (rc < 0)
		(void)buf_printf(why,
		    "descriptor %d from the service manager is no listening "
		    "socket: %s",
		    fd, err_str(rc));
	return rc;
}

int
listen_inherit(struct listen_set *set, struct buf *why)
{
	int count = promised();
	int rc = 0;
	int i;

	*set = (struct listen_set){ .count = 0 };
	if (count < 0) {
		(void)buf_puts(why, "LISTEN_FDS is not a number of sockets");
		rc = -EINVAL;
	}
	for (i = 0; i < count && rc == 0; i++)
		rc = take(set, FIRST_FD + i, why);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	if (rc < 0)
		listen_forget(set);
	return rc < 0 ? rc : (int)set->count;
}
