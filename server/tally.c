/* SPDX-License-Identifier: MIT */

/*
 * Sums for the board. See tally.h.
 *
 * FAILURE  Without a board everything but metrics goes on.
 * THREADS  Master only.
 */
#include "server/tally.h"

#include <stdio.h>
#include <string.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/sink.h"
#include "server/master_int.h"
#include "worker/metrics.h"

#define PUT_US INT64_C(250000)
#define ROW_US (BOARD_ROW_MS * INT64_C(1000))
#define NAMED_MAX (BOARD_SERIES_MAX - 4) /* places for "other" are left */

void
tally_init(struct tally *tally)
{
	memset(tally, 0, sizeof(*tally));
	tally->write_fd = -1;
	tally->read_fd = -1;
	tally->board.started_wall_ms = clock_wall_ms();
}

void
tally_open(struct tally *tally)
{
	int rc = board_open(&tally->write_fd, &tally->read_fd);

	if (rc < 0)
		log_warn(rc, "tally.open", "note=\"there are no metrics\"");
}

void
tally_close(struct tally *tally)
{
	fd_close(&tally->write_fd);
	fd_close(&tally->read_fd);
}

void
tally_soon(struct tally *tally)
{
	tally->changed = true;
	tally->put_us = 0;
}

void
tally_start(struct tally *tally, unsigned slot)
{
	tally->board.starts++;
	if (slot < TALLY_SLOTS)
		tally->starts[slot]++;
	tally->changed = true;
}

void
tally_end(struct tally *tally, const struct handoff_beat *beat,
    enum reap_verdict verdict)
{
	static const enum board_end ends[] = {
		[REAP_DRAINED] = BOARD_END_ASKED,
		[REAP_RECYCLED] = BOARD_END_RECYCLED,
		[REAP_KILLED] = BOARD_END_KILLED,
		[REAP_CRASHED] = BOARD_END_CRASHED,
		[REAP_STILLBORN] = BOARD_END_STILLBORN,
	};

	metrics_add(&tally->ended, beat, false);
	tally->board.ends[ends[verdict]]++;
	tally->changed = true;
}

void
tally_keep(struct tally *tally, const struct handoff_beat *beat)
{
	metrics_add(&tally->ended, beat, false);
	tally->changed = true;
}

void
tally_reload(struct tally *tally, bool done)
{
	tally->board.reloads[done ? 0 : 1]++;
	tally->changed = true;
}

/* The place of that name and kind; a new one, or that of all others. */
static struct handoff_series *
find(struct board *board, const char *name, uint32_t kind)
{
	struct handoff_series *series;
	uint32_t i;

	for (i = 0; i < board->series_count; i++) {
		series = &board->series[i];
		if (series->kind == kind && strcmp(series->name, name) == 0)
			return series;
	}
	if (board->series_count >= NAMED_MAX && strcmp(name, "other") != 0)
		return find(board, "other", kind);
	series = &board->series[board->series_count++];
	memset(series, 0, sizeof(*series));
	series->kind = kind;
	(void)snprintf(series->name, sizeof(series->name), "%s", name);
	return series;
}

void
tally_series(struct tally *tally, const struct handoff_series *more)
{
	struct handoff_series *series;
	char name[sizeof(more->name)];
	unsigned i;

	if (more->kind > HANDOFF_COMPUTATION)
		return;
	memcpy(name, more->name, sizeof(name));
	name[sizeof(name) - 1] = '\0';
	series = find(&tally->board, name, more->kind);
	series->count += more->count;
	series->failed += more->failed;
	series->duration_us += more->duration_us;
	for (i = 0; i < HANDOFF_BUCKETS; i++)
		series->buckets[i] += more->buckets[i];
	tally->changed = true;
}

static void
put_worker(struct tally *tally, const struct seat *seat, unsigned slot,
    int64_t now_us)
{
	struct board *board = &tally->board;
	uint32_t starts = slot < TALLY_SLOTS ? tally->starts[slot] : 0;
	struct board_worker *row;

	metrics_add(&board->total, &seat->beat, true);
	if (board->worker_count == BOARD_WORKERS_MAX)
		return;
	row = &board->workers[board->worker_count++];
	*row = (struct board_worker){ .slot = slot,
		.pid = (int32_t)seat->pid,
		.state = (uint32_t)seat->state,
		.generation = seat->generation,
		.restarts = starts > 0 ? starts - 1 : 0,
		.age_ms = (now_us - seat->forked_us) / 1000,
		.silent_ms = (now_us - seat->beat_us) / 1000,
		.beat = seat->beat,
		.waits = seat->waits };
}

