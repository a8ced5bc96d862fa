/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BROWSER_H
#define BENCH_BROWSER_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

#include "test/bench/app_model.h"
#include "test/bench/client.h"

/*
 * One session: a browser with the page open. It loads the page, then does
 * rounds: one change by its user and all callbacks that follow from it.
 * Layer: test. Threads: the loop only.
 */
struct load;

enum browser_phase {
	BROWSER_AWAY,  /* has not arrived */
	BROWSER_PAGE,  /* the page itself is asked for */
	BROWSER_FILES, /* its scripts and styles */
	BROWSER_SETUP, /* layout and dependencies */
	BROWSER_FIRST, /* the callbacks of a page just loaded */
	BROWSER_IDLE,
	BROWSER_ROUND,
	BROWSER_DONE
};

struct browser {
	struct load *load;
	unsigned index;
	enum browser_phase phase;
	uint64_t random;
	struct client client;
	struct client_request *spare; /* requests to use again */
	char cookies[512];
	struct event timer; /* thinking */
	int64_t start_us;   /* of the load or the round */
	int64_t load_us;    /* when the page was asked for */
	bool failed;        /* something of this load or round went wrong */
	unsigned rounds;    /* begun */
	unsigned waiting;   /* requests under way */
	struct buf layout;  /* until both have come */
	struct buf dependencies;
	const struct app_model *model;
	char **values; /* per slot, JSON; NULL: not set */
	/* per callback */
	uint8_t *requested;
	uint8_t *running;
	uint64_t *changed;  /* bits of the inputs that were changed */
	unsigned asked;     /* callbacks sent in this load or round */
	const char *forced; /* the value the next round must use; JSON */
	unsigned forced_control;
};

/* 0 or -ENOMEM. */
int browser_init(struct browser *browser, struct load *load, unsigned index);
void browser_free(struct browser *browser);

/* Load the page. load_on_loaded() is called at the end. */
void browser_open(struct browser *browser, int64_t start_us);

/*
 * One change, or one plain request. load_on_round() is called at the end.
 * start_us: when it should have started. Must be idle.
 */
void browser_round(struct browser *browser, int64_t start_us);

/* The next random number of this browser, 0 <= n < 1. */
double browser_random(struct browser *browser);

#endif
