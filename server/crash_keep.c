/* SPDX-License-Identifier: MIT */

/*
 * Reports of crashes and of stuck threads: each line goes to the log as it
 * comes, and the last report is kept for pronghorn ctl last-crash.
 *
 * THREADS  Master only.
 */
#include "server/master_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/base/clock.h"

void
crash_keep_begin(struct master *master, unsigned slot, const char *event,
    const char *text)
{
	struct crash *crash = &master->crash;

	crash->wall_ms = clock_wall_ms();
	crash->slot = slot;
	crash->pid = master->crew.seats[slot].pid;
	crash->count = 0;
	crash->status[0] = '\0';
	(void)snprintf(crash->text, sizeof(crash->text), "%s", text);
	log_error(0, event, "slot=%u child=%ld %s", slot, (long)crash->pid,
	    text);
}

void
crash_keep_line(struct master *master, unsigned slot, const char *text)
{
	struct crash *crash = &master->crash;

	log_error(0, "worker.stack", "slot=%u child=%ld at=\"%s\"", slot,
	    (long)master->crew.seats[slot].pid, text);
	if (crash->lines == NULL)
		crash->lines = calloc(CRASH_LINES, sizeof(*crash->lines));
	if (crash->lines == NULL || crash->count == CRASH_LINES)
		return;
	(void)snprintf(crash->lines[crash->count++], sizeof(*crash->lines),
	    "%s", text);
}

void
crash_keep_end(struct master *master, pid_t pid, const char *status)
{
	struct crash *crash = &master->crash;

	if (crash->pid == pid && crash->status[0] == '\0')
		(void)snprintf(crash->status, sizeof(crash->status), "%s",
		    status);
}

void
crash_keep_free(struct master *master)
{
	free(master->crash.lines);
	master->crash = (struct crash){ .wall_ms = 0 };
}
