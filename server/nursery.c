/* SPDX-License-Identifier: MIT */

/*
 * The nursery: the master's hands on its children. Forks what crew.c and
 * keeper_seat.c ask for, reads what children report, buries them.
 *
 * INVARIANT  A death is logged once and noted once for the keeper; the last
 *            message in a dead worker's pipe is read before the verdict.
 * THREADS    Master only.
 * FAILURE    A fork that fails counts as a failed start and is tried again; in
 *            a reload it ends that.
 *            Garbage on a status pipe is dropped, with a line once a second.
 */
#include "server/master_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/daemon.h"
#include "server/placement.h"
#include "server/reap.h"

/* In the place of a slot; the numbers of the admin process count nowhere. */
enum { KEEPER = -1, ADMIN = -2 };

#define READS_PER_TURN 16 /* a child gone wild must not hold the loop */

/* A worker of a new generation may have to write elsewhere, or less. */
static void
take_up_logs(const struct master *master)
{
	const struct server_options *options = master->current.settings.options;
	struct buf why = BUF_EMPTY;
	int rc;

	if (master->reload.state != RELOAD_STARTING)
		return;
	log_threshold = options->loglevel;
	rc = launch_open_logs(options, &why);
	if (rc < 0)
		log_error(rc, "log.open", "%s", buf_cstr(&why));
	buf_free(&why);
}

void
nursery_forget(void *context, const struct spawn_job *job)
{
	struct master *master = context;
	unsigned slot;

	(void)unsetenv("NOTIFY_SOCKET");
	daemon_forget(master->current.settings.options);
	pidfile_forget(&master->pidfile);
	fd_close(&master->sig.read_fd);
	fd_close(&master->sig.write_fd);
	for (slot = 0; slot < master->crew.slot_count; slot++) {
		fd_close(&master->crew.seats[slot].status_fd);
		fd_close(&master->crew.seats[slot].orders_fd);
	}
	fd_close(&master->keeper.seat.status_fd);
	fd_close(&master->keeper.notes_fd);
	fd_close(&master->admin.seat.status_fd);
	fd_close(&master->tally.write_fd);
	if (!job->admin)
		listen_forget(&master->admin_listeners);
	control_forget(&master->control);
	preflight_forget(&master->reload.check);
	changes_forget(&master->changes);
	upgrade_forget(&master->upgrade);
	heir_forget(&master->heir);
	listen_forget(&master->reload.other.listeners);
	if (job->listen_count == 0 || job->admin)
		listen_forget(&master->current.listeners);
	take_up_logs(master);
	if (job->listen_count > 0 && !job->admin)
		placement_apply(master->current.settings.options, job->slot);
}

