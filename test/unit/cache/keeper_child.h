/* SPDX-License-Identifier: MIT */
#ifndef TEST_CACHE_KEEPER_CHILD_H
#define TEST_CACHE_KEEPER_CHILD_H

#include "test/unit/cache/fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "cache/cache_int.h"
#include "cache/gate.h"
#include "cache/keeper.h"
#include "server/base/clock.h"
#include "server/base/handoff.h"

/*
 * A keeper as a child of the test, which holds the master's ends of its
 * pipes.
 */
#define DEADLINE_MS 20000

/* A keeper and the master's ends of its pipes. */
struct child {
	pid_t pid;
	int death;  /* write end */
	int notes;  /* write end */
	int status; /* read end */
};

/*
 * No connection may cross a fork, not even unused: SQLite would take the
 * parent's locks for the child's own. So they are closed and opened again.
 */
static inline void
start(struct fixture *f, struct child *child)
{
	bool open = f->a != NULL;
	struct handoff handoff = { .slot_count = SLOTS,
		.wake_fds = f->wake_fds,
		.master_pid = getpid() };
	int death[2];
	int notes[2];
	int status[2];

	assert_int_equal(pipe(death), 0);
	assert_int_equal(pipe(notes), 0);
	assert_int_equal(pipe(status), 0);
	cache_close(&f->a);
	cache_close(&f->b);
	child->pid = fork();
	assert_true(child->pid >= 0);
	if (child->pid == 0) {
		(void)close(death[1]);
		(void)close(notes[1]);
		(void)close(status[0]);
		handoff.death_fd = death[0];
		handoff.notes_fd = notes[0];
		handoff.status_fd = status[1];
		_exit(keeper_run(&handoff, &f->options));
	}
	(void)close(death[0]);
	(void)close(notes[0]);
	(void)close(status[1]);
	child->death = death[1];
	child->notes = notes[1];
	child->status = status[0];
	if (open) {
		f->a = fixture_open(f, 1, 101);
		f->b = fixture_open(f, 2, 102);
	}
}

static inline void
close_ends(struct child *child)
{
	fd_close(&child->death);
	fd_close(&child->notes);
	fd_close(&child->status);
}

static inline void
stop(struct child *child, int sig)
{
	assert_int_equal(kill(child->pid, sig), 0);
	fixture_wait(child->pid);
	close_ends(child);
}

static inline enum handoff_status_kind
next_status(struct child *child, char text[248])
{
	struct pollfd ready = { .fd = child->status, .events = POLLIN };
	struct handoff_status status;

	assert_int_equal(poll(&ready, 1, DEADLINE_MS), 1);
	assert_int_equal(read(child->status, &status, sizeof(status)),
	    sizeof(status));
	if (text != NULL)
		memcpy(text, status.text, sizeof(status.text));
	return (enum handoff_status_kind)status.kind;
}

static inline void
send_note(struct child *child, int64_t worker_id)
{
	struct handoff_note note = { .worker_id = worker_id };

	assert_int_equal(fd_write_full(child->notes, &note, sizeof(note)), 0);
}

/* Until the query gives `want`. */
static inline void
wait_for(struct fixture *f, const char *sql, int64_t want)
{
	int64_t until = clock_boot_ms() + DEADLINE_MS;

	while (fixture_sql(f, sql) != want) {
		assert_true(clock_boot_ms() < until);
		gate_nap(2000);
	}
}

#endif
