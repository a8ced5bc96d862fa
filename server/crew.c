/* SPDX-License-Identifier: MIT */

/*
 * Crew policy: who is missing, who is one too many, who has to go.
 *
 * Failing to start. A worker that dies before it was ready, or within a
 * second of it, has not filled its vacancy: the vacancy is *held*. Held ones
 * wait for the back-off, then one worker is forked on trial (the probe). When
 * it has been ready for a second, all the others follow; when it fails, the
 * wait doubles. Any other death is a vacancy that is filled at once. So a
 * crash loop costs one fork per wait, however many workers are configured,
 * and a worker killed in service is back in milliseconds. Only a server that
 * has never said that it serves gives up.
 *
 * Relapsing. A worker that crashes within a minute of being ready is replaced
 * at once, too, but only a few times: after more of them than there are
 * workers all vacancies wait, a second at first, then twice as long each
 * time. A minute without such a crash ends that. Whoever is asked to go, or
 * goes by itself in order, does not count.
 *
 * Restarting. The wanted generation changes; see crew_restart.c.
 *
 * Resting. Nobody is wanted: all leave, none is forked, the target is kept.
 *
 * INVARIANT  Workers of the wanted generation that boot or serve, plus held
 *            vacancies, never exceed the target for longer than one call of
 *            crew_next(). Every live pid has exactly one seat.
 * THREADS    Master only.
 * LIMITS     Linear in the number of slots; fine to about a thousand.
 *
 * See spawn.c (birth), reap.c (death), seat.c (one child's life),
 * crew_restart.c (another generation), crew_recycle.c (replacing a worker that
 * has done enough).
 */
#include "server/crew_int.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "server/base/bug.h"
#include "server/base/handoff.h"

#define SECOND_US INT64_C(1000000)
#define HEALTHY_US SECOND_US
#define QUIT_US (2 * SECOND_US)
#define ABORT_US SECOND_US
#define YOUNG_US BACKOFF_CALM_US
#define SPARED 4 /* relapses above the number of workers without a wait */

int
crew_init(struct crew *crew, unsigned slot_count, unsigned target,
    const struct crew_rules *rules)
{
	unsigned slot;

	*crew = (struct crew){ .rules = *rules,
		.slot_count = slot_count,
		.target = target,
		.generation = 1,
		.last_generation = 1 };
	backoff_init(&crew->backoff, rules->backoff_us);
	backoff_init(&crew->relapse, SECOND_US);
	crew->seats = calloc(slot_count, sizeof(*crew->seats));
	if (crew->seats == NULL)
		return -ENOMEM;
	for (slot = 0; slot < slot_count; slot++)
		seat_init(&crew->seats[slot]);
	return 0;
}

void
crew_fini(struct crew *crew)
{
	unsigned slot;

	for (slot = 0; crew->seats != NULL && slot < crew->slot_count; slot++)
		seat_clear(&crew->seats[slot]);
	free(crew->seats);
	*crew = (struct crew){ .seats = NULL };
}

bool
crew_is_wanted(const struct crew *crew, const struct seat *seat)
{
	return seat_works(seat) && seat->generation == crew->generation;
}

static unsigned
count_wanted(const struct crew *crew)
{
	unsigned count = 0;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++)
		count += crew_is_wanted(crew, &crew->seats[slot]);
	return count;
}

unsigned
crew_count_ready(const struct crew *crew)
{
	unsigned count = 0;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew_is_wanted(crew, &crew->seats[slot]))
			count += crew->seats[slot].state == SEAT_READY;
	}
	return count;
}

/* Workers wanted now: one more while one is being replaced. */
static unsigned
wanted_now(const struct crew *crew)
{
	unsigned goal = crew_goal(crew);

	if (crew->restarting && crew->rules.rolling)
		return crew_restart_wanted(crew);
	return goal > 0 && crew_recycle_pending(crew) ? goal + 1 : goal;
}

static unsigned
vacancies(const struct crew *crew)
{
	unsigned wanted = count_wanted(crew);
	unsigned target = wanted_now(crew);

	return wanted < target ? target - wanted : 0;
}

