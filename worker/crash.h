/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/*
 * What is said of a worker that crashes, exits or hangs: which signal, in which
 * thread, in which callback, for which key, and the stack. Reports travel
 * over the status pipe, line by line, as HANDOFF_CRASH and HANDOFF_STACK; the
 * master logs them and keeps the last.
 *
 * Also the heartbeat of the pool: every thread notes what it runs and since
 * when.
 */

/* Once in the process, on its main thread, before app code is loaded. */
void crash_install(int status_fd);

/* Development: stacks have the names and lines of the app's functions. */
void crash_explains(void);

/* From now on what of the app is loaded is reported when it begins, for who
 * waits. `name`: "PH_APP", "layout". */
void crash_tells_parts(void);
void crash_part(const char *name);

/* A thread of the worker begins and ends; `number` 0 is the loop. */
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
 * What this thread works for, until the next call: a request, which is the
 * loop's alone, and who waits for a key; either may be NULL. `fd`: the socket
 * of the request, in development, -1: none; should the loop be unable to tell
 * of a crash, the stack is written there. Borrowed, but for the key.
 */
void crash_works_for(void *request, const uint8_t key[CACHE_KEY_LEN], int fd);

/*
 * Others wait for what this thread computes beside that (together.h); NULL: not
 * any more. True: this is the key by which they are found, and to be taken
 * back.
 */
bool crash_leads(const uint8_t key[CACHE_KEY_LEN]);

/* What the app says of its crash, which is next: in this thread, and then in
 * the report. */
void crash_last_words(const char *text);

/* Another name for what this thread runs; it must outlive the run. */
void crash_rename(const char *name);

/* A thread that will not end what it runs. */
struct crash_about {
	char what[240];    /* the reason, as a clause */
	const char *name;  /* of what it runs */
	const char *stack; /* lines; until the loop takes the next */
	void *request;     /* as crash_works_for() was told; NULL: none */
	uint8_t key[CACHE_KEY_LEN];
	bool has_key;
	bool everybody; /* a thread of the app's own: all that runs is lost,
			   see crash_next_running(); no name, request, key */
};

/*
 * A thread that crashes, or calls exit(), has the loop tell those who wait,
 * before the process ends: it writes to the eventfd `loop_fd` and waits.
 * crash_take(): has one crashed? Then the loop does what there is to do, says
 * so by crash_taken(), and looks again. When nothing is left to do, and no
 * crash_is_pending(), crash_over() ends the process as the thread would have;
 * it does not return, normally. The thread does not wait for ever, as the loop
 * may need a lock that it holds: crash_is_loops() is false from when on it
 * answers by itself.
 */
void crash_tell_loop(int loop_fd);
bool crash_take(struct crash_about *about);
void crash_taken(void);
bool crash_is_loops(void);
bool crash_is_pending(void);
void crash_over(void);

/* What runs in the process just now, one after the other from *at = 0. */
bool crash_next_running(unsigned *at, struct crash_about *about);

/*
 * The loop: call run(arg), which is app code. False: it has crashed, and *about
 * says how; the loop may only answer and come to crash_over() then.
 */
bool crash_guard(void (*run)(void *arg), void *arg, struct crash_about *about);

/*
 * The thread that has run one piece of app code for longest, when that is
 * more than `limit_us`: writes a line about it into `text`. Each run is found
 * once. The loop; returns whether there is one. crash_dump_found() then
 * reports its stack, and says what else is known of it; false: it has ended.
 */
bool crash_find_stuck(int64_t limit_us, char *text, size_t cap);
bool crash_dump_found(struct crash_about *about);

#endif
