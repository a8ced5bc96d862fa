/* SPDX-License-Identifier: MIT */
#ifndef SERVER_REAP_H
#define SERVER_REAP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Burying children: what the kernel says about a death, and what it means.
 *
 * THREADS  Master only, from the loop; never inside a signal handler.
 */
enum reap_verdict {
	REAP_DRAINED,  /* was asked to go, and went */
	REAP_RECYCLED, /* left by itself with status 0 after serving */
	REAP_CRASHED,  /* a signal or a status that nobody asked for */
	REAP_KILLED, /* the master had to kill it: silent, or out of patience */
	REAP_STILLBORN /* ended before it first reported ready */
};

/* A death as the kernel tells it. */
struct reap_death {
	pid_t pid;
	int status; /* as from waitpid() */
};

/* What the master knows about the life that ended. */
struct reap_life {
	bool ready;   /* it had reported ready */
	bool asked;   /* the master had asked it to go */
	bool overdue; /* silent or too slow to start: the master ended it */
	bool killed;  /* the master sent SIGKILL */
};

/* The next child that has ended; false when there is none. Never waits. */
bool reap_next(struct reap_death *death);

/* The verdict on a life that ended with `status`. */
enum reap_verdict reap_judge(int status, const struct reap_life *life);

/* Printable name of a verdict, for the log. */
const char *reap_verdict_name(enum reap_verdict verdict);

/* "signal=SIGSEGV" or "status=3", with "core=yes" when one was written. */
const char *reap_describe(int status, char *text, size_t cap);

#endif
