/* SPDX-License-Identifier: MIT */

/*
 * The keeper's loop: wait for a note, a signal, the master's end or the next
 * piece of work, whichever comes first.
 *
 * INVARIANT  Nothing here waits without a bound: locks are tried for
 *            milliseconds, a full status pipe loses a beat.
 * FAILURE    A failing database is reported (db.c) and tried again; the
 *            keeper goes on beating. A note whose row could not be changed
 *            stays in the list.
 */
#include "cache/keeper.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/cache_int.h"
#include "cache/folder.h"
#include "cache/gate.h"
#include "cache/handon.h"
#include "cache/mark.h"
#include "cache/prepare.h"
#include "cache/session.h"
#include "cache/upkeep.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define TICK_MORE_MS 5   /* while there is more to delete */
#define TICK_BUSY_MS 10  /* while the log is being written */
#define TICK_IDLE_MS 200 /* else */
#define BUSY_US 500000   /* it is, when it was a moment ago */
#define SECOND_US 1000000
#define REOPEN_US 10000000 /* between attempts on a failed database */
#define MINUTE_US INT64_C(60000000)
#define DEATHS_MAX 2      /* by SIGBUS in a minute */
#define FINISH_US 1000000 /* for the last worker to close the database */
#define PENDING_MAX 256   /* notes that wait for the database */
#define REPAIR_S 60       /* prepare_repair() waits for others, several times */

enum keeper_poll { POLL_SIGNAL, POLL_DEATH, POLL_NOTES, POLLS };

struct keeper {
	const struct handoff *handoff;
	const struct cache_options *options;
	struct cache *cache; /* NULL while the database cannot be opened */
	struct upkeep upkeep;
	struct pollfd polls[POLLS];
	int64_t pending[PENDING_MAX]; /* worker ids, oldest first */
	unsigned pending_count;
	struct db_log_inodes log; /* that our connection has open */
	char part[sizeof(struct handoff_note)]; /* of a note */
	size_t part_len;
	int64_t second_us;  /* when the once-a-second work is due */
	int64_t busy_us;    /* when the log was seen written to last */
	int64_t reopen_us;  /* when to try the database again */
	int64_t doubt_us;   /* when damage was not confirmed last */
	int64_t death_us;   /* when a worker died of SIGBUS last */
	int64_t full_stamp; /* of the lock file, as dealt with */
	int64_t room_us;    /* when to look for room again */
	unsigned deaths;    /* by SIGBUS, each within a minute of the other */
	bool more;          /* the last step left work behind */
	bool ready;         /* to work, and has said so */
	bool stop;
	bool at_once; /* do not wait for others when stopping */
};

/* --- messages to the master -------------------------------------------- */

static void
send(const struct keeper *keeper, const struct handoff_status *status)
{
	struct pollfd ready = { .fd = keeper->handoff->status_fd,
		.events = POLLOUT };

	/* A master that does not read must not stop us: lose the message. */
	if (poll(&ready, 1, 0) == 1 && ready.revents & POLLOUT)
		(void)fd_write_full(ready.fd, status, sizeof(*status));
}

static void
send_status(const struct keeper *keeper, enum handoff_status_kind kind,
    const char *text)
{
	struct handoff_status status = { .kind = kind };

	(void)snprintf(status.text, sizeof(status.text), "%s", text);
	send(keeper, &status);
}

/* `silent_s`: for how long no other one may follow; 0: as always. */
static void
send_beat(const struct keeper *keeper, uint32_t silent_s)
{
	struct handoff_status status = { .kind = HANDOFF_BEAT,
		.value = silent_s };

	memset(&status.beat, 0, sizeof(status.beat));
	counts_sum(&status.beat.cache);
	upkeep_gauges(&keeper->upkeep, keeper->cache, &status.beat.cache);
	send(keeper, &status);
}

/* --- the database ------------------------------------------------------ */

static int
open_cache(struct keeper *keeper)
{
	const struct handoff *handoff = keeper->handoff;
	struct cache_peer peer = {
		.slot = handoff->slot_count, /* none of the workers' */
		.wake_fds = handoff->wake_fds,
		.slot_count = handoff->slot_count,
	};
	unsigned count;
	int rc;

	rc = cache_open(&keeper->cache, keeper->options, &peer);
	if (rc == 0) {
		upkeep_init(&keeper->upkeep);
		(void)handon_vanished(keeper->cache, &count);
		keeper->log = db_log_inodes(keeper->options->cache_dir);
	}
	return rc;
}

