/* SPDX-License-Identifier: MIT */

/*
 * Preflight: run the app's check in a short-lived child.
 *
 * The child writes the reason of a failure on its status pipe, as plain text
 * and in one write, and exits with 1. The master reads until the pipe ends,
 * so it needs no timer for the ordinary case and no thread.
 *
 * INVARIANT  The child is dead and reaped when preflight_run() returns.
 * THREADS    Master only.
 */
#include "server/preflight.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/reap.h"

struct preflight {
	preflight_check *check;
	const void *context;
};

static int
run_check(const struct handoff *handoff, const void *context)
{
	const struct preflight *preflight = context;
	struct buf why = BUF_EMPTY;
	size_t len;
	int rc;

	rc = preflight->check(preflight->context, &why);
	if (rc == 0)
		return 0;
	len = why.len < PREFLIGHT_TEXT_MAX ? why.len : PREFLIGHT_TEXT_MAX;
	if (len > 0)
		(void)fd_write_full(handoff->status_fd, why.data, len);
	buf_free(&why);
	return 1;
}

/* Take what has been written. True at the end of the pipe. */
static bool
read_text(int fd, struct buf *why)
{
	char text[1024];
	ssize_t got;

	for (;;) {
		got = read(fd, text, sizeof(text));
		if (got == 0)
			return true;
		if (got > 0 && why->len < PREFLIGHT_TEXT_MAX)
			(void)buf_put(why, text, (size_t)got);
		if (got < 0 && errno != EINTR)
			return errno != EAGAIN;
	}
}

/* True when a signal asks to stop; others make no sense this early. */
static bool
is_stopped(struct sig *sig)
{
	const struct sig_row *row;
	bool stop = false;

	while ((row = sig_next(sig)) != NULL)
		stop |=
		    row->action == SIG_DO_STOP || row->action == SIG_DO_QUIT;
	return stop;
}

/* 0 when the child has closed its pipe, -EINTR or -ETIMEDOUT. */
static int
await_text(int fd, struct sig *sig, int64_t boot_us, struct buf *why)
{
	int64_t end_us = clock_mono_us() + boot_us;
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN },
		{ .fd = sig_fd(sig), .events = POLLIN } };
	int64_t left_ms;

	for (;;) {
		left_ms = (end_us - clock_mono_us() + 999) / 1000;
		if (boot_us > 0 && left_ms <= 0)
			return -ETIMEDOUT;
		(void)poll(fds, 2, boot_us > 0 ? (int)left_ms : -1);
		if (read_text(fd, why))
			return 0;
		if (is_stopped(sig))
			return -EINTR;
	}
}

static int
bury(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

int
preflight_run(const struct spawn *spawn, struct sig *sig,
    preflight_check *check, const void *context, int64_t boot_us,
    struct buf *why)
{
	struct preflight preflight = { .check = check, .context = context };
	struct spawn_job job = { .title = "ph-check",
		.entry = run_check,
		.context = &preflight,
		.notes_fd = -1 };
	struct spawn_child child;
	char text[64];
	int status;
	int rc;

	rc = spawn_fork(spawn, &job, &child);
	if (rc < 0) {
		(void)buf_puts(why, "cannot start the check of the app");
		return rc;
	}
	rc = await_text(child.status_fd, sig, boot_us, why);
	if (rc < 0)
		(void)kill(child.pid, SIGKILL);
	status = bury(child.pid);
	fd_close(&child.status_fd);
	if (rc == -ETIMEDOUT)
		(void)buf_puts(why,
		    "the app was not loaded within boot_timeout");
	if (rc < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return rc;
	if (why->len == 0)
		(void)buf_printf(why,
		    "the app %s while it was being loaded (%s)",
		    WIFSIGNALED(status) ? "crashed" : "ended the program",
		    reap_describe(status, text, sizeof(text)));
	return -ECHILD;
}
