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
 * OWNERSHIP  Every point has a temporary folder, removed at its end.
 * FAILURE    A point that cannot be run is shown as such; the rest goes on.
 *            After SIGINT, SIGTERM or SIGHUP the server is stopped and its
 *            folder removed before the program ends.
 */
#include "test/bench/tune.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/base/fd.h"
#include "test/bench/bench_options.h"
#include "test/bench/svg.h"
#include "test/bench/tune_choice.h"
#include "test/bench/tune_options.h"

#define READY_MS 15000
#define STOP_MS 15000
#define ARGS_MAX 96

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

/* ---- one point
 * ----------------------------------------------------------------------- */

static void
sleep_ms(long ms)
{
	struct timespec wait = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&wait, NULL);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static pid_t
spawn(char *const *argv, const char *output)
{
	pid_t pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	fd = open(output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		(void)dup2(fd, STDOUT_FILENO);
		(void)dup2(fd, STDERR_FILENO);
	}
	(void)execvp(argv[0], argv);
	(void)dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Wait until the log tells the address; 0 or -ETIMEDOUT, -ECHILD. */
static int
wait_ready(pid_t pid, const char *log, char *url, size_t url_len)
{
	static const char mark[] = "event=master.ready url=";
	const char *at;
	char *text = NULL;
	size_t len;
	size_t n;
	int waited;

	for (waited = 0; waited < READY_MS; waited += 20) {
		if (sig_caught != 0)
			return -EINTR;
		sleep_ms(20);
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return -ECHILD;
		if (fd_read_file(log, 1 << 20, &text, &len) < 0)
			continue;
		at = strstr(text, mark);
		if (at != NULL) {
			at += sizeof(mark) - 1;
			n = strcspn(at, " \n");
			if (n < url_len && at[n] != '\0') {
				memcpy(url, at, n);
				url[n] = '\0';
				free(text);
				return 0;
			}
		}
		free(text);
		text = NULL;
	}
	return -ETIMEDOUT;
}

static void
stop(pid_t pid)
{
	int waited;

	(void)kill(pid, SIGTERM);
	for (waited = 0; waited < STOP_MS; waited += 20) {
		if (waitpid(pid, NULL, WNOHANG) == pid)
			return;
		sleep_ms(20);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static double
number_at(const cJSON *root, const char *a, const char *b, const char *c)
{
	const cJSON *at = cJSON_GetObjectItem(root, a);

	if (b != NULL)
		at = cJSON_GetObjectItem(at, b);
	if (c != NULL)
		at = cJSON_GetObjectItem(at, c);
	return cJSON_IsNumber(at) ? at->valuedouble : 0;
}

static int
read_sample(const char *path, struct tune_sample *sample)
{
	const char *step;
	char *text;
	size_t len;
	cJSON *root;

	if (fd_read_file(path, 16 << 20, &text, &len) < 0)
		return -ENOENT;
	root = cJSON_ParseWithLength(text, len);
	free(text);
	sample->per_s = number_at(root, "callbacks_per_s", NULL, NULL);
	step = sample->per_s > 0 ? "round" : "request";
	if (sample->per_s <= 0)
		sample->per_s = number_at(root, "requests_per_s", NULL, NULL);
	sample->p99_ms = number_at(root, "latency_us", step, "p99") / 1e3;
	sample->p50_ms = number_at(root, "latency_us", step, "p50") / 1e3;
	sample->pss_mb = number_at(root, "server", "pss_kb", NULL) / 1024;
	sample->cores = number_at(root, "server", "cores", NULL);
	sample->wrong = number_at(root, "checks", "wrong", NULL);
	sample->failures = number_at(root, "failures", NULL, NULL);
	cJSON_Delete(root);
	return sample->per_s > 0 ? 0 : -EPROTO;
}

static int
run_load(const struct tune_options *options, const char *url, pid_t server,
    const char *folder, struct tune_sample *sample)
{
	char json[128];
	char log[128];
	char pid_text[16];
	const char *argv[ARGS_MAX];
	int count = 0;
	int status;
	int i;
	pid_t pid;

	(void)snprintf(json, sizeof(json), "%s/result.json", folder);
	(void)snprintf(log, sizeof(log), "%s/load.log", folder);
	(void)snprintf(pid_text, sizeof(pid_text), "%d", (int)server);
	argv[count++] = "/proc/self/exe";
	argv[count++] = url;
	argv[count++] = "--quiet";
	argv[count++] = "--json";
	argv[count++] = json;
	argv[count++] = "--server-pid";
	argv[count++] = pid_text;
	for (i = 0; i < options->load_argc && count < ARGS_MAX - 1; i++)
		argv[count++] = options->load_argv[i];
	argv[count] = NULL;
	pid = spawn((char *const *)(uintptr_t)argv, log);
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) != pid) {
		if (sig_caught != 0)
			(void)kill(pid, SIGKILL);
	}
	if (sig_caught != 0)
		return -EINTR;
	/* Wrong answers and failures are in its results. */
	if (!WIFEXITED(status) ||
	    (WEXITSTATUS(status) != BENCH_GOOD &&
		WEXITSTATUS(status) != BENCH_WRONG_ANSWERS &&
		WEXITSTATUS(status) != BENCH_FAILURES)) {
		char *text = NULL;
		size_t len;

		if (fd_read_file(log, 65536, &text, &len) == 0)
			(void)fputs(text, stderr);
		free(text);
		return WIFEXITED(status) && WEXITSTATUS(status) == BENCH_USAGE
			   ? -EINVAL
			   : -EPROTO;
	}
	return read_sample(json, sample);
}

static pid_t
start_server(const struct tune_options *options, const struct tune_point *point,
    const char *folder)
{
	char workers[16];
	char threads[16];
	char cache[128];
	char log[128];
	const char *argv[24];
	int count = 0;

	(void)snprintf(workers, sizeof(workers), "%u", point->workers);
	(void)snprintf(threads, sizeof(threads), "%u", point->threads);
	(void)snprintf(cache, sizeof(cache), "%s/cache", folder);
	(void)snprintf(log, sizeof(log), "%s/log", folder);
	argv[count++] = options->server;
	if (options->config != NULL) {
		argv[count++] = "-c";
		argv[count++] = options->config;
	}
	argv[count++] = "--bind";
	argv[count++] = "127.0.0.1:0";
	argv[count++] = "--workers";
	argv[count++] = workers;
	argv[count++] = "--threads";
	argv[count++] = threads;
	argv[count++] = "--cache-dir";
	argv[count++] = cache;
	argv[count++] = "--error-logfile";
	argv[count++] = "-";
	argv[count++] = options->app;
	argv[count] = NULL;
	return spawn((char *const *)(uintptr_t)argv, log);
}

static int
run_point(const struct tune_options *options, struct tune_point *point)
{
	char folder[] = "/tmp/pronghorn-tune-XXXXXX";
	char log[128];
	char url[256];
	pid_t server;
	int rc;

	if (mkdtemp(folder) == NULL)
		return -errno;
	(void)snprintf(log, sizeof(log), "%s/log", folder);
	server = start_server(options, point, folder);
	rc = server < 0 ? -errno : wait_ready(server, log, url, sizeof(url));
	if (rc == 0)
		rc = run_load(options, url, server, folder,
		    &point->samples[point->count]);
	if (rc == 0) {
		point->count++;
	} else if (server > 0 && rc != -EINTR) {
		char *text = NULL;
		size_t len;

		if (fd_read_file(log, 65536, &text, &len) == 0)
			(void)fputs(text, stderr);
		free(text);
	}
	if (server > 0 && rc != -ECHILD)
		stop(server);
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
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
			printf("%7u %7u %12s\n", points[i].workers,
			    points[i].threads, "failed");
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
	struct svg_grid grid = { .row_label = "workers",
		.column_label = "threads",
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

/* Would the load take its options? A message was printed if not. */
static int
check_load(const struct tune_options *options)
{
	static struct bench_options load;
	char *argv[ARGS_MAX];
	char url[] = "http://127.0.0.1";
	char name[] = "pronghorn-bench";
	int count = 2;
	int i;

	if (options->load_argc > ARGS_MAX - 16)
		return -EINVAL;
	argv[0] = name;
	argv[1] = url;
	for (i = 0; i < options->load_argc; i++)
		argv[count++] = options->load_argv[i];
	argv[count] = NULL;
	return bench_options_parse(&load, count, argv);
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
	unsigned round;
	int rc;

	rc = tune_options_parse(&options, argc, argv);
	if (rc != 0)
		return rc < 0 ? BENCH_USAGE : BENCH_GOOD;
	rc = check_load(&options);
	if (rc != 0)
		return rc < 0 ? BENCH_USAGE : BENCH_GOOD;
	catch_sigs();
	count = (size_t)options.worker_count * options.thread_count;
	for (i = 0; i < count; i++) {
		points[i].workers = options.workers[i / options.thread_count];
		points[i].threads = options.threads[i % options.thread_count];
	}
	for (round = 0; round < options.repeat; round++) {
		for (i = 0; i < count && sig_caught == 0; i++) {
			(void)fprintf(stderr,
			    "round %u of %u: %u workers, %u threads\n",
			    round + 1, options.repeat, points[i].workers,
			    points[i].threads);
			rc = run_point(&options, &points[i]);
			/* No point will take what the load refuses. */
			if (rc == -EINVAL)
				return BENCH_USAGE;
			if (rc < 0)
				(void)fprintf(stderr, "could not be run\n");
		}
	}
	if (sig_caught != 0)
		return 128 + sig_caught;
	for (i = 0; i < count; i++) {
		tune_take_medians(&points[i]);
		wrong += points[i].median.wrong;
	}
	chosen = tune_choose(points, count);
	print_table(points, count, chosen);
	if (options.json != NULL &&
	    write_json(options.json, &options, points, count, chosen) < 0)
		return 2;
	if (options.svg != NULL &&
	    write_svg(options.svg, &options, points, count, chosen) < 0)
		return 2;
	if (wrong > 0)
		return 1;
	return chosen == count ? 3 : 0;
}
