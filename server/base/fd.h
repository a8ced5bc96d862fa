/* SPDX-License-Identifier: MIT */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <stdint.h>

/*
 * Descriptors: every one is close-on-exec, -1 means none.
 * Any thread; the caller owns the descriptor.
 */

/* Close if open, set to -1, keep errno. */
void fd_close(int *fd);

/* Switch O_NONBLOCK on. 0 or -errno. */
int fd_set_nonblocking(int fd);

/* A close-on-exec, non-blocking eventfd counter. >= 0 or -errno. */
int fd_event_new(void);

/* Add one to an eventfd. A full counter is as good as a written one. */
void fd_event_wake(int fd);

/* Take the counter of an eventfd; 0 when nothing was pending. */
uint64_t fd_event_drain(int fd);

/* Write all bytes, retrying short writes and EINTR. 0 or -errno. */
int fd_write_full(int fd, const void *data, size_t len);

/*
 * Read a whole regular file of at most `max` bytes into fresh memory with a
 * NUL behind it. The caller frees *data. 0, -errno or ERR_TOO_BIG.
 */
int fd_read_file(const char *path, size_t max, char **data, size_t *len);

#endif
