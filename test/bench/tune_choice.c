/* SPDX-License-Identifier: MIT */

/*
 * The proposal: of the points within 5 % of the best throughput, those whose
 * p99 is within 2 % of the lowest among them count as equally quick, and of
 * these it is the one that needs the least memory.
 *
 * INVARIANT  Both bounds are relative to the best one, never to the one that
 *            was looked at before: tolerances do not add up.
 */
#include "test/bench/tune_choice.h"

#include <stdio.h>
#include <string.h>

#define NEAR_BEST 0.95
#define SAME_P99 1.02

static double
median_at(const struct tune_point *point, size_t offset)
{
	double values[TUNE_REPEAT_MAX];
	double held;
	unsigned i;
	unsigned j;

	for (i = 0; i < point->count; i++) {
		memcpy(&held, (const char *)&point->samples[i] + offset,
		    sizeof(held));
		for (j = i; j > 0 && values[j - 1] > held; j--)
			values[j] = values[j - 1];
		values[j] = held;
	}
	if (point->count % 2 == 1)
		return values[point->count / 2];
	return (values[point->count / 2 - 1] + values[point->count / 2]) / 2;
}

void
tune_take_medians(struct tune_point *point)
{
	struct tune_sample *median = &point->median;
	unsigned i;

	memset(median, 0, sizeof(*median));
	if (point->count == 0)
		return;
	median->per_s = median_at(point, offsetof(struct tune_sample, per_s));
	median->p99_ms = median_at(point, offsetof(struct tune_sample, p99_ms));
	median->p50_ms = median_at(point, offsetof(struct tune_sample, p50_ms));
	median->pss_mb = median_at(point, offsetof(struct tune_sample, pss_mb));
	median->cores = median_at(point, offsetof(struct tune_sample, cores));
	for (i = 0; i < point->count; i++) {
		median->wrong += point->samples[i].wrong;
		median->failures += point->samples[i].failures;
	}
}

bool
tune_is_clean(const struct tune_point *point)
{
	return point->count > 0 && point->median.wrong <= 0 &&
	       point->median.failures <= 0;
}

static double
best_rate(const struct tune_point *points, size_t count)
{
	double most = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (tune_is_clean(&points[i]) && points[i].median.per_s > most)
			most = points[i].median.per_s;
	}
	return most;
}

/* Is its throughput good enough for its p99 to count? */
static bool
is_near(const struct tune_point *point, double most)
{
	return tune_is_clean(point) && point->median.per_s >= NEAR_BEST * most;
}

/* The least p99 among those that are near the best rate; negative: none. */
static double
least_p99(const struct tune_point *points, size_t count, double most)
{
	double least = -1;
	size_t i;

	for (i = 0; i < count; i++) {
		if (is_near(&points[i], most) &&
		    (least < 0 || points[i].median.p99_ms < least))
			least = points[i].median.p99_ms;
	}
	return least;
}

size_t
tune_choose(const struct tune_point *points, size_t count)
{
	double most = best_rate(points, count);
	double least = least_p99(points, count, most);
	const struct tune_sample *best = NULL;
	const struct tune_sample *at;
	size_t chosen = count;
	size_t i;

	for (i = 0; i < count; i++) {
		at = &points[i].median;
		if (!is_near(&points[i], most) || at->p99_ms > least * SAME_P99)
			continue;
		if (best == NULL || at->pss_mb < best->pss_mb ||
		    (at->pss_mb <= best->pss_mb && at->p99_ms < best->p99_ms)) {
			best = at;
			chosen = i;
		}
	}
	return chosen;
}

void
tune_reason(char *out, size_t size, const struct tune_point *points,
    size_t count, size_t chosen)
{
	const struct tune_sample *at = &points[chosen].median;
	double most = best_rate(points, count);
	double least = least_p99(points, count, most);
	unsigned alike = 0;
	char near[64] = "the lowest";
	char memory[96] = "";
	size_t i;

	for (i = 0; i < count; i++)
		alike += is_near(&points[i], most) &&
			 points[i].median.p99_ms <= least * SAME_P99;
	if (at->p99_ms > least)
		(void)snprintf(near, sizeof(near),
		    "within 2 %% of the lowest, %.2f ms,", least);
	if (alike > 1)
		(void)snprintf(memory, sizeof(memory),
		    ", and of the %u that are within 2 %% of the lowest none "
		    "needs less memory",
		    alike);
	(void)snprintf(out, size,
	    "its p99 of %.2f ms is %s among the settings within 5 %% of the "
	    "best throughput (it has %.0f of %.0f per second)%s; it needs "
	    "%.1f MB",
	    at->p99_ms, near, at->per_s, most, memory, at->pss_mb);
}
