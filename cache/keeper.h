/* SPDX-License-Identifier: MIT */
#ifndef CACHE_KEEPER_H
#define CACHE_KEEPER_H

#include "cache/options.h"
#include "server/base/handoff.h"

/*
 * The keeper process, from after fork to exit: the only one that
 * checkpoints, expires, evicts, and hands on the computations of the dead.
 * It holds a connection for the life of the server, so that the log is never
 * removed in between.
 *
 * Reads handoff_note on notes_fd; sends READY and about once a second BEAT
 * on status_fd; ends on SIGTERM, SIGQUIT, SIGINT, or when the master is gone
 * (death_fd). SIGUSR1 opens the log file again, SIGHUP is ignored.
 *
 * Notes are not the only source: at its start the keeper hands on the rows
 * of processes that do not exist, and afterwards every row whose lease ran
 * out, so a note lost with a former keeper costs time and nothing else.
 *
 * Returns the exit status: 0, or HANDOFF_EXIT_BOOT when the database could
 * not be opened (reported on status_fd and in the log).
 */
int keeper_run(const struct handoff *handoff,
    const struct cache_options *options);

#endif
