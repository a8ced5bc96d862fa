/* SPDX-License-Identifier: MIT */

/*
 * The pid file of the master.
 *
 * Two masters that start at the same time agree through flock() alone. The
 * one danger is a lock on a file that has just been removed by its former
 * holder: such a lock protects nothing, so after locking we compare what is
 * open with what the path names, and start over when they differ.
 *
 * INVARIANT  An open struct pidfile holds the lock of the file that the path
 *            named when it was opened.
 * THREADS    Master only.
 */
#include "server/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"

/* True when `path` names the file that is open as `fd`. */
static bool
is_same_file(int fd, const char *path)
{
	struct stat open_st;
	struct stat path_st;

	return fstat(fd, &open_st) == 0 && stat(path, &path_st) == 0 &&
	       open_st.st_dev == path_st.st_dev &&
	       open_st.st_ino == path_st.st_ino;
}

static pid_t
read_holder(int fd)
{
	char text[32] = "";
	char *end;
	long pid;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	pid = strtol(text, &end, 10);
	return (*end == '\n' || *end == '\0') && pid > 0 ? (pid_t)pid : 0;
}

/* Not what a server has left there (a number; zeros after a loss of power): a
 * slip in the settings must not cost a file. */
static bool
is_foreign(int fd)
{
	static const char ours[] = "0123456789 \t\r\n"; /* and NUL */
	char text[64];
	ssize_t len = pread(fd, text, sizeof(text), 0);
	ssize_t i;

	for (i = 0; i < len; i++) {
		if (memchr(ours, text[i], sizeof(ours)) == NULL)
			return true;
	}
	return false;
}

static int
write_own(int fd)
{
	char text[32];
	int len;

	len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return fd_write_full(fd, text, (size_t)len);
}

/* The file under `path`, locked; -EAGAIN: it was replaced meanwhile. */
static int
open_locked(const char *path, int *out, pid_t *holder)
{
	struct stat st;
	int rc = 0;
	int fd;

	/* A link that somebody has put there is not to be written through. */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
	    0644);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		rc = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		rc = -EINVAL;
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? -EEXIST : -errno;
		*holder = read_holder(fd);
	} else if (!is_same_file(fd, path)) {
		rc = -EAGAIN;
	} else if (is_foreign(fd)) {
		rc = -ENOTEMPTY;
	}
	if (rc < 0)
		fd_close(&fd);
	*out = fd;
	return rc;
}

int
pidfile_open(struct pidfile *pidfile, const char *path, pid_t *holder)
{
	int rc;

	*holder = 0;
	pidfile->path = strdup(path);
	if (pidfile->path == NULL)
		return -ENOMEM;
	do {
		rc = open_locked(path, &pidfile->fd, holder);
	} while (rc == -EAGAIN);
	if (rc == 0)
		rc = write_own(pidfile->fd);
	if (rc < 0)
		pidfile_forget(pidfile);
	return rc;
}

int
pidfile_move(struct pidfile *pidfile, const char *path)
{
	char *name = strdup(path);
	pid_t holder;
	int fd = -1;
	int rc = name == NULL ? -ENOMEM : 0;

	/* Who waits for the lock of the old file finds that it is gone. */
	while (rc == 0) {
		rc = open_locked(path, &fd, &holder);
		if (rc != -EAGAIN)
			break;
		rc = 0;
	}
	if (rc == 0 && rename(pidfile->path, path) < 0)
		rc = -errno;
	fd_close(&fd);
	if (rc < 0) {
		free(name);
		return rc;
	}
	free(pidfile->path);
	pidfile->path = name;
	return 0;
}

int
pidfile_check(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		rc = -EINVAL;
	else if (is_foreign(fd))
		rc = -ENOTEMPTY;
	fd_close(&fd);
	return rc;
}

const char *
pidfile_err_str(int rc)
{
	if (rc == -ELOOP)
		return "it is a symbolic link";
	return rc == -ENOTEMPTY ? "that file has something else in it"
				: err_str(rc);
}

bool
pidfile_is_held(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool held =
	    fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	fd_close(&fd);
	return held;
}

void
pidfile_close(struct pidfile *pidfile)
{
	/* Remove before letting go: nobody can have taken it over yet. */
	if (pidfile->fd >= 0 && is_same_file(pidfile->fd, pidfile->path))
		(void)unlink(pidfile->path);
	pidfile_forget(pidfile);
}

void
pidfile_forget(struct pidfile *pidfile)
{
	fd_close(&pidfile->fd);
	free(pidfile->path);
	pidfile->path = NULL;
}
