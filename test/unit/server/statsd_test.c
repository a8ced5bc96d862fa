/* SPDX-License-Identifier: MIT */

/* Differences of two boards as lines, and datagrams that fit a packet. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "server/base/sink.h"
#include "server/master_int.h"

#include "test/unit/scratch_file.h"

static struct board last;
static struct board board;
static char target[128];

static int
set_up(void **state)
{
	(void)state;
	memset(&last, 0, sizeof(last));
	memset(&board, 0, sizeof(board));
	if (scratch_make("statsd") < 0)
		return -1;
	(void)snprintf(target, sizeof(target), "unix://%s", path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return scratch_remove();
}

static void
check(const char *prefix, const char *tags, const char *line, bool there)
{
	const struct statsd statsd = { .fd = -1,
		.prefix = prefix,
		.tags = tags };
	struct buf out = BUF_EMPTY;
	char wanted[200];

	(void)buf_putc(&out, '\n');
	statsd_lines(&statsd, &last, &board, &out);
	(void)snprintf(wanted, sizeof(wanted), "\n%s", line);
	assert_non_null(buf_cstr(&out));
	if ((strstr(out.data, wanted) != NULL) != there)
		fail_msg("%s %s:%s", there ? "no" : "a", line, out.data);
	buf_free(&out);
}

static void
counters_are_sent_as_what_was_added(void **state)
{
	(void)state;
	last.total.answers[0] = 10;
	board.total.answers[0] = 13;
	board.total.answers[1] = 2;
	check("", "", "pronghorn.requests.2xx:3|c\n", true);
	check("", "", "pronghorn.requests.3xx:2|c\n", true);
	check("", "", "pronghorn.requests.4xx:", false);
	check("my.app", "", "my.app.pronghorn.requests.2xx:3|c\n", true);
	check("a b:c", "", "a_b_c.pronghorn.requests.2xx:3|c\n", true);
	check("", "env:x", "pronghorn.requests:3|c|#env:x,class:2xx\n", true);
}

static void
gauges_are_sent_as_they_are(void **state)
{
	(void)state;
	last.workers_ready = 4;
	board.workers_ready = 4;
	board.backlog = 2;
	check("", "", "pronghorn.workers_ready:4|g\n", true);
	check("", "", "pronghorn.backlog:2|g\n", true);
	check("", "", "pronghorn.signals.wanted:0|g\n", true);
	check("", "a:b", "pronghorn.signals:0|g|#a:b,state:wanted\n", true);
}

static void
histograms_are_of_this_second(void **state)
{
	(void)state;
	last.total.buckets[9] = 1000; /* long ago */
	last.total.duration_us = 1000000;
	board.total.buckets[9] = 1000;
	board.total.buckets[4] = 99;
	board.total.buckets[7] = 1;
	board.total.duration_us = 1500000;
	check("", "", "pronghorn.request_duration_seconds.count:100|c\n", true);
	check("", "", "pronghorn.request_duration_seconds.sum_ms:500|c\n",
	    true);
	check("", "", "pronghorn.request_duration_seconds.p50:10|g\n", true);
	check("", "", "pronghorn.request_duration_seconds.p99:10|g\n", true);
	last = board;
	check("", "", "pronghorn.request_duration_seconds.", false);
}

/* A name that comes later must not be taken for another one's past. */
static void
series_are_found_by_name(void **state)
{
	struct handoff_series *series = board.series;

	(void)state;
	last.series_count = 1;
	(void)strcpy(last.series[0].name, "b");
	last.series[0].failed = 5;
	board.series_count = 2;
	(void)strcpy(series[0].name, "a|x");
	series[0].failed = 1;
	(void)strcpy(series[1].name, "b");
	series[1].failed = 7;
	check("", "", "pronghorn.callback_errors.a_x:1|c\n", true);
	check("", "", "pronghorn.callback_errors.b:2|c\n", true);
}

static int
open_target(struct statsd *statsd, const char *host, struct buf *why)
{
	const struct server_options options = { .statsd_host = host,
		.statsd_prefix = "p",
		.dogstatsd_tags = "" };

	statsd_init(statsd);
	return statsd_open(statsd, &options, why);
}

static void
wrong_targets_are_named(void **state)
{
	static const struct {
		const char *host;
		const char *why;
	} rows[] = {
		{ "localhost", "HOST:PORT or unix://PATH" },
		{ ":8125", "HOST:PORT or unix://PATH" },
		{ "host:", "HOST:PORT or unix://PATH" },
		{ "unix:///nowhere/statsd", "No such file" },
		{ "127.0.0.1:no-such-service", "statsd_host: 127.0.0.1" },
	};
	struct statsd statsd;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf why = BUF_EMPTY;

		assert_true(open_target(&statsd, rows[i].host, &why) < 0);
		assert_non_null(strstr(buf_cstr(&why), rows[i].why));
		assert_int_equal(statsd.fd, -1);
		buf_free(&why);
	}
	assert_int_equal(open_target(&statsd, "", NULL), 0);
	assert_int_equal(statsd_deadline(&statsd), INT64_MAX);
}

static int
listen_here(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

static void
whole_lines_go_out_once_a_second(void **state)
{
	static struct master master;
	struct buf why = BUF_EMPTY;
	uint64_t of_log = sink_drops();
	uint64_t before;
	int fd = listen_here();
	char text[4000];
	unsigned datagrams = 0;
	unsigned tries;
	ssize_t got;

	(void)state;
	memset(&master, 0, sizeof(master));
	tally_init(&master.tally);
	keeper_seat_init(&master.keeper, 1);
	assert_int_equal(open_target(&master.statsd, target, &why), 0);
	master.now_us = 1000000;
	statsd_look(&master);
	master.now_us += 999999;
	statsd_look(&master); /* too soon */
	while ((got = recv(fd, text, sizeof(text), MSG_DONTWAIT)) > 0) {
		datagrams++;
		assert_true(got <= 1400);
		assert_memory_equal(text, "p.pronghorn.", 12);
		assert_int_not_equal(text[got - 1], '\n');
	}
	assert_true(datagrams > 0);
	/* Nobody reads, nobody listens: that costs datagrams, and no time. */
	for (tries = 0; master.statsd.drops == 0 && tries < 100000; tries++) {
		master.now_us += 1000000;
		statsd_look(&master);
	}
	assert_true(master.statsd.drops > 0);
	(void)close(fd);
	before = master.statsd.drops;
	master.now_us += 1000000;
	statsd_look(&master);
	assert_true(master.statsd.drops > before);
	assert_int_equal(sink_drops(), of_log);
	statsd_close(&master.statsd);
	keeper_seat_fini(&master.keeper);
	tally_close(&master.tally);
	buf_free(&why);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(counters_are_sent_as_what_was_added),
		TEST(gauges_are_sent_as_they_are),
		TEST(histograms_are_of_this_second),
		TEST(series_are_found_by_name),
		TEST(wrong_targets_are_named),
		TEST(whole_lines_go_out_once_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
