/* SPDX-License-Identifier: MIT */

/*
 * POSIX signals: from the kernel through a pipe into the loop.
 *
 * INVARIANT  The handler does nothing but write one byte, the signal's
 *            number, and keeps errno. The pipe never blocks: when it is full
 *            there are thousands of signals to act on already.
 * OWNERSHIP  The pipe belongs to struct sig; the handler reads its write end
 *            from a static, the one thing here that is global.
 * THREADS    Master only.
 */
#include "server/sig.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "server/base/bug.h"
#include "server/base/fd.h"

enum { SIG_CHILD_DEFAULT, SIG_CHILD_IGNORE };

const struct sig_row sig_table[] = {
#define SIG(number, name, action, child, help) \
	{ (number), (name), SIG_DO_##action, SIG_CHILD_##child, (help) },
#include "server/sig.def"
#undef SIG
	{ .number = 0 },
};

static volatile sig_atomic_t handler_fd = -1;

static void
on_signal(int number)
{
	int saved = errno;
	unsigned char byte = (unsigned char)number;

	if (write(handler_fd, &byte, 1) < 0)
		errno = saved;
	errno = saved;
}

static void
set_action(int number, void (*handler)(int))
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = SA_RESTART;
	(void)sigfillset(&action.sa_mask);
	(void)sigaction(number, &action, NULL);
}

int
sig_open(struct sig *sig)
{
	const struct sig_row *row;
	sigset_t wanted;
	int fds[2];

	ASSERT(handler_fd < 0);
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	sig->read_fd = fds[0];
	sig->write_fd = fds[1];
	handler_fd = fds[1];
	set_action(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&wanted);
	for (row = sig_table; row->number != 0; row++) {
		set_action(row->number, on_signal);
		(void)sigaddset(&wanted, row->number);
	}
	(void)sigprocmask(SIG_UNBLOCK, &wanted, NULL);
	return 0;
}

void
sig_close(struct sig *sig)
{
	const struct sig_row *row;

	if (sig->read_fd < 0)
		return;
	for (row = sig_table; row->number != 0; row++)
		set_action(row->number, SIG_DFL);
	handler_fd = -1;
	fd_close(&sig->read_fd);
	fd_close(&sig->write_fd);
}

int
sig_fd(const struct sig *sig)
{
	return sig->read_fd;
}

const struct sig_row *
sig_next(struct sig *sig)
{
	const struct sig_row *row;
	unsigned char byte;
	ssize_t got;

	do {
		got = read(sig->read_fd, &byte, 1);
	} while (got < 0 && errno == EINTR);
	if (got != 1)
		return NULL;
	for (row = sig_table; row->number != 0; row++) {
		if (row->number == byte)
			return row;
	}
	return NULL;
}

void
sig_hold(sigset_t *saved)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, saved);
}

void
sig_release(const sigset_t *saved)
{
	(void)sigprocmask(SIG_SETMASK, saved, NULL);
}

void
sig_become_child(void)
{
	const struct sig_row *row;
	sigset_t none;

	handler_fd = -1;
	for (row = sig_table; row->number != 0; row++)
		set_action(row->number, row->child_ignores ? SIG_IGN : SIG_DFL);
	set_action(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}
