/* SPDX-License-Identifier: MIT */
#ifndef BASE_SINK_H
#define BASE_SINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Where lines of a log go: a file, a pipe, a socket, a terminal. Writing to
 * one never waits for long, whatever is at the other end:
 *
 *   file    written at once or, on a full disk, dropped
 *   other   a line that does not fit waits SINK_WAIT_MS at most, and then not
 *           again for a second: until the other end reads, lines are dropped
 *
 * Every line that is dropped is counted.
 *
 * OWNERSHIP  A sink owns its descriptor.
 * THREADS    sink_write(): any; a write is atomic up to PIPE_BUF bytes and for
 *            files. The others: one, while others may write.
 */
#define SINK_WAIT_MS 20

enum sink_kind {
	SINK_FILE,
	SINK_PIPE,  /* has O_NONBLOCK in a description of its own */
	SINK_SOCKET /* each send() says that it does not wait */
};

struct sink {
	int fd; /* -1: none */
	enum sink_kind kind;
	_Atomic long stuck_ms;  /* CLOCK_BOOTTIME; no waiting before */
	_Atomic _Bool torn;     /* the last line has no end */
	_Atomic uint64_t drops; /* lines */
};

/* Lines that all sinks of this process have dropped. */
uint64_t sink_drops(void);

/* Count a line that was lost before it came to a sink. */
void sink_count_drop(void);

/*
 * Append to a file, made with mode 0640 when it is not there. A symbolic link
 * is followed if it is root's or our user's. 0 or -errno (-ELOOP).
 */
int sink_open_file(struct sink *sink, const char *path);

/*
 * Write to what descriptor 1 or 2 is, without changing it for others: a pipe
 * or terminal is opened once more, for without that it could not be written
 * to without waiting. 0 or -errno.
 */
int sink_open_standard(struct sink *sink, int fd);

/* The file of that name from now on. 0 or -errno, and nothing has changed. */
int sink_reopen(struct sink *sink, const char *path);

/*
 * Hand the file over to a user, if it is a regular one with one name. 0 or
 * -errno.
 */
int sink_give(const struct sink *sink, uid_t uid, gid_t gid);

void sink_close(struct sink *sink);

/* Could sink_open_file() open it? Makes nothing. 0 or -errno. */
int sink_check(const char *path);

/* Write whole lines. 0, or -errno of the last one that was dropped. */
int sink_write(struct sink *sink, const char *lines, size_t len);

#endif
