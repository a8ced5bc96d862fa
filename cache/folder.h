/* SPDX-License-Identifier: MIT */
#ifndef CACHE_FOLDER_H
#define CACHE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/buf.h"

/*
 * The folder of the database. Master, before the first fork.
 */

/*
 * Make the folder (0700) when it is missing; refuse one that others may
 * write to, that belongs to somebody else, or that is not on a local disk.
 * 0 or -errno with *why naming path and reason.
 */
int folder_prepare(const char *path, struct buf *why);

/*
 * Would folder_prepare() succeed? A folder that is missing is made and removed
 * again, as no other way tells for certain.
 */
int folder_check(const char *path, struct buf *why);

/* Bring the entries of the folder to the disk, as far as possible. */
void folder_sync(const char *path);

/* Remove the log of a database that is no more; or the database, too. */
void folder_remove_log(const char *dir);
void folder_remove_database(const char *dir);

/*
 * One MiB of the disk that is given back when the disk is full, because even
 * deleting needs some. Taking it does nothing when less than four times as
 * much is left. With the reserve goes what was set aside.
 */
void folder_take_reserve(const char *dir);
void folder_give_reserve(const char *dir);

/*
 * Rename the database and its companions to *.corrupt-<time>-<pid>, remove
 * those set aside before, and say so in the log. 0 or -errno.
 */
int folder_set_aside(const char *dir, const char *reason);

/* True for the f_type of a file system that is not local to this machine. */
bool folder_is_remote(uint64_t type);

#endif
