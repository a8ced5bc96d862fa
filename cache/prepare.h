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
 * While the server runs: a worker met damage, or the file has gone. Unless
 * `doubtful` says not to trust it in any case, the file is looked at first,
 * by a fresh connection, and kept when it is sound. Else it is set aside and
 * a new one is made. 1 there is a new file, 0 the old one is sound or was
 * put there by somebody else, ERR_*, -errno. Keeper.
 */
int prepare_repair(const struct cache_options *options, bool doubtful);

/*
 * After the last connection was closed: bring everything to the disk and
 * note that the file is complete, so that it is kept over a reboot. Only
 * when nobody has the database open. 0, ERR_BUSY (in use), -errno, ERR_*.
 */
int prepare_finish(const struct cache_options *options);

#endif
