/* SPDX-License-Identifier: MIT */

/*
 * The mark of damage. See mark.h.
 *
 * FAILURE  A mark that cannot be read, or that says nothing (its writer found
 *          no room), is about whichever file is there: it will be checked.
 */
#include "cache/mark.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/db.h"
#include "server/base/fd.h"

void
mark_set(const char *dir, uint64_t inode)
{
	char path[PATH_MAX];
	char text[32];
	int len;
	int fd;

	if ((inode != 0 && db_inode(dir) != inode) ||
	    db_path(path, sizeof(path), dir, DB_DAMAGE_FILE) < 0)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (fd < 0)
		return;
	len = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)inode);
	(void)fd_write_full(fd, text, (size_t)len);
	fd_close(&fd);
}

/* The inode that the mark names, 0: none in particular. False: no mark. */
static bool
read_mark(const char *dir, uint64_t *inode)
{
	char path[PATH_MAX];
	char text[32];
	ssize_t got;
	int fd;

	*inode = 0;
	if (db_path(path, sizeof(path), dir, DB_DAMAGE_FILE) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno != ENOENT && access(path, F_OK) == 0;
	got = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	if (got <= 0)
		return true;
	text[got] = '\0';
	*inode = (uint64_t)strtoull(text, NULL, 10);
	return true;
}

static bool
is_about(uint64_t marked, uint64_t present)
{
	return marked == 0 || present == 0 || marked == present;
}

bool
mark_is_set(const char *dir)
{
	uint64_t marked;

	return read_mark(dir, &marked) && is_about(marked, db_inode(dir));
}

void
mark_clear(const char *dir)
{
	char path[PATH_MAX];

	if (db_path(path, sizeof(path), dir, DB_DAMAGE_FILE) == 0)
		(void)unlink(path);
}

void
mark_clear_old(const char *dir)
{
	uint64_t marked;

	if (read_mark(dir, &marked) && !is_about(marked, db_inode(dir)))
		mark_clear(dir);
}
