/* SPDX-License-Identifier: MIT */

/*
 * pronghorn-bench: many browsers at once on one server.
 *
 *   pronghorn-bench URL --sessions 200 --duration 10
 *   pronghorn-bench tune --app build/examples/caching_and_signaling.so
 *
 * See README.md beside this file.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/base/err.h"
#include "test/bench/bench_options.h"
#include "test/bench/bench_report.h"
#include "test/bench/load.h"
#include "test/bench/requests.h"
#include "test/bench/split.h"
#include "test/bench/tune.h"

static volatile sig_atomic_t sig_caught;

static void
on_sig(int sig)
{
	sig_caught = sig;
}

/* The first one ends the run early, a second one the program. */
static void
catch_sigs(void)
{
	struct sigaction action = { .sa_handler = on_sig,
		.sa_flags = SA_RESETHAND };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

/* As many descriptors as we may have. */
static void
raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int
prepare(struct load *load, const struct bench_options *options)
{
	unsigned line = 0;
	int rc;

	requests_put_get(&load->get_fields, &load->target, options);
	requests_put_post(&load->post_fields, &load->target, options);
	if (options->path != NULL) {
		rc = requests_put_plain(&load->plain, &load->plain_body_at,
		    &load->target, options);
		if (rc < 0) {
			(void)fprintf(stderr, "pronghorn-bench: %s: %s\n",
			    options->body, err_str(rc));
			return rc;
		}
	}
	if (options->check_points != NULL &&
	    oracle_set_points(&load->oracle, options->check_points) < 0) {
		(void)fprintf(stderr,
		    "pronghorn-bench: --check points:%s: expected "
		    "VALUE=COUNT,...\n",
		    options->check_points);
		return -1;
	}
	if (options->computed != NULL) {
		rc = computed_start(&load->computed, options->computed);
		if (rc < 0) {
			(void)fprintf(stderr,
			    "pronghorn-bench: --computed "
			    "%s: %s\n",
			    options->computed, err_str(rc));
			return rc;
		}
	}
	if (options->oracle == NULL)
		return 0;
	rc = oracle_read(&load->oracle, options->oracle, &line);
	if (rc < 0)
		(void)fprintf(stderr, "pronghorn-bench: %s, line %u: %s\n",
		    options->oracle, line, err_str(rc));
	return rc;
}

static int
write_results(const struct load *load, const struct bench_options *options)
{
	const char *path = options->json;
	int rc = 0;

	if (options->computed != NULL && load->computations < 0)
		(void)fprintf(stderr, "pronghorn-bench: --computed %s: %s\n",
		    options->computed, err_str((int)load->computations));
	if (!options->quiet && (path == NULL || strcmp(path, "-") != 0))
		bench_report_print(load);
	if (path != NULL)
		rc = bench_report_json(load, path);
	if (rc == 0 && options->svg != NULL) {
		path = options->svg;
		rc = bench_report_svg(load, path);
	}
	if (rc == 0 && options->record != NULL) {
		path = options->record;
		rc = oracle_write(&load->oracle, path);
	}
	if (rc < 0)
		(void)fprintf(stderr, "pronghorn-bench: %s: %s\n", path,
		    err_str(rc));
	return rc;
}

/* It was not the server that had no more connections. */
static void
tell_own_limit(const struct load *load)
{
	struct rlimit limit = { 0 };

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	(void)fprintf(stderr,
	    "pronghorn-bench: %llu requests found no connection, as this "
	    "program could not open one more: %s (it may have %llu "
	    "descriptors; ulimit -Hn)\n",
	    (unsigned long long)load->meter.errors[CLIENT_OWN_LIMIT],
	    strerror(load->common.own_limit),
	    (unsigned long long)limit.rlim_cur);
}

/* The status of a run that went to its end; what is not good is said. */
static int
judge(const struct load *load)
{
	const uint64_t *errors = load->meter.errors;
	uint64_t failures = meter_failures(&load->meter);
	uint64_t unknown = load->oracle.unknown;

	if (errors[CLIENT_OWN_LIMIT] > 0)
		tell_own_limit(load);
	if (failures > 0 || unknown > 0)
		(void)fprintf(stderr,
		    "pronghorn-bench: %llu failures, %llu wrong answers among "
		    "them; %llu answers unknown to the oracle\n",
		    (unsigned long long)failures,
		    (unsigned long long)errors[METER_WRONG],
		    (unsigned long long)unknown);
	if (errors[METER_WRONG] > 0 || errors[METER_NOT_JSON] > 0)
		return BENCH_WRONG_ANSWERS;
	if (load->meter.all_requests == 0)
		return BENCH_NOTHING;
	return failures > 0 || unknown > 0 ? BENCH_FAILURES : BENCH_GOOD;
}

/* The results of a run, for people and programs, and its status. */
static int
conclude(struct load *load, const struct bench_options *options, int rc)
{
	int status = BENCH_USAGE;

	if (rc < 0)
		(void)fprintf(stderr, "pronghorn-bench: %s\n", load->trouble);
	/* Also when nothing came: the errors by kind. */
	if (write_results(load, options) == 0)
		status = judge(load);
	if (rc < 0 && status != BENCH_WRONG_ANSWERS)
		status = BENCH_NOTHING;
	return sig_caught != 0 ? 128 + sig_caught : status;
}

/* The run, or the part of it that process `part` has. */
static int
run(const struct bench_options *options, struct split *split, unsigned part)
{
	static struct load load;
	struct bench_options mine;
	int status = BENCH_USAGE;
	int rc;

	split_options(options, part, &mine);
	if (load_init(&load, &mine) < 0) {
		(void)fprintf(stderr, "pronghorn-bench: %s\n", load.trouble);
	} else if (prepare(&load, &mine) == 0) {
		catch_sigs();
		load.sig_caught = &sig_caught;
		load.split = split;
		load.part = part;
		rc = load_run(&load);
		if (part > 0) {
			split_give(split, part, &load);
			status = BENCH_GOOD;
		} else {
			if (split != NULL)
				rc = split_take(split, &load);
			load.options = options;
			load.count = options->sessions;
			status = conclude(&load, options, rc);
			load.count = mine.sessions; /* to free */
		}
	}
	load_free(&load);
	return status;
}

static int
run_split(const struct bench_options *options)
{
	struct split *split = split_new(options->processes);
	int status = BENCH_USAGE;
	int part = split != NULL ? split_fork(split) : -ENOMEM;

	/* The first one speaks for all. */
	if (part > 0 && freopen("/dev/null", "w", stderr) == NULL)
		_exit(BENCH_USAGE);
	if (part < 0)
		(void)fprintf(stderr, "pronghorn-bench: --processes: %s\n",
		    err_str(part));
	else
		status = run(options, split, (unsigned)part);
	if (part > 0)
		_exit(status);
	split_free(&split);
	return status;
}

int
main(int argc, char **argv)
{
	struct bench_options options;
	int rc;

	(void)signal(SIGPIPE, SIG_IGN);
	raise_limit();
	if (argc > 1 && strcmp(argv[1], "tune") == 0)
		return tune_main(argc - 1, argv + 1);
	rc = bench_options_parse(&options, argc, argv);
	if (rc != 0)
		return rc < 0 ? BENCH_USAGE : BENCH_GOOD;
	return options.processes > 1 ? run_split(&options)
				     : run(&options, NULL, 0);
}
