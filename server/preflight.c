/* SPDX-License-Identifier: MIT */

/*
 * Preflight: run the app's check in a short-lived child.
 *
 * The child says on its status pipe what of the app it comes to, in messages.
 * It writes the reason of a failure there, as plain text and in one write, and
 * exits with 1. When the app's code crashes or ends the
 * program, the pipe has the messages that a worker sends then. The master reads
 * until the pipe ends, so it needs no timer for the ordinary case and no
 * thread.
 *
 * INVARIANT  pid > 0 exactly while the child exists and is not reaped.
 * THREADS    Master only.
 */
#include "server/preflight.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/notify.h"
#include "server/reap.h"
#include "worker/crash.h"

#define SECOND_US INT64_C(1000000)
#define READ_MAX ((size_t)128 * 1024) /* a stack in messages */
#define FRAMES_MAX 12                 /* of one without names */

struct trial {
	preflight_check *check;
	const void *context;
};

static int
run_check(const struct handoff *handoff, const void *context)
{
	const struct trial *trial = context;
	struct buf why = BUF_EMPTY;
	size_t len;
	int rc;

	crash_install(handoff->status_fd);
	crash_tells_parts();
	rc = trial->check(trial->context, &why);
	if (rc == 0)
		why.len = 0; /* of what was tried before it went well */
	len = why.len < PREFLIGHT_TEXT_MAX ? why.len : PREFLIGHT_TEXT_MAX;
	while (len > 0 && why.data[len - 1] == '\n')
		len--; /* it becomes a part of a line */
	if (len > 0)
		(void)fd_write_full(handoff->status_fd, why.data, len);
	buf_free(&why);
	return rc != 0;
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
		if (got > 0 && why->len < READ_MAX)
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

int
preflight_begin(struct preflight *preflight, const struct spawn *spawn,
    preflight_check *check, const void *context, int64_t boot_us,
    int64_t now_us, struct buf *why)
{
	struct trial trial = { .check = check, .context = context };
	struct spawn_job job = { .title = "check",
		.entry = run_check,
		.context = &trial,
		.notes_fd = -1,
		.orders_fd = -1 };
	struct spawn_child child;
	int rc;

	rc = spawn_fork(spawn, &job, &child);
	if (rc < 0) {
		(void)buf_puts(why, "cannot start the check of the app");
		return rc;
	}
	*preflight = (struct preflight){ .pid = child.pid,
		.fd = child.status_fd,
		.end_us = boot_us > 0 ? now_us + boot_us : INT64_MAX };
	return 0;
}

/* What comes first is what it does; the service manager and `pronghorn dev`
 * hear of that. */
static void
tell_parts(struct preflight *preflight)
{
	struct buf *text = &preflight->text;
	struct handoff_status status;
	char state[sizeof(status.text) + 32];

	while (text->len >= sizeof(status)) {
		memcpy(&status, text->data, sizeof(status));
		if (status.kind != HANDOFF_PART)
			return;
		status.text[sizeof(status.text) - 1] = '\0';
		text->len -= sizeof(status);
		memmove(text->data, text->data + sizeof(status), text->len);
		(void)snprintf(state, sizeof(state),
		    "STATUS=Loading the app: %s", status.text);
		(void)notify_send(state);
		preflight->parts = true;
	}
}

void
preflight_look(struct preflight *preflight, int64_t now_us)
{
	if (preflight->fd >= 0 && read_text(preflight->fd, &preflight->text))
		fd_close(&preflight->fd);
	tell_parts(preflight);
	if (preflight->pid > 0 && !preflight->overdue &&
	    now_us >= preflight->end_us) {
		preflight->overdue = true;
		(void)kill(preflight->pid, SIGKILL);
	}
}

/* The value of `name`= in a report, up to a space or between quotes. */
static const char *
value_of(const char *report, const char *name, size_t *len)
{
	const char *at = strstr(report, name);

	if (at == NULL)
		return NULL;
	at += strlen(name);
	*len = *at == '"' ? strcspn(at + 1, "\"") : strcspn(at, " ");
	return *at == '"' ? at + 1 : at;
}

/* What the app's code was doing, of what a worker says at its end. */
static void
put_report(const char *report, struct buf *why)
{
	size_t len;
	const char *value = value_of(report, "reason=", &len);

	if (value != NULL)
		(void)buf_printf(why, ": %.*s", (int)len, value);
	value = value_of(report, "callback=", &len);
	if (value != NULL)
		(void)buf_printf(why, ", in %.*s", (int)len, value);
}

/* A line of a stack as the C library writes it, with an address behind it. */
static bool
is_bare(const char *line)
{
	size_t len = strlen(line);

	return len > 0 && line[len - 1] == ']';
}

/*
 * The child's messages. The app's functions, with file and line, are there in
 * development only; they say more than all the rest. Our own frames, whose file
 * is what the process calls itself, say nothing.
 */
static void
put_messages(const struct buf *messages, struct buf *why)
{
	struct handoff_status status;
	struct buf named = BUF_EMPTY;
	struct buf bare = BUF_EMPTY;
	const struct buf *lines = &named;
	unsigned frames = 0;
	size_t at;

	for (at = 0; at + sizeof(status) <= messages->len;
	     at += sizeof(status)) {
		memcpy(&status, messages->data + at, sizeof(status));
		status.text[sizeof(status.text) - 1] = '\0';
		if (status.kind == HANDOFF_CRASH)
			put_report(status.text, why);
		else if (status.kind != HANDOFF_STACK)
			continue;
		else if (!is_bare(status.text))
			(void)buf_printf(&named, "\n%s", status.text);
		else if (status.text[0] == '/' && frames++ < FRAMES_MAX)
			(void)buf_printf(&bare, "\n%s", status.text);
	}
	if (named.len == 0)
		lines = &bare;
	if (lines->len > 0)
		(void)buf_put(why, lines->data, lines->len);
	buf_free(&named);
	buf_free(&bare);
}

static void
put_end(int status, const struct buf *said, struct buf *why)
{
	char text[64];

	(void)buf_printf(why, "the app %s while it was being loaded",
	    WIFSIGNALED(status) ? "crashed" : "ended the program");
	if (WIFSIGNALED(status) || said->len == 0)
		(void)buf_printf(why, " (%s)",
		    reap_describe(status, text, sizeof(text)));
	put_messages(said, why);
}

int
preflight_end(struct preflight *preflight, int status, struct buf *why)
{
	struct preflight ended;
	int rc = -ECHILD;

	preflight_look(preflight, 0);
	ended = *preflight;
	*preflight = (struct preflight)PREFLIGHT_EMPTY;
	fd_close(&ended.fd);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && ended.text.len > 0)
		(void)buf_put(why, ended.text.data, ended.text.len);
	if (ended.overdue) {
		(void)buf_puts(why,
		    "the app was not loaded within boot_timeout");
		rc = -ETIMEDOUT;
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		rc = 0;
		if (ended.parts)
			(void)notify_send("STATUS=Starting workers");
	} else if (WIFSIGNALED(status) || WEXITSTATUS(status) != 1 ||
		   ended.text.len == 0) {
		put_end(status, &ended.text, why);
	}
	buf_free(&ended.text);
	return rc;
}

