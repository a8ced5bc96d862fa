/* SPDX-License-Identifier: MIT */

/*
 * The master's life: start in a fixed order, loop, end in the reverse order.
 *
 * The loop is a list of intents; each turn does all of them and then sleeps
 * until a signal, a child's message or the next deadline. What has to be done
 * is decided in crew.c and keeper_seat.c, from events and the time alone;
 * nursery.c and the functions here are the hands: fork, kill, read, log.
 *
 * INVARIANT  Only pids in a seat are ever signalled, and a seat is emptied
 *            only after its pid was reaped; so a pid that the kernel has given
 *            to somebody else is never hit, not even as process 1.
 * OWNERSHIP  See master_int.h.
 * THREADS    One.
 * FAILURE    Before serving: a sentence in the log and on stderr, status 1.
 *            Afterwards the master goes on, whatever dies.
 *
 * See launch.c (before and after), crew.c (policy), nursery.c (children).
 */
#include "server/master.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/daemon.h"
#include "server/master_int.h"
#include "server/notify.h"

#define SECOND_US INT64_C(1000000)
#define GAP_US (2 * SECOND_US)
#define FRESH_US (5 * SECOND_US)
#define WAIT_MAX_MS 1000

int
master_hook(const struct master *master, enum hook_event event, int slot,
    pid_t pid, int status)
{
	const struct hook_about about = { .slot = slot,
		.pid = pid,
		.workers = master->crew.target,
		.before = master->hooked_target,
		.status = status };

	return master->children->hook != NULL
		   ? master->children->hook(event, &about)
		   : 0;
}

/* Whoever has changed it: a POSIX signal, ctl or a reload. */
static void
notice_target(struct master *master)
{
	if (master->crew.target == master->hooked_target)
		return;
	if (master->hooked_target != 0)
		(void)master_hook(master, HOOK_NWORKERS_CHANGED, -1, getpid(),
		    0);
	master->hooked_target = master->crew.target;
}

static void
announce(struct master *master)
{
	struct buf url = BUF_EMPTY;
	struct buf state = BUF_EMPTY;
	const char *text;

	(void)listen_print_url(&master->current.listeners.sockets[0].address,
	    master->current.settings.secure, &url);
	text = buf_cstr(&url);
	log_info("master.ready", "url=%s workers=%u threads=%lld", text,
	    master->crew.target, (long long)master->current.settings.threads);
	if (isatty(STDOUT_FILENO)) {
		(void)printf("Pronghorn serves %s (Ctrl-C stops it)\n", text);
		(void)fflush(stdout);
	}
	(void)buf_printf(&state, "READY=1\nMAINPID=%ld\nSTATUS=Serving %s",
	    (long)getpid(), text);
	(void)notify_send(buf_cstr(&state));
	(void)master_hook(master, HOOK_WHEN_READY, -1, getpid(), 0);
	heir_ready(&master->heir);
	daemon_ready(master->current.settings.options);
	buf_free(&url);
	buf_free(&state);
}

/*
 * How many places of polls are in use. Those of empty seats at the end are
 * left out: poll() takes no more than the process may have descriptors.
 */
static nfds_t
fill_polls(struct master *master)
{
	struct pollfd *polls = master->polls;
	nfds_t count = POLL_SEATS;
	unsigned slot;

	polls[POLL_SIGNALS].fd = sig_fd(&master->sig);
	polls[POLL_KEEPER].fd = master->keeper.seat.status_fd;
	polls[POLL_ADMIN].fd = master->admin.seat.status_fd;
	polls[POLL_NOTES].fd = -1;
	if (master->keeper.sent < master->keeper.count)
		polls[POLL_NOTES].fd = master->keeper.notes_fd;
	polls[POLL_NOTES].events = POLLOUT;
	polls[POLL_CHECK].fd = master->reload.check.fd;
	polls[POLL_UPGRADE].fd = master->upgrade.ready_fd;
	polls[POLL_PARENT].fd = master->heir.parent_fd;
	polls[POLL_CHANGES].fd = master->changes.fd;
	control_poll(&master->control, polls + POLL_CONTROL);
	for (slot = 0; slot < master->crew.slot_count; slot++) {
		polls[POLL_SEATS + slot].fd =
		    master->crew.seats[slot].status_fd;
		if (master->crew.seats[slot].status_fd >= 0)
			count = POLL_SEATS + slot + 1;
	}
	return count;
}

