/* SPDX-License-Identifier: MIT */

/* From a board to samples, to Prometheus' text and to the docs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/metrics.h"

static struct board board; /* too large for a stack */

static int
set_up(void **state)
{
	(void)state;
	memset(&board, 0, sizeof(board));
	return 0;
}

/* The text of the board; the caller frees it. */
static struct buf
text_of_board(void)
{
	struct buf out = BUF_EMPTY;

	assert_int_equal(metrics_text(&board, &out), 0);
	(void)buf_cstr(&out);
	return out;
}

static void
check_line(const char *line)
{
	struct buf out = text_of_board();
	char wanted[300];

	(void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (strstr(out.data, wanted) == NULL)
		fail_msg("no line %s in\n%s", line, out.data);
	buf_free(&out);
}

static void
fields_become_samples(void **state)
{
	(void)state;
	board.started_wall_ms = 1000;
	board.wall_ms = 3500;
	board.state = BOARD_DRAINING;
	board.backlog = 7;
	board.ends[BOARD_END_KILLED] = 3;
	board.total.answers[2] = 4;
	board.total.waiting = 5;
	board.total.cache.signals[1] = 6;
	board.total.cache.signals[4] = 2;
	check_line("pronghorn_up_seconds 2.5");
	check_line("pronghorn_state 2");
	check_line("pronghorn_backlog 7");
	check_line("pronghorn_worker_ends_total{reason=\"killed\"} 3");
	check_line("pronghorn_worker_ends_total{reason=\"asked\"} 0");
	check_line("pronghorn_requests_total{class=\"4xx\"} 4");
	check_line("pronghorn_parked_requests 5");
	check_line("pronghorn_signals{state=\"computing\"} 6");
	check_line("pronghorn_signals{state=\"quarantined\"} 2");
	check_line("pronghorn_signals{state=\"wanted\"} 0");
	check_line("# TYPE pronghorn_signals gauge");
	check_line("# TYPE pronghorn_requests_total counter");
}

static void
histograms_are_cumulative(void **state)
{
	struct handoff_series *series = &board.series[0];

	(void)state;
	board.series_count = 1;
	series->kind = HANDOFF_CALLBACK;
	(void)strcpy(series->name, "a\"b\\c\nd");
	series->buckets[0] = 2;
	series->buckets[3] = 1;
	series->buckets[HANDOFF_BUCKETS - 1] = 4;
	series->count = 7;
	series->failed = 1;
	series->duration_us = 1500000;
#define LABEL "callback=\"a\\\"b\\\\c d\""
#define NAME "pronghorn_callback_duration_seconds"
	check_line(NAME "_bucket{" LABEL ",le=\"0.0005\"} 2");
	check_line(NAME "_bucket{" LABEL ",le=\"0.0025\"} 2");
	check_line(NAME "_bucket{" LABEL ",le=\"0.005\"} 3");
	check_line(NAME "_bucket{" LABEL ",le=\"10\"} 3");
	check_line(NAME "_bucket{" LABEL ",le=\"+Inf\"} 7");
	check_line(NAME "_sum{" LABEL "} 1.5");
	check_line(NAME "_count{" LABEL "} 7");
	check_line("pronghorn_callback_errors_total{" LABEL "} 1");
	check_line("pronghorn_request_duration_seconds_bucket{le=\"+Inf\"} 0");
#undef LABEL
#undef NAME
}

static void
workers_have_rows_of_their_own(void **state)
{
	(void)state;
	board.worker_count = 2;
	board.workers[0].slot = 3;
	board.workers[0].beat.memory = 4096;
	board.workers[1].slot = 11;
	board.workers[1].beat.connections = 9;
	check_line("pronghorn_worker_memory_bytes{worker=\"3\"} 4096");
	check_line("pronghorn_worker_connections{worker=\"11\"} 9");
}

static void
note_order(void *context, const struct metric_sample *sample)
{
	const struct metric **last = context;
	static const struct metric *seen[200];
	static size_t count;
	size_t i;

	if (*last == sample->metric)
		return;
	for (i = 0; i < count; i++)
		assert_ptr_not_equal(seen[i], sample->metric);
	assert_true(count < 200);
	seen[count++] = sample->metric;
	*last = sample->metric;
}

static void
samples_of_a_metric_stand_together(void **state)
{
	const struct metric *last = NULL;

	(void)state;
	board.worker_count = 2;
	board.series_count = 2;
	board.series[1].kind = HANDOFF_COMPUTATION;
	metrics_each(&board, note_order, &last);
	assert_non_null(last);
}

/* What of a beat stays when its worker has ended. */
static void
counters_stay_and_gauges_go(void **state)
{
	struct handoff_beat sum = { .requests = 1 };
	struct handoff_beat beat = { .requests = 10,
		.answers = { 6, 1, 2, 1 },
		.buckets = { [2] = 10 },
		.duration_us = 700,
		.tls_handshakes = 3,
		.connections = 5,
		.memory = 1 << 20,
		.waiting = 2,
		.cache.hits = 8,
		.cache.signals = { 1, 2, 3, 4, 5, 6 },
		.cache.entries = 100 };

	(void)state;
	metrics_add(&sum, &beat, false);
	assert_int_equal(sum.requests, 11);
	assert_int_equal(sum.answers[0], 6);
	assert_int_equal(sum.answers[3], 1);
	assert_int_equal(sum.buckets[2], 10);
	assert_int_equal(sum.duration_us, 700);
	assert_int_equal(sum.tls_handshakes, 3);
	assert_int_equal(sum.cache.hits, 8);
	assert_int_equal(sum.connections, 0);
	assert_int_equal(sum.waiting, 0);
	assert_int_equal(sum.cache.entries, 0);
	assert_int_equal(sum.cache.signals[0], 0);
	metrics_add(&sum, &beat, true);
	assert_int_equal(sum.requests, 21);
	assert_int_equal(sum.connections, 5);
	assert_int_equal(sum.waiting, 2);
	assert_int_equal(sum.cache.entries, 100);
	assert_int_equal(sum.cache.signals[5], 6);
}

static void
percentiles(void **state)
{
	uint64_t buckets[HANDOFF_BUCKETS] = { [1] = 50, [4] = 45, [8] = 5 };

	(void)state;
	assert_true(metrics_percentile(buckets, 100, 0.5) == 0.001);
	assert_true(metrics_percentile(buckets, 100, 0.51) == 0.01);
	assert_true(metrics_percentile(buckets, 100, 0.95) == 0.01);
	assert_true(metrics_percentile(buckets, 100, 0.99) == 0.25);
	/* What is above all bounds counts as the last one. */
	memset(buckets, 0, sizeof(buckets));
	buckets[HANDOFF_BUCKETS - 1] = 1;
	assert_true(metrics_percentile(buckets, 1, 0.5) == 10);
}

static void
check_documented(void *context, const struct metric_sample *sample)
{
	char row[100];

	(void)snprintf(row, sizeof(row), "| `pronghorn_%s` | %s |",
	    sample->metric->name, metrics_type_name(sample->metric->type));
	assert_non_null(strstr(context, row));
}

static void
the_table_has_every_metric(void **state)
{
	struct buf out = BUF_EMPTY;

	(void)state;
	assert_int_equal(metrics_docs(&out), 0);
	board.worker_count = 1;
	board.series_count = 2;
	board.series[1].kind = HANDOFF_COMPUTATION;
	metrics_each(&board, check_documented,
	    (void *)(uintptr_t)buf_cstr(&out));
	assert_non_null(strstr(out.data, "`class`: 2xx, 3xx, 4xx, 5xx |"));
	buf_free(&out);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(fields_become_samples),
		TEST(histograms_are_cumulative),
		TEST(workers_have_rows_of_their_own),
		TEST(samples_of_a_metric_stand_together),
		TEST(counters_stay_and_gauges_go),
		TEST(percentiles),
		TEST(the_table_has_every_metric),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
