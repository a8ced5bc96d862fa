/* SPDX-License-Identifier: MIT */
#ifndef CACHE_GATE_H
#define CACHE_GATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Keeps commits and checkpoints apart: one file, one descriptor of it per
 * connection. Writers enter together, the checkpointer shuts the gate and is
 * alone. Any thread; `fd` must not be shared with another connection.
 */

/*
 * Enter as a writer; waits at most `budget_us`. `look`: whether somebody waits
 * for the writers to leave. Who enters often must look now and then, or that
 * one might wait in vain; and a writer that has to wait always looks. 0,
 * ERR_BUSY or -errno.
 */
int gate_enter(int fd, int64_t budget_us, bool look);
void gate_leave(int fd);

/*
 * Shut the gate and wait until the last writer has left, at most
 * `budget_us`. New writers hold back from the moment of the call, so that
 * constant writing cannot starve the checkpointer. 0, ERR_BUSY or -errno.
 */
int gate_shut(int fd, int64_t budget_us);
void gate_open(int fd);

/* Give the processor away for that long. */
void gate_nap(long us);

#endif
