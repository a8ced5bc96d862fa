/* SPDX-License-Identifier: MIT */

/*
 * Readiness for the service manager, without its library: one datagram to
 * the socket it names. A leading @ means the abstract name space.
 *
 * THREADS  Master only.
 */
#include "server/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"

static bool held;

void
notify_hold(bool hold)
{
	held = hold;
}

int
notify_send(const char *state)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	socklen_t name_len;
	size_t len;
	int rc = 0;
	int fd;

	if (held || path == NULL || path[0] == '\0')
		return 0;
	len = strlen(path);
	if (len >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, len);
	if (path[0] == '@')
		name.sun_path[0] = '\0';
	name_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(struct sockaddr *)&name, name_len) < 0)
		rc = -errno;
	fd_close(&fd);
	return rc;
}

void
notify_ready(const char *status)
{
	char state[512];

	(void)snprintf(state, sizeof(state), "READY=1\nMAINPID=%ld\nSTATUS=%s",
	    (long)getpid(), status);
	(void)notify_send(state);
}

void
notify_reloading(void)
{
	char state[128];

	/* The service manager wants CLOCK_MONOTONIC, which clock_mono_us is. */
	(void)snprintf(state, sizeof(state),
	    "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reloading",
	    (long long)clock_mono_us());
	(void)notify_send(state);
}

int64_t
notify_watchdog_us(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	const char *every = getenv("WATCHDOG_USEC");
	long long us;

	if (every == NULL || getenv("NOTIFY_SOCKET") == NULL ||
	    (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	us = strtoll(every, NULL, 10);
	/* Twice as often as asked, as its manual says. */
	return us > 0 ? us / 2 : 0;
}
