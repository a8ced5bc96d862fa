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

#include "server/base/board.h"
#include "server/base/buf.h"
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

/* For workers, who show it to developers whose job it has ended. */
static void
publish(const struct master *master)
{
	const struct crash *crash = &master->crash;
	struct buf text = BUF_EMPTY;
	unsigned i;

	(void)buf_puts(&text, crash->text);
	for (i = 0; i < crash->count; i++) {
		(void)buf_putc(&text, '\n');
		(void)buf_puts(&text, crash->lines[i]);
	}
	if (buf_cstr(&text) != NULL)
		(void)board_put_crash(master->tally.write_fd, text.data);
	buf_free(&text);
}

void
crash_keep_end(struct master *master, pid_t pid, const char *status)
{
	struct crash *crash = &master->crash;

	if (crash->pid != pid || crash->status[0] != '\0')
		return;
	(void)snprintf(crash->status, sizeof(crash->status), "%s", status);
	if (master->tally.write_fd >= 0)
		publish(master);
}

void
crash_keep_free(struct master *master)
{
	free(master->crash.lines);
	master->crash = (struct crash){ .wall_ms = 0 };
}
