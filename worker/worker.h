/* SPDX-License-Identifier: MIT */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "cache/options.h"
#include "server/base/buf.h"
#include "server/base/handoff.h"
#include "server/base/hook.h"
#include "worker/options.h"
#include "worker/stock.h"

/*
 * One worker process, from after fork to exit. What it is made from comes from
 * a `stock` that the master has taken; NULL: from the files themselves, and
 * without TLS.
 */

/*
 * Serve until told to stop (SIGTERM: finish what is running, at most the
 * master's patience; SIGQUIT/SIGINT: now) or until the master is gone.
 * Returns the exit status: 0, or HANDOFF_EXIT_BOOT when start-up failed
 * (already reported on status_fd and in the log).
 */
int worker_run(const struct handoff *handoff,
    const struct worker_options *options,
    const struct cache_options *cache_options, const struct stock *stock);

/*
 * In a short-lived child before the first worker: load the app, validate its
 * callbacks, create the databases it declares, run nothing else but layouts;
 * `strictly`: as app_validate_ids(). On failure *why is one or more clear
 * sentences. 0 or negative.
 */
int worker_check(const struct worker_options *options,
    const struct cache_options *cache_options, const struct stock *stock,
    bool strictly, struct buf *why);

/*
 * In the master, once, before the first worker: load the app that
 * worker_check() found good. The workers use this one. 0 or negative with a
 * sentence in *why.
 */
int worker_preload(const struct worker_options *options,
    const struct stock *stock, struct buf *why);

/* Run a hook of the preloaded app: its result; 0 without one. */
int worker_master_hook(enum hook_event event, const struct hook_about *about);

#endif
