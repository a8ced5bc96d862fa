/* SPDX-License-Identifier: MIT */

/*
 * The admin process: a worker of another kind that serves metrics_bind, so
 * that metrics can be had while all workers hang, and no scrape takes a
 * thread from them. Started with the first workers, again when it dies or
 * hangs, as the keeper is, and
 * stopped after the last of them, or when a new program serves in its place
 * (upgrade.h).
 *
 * THREADS  Master only.
 */
#include <signal.h>

#include "server/master_int.h"

#define SECOND_US INT64_C(1000000)

static void
fork_admin(struct master *master)
{
	struct spawn_job job = { .title = "admin",
		.entry = master->children->admin,
		.context = master->current.settings.context,
		.slot = master->spawn.slot_count - 1,
		.worker_id = spawn_new_id(&master->spawn),
		.notes_fd = -1,
		.orders_fd = -1,
		.listen_fds = master->admin_listeners.fds,
		.listen_count = master->admin_listeners.count,
		.admin = true };
	struct spawn_child child = { 0 };
	int rc;

	rc = spawn_fork(&master->spawn, &job, &child);
	if (rc < 0) {
		log_error(rc, "admin.fork", "note=\"will be tried again\"");
		keeper_seat_not_forked(&master->admin, master->now_us);
		return;
	}
	keeper_seat_forked(&master->admin, child.pid, child.status_fd, -1,
	    master->now_us);
	log_info("admin.fork", "child=%ld", (long)child.pid);
}

void
admin_look(struct master *master)
{
	static const int sigs[] = { 0, SIGTERM, SIGQUIT, SIGKILL };
	enum crew_stop how = master->crew.stop;

	if (how > master->admin_stop && crew_gone(&master->crew)) {
		master->admin_stop = how;
		keeper_seat_stop(&master->admin, sigs[how],
		    how == CREW_KILL ? 0 : 2 * SECOND_US, master->now_us);
	}
	/* A new program answers for the server now. */
	if (upgrade_passes_on(master) &&
	    master->admin.seat.state != SEAT_LEAVING)
		seat_leave(&master->admin.seat, SEAT_RESTART, SIGTERM,
		    2 * SECOND_US, master->now_us);
	keeper_seat_watch(&master->admin, "admin.timeout",
	    master->crew.rules.timeout_us > 0, master->now_us);
	if (how == CREW_RUN && master->admin_listeners.count > 0 &&
	    master->children->admin != NULL && !upgrade_passes_on(master) &&
	    keeper_seat_wants_fork(&master->admin, master->now_us))
		fork_admin(master);
}

int64_t
admin_deadline(const struct master *master)
{
	if (master->admin.seat.state == SEAT_EMPTY &&
	    (master->admin_listeners.count == 0 || upgrade_passes_on(master)))
		return INT64_MAX;
	return keeper_seat_deadline(&master->admin, master->now_us);
}

bool
admin_exited(struct master *master, pid_t pid, int status)
{
	enum reap_verdict verdict;
	char text[64];

	if (pid != master->admin.seat.pid || pid == 0)
		return false;
	verdict = keeper_seat_exited(&master->admin, status, master->now_us);
	log_info("admin.exit", "child=%ld verdict=%s %s", (long)pid,
	    reap_verdict_name(verdict),
	    reap_describe(status, text, sizeof(text)));
	return true;
}