static bool
has_probe(const struct crew *crew)
{
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew->seats[slot].probe && seat_works(&crew->seats[slot]))
			return true;
	}
	return false;
}

/* An empty seat, -1: all are taken. */
static int
find_empty(const struct crew *crew)
{
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew->seats[slot].state == SEAT_EMPTY)
			return (int)slot;
	}
	return -1;
}

/* A start has failed: its vacancy waits for the back-off. */
static void
hold_vacancy(struct crew *crew, int64_t now_us)
{
	crew->held++;
	backoff_fail(&crew->backoff, now_us);
}

/* Draw the conclusions that time alone brings. */
static void
notice_time(struct crew *crew, struct seat *seat, int64_t now_us)
{
	const struct crew_rules *rules = &crew->rules;

	if (seat->state == SEAT_BOOTING && rules->boot_us > 0 &&
	    now_us - seat->forked_us >= rules->boot_us) {
		if (crew_is_wanted(crew, seat))
			hold_vacancy(crew, now_us);
		seat_leave(seat, SEAT_SLOW, SIGKILL, 0, now_us);
	}
	if (seat->state != SEAT_READY)
		return;
	if (now_us - seat->ready_us >= HEALTHY_US) {
		crew->healthy = true;
		if (seat->probe)
			crew->held = 0;
		seat->probe = false;
	}
	if (rules->timeout_us > 0 &&
	    now_us - seat->beat_us >= rules->timeout_us)
		seat_leave(seat, SEAT_SILENT, SIGABRT, ABORT_US, now_us);
}

static void
notice_all(struct crew *crew, int64_t now_us)
{
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++)
		notice_time(crew, &crew->seats[slot], now_us);
	if (crew_count_ready(crew) >= crew->target)
		crew->grown_from = 0;
	if (crew->backoff.failures > 0 && crew->held == 0 &&
	    crew_count_ready(crew) > 0)
		backoff_calm(&crew->backoff, now_us);
	if (crew->relapses > 0 && crew_count_ready(crew) > 0 &&
	    now_us - crew->relapsed_us >= YOUNG_US)
		crew_forget_relapses(crew);
}

static bool
next_signal(struct crew *crew, int64_t now_us, struct crew_action *action)
{
	struct seat *seat;
	unsigned slot;
	int sig;

	for (slot = 0; slot < crew->slot_count; slot++) {
		seat = &crew->seats[slot];
		sig = seat_due(seat, now_us);
		if (sig == 0)
			continue;
		*action = (struct crew_action){ .what = CREW_DO_SIGNAL,
			.slot = slot,
			.pid = seat->pid,
			.sig = sig,
			.reason = seat->reason,
			.silent_us = now_us - seat->beat_us };
		return true;
	}
	return false;
}

static bool
next_give_up(const struct crew *crew, struct crew_action *action)
{
	unsigned slot;

	/* What was announced is not taken back: the pauses grow instead. */
	if (crew->serving || crew->healthy || !crew_reached_limit(crew))
		return false;
	for (slot = 0; slot < crew->slot_count; slot++) {
		if (seat_works(&crew->seats[slot]))
			return false;
	}
	action->what = CREW_DO_GIVE_UP;
	return true;
}

/* One too many: the youngest goes. */
static void
dismiss_surplus(struct crew *crew, int64_t now_us)
{
	struct seat *youngest;
	struct seat *seat;
	unsigned slot;

	while (count_wanted(crew) > wanted_now(crew)) {
		youngest = NULL;
		for (slot = 0; slot < crew->slot_count; slot++) {
			seat = &crew->seats[slot];
			if (crew_is_wanted(crew, seat) &&
			    (youngest == NULL ||
				seat->worker_id > youngest->worker_id))
				youngest = seat;
		}
		seat_leave(youngest, SEAT_RESIZE, SIGTERM,
		    crew->rules.graceful_us, now_us);
	}
}

