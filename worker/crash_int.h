/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CRASH_INT_H
#define WORKER_CRASH_INT_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"
#include "server/base/handoff.h"

/*
 * Between the files that tell of a crash: crash.c (the heartbeat of the
 * threads, stacks), crash_end.c (how a thread that crashes ends the process),
 * crash_line.c (text in a signal handler) and crash_thread.c (the stacks that
 * handlers run on).
 */

/* What a thread of the worker runs. It writes its own alone; others read. */
struct crash_watch {
	_Atomic int tid;          /* 0: no thread */
	_Atomic int64_t since_us; /* 0: not in app code */
	const char *name;
	uint8_t key[CACHE_KEY_LEN];
	bool has_key;
	_Atomic bool found;    /* this run has been reported as stuck */
	int answer_fd;         /* who waits for it, plus 1; 0: nobody is told */
	void *_Atomic request; /* the same, for the loop */
	uint8_t waited[CACHE_KEY_LEN]; /* others wait for this key */
	bool has_waited;
	sigjmp_buf *net; /* the loop goes on there; NULL: it does not */
	unsigned number; /* 0: the loop */
};

struct crash_about;

/* crash.c: that of this thread; NULL: it is none of the worker's own. */
struct crash_watch *crash_own(void);
bool crash_is_loop(const struct crash_watch *watch);

/* Does the loop have a processor, or wait for one? False: it sleeps. */
bool crash_loop_runs(void);

/* The next watch at or after *at that is in app code; NULL: no more. */
struct crash_watch *crash_next_busy(unsigned *at);

/* What the loop wants to know of it; `what` and `stack` are the caller's. */
void crash_fill(struct crash_about *about, const struct crash_watch *watch);

/* Send this thread's stack; crash_stack() has it then. */
void crash_send_stack(void);
char *crash_stack(void);

/* The loop's own copy of it, until the next one; while nobody writes it. */
const char *crash_keep_stack(void);

/* Then, after crash_explains(): send names and lines, which crash_stack() has
 * first from now on. By the thread whose turn it is. */
void crash_explain_stack(void);

/* Have all other threads send theirs. */
void crash_dump_all(void);

int crash_tid(void);
void crash_pause_ms(long ms);

/* crash_thread.c: give this thread a stack for its signal handlers, without
 * which an overflow of the normal one could not be told. NULL: it has none. */
void *crash_signal_stack(void);

/* crash_end.c: only one thread at a time sends, in lines that belong together.
 * False: it is not to be had within `tries` milliseconds. */
bool crash_take_turn(unsigned tries);
void crash_give_turn(void);

/* Install the handlers of what is fatal. */
void crash_end_install(void);

/* crash_line.c: text without the C library's printf. */
struct crash_line {
	struct handoff_status status;
	size_t len;
};

void crash_line_begin(struct crash_line *line, enum handoff_status_kind kind);
void crash_line_put(struct crash_line *line, const char *text, size_t len);
void crash_line_puts(struct crash_line *line, const char *text);
void crash_line_number(struct crash_line *line, int64_t number);
void crash_line_address(struct crash_line *line, uintptr_t address);
/* " thread=N", and as crash_line_run(); NULL: a thread of the app's own. */
void crash_line_thread(struct crash_line *line,
    const struct crash_watch *watch);
/* " callback=NAME busy_ms=N key=HEX", as far as there is any. */
void crash_line_run(struct crash_line *line, const struct crash_watch *watch);
/* Write it into the status pipe, whose end crash_line_to() names. */
void crash_line_send(const struct crash_line *line);
void crash_line_to(int fd);

#endif
