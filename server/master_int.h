/* SPDX-License-Identifier: MIT */
#ifndef SERVER_MASTER_INT_H
#define SERVER_MASTER_INT_H

#include <poll.h>
#include <stdint.h>

#include "server/base/buf.h"
#include "server/base/handoff.h"
#include "server/base/log.h"
#include "server/changes.h"
#include "server/control.h"
#include "server/crew.h"
#include "server/keeper_seat.h"
#include "server/listen.h"
#include "server/master.h"
#include "server/pidfile.h"
#include "server/preflight.h"
#include "server/sig.h"
#include "server/spawn.h"
#include "server/statsd.h"
#include "server/tally.h"
#include "server/upgrade.h"

/*
 * The master's own state, shared by master.c (the loop), launch.c (start and
 * end), nursery.c (children), reload.c (SIGHUP), upgrade.c and heir.c
 * (SIGUSR2). Private to these.
 *
 * OWNERSHIP  struct master owns everything from the pid file to the seats;
 *            options and children are borrowed.
 * THREADS    One.
 */

/* What one generation of workers runs with. */
struct generation {
	struct master_settings settings;
	struct listen_set listeners;
};

enum reload_state {
	RELOAD_IDLE,
	RELOAD_CHECKING, /* a child tries the new settings */
	RELOAD_STARTING  /* new workers start beside the old ones */
};

struct reload {
	enum reload_state state;
	bool again;              /* asked for once more meanwhile */
	bool dropped;            /* CHECKING: the check is being killed */
	unsigned finished;       /* how many have ended, well or not */
	bool failed;             /* the last one */
	struct preflight check;  /* CHECKING */
	struct generation other; /* CHECKING: the new one, else the old one */
	char text[PREFLIGHT_TEXT_MAX]; /* why the last one failed */
};

#define CRASH_LINES 100

/* What is known of the last worker that crashed or was found stuck. */
struct crash {
	int64_t wall_ms; /* 0: none yet */
	unsigned slot;
	pid_t pid;
	char text[sizeof(((struct handoff_status *)0)->text)];
	char status[64]; /* how it ended; "" while it has not */
	unsigned count;  /* lines of its stacks */
	char (*lines)[sizeof(((struct handoff_status *)0)->text)];
};

struct master {
	const struct master_children *children;
	struct generation current; /* what a new worker gets */
	struct reload reload;
	bool activated;        /* the service manager has opened the sockets */
	int64_t watchdog_us;   /* it wants a sign of life this often; 0: not */
	int64_t watchdog_next; /* when it gets the next one */
	struct control control;
	struct upgrade upgrade; /* SIGUSR2: our successor */
	struct heir heir;       /* and whose successor we are */
	struct identity identity;
	struct pidfile pidfile;
	struct sig sig;
	struct spawn spawn;
	struct crew crew;
	struct keeper_seat keeper;
	enum crew_stop keeper_stop; /* how the keeper has been asked */
	struct keeper_seat admin;   /* serves metrics_bind; it gets no notes */
	enum crew_stop admin_stop;
	struct listen_set admin_listeners;
	struct tally tally;
	struct statsd statsd;
	struct changes changes; /* what `reload` is about */
	int64_t drain_us;       /* asked to stop, stops then; 0: not asked */
	struct pollfd *polls;   /* POLL_SEATS fixed ones, each slot */
	int64_t now_us;         /* of this turn of the loop */
	struct crash crash;
	int64_t started_us;
	unsigned deaths;        /* of workers, unasked */
	unsigned hooked_target; /* as last told to nworkers_changed */
	int exit_status;
	struct log_gate garbage;
	char failure[sizeof(((struct handoff_status *)0)->text)];
};

/* Places in master.polls. */
enum {
	POLL_SIGNALS,
	POLL_KEEPER,
	POLL_ADMIN,
	POLL_NOTES,
	POLL_CHECK,
	POLL_UPGRADE,
	POLL_PARENT,
	POLL_CHANGES,
	POLL_CONTROL, /* CONTROL_POLLS of them */
	POLL_SEATS = POLL_CONTROL + CONTROL_POLLS
};

/* --- master.c ------------------------------------------------------------- */

