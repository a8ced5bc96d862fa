/* SPDX-License-Identifier: MIT */

/*
 * Clocks by name, so that a reader sees which kind of time is meant.
 */
#include "server/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

static struct timespec
read_clock(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now);
	return now;
}

int64_t
clock_wall_ms(void)
{
	struct timespec now = read_clock(CLOCK_REALTIME);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_mono_us(void)
{
	struct timespec now = read_clock(CLOCK_MONOTONIC);

	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_boot_ms(void)
{
	struct timespec now = read_clock(CLOCK_BOOTTIME);

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int
clock_boot_id(char id[CLOCK_BOOT_ID_LEN + 1])
{
	ssize_t got;
	int fd;
	int rc = 0;

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, id, CLOCK_BOOT_ID_LEN);
	if (got < 0)
		rc = -errno;
	else if (got != CLOCK_BOOT_ID_LEN)
		rc = -EIO;
	(void)close(fd);
	id[rc == 0 ? CLOCK_BOOT_ID_LEN : 0] = '\0';
	return rc;
}