static bool
next_fork(struct crew *crew, int64_t now_us, struct crew_action *action)
{
	unsigned vacant = vacancies(crew);
	int slot = find_empty(crew);

	if (crew->held > vacant)
		crew->held = vacant;
	if (vacant == 0 || slot < 0 || !backoff_open(&crew->relapse, now_us))
		return false;
	crew->fork_probe = vacant == crew->held;
	if (crew->fork_probe) {
		if (has_probe(crew) || !backoff_open(&crew->backoff, now_us))
			return false;
		crew->held--;
	}
	action->what = CREW_DO_FORK;
	action->slot = (unsigned)slot;
	return true;
}

bool
crew_next(struct crew *crew, int64_t now_us, struct crew_action *action)
{
	*action = (struct crew_action){ .slot = 0 };
	notice_all(crew, now_us);
	if (crew->stop == CREW_RUN) {
		if (crew_next_milestone(crew, now_us, action) ||
		    next_give_up(crew, action))
			return true;
		crew_restart_step(crew, now_us);
		crew_recycle(crew, now_us);
		dismiss_surplus(crew, now_us);
	}
	if (next_signal(crew, now_us, action))
		return true;
	return crew->stop == CREW_RUN && next_fork(crew, now_us, action);
}

static void
soonest(int64_t *best_us, int64_t time_us, int64_t now_us)
{
	/* What lies behind us has been dealt with by crew_next(). */
	if (time_us > now_us && time_us < *best_us)
		*best_us = time_us;
}

int64_t
crew_deadline(const struct crew *crew, int64_t now_us)
{
	const struct crew_rules *rules = &crew->rules;
	int64_t best_us = INT64_MAX;
	const struct seat *seat;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		seat = &crew->seats[slot];
		if (seat->state == SEAT_LEAVING)
			soonest(&best_us, seat->kill_us, now_us);
		if (seat->state == SEAT_BOOTING && rules->boot_us > 0)
			soonest(&best_us, seat->forked_us + rules->boot_us,
			    now_us);
		if (seat->state != SEAT_READY)
			continue;
		soonest(&best_us, seat->ready_us + HEALTHY_US, now_us);
		if (rules->timeout_us > 0)
			soonest(&best_us, seat->beat_us + rules->timeout_us,
			    now_us);
	}
	if (crew->held > 0)
		soonest(&best_us, crew->backoff.gate_us, now_us);
	if (crew->backoff.failures > 0)
		soonest(&best_us, crew->backoff.last_us + BACKOFF_CALM_US,
		    now_us);
	if (crew->relapses > 0) {
		soonest(&best_us, crew->relapse.gate_us, now_us);
		soonest(&best_us, crew->relapsed_us + YOUNG_US, now_us);
	}
	return best_us;
}

void
crew_forked(struct crew *crew, unsigned slot, pid_t pid, int64_t worker_id,
    int status_fd, int64_t now_us)
{
	struct seat *seat = &crew->seats[slot];

	seat_fill(seat, pid, status_fd, now_us);
	seat->worker_id = worker_id;
	seat->generation = crew->generation;
	seat->probe = crew->fork_probe;
	crew->fork_probe = false;
}

void
crew_not_forked(struct crew *crew, int64_t now_us)
{
	crew->fork_probe = false;
	/* The old generation serves: no reason to wait for better times. */
	if (crew->restarting)
		crew->hopeless = true;
	hold_vacancy(crew, now_us);
}

void
crew_ready(struct crew *crew, unsigned slot, int64_t now_us)
{
	seat_ready(&crew->seats[slot], now_us);
}

void
crew_beat(struct crew *crew, unsigned slot, int64_t now_us)
{
	seat_beat(&crew->seats[slot], now_us);
}

int
crew_find(const struct crew *crew, pid_t pid)
{
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew->seats[slot].pid == pid)
			return (int)slot;
	}
	return -1;
}

/* A worker that served has crashed, not long after it was ready. */
static void
note_relapse(struct crew *crew, int64_t now_us)
{
	crew->relapses++;
	crew->relapsed_us = now_us;
	if (crew->relapses > crew->target + SPARED)
		backoff_fail(&crew->relapse, now_us);
}

