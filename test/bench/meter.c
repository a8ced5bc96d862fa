/* SPDX-License-Identifier: MIT */

/*
 * Counting. One histogram per step for the whole run, one that is emptied
 * each second for the line over time.
 *
 * INVARIANT  requests, callbacks and rounds count only what ended in the
 *            measured time, so that they divide by its length.
 */
#include "test/bench/meter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int
meter_init(struct meter *meter)
{
	memset(meter, 0, sizeof(*meter));
	meter->steps = calloc(STEP_COUNT, sizeof(*meter->steps));
	meter->second = calloc(1, sizeof(*meter->second));
	if (meter->steps != NULL && meter->second != NULL)
		return 0;
	meter_free(meter);
	return -ENOMEM;
}

void
meter_free(struct meter *meter)
{
	free(meter->steps);
	free(meter->second);
	free(meter->seconds);
	memset(meter, 0, sizeof(*meter));
}

void
meter_start(struct meter *meter, int64_t now_us)
{
	meter->running = true;
	meter->start_us = now_us;
	meter->second_end_us = now_us + 1000000;
	memset(&meter->now, 0, sizeof(meter->now));
	histogram_clear(meter->second);
}

static void
close_second(struct meter *meter)
{
	struct meter_second *more;

	meter->now.p50_us = (uint32_t)histogram_percentile(meter->second, 50);
	meter->now.p99_us = (uint32_t)histogram_percentile(meter->second, 99);
	more =
	    realloc(meter->seconds, (meter->second_count + 1) * sizeof(*more));
	if (more != NULL) {
		meter->seconds = more;
		more[meter->second_count++] = meter->now;
	}
	memset(&meter->now, 0, sizeof(meter->now));
	histogram_clear(meter->second);
	meter->second_end_us += 1000000;
}

void
meter_tick(struct meter *meter, int64_t now_us)
{
	while (meter->running && now_us >= meter->second_end_us)
		close_second(meter);
}

void
meter_stop(struct meter *meter, int64_t now_us)
{
	if (!meter->running)
		return;
	meter_tick(meter, now_us);
	meter->running = false;
	meter->end_us = now_us;
}

void
meter_done(struct meter *meter, enum meter_step step, int64_t start_us,
    int64_t now_us)
{
	bool loading = step <= STEP_DEPENDENCIES || step == STEP_LOAD;
	bool callback = step == STEP_SIGNAL || step == STEP_DEPENDENT;
	bool request = step != STEP_LOAD && step != STEP_ROUND;
	bool due = meter->start_us > 0 && start_us >= meter->start_us &&
		   (meter->running || start_us < meter->end_us);

	meter->all_requests += request;
	meter->loads += step == STEP_LOAD;
	if (loading || due)
		histogram_put(&meter->steps[step], now_us - start_us);
	if (!meter->running)
		return;
	meter_tick(meter, now_us);
	meter->requests += request;
	meter->now.requests += request;
	meter->callbacks += callback;
	meter->now.callbacks += callback;
	meter->rounds += step == STEP_ROUND;
	meter->now.rounds += step == STEP_ROUND;
	if (callback || step == STEP_REQUEST)
		histogram_put(meter->second, now_us - start_us);
}

void
meter_fail(struct meter *meter, int error)
{
	meter->errors[error]++;
	meter->now.errors++;
}

uint64_t
meter_failures(const struct meter *meter)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < METER_ERRORS; i++)
		sum += meter->errors[i];
	return sum;
}

const char *
meter_step_name(enum meter_step step)
{
	static const char *const names[STEP_COUNT] = {
		[STEP_PAGE] = "page",
		[STEP_BUNDLE] = "bundle",
		[STEP_LAYOUT] = "layout",
		[STEP_DEPENDENCIES] = "dependencies",
		[STEP_SIGNAL] = "signal",
		[STEP_DEPENDENT] = "dependent",
		[STEP_LOAD] = "load",
		[STEP_ROUND] = "round",
		[STEP_REQUEST] = "request",
	};

	return names[step];
}

const char *
meter_error_name(int error)
{
	static const char *const names[METER_ERRORS] = {
		[METER_STATUS_4XX] = "status_4xx",
		[METER_STATUS_5XX] = "status_5xx",
		[METER_STATUS_OTHER] = "status_other",
		[METER_NOT_JSON] = "not_json",
		[METER_WRONG] = "wrong_answer",
		[METER_LOOP] = "callback_loop",
		[METER_UNSERVED] = "unserved",
	};

	return error < CLIENT_ERRORS
		   ? client_error_name((enum client_error)error)
		   : names[error];
}
