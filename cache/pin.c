/* SPDX-License-Identifier: MIT */

/*
 * Whoever reads holds a shared lock on one of five bytes of SQLite's wal-index
 * (walformat.html: WAL_READ_LOCK(0) to (4)), and the kernel tells whose it is
 * in /proc/locks. Asking by fcntl() would need the file open, and closing it
 * would drop our own locks.
 *
 * A worker has such a lock for microseconds; so it is looked for only when a
 * copy was hindered for a second. Then it may still be a worker's, which the
 * master knows.
 */
#include "cache/pin.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/db.h"

#define LOOK_MS 1000
#define READ_LOCK_FIRST 123
#define READ_LOCK_LAST 127

/* "1: POSIX  ADVISORY  READ 1234 fe:00:5678 123 123", also of a waiter. */
static pid_t
reader_of(const char *line, uint64_t inode)
{
	uint64_t number;
	uint64_t from;
	int pid;

	if (sscanf(line, "%*u: POSIX %*s READ %d %*x:%*x:%" SCNu64 " %" SCNu64,
		&pid, &number, &from) != 3 ||
	    number != inode || from < READ_LOCK_FIRST || from > READ_LOCK_LAST)
		return 0;
	return pid;
}

pid_t
pin_find_reader(const char *dir)
{
	char path[PATH_MAX];
	char line[256];
	struct stat st;
	FILE *file;
	pid_t pid = 0;

	if (db_path(path, sizeof(path), dir, SCHEMA_FILE "-shm") < 0 ||
	    stat(path, &st) < 0)
		return 0;
	file = fopen("/proc/locks", "re");
	if (file == NULL)
		return 0;
	while (pid <= 0 && fgets(line, sizeof(line), file) != NULL) {
		pid = reader_of(line, (uint64_t)st.st_ino);
		if (pid == getpid())
			pid = 0;
	}
	(void)fclose(file);
	return pid > 0 ? pid : 0;
}

int64_t
pin_ms(const struct pin *pin, int64_t now_ms)
{
	return pin->from_ms == 0 ? 0 : now_ms - pin->from_ms;
}

void
pin_note(struct pin *pin, const char *dir, int64_t frames, int64_t now_ms)
{
	if (frames <= 0) {
		memset(pin, 0, sizeof(*pin));
		return;
	}
	if (pin->from_ms == 0)
		pin->from_ms = now_ms;
	pin->frames = frames;
	if (pin_ms(pin, now_ms) >= LOOK_MS)
		pin->pid = pin_find_reader(dir);
}
