/* SPDX-License-Identifier: MIT */

/*
 * A grid of workers x threads. Each point gets a server of its own with an
 * empty cache, and the same load from a second process of this program, so
 * that no point inherits anything from another. Repeats go round the whole
 * grid, and medians are taken, as machines have good and bad minutes.
 *
 * Which one is proposed, and why: tune_choice.c.
 *
 * A point with failures or wrong answers in any of its runs is shown with all
 * of them and not proposed.
 *
 * FAILURE    A point that cannot be run is shown with the reason; the rest
 *            goes on. After SIGINT, SIGTERM or SIGHUP the server is stopped and
 *            its folder removed before the program ends. Files that cannot be
 *            written are told before the first point.
 */
#include "test/bench/tune.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "test/bench/bench_options.h"
#include "test/bench/out_file.h"
#include "test/bench/svg.h"
#include "test/bench/tune_choice.h"
#include "test/bench/tune_options.h"
#include "test/bench/tune_point.h"

static volatile sig_atomic_t sig_caught;

static void
on_sig(int sig)
{
	sig_caught = sig;
}

static void
catch_sigs(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_sig };
	size_t i;

	(void)sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)sigaction(sigs[i], &action, NULL);
}

/* ---- the table
 * -------------------------------------------------------------------------- */

static void
print_table(const struct tune_point *points, size_t count, size_t chosen)
{
	const struct tune_sample *at;
	char reason[512];
	size_t i;

	printf("%7s %7s %12s %10s %10s %8s %8s %8s\n", "workers", "threads",
	    "callbacks/s", "p50 ms", "p99 ms", "cores", "PSS MB", "failures");
	for (i = 0; i < count; i++) {
		at = &points[i].median;
		if (points[i].count == 0)
			printf("%7u %7u %12s  %s\n", points[i].workers,
			    points[i].threads, "failed", points[i].why);
		else
			printf("%7u %7u %12.1f %10.2f %10.2f %8.2f %8.1f "
			       "%8.0f%s\n",
			    points[i].workers, points[i].threads, at->per_s,
			    at->p50_ms, at->p99_ms, at->cores, at->pss_mb,
			    at->failures + at->wrong,
			    i == chosen ? "  <-" : "");
	}
	if (chosen == count) {
		printf("No setting is proposed: none ran without a failure.\n");
		return;
	}
	tune_reason(reason, sizeof(reason), points, count, chosen);
	printf("Proposed: --workers %u --threads %u, as %s.\n",
	    points[chosen].workers, points[chosen].threads, reason);
}

static int
write_json(const char *path, const struct tune_options *options,
    const struct tune_point *points, size_t count, size_t chosen)
{
	cJSON *root = cJSON_CreateObject();
	cJSON *list = cJSON_AddArrayToObject(root, "points");
	FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	const struct tune_sample *at;
	cJSON *item;
	char *text;
	size_t i;

	(void)cJSON_AddStringToObject(root, "app", options->app);
	for (i = 0; i < count; i++) {
		at = &points[i].median;
		item = cJSON_CreateObject();
		(void)cJSON_AddNumberToObject(item, "workers",
		    points[i].workers);
		(void)cJSON_AddNumberToObject(item, "threads",
		    points[i].threads);
		(void)cJSON_AddNumberToObject(item, "runs", points[i].count);
		(void)cJSON_AddNumberToObject(item, "callbacks_per_s",
		    at->per_s);
		(void)cJSON_AddNumberToObject(item, "p50_ms", at->p50_ms);
		(void)cJSON_AddNumberToObject(item, "p99_ms", at->p99_ms);
		(void)cJSON_AddNumberToObject(item, "cores", at->cores);
		(void)cJSON_AddNumberToObject(item, "pss_mb", at->pss_mb);
		(void)cJSON_AddNumberToObject(item, "failures", at->failures);
		(void)cJSON_AddNumberToObject(item, "wrong", at->wrong);
		(void)cJSON_AddBoolToObject(item, "proposed", i == chosen);
		if (points[i].count == 0)
			(void)cJSON_AddStringToObject(item, "why",
			    points[i].why);
		(void)cJSON_AddItemToArray(list, item);
	}
	text = cJSON_Print(root);
	cJSON_Delete(root);
	if (file != NULL && text != NULL)
		(void)fprintf(file, "%s\n", text);
	free(text);
	if (file == NULL)
		return -errno;
	return file == stdout || fclose(file) == 0 ? 0 : -EIO;
}

