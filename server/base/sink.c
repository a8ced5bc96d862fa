/* SPDX-License-Identifier: MIT */

/*
 * Writing lines without waiting. See sink.h.
 *
 * FAILURE  A line that cannot be written is dropped and counted. When a disk
 *          took a part of a line, the next one starts on a line of its own.
 */
#include "server/base/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"

static _Atomic uint64_t all_drops;

uint64_t
sink_drops(void)
{
	return all_drops;
}

void
sink_count_drop(void)
{
	all_drops++;
}

/* A symbolic link that root or this process's user has made? */
static bool
is_trusted_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) &&
	       (st.st_uid == 0 || st.st_uid == geteuid());
}

/*
 * A folder of logs often belongs to the user of the workers; a link that he
 * puts there must not lead the master, who is root, to another file.
 */
static int
open_append(const char *path)
{
	/* A FIFO without a reader must not hold the start up. */
	int flags =
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, flags | O_NOFOLLOW, 0640);

	if (fd < 0 && errno == ELOOP && is_trusted_link(path))
		fd = open(path, flags, 0640);
	return fd < 0 ? -errno : fd;
}

static enum sink_kind
kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode))
		return SINK_FILE;
	return S_ISSOCK(st.st_mode) ? SINK_SOCKET : SINK_PIPE;
}

int
sink_check(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		return access(path, W_OK) < 0 ? -errno : 0;
	}
	if (errno != ENOENT)
		return -errno;
	(void)snprintf(folder, sizeof(folder), "%.*s",
	    slash == NULL ? 1 : (int)(slash - path) + (slash == path),
	    slash == NULL ? "." : path);
	return access(folder, W_OK | X_OK) < 0 ? -errno : 0;
}

int
sink_open_file(struct sink *sink, const char *path)
{
	int fd = open_append(path);

	if (fd < 0)
		return fd;
	sink->fd = fd;
	sink->kind = kind_of(fd);
	return 0;
}

int
sink_open_standard(struct sink *sink, int fd)
{
	char path[32];

	sink->kind = kind_of(fd);
	sink->fd = -1;
	if (sink->kind == SINK_PIPE) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		sink->fd = open(path,
		    O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (sink->fd < 0) /* of somebody else; then it may wait */
			sink->kind = SINK_FILE;
	}
	if (sink->fd < 0)
		sink->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return sink->fd < 0 ? -errno : 0;
}

int
sink_reopen(struct sink *sink, const char *path)
{
	int fd = open_append(path);
	int rc = 0;

	if (fd < 0)
		return fd;
	if (sink->fd < 0) {
		sink->fd = fd;
		sink->kind = kind_of(fd);
		return 0;
	}
	/* A writer in another thread never sees it closed. */
	if (dup3(fd, sink->fd, O_CLOEXEC) < 0)
		rc = -errno;
	else
		sink->torn = 0;
	fd_close(&fd);
	return rc;
}

int
sink_give(const struct sink *sink, uid_t uid, gid_t gid)
{
	struct stat st;

	if (fstat(sink->fd, &st) < 0)
		return -errno;
	/* Another name of it may be what somebody wants to have. */
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return 0;
	if (st.st_uid == uid && st.st_gid == gid)
		return 0;
	return fchown(sink->fd, uid, gid) < 0 ? -errno : 0;
}

void
sink_close(struct sink *sink)
{
	fd_close(&sink->fd);
}

/* As write(); never waits, as far as that can be said of a file. */
static ssize_t
put(const struct sink *sink, const char *data, size_t len)
{
	ssize_t got;

	do {
		got =
		    sink->kind == SINK_SOCKET
			? send(sink->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL)
			: write(sink->fd, data, len);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* It takes no more now: wait a little, unless that was in vain just before. */
static int
wait_for_room(struct sink *sink)
{
	struct pollfd poll_fd = { .fd = sink->fd, .events = POLLOUT };
	long now = (long)clock_boot_ms();

	if (now < sink->stuck_ms)
		return 0;
	if (poll(&poll_fd, 1, SINK_WAIT_MS) > 0)
		return 1;
	sink->stuck_ms = now + 1000;
	return 0;
}

/* How many of the bytes make whole lines, PIPE_BUF at most. */
static size_t
atomic_part(const char *lines, size_t len)
{
	const char *end;

	if (len <= PIPE_BUF)
		return len;
	end = memrchr(lines, '\n', PIPE_BUF);
	return end != NULL ? (size_t)(end - lines) + 1 : PIPE_BUF;
}

static void
drop(struct sink *sink, const char *lines, size_t len)
{
	uint64_t count = 0;
	const char *end = lines + len;

	while (lines < end &&
	       (lines = memchr(lines, '\n', (size_t)(end - lines))) != NULL) {
		count++;
		lines++;
	}
	sink->drops += count;
	all_drops += count;
}

/* One piece. 0 or -errno; what is left of it is dropped. */
static int
write_piece(struct sink *sink, const char *data, size_t len)
{
	ssize_t got;
	int rc;

	while (len > 0) {
		got = put(sink, data, len);
		if (got > 0) {
			data += got;
			len -= (size_t)got;
			sink->torn = data[-1] != '\n';
			continue;
		}
		if (got < 0 && errno == EAGAIN && wait_for_room(sink))
			continue;
		rc = got < 0 ? -errno : -EIO;
		drop(sink, data, len);
		return rc;
	}
	return 0;
}

int
sink_write(struct sink *sink, const char *lines, size_t len)
{
	size_t part;
	int rc = 0;
	int last;

	if (sink->fd < 0)
		return 0;
	if (sink->torn && put(sink, "\n", 1) == 1)
		sink->torn = 0;
	while (len > 0) {
		part = sink->kind == SINK_FILE ? len : atomic_part(lines, len);
		last = write_piece(sink, lines, part);
		if (last < 0)
			rc = last;
		lines += part;
		len -= part;
	}
	return rc;
}
