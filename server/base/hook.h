/* SPDX-License-Identifier: MIT */
#ifndef BASE_HOOK_H
#define BASE_HOOK_H

#include <sys/types.h>

/*
 * Turning points at which an app may have something done, and what it is told
 * then. The master raises those of its own through a function it is given;
 * worker/hooks.c knows the app.
 */
enum hook_event {
	HOOK_POST_FORK,
	HOOK_POST_WORKER_INIT,
	HOOK_WORKER_INT,
	HOOK_WORKER_EXIT,
	HOOK_ON_STARTING, /* from here on in the master */
	HOOK_WHEN_READY,
	HOOK_PRE_FORK,
	HOOK_CHILD_EXIT,
	HOOK_NWORKERS_CHANGED,
	HOOK_ON_RELOAD,
	HOOK_PRE_EXEC,
	HOOK_ON_EXIT
};

struct hook_about {
	int slot; /* of the worker it is about; -1: none */
	pid_t pid;
	unsigned workers; /* wanted now */
	unsigned before;  /* wanted before */
	int status;       /* as from waitpid() */
};

#endif
