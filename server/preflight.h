/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PREFLIGHT_H
#define SERVER_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/buf.h"
#include "server/sig.h"
#include "server/spawn.h"

/*
 * A trial in a child of its own, before the first worker and before each new
 * generation: does the app load.
 * The master itself never runs app code, and an app that crashes while it is
 * being loaded must yield a sentence, not a dead master.
 *
 * THREADS  Master only.
 */

/* What the child does. 0, or negative with clear sentences in *why. */
typedef int preflight_check(const void *context, struct buf *why);

#define PREFLIGHT_TEXT_MAX 4096 /* longer reasons are cut */

/* A trial that is under way beside the loop. */
struct preflight {
	pid_t pid;      /* 0: none */
	int fd;         /* read end of what it has to say; -1: all was read */
	int64_t end_us; /* its patience ends; INT64_MAX: never */
	bool overdue;   /* it was killed for that */
	bool parts;     /* it has come to the app */
	struct buf text;
};

#define PREFLIGHT_EMPTY  \
	{                \
		.fd = -1 \
	}

/*
 * Fork the child that runs `check`, `boot_us` at most (0: for ever). To be
 * followed by preflight_end(). 0 or -errno with a sentence in *why.
 */
int preflight_begin(struct preflight *preflight, const struct spawn *spawn,
    preflight_check *check, const void *context, int64_t boot_us,
    int64_t now_us, struct buf *why);

/* Take what it has said so far, and kill it when its time is over. */
void preflight_look(struct preflight *preflight, int64_t now_us);

/*
 * It has ended with `status` (as from waitpid): 0 when all is well, -ETIMEDOUT
 * or -ECHILD with what is wrong in *why. The trial is empty afterwards.
 */
int preflight_end(struct preflight *preflight, int status, struct buf *why);

/* In another child of the master: let go of the copy. */
void preflight_forget(struct preflight *preflight);

/*
 * Before the loop runs: begin, wait for the end, judge. Stop signals that
 * arrive meanwhile end it: -EINTR. On failure *why says what is wrong. 0 or
 * negative.
 */
int preflight_run(const struct spawn *spawn, struct sig *sig,
    preflight_check *check, const void *context, int64_t boot_us,
    struct buf *why);

#endif
