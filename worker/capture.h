/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CAPTURE_H
#define WORKER_CAPTURE_H

/*
 * capture_output: what the app's code and the libraries it uses write to
 * stdout and stderr becomes lines of the error log (event=app.output), each
 * escaped like every other.
 *
 * THREADS  capture_start(): once, before app code is loaded and before other
 *          threads. Afterwards a thread of its own reads.
 */

/* 0 or -errno; then nothing has changed. */
int capture_start(void);

/* What is still in the pipes, into the log: before the process ends. */
void capture_finish(void);

/* The same from a handler of a fatal signal: calls nothing that could be in
 * the middle of something. */
void capture_crash(void);

#endif
