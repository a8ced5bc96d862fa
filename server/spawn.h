/* SPDX-License-Identifier: MIT */
#ifndef SERVER_SPAWN_H
#define SERVER_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/base/handoff.h"
#include "server/identity.h"

/*
 * Birth: fork a child and give it exactly what struct handoff lists. The
 * mechanism only; crew.c and keeper_seat.c decide when.
 *
 * THREADS  Master only.
 */

/* What a child runs; its return value is the exit status. */
typedef int spawn_entry(const struct handoff *handoff, const void *context);

struct spawn_job;

/* What all children of one master share. */
struct spawn {
	pid_t master_pid;
	int death_fds[2]; /* the write end lives in the master alone */
	int *wake_fds;    /* one eventfd per slot */
	int *load_fds;    /* one pipe per slot; NULL: this system has none */
	unsigned slot_count;
	int64_t next_id;

	/*
	 * In the child, before its own code: close what is the master's (the
	 * pipes of siblings, pid file, signal pipe, listeners it is not given).
	 */
	void (*forget)(void *context, const struct spawn_job *job);
	void *forget_context;
	const struct identity *identity; /* who a child becomes; NULL: we */
	int board_fd;     /* for children to read; -1: none. Not owned */
	const char *name; /* proc_name; NULL: none */
};

/* One child. */
struct spawn_job {
	const char *title; /* "worker 2", for ps; top shows "ph-worker 2" */
	spawn_entry *entry;
	const void *context;
	unsigned slot;
	int64_t worker_id;
	int notes_fd;          /* stays open in the child; -1: none */
	int orders_fd;         /* the same */
	const int *listen_fds; /* the same; NULL with 0 */
	size_t listen_count;
	bool admin; /* see struct handoff */
};

struct spawn_child {
	pid_t pid;
	int status_fd; /* read end, non-blocking; the caller's to close */
};

/*
 * Make the death pipe and the wake-up descriptors. Worker ids begin at
 * milliseconds since boot << 20, so that no two workers of this boot have the
 * same one: a master would have to start a million workers per millisecond of
 * its life to reach the ids of a later one. 0 or -errno.
 */
int spawn_open(struct spawn *spawn, unsigned slot_count);

/* The worker in `slot` is gone: it has no connections. */
void spawn_clear_load(const struct spawn *spawn, unsigned slot);

/* Close all. Children see the end of the death pipe. Accepts a zeroed one. */
void spawn_close(struct spawn *spawn);

/* An id that no worker has had. */
int64_t spawn_new_id(struct spawn *spawn);

/*
 * Fork. The child is killed by the kernel when the master dies, has default
 * signal dispositions except what sig.def says, nothing blocked, umask 077;
 * death_fd, status_fd and notes_fd are non-blocking. Only the parent returns.
 * 0 or -errno.
 */
int spawn_fork(const struct spawn *spawn, const struct spawn_job *job,
    struct spawn_child *child);

#endif
