/* SPDX-License-Identifier: MIT */

/*
 * Children that are run for what they print. See step.h.
 *
 * INVARIANT  A child is in a process group of its own, so that a compiler
 *            driver is killed with what it has started, and ends with us. When
 *            it has been killed nobody of that group is left: what it had
 *            started is ours then, as we adopt orphans, and is waited for.
 *            TMPDIR of a child is gone when it has ended: a compiler that is
 *            killed removes nothing.
 */
#include "server/dev/step.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"

void
step_child_begin(int death_sig)
{
	pid_t parent = getppid();
	sigset_t none;
	int sig;

	(void)prctl(PR_SET_PDEATHSIG, death_sig);
	if (getppid() != parent)
		_exit(1);
	(void)setpgid(0, 0);
	for (sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
become(char *const *argv, const char *tmp, int out)
{
	step_child_begin(SIGKILL);
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	(void)setenv("TMPDIR", tmp, 1);
	(void)execvp(argv[0], argv);
	(void)dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0],
	    strerror(errno));
	_exit(127);
}

static int
remove_one(const char *path, const struct stat *file, int type,
    struct FTW *where)
{
	(void)file;
	(void)type;
	(void)where;
	(void)remove(path);
	return 0;
}

void
step_remove_folder(const char *path)
{
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Without a folder of its own, on a full disk, it has the one around it. */
static void
make_tmp(struct step *step, const char *tmp)
{
	int len = snprintf(step->tmp, sizeof(step->tmp), "%s/step-XXXXXX", tmp);

	if (len >= (int)sizeof(step->tmp) || mkdtemp(step->tmp) == NULL)
		step->tmp[0] = '\0';
}

static void
remove_tmp(struct step *step)
{
	if (step->tmp[0] != '\0')
		step_remove_folder(step->tmp);
	step->tmp[0] = '\0';
}

int
step_start(struct step *step, char *const *argv, const char *tmp)
{
	int fds[2];
	int rc;

	step_free(step);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	buf_init(&step->text, 0);
	step->started_us = clock_mono_us();
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	make_tmp(step, tmp);
	rc = fd_set_nonblocking(fds[0]);
	step->pid = rc == 0 ? fork() : -1;
	if (step->pid == 0)
		become(argv, step->tmp[0] != '\0' ? step->tmp : tmp, fds[1]);
	if (step->pid < 0 && rc == 0)
		rc = -errno;
	fd_close(&fds[1]);
	if (rc < 0) {
		step->pid = 0;
		remove_tmp(step);
		fd_close(&fds[0]);
		return rc;
	}
	/* Also here: it may be killed before it has run at all. */
	(void)setpgid(step->pid, step->pid);
	step->fd = fds[0];
	return 0;
}

void
step_read(struct step *step)
{
	char piece[4096];
	size_t room;
	ssize_t got;

	while (step->fd >= 0) {
		got = read(step->fd, piece, sizeof(piece));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			fd_close(&step->fd);
			return;
		}
		room = STEP_TEXT_MAX - step->text.len;
		(void)buf_put(&step->text, piece,
		    (size_t)got < room ? (size_t)got : room);
	}
}

void
step_end(struct step *step)
{
	step_read(step);
	fd_close(&step->fd);
	remove_tmp(step);
	step->pid = 0;
}

void
step_kill(struct step *step)
{
	/* Whoever is still there may yet make a file; orphans become ours. */
	if (step->pid > 0) {
		(void)kill(-step->pid, SIGKILL);
		while (waitpid(-step->pid, NULL, 0) > 0 || errno == EINTR)
			continue;
	}
	step_end(step);
}

void
step_free(struct step *step)
{
	step_kill(step);
	buf_free(&step->text);
}
