/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DEV_DEV_FOLDER_H
#define SERVER_DEV_DEV_FOLDER_H

/*
 * A folder for the time that a process runs. Whoever is killed leaves his
 * behind; the next one of the same user removes it.
 *
 * OWNERSHIP  The folder is held by the descriptor, in all processes that have
 *            inherited it.
 * THREADS    Any.
 */
#define FOLDER_PATH_MAX 64

/* Make one in `tmp`, for us alone. 0 or -errno, then *lock_fd is -1. */
int folder_make(const char *tmp, char path[FOLDER_PATH_MAX], int *lock_fd);

/* Remove those in `tmp` that nobody holds: how many. */
unsigned folder_sweep(const char *tmp);

#endif