/* What several ways of asking lead to; `name` says who asks. */
void master_stop(struct master *master, enum crew_stop how, const char *name);
void master_reopen_logs(struct master *master);

/* Run a hook of the app about a worker, slot -1: about none. */
int master_hook(const struct master *master, enum hook_event event, int slot,
    pid_t pid, int status);

/* --- control_command.c --------------------------------------------------- */

/* Carry out a line of the control socket (a control_answer). */
void control_command(void *master, struct control_client *client);

/* Answer those who wait for a reload or an upgrade, when it is over. */
void control_command_reloaded(struct master *master);
void control_command_upgraded(struct master *master);

/* --- control_cache.c ----------------------------------------------------- */

/* Add what is known of the cache to an answer. */
struct cJSON;
void control_cache(const struct master *master, struct cJSON *answer);

/*
 * Add "waits": how many requests wait in all workers for each value, by the
 * first digits of its key, and "more": some wait for others that a worker did
 * not name.
 */
struct board;
void control_waits(const struct board *board, struct cJSON *answer);

/* --- launch.c ------------------------------------------------------------ */

/* Everything empty; launch_finish() may follow at any time. */
void launch_init(struct master *master, const struct server_options *options,
    const struct master_children *children);

/*
 * All that comes before the first fork of a worker, in order. On failure *why
 * says what is wrong; -EINTR: a signal asked to stop. 0 or negative.
 */
int launch_start(struct master *master, struct buf *why);

/* The check of the app alone; as launch_start(). */
int launch_try(struct master *master, struct buf *why);

/* Write the logs where the settings say. 0, or negative with *why. */
int launch_open_logs(const struct server_options *options, struct buf *why);

/* The settings as the crew wants them. */
struct crew_rules launch_rules(const struct server_options *options);

/* How to listen, as the settings have it. */
struct listen_rules launch_listen_rules(const struct server_options *options);

/* Open the control socket, or give it its final name. 0 or negative. */
int launch_open_control(struct master *master, struct buf *why);

/* Say in the log where the server listens, and what is worth knowing. */
void launch_log_listeners(const struct master *master);

/* Close, remove and free everything. */
void launch_finish(struct master *master);

/* Say why there is no server: each line in the log, all of it on stderr. */
void launch_report(const char *event, struct buf *why);

/* --- nursery.c ------------------------------------------------------------ */

/* In a child, as spawn.forget: close what is the master's alone. */
void nursery_forget(void *master, const struct spawn_job *job);

/* Fork, and tell crew or keeper_seat how that went. */
void nursery_fork_worker(struct master *master, unsigned slot);
void nursery_fork_keeper(struct master *master);

/* admin.c: the process that serves metrics_bind. */
void admin_look(struct master *master); /* each turn of the loop */
int64_t admin_deadline(const struct master *master);
bool admin_exited(struct master *master, pid_t pid, int status);

/* Take what the children have reported. */
void nursery_read(struct master *master);
void nursery_read_seat(struct master *master, struct seat *seat, int slot);

/* Bury every child that has ended, tell the log and the keeper. */
void nursery_reap(struct master *master);

/* --- crash_keep.c ----------------------------------------------------------
 */

/* Lines of a report, as they come; each is logged. */
void crash_keep_begin(struct master *master, unsigned slot, const char *event,
    const char *text);
void crash_keep_line(struct master *master, unsigned slot, const char *text);

/* The worker has been buried. */
void crash_keep_end(struct master *master, pid_t pid, const char *status);

void crash_keep_free(struct master *master);

/* --- reload.c ------------------------------------------------------------- */

/*
 * SIGHUP: new settings and new workers, or none of it. Whatever is wrong is
 * logged and leaves everything as it was. While one is under way, another is
 * done after it; with `anew`, in its place, as long as it is only checked.
 */
void reload_begin(struct master *master, bool anew);

/* Each turn of the loop. */
void reload_look(struct master *master);

/* Watch the files that the setting `reload` is about, or none. */
void reload_watch(struct master *master);

/* The child that checks has ended with `status`. */
void reload_checked(struct master *master, int status);

/* The crew says: the new generation serves; or it has failed. */
void reload_done(struct master *master);
void reload_undone(struct master *master);

/* The server stops: nothing of it goes on. */
void reload_abandon(struct master *master);

#endif
