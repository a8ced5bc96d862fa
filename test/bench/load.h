/* SPDX-License-Identifier: MIT */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "test/bench/bench_options.h"
#include "test/bench/browser.h"
#include "test/bench/computed.h"
#include "test/bench/meter.h"
#include "test/bench/oracle.h"
#include "test/bench/proc_stat.h"
#include "test/bench/schedule.h"
#include "test/bench/split.h"
#include "test/bench/target.h"

/*
 * A whole run: browsers arrive, warm up, are measured.
 * Layer: test. Threads: the loop only.
 */
enum load_phase {
	LOAD_PRIMING,  /* one browser asks for every value */
	LOAD_ARRIVING, /* until the last one has its page */
	LOAD_WARMUP,
	LOAD_MEASURE,
	LOAD_DRAIN, /* what has started in time may end */
	LOAD_OVER
};

struct load {
	const struct bench_options *options;
	struct event_base *base;
	struct target target;
	struct client_common common;
	struct app_model *models;
	struct app_model_wish wish;
	struct meter meter;
	struct oracle oracle;
	enum load_phase phase;
	int64_t phase_us; /* when it began */
	int64_t begin_us; /* of the run */
	struct browser *browsers;
	unsigned count;   /* of browsers */
	unsigned arrived; /* told to open */
	unsigned loaded;  /* loads that have ended, well or not */
	unsigned done;    /* have done their rounds */
	struct browser primer;
	unsigned prime_control;
	unsigned prime_value;
	unsigned prime_failures;
	struct buf body;        /* of the request being made */
	struct buf get_fields;  /* after the request line */
	struct buf post_fields; /* the request line, too */
	struct buf plain;       /* the whole request of --path */
	size_t plain_body_at;
	struct event tick;
	struct event arrival;
	struct event schedule;
	/* open model */
	double next_start_us;  /* not rounded, as rates would be, too */
	uint64_t starts;       /* due in the measured time */
	struct browser **idle; /* a stack */
	unsigned idle_count;
	struct schedule_queue late; /* starts that wait for a browser */
	/* own and the servers' use in the measured time */
	struct proc_usage server_start;
	struct proc_usage server_end;
	struct computed computed; /* with --computed */
	long computations;
	double cpu_s;      /* own, of all processes */
	double cpu_most_s; /* of the busiest one */
	uint64_t bytes_in;
	uint64_t bytes_out;
	int64_t expire_us;
	/* Not 0: end the run, it is no trouble. NULL: none is watched. */
	const volatile sig_atomic_t *sig_caught;
	struct split *split; /* NULL: this process does it all */
	unsigned part;       /* its number then */
	bool told_ready;
	const char *trouble; /* why the run cannot go on; NULL: it can */
};

int load_init(struct load *load, const struct bench_options *options);
void load_free(struct load *load);

/* Run to the end. 0, or -EPROTO with load->trouble. */
int load_run(struct load *load);

/* From browsers. */
void load_on_loaded(struct browser *browser, bool good);
void load_on_round(struct browser *browser, bool good);

/* The shared model of an app; NULL: see load->trouble. */
const struct app_model *load_model(struct load *load, const struct buf *layout,
    const struct buf *dependencies);

/* With a number of rounds, or cold, everything counts from the beginning. */
bool load_counts_at_once(const struct load *load);

/* Stop the run, because nothing sensible can be measured. */
void load_give_up(struct load *load, const char *why);

#endif