enum reap_verdict
crew_exited(struct crew *crew, unsigned slot, int status, int64_t now_us)
{
	struct seat *seat = &crew->seats[slot];
	struct reap_life life = seat_life(seat);
	enum reap_verdict verdict = reap_judge(status, &life);
	bool early;

	ASSERT(seat->state != SEAT_EMPTY);
	early = seat->ready_us == 0 || now_us - seat->ready_us < HEALTHY_US;
	if (early && crew_is_wanted(crew, seat)) {
		hold_vacancy(crew, now_us);
		if (WIFEXITED(status) &&
		    WEXITSTATUS(status) == HANDOFF_EXIT_BOOT)
			crew->hopeless = true;
	} else if (!early) {
		crew->healthy = true;
		if (verdict == REAP_CRASHED && crew_is_wanted(crew, seat) &&
		    now_us - seat->ready_us < YOUNG_US)
			note_relapse(crew, now_us);
	}
	seat_clear(seat);
	return verdict;
}

void
crew_scale(struct crew *crew, unsigned target)
{
	unsigned most = crew->slot_count / 2;

	target = target < 1 ? 1 : target > most ? most : target;
	if (target > crew->target && crew->grown_from == 0)
		crew->grown_from = crew->target;
	crew->target = target;
}

bool
crew_resize(struct crew *crew, int delta)
{
	unsigned before = crew->target;

	crew_scale(crew, delta > 0 ? before + 1 : before - 1);
	return crew->target != before;
}

bool
crew_is_growing(const struct crew *crew)
{
	return crew->grown_from > 0 && crew->backoff.failures == 0 &&
	       crew_count_ready(crew) >= crew->grown_from;
}

unsigned
crew_goal(const struct crew *crew)
{
	return crew->resting ? 0 : crew->target;
}

void
crew_rest(struct crew *crew, bool rest)
{
	crew->resting = rest;
	if (!rest)
		crew_start_afresh(crew);
}

void
crew_dismiss(struct crew *crew, unsigned slot, int64_t now_us)
{
	seat_leave(&crew->seats[slot], SEAT_RECYCLE, SIGTERM,
	    crew->rules.graceful_us, now_us);
}

bool
crew_is_relapsing(const struct crew *crew)
{
	return crew->relapse.failures > 0;
}

unsigned
crew_count_uncached(const struct crew *crew)
{
	unsigned count = 0;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew->seats[slot].state == SEAT_READY)
			count += crew->seats[slot].beat.uncached != 0;
	}
	return count;
}

unsigned
crew_count(const struct crew *crew, enum seat_state state)
{
	unsigned count = 0;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		count += crew->seats[slot].state == state;
	}
	return count;
}

void
crew_set(struct crew *crew, const struct crew_rules *rules, unsigned target)
{
	crew->rules = *rules;
	crew->backoff.base_us = rules->backoff_us;
	crew_scale(crew, target);
}

void
crew_end(struct crew *crew, enum crew_stop how, int64_t now_us)
{
	static const int sigs[] = { 0, SIGTERM, SIGQUIT, SIGKILL };
	const int64_t patience_us[] = { 0, crew->rules.graceful_us, QUIT_US,
		0 };
	unsigned slot;

	if (how <= crew->stop)
		return;
	crew->stop = how;
	for (slot = 0; slot < crew->slot_count; slot++)
		seat_leave(&crew->seats[slot], SEAT_STOP, sigs[how],
		    patience_us[how], now_us);
}

bool
crew_gone(const struct crew *crew)
{
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew->seats[slot].state != SEAT_EMPTY)
			return false;
	}
	return true;
}

void
crew_excuse(struct crew *crew, int64_t gap_us)
{
	struct seat *seat;
	unsigned slot;

	for (slot = 0; slot < crew->slot_count; slot++) {
		seat = &crew->seats[slot];
		seat->forked_us += gap_us;
		seat->beat_us += gap_us;
		seat->kill_us += gap_us;
	}
}
