/* SPDX-License-Identifier: MIT */

/*
 * Small helpers around descriptors that everybody would otherwise write.
 */
#include "server/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"

void
fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int
fd_event_new(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

void
fd_event_wake(int fd)
{
	uint64_t one = 1;

	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

uint64_t
fd_event_drain(int fd)
{
	uint64_t count = 0;

	while (read(fd, &count, sizeof(count)) < 0) {
		if (errno != EINTR)
			return 0;
	}
	return count;
}

int
fd_write_full(int fd, const void *data, size_t len)
{
	const char *next = data;
	ssize_t put;

	while (len > 0) {
		put = write(fd, next, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		next += put;
		len -= (size_t)put;
	}
	return 0;
}

static int
read_all(int fd, char *data, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, data + got, len - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* shrank while being read */
		got += (size_t)n;
	}
	return 0;
}

int
fd_read_file(const char *path, size_t max, char **data, size_t *len)
{
	struct stat st;
	char *bytes = NULL;
	int fd;
	int rc = 0;

	*data = NULL;
	*len = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0) {
		rc = -errno;
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		rc = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
		goto out;
	}
	if ((uintmax_t)st.st_size > max) {
		rc = ERR_TOO_BIG;
		goto out;
	}
	bytes = malloc((size_t)st.st_size + 1);
	if (bytes == NULL) {
		rc = -ENOMEM;
		goto out;
	}
	rc = read_all(fd, bytes, (size_t)st.st_size);
	if (rc < 0)
		goto out;
	bytes[st.st_size] = '\0';
	*data = bytes; /* ownership moves to the caller */
	*len = (size_t)st.st_size;
	bytes = NULL;
out:
	free(bytes);
	fd_close(&fd);
	return rc;
}