void
nursery_fork_worker(struct master *master, unsigned slot)
{
	struct spawn_job job = { .entry = master->children->worker,
		.context = master->current.settings.context,
		.slot = slot,
		.worker_id = spawn_new_id(&master->spawn),
		.notes_fd = -1,
		.listen_fds = master->current.listeners.fds,
		.listen_count = master->current.listeners.count };
	struct spawn_child child = { 0 };
	int orders[2] = { -1, -1 };
	char title[16];
	int rc;

	(void)master_hook(master, HOOK_PRE_FORK, (int)slot, 0, 0);
	(void)snprintf(title, sizeof(title), "worker %u", slot);
	job.title = title;
	rc = pipe2(orders, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
	job.orders_fd = orders[0];
	/* nursery_forget() closes the write end in the child. */
	master->crew.seats[slot].orders_fd = orders[1];
	if (rc == 0)
		rc = spawn_fork(&master->spawn, &job, &child);
	fd_close(&orders[0]);
	if (rc < 0) {
		fd_close(&master->crew.seats[slot].orders_fd);
		log_error(rc, "worker.fork", "slot=%u", slot);
		(void)snprintf(master->failure, sizeof(master->failure),
		    "cannot start a worker: %s", err_str(rc));
		crew_not_forked(&master->crew, master->now_us);
		return;
	}
	tally_start(&master->tally, slot);
	crew_forked(&master->crew, slot, child.pid, job.worker_id,
	    child.status_fd, master->now_us);
	log_info("worker.fork",
	    "slot=%u child=%ld worker_id=%lld generation=%u", slot,
	    (long)child.pid, (long long)job.worker_id, master->crew.generation);
}

void
nursery_fork_keeper(struct master *master)
{
	struct spawn_job job = { .title = "keeper",
		.orders_fd = -1,
		.entry = master->children->keeper,
		.context = master->current.settings.context };
	struct spawn_child child = { 0 };
	int notes_fds[2] = { -1, -1 };
	int rc;

	rc = pipe2(notes_fds, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
	job.notes_fd = notes_fds[0];
	if (rc == 0) {
		/* nursery_forget() closes this end in the child. */
		master->keeper.notes_fd = notes_fds[1];
		rc = spawn_fork(&master->spawn, &job, &child);
	}
	fd_close(&notes_fds[0]);
	if (rc < 0) {
		fd_close(&master->keeper.notes_fd);
		log_error(rc, "keeper.fork", "note=\"will be tried again\"");
		keeper_seat_not_forked(&master->keeper, master->now_us);
		return;
	}
	keeper_seat_forked(&master->keeper, child.pid, child.status_fd,
	    notes_fds[1], master->now_us);
	log_info("keeper.fork", "child=%ld", (long)child.pid);
}

/* A message of the worker in `slot`. */
static void
take_status(struct master *master, unsigned slot, struct handoff_status *status)
{
	const struct seat *seat = &master->crew.seats[slot];
	unsigned suppressed;

	if (status->kind != HANDOFF_BEAT && status->kind != HANDOFF_SERIES &&
	    status->kind != HANDOFF_WAIT)
		status->text[sizeof(status->text) - 1] = '\0';
	switch (status->kind) {
	case HANDOFF_READY:
		crew_ready(&master->crew, slot, master->now_us);
		tally_soon(&master->tally);
		log_info("worker.ready", "slot=%u child=%ld boot_ms=%lld", slot,
		    (long)seat->pid,
		    (long long)(master->now_us - seat->forked_us) / 1000);
		break;
	case HANDOFF_BEAT:
		crew_beat(&master->crew, slot, master->now_us);
		master->crew.seats[slot].beat = status->beat;
		master->tally.changed = true;
		break;
	case HANDOFF_WAIT:
		master->crew.seats[slot].waits = status->waits;
		master->tally.changed = true;
		break;
	case HANDOFF_SERIES:
		tally_series(&master->tally, &status->series);
		break;
	case HANDOFF_CRASH:
		crash_keep_begin(master, slot, "worker.crash", status->text);
		break;
	case HANDOFF_STUCK:
		crash_keep_begin(master, slot, "worker.stuck", status->text);
		crew_tired(&master->crew, slot);
		break;
	case HANDOFF_STACK:
		crash_keep_line(master, slot, status->text);
		break;
	case HANDOFF_TIRED:
		log_info("worker.tired", "slot=%u child=%ld reason=%s", slot,
		    (long)seat->pid, status->text);
		crew_tired(&master->crew, slot);
		break;
	case HANDOFF_FAILED:
		memcpy(master->failure, status->text, sizeof(master->failure));
		break;
	default:
		if (log_gate_open(&master->garbage, &suppressed))
			log_warn(0, "worker.garbage",
			    "slot=%u kind=%u suppressed=%u", slot, status->kind,
			    suppressed);
	}
}

/*
 * Read a status pipe, as far as one turn of the loop allows. False when its
 * writer has closed it.
 */
static bool
read_status(struct master *master, int fd, int slot)
{
	struct handoff_status messages[16];
	unsigned reads;
	size_t i;
	ssize_t got;

	for (reads = 0; reads < READS_PER_TURN; reads++) {
		got = read(fd, messages, sizeof(messages));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 && errno == EAGAIN;
		/* Writes are atomic; a rest can only be garbage. Drop it. */
		for (i = 0; i < (size_t)got / sizeof(*messages); i++) {
			if (slot >= 0)
				take_status(master, (unsigned)slot,
				    &messages[i]);
			else
				keeper_seat_heard(slot == KEEPER
						      ? &master->keeper
						      : &master->admin,
				    &messages[i], master->now_us);
		}
	}
	return true;
}

void
nursery_read_seat(struct master *master, struct seat *seat, int slot)
{
	if (seat->status_fd >= 0 && !read_status(master, seat->status_fd, slot))
		fd_close(&seat->status_fd);
}

void
nursery_read(struct master *master)
{
	unsigned slot;

	for (slot = 0; slot < master->crew.slot_count; slot++)
		nursery_read_seat(master, &master->crew.seats[slot], (int)slot);
	nursery_read_seat(master, &master->keeper.seat, KEEPER);
	nursery_read_seat(master, &master->admin.seat, ADMIN);
}

static enum log_level
verdict_level(enum reap_verdict verdict)
{
	switch (verdict) {
	case REAP_DRAINED:
	case REAP_RECYCLED:
		return LOG_LEVEL_INFO;
	case REAP_KILLED:
		return LOG_LEVEL_WARNING;
	case REAP_CRASHED:
	case REAP_STILLBORN:
		break;
	}
	return LOG_LEVEL_ERROR;
}

static void
bury_worker(struct master *master, unsigned slot, int status)
{
	struct seat *seat = &master->crew.seats[slot];
	struct handoff_note note = { .worker_id = seat->worker_id,
		.slot = slot,
		.pid = (int32_t)seat->pid,
		.sig = WIFSIGNALED(status) ? WTERMSIG(status) : 0 };
	int64_t lived_us = master->now_us - seat->forked_us;
	enum seat_reason reason = seat->reason;
	enum reap_verdict verdict;
	struct handoff_beat beat;
	unsigned rounds;
	char text[64];

	/* Its last words may still be in the pipe. */
	nursery_read_seat(master, seat, (int)slot);
	spawn_clear_load(&master->spawn, slot);
	beat = seat->beat;
	rounds = master->crew.relapse.rounds;
	verdict = crew_exited(&master->crew, slot, status, master->now_us);
	tally_end(&master->tally, &beat, verdict);
	if (master->crew.relapse.rounds > rounds)
		log_error(0, "worker.relapse",
		    "crashes=%u wait_ms=%lld note=\"workers crash soon after "
		    "they start: the next one waits\"",
		    master->crew.relapses,
		    (long long)(master->crew.relapse.gate_us - master->now_us) /
			1000);
	(void)reap_describe(status, text, sizeof(text));
	if (verdict == REAP_STILLBORN && master->failure[0] == '\0')
		(void)snprintf(master->failure, sizeof(master->failure),
		    "a worker died while it was starting (%s)", text);
	master->deaths += verdict == REAP_CRASHED || verdict == REAP_KILLED ||
			  verdict == REAP_STILLBORN;
	LOG_AT(verdict_level(verdict), 0, "worker.exit",
	    "slot=%u child=%ld verdict=%s %s reason=%s lived_ms=%lld", slot,
	    (long)note.pid, reap_verdict_name(verdict), text,
	    seat_reason_name(reason), (long long)lived_us / 1000);
	/* Before the keeper gives up what it computed. */
	crash_keep_end(master, (pid_t)note.pid, text);
	keeper_seat_note(&master->keeper, &note);
	(void)master_hook(master, HOOK_CHILD_EXIT, (int)slot, (pid_t)note.pid,
	    status);
}

static void
bury_keeper(struct master *master, int status)
{
	pid_t pid = master->keeper.seat.pid;
	enum reap_verdict verdict;
	char text[64];

	nursery_read_seat(master, &master->keeper.seat, KEEPER);
	tally_keep(&master->tally, &master->keeper.seat.beat);
	verdict = keeper_seat_exited(&master->keeper, status, master->now_us);
	LOG_AT(verdict_level(verdict), 0, "keeper.exit",
	    "child=%ld verdict=%s %s", (long)pid, reap_verdict_name(verdict),
	    reap_describe(status, text, sizeof(text)));
}

void
nursery_reap(struct master *master)
{
	struct reap_death death;
	int slot;

	while (reap_next(&death)) {
		slot = crew_find(&master->crew, death.pid);
		if (slot >= 0)
			bury_worker(master, (unsigned)slot, death.status);
		else if (death.pid == master->keeper.seat.pid)
			bury_keeper(master, death.status);
		else if (admin_exited(master, death.pid, death.status))
			continue;
		else if (death.pid == master->reload.check.pid)
			reload_checked(master, death.status);
		else if (death.pid == master->upgrade.pid)
			upgrade_ended(master, death.status);
		else
			log_debug("master.stranger", "child=%ld",
			    (long)death.pid);
	}
}
