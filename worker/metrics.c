/* SPDX-License-Identifier: MIT */

/*
 * The table of metrics and what is read out of the board for each row.
 *
 * INVARIANT  A counter never falls while the master lives: what ended workers
 *            had counted stays in the sum (metrics_add).
 * THREADS    See metrics.h.
 */
#include "worker/metrics.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const double metrics_bounds[HANDOFF_BUCKETS - 1] = { 0.0005, 0.001, 0.0025,
	0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 2.5, 10 };

enum source {
	FROM_UPTIME,
	FROM_BOARD,
	FROM_BEAT,
	FROM_WORKER,
	FROM_CALLBACK,
	FROM_COMPUTATION
};

struct row {
	struct metric metric;
	enum source source;
	size_t offset;
	size_t size; /* of all numbers of the field */
	const char *values;
	double scale;
};

#define STRUCT_UPTIME struct board
#define STRUCT_BOARD struct board
#define STRUCT_BEAT struct handoff_beat
#define STRUCT_WORKER struct handoff_beat
#define STRUCT_CALLBACK struct handoff_series
#define STRUCT_COMPUTATION struct handoff_series

static const struct row rows[] = {
#define METRIC(name, type, source, field, label, values, scale, help) \
	{ { #name, METRIC_##type, label, help }, FROM_##source,       \
		offsetof(STRUCT_##source, field),                     \
		sizeof(((STRUCT_##source *)0)->field), values, scale },
#include "worker/metrics.def"
#undef METRIC
};

static unsigned
count_values(const char *values)
{
	unsigned count = 1;

	for (; *values != '\0'; values++)
		count += *values == '|';
	return count;
}

/* A number of 4 or 8 bytes. */
static double
number_at(const void *base, size_t offset, size_t size)
{
	uint32_t small;
	uint64_t large;

	if (size == sizeof(small)) {
		memcpy(&small, (const char *)base + offset, sizeof(small));
		return small;
	}
	memcpy(&large, (const char *)base + offset, sizeof(large));
	return (double)large;
}

/* Every number of a field, with the names of `values` as labels. */
static void
put_numbers(const struct row *row, const void *base, const char *label,
    metrics_put *put, void *context)
{
	unsigned count = count_values(row->values);
	size_t size = row->size / count;
	const char *name = row->values;
	struct metric_sample sample = { .metric = &row->metric };
	char text[32];
	unsigned i;

	for (i = 0; i < count; i++) {
		(void)snprintf(text, sizeof(text), "%.*s",
		    (int)strcspn(name, "|"), name);
		name += strcspn(name, "|");
		name += *name == '|';
		sample.label_value = label != NULL ? label : text;
		sample.value =
		    number_at(base, row->offset + i * size, size) * row->scale;
		put(context, &sample);
	}
}

static void
put_histogram(const struct row *row, const uint64_t *buckets,
    uint64_t duration_us, const char *label, metrics_put *put, void *context)
{
	struct metric_sample sample = { .metric = &row->metric,
		.label_value = label,
		.value = (double)duration_us * row->scale,
		.buckets = buckets };
	unsigned i;

	for (i = 0; i < HANDOFF_BUCKETS; i++)
		sample.count += buckets[i];
	put(context, &sample);
}

static void
put_workers(const struct row *row, const struct board *board, metrics_put *put,
    void *context)
{
	char slot[16];
	uint32_t i;

	for (i = 0; i < board->worker_count; i++) {
		(void)snprintf(slot, sizeof(slot), "%u",
		    board->workers[i].slot);
		put_numbers(row, &board->workers[i].beat, slot, put, context);
	}
}

static void
put_series(const struct row *row, const struct board *board, metrics_put *put,
    void *context)
{
	uint32_t kind = row->source == FROM_CALLBACK ? HANDOFF_CALLBACK
						     : HANDOFF_COMPUTATION;
	const struct handoff_series *series;
	uint32_t i;

	for (i = 0; i < board->series_count; i++) {
		series = &board->series[i];
		if (series->kind != kind)
			continue;
		if (row->metric.type == METRIC_HISTOGRAM)
			put_histogram(row, series->buckets, series->duration_us,
			    series->name, put, context);
		else
			put_numbers(row, series, series->name, put, context);
	}
}

static void
put_uptime(const struct row *row, const struct board *board, metrics_put *put,
    void *context)
{
	struct metric_sample sample = { .metric = &row->metric,
		.label_value = "",
		.value = (double)(board->wall_ms - board->started_wall_ms) *
			 row->scale };

	put(context, &sample);
}

void
metrics_each(const struct board *board, metrics_put *put, void *context)
{
	const struct row *row;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row = &rows[i];
		if (row->source == FROM_UPTIME)
			put_uptime(row, board, put, context);
		else if (row->source == FROM_BOARD)
			put_numbers(row, board, NULL, put, context);
		else if (row->source == FROM_WORKER)
			put_workers(row, board, put, context);
		else if (row->source != FROM_BEAT)
			put_series(row, board, put, context);
		else if (row->metric.type == METRIC_HISTOGRAM)
			put_histogram(row, board->total.buckets,
			    board->total.duration_us, "", put, context);
		else
			put_numbers(row, &board->total, NULL, put, context);
	}
}

/* One text while it grows. */
struct text {
	const struct metric *last;
	struct buf *out;
};

static void
put_label(struct buf *out, const struct metric_sample *sample)
{
	const char *p;

	(void)buf_printf(out, "%s=\"", sample->metric->label);
	for (p = sample->label_value; *p != '\0'; p++) {
		if (*p == '\\' || *p == '"')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, *p == '\n' ? ' ' : *p);
	}
	(void)buf_putc(out, '"');
}

static void
put_buckets(const struct metric_sample *sample, struct buf *out)
{
	bool labelled = sample->label_value[0] != '\0';
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < HANDOFF_BUCKETS; i++) {
		sum += sample->buckets[i];
		(void)buf_printf(out, "pronghorn_%s_bucket{",
		    sample->metric->name);
		if (labelled) {
			put_label(out, sample);
			(void)buf_putc(out, ',');
		}
		if (i < HANDOFF_BUCKETS - 1)
			(void)buf_printf(out, "le=\"%.9g\"} %llu\n",
			    metrics_bounds[i], (unsigned long long)sum);
		else
			(void)buf_printf(out, "le=\"+Inf\"} %llu\n",
			    (unsigned long long)sum);
	}
}

/* name[suffix]{label="..."} value */
static void
put_line(const struct metric_sample *sample, const char *suffix, double value,
    struct buf *out)
{
	(void)buf_printf(out, "pronghorn_%s%s", sample->metric->name, suffix);
	if (sample->label_value[0] != '\0') {
		(void)buf_putc(out, '{');
		put_label(out, sample);
		(void)buf_putc(out, '}');
	}
	(void)buf_printf(out, " %.17g\n", value);
}

const char *
metrics_type_name(enum metric_type type)
{
	static const char *const names[] = { "counter", "gauge", "histogram" };

	return names[type];
}

static void
put_text(void *context, const struct metric_sample *sample)
{
	struct text *text = context;

	if (text->last != sample->metric) {
		text->last = sample->metric;
		(void)buf_printf(text->out,
		    "# HELP pronghorn_%s %s\n# TYPE pronghorn_%s %s\n",
		    sample->metric->name, sample->metric->help,
		    sample->metric->name,
		    metrics_type_name(sample->metric->type));
	}
	if (sample->buckets == NULL) {
		put_line(sample, "", sample->value, text->out);
		return;
	}
	put_buckets(sample, text->out);
	put_line(sample, "_sum", sample->value, text->out);
	put_line(sample, "_count", (double)sample->count, text->out);
}

int
metrics_text(const struct board *board, struct buf *out)
{
	struct text text = { NULL, out };

	metrics_each(board, put_text, &text);
	return buf_ok(out) ? 0 : -ENOMEM;
}

/* The names of a field's numbers with commas between them. */
static void
put_values(const char *values, struct buf *out)
{
	if (*values != '\0')
		(void)buf_puts(out, ": ");
	for (; *values != '\0'; values++) {
		if (*values == '|')
			(void)buf_puts(out, ", ");
		else
			(void)buf_putc(out, *values);
	}
}

int
metrics_docs(struct buf *out)
{
	const struct row *row;
	size_t i;

	(void)buf_puts(out,
	    "| metric | type | label | is |\n|---|---|---|---|\n");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row = &rows[i];
		(void)buf_printf(out, "| `pronghorn_%s` | %s | ",
		    row->metric.name, metrics_type_name(row->metric.type));
		if (row->metric.label[0] != '\0')
			(void)buf_printf(out, "`%s`", row->metric.label);
		put_values(row->values, out);
		(void)buf_printf(out, " | %s |\n", row->metric.help);
	}
	return buf_ok(out) ? 0 : -ENOMEM;
}

double
metrics_percentile(const uint64_t buckets[HANDOFF_BUCKETS], uint64_t count,
    double part)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < HANDOFF_BUCKETS - 2; i++) {
		sum += buckets[i];
		if ((double)sum >= part * (double)count)
			break;
	}
	return metrics_bounds[i];
}

