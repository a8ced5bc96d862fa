/* SPDX-License-Identifier: MIT */

/*
 * Reaping: learn that a child ended and decide what that means.
 *
 * The kernel tells only pid and status. Together with what the master knows
 * about the life of that child it becomes one of five verdicts; crew.c acts
 * on the verdict. "Killed" is apart from "crashed", so that nobody looks for
 * a memory hog when it was the master that lost its patience.
 *
 * THREADS  Master only, from the loop; never inside a signal handler.
 * FAILURE  None: a pid we do not know is the caller's to ignore. (As process
 *          1 of a container we inherit and bury strangers.)
 */
#include "server/reap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

bool
reap_next(struct reap_death *death)
{
	do {
		death->status = 0;
		death->pid = waitpid(-1, &death->status, WNOHANG);
	} while (death->pid < 0 && errno == EINTR);
	return death->pid > 0;
}

/* Ended by one of the signals the master itself uses to ask. */
static bool
went_by_request(int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status) == 0;
	return WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGQUIT ||
	       WTERMSIG(status) == SIGINT;
}

enum reap_verdict
reap_judge(int status, const struct reap_life *life)
{
	if (life->asked) {
		if (went_by_request(status))
			return REAP_DRAINED;
		return life->killed ? REAP_KILLED : REAP_CRASHED;
	}
	if (!life->ready)
		return REAP_STILLBORN;
	if (life->overdue)
		return REAP_KILLED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return REAP_RECYCLED;
	return REAP_CRASHED;
}

const char *
reap_verdict_name(enum reap_verdict verdict)
{
	static const char *const names[] = {
		[REAP_DRAINED] = "drained",
		[REAP_RECYCLED] = "recycled",
		[REAP_CRASHED] = "crashed",
		[REAP_KILLED] = "killed",
		[REAP_STILLBORN] = "stillborn",
	};

	return names[verdict];
}

const char *
reap_describe(int status, char *text, size_t cap)
{
	const char *core = "";
	const char *name;

	if (WIFEXITED(status)) {
		(void)snprintf(text, cap, "status=%d", WEXITSTATUS(status));
		return text;
	}
	if (WCOREDUMP(status))
		core = " core=yes";
	name = sigabbrev_np(WTERMSIG(status));
	if (name != NULL)
		(void)snprintf(text, cap, "signal=SIG%s%s", name, core);
	else
		(void)snprintf(text, cap, "signal=%d%s", WTERMSIG(status),
		    core);
	return text;
}
