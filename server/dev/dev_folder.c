/* SPDX-License-Identifier: MIT */

/*
 * Folders and their locks. See dev_folder.h.
 *
 *   /tmp/pronghorn-Ab3xYz/       mkdtemp(): mode 0700, ours
 *   /tmp/pronghorn-Ab3xYz/lock   locked by flock() as long as somebody lives
 *
 * What is to be removed must be a folder (no link) of that name, ours, for
 * nobody else, and its lock must be free; where others could put another folder
 * in its place meanwhile, nothing is removed.
 *
 * INVARIANT  The lock has its name only once it is taken, so that no folder is
 *            seen without being held. The kernel lets go of it when the last
 *            process that has it ends, however that comes about.
 */
#include "server/dev/dev_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "server/dev/step.h"

#define PREFIX "pronghorn-"
#define RANDOM 6 /* characters that mkdtemp() makes */

#define LOOKED_AT_MAX 100000 /* names in `tmp` */
#define REMOVED_MAX 100      /* folders at a time */

/* In a folder that is ours. */
static int
take_lock(const char *path)
{
	char fresh[FOLDER_PATH_MAX + 16];
	char name[FOLDER_PATH_MAX + 16];
	int rc = 0;
	int fd;

	(void)snprintf(fresh, sizeof(fresh), "%s/lock.new", path);
	(void)snprintf(name, sizeof(name), "%s/lock", path);
	fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || rename(fresh, name) < 0) {
		rc = -errno;
		fd_close(&fd);
	}
	return rc < 0 ? rc : fd;
}

int
folder_make(const char *tmp, char path[FOLDER_PATH_MAX], int *lock_fd)
{
	int rc = 0;

	*lock_fd = -1;
	if (snprintf(path, FOLDER_PATH_MAX, "%s/" PREFIX "XXXXXX", tmp) >=
	    FOLDER_PATH_MAX)
		rc = -ENAMETOOLONG;
	if (rc == 0 && mkdtemp(path) == NULL)
		rc = -errno;
	if (rc < 0) {
		path[0] = '\0';
		return rc;
	}
	rc = take_lock(path);
	if (rc < 0)
		step_remove_folder(path);
	else
		*lock_fd = rc;
	return rc < 0 ? rc : 0;
}

/* Can nobody but us, and root, put another thing in the place of ours? */
static bool
is_safe(int tmp_fd)
{
	struct stat st;

	return fstat(tmp_fd, &st) == 0 &&
	       (st.st_uid == 0 || st.st_uid == geteuid()) &&
	       ((st.st_mode & (S_IWGRP | S_IWOTH)) == 0 ||
		   (st.st_mode & S_ISVTX) != 0);
}

static bool
is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *rest = name + sizeof(PREFIX) - 1;

	return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 &&
	       strlen(rest) == RANDOM && strspn(rest, letters) == RANDOM;
}

/* The lock of a folder that nobody holds, now ours; -1: it is to stay. */
static int
lock_of_dead(int tmp_fd, const char *name)
{
	struct stat st;
	int folder_fd = openat(tmp_fd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd = -1;

	if (folder_fd >= 0 && fstat(folder_fd, &st) == 0 &&
	    st.st_uid == geteuid() && (st.st_mode & 07777) == 0700)
		fd = openat(folder_fd, "lock",
		    O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
			   flock(fd, LOCK_EX | LOCK_NB) < 0))
		fd_close(&fd);
	fd_close(&folder_fd);
	return fd;
}

unsigned
folder_sweep(const char *tmp)
{
	DIR *dir = opendir(tmp);
	struct dirent *entry;
	char path[PATH_MAX];
	unsigned looked_at = 0;
	unsigned removed = 0;
	int fd;

	if (dir == NULL)
		return 0;
	while (is_safe(dirfd(dir)) && removed < REMOVED_MAX &&
	       looked_at++ < LOOKED_AT_MAX && (entry = readdir(dir)) != NULL) {
		if (!is_name(entry->d_name) ||
		    snprintf(path, sizeof(path), "%s/%s", tmp, entry->d_name) >=
			(int)sizeof(path))
			continue;
		fd = lock_of_dead(dirfd(dir), entry->d_name);
		if (fd < 0)
			continue;
		step_remove_folder(path);
		removed++;
		fd_close(&fd);
	}
	(void)closedir(dir);
	return removed;
}
