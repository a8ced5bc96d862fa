/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DEV_STEP_H
#define SERVER_DEV_STEP_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/buf.h"

/*
 * A child process that is run to its end for what it prints: a compiler, or
 * `pronghorn ctl`.
 *
 * OWNERSHIP  The struct owns the pipe, the text and the folder of temporary
 *            files.
 * THREADS    Main thread; the caller reaps.
 */
#define STEP_TEXT_MAX ((size_t)64 * 1024) /* what is longer is cut */

struct step {
	pid_t pid; /* 0: none runs */
	int fd;    /* what it prints, stdout and stderr; -1: none */
	int64_t started_us;
	struct buf text;
	char tmp[128]; /* its TMPDIR, removed when it ends; "": none */
};

#define STEP_EMPTY       \
	{                \
		.fd = -1 \
	}

/*
 * Run argv[0], found in PATH, with its own process group. Its temporary files
 * are in a folder of their own in the folder `tmp`, and removed with it, as one
 * that is killed leaves them behind. A program that cannot be run ends with
 * status 127 and says so in the text. 0 or -errno.
 */
int step_start(struct step *step, char *const *argv, const char *tmp);

/* Take what it has printed so far. */
void step_read(struct step *step);

/* It was reaped: take the rest. The text stays until step_free(). */
void step_end(struct step *step);

/* Kill it with all its children, and wait for all of them. The process adopts
 * orphans, so whoever reaps must not mind a child he does not know. */
void step_kill(struct step *step);

void step_free(struct step *step);

/* Remove a folder with all that is in it; links are removed, not followed. */
void step_remove_folder(const char *path);

/* In a child, before exec: default signals, none blocked, ends with us. */
void step_child_begin(int death_sig);

#endif