static bool
has_database(const struct keeper *keeper)
{
	return keeper->cache != NULL && keeper->cache->db.handle != NULL &&
	       !keeper->cache->db.latched;
}

/* Is another file than ours in the folder, or none? */
static bool
is_lost(const struct keeper *keeper)
{
	return has_database(keeper) &&
	       db_inode(keeper->options->cache_dir) != keeper->cache->db.inode;
}

/*
 * Has somebody taken the log or its index away? Connections that are open go
 * on with those, new ones make others, and the two know nothing of each
 * other's locks: what either copies into the file damages it.
 */
static bool
log_is_lost(const struct keeper *keeper)
{
	struct db_log_inodes now = db_log_inodes(keeper->options->cache_dir);

	return has_database(keeper) && !is_lost(keeper) &&
	       keeper->log.log != 0 && keeper->log.index != 0 &&
	       (now.log != keeper->log.log || now.index != keeper->log.index);
}

/* What is wrong with the file: a sentence for the log, or NULL. */
static const char *
find_trouble(struct keeper *keeper)
{
	const char *folder = keeper->options->cache_dir;
	uint64_t inode = db_inode(folder);

	if (keeper->deaths >= DEATHS_MAX)
		return "workers die of it";
	if (mark_is_set(folder))
		return "damaged";
	if (inode == 0)
		return "gone";
	if (is_lost(keeper))
		return "replaced";
	if (log_is_lost(keeper))
		return "its log was removed";
	return has_database(keeper) ? NULL : "not open";
}

/*
 * Once a second, and when it is not there: is the file ours and sound? If not,
 * this process, and no other, puts a new one in its place, and all workers
 * follow (see cache_watch()). Damage is confirmed first, but not twice in a
 * minute: what a check does not find and workers meet again and again is
 * damage, too.
 */
static void
look_after_file(struct keeper *keeper, int64_t now_us)
{
	const char *folder = keeper->options->cache_dir;
	const char *trouble = find_trouble(keeper);
	uint64_t inode = db_inode(folder);
	bool damaged = mark_is_set(folder);
	bool hopeless = keeper->deaths >= DEATHS_MAX || log_is_lost(keeper);
	bool doubtful = hopeless || now_us - keeper->doubt_us < MINUTE_US;
	int rc;

	mark_clear_old(folder);
	if (trouble == NULL || now_us < keeper->reopen_us)
		return;
	if (hopeless)
		mark_set(folder, inode);
	if (inode == 0) /* it is of no use, and may hold the room we need */
		cache_close(&keeper->cache);
	if (keeper->ready) /* its start may take long in any case */
		send_beat(keeper, REPAIR_S);
	rc = prepare_repair(keeper->options, doubtful);
	if (rc < 0) { /* no rights, no room: try again in a while */
		keeper->reopen_us =
		    now_us + (rc == ERR_FULL ? SECOND_US : REOPEN_US);
		return;
	}
	keeper->deaths = 0;
	if (rc == 0 && damaged)
		keeper->doubt_us = now_us;
	cache_close(&keeper->cache);
	keeper->full_stamp = 0; /* the lock file may be another one */
	if (open_cache(keeper) < 0) {
		keeper->reopen_us = now_us + REOPEN_US;
		return;
	}
	if (rc == 0)
		return;
	if (inode != 0)
		counts_add(&keeper->cache->counts, COUNT_QUARANTINE, 1);
	log_warn(0, "keeper.new_file", "dir=%s reason=\"%s\"", folder, trouble);
	cache_hint_all(keeper->cache);
}