static void
add_field(struct handoff_beat *sum, const struct handoff_beat *beat,
    size_t offset, size_t size, unsigned count)
{
	size_t width = size / count;
	uint32_t small[2];
	uint64_t large[2];
	unsigned i;

	for (i = 0; i < count; i++, offset += width) {
		if (width == sizeof(small[0])) {
			memcpy(&small[0], (char *)sum + offset, width);
			memcpy(&small[1], (const char *)beat + offset, width);
			small[0] += small[1];
			memcpy((char *)sum + offset, &small[0], width);
		} else {
			memcpy(&large[0], (char *)sum + offset, width);
			memcpy(&large[1], (const char *)beat + offset, width);
			large[0] += large[1];
			memcpy((char *)sum + offset, &large[0], width);
		}
	}
}

void
metrics_add(struct handoff_beat *sum, const struct handoff_beat *beat,
    bool live)
{
	const struct row *row;
	unsigned count;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		row = &rows[i];
		if (row->source != FROM_BEAT ||
		    (row->metric.type == METRIC_GAUGE && !live))
			continue;
		count = row->metric.type == METRIC_HISTOGRAM
			    ? HANDOFF_BUCKETS
			    : count_values(row->values);
		add_field(sum, beat, row->offset, row->size, count);
	}
	sum->requests += beat->requests;
	sum->duration_us += beat->duration_us;
}
