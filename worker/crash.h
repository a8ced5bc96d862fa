/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/*
 * What is said of a worker that crashes or hangs: which signal, in which
 * thread, in which callback, for which key, and the stack. Reports travel
 * over the status pipe, line by line, as HANDOFF_CRASH and HANDOFF_STACK; the
 * master logs them and keeps the last.
 *
 * Also the heartbeat of the pool: every thread notes what it runs and since
 * when.
 */

/* Once in the process, on its main thread, before app code is loaded. */
void crash_install(int status_fd);

/*
 * A thread begins and ends; `number` 0 is the loop. Gives it a signal stack of
 * its own, without which an overflow of the normal one could not be told.
 */
void crash_thread_begin(unsigned number);
void crash_thread_end(void);

/*
 * Around app code, by the thread that runs it. `name` must outlive the run;
 * `key` may be NULL and is copied.
 */
void crash_enter(const char *name, const uint8_t key[CACHE_KEY_LEN]);
void crash_leave(void);

/* This thread is busy for good reason: thread_timeout begins again. */
void crash_touch(void);

/*
 * Development: when this thread crashes, write an answer with its stack to
 * `fd`, the socket of the request it works for; -1: none. Borrowed until the
 * next call.
 */
void crash_answer_to(int fd);

/*
 * The thread that has run one piece of app code for longest, when that is
 * more than `limit_us`: writes a line about it into `text`. Each run is found
 * once. The loop; returns whether there is one. crash_dump_found() then
 * reports its stack.
 */
bool crash_find_stuck(int64_t limit_us, char *text, size_t cap);
void crash_dump_found(void);

#endif
