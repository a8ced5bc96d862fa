/* SPDX-License-Identifier: MIT */

/*
 * Two locks on one file. flock() is the lock itself: shared for writers,
 * exclusive for the checkpointer. Because writers overlap, it alone might
 * never be free for the checkpointer; so that one first takes a lock on the
 * first byte, which writers look at (without taking it) before they enter. A
 * look is a system call, so they need not do it every time.
 *
 * INVARIANT  The byte is locked before flock() is asked for exclusively, and
 *            unlocked after it. Lock order: byte, flock, SQLite.
 * FAILURE    A killed process leaves nothing behind: both locks belong to
 *            its open file.
 */
#include "cache/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <time.h>

#include "server/base/clock.h"
#include "server/base/err.h"

#define GATE_NAP_US 100

void
gate_nap(long us)
{
	struct timespec time = { .tv_sec = 0, .tv_nsec = us * 1000 };

	(void)nanosleep(&time, NULL);
}

static struct flock
byte_lock(short type)
{
	struct flock lock = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = 0,
		.l_len = 1 };

	return lock;
}

static bool
is_shut(int fd)
{
	struct flock lock = byte_lock(F_RDLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* One try: 0, ERR_BUSY or -errno. */
static int
try_flock(int fd, int operation)
{
	while (flock(fd, operation | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return ERR_BUSY;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int
gate_enter(int fd, int64_t budget_us, bool look)
{
	int64_t from = 0;
	int rc;

	for (;; look = true) {
		rc = look && is_shut(fd) ? ERR_BUSY : try_flock(fd, LOCK_SH);
		if (rc != ERR_BUSY)
			return rc;
		if (from == 0)
			from = clock_mono_us();
		if (clock_mono_us() - from >= budget_us)
			return ERR_BUSY;
		gate_nap(GATE_NAP_US);
	}
}

void
gate_leave(int fd)
{
	while (flock(fd, LOCK_UN) < 0 && errno == EINTR)
		continue;
}

static int
try_byte(int fd)
{
	struct flock lock = byte_lock(F_WRLCK);

	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? ERR_BUSY : -errno;
}

static void
free_byte(int fd)
{
	struct flock lock = byte_lock(F_UNLCK);

	(void)fcntl(fd, F_OFD_SETLK, &lock);
}

int
gate_shut(int fd, int64_t budget_us)
{
	int64_t until = clock_mono_us() + budget_us;
	int rc;

	for (rc = try_byte(fd); rc == ERR_BUSY; rc = try_byte(fd)) {
		if (clock_mono_us() >= until)
			return ERR_BUSY;
		gate_nap(GATE_NAP_US);
	}
	if (rc < 0)
		return rc;
	for (rc = try_flock(fd, LOCK_EX); rc == ERR_BUSY;
	     rc = try_flock(fd, LOCK_EX)) {
		if (clock_mono_us() >= until)
			break;
		gate_nap(GATE_NAP_US);
	}
	if (rc < 0)
		free_byte(fd);
	return rc;
}

void
gate_open(int fd)
{
	gate_leave(fd);
	free_byte(fd);
}
