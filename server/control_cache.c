/* SPDX-License-Identifier: MIT */

/*
 * What the processes have told of the cache in their heartbeats, for pronghorn
 * ctl: counters since the server started, who reads for how long, and how many
 * requests wait for what.
 *
 * THREADS  Master only. It has no database handle: what is in the cache, ctl
 *          itself looks up.
 */
#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "server/base/board.h"
#include "server/master_int.h"
#include "worker/metrics.h"

/* The sum over all that live and all that have ended. */
static void
add_up(const struct master *master, struct handoff_beat *total)
{
	unsigned slot;

	*total = master->tally.ended;
	metrics_add(total, &master->keeper.seat.beat, true);
	for (slot = 0; slot < master->crew.slot_count; slot++) {
		if (master->crew.seats[slot].pid > 0)
			metrics_add(total, &master->crew.seats[slot].beat,
			    true);
	}
}

static bool
is_worker(const struct master *master, pid_t pid)
{
	unsigned slot;

	for (slot = 0; slot < master->crew.slot_count; slot++) {
		if (master->crew.seats[slot].pid == pid)
			return true;
	}
	return false;
}

#define PINNED_LEAST_MS 1000 /* a worker reads for less */

/* Who is in the keeper's way, in words: it may be another program. */
static void
put_pinned(const struct master *master, cJSON *answer)
{
	const struct cache_counters *keeper = &master->keeper.seat.beat.cache;
	pid_t pid = (pid_t)keeper->pinned_pid;
	char who[64] = "a reader";
	char text[160];

	(void)cJSON_AddNumberToObject(answer, "pinned_frames",
	    (double)keeper->pinned_frames);
	(void)cJSON_AddNumberToObject(answer, "pinned_seconds",
	    (double)keeper->pinned_ms / 1000);
	(void)cJSON_AddNumberToObject(answer, "pinned_by", (double)pid);
	if (keeper->pinned_ms < PINNED_LEAST_MS)
		return;
	if (pid != 0)
		(void)snprintf(who, sizeof(who), "a %s (pid %d)",
		    is_worker(master, pid) ? "worker" : "reader outside",
		    (int)pid);
	(void)snprintf(text, sizeof(text),
	    "%s pins %llu frames of the log since %.0f s", who,
	    (unsigned long long)keeper->pinned_frames,
	    (double)keeper->pinned_ms / 1000);
	(void)cJSON_AddStringToObject(answer, "pinned", text);
}

/* The read transaction that was open for longest when last told of. */
static void
put_reader(const struct master *master, cJSON *answer)
{
	const struct seat *seat;
	uint64_t longest_ms = 0;
	pid_t pid = 0;
	unsigned slot;

	for (slot = 0; slot < master->crew.slot_count; slot++) {
		seat = &master->crew.seats[slot];
		if (seat->pid <= 0 || seat->beat.cache.reading_ms <= longest_ms)
			continue;
		longest_ms = seat->beat.cache.reading_ms;
		pid = seat->pid;
	}
	(void)cJSON_AddNumberToObject(answer, "oldest_read",
	    (double)longest_ms / 1000);
	(void)cJSON_AddNumberToObject(answer, "oldest_reader", (double)pid);
}

void
control_cache(const struct master *master, cJSON *answer)
{
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
#define ROW(name, member) { name, offsetof(struct cache_counters, member) }
		ROW("hits", hits),
		ROW("stale", stale),
		ROW("misses", misses),
		ROW("shared", shared),
		ROW("stores", stores),
		ROW("store_failures", store_failures),
		ROW("busy", busy),
		ROW("errors", errors),
		ROW("damaged", damaged),
		ROW("reopened", reopened),
		ROW("uses_dropped", dropped),
		ROW("evictions", evictions),
		ROW("expirations", expirations),
		ROW("takeovers", takeovers),
		ROW("quarantines", quarantines),
		ROW("checkpoints", checkpoints),
		ROW("log_unmoved", wal_unmoved),
#undef ROW
	};
	struct handoff_beat total;
	uint64_t number;
	double asked;
	size_t i;

	add_up(master, &total);
	asked = (double)(total.cache.hits + total.cache.misses);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(&number, (const char *)&total.cache + rows[i].offset,
		    sizeof(number));
		(void)cJSON_AddNumberToObject(answer, rows[i].name,
		    (double)number);
	}
	(void)cJSON_AddNumberToObject(answer, "hit_ratio",
	    asked > 0 ? (double)total.cache.hits / asked : 0);
	put_reader(master, answer);
	put_pinned(master, answer);
}

/* One key, unless it is there: several workers may wait for it. */
static void
put_wait(const struct board *board, const uint8_t *key, cJSON *list)
{
	char digits[2 * HANDOFF_WAIT_KEY + 1];
	bool more;
	size_t i;

	for (i = 0; i < HANDOFF_WAIT_KEY; i++)
		(void)snprintf(digits + 2 * i, 3, "%02x", key[i]);
	if (!cJSON_HasObjectItem(list, digits))
		(void)cJSON_AddNumberToObject(list, digits,
		    (double)board_waiting(board, key, &more));
}

void
control_waits(const struct board *board, cJSON *answer)
{
	cJSON *list = cJSON_AddObjectToObject(answer, "waits");
	const struct handoff_waits *waits;
	bool more = false;
	uint32_t i;
	uint32_t k;

	for (i = 0; i < board->worker_count; i++) {
		waits = &board->workers[i].waits;
		for (k = 0; k < HANDOFF_WAITS; k++) {
			if (waits->rows[k].requests > 0)
				put_wait(board, waits->rows[k].key, list);
		}
		for (k = 0; k < waits->chain_count; k++)
			put_wait(board, waits->chains[k].wanted, list);
		more = more || waits->others > 0;
	}
	(void)cJSON_AddBoolToObject(answer, "more", more);
}