static int64_t
next_deadline(const struct master *master)
{
	int64_t deadline_us = crew_deadline(&master->crew, master->now_us);
	int64_t other_us;

	other_us = keeper_seat_deadline(&master->keeper, master->now_us);
	if (other_us < deadline_us)
		deadline_us = other_us;
	other_us = admin_deadline(master);
	if (other_us < deadline_us)
		deadline_us = other_us;
	if (master->drain_us > 0 && master->drain_us < deadline_us)
		deadline_us = master->drain_us;
	other_us = statsd_deadline(&master->statsd);
	if (other_us < deadline_us)
		deadline_us = other_us;
	other_us = master->reload.check.end_us;
	if (master->reload.check.pid > 0 && !master->reload.check.overdue &&
	    other_us < deadline_us)
		deadline_us = other_us;
	if (master->watchdog_us > 0 && master->watchdog_next < deadline_us)
		deadline_us = master->watchdog_next;
	other_us = upgrade_deadline(master);
	if (other_us < deadline_us)
		deadline_us = other_us;
	other_us = heir_deadline(master);
	if (other_us < deadline_us)
		deadline_us = other_us;
	other_us = changes_deadline(&master->changes);
	if (other_us < deadline_us)
		deadline_us = other_us;
	other_us = control_deadline(&master->control);
	return other_us < deadline_us ? other_us : deadline_us;
}

/* The loop turns; is there also a worker that has shown signs of life? */
static bool
is_alive(const struct master *master)
{
	const struct seat *seat;
	unsigned slot;

	if (!master->crew.serving || master->crew.stop != CREW_RUN ||
	    master->crew.resting)
		return true; /* other limits watch over start and stop */
	for (slot = 0; slot < master->crew.slot_count; slot++) {
		seat = &master->crew.seats[slot];
		if (seat->state == SEAT_READY &&
		    master->now_us - seat->beat_us < FRESH_US)
			return true;
	}
	return false;
}

static void
feed_watchdog(struct master *master)
{
	int64_t wait_us = master->watchdog_us;

	if (wait_us == 0 || master->now_us < master->watchdog_next)
		return;
	if (is_alive(master))
		(void)notify_send("WATCHDOG=1");
	else
		wait_us = SECOND_US / 10;
	master->watchdog_next = master->now_us + wait_us;
}

static void
wait_for_events(struct master *master)
{
	int64_t deadline_us;
	int64_t wait_ms = -1;
	int64_t before_us;
	int64_t gap_us;
	nfds_t count = fill_polls(master);

	before_us = clock_mono_us();
	deadline_us = next_deadline(master);
	if (deadline_us != INT64_MAX) {
		wait_ms = (deadline_us - before_us + 999) / 1000;
		if (wait_ms < 0)
			wait_ms = 0;
		/* Short, or a stopped master could not be told from a wait. */
		if (wait_ms > WAIT_MAX_MS)
			wait_ms = WAIT_MAX_MS;
	}
	(void)poll(master->polls, count, (int)wait_ms);
	master->now_us = clock_mono_us();

	gap_us = master->now_us - before_us - wait_ms * 1000;
	if (wait_ms >= 0 && gap_us > GAP_US) {
		log_warn(0, "master.gap", "slept_ms=%lld",
		    (long long)gap_us / 1000);
		crew_excuse(&master->crew, gap_us);
		keeper_seat_excuse(&master->keeper, gap_us);
		keeper_seat_excuse(&master->admin, gap_us);
	}
}

void
master_reopen_logs(struct master *master)
{
	unsigned slot;
	int rc;

	rc = log_reopen();
	/* Before the others are told to open it. */
	if (rc == 0)
		(void)identity_give_log(&master->identity);
	if (rc < 0)
		log_error(rc, "master.reopen",
		    "note=\"still writing to the old file\"");
	else
		log_info("master.reopen", "note=\"log files are open again\"");
	for (slot = 0; slot < master->crew.slot_count; slot++) {
		if (master->crew.seats[slot].pid > 0)
			(void)kill(master->crew.seats[slot].pid, SIGUSR1);
	}
	if (master->keeper.seat.pid > 0)
		(void)kill(master->keeper.seat.pid, SIGUSR1);
	if (master->admin.seat.pid > 0)
		(void)kill(master->admin.seat.pid, SIGUSR1);
}

static void
resize(struct master *master, int delta)
{
	if (crew_resize(&master->crew, delta))
		log_info("master.resize", "workers=%u", master->crew.target);
	else
		log_warn(0, "master.resize",
		    "workers=%u note=\"as %s as it gets\"", master->crew.target,
		    delta > 0 ? "many" : "few");
}

