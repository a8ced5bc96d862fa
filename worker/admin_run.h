/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ADMIN_RUN_H
#define WORKER_ADMIN_RUN_H

#include "cache/options.h"
#include "server/base/handoff.h"
#include "worker/options.h"

/*
 * The process that serves metrics_bind: a worker with the status page as its
 * app, one thread, no TLS and no part in the cache's work. As worker_run().
 */
int admin_run(const struct handoff *handoff,
    const struct worker_options *options,
    const struct cache_options *cache_options);

#endif