void
preflight_forget(struct preflight *preflight)
{
	fd_close(&preflight->fd);
}

/* Until the child has closed its pipe, or -EINTR. */
static int
await_text(struct preflight *preflight, struct sig *sig)
{
	struct pollfd fds[2] = { { .fd = preflight->fd, .events = POLLIN },
		{ .fd = sig_fd(sig), .events = POLLIN } };
	int64_t left_us;
	int wait_ms;

	while (preflight->fd >= 0) {
		left_us = preflight->end_us - clock_mono_us();
		wait_ms =
		    left_us < SECOND_US ? (int)(left_us / 1000) + 1 : 1000;
		(void)poll(fds, 2, wait_ms > 0 ? wait_ms : 0);
		preflight_look(preflight, clock_mono_us());
		if (is_stopped(sig))
			return -EINTR;
	}
	return 0;
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
	struct preflight preflight = PREFLIGHT_EMPTY;
	int interrupted;
	int rc;

	rc = preflight_begin(&preflight, spawn, check, context, boot_us,
	    clock_mono_us(), why);
	if (rc < 0)
		return rc;
	interrupted = await_text(&preflight, sig);
	if (interrupted < 0)
		(void)kill(preflight.pid, SIGKILL);
	rc = preflight_end(&preflight, bury(preflight.pid), why);
	return interrupted < 0 ? interrupted : rc;
}
