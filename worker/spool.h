/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SPOOL_H
#define WORKER_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A large request body, or a part of one, in a file without a name.
 *
 * The file is in tmp_upload_dir and is gone with its last holder, whatever
 * happens to the process, unless it was given a name (spool_name()): then a
 * process that is killed leaves it to the next one's spool_sweep(). When it is
 * whole it can be looked at as memory, which is then the kernel's cache of the
 * file and no memory of ours.
 *
 * OWNERSHIP  Counted; the last spool_unref() closes.
 * THREADS    References may be held and given back by any thread. Putting:
 *            one thread, before the spool is shared.
 */
struct spool;

#define SPOOL_PATH_MAX 40

/*
 * A new, empty one in a file below `dir`. `total_max` bounds the bytes of all
 * spools of this process together. 0, or -errno and *spool is NULL; ERR_FULL
 * when they have a quarter of all descriptors that the process may have.
 */
int spool_new(struct spool **spool, const char *dir, size_t total_max);

struct spool *spool_ref(struct spool *spool);
void spool_unref(struct spool **spool); /* accepts a NULL in it; sets NULL */

/* Append. 0, -errno of the file system, or ERR_FULL over the total. */
int spool_put(struct spool *spool, const void *data, size_t len);

/* Bytes put so far. */
size_t spool_len(const struct spool *spool);

/*
 * No more bytes come: make them readable at *data, with a NUL behind; it
 * lives as long as the spool and is never NULL. 0 or -errno.
 */
int spool_map(struct spool *spool, const char **data);

/* The descriptor, open for reading and writing; the spool keeps it. */
int spool_fd(const struct spool *spool);

/* A path that opens the file in this process: below /proc/self/fd. */
void spool_path(const struct spool *spool, char path[SPOOL_PATH_MAX]);

/*
 * Give the file a name of our own in `dir`, until the spool's end: *path lives
 * as long as the spool. A file that somebody has taken away by that name is
 * written anew. One thread at a time. 0 or -errno.
 */
int spool_name(struct spool *spool, const char *dir, const char **path);

/*
 * Remove files in `dir` that had such names when their process died. Those
 * whose process lives, in whatever container, stay.
 */
void spool_sweep(const char *dir);

/*
 * Give the file a name, which must not exist yet. On the same file system
 * it is linked, elsewhere copied. 0 or -errno.
 */
int spool_save(const struct spool *spool, const char *path);

#endif
