/* SPDX-License-Identifier: MIT */

/*
 * Going to the background.
 *
 * INVARIANT  The write end of the pipe lives in the daemon alone, so its end
 *            means that the daemon has ended.
 * INVARIANT  Children never hold the terminal, the daemon until it serves.
 * THREADS    Main thread.
 * FAILURE    When /dev/null cannot be opened the terminal stays.
 */
#include "server/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "server/base/log.h"

static int ready_fd = -1;

/* The command: how does it end? */
static _Noreturn void
await(int fd)
{
	char byte;
	ssize_t got;

	do {
		got = read(fd, &byte, 1);
	} while (got < 0 && errno == EINTR);
	_exit(got == 1 ? 0 : 1);
}

int
daemon_begin(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid > 0) {
		fd_close(&fds[1]);
		await(fds[0]);
	}
	if (pid == 0) {
		(void)setsid();
		/* No leader of a session: it can never get a terminal. */
		pid = fork();
		if (pid > 0)
			_exit(0);
	}
	fd_close(&fds[0]);
	if (pid < 0) {
		fd_close(&fds[1]);
		return -errno;
	}
	ready_fd = fds[1];
	return 0;
}

static void
leave_terminal(const struct server_options *options)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd >= 0) {
		(void)dup2(null_fd, STDIN_FILENO);
		if (!options->enable_stdio_inheritance) {
			(void)dup2(null_fd, STDOUT_FILENO);
			(void)dup2(null_fd, STDERR_FILENO);
			/* The log may have opened the terminal once more. */
			if (log_fd == STDERR_FILENO)
				(void)log_open("-");
		}
	}
	fd_close(&null_fd);
}

void
daemon_ready(const struct server_options *options)
{
	if (ready_fd < 0)
		return;
	if (log_fd == STDERR_FILENO && !options->enable_stdio_inheritance)
		log_warn(0, "master.daemon",
		    "note=\"the log ends here; name an errorlog\"");
	leave_terminal(options);
	(void)fd_write_full(ready_fd, "R", 1);
	fd_close(&ready_fd);
}

void
daemon_forget(const struct server_options *options)
{
	if (ready_fd < 0) /* no daemon, or all were sent away already */
		return;
	leave_terminal(options);
	fd_close(&ready_fd);
}