/* When the lock file was touched last; 0: it cannot be told. */
static int64_t
read_stamp(const struct cache *cache)
{
	struct stat st;

	if (fstat(cache->db.lock_fd, &st) < 0)
		return 0;
	return st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

/*
 * A write that finds no room touches the lock file. Then room is made; until
 * that has succeeded it is tried again every second.
 */
static void
look_after_room(struct keeper *keeper, bool second)
{
	static struct log_gate gate;
	int64_t now_us = clock_mono_us();
	struct cache *cache = keeper->cache;
	unsigned suppressed;
	int64_t stamp;
	int gone;

	if (!has_database(keeper))
		return;
	stamp = read_stamp(cache);
	if (keeper->full_stamp == 0)
		keeper->full_stamp = stamp;
	if (stamp == keeper->full_stamp) {
		if (second)
			folder_take_reserve(cache->db.dir);
		return;
	}
	if (now_us < keeper->room_us)
		return;
	keeper->room_us = now_us + SECOND_US;
	gone = upkeep_make_room(&keeper->upkeep, cache);
	/* Our own failures have touched it as well. */
	if (gone >= 0)
		keeper->full_stamp = read_stamp(cache);
	if (log_gate_open(&gate, &suppressed))
		log_warn(gone < 0 ? gone : 0, "keeper.no_room",
		    "dir=%s evicted=%d suppressed=%u", cache->db.dir,
		    gone > 0 ? gone : 0, suppressed);
}

/* --- notes ------------------------------------------------------------- */

/*
 * SIGBUS is what a mapped file gives that was cut short: the wal-index may
 * have been, or its file system is full. One may have another reason.
 */
static void
count_death(struct keeper *keeper, int sig)
{
	int64_t now_us = clock_mono_us();

	if (sig != SIGBUS)
		return;
	if (now_us - keeper->death_us > MINUTE_US)
		keeper->deaths = 0;
	keeper->death_us = now_us;
	keeper->deaths++;
}

static void
add_pending(struct keeper *keeper, int64_t worker_id)
{
	if (keeper->pending_count == PENDING_MAX) {
		log_warn(ERR_FULL, "keeper.note",
		    "worker_id=%lld left to its lease", (long long)worker_id);
		return;
	}
	keeper->pending[keeper->pending_count++] = worker_id;
}

/* Take what is in the pipe; a note may arrive in two parts. */
static void
read_notes(struct keeper *keeper)
{
	struct pollfd *poll_notes = &keeper->polls[POLL_NOTES];
	struct handoff_note note;
	char bytes[64 * sizeof(note)];
	ssize_t got;
	ssize_t i;

	got = read(poll_notes->fd, bytes, sizeof(bytes));
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		poll_notes->fd = -1;
		return;
	}
	for (i = 0; i < got; i++) {
		keeper->part[keeper->part_len++] = bytes[i];
		if (keeper->part_len < sizeof(note))
			continue;
		memcpy(&note, keeper->part, sizeof(note));
		keeper->part_len = 0;
		count_death(keeper, note.sig);
		add_pending(keeper, note.worker_id);
	}
}

static void
work_on_notes(struct keeper *keeper)
{
	unsigned count;
	unsigned done = 0;

	if (keeper->cache == NULL)
		return;
	while (done < keeper->pending_count &&
	       cache_release_owner(keeper->cache, keeper->pending[done],
		   &count) == 0)
		done++;
	keeper->pending_count -= done;
	memmove(keeper->pending, keeper->pending + done,
	    keeper->pending_count * sizeof(keeper->pending[0]));
	keeper->more = keeper->more || keeper->pending_count > 0;
}

/* --- the work ---------------------------------------------------------- */

static void
work_each_second(struct keeper *keeper)
{
	unsigned count;

	if (has_database(keeper)) {
		(void)handon_late(keeper->cache, &count);
		(void)upkeep_measure(&keeper->upkeep, keeper->cache);
		(void)upkeep_count_live(&keeper->upkeep, keeper->cache);
		(void)upkeep_count_sessions(&keeper->upkeep, keeper->cache);
	}
	send_beat(keeper, 0);
}

static void
work(struct keeper *keeper)
{
	int64_t now_us = clock_mono_us();
	bool second = now_us >= keeper->second_us;
	bool lost = is_lost(keeper);
	bool again = keeper->more;
	bool written;
	int gone;

	keeper->more = false;
	/* At once: whoever wants to write waits for a new one. */
	if ((second || lost) &&
	    strcmp(keeper->options->cache_type, "null") != 0)
		look_after_file(keeper, now_us);
	look_after_room(keeper, second);
	work_on_notes(keeper);
	if (second) {
		keeper->second_us = now_us + SECOND_US;
		work_each_second(keeper);
	}
	if (!has_database(keeper))
		return;
	written = upkeep_wal_changed(&keeper->upkeep, keeper->cache);
	if (written)
		keeper->busy_us = now_us;
	(void)upkeep_checkpoint(&keeper->upkeep, keeper->cache);
	if (!second && !again && !written)
		return;
	gone = upkeep_evict(&keeper->upkeep, keeper->cache);
	keeper->more = keeper->more || gone > 0;
	if (!second && !again)
		return;
	gone = upkeep_expire(&keeper->upkeep, keeper->cache);
	keeper->more = keeper->more || gone > 0;
	gone = session_upkeep(keeper->cache);
	keeper->more = keeper->more || gone > 0;
	gone = upkeep_prune(&keeper->upkeep, keeper->cache);
	keeper->more = keeper->more || gone > 0;
	gone = upkeep_forgive(&keeper->upkeep, keeper->cache);
	keeper->more = keeper->more || gone > 0;
	gone = upkeep_voids(&keeper->upkeep, keeper->cache);
	keeper->more = keeper->more || gone > 0;
}

