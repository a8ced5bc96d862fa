/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CTL_INT_H
#define SERVER_CTL_INT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "server/base/buf.h"

/*
 * The parts of pronghorn ctl: ctl.c (words and connection), ctl_cache.c and
 * ctl_sessions.c (the database), ctl_print.c (tables for people).
 */

/* What the cache in `dir` holds: "cache" or "signals". NULL: see *why. */
cJSON *ctl_cache(const char *dir, bool signals, struct buf *why);

/* The sessions in `dir`; with `end` end those whose name begins like that. */
cJSON *ctl_sessions(const char *dir, const char *end, struct buf *why);

/* Append an answer as text: lists of objects become tables. */
void ctl_print(const cJSON *answer, struct buf *out);

#endif
