/* SPDX-License-Identifier: MIT */

/*
 * Counting. See stats.h.
 *
 * Memory is what no other process shares and is dirty (Private_Dirty): the
 * app's .so and what was made before the fork is not counted once per worker.
 */
#include "worker/stats.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "server/base/fd.h"

#define MEMORY_EVERY_US INT64_C(2000000)

void
stats_init(struct stats *stats, const struct worker_options *options)
{
	uint64_t drawn = 0;

	*stats = (struct stats){ .tired = false };
	stats->series = calloc(STATS_SERIES, sizeof(*stats->series));
	if (options->max_requests == 0)
		return;
	if (getrandom(&drawn, sizeof(drawn), GRND_NONBLOCK) < 0)
		drawn = (uint64_t)getpid();
	stats->recycle_at =
	    options->max_requests +
	    (int64_t)(drawn % (uint64_t)(options->max_requests_jitter + 1));
}

void
stats_free(struct stats *stats)
{
	free(stats->series);
	stats->series = NULL;
}

static unsigned
bucket_of(int64_t duration_us)
{
	static const int64_t bounds_us[HANDOFF_BUCKETS - 1] = {
		HANDOFF_BUCKET_BOUNDS_US
	};
	unsigned bucket = 0;

	while (bucket < HANDOFF_BUCKETS - 1 && duration_us > bounds_us[bucket])
		bucket++;
	return bucket;
}

bool
stats_answer(struct stats *stats, int status, int64_t duration_us)
{
	struct handoff_beat *beat = &stats->beat;

	if (status >= 200 && status < 600)
		beat->answers[status / 100 - 2]++;
	beat->buckets[bucket_of(duration_us)]++;
	beat->duration_us += (uint64_t)duration_us;
	beat->requests++;
	return beat->requests == (uint64_t)stats->recycle_at;
}

/*
 * The place of what is counted, half full at most; the last one is for all
 * others. A memoized callback is counted as a callback and as a computation,
 * and both have the same address.
 */
static unsigned
place_of(const struct stats *stats, enum handoff_series_kind kind,
    const void *what)
{
	unsigned at = (unsigned)(((uintptr_t)what >> 4) * 2654435761U);
	unsigned tries;

	for (tries = 0; tries < STATS_SERIES / 2; tries++, at++) {
		at %= STATS_SERIES - 1;
		if (stats->series_of[at] == NULL ||
		    (stats->series_of[at] == what &&
			stats->series[at].kind == (uint32_t)kind))
			return at;
	}
	return STATS_SERIES - 1;
}

void
stats_series(struct stats *stats, enum handoff_series_kind kind,
    const void *what, const char *name, bool failed, int64_t duration_us)
{
	struct handoff_series *series;
	unsigned at;

	if (stats->series == NULL)
		return;
	at = place_of(stats, kind, what);
	series = &stats->series[at];
	if (stats->series_of[at] == NULL) {
		stats->series_of[at] = what;
		series->kind = (uint32_t)kind;
		(void)strncpy(series->name,
		    at == STATS_SERIES - 1 ? "other" : name,
		    sizeof(series->name) - 1);
	}
	series->count++;
	series->failed += failed;
	series->duration_us += (uint64_t)duration_us;
	series->buckets[bucket_of(duration_us)]++;
}

bool
stats_take(struct stats *stats, unsigned *index, struct handoff_series *out)
{
	struct handoff_series *series;

	for (; stats->series != NULL && *index < STATS_SERIES; (*index)++) {
		series = &stats->series[*index];
		if (series->count == 0)
			continue;
		*out = *series;
		series->count = series->failed = series->duration_us = 0;
		memset(series->buckets, 0, sizeof(series->buckets));
		return true;
	}
	return false;
}

void
stats_keep(struct stats *stats, unsigned index,
    const struct handoff_series *series)
{
	stats->series[index] = *series;
}

/* Bytes, 0: cannot be told. */
static int64_t
private_dirty(void)
{
	char text[4096];
	const char *line;
	ssize_t got;
	int fd;

	fd = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	text[got > 0 ? got : 0] = '\0';
	line = strstr(text, "Private_Dirty:");
	return line == NULL ? 0 : (int64_t)strtoll(line + 14, NULL, 10) * 1024;
}

void
stats_not_told(struct stats *stats)
{
	stats->tired = false;
}

const char *
stats_is_tired(struct stats *stats, const struct worker_options *options,
    int64_t now_us)
{
	if (now_us - stats->memory_us >= MEMORY_EVERY_US) {
		stats->memory_us = now_us;
		stats->beat.memory = (uint64_t)private_dirty();
	}
	if (stats->tired)
		return NULL;
	stats->tired = true;
	if (stats->recycle_at > 0 &&
	    stats->beat.requests >= (uint64_t)stats->recycle_at)
		return "max_requests";
	if (options->max_worker_memory > 0 &&
	    stats->beat.memory > (uint64_t)options->max_worker_memory)
		return "max_worker_memory";
	stats->tired = false;
	return NULL;
}