static int
next_tick(const struct keeper *keeper)
{
	if (keeper->more)
		return TICK_MORE_MS;
	/*
	 * Not only while there is something to copy: a writer that goes on
	 * just after a copy would fill the log before we look again.
	 */
	if (clock_mono_us() - keeper->busy_us < BUSY_US ||
	    (keeper->cache != NULL &&
		upkeep_wal_changed(&keeper->upkeep, keeper->cache)))
		return TICK_BUSY_MS;
	return TICK_IDLE_MS;
}

/* --- the process ------------------------------------------------------- */

static void
read_signals(struct keeper *keeper)
{
	struct signalfd_siginfo info;

	while (read(keeper->polls[POLL_SIGNAL].fd, &info, sizeof(info)) ==
	       (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1:
			(void)log_reopen();
			break;
		case SIGHUP:
			break;
		default:
			keeper->stop = true;
			keeper->at_once = info.ssi_signo != SIGTERM;
			break;
		}
	}
}

static void
loop(struct keeper *keeper)
{
	struct pollfd *polls = keeper->polls;

	while (!keeper->stop) {
		if (poll(polls, POLLS, next_tick(keeper)) < 0 &&
		    errno != EINTR) {
			log_error(-errno, "keeper.poll", "ending");
			return;
		}
		if (polls[POLL_SIGNAL].revents)
			read_signals(keeper);
		if (polls[POLL_DEATH].revents)
			keeper->stop = true;
		if (polls[POLL_NOTES].revents)
			read_notes(keeper);
		work(keeper);
	}
}

/*
 * Note that the file is complete, so that it survives a reboot. Possible
 * only when every worker has closed it; if one lingers, the file is kept
 * until the machine goes down.
 */
static void
finish(struct keeper *keeper)
{
	int64_t until = clock_mono_us() + (keeper->at_once ? 0 : FINISH_US);
	int rc;

	cache_close(&keeper->cache);
	for (;;) {
		rc = prepare_finish(keeper->options);
		if (rc != ERR_BUSY || clock_mono_us() >= until)
			break;
		gate_nap(20000);
	}
	if (rc < 0)
		log_info("keeper.unfinished", "why=\"%s\"", err_str(rc));
}

static int
open_signals(void)
{
	static const int wanted[] = { SIGTERM, SIGQUIT, SIGINT, SIGUSR1,
		SIGHUP };
	sigset_t set;
	size_t i;
	int fd;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		(void)sigaddset(&set, wanted[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

int
keeper_run(const struct handoff *handoff, const struct cache_options *options)
{
	struct keeper keeper = { .handoff = handoff,
		.options = options,
		.busy_us = -BUSY_US,
		.doubt_us = -MINUTE_US,
		.death_us = -MINUTE_US };
	int sig_fd;

	sig_fd = open_signals();
	if (sig_fd < 0) {
		log_error(sig_fd, "keeper.start", "dir=%s", options->cache_dir);
		send_status(&keeper, HANDOFF_FAILED, err_str(sig_fd));
		return HANDOFF_EXIT_BOOT;
	}
	/* Its predecessor may have died of what is wrong with it; or there is
	 * nothing to be had yet, then it is looked after from now on. */
	if (open_cache(&keeper) < 0)
		look_after_file(&keeper, clock_mono_us());
	keeper.polls[POLL_SIGNAL] =
	    (struct pollfd){ .fd = sig_fd, .events = POLLIN };
	keeper.polls[POLL_DEATH] =
	    (struct pollfd){ .fd = handoff->death_fd, .events = POLLIN };
	keeper.polls[POLL_NOTES] =
	    (struct pollfd){ .fd = handoff->notes_fd, .events = POLLIN };
	send_status(&keeper, HANDOFF_READY, "");
	keeper.ready = true;
	loop(&keeper);
	finish(&keeper);
	fd_close(&sig_fd);
	return 0;
}
