/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATUS_JSON_H
#define WORKER_STATUS_JSON_H

#include "cache/options.h"
#include "server/base/buf.h"
#include "worker/http_parse.h"

/*
 * What the status page shows beside the metrics, as JSON:
 *   "workers"  a row per process, from the board
 *   "history"  rows of the last fifteen minutes, from the board, as lists of
 *              the numbers that "columns" names; percentiles are the upper
 *              bounds in microseconds, null when nothing was answered and
 *              "inf" above the greatest bound. With "since=MS" in `query`
 *              only rows that ended later; all of them when none did, and
 *              the clock has been set back
 *   "signals"  the live ones first, at most 100, "cache" and "sessions": read
 *              from the cache's database as `pronghorn ctl` does. Keys are cut
 *              to their first digits; nothing of what is stored is in it. How
 *              many "requests" wait comes from the board; "more": perhaps a
 *              few more, as a worker names only the keys with the most
 *   "cache_error"  why these are empty; "": they are not, or there is no
 *              database at all
 *
 * It reads the disk, so only the admin process's loop may call it.
 * 0 or -ENOMEM.
 */
int status_json(const struct cache_options *options, int board_fd,
    struct http_span query, struct buf *out);

#endif
