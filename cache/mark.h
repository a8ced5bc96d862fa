/* SPDX-License-Identifier: MIT */
#ifndef CACHE_MARK_H
#define CACHE_MARK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The mark of damage: a small file beside the database, by which whoever
 * meets damage tells the keeper and the next start. It names the file it is
 * about by its inode, for when it is found another file may be in its place;
 * a mark about a file that is not there any more means nothing. No inode is
 * given to a new file while the one who marks has the old one open.
 *
 * THREADS  Any process, any thread.
 */

/* Mark the file of that inode (0: whichever is there). Failing is no harm:
 * it is met again. Nothing is marked when another file is there by now. */
void mark_set(const char *dir, uint64_t inode);

/* Is the file that is in the folder now marked? */
bool mark_is_set(const char *dir);

/* Remove the mark, if there is one. */
void mark_clear(const char *dir);

/* Remove a mark that is about another file. */
void mark_clear_old(const char *dir);

#endif
