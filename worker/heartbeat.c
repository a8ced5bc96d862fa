/* SPDX-License-Identifier: MIT */

/*
 * The heartbeat: numbers for the master, and what cannot wait for a request.
 *
 * THREADS  The loop only.
 * FAILURE  A full pipe loses a message; the next one is a second away.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache/counts.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/crash.h"
#include "worker/worker_int.h"

static void
send_status(const struct worker *worker, const struct handoff_status *status)
{
	if (write(worker->handoff->status_fd, status, sizeof(*status)) < 0 &&
	    errno != EAGAIN)
		log_debug("heartbeat.send", "status pipe: %s", err_str(-errno));
}

static void
send_text(const struct worker *worker, enum handoff_status_kind kind,
    const char *text)
{
	struct handoff_status status;

	memset(&status, 0, sizeof(status));
	status.kind = (uint32_t)kind;
	(void)strncpy(status.text, text, sizeof(status.text) - 1);
	send_status(worker, &status);
}

void
heartbeat_send(struct worker *worker)
{
	const struct worker_options *options = worker->options;
	struct handoff_beat *beat = &worker->stats.beat;
	struct handoff_status status;
	const char *reason;
	char text[sizeof(status.text)];

	reason = stats_is_tired(&worker->stats, options, clock_mono_us());
	beat->connections = (uint32_t)worker->conn_count;
	beat->busy = (uint32_t)pool_busy(worker->pool);
	beat->parked = (uint32_t)park_count(worker->park);
	counts_sum(&beat->cache);
	memset(&status, 0, sizeof(status));
	status.kind = HANDOFF_BEAT;
	status.value = beat->connections;
	status.beat = *beat;
	send_status(worker, &status);
	if (reason != NULL)
		send_text(worker, HANDOFF_TIRED, reason);
	if (options->thread_timeout > 0 &&
	    crash_find_stuck((int64_t)(options->thread_timeout * 1e6), text,
		sizeof(text))) {
		send_text(worker, HANDOFF_STUCK, text);
		crash_dump_found();
	}
}
