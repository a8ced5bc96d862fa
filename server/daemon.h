/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

#include "server/options.h"

/*
 * The background (daemon = True). The command that starts the server waits
 * until it serves or fails, so that a script knows; what is wrong is still
 * said on the terminal.
 *
 * THREADS  Main thread, before any other starts.
 */

/*
 * Fork twice, in a session of its own. The first process never returns: it
 * ends with 0 when daemon_ready() is called, with 1 when the daemon ends
 * before that. 0 in the daemon, or -errno.
 */
int daemon_begin(void);

/*
 * The daemon serves: let the command end and the terminal go. Without
 * daemon_begin() nothing.
 */
void daemon_ready(const struct server_options *options);

/*
 * In a child of the daemon, from its start: it has no terminal and keeps no
 * pipe of the command's caller open, who may be waiting for its end. What is
 * wrong with a child the master says.
 */
void daemon_forget(const struct server_options *options);

#endif
