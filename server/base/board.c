/* SPDX-License-Identifier: MIT */

/*
 * The board: two places for its content and a number that says which of them
 * is valid. A reader that was overtaken twice meanwhile reads again.
 *
 * FAILURE  Without the file there are no metrics; everything else goes on.
 */
#include "server/base/board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"

#define PLACE_BYTES (((off_t)sizeof(struct board) + 4095) / 4096 * 4096)
#define READS_MAX 8

int
board_open(int *write_fd, int *read_fd)
{
	char path[32];
	int rc = 0;

	*read_fd = -1;
	*write_fd = memfd_create("ph-board", MFD_CLOEXEC);
	if (*write_fd < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *write_fd);
	*read_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*read_fd < 0) {
		rc = -errno;
		fd_close(write_fd);
	}
	return rc;
}

static off_t
place_of(uint64_t number)
{
	return 4096 + (off_t)(number % 2) * PLACE_BYTES;
}

int
board_write(int write_fd, const struct board *board)
{
	uint64_t number = 0;

	if (pread(write_fd, &number, sizeof(number), 0) < 0)
		return -errno;
	number++;
	if (pwrite(write_fd, board, sizeof(*board), place_of(number)) !=
	    (ssize_t)sizeof(*board))
		return errno != 0 ? -errno : -EIO;
	return pwrite(write_fd, &number, sizeof(number), 0) < 0 ? -errno : 0;
}

int
board_read(int read_fd, struct board *board)
{
	uint64_t before;
	uint64_t after;
	int tries;

	for (tries = 0; tries < READS_MAX; tries++) {
		if (pread(read_fd, &before, sizeof(before), 0) !=
		    (ssize_t)sizeof(before))
			return ERR_STALE;
		if (pread(read_fd, board, sizeof(*board), place_of(before)) !=
			(ssize_t)sizeof(*board) ||
		    pread(read_fd, &after, sizeof(after), 0) !=
			(ssize_t)sizeof(after))
			return -EIO;
		if (before == after)
			return 0;
	}
	return ERR_BUSY;
}
