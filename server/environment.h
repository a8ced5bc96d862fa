/* SPDX-License-Identifier: MIT */
#ifndef SERVER_ENVIRONMENT_H
#define SERVER_ENVIRONMENT_H

#include "server/base/buf.h"
#include "server/base/opt.h"

/*
 * raw_env: variables that settings put into the environment, and take out
 * again when other settings come.
 *
 * THREADS  Master, and a child before it has threads.
 */

/*
 * Undo what the last call did, in this process or in the one it was forked
 * from, then set each NAME=VALUE. 0, or negative with a sentence in *why.
 */
int environment_apply(const struct opt_list *list, struct buf *why);

#endif