/* Throughput, p99 and memory side by side. */
static int
write_svg(const char *path, const struct tune_options *options,
    const struct tune_point *points, size_t count, size_t chosen)
{
	double values[TUNE_LIST_MAX * TUNE_LIST_MAX];
	struct svg_grid grid = { .row_label = "worker",
		.column_label = "thread",
		.rows = options->workers,
		.columns = options->threads,
		.row_count = options->worker_count,
		.column_count = options->thread_count,
		.values = values,
		.marked = chosen < count ? chosen : SIZE_MAX };
	static const char *const titles[] = { "callbacks per second",
		"p99 of a round", "memory of all processes (PSS)" };
	static const char *const units[] = { "", "ms", "MB" };
	FILE *file = fopen(path, "we");
	double wide = 100 + 100 * (double)options->thread_count;
	unsigned plot;
	size_t i;

	if (file == NULL)
		return -errno;
	svg_open(file, 3 * wide + 20, 130 + 48 * (double)options->worker_count,
	    "workers x threads; the frame marks the proposal");
	for (plot = 0; plot < 3; plot++) {
		for (i = 0; i < count; i++) {
			values[i] = points[i].median.per_s;
			if (plot > 0)
				values[i] = plot == 1 ? points[i].median.p99_ms
						      : points[i].median.pss_mb;
			if (points[i].count == 0)
				values[i] = -1;
		}
		grid.title = titles[plot];
		grid.unit = units[plot];
		grid.less_is_better = plot > 0;
		svg_heat(file, 30 + wide * plot, 90, &grid);
	}
	svg_close(file);
	return fclose(file) == 0 ? 0 : -EIO;
}

/* Of the load's options those that tune itself gives it, once per point. */
static int
refuse_own(const char *option, const char *what)
{
	(void)fprintf(stderr,
	    "pronghorn-bench: tune: --%s after -- is tune's own to give: %s\n",
	    option, what);
	return -EINVAL;
}

/* Would the load take its options? A message was printed if not. */
static int
check_load(const struct tune_options *options)
{
	static struct bench_options load;
	char *argv[TUNE_ARGS_MAX];
	char url[] = "http://127.0.0.1";
	char name[] = "pronghorn-bench";
	int count = 2;
	int i;
	int rc;

	if (options->load_argc > TUNE_ARGS_MAX - 16)
		return -EINVAL;
	argv[0] = name;
	argv[1] = url;
	for (i = 0; i < options->load_argc; i++)
		argv[count++] = options->load_argv[i];
	argv[count] = NULL;
	rc = bench_options_parse(&load, count, argv);
	if (rc != 0)
		return rc;
	if (load.json != NULL)
		return refuse_own("json", "before -- it takes all results");
	if (load.svg != NULL)
		return refuse_own("svg", "before -- it takes the heat map");
	if (load.record != NULL)
		return refuse_own("record", "each point would overwrite it");
	if (load.server_count > 0)
		return refuse_own("server-pid", "it starts the servers");
	return 0;
}

/* 0, or a message was printed. */
static int
check_all(const struct tune_options *options)
{
	int rc = check_load(options);

	if (rc == 0)
		rc = out_file_check("json", options->json);
	if (rc == 0)
		rc = out_file_check("svg", options->svg);
	return rc;
}

static int
write_all(const struct tune_options *options, const struct tune_point *points,
    size_t count, size_t chosen)
{
	const char *path = options->json;
	int rc = 0;

	if (path != NULL)
		rc = write_json(path, options, points, count, chosen);
	if (rc == 0 && options->svg != NULL) {
		path = options->svg;
		rc = write_svg(path, options, points, count, chosen);
	}
	if (rc < 0)
		(void)fprintf(stderr, "pronghorn-bench: %s: %s\n", path,
		    err_str(rc));
	return rc;
}

static void
run_grid(const struct tune_options *options, struct tune_point *points,
    size_t count, int *rc)
{
	struct tune_point *point;
	unsigned round;
	size_t i;

	for (round = 0; round < options->repeat; round++) {
		for (i = 0; i < count && sig_caught == 0; i++) {
			point = &points[i];
			(void)fprintf(stderr,
			    "round %u of %u: %u worker%s, %u thread%s\n",
			    round + 1, options->repeat, point->workers,
			    point->workers == 1 ? "" : "s", point->threads,
			    point->threads == 1 ? "" : "s");
			*rc = tune_point_run(options, point, &sig_caught);
			/* No point will take what the load refuses. */
			if (*rc == -EINVAL)
				return;
			if (*rc < 0 && *rc != -EINTR)
				(void)fprintf(stderr, "could not be run: %s\n",
				    point->why);
		}
	}
}

int
tune_main(int argc, char **argv)
{
	static struct tune_point points[TUNE_LIST_MAX * TUNE_LIST_MAX];
	struct tune_options options;
	double wrong = 0;
	size_t count;
	size_t chosen;
	size_t i;
	int rc;

	rc = tune_options_parse(&options, argc, argv);
	if (rc != 0)
		return rc < 0 ? BENCH_USAGE : BENCH_GOOD;
	rc = check_all(&options);
	if (rc != 0)
		return rc < 0 ? BENCH_USAGE : BENCH_GOOD;
	catch_sigs();
	count = (size_t)options.worker_count * options.thread_count;
	for (i = 0; i < count; i++) {
		points[i].workers = options.workers[i / options.thread_count];
		points[i].threads = options.threads[i % options.thread_count];
	}
	run_grid(&options, points, count, &rc);
	if (sig_caught != 0)
		return 128 + sig_caught;
	if (rc == -EINVAL)
		return BENCH_USAGE;
	for (i = 0; i < count; i++) {
		tune_take_medians(&points[i]);
		wrong += points[i].median.wrong;
	}
	chosen = tune_choose(points, count);
	print_table(points, count, chosen);
	if (write_all(&options, points, count, chosen) < 0)
		return BENCH_USAGE;
	if (wrong > 0)
		return 1;
	return chosen == count ? 3 : 0;
}
