/* SPDX-License-Identifier: MIT */

/*
 * The folder of the database: is it a safe place, and moving files in it.
 *
 * The files are never opened here: closing a descriptor of a database file
 * would drop the POSIX locks that SQLite holds in the same process.
 */
#include "cache/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cache/db.h"
#include "cache/mark.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

/* Types whose files another machine may change, or that lack shared memory. */
static const uint32_t refused_types[] = {
	0x6969,     /* NFS */
	0xff534d42, /* CIFS */
	0xfe534d42, /* SMB2 */
	0x517b,     /* SMB */
	0x65735546, /* FUSE: sshfs, s3fs, ... */
	0x01021997, /* 9p */
	0x5346414f, /* AFS */
	0x00c36400, /* Ceph */
	0x0bd00bd0, /* Lustre */
	0x7461636f, /* OCFS2 */
	0x01161970, /* GFS2 */
	0x564c,     /* NCP */
	0x73757245, /* Coda */
	0x786f4256, /* VirtualBox shared folder */
};

bool
folder_is_remote(uint64_t type)
{
	size_t i;

	for (i = 0; i < sizeof(refused_types) / sizeof(refused_types[0]); i++) {
		if ((uint32_t)type == refused_types[i])
			return true;
	}
	return false;
}

static int
check_dir(int fd, const char *path, struct buf *why)
{
	struct statfs fs;
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0) {
		rc = -errno;
		(void)buf_printf(why, "%s: %s", path, err_str(rc));
	} else if (st.st_mode & 022) {
		(void)buf_printf(why,
		    "%s: others may write to it (mode %04o): chmod 0700 it",
		    path, (unsigned)st.st_mode & 07777);
		rc = -EPERM;
	} else if (st.st_uid != geteuid() && st.st_uid != 0) {
		(void)buf_printf(why,
		    "%s: it belongs to user %u, this is user %u", path,
		    (unsigned)st.st_uid, (unsigned)geteuid());
		rc = -EPERM;
	} else if (folder_is_remote((uint64_t)fs.f_type)) {
		(void)buf_printf(why,
		    "%s: a network or FUSE file system (type 0x%lx); the "
		    "cache needs a local disk",
		    path, (unsigned long)fs.f_type);
		rc = -EMEDIUMTYPE;
	}
	return rc;
}

/* *made: it was not there before. */
static int
make_dir(const char *path, bool *made, struct buf *why)
{
	int fd = -1;
	int rc = 0;

	*made = mkdir(path, 0700) == 0;
	if (!*made && errno != EEXIST)
		rc = -errno;
	if (rc == 0) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = fd < 0 ? -errno : 0;
	}
	if (rc == 0 && fd >= 0)
		rc = check_dir(fd, path, why);
	else
		(void)buf_printf(why, "%s: %s", path, err_str(rc));
	fd_close(&fd);
	return rc;
}

int
folder_prepare(const char *path, struct buf *why)
{
	bool made;
	int rc = make_dir(path, &made, why);

	if (made)
		log_info("cache.made_dir", "dir=%s", path);
	return rc;
}

/* May this process use what is there under `path`, in `mode`? */
static int
check_access(const char *path, int mode, struct buf *why)
{
	int rc = access(path, mode) < 0 && errno != ENOENT ? -errno : 0;

	if (rc < 0)
		(void)buf_printf(why, "%s: %s (user %u)", path, err_str(rc),
		    (unsigned)geteuid());
	return rc;
}

static int
check_database(const char *dir, struct buf *why)
{
	static const char *const names[] = { SCHEMA_FILE, SCHEMA_FILE "-wal",
		SCHEMA_FILE "-shm" };
	char path[PATH_MAX];
	size_t i;
	int rc = check_access(dir, R_OK | W_OK | X_OK, why);

	for (i = 0; rc == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		rc = db_path(path, sizeof(path), dir, names[i]);
		if (rc == 0)
			rc = check_access(path, R_OK | W_OK, why);
	}
	return rc;
}

int
folder_check(const char *path, struct buf *why)
{
	bool made;
	int rc = make_dir(path, &made, why);

	if (rc == 0)
		rc = check_database(path, why);
	if (made)
		(void)rmdir(path);
	return rc;
}

void
folder_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)fsync(fd);
	fd_close(&fd);
}

void
folder_remove_log(const char *dir)
{
	static const char *const names[] = { SCHEMA_FILE "-wal",
		SCHEMA_FILE "-shm" };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (db_path(path, sizeof(path), dir, names[i]) == 0)
			(void)unlink(path);
	}
}

void
folder_remove_database(const char *dir)
{
	char path[PATH_MAX];

	/* First, for who finds no database does not look for a log. */
	if (db_path(path, sizeof(path), dir, SCHEMA_FILE) == 0)
		(void)unlink(path);
	folder_remove_log(dir);
}

#define RESERVE_FILE "cache-v1.reserve"
#define RESERVE_BYTES (1 << 20)
#define RESERVE_ROOM 4 /* taken when so many times as much is free */

void
folder_take_reserve(const char *dir)
{
	char path[PATH_MAX];
	struct statfs fs;
	int fd;

	if (db_path(path, sizeof(path), dir, RESERVE_FILE) < 0 ||
	    access(path, F_OK) == 0 || statfs(dir, &fs) < 0 ||
	    (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize <
		(uint64_t)RESERVE_BYTES * RESERVE_ROOM)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && posix_fallocate(fd, 0, RESERVE_BYTES) != 0)
		(void)unlink(path);
	fd_close(&fd);
}

/* Remove the files that former runs set aside: one is enough to look at. */
static void
remove_old(const char *dir)
{
	static const char prefix[] = SCHEMA_FILE ".corrupt-";
	struct dirent *entry;
	DIR *stream = opendir(dir);

	if (stream == NULL)
		return;
	while ((entry = readdir(stream)) != NULL) {
		if (strncmp(entry->d_name, prefix, sizeof(prefix) - 1) == 0)
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
	}
	(void)closedir(stream);
}

/* Rename one file of the database, if it is there. */
static int
move_aside(const char *dir, const char *suffix, int64_t now_ms)
{
	char from[PATH_MAX];
	char to[PATH_MAX];
	int len;

	len = snprintf(from, sizeof(from), "%s/" SCHEMA_FILE "%s", dir, suffix);
	if (len < 0 || (size_t)len >= sizeof(from))
		return -ENAMETOOLONG;
	len = snprintf(to, sizeof(to), "%s/" SCHEMA_FILE ".corrupt-%lld-%ld%s",
	    dir, (long long)now_ms, (long)getpid(), suffix);
	if (len < 0 || (size_t)len >= sizeof(to))
		return -ENAMETOOLONG;
	if (rename(from, to) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

void
folder_give_reserve(const char *dir)
{
	char path[PATH_MAX];

	if (db_path(path, sizeof(path), dir, RESERVE_FILE) == 0)
		(void)unlink(path);
	remove_old(dir);
}

int
folder_set_aside(const char *dir, const char *reason)
{
	int64_t now_ms = clock_wall_ms();
	int rc;

	remove_old(dir);
	/* The database last: with it gone nothing refers to the others. */
	rc = move_aside(dir, "-wal", now_ms);
	if (rc == 0)
		rc = move_aside(dir, "-shm", now_ms);
	if (rc == 0)
		rc = move_aside(dir, "", now_ms);
	if (rc == 0)
		mark_clear(dir);
	log_warn(rc, "cache.set_aside",
	    "dir=%s file=" SCHEMA_FILE ".corrupt-%lld-%ld reason=\"%s\"", dir,
	    (long long)now_ms, (long)getpid(), reason);
	return rc;
}
