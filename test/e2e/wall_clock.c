/* SPDX-License-Identifier: MIT */

/*
 * A wall clock that a test can set, for a program under test: loaded before
 * libc (LD_PRELOAD), it adds what the file named by WALL_CLOCK says, eight
 * bytes of milliseconds that may change at any moment. The other clocks stay
 * as they are, as they do when somebody sets the time of a machine.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const volatile int64_t *shift_ms;

static void __attribute__((constructor)) map_file(void)
{
	const char *path = getenv("WALL_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*shift_ms), PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		shift_ms = map;
	(void)close(fd);
}

EXPORT int
clock_gettime(clockid_t id, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, id, now);
	int64_t ms;

	if (rc < 0 || shift_ms == NULL ||
	    (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return rc;
	ms = now->tv_nsec / 1000000 + *shift_ms % 1000 + 1000;
	now->tv_sec += *shift_ms / 1000 + ms / 1000 - 1;
	now->tv_nsec = ms % 1000 * 1000000 + now->tv_nsec % 1000000;
	return 0;
}

EXPORT time_t
time(time_t *out)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
