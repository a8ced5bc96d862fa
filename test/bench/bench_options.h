/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BENCH_OPTIONS_H
#define BENCH_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "test/bench/client.h"

/*
 * The command line of pronghorn-bench.
 * Layer: test. Threads: read-only once parsed.
 */
enum bench_scenario { BENCH_WARM, BENCH_COLD, BENCH_MIXED };
enum bench_spread { SPREAD_CONSTANT, SPREAD_UNIFORM, SPREAD_EXP };

/* Seconds: `a` constant or mean; a to b when uniform. */
struct bench_pause {
	enum bench_spread spread;
	double a;
	double b;
};

/* Exit status; 128 and its number after a POSIX signal. */
enum bench_status {
	BENCH_GOOD,
	BENCH_WRONG_ANSWERS,
	BENCH_USAGE,
	BENCH_NOTHING, /* no answer at all */
	BENCH_FAILURES /* none was wrong, but some failed or were not known */
};

#define BENCH_SERVERS_MAX 16u

struct bench_options {
	const char *url;
	unsigned sessions;
	unsigned processes;   /* that share them */
	unsigned first;       /* number of the first one here */
	unsigned connections; /* of one session */
	double duration;
	double warmup;
	double timeout;
	double arrival; /* sessions per second; 0: all at once */
	double rate;    /* open model: rounds or requests per second; 0: no */
	enum bench_spread spacing; /* of the starts of the open model */
	struct bench_pause think;
	enum bench_scenario scenario;
	unsigned rounds; /* per session; 0: until the time is over */
	uint64_t seed;
	enum client_http http;
	bool bundles;
	bool gzip;
	bool together;   /* no rounds before every session has its page */
	bool no_initial; /* the first change takes the place of the load's */
	const char *control;
	const char *values;
	const char *path; /* plain requests for this instead of sessions */
	const char *body; /* POST this text; @FILE: the file's bytes */
	const char *headers[8];
	unsigned header_count;
	double sample; /* share of answers that are read and checked */
	bool check_same;
	const char *check_points;
	const char *oracle;
	const char *record;
	const char *computed; /* FILE[:WORD], see computed.h */
	const char *json;
	const char *svg;
	bool quiet;
	pid_t servers[BENCH_SERVERS_MAX];
	unsigned server_count;
};

/*
 * Parse. 0: run; 1: help was printed; negative: a message was printed.
 */
int bench_options_parse(struct bench_options *options, int argc, char **argv);

#endif
