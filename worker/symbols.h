/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SYMBOLS_H
#define WORKER_SYMBOLS_H

#include "server/base/buf.h"

/*
 * The app's own frames of a stack as "function at file:line", a line each,
 * innermost first, appended to *out. `stack` has lines as
 * backtrace_symbols_fd() writes them. Nothing is appended when addr2line is
 * not installed or knows nothing. Takes milliseconds, and a second at most.
 * Any thread that may allocate and fork.
 */
void symbols_of_stack(const char *stack, struct buf *out);

#endif
