/* SPDX-License-Identifier: MIT */

/*
 * A long run must not end with results that have no place to go to.
 *
 * FAILURE  One sentence on stderr.
 */
#include "test/bench/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/err.h"

static int
try_path(const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		return access(path, W_OK) == 0 ? 0 : -errno;
	}
	if (errno != ENOENT)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	(void)close(fd);
	return unlink(path) == 0 ? 0 : -errno;
}

int
out_file_check(const char *option, const char *path)
{
	int rc;

	if (path == NULL)
		return 0;
	if (strcmp(path, "-") == 0) {
		if (strcmp(option, "json") == 0)
			return 0;
		(void)fprintf(stderr,
		    "pronghorn-bench: --%s -: expected the name of a file\n",
		    option);
		return -EINVAL;
	}
	rc = try_path(path);
	if (rc < 0)
		(void)fprintf(stderr, "pronghorn-bench: --%s %s: %s\n", option,
		    path, err_str(rc));
	return rc;
}
