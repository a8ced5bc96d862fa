/* SPDX-License-Identifier: MIT */

/*
 * What to tune, and the grid: as given, or from the CPUs we may use, half as
 * many, as many and twice as many workers with 1, 2 and 4 threads.
 */
#include "test/bench/tune_options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: pronghorn-bench tune --app APP [options] [-- options of the "
    "load]\n"
    "\n"
    "Starts the server with each number of workers and threads, puts the "
    "same load\n"
    "on it and proposes the best setting.\n"
    "\n"
    "  --app PATH         the app to serve\n"
    "  -c, --config FILE  config file of the server\n"
    "  --server PATH      the server (pronghorn beside this program)\n"
    "  --workers 1,2,4    numbers to try (from the CPUs)\n"
    "  --threads 1,2,4    numbers to try (1,2,4)\n"
    "  --repeat N         rounds over the grid, medians are taken (1)\n"
    "  --json FILE|-      write the results\n"
    "  --svg FILE         write a heat map\n"
    "\n"
    "The load is that of `pronghorn-bench URL`, for example\n"
    "  pronghorn-bench tune --app app.so -- --sessions 100 --think exp:1\n";

static int
list_of(const char *name, const char *text, unsigned *list, unsigned *count)
{
	unsigned long value;
	unsigned i;
	char *end;

	*count = 0;
	for (;; text = end + 1) {
		value = strtoul(text, &end, 10);
		if (end == text || value < 1 || value > 256 ||
		    (*end != ',' && *end != '\0') || *count == TUNE_LIST_MAX) {
			(void)fprintf(stderr,
			    "pronghorn-bench: --%s: expected up to %d numbers "
			    "from 1 to 256, as in 1,2,4\n",
			    name, TUNE_LIST_MAX);
			return -EINVAL;
		}
		for (i = 0; i < *count; i++) {
			if (list[i] != value)
				continue;
			(void)fprintf(stderr,
			    "pronghorn-bench: --%s: expected each number "
			    "once, and %lu is there twice\n",
			    name, value);
			return -EINVAL;
		}
		list[(*count)++] = (unsigned)value;
		if (*end == '\0')
			return 0;
	}
}

static int
repeat_of(const char *text, unsigned *repeat)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value < 1 ||
	    value > TUNE_REPEAT_MAX) {
		(void)fprintf(stderr,
		    "pronghorn-bench: --repeat: expected a number from 1 to "
		    "%d\n",
		    TUNE_REPEAT_MAX);
		return -EINVAL;
	}
	*repeat = (unsigned)value;
	return 0;
}

static void
derive_grid(struct tune_options *options)
{
	cpu_set_t set;
	unsigned cpus = 1;
	unsigned try[3];
	unsigned i;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = (unsigned)CPU_COUNT(&set);
	if (options->worker_count == 0) {
		try[0] = cpus / 2;
		try[1] = cpus;
		try[2] = cpus * 2;
		for (i = 0; i < 3; i++) {
			if (try[i] > 0 && try[i] <= 256)
				options->workers[options->worker_count++] =
				    try[i];
		}
	}
	if (options->thread_count == 0) {
		for (i = 0; i < 3; i++)
			options->threads[options->thread_count++] = 1u << i;
	}
}

/* The server beside this program. */
static const char *
default_server(void)
{
	static char path[PATH_MAX + 16];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	if (len <= 0)
		return "pronghorn";
	path[len] = '\0';
	slash = strrchr(path, '/');
	memcpy(slash + 1, "pronghorn", sizeof("pronghorn"));
	return path;
}

int
tune_options_parse(struct tune_options *options, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "app", required_argument, NULL, 'a' },
		{ "config", required_argument, NULL, 'c' },
		{ "server", required_argument, NULL, 's' },
		{ "workers", required_argument, NULL, 'w' },
		{ "threads", required_argument, NULL, 't' },
		{ "repeat", required_argument, NULL, 'r' },
		{ "json", required_argument, NULL, 'j' },
		{ "svg", required_argument, NULL, 'g' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int code;
	int rc = 0;

	memset(options, 0, sizeof(*options));
	options->server = default_server();
	options->repeat = 1;
	while (rc == 0 &&
	       (code = getopt_long(argc, argv, "+c:h", longs, NULL)) != -1) {
		if (code == 'a')
			options->app = optarg;
		else if (code == 'c')
			options->config = optarg;
		else if (code == 's')
			options->server = optarg;
		else if (code == 'j')
			options->json = optarg;
		else if (code == 'g')
			options->svg = optarg;
		else if (code == 'w')
			rc = list_of("workers", optarg, options->workers,
			    &options->worker_count);
		else if (code == 't')
			rc = list_of("threads", optarg, options->threads,
			    &options->thread_count);
		else if (code == 'r')
			rc = repeat_of(optarg, &options->repeat);
		else if (code == 'h')
			return fputs(help, stdout) < 0 ? -EIO : 1;
		else
			return -EINVAL;
	}
	if (rc < 0)
		return rc;
	if (options->app == NULL) {
		(void)fputs("pronghorn-bench: tune: expected --app APP (see "
			    "tune --help)\n",
		    stderr);
		return -EINVAL;
	}
	options->load_argv = argv + optind;
	options->load_argc = argc - optind;
	derive_grid(options);
	return 0;
}
