/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PREFLIGHT_H
#define SERVER_PREFLIGHT_H

#include <stdint.h>

#include "server/base/buf.h"
#include "server/sig.h"
#include "server/spawn.h"

/*
 * A trial in a child of its own, before the first worker: does the app load.
 * The master itself never runs app code, and an app that crashes while it is
 * being loaded must yield a sentence, not a dead master.
 *
 * THREADS  Master only.
 */

/* What the child does. 0, or negative with clear sentences in *why. */
typedef int preflight_check(const void *context, struct buf *why);

#define PREFLIGHT_TEXT_MAX 4096 /* longer reasons are cut */

/*
 * Run `check` in a child and wait for it, `boot_us` at most (0: for ever).
 * Stop signals that arrive meanwhile end it: -EINTR. On failure *why says
 * what is wrong. 0 or negative.
 */
int preflight_run(const struct spawn *spawn, struct sig *sig,
    preflight_check *check, const void *context, int64_t boot_us,
    struct buf *why);

#endif
