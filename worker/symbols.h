/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SYMBOLS_H
#define WORKER_SYMBOLS_H

#include <stddef.h>

/* Look for addr2line, without which nothing is ever found. Before the rest. */
void symbols_prepare(void);

/*
 * The app's own frames of a stack as "function at file:line", a line each,
 * innermost first, into `text` of `cap` bytes, without a NUL. How many bytes:
 * 0 when addr2line is not installed or knows nothing. `stack` has lines as
 * backtrace_symbols_fd() writes them. Takes milliseconds, and less than a
 * second in the whole life of the process. In a signal handler, by one thread
 * at a time.
 */
size_t symbols_of_stack(const char *stack, char *text, size_t cap);

#endif
