/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TUNE_OPTIONS_H
#define BENCH_TUNE_OPTIONS_H

/*
 * The command line of pronghorn-bench tune.
 * Layer: test. Threads: read-only once parsed.
 */
#define TUNE_LIST_MAX 8
#define TUNE_REPEAT_MAX 9

struct tune_options {
	const char *app;
	const char *config; /* NULL: none */
	const char *server; /* the program */
	const char *json;
	const char *svg;
	unsigned workers[TUNE_LIST_MAX];
	unsigned threads[TUNE_LIST_MAX];
	unsigned worker_count;
	unsigned thread_count;
	unsigned repeat;
	char **load_argv; /* options of the load, as they came */
	int load_argc;
};

/* 0: run; 1: help was printed; negative: a message was printed. */
int tune_options_parse(struct tune_options *options, int argc, char **argv);

#endif
