/* SPDX-License-Identifier: MIT */
#ifndef WORKER_STATUS_JSON_H
#define WORKER_STATUS_JSON_H

#include "cache/options.h"
#include "server/base/buf.h"

/*
 * What the status page shows beside the metrics, read from the cache's
 * database as `pronghorn ctl signals`, `cache` and `sessions` do: JSON with
 * "signals" (the live ones first, at most 100), "cache" and "sessions". Keys
 * are cut to their first digits; nothing of what is stored is in it.
 *
 * It reads the disk, so only the admin process's loop may call it.
 * 0, or ERR_* (no database yet, busy, damaged).
 */
int status_json(const struct cache_options *options, struct buf *out);

#endif