/* The old workers may go when there are new ones, or nobody is at home. */
static void
rest(struct master *master)
{
	if (!master->current.settings.options->daemon &&
	    master->upgrade.pid == 0) {
		log_info("master.rest",
		    "note=\"WINCH is for an upgrade, or for a daemon\"");
		return;
	}
	log_info("master.rest", "workers=%u note=\"they finish and go\"",
	    master->crew.target);
	crew_rest(&master->crew, true);
}

/* What an heir serves, too, is left to it. */
static void
hand_over(struct master *master)
{
	struct listen_set *set = &master->current.listeners;
	char state[64];

	if (upgrade_passes_on(master)) {
		(void)snprintf(state, sizeof(state), "MAINPID=%ld",
		    (long)master->upgrade.pid);
		(void)notify_send(state);
		listen_forget(set);
		listen_forget(&master->admin_listeners);
		return;
	}
	(void)notify_send("STOPPING=1");
	listen_close(set);
	if (master->upgrade.pid > 0)
		(void)kill(master->upgrade.pid, SIGTERM);
}

/* Does nobody but us and our workers listen on these sockets? */
static bool
is_sole_listener(const struct master *master)
{
	const struct listen_set *set = &master->current.listeners;
	size_t i;

	if (master->activated || master->upgrade.pid > 0 ||
	    master->heir.parent != 0)
		return false;
	for (i = 0; i < set->count; i++) {
		if (set->sockets[i].shared ||
		    set->sockets[i].asked.kind == LISTEN_FD)
			return false;
	}
	return true;
}

/* Workers close their copies when they have taken what has queued up. */
static void
shut_listeners(const struct master *master)
{
	unsigned slot;

	if (!is_sole_listener(master))
		return;
	for (slot = 0; slot < master->crew.slot_count; slot++)
		seat_order(&master->crew.seats[slot], HANDOFF_ORDER_SHUT, 0);
}

/*
 * Readiness fails first and requests are still taken, so that load balancers
 * can go elsewhere. True while that goes on; asked once more, it ends.
 */
static bool
begin_drain(struct master *master, const char *name)
{
	double delay = master->current.settings.options->drain_delay;

	if (delay <= 0 || master->drain_us != 0 || !master->crew.serving ||
	    upgrade_passes_on(master)) /* another one serves on */
		return false;
	master->drain_us = master->now_us + (int64_t)(delay * 1e6);
	log_info("master.drain", "signal=%s seconds=%g", name, delay);
	(void)notify_send("STATUS=Draining");
	tally_put(master, true);
	return true;
}

static void
look_at_drain(struct master *master)
{
	if (master->drain_us != 0 && master->now_us >= master->drain_us &&
	    master->crew.stop == CREW_RUN)
		master_stop(master, CREW_STOP, "TERM");
}

void
master_stop(struct master *master, enum crew_stop how, const char *name)
{
	static const char *const names[] = { "", "graceful", "quick", "kill" };

	/* A quick stop asked for once more: no more patience. */
	if (how == CREW_QUIT && master->crew.stop >= CREW_QUIT)
		how = CREW_KILL;
	if (how <= master->crew.stop)
		return;
	if (how == CREW_STOP &&
	    (upgrade_defers_stop(master) || begin_drain(master, name)))
		return;
	log_info("master.stop", "signal=%s how=%s", name, names[how]);
	if (how == CREW_STOP)
		shut_listeners(master);
	crew_end(&master->crew, how, master->now_us);
	/* Then nobody listens: a new client is refused at once. */
	reload_abandon(master);
	hand_over(master);
	tally_put(master, true);
}

static void
take_signals(struct master *master)
{
	const struct sig_row *row;

	while ((row = sig_next(&master->sig)) != NULL) {
		switch (row->action) {
		case SIG_DO_STOP:
			master_stop(master, CREW_STOP, row->name);
			break;
		case SIG_DO_QUIT:
			master_stop(master, CREW_QUIT, row->name);
			break;
		case SIG_DO_RESTART:
			reload_begin(master, false);
			break;
		case SIG_DO_REOPEN:
			master_reopen_logs(master);
			break;
		case SIG_DO_UPGRADE:
			(void)upgrade_begin(master);
			break;
		case SIG_DO_REST:
			rest(master);
			break;
		case SIG_DO_MORE:
			resize(master, 1);
			break;
		case SIG_DO_FEWER:
			resize(master, -1);
			break;
		case SIG_DO_REAP:
			break; /* has woken us, which is all it is for */
		}
	}
}

