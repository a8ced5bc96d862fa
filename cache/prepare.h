/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PREPARE_H
#define CACHE_PREPARE_H

#include "cache/db.h"
#include "cache/options.h"

/*
 * What happens to the file before the first connection and after the last;
 * cache_prepare() itself is declared in cache.h.
 */

/*
 * Is this open connection one to a file that was prepared in this boot, with
 * our identity? A file that was closed as complete meanwhile is noted as in
 * use again. 0, ERR_STORE (not prepared), ERR_*.
 */
int prepare_check(struct db *db);

/*
 * After the last connection was closed: bring everything to the disk and
 * note that the file is complete, so that it is kept over a reboot. Only
 * when nobody has the database open. 0, ERR_BUSY (in use), -errno, ERR_*.
 */
int prepare_finish(const struct cache_options *options);

#endif
