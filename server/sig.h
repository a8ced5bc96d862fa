/* SPDX-License-Identifier: MIT */
#ifndef SERVER_SIG_H
#define SERVER_SIG_H

#include <signal.h>

/*
 * POSIX signals as intents. The handler writes one byte into a pipe; the
 * master's loop polls that pipe and asks sig_next() what is wanted.
 *
 * THREADS  Master only; one struct sig at a time in a process.
 */
enum sig_action {
	SIG_DO_STOP,    /* orderly stop */
	SIG_DO_QUIT,    /* quick stop */
	SIG_DO_RESTART, /* a new generation of workers */
	SIG_DO_REOPEN,  /* log files */
	SIG_DO_UPGRADE, /* a new program beside this one */
	SIG_DO_REST,    /* no workers for the time being */
	SIG_DO_MORE,    /* one worker more */
	SIG_DO_FEWER,   /* one worker fewer */
	SIG_DO_REAP     /* children have ended */
};

/* One row of sig.def. */
struct sig_row {
	int number;
	const char *name; /* without SIG */
	enum sig_action action;
	int child_ignores; /* how a child begins: ignored, or the default */
	const char *help;
};

struct sig {
	int read_fd;
	int write_fd;
};

#define SIG_EMPTY                             \
	{                                     \
		.read_fd = -1, .write_fd = -1 \
	}

/* The rows of sig.def; the last one has number 0. */
extern const struct sig_row sig_table[];

/*
 * Install the handlers, ignore SIGPIPE and unblock what sig.def names;
 * signals it does not name are left as they are. 0 or -errno.
 */
int sig_open(struct sig *sig);

/* Back to the default actions. Accepts the empty value. */
void sig_close(struct sig *sig);

/* What to poll for reading. */
int sig_fd(const struct sig *sig);

/* The next signal that has arrived, in order; NULL when none is pending. */
const struct sig_row *sig_next(struct sig *sig);

/*
 * Around fork: hold every signal back, so that none is taken by a child that
 * still has the master's handlers; *saved is for sig_release().
 */
void sig_hold(sigset_t *saved);
void sig_release(const sigset_t *saved);

/*
 * In a new child, between sig_hold() and its own code: dispositions as the
 * table says, SIGPIPE ignored, nothing blocked. Closes the child's copy of
 * the pipe.
 */
void sig_become_child(void);

#endif
