/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CREW_H
#define SERVER_CREW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "server/backoff.h"
#include "server/reap.h"
#include "server/seat.h"

/*
 * The crew: how many workers there should be, and what follows from what has
 * happened to them. Policy only: it forks nothing, sends nothing and reads
 * no clock. The master tells it events and asks crew_next() what to do; spawn.c
 * and kill(2) are the hands.
 *
 * A slot is a place in the crew that has a wake-up descriptor of its own. At
 * most half of the slots are wanted at a time, so that a whole new generation
 * fits beside the old one.
 *
 * OWNERSHIP  The crew owns its seats, and through them the status pipes.
 * THREADS    Master only. now_us: microseconds, any clock that never jumps.
 */
struct crew_rules {
	int64_t timeout_us; /* longest silence of a worker; 0: never too long */
	int64_t graceful_us; /* patience with a worker asked to finish */
	int64_t boot_us;     /* longest time from fork to ready */
	int64_t backoff_us;  /* first wait after a failed start */
	unsigned limit;      /* failed starts before giving up; 0: never */
	bool rolling;        /* restart one after the other */
};

enum crew_stop {
	CREW_RUN,
	CREW_STOP, /* SIGTERM and patience */
	CREW_QUIT, /* SIGQUIT and two seconds */
	CREW_KILL  /* SIGKILL */
};

struct crew {
	struct crew_rules rules;
	struct seat *seats; /* slot_count of them */
	unsigned slot_count;
	unsigned target;          /* workers wanted */
	unsigned grown_from;      /* wanted before more were, which are not all
				     ready yet; 0: they are */
	unsigned generation;      /* the one that is wanted */
	unsigned old_generation;  /* the one to go back to, while restarting */
	unsigned last_generation; /* highest number given out */
	enum crew_stop stop;
	bool resting; /* nobody is wanted for the time being */
	bool restarting;
	bool restart_again;
	bool retreating;   /* a rolling restart is being undone */
	bool serving;      /* all were ready once; has been announced */
	bool healthy;      /* some worker stayed ready for a second, ever */
	bool hopeless;     /* a worker said that it will not start next time,
			      or a restart cannot even fork one */
	unsigned held;     /* vacancies that wait for the back-off */
	bool fork_probe;   /* the fork asked for last is a trial */
	int64_t recycling; /* worker_id of the one being replaced; 0: none */
	struct backoff backoff;
	unsigned relapses;      /* crashes soon after being ready, lately */
	int64_t relapsed_us;    /* the last of them */
	struct backoff relapse; /* ... when they are too many */
};

enum crew_do {
	CREW_DO_FORK,      /* a worker for `slot`; then crew_forked() */
	CREW_DO_SIGNAL,    /* send `sig` to `pid` */
	CREW_DO_SERVE,     /* once: every worker is ready */
	CREW_DO_RESTARTED, /* the new generation serves, the old one leaves */
	CREW_DO_KEEP,      /* the new generation failed, the old one stays */
	CREW_DO_GIVE_UP    /* no worker starts; stop the server */
};

struct crew_action {
	enum crew_do what;
	unsigned slot;
	pid_t pid;
	int sig;
	enum seat_reason reason; /* of a signal */
	int64_t silent_us;       /* of a signal: since the last sign of life */
};

/* `slot_count` empty seats, `target` workers wanted. 0 or -ENOMEM. */
int crew_init(struct crew *crew, unsigned slot_count, unsigned target,
    const struct crew_rules *rules);

/* Close and free everything. Accepts a zeroed crew. */
void crew_fini(struct crew *crew);

/*
 * What to do next, one thing at a time: call until it returns false. A fork
 * must be answered by crew_forked() or crew_not_forked() before the next call.
 */
bool crew_next(struct crew *crew, int64_t now_us, struct crew_action *action);

/* When crew_next() has something new to say if nothing happens; INT64_MAX. */
int64_t crew_deadline(const struct crew *crew, int64_t now_us);

/* The answer to CREW_DO_FORK. crew_forked() takes over status_fd. */
void crew_forked(struct crew *crew, unsigned slot, pid_t pid, int64_t worker_id,
    int status_fd, int64_t now_us);
void crew_not_forked(struct crew *crew, int64_t now_us);

/* The worker in `slot` has reported. */
void crew_ready(struct crew *crew, unsigned slot, int64_t now_us);
void crew_beat(struct crew *crew, unsigned slot, int64_t now_us);

/* The slot where `pid` sits, -1: not one of ours. */
int crew_find(const struct crew *crew, pid_t pid);

/*
 * The worker in `slot` has ended with `status` (as from waitpid): empties the
 * seat. Returns the verdict.
 */
enum reap_verdict crew_exited(struct crew *crew, unsigned slot, int status,
    int64_t now_us);

/*
 * `delta` workers more or fewer; never below one, never above half of the
 * slots. Returns whether anything changed.
 */
bool crew_resize(struct crew *crew, int delta);

/* `target` workers from now on, within the same bounds. */
void crew_scale(struct crew *crew, unsigned target);

/*
 * Let all workers go, by and by, and fork none (true), or go on as before.
 * crew_renew() ends a rest, too.
 */
void crew_rest(struct crew *crew, bool rest);

/* How many workers are wanted now: the target, 0 during a rest. */
unsigned crew_goal(const struct crew *crew);

/*
 * The worker in `slot` wants to be replaced: its successor is started and
 * ready first; only one is replaced at a time.
 */
void crew_tired(struct crew *crew, unsigned slot);

/* Ask the worker in `slot` to finish and go; its place is filled again. */
void crew_dismiss(struct crew *crew, unsigned slot, int64_t now_us);

/* Are as many ready as were wanted before more were, and those on their way? */
bool crew_is_growing(const struct crew *crew);

/* Have so many crashed soon after being ready that the next ones wait? */
bool crew_is_relapsing(const struct crew *crew);

/* How many serve that cannot use the cache. */
unsigned crew_count_uncached(const struct crew *crew);

/* How many workers are in that state, whatever their generation. */
unsigned crew_count(const struct crew *crew, enum seat_state state);

/*
 * Replace every worker under other rules: `target` new ones first. Not during
 * a restart. crew_set() changes rules and target alone.
 */
void crew_renew(struct crew *crew, const struct crew_rules *rules,
    unsigned target);
void crew_set(struct crew *crew, const struct crew_rules *rules,
    unsigned target);

/* Replace every worker: new ones first. During a restart: once more after. */
void crew_restart(struct crew *crew);

/* Stop; a stronger way may follow, a weaker one is ignored. */
void crew_end(struct crew *crew, enum crew_stop how, int64_t now_us);

/* True when no worker exists any more. */
bool crew_gone(const struct crew *crew);

/*
 * The master itself did not run for `gap_us` (it was stopped, or the machine
 * was): nobody's silence during that time counts.
 */
void crew_excuse(struct crew *crew, int64_t gap_us);

#endif
