/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PIDFILE_H
#define SERVER_PIDFILE_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The pid file: a lock first, a number second. Who holds the flock is the
 * running master; what the file says is information for people and scripts,
 * so a leftover from a crash never stands in the way.
 *
 * OWNERSHIP  The open descriptor is the lock. Children must close their copy,
 *            or the lock would outlive the master.
 * THREADS    Master only.
 */
struct pidfile {
	int fd;
	char *path;
};

#define PIDFILE_EMPTY               \
	{                           \
		.fd = -1, .path = 0 \
	}

/*
 * Take the lock on `path` (made 0644 when missing) and write our pid. On
 * -EEXIST another process runs; *holder is its pid, 0 when the file does not
 * tell. A file with anything but a number in it is nobody's pid file and stays
 * as it is: -ENOTEMPTY. 0, -EEXIST or -errno.
 */
int pidfile_open(struct pidfile *pidfile, const char *path, pid_t *holder);

/* Would pidfile_open() take what is there? Changes nothing; see there. */
int pidfile_check(const char *path);

/* What is wrong, as words. */
const char *pidfile_err_str(int rc);

/* Does some process hold the lock on `path`? Changes nothing. */
bool pidfile_is_held(const char *path);

/*
 * Give the file another name, in the place of one that nobody holds any more.
 * 0, -EEXIST (somebody holds it) or -errno; then it keeps its name.
 */
int pidfile_move(struct pidfile *pidfile, const char *path);

/* Remove the file if it is still ours, and let go. Accepts the empty value. */
void pidfile_close(struct pidfile *pidfile);

/* In a child: let go of the copy without removing anything. */
void pidfile_forget(struct pidfile *pidfile);

#endif
