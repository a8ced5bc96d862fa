/* SPDX-License-Identifier: MIT */

/*
 * Bodies in files: made without a name (O_TMPFILE), or where the file system
 * cannot do that, made and unlinked at once.
 *
 * INVARIANT  `spooled` is the sum of the lengths of all spools that live, and
 *            `open_count` is how many they are.
 * INVARIANT  Who has a file with a name holds a lock on it (flock), so that
 *            others know it is in use; the kernel gives it up when a process
 *            dies.
 * FAILURE    A full disk is an error of the one request that filled it.
 */
#include "worker/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"

struct spool {
	atomic_uint refs;
	int fd;
	size_t len;
	size_t total_max;
	char *map;  /* NULL: not yet, or nothing to map */
	char *name; /* NULL: it has none */
};

/* Of files that have a name; see spool_sweep(). */
#define NAME_PREFIX "pronghorn-upload-"

static atomic_size_t spooled; /* bytes of all of them in this process */
static atomic_size_t open_count;

#define FILES_PART 4 /* a body has one in four descriptors, at most */

/* May there be one more? Connections need descriptors, too. */
static bool
count_one(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 1024; /* cannot be */
	if (atomic_fetch_add(&open_count, 1) < limit.rlim_cur / FILES_PART)
		return true;
	(void)atomic_fetch_sub(&open_count, 1);
	return false;
}

static int
open_file(const char *dir)
{
	char path[PATH_MAX];
	int fd;
	int len;

	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	len = snprintf(path, sizeof(path), "%s/body-XXXXXX", dir);
	if (len < 0 || len >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	(void)unlink(path);
	return fd;
}

int
spool_new(struct spool **out, const char *dir, size_t total_max)
{
	struct spool *spool;
	int rc;

	*out = NULL;
	if (!count_one())
		return ERR_FULL;
	spool = calloc(1, sizeof(*spool));
	rc = spool != NULL ? open_file(dir) : -ENOMEM;
	if (rc < 0) {
		(void)atomic_fetch_sub(&open_count, 1);
		free(spool);
		return rc;
	}
	spool->fd = rc;
	atomic_init(&spool->refs, 1);
	spool->total_max = total_max;
	*out = spool;
	return 0;
}

struct spool *
spool_ref(struct spool *spool)
{
	(void)atomic_fetch_add(&spool->refs, 1);
	return spool;
}

static void
drop_name(struct spool *spool)
{
	if (spool->name != NULL)
		(void)unlink(spool->name);
	free(spool->name);
	spool->name = NULL;
}

void
spool_unref(struct spool **spool_in)
{
	struct spool *spool = *spool_in;

	*spool_in = NULL;
	if (spool == NULL || atomic_fetch_sub(&spool->refs, 1) > 1)
		return;
	drop_name(spool);
	if (spool->map != NULL)
		(void)munmap(spool->map, spool->len + 1);
	(void)atomic_fetch_sub(&spooled, spool->len);
	(void)atomic_fetch_sub(&open_count, 1);
	fd_close(&spool->fd);
	free(spool);
}

int
spool_put(struct spool *spool, const void *data, size_t len)
{
	size_t before = atomic_fetch_add(&spooled, len);
	int rc = ERR_FULL;

	if (before <= spool->total_max && len <= spool->total_max - before)
		rc = fd_write_full(spool->fd, data, len);
	if (rc < 0)
		(void)atomic_fetch_sub(&spooled, len);
	else
		spool->len += len;
	return rc;
}

size_t
spool_len(const struct spool *spool)
{
	return spool->len;
}

int
spool_map(struct spool *spool, const char **data)
{
	void *map;

	*data = "";
	if (spool->len == 0)
		return 0;
	if (spool->map == NULL) {
		/* Zeroes first, so that a NUL is behind the last byte even
		 * where the file ends with a page. */
		map = mmap(NULL, spool->len + 1, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (map == MAP_FAILED)
			return -errno;
		if (mmap(map, spool->len, PROT_READ, MAP_PRIVATE | MAP_FIXED,
			spool->fd, 0) == MAP_FAILED) {
			int rc = -errno;

			(void)munmap(map, spool->len + 1);
			return rc;
		}
		spool->map = map;
	}
	*data = spool->map;
	return 0;
}

int
spool_fd(const struct spool *spool)
{
	return spool->fd;
}

void
spool_path(const struct spool *spool, char path[SPOOL_PATH_MAX])
{
	(void)snprintf(path, SPOOL_PATH_MAX, "/proc/self/fd/%d", spool->fd);
}

/* All bytes of the spool into an empty file. 0 or -errno. */
static int
copy_to(const struct spool *spool, int fd)
{
	loff_t from = 0;
	ssize_t got;
	char data[65536];

	while ((size_t)from < spool->len) {
		got = copy_file_range(spool->fd, &from, fd, NULL,
		    spool->len - (size_t)from, 0);
		if (got > 0)
			continue;
		/* Not between these two file systems: by hand. */
		got = pread(spool->fd, data, sizeof(data), from);
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		if (fd_write_full(fd, data, (size_t)got) < 0)
			return -errno;
		from += got;
	}
	return 0;
}

int
spool_save(const struct spool *spool, const char *path)
{
	char own[SPOOL_PATH_MAX];
	int rc;
	int fd;

	spool_path(spool, own);
	if (linkat(AT_FDCWD, own, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	if (errno == EEXIST)
		return -EEXIST;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = copy_to(spool, fd);
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc < 0)
		(void)unlink(path);
	return rc;
}

/* A file with that name and our bytes takes the place of ours. */
static int
copy_as(struct spool *spool, const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct stat about;
	int rc;

	if (fd < 0)
		return -errno;
	rc = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : copy_to(spool, fd);
	/* Swept away before it was locked? */
	if (rc == 0 && (fstat(fd, &about) < 0 || about.st_nlink == 0))
		rc = -EAGAIN;
	if (rc < 0) {
		(void)unlink(name);
		(void)close(fd);
		return rc;
	}
	fd_close(&spool->fd); /* what is mapped stays mapped */
	spool->fd = fd;
	return 0;
}

int
spool_name(struct spool *spool, const char *dir, const char **path)
{
	char own[SPOOL_PATH_MAX];
	char name[PATH_MAX];
	uint64_t random;
	int rc = 0;
	int len;

	*path = spool->name;
	if (spool->name != NULL && access(spool->name, F_OK) == 0)
		return 0;
	drop_name(spool);
	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -errno;
	len = snprintf(name, sizeof(name), "%s/" NAME_PREFIX "%016" PRIx64, dir,
	    random);
	if (len < 0 || (size_t)len >= sizeof(name))
		return -ENAMETOOLONG;
	spool_path(spool, own);
	if (flock(spool->fd, LOCK_EX | LOCK_NB) < 0 ||
	    linkat(AT_FDCWD, own, AT_FDCWD, name, AT_SYMLINK_FOLLOW) < 0)
		rc = copy_as(spool, name); /* it had a name once */
	if (rc < 0)
		return rc;
	spool->name = strdup(name);
	*path = spool->name;
	if (spool->name != NULL)
		return 0;
	(void)unlink(name);
	return -ENOMEM;
}

void
spool_sweep(const char *dir)
{
	DIR *list = opendir(dir);
	const struct dirent *entry;
	int fd;

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL) {
		if (strncmp(entry->d_name, NAME_PREFIX,
			sizeof(NAME_PREFIX) - 1) != 0)
			continue;
		fd = openat(dirfd(list), entry->d_name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			(void)unlinkat(dirfd(list), entry->d_name, 0);
		(void)close(fd);
	}
	(void)closedir(list);
}
