/* SPDX-License-Identifier: MIT */

/* What the status page is told, with and without board and database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cache/schema.h"
#include "server/base/board.h"
#include "server/base/fd.h"
#include "worker/status_json.h"

struct scene {
	int write_fd;
	int read_fd;
	struct board *board;
	struct cache_options options;
	struct buf json;
};

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	scene->board = calloc(1, sizeof(*scene->board));
	scene->options.cache_dir = "/nonexistent";
	*state = scene;
	return board_open(&scene->write_fd, &scene->read_fd);
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;

	fd_close(&scene->write_fd);
	fd_close(&scene->read_fd);
	buf_free(&scene->json);
	free(scene->board);
	free(scene);
	return 0;
}

static const char *
ask(struct scene *scene, int board_fd, const char *query)
{
	struct http_span span = { query, query != NULL ? strlen(query) : 0 };

	buf_clear(&scene->json);
	assert_int_equal(
	    status_json(&scene->options, board_fd, span, &scene->json), 0);
	return buf_cstr(&scene->json);
}

static void
check_has(const char *json, const char *part)
{
	if (strstr(json, part) == NULL)
		fail_msg("no %s in\n%s", part, json);
}

#define COLUMNS                                                       \
	"\"columns\":[\"time\",\"span\",\"answers\",\"p50\",\"p99\"," \
	"\"hits\",\"misses\",\"evictions\",\"bytes\"]"

static void
nothing_is_known(void **state)
{
	struct scene *scene = *state;

	assert_string_equal(ask(scene, -1, NULL),
	    "{\"workers\":[],\"history\":{" COLUMNS ",\"rows\":[]},"
	    "\"signals\":[],\"cache\":{},\"sessions\":{},"
	    "\"cache_error\":\"\"}\n");
	assert_string_equal(ask(scene, scene->read_fd, NULL),
	    ask(scene, -1, NULL));
}

static void
a_database_that_cannot_be_read_is_told(void **state)
{
	struct scene *scene = *state;
	char dir[] = "/tmp/ph-status-XXXXXX";
	char path[64];
	FILE *file;

	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/" SCHEMA_FILE, dir);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs("this is no database, and long enough to be sure", file);
	assert_int_equal(fclose(file), 0);
	scene->options.cache_dir = dir;
	scene->board->worker_count = 1;
	scene->board->workers[0].pid = 4711;
	assert_int_equal(board_write(scene->write_fd, scene->board), 0);
	ask(scene, scene->read_fd, NULL);
	(void)unlink(path);
	(void)rmdir(dir);
	check_has(scene->json.data, "\"pid\":4711");
	check_has(scene->json.data, "\"signals\":[]");
	check_has(scene->json.data, "\"cache_error\":\"");
	assert_null(strstr(scene->json.data, "\"cache_error\":\"\""));
}

static void
a_worker_is_a_row(void **state)
{
	struct scene *scene = *state;
	struct board_worker *row = &scene->board->workers[1];

	scene->board->worker_count = 2;
	row->slot = 3;
	row->pid = 4711;
	row->state = 2;
	row->generation = 5;
	row->restarts = 9;
	row->age_ms = 61234;
	row->beat.threads = 4;
	row->beat.computing = 2;
	row->beat.queued = 6;
	row->beat.parked = 1;
	row->beat.waiting = 8;
	row->beat.connections = 7;
	row->beat.memory = 1048576;
	assert_int_equal(board_write(scene->write_fd, scene->board), 0);
	check_has(ask(scene, scene->read_fd, NULL),
	    ",{\"slot\":3,\"pid\":4711,\"state\":\"ready\",\"generation\":5,"
	    "\"restarts\":9,\"age\":61.234,\"silent\":0.000,\"threads\":4,"
	    "\"busy_threads\":2,\"queued\":6,\"parked\":1,\"waiting\":8,"
	    "\"connections\":7,\"memory\":1048576}],");
}

static void
only_newer_rows_are_sent(void **state)
{
	struct scene *scene = *state;
	struct board_row row = { .wall_ms = 1000,
		.span_ms = 2000,
		.answers = 12,
		.p50 = 1,
		.p99 = HANDOFF_BUCKETS - 1,
		.hits = 3,
		.misses = 4,
		.evictions = 5,
		.bytes = 6 };
	const char *first = "[1000,2000,12,1000,\"inf\",3,4,5,6]";
	const char *second = "[3000,2001,0,null,null,0,0,0,0]";
	const char *tests[][3] = {
		{ NULL, first, second },
		{ "since=0", first, second },
		{ "since=999", first, second },
		{ "since=1000", second, NULL },
		{ "since=2999", second, NULL },
		{ "since=3000", NULL, NULL },
		{ "since=3001", first, second }, /* the clock was set back */
		{ "since=99999999999999999999999999", first, second },
		{ "since=3000&x", first, second },
		{ "until=3000", first, second },
	};
	char wanted[200];
	size_t i;

	assert_int_equal(board_add_row(scene->write_fd, &row), 0);
	row = (struct board_row){ .wall_ms = 3000,
		.span_ms = 2001,
		.p50 = HANDOFF_BUCKETS,
		.p99 = HANDOFF_BUCKETS };
	assert_int_equal(board_add_row(scene->write_fd, &row), 0);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		(void)snprintf(wanted, sizeof(wanted), "\"rows\":[%s%s%s]}",
		    tests[i][1] != NULL ? tests[i][1] : "",
		    tests[i][2] != NULL ? "," : "",
		    tests[i][2] != NULL ? tests[i][2] : "");
		check_has(ask(scene, scene->read_fd, tests[i][0]), wanted);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_known),
		TEST(a_database_that_cannot_be_read_is_told),
		TEST(a_worker_is_a_row),
		TEST(only_newer_rows_are_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