static uint32_t
state_of(const struct master *master)
{
	if (master->crew.stop != CREW_RUN)
		return BOARD_STOPPING;
	if (master->drain_us != 0)
		return BOARD_DRAINING;
	return master->crew.serving ? BOARD_SERVING : BOARD_STARTING;
}

static uint64_t
backlog_of(const struct listen_set *set)
{
	uint64_t sum = 0;
	size_t i;
	int queue;

	for (i = 0; i < set->count; i++) {
		queue = listen_queue(set->fds[i]);
		sum += queue > 0 ? (uint64_t)queue : 0;
	}
	return sum;
}

/* Counters do not fall; should one do so, the row is no nonsense. */
static uint64_t
grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

static uint64_t
sum_of(const uint64_t *numbers, unsigned count)
{
	uint64_t sum = 0;

	while (count-- > 0)
		sum += numbers[count];
	return sum;
}

/* The bucket up to which `part` of a hundred of all lie. */
static uint16_t
percentile(const uint64_t grown_by[HANDOFF_BUCKETS], unsigned part)
{
	uint64_t all = sum_of(grown_by, HANDOFF_BUCKETS);
	uint64_t sum = 0;
	uint16_t i;

	if (all == 0)
		return HANDOFF_BUCKETS;
	for (i = 0; i < HANDOFF_BUCKETS - 1; i++) {
		sum += grown_by[i];
		if (sum * 100 >= all * part)
			break;
	}
	return i;
}

/* What has happened since the last row. */
static void
add_row(struct tally *tally, int64_t now_us)
{
	const struct handoff_beat *old = &tally->row_total;
	const struct handoff_beat *new = &tally->board.total;
	uint64_t buckets[HANDOFF_BUCKETS];
	struct board_row row = { .wall_ms = tally->board.wall_ms,
		.span_ms = (uint32_t)((now_us - tally->row_us) / 1000),
		.answers =
		    grown(sum_of(new->answers, 4), sum_of(old->answers, 4)),
		.hits = grown(new->cache.hits, old->cache.hits),
		.misses = grown(new->cache.misses, old->cache.misses),
		.evictions = grown(new->cache.evictions, old->cache.evictions),
		.bytes = new->cache.bytes };
	unsigned i;

	for (i = 0; i < HANDOFF_BUCKETS; i++)
		buckets[i] = grown(new->buckets[i], old->buckets[i]);
	row.p50 = percentile(buckets, 50);
	row.p99 = percentile(buckets, 99);
	if (board_add_row(tally->write_fd, &row) < 0)
		log_debug("tally.row", "the past cannot be written");
}

/* One row every two seconds; a longer one after a pause of this process. */
static void
look_at_row(struct tally *tally, int64_t now_us)
{
	if (tally->row_us != 0 && now_us < tally->next_us)
		return;
	if (tally->row_us != 0)
		add_row(tally, now_us);
	tally->next_us += ROW_US;
	if (tally->next_us <= now_us)
		tally->next_us = now_us + ROW_US;
	tally->row_us = now_us;
	tally->row_total = tally->board.total;
}

/* Is there something to put, or a row to add? */
static bool
is_due(const struct tally *tally, int64_t now_us)
{
	return (tally->changed && now_us - tally->put_us >= PUT_US) ||
	       now_us >= tally->next_us;
}

void
tally_put(struct master *master, bool now)
{
	struct tally *tally = &master->tally;
	struct board *board = &tally->board;
	const struct crew *crew = &master->crew;
	unsigned slot;

	if (tally->write_fd < 0 || (!now && !is_due(tally, master->now_us)))
		return;
	board->wall_ms = clock_wall_ms();
	board->state = state_of(master);
	board->workers_wanted = crew->target;
	board->relapsing = crew_is_relapsing(crew);
	board->workers_ready = crew_count(crew, SEAT_READY);
	board->workers_booting = crew_count(crew, SEAT_BOOTING);
	board->workers_uncached = crew_count_uncached(crew);
	board->log_drops = sink_drops();
	board->statsd_drops = master->statsd.drops;
	board->backlog = backlog_of(&master->current.listeners);
	board->total = tally->ended;
	metrics_add(&board->total, &master->keeper.seat.beat, true);
	board->worker_count = 0;
	for (slot = 0; slot < crew->slot_count; slot++) {
		if (crew->seats[slot].pid > 0)
			put_worker(tally, &crew->seats[slot], slot,
			    master->now_us);
	}
	tally->changed = false;
	tally->put_us = master->now_us;
	if (board_write(tally->write_fd, board) < 0)
		log_debug("tally.put", "the board cannot be written");
	look_at_row(tally, master->now_us);
}
