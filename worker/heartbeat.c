/* SPDX-License-Identifier: MIT */

/*
 * The heartbeat: numbers for the master, and what cannot wait for a request.
 *
 * THREADS  The loop only.
 * FAILURE  A full pipe loses a message; the next one is a second away.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/counts.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "server/base/sink.h"
#include "worker/crash.h"
#include "worker/dispatch.h"
#include "worker/together.h"
#include "worker/worker_int.h"

/* False: the pipe is full, or broken. */
static bool
send_status(const struct worker *worker, const struct handoff_status *status)
{
	if (write(worker->handoff->status_fd, status, sizeof(*status)) > 0)
		return true;
	if (errno != EAGAIN)
		log_debug("heartbeat.send", "status pipe: %s", err_str(-errno));
	return false;
}

/* What has been added since the last time; what cannot be told is kept. */
static void
send_series(struct worker *worker)
{
	struct handoff_status status;
	unsigned index = 0;

	memset(&status, 0, sizeof(status));
	status.kind = HANDOFF_SERIES;
	while (stats_take(&worker->stats, &index, &status.series)) {
		if (!send_status(worker, &status)) {
			stats_keep(&worker->stats, index, &status.series);
			break;
		}
	}
}

static void
count_computations(struct worker *worker)
{
	struct task *task;

	while ((task = pool_take_ended(worker->pool)) != NULL) {
		stats_series(&worker->stats, HANDOFF_COMPUTATION,
		    task->computation, task->computation->name,
		    task->outcome == TASK_FAILED, task->run_us);
		task_free(task);
	}
}

static void
send_waits(const struct worker *worker, const struct handoff_waits *waits)
{
	struct handoff_status status;

	memset(&status, 0, sizeof(status));
	status.kind = HANDOFF_WAIT;
	status.waits = *waits;
	(void)send_status(worker, &status);
}

#define AWAY_FOR_GOOD 4 /* looks, a second apart */

void
heartbeat_look_at_cache(struct worker *worker, bool first)
{
	bool before = worker_is_uncached(worker);

	if (worker->kit.cache == NULL || cache_is_usable(worker->kit.cache))
		worker->cache_away = 0;
	else if (first)
		worker->cache_away = AWAY_FOR_GOOD;
	else if (worker->cache_away < AWAY_FOR_GOOD)
		worker->cache_away++;
	if (before == worker_is_uncached(worker))
		return;
	if (before)
		log_info("worker.cache", "note=\"it can be used again\"");
	else
		log_error(0, "worker.cache",
		    "dir=%s note=\"it cannot be used: not ready\"",
		    worker->cache_options->cache_dir);
}

bool
worker_is_uncached(const struct worker *worker)
{
	return worker->cache_away == AWAY_FOR_GOOD;
}

void
heartbeat_numbers(struct worker *worker)
{
	struct handoff_beat *beat = &worker->stats.beat;
	bool waited = beat->waiting > 0;
	struct handoff_status status;
	struct handoff_waits waits;

	beat->connections = (uint32_t)worker->conn_count;
	beat->busy = (uint32_t)pool_busy(worker->pool);
	beat->queued = (uint32_t)pool_queued(worker->pool);
	beat->computing = pool_computing(worker->pool);
	beat->threads = (uint32_t)worker->options->threads;
	beat->parked = (uint32_t)park_count(worker->park);
	beat->waiting = dispatch_count_waiting(worker, &waits);
	beat->uncached = worker_is_uncached(worker);
	beat->unsent = worker->unsent;
	beat->log_drops = sink_drops();
	counts_sum(&beat->cache);
	memset(&status, 0, sizeof(status));
	status.kind = HANDOFF_BEAT;
	status.value = worker->handoff->admin ? 0 : beat->connections;
	status.beat = *beat;
	(void)send_status(worker, &status);
	if (waited || beat->waiting > 0)
		send_waits(worker, &waits);
	count_computations(worker);
	send_series(worker);
}

void
heartbeat_excuse(const struct worker *worker, uint32_t seconds)
{
	struct handoff_status status;

	memset(&status, 0, sizeof(status));
	status.kind = HANDOFF_BEAT;
	status.value = seconds;
	status.beat = worker->stats.beat;
	(void)send_status(worker, &status);
}

static bool
send_text(const struct worker *worker, enum handoff_status_kind kind,
    const char *text)
{
	struct handoff_status status;

	memset(&status, 0, sizeof(status));
	status.kind = (uint32_t)kind;
	(void)snprintf(status.text, sizeof(status.text), "%s", text);
	return send_status(worker, &status);
}

void
heartbeat_look(struct worker *worker)
{
	const char *reason =
	    stats_is_tired(&worker->stats, worker->options, clock_mono_us());

	if (reason != NULL && !send_text(worker, HANDOFF_TIRED, reason))
		stats_not_told(&worker->stats);
}

void
heartbeat_send(struct worker *worker)
{
	const struct worker_options *options = worker->options;
	char text[sizeof(((struct handoff_status *)0)->text)];
	struct crash_about about;

	heartbeat_look(worker);
	heartbeat_numbers(worker);
	together_sweep(pool_oldest_us(worker->pool));
	if (options->thread_timeout > 0 &&
	    crash_find_stuck((int64_t)(options->thread_timeout * 1e6), text,
		sizeof(text))) {
		(void)send_text(worker, HANDOFF_STUCK, text);
		if (crash_dump_found(&about))
			(void)dispatch_on_dead(worker, &about, false);
	}
}
