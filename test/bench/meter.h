/* SPDX-License-Identifier: MIT */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/bench/client.h"
#include "test/bench/histogram.h"

/*
 * What is counted while browsers run: latencies per step, errors by kind,
 * and one line per second. All times are microseconds of clock_mono_us().
 * Layer: test. Threads: the loop only.
 */
enum meter_step {
	STEP_PAGE,
	STEP_BUNDLE,
	STEP_LAYOUT,
	STEP_DEPENDENCIES,
	STEP_SIGNAL,    /* callbacks that the change itself sets off */
	STEP_DEPENDENT, /* callbacks that answers set off */
	STEP_LOAD,      /* from asking for the page to its last callback */
	STEP_ROUND,     /* from a change to the last answer: all graphs */
	STEP_REQUEST,   /* plain requests */
	STEP_COUNT
};

enum meter_error {
	METER_STATUS_4XX = CLIENT_ERRORS, /* below: enum client_error */
	METER_STATUS_5XX,
	METER_STATUS_OTHER,
	METER_NOT_JSON,
	METER_WRONG,    /* not what the oracle says */
	METER_LOOP,     /* callbacks that set each other off for ever */
	METER_UNSERVED, /* due, but no browser was free until the end */
	METER_ERRORS
};

struct meter_second {
	uint32_t requests;
	uint32_t callbacks;
	uint32_t rounds;
	uint32_t errors;
	uint32_t p50_us; /* of callbacks, or of plain requests */
	uint32_t p99_us;
};

struct meter {
	struct histogram *steps; /* STEP_COUNT of them */
	struct histogram *second;
	uint64_t errors[METER_ERRORS];
	uint64_t requests;  /* answered in the measured time */
	uint64_t callbacks; /* of which callbacks */
	uint64_t rounds;
	uint64_t loads;        /* pages, measured time or not */
	uint64_t all_requests; /* answered at any time */
	bool running;
	int64_t start_us; /* of the measured time */
	int64_t end_us;
	int64_t second_end_us;
	struct meter_second now;
	struct meter_second *seconds;
	size_t second_count;
};

/* 0 or -ENOMEM. */
int meter_init(struct meter *meter);
void meter_free(struct meter *meter);

/* The measured time starts or ends. */
void meter_start(struct meter *meter, int64_t now_us);
void meter_stop(struct meter *meter, int64_t now_us);

/*
 * One request or one whole round was done well. Per second counts what ended
 * in the measured time; into the latencies goes what began in it, however late
 * it ended, as the slowest ones would be missing else. Steps of loading a page
 * count at any time.
 */
void meter_done(struct meter *meter, enum meter_step step, int64_t start_us,
    int64_t now_us);

/* An enum meter_error or client_error. */
void meter_fail(struct meter *meter, int error);

/* Close seconds that are over. */
void meter_tick(struct meter *meter, int64_t now_us);

uint64_t meter_failures(const struct meter *meter);
const char *meter_step_name(enum meter_step step);
const char *meter_error_name(int error);

#endif