static void
send_signal(const struct crew_action *action)
{
	if (action->reason == SEAT_SILENT && action->sig == SIGABRT)
		log_error(0, "worker.timeout",
		    "slot=%u child=%ld silent_ms=%lld", action->slot,
		    (long)action->pid, (long long)action->silent_us / 1000);
	else if (action->reason == SEAT_SLOW)
		log_error(0, "worker.boot_timeout", "slot=%u child=%ld",
		    action->slot, (long)action->pid);
	else
		log_debug("worker.signal", "slot=%u child=%ld signal=%d",
		    action->slot, (long)action->pid, action->sig);
	(void)kill(action->pid, action->sig);
}

static void
give_up(struct master *master)
{
	struct buf why = BUF_EMPTY;

	(void)buf_puts(&why, "giving up, no worker starts");
	if (master->failure[0] != '\0')
		(void)buf_printf(&why, ": %s", master->failure);
	launch_report("master.give_up", &why);
	buf_free(&why);
	master->exit_status = 1;
	crew_end(&master->crew, CREW_QUIT, master->now_us);
}

static void
run_crew(struct master *master)
{
	struct crew_action action;

	while (crew_next(&master->crew, master->now_us, &action)) {
		switch (action.what) {
		case CREW_DO_FORK:
			nursery_fork_worker(master, action.slot);
			break;
		case CREW_DO_SIGNAL:
			send_signal(&action);
			break;
		case CREW_DO_SERVE:
			announce(master);
			break;
		case CREW_DO_RESTARTED:
			reload_done(master);
			break;
		case CREW_DO_KEEP:
			reload_undone(master);
			break;
		case CREW_DO_GIVE_UP:
			give_up(master);
			break;
		}
	}
}

static void
run_keeper(struct master *master)
{
	static const int sigs[] = { 0, SIGTERM, SIGTERM, SIGKILL };
	static const int64_t patience_us[] = { 0, 5 * SECOND_US, 2 * SECOND_US,
		0 };
	enum crew_stop how = master->crew.stop;

	/* Last of all: it still hears of the deaths of the workers. */
	if (how > master->keeper_stop && crew_gone(&master->crew)) {
		master->keeper_stop = how;
		keeper_seat_stop(&master->keeper, sigs[how], patience_us[how],
		    master->now_us);
	}
	/* One that hangs hands on nothing of what the dead have computed. */
	keeper_seat_watch(&master->keeper, "keeper.timeout",
	    master->crew.rules.timeout_us > 0, master->now_us);
	/* A Ctrl-C may have ended it already; that is not worth a new one. */
	if (how < CREW_QUIT &&
	    keeper_seat_wants_fork(&master->keeper, master->now_us))
		nursery_fork_keeper(master);
}

static bool
is_over(const struct master *master)
{
	return master->crew.stop != CREW_RUN && crew_gone(&master->crew) &&
	       master->keeper.seat.state == SEAT_EMPTY &&
	       master->admin.seat.state == SEAT_EMPTY;
}

static void
loop(struct master *master)
{
	master->now_us = clock_mono_us();
	master->started_us = master->now_us;
	master->watchdog_us = notify_watchdog_us();
	run_keeper(master); /* before the workers that may need it */
	run_crew(master);
	tally_put(master, true);
	admin_look(master);
	while (!is_over(master)) {
		wait_for_events(master);
		take_signals(master);
		if (master->children->turn != NULL)
			master->children->turn();
		look_at_drain(master);
		nursery_read(master);
		nursery_reap(master);
		reload_look(master);
		upgrade_look(master);
		heir_look(master);
		control_turn(&master->control, master->now_us, control_command,
		    master);
		feed_watchdog(master);
		keeper_seat_flush(&master->keeper);
		notice_target(master);
		run_crew(master);
		run_keeper(master);
		admin_look(master);
		tally_put(master, false);
		statsd_look(master);
	}
}

int
master_run(const struct server_options *options,
    const struct master_children *children)
{
	struct master master;
	struct buf why = BUF_EMPTY;
	int rc;

	launch_init(&master, options, children);
	(void)prctl(PR_SET_NAME, options->proc_name);
	rc = launch_start(&master, &why);
	if (rc == 0) {
		loop(&master);
		(void)master_hook(&master, HOOK_ON_EXIT, -1, getpid(), 0);
	} else if (rc != -EINTR) { /* else a signal: an orderly stop */
		launch_report("master.start", &why);
		master.exit_status = 1;
	}
	launch_finish(&master);
	log_info("master.exit", "status=%d", master.exit_status);
	buf_free(&why);
	return master.exit_status;
}

int
master_try(const struct server_options *options,
    const struct master_children *children, struct buf *why)
{
	struct master master;
	int rc;

	launch_init(&master, options, children);
	rc = launch_try(&master, why);
	launch_finish(&master);
	return rc;
}
