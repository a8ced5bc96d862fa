/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PROGRAM_H
#define SERVER_PROGRAM_H

#include "server/base/buf.h"

/*
 * How this program was started, so that it can be started again in the same
 * way: by SIGUSR2, with a newer file under the same name.
 *
 * OWNERSHIP  The struct owns path, folder and the array `env`; the texts in
 *            it and argv are those of main().
 * THREADS    Main thread, before any other starts.
 */
struct program {
	char *path;   /* absolute, links not followed: they may be moved */
	char *folder; /* the current one at the start */
	char *const *argv;
	char **env; /* as it was at the start */
};

/* To be called first of all in main(). 0 or -errno. */
int program_note(struct program *program, char *const *argv);

/*
 * Become the program again, with `variables` (NAME=VALUE, NULL at the end)
 * instead of what the environment has under these names; a NAME without = is
 * left out. Returns -errno when that fails.
 */
int program_exec(const struct program *program, const char *const *variables);

void program_free(struct program *program);

#endif
