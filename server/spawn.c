/* SPDX-License-Identifier: MIT */

/*
 * Spawning: fork, and what the child does before its own code runs.
 *
 * A child must never outlive its master, whatever kills it. Two things see to
 * that: the kernel's parent-death signal, and the end of the death pipe, which
 * a child's loop polls. The first covers a child that is stuck, the second a
 * kernel or a container runtime that loses the first.
 *
 * INVARIANT  Signals are held back from before fork until the child has its
 *            own dispositions. The death pipe's write end exists in the master
 *            alone.
 * OWNERSHIP  The child owns a copy of everything and frees nothing of it: it
 *            leaves by _exit(), after flushing stdio.
 * THREADS    Master only, so a plain fork() is safe.
 */
#include "server/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "server/sig.h"
#include "server/title.h"

#define CHILD_UMASK 077
#define ID_SHIFT 20

/* One descriptor for both ends of a pipe. >= 0 or -errno. */
static int
open_load(void)
{
	char path[32];
	int ends[2];
	int fd;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = -errno;
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	return fd;
}

static void
close_loads(struct spawn *spawn)
{
	unsigned slot;

	for (slot = 0; spawn->load_fds != NULL && slot < spawn->slot_count;
	     slot++)
		fd_close(&spawn->load_fds[slot]);
	free(spawn->load_fds);
	spawn->load_fds = NULL;
}

/* Without /proc workers take what comes: less even, but served. */
static int
open_loads(struct spawn *spawn)
{
	unsigned slot;
	int fd;

	spawn->load_fds = malloc(spawn->slot_count * sizeof(*spawn->load_fds));
	if (spawn->load_fds == NULL)
		return -ENOMEM;
	for (slot = 0; slot < spawn->slot_count; slot++)
		spawn->load_fds[slot] = -1;
	for (slot = 0; slot < spawn->slot_count; slot++) {
		fd = open_load();
		if (fd < 0) {
			log_warn(fd, "spawn.load",
			    "note=\"connections are not balanced\"");
			close_loads(spawn);
			return 0;
		}
		spawn->load_fds[slot] = fd;
	}
	return 0;
}

int
spawn_open(struct spawn *spawn, unsigned slot_count)
{
	unsigned slot;
	int fd;

	*spawn = (struct spawn){ .master_pid = getpid(),
		.death_fds = { -1, -1 },
		.board_fd = -1,
		.next_id = clock_boot_ms() << ID_SHIFT };
	if (pipe2(spawn->death_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	spawn->wake_fds = calloc(slot_count, sizeof(*spawn->wake_fds));
	if (spawn->wake_fds == NULL) {
		spawn_close(spawn);
		return -ENOMEM;
	}
	for (slot = 0; slot < slot_count; slot++) {
		fd = fd_event_new();
		if (fd < 0) {
			spawn_close(spawn);
			return fd;
		}
		spawn->wake_fds[slot] = fd;
		spawn->slot_count = slot + 1;
	}
	return open_loads(spawn);
}

void
spawn_clear_load(const struct spawn *spawn, unsigned slot)
{
	char bytes[4096];

	if (spawn->load_fds == NULL)
		return;
	while (read(spawn->load_fds[slot], bytes, sizeof(bytes)) > 0)
		continue;
}

void
spawn_close(struct spawn *spawn)
{
	unsigned slot;

	if (spawn->master_pid == 0)
		return;
	for (slot = 0; slot < spawn->slot_count; slot++)
		fd_close(&spawn->wake_fds[slot]);
	free(spawn->wake_fds);
	close_loads(spawn);
	fd_close(&spawn->death_fds[0]);
	fd_close(&spawn->death_fds[1]);
	*spawn = (struct spawn){ .master_pid = 0 };
}

int64_t
spawn_new_id(struct spawn *spawn)
{
	return ++spawn->next_id;
}

/* Under the address sanitizer: what exit() would do, which a child must not
 * call. */
#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/lsan_interface.h>
#define CHECK_LEAKS() __lsan_do_leak_check()
#else
#define CHECK_LEAKS() ((void)0)
#endif

/* The child's side of fork. */
static _Noreturn void
run_child(const struct spawn *spawn, const struct spawn_job *job,
    int status_fds[2])
{
	struct handoff handoff = {
		.slot = job->slot,
		.slot_count = spawn->slot_count,
		.worker_id = job->worker_id,
		.master_pid = spawn->master_pid,
		.death_fd = spawn->death_fds[0],
		.status_fd = status_fds[1],
		.notes_fd = job->notes_fd,
		.orders_fd = job->orders_fd,
		.wake_fds = spawn->wake_fds,
		.load_fds = spawn->load_fds,
		.listen_fds = job->listen_fds,
		.listen_count = job->listen_count,
		.board_fd = spawn->board_fd,
		.admin = job->admin,
	};
	int death_write = spawn->death_fds[1];
	char name[16];
	int status;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The master may have died before the kernel was asked to tell. */
	if (getppid() != spawn->master_pid)
		_exit(1);
	fd_close(&death_write);
	fd_close(&status_fds[0]);
	spawn->forget(spawn->forget_context, job);
	(void)snprintf(name, sizeof(name), "ph-%s", job->title);
	(void)prctl(PR_SET_NAME, name);
	title_set(spawn->name, job->title);
	(void)umask(
	    spawn->identity != NULL ? spawn->identity->umask : CHILD_UMASK);
	sig_become_child();
	if (spawn->identity != NULL && identity_become(spawn->identity) < 0)
		_exit(1); /* logged; never serve with too many rights */
	status = job->entry(&handoff, job->context);
	(void)fflush(NULL);
	CHECK_LEAKS();
	_exit(status);
}

int
spawn_fork(const struct spawn *spawn, const struct spawn_job *job,
    struct spawn_child *child)
{
	int status_fds[2];
	sigset_t saved;
	int rc = 0;
	pid_t pid;

	/* Non-blocking on both ends: a beat must not wait for a slow master. */
	if (pipe2(status_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	/* What is in stdio's buffers must be written once, not twice. */
	(void)fflush(NULL);
	sig_hold(&saved);
	pid = fork();
	if (pid == 0)
		run_child(spawn, job, status_fds);
	if (pid < 0)
		rc = -errno;
	sig_release(&saved);
	fd_close(&status_fds[1]);
	if (rc < 0)
		fd_close(&status_fds[0]);
	child->pid = pid;
	child->status_fd = status_fds[0];
	return rc;
}
