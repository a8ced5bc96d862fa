/* SPDX-License-Identifier: MIT */
#ifndef WORKER_METRICS_H
#define WORKER_METRICS_H

#include <stdint.h>

#include "server/base/board.h"
#include "server/base/buf.h"

/*
 * The metrics, from the board: a table (metrics.def), a way to go through all
 * samples, and Prometheus' text form.
 *
 * THREADS  Any; pure functions.
 */
enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric {
	const char *name;
	enum metric_type type;
	const char *label; /* "": none */
	const char *help;
};

struct metric_sample {
	const struct metric *metric;
	const char *label_value; /* "": no label */
	double value;            /* histogram: the sum */
	uint64_t count;          /* histogram only */
	const uint64_t *buckets; /* HANDOFF_BUCKETS of them, the last one
				    without a bound; NULL: no histogram */
};

typedef void metrics_put(void *context, const struct metric_sample *sample);

/* All samples, those of one metric in a row. */
void metrics_each(const struct board *board, metrics_put *put, void *context);

/* Upper bounds of the buckets in seconds; HANDOFF_BUCKETS - 1 of them. */
extern const double metrics_bounds[HANDOFF_BUCKETS - 1];

/* Append the text that Prometheus scrapes (version 0.0.4). 0 or -ENOMEM. */
int metrics_text(const struct board *board, struct buf *out);
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Append the table of docs/OPERATIONS.md, in markdown. 0 or -ENOMEM. */
int metrics_docs(struct buf *out);

/* The bound below which `part` of the `count` values lie, in seconds. */
double metrics_percentile(const uint64_t buckets[HANDOFF_BUCKETS],
    uint64_t count, double part);

/* As Prometheus names them: "counter", "gauge", "histogram". */
const char *metrics_type_name(enum metric_type type);

/*
 * Add the counters of `beat` to those of `sum`; its other numbers, too, when
 * `live`.
 */
void metrics_add(struct handoff_beat *sum, const struct handoff_beat *beat,
    bool live);

#endif
