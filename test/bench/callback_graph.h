/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CALLBACK_GRAPH_H
#define BENCH_CALLBACK_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "server/base/arena.h"

/*
 * What a page's callbacks read and write, from `_dash-dependencies`.
 *
 * A slot is one property of one component. Callbacks that the browser runs
 * itself, background ones, and those whose ids have wildcards are counted
 * but not driven.
 * Layer: test. Threads: read-only once made, all memory in one arena.
 */
struct graph_slot {
	const char *id; /* as in the dependencies; an object starts with { */
	const char *property;
	const char *key;   /* id.property */
	unsigned *readers; /* callbacks with this slot as an input */
	unsigned reader_count;
	unsigned *writers; /* callbacks with this slot as an output */
	unsigned writer_count;
	bool carried; /* an input or state of some callback */
};

struct graph_callback {
	const char *output; /* the name callbacks are asked for with */
	const char *start;  /* the request up to and with "inputs":[ */
	unsigned *outputs;
	unsigned output_count;
	unsigned *inputs;
	unsigned input_count;
	unsigned *states;
	unsigned state_count;
	bool initial; /* runs when the page has loaded */
	bool driven;
	bool writes_carried; /* its answer holds values to carry on */
};

struct graph {
	struct arena arena;
	struct graph_slot *slots;
	unsigned slot_count;
	struct graph_callback *callbacks;
	unsigned callback_count;
	unsigned clientside; /* not driven, and why */
	unsigned background;
	unsigned wildcards;
};

#define GRAPH_INPUTS_MAX 64u

/* Read the dependencies. 0, -EPROTO (not such a list) or -ENOMEM. */
int graph_parse(struct graph *graph, const char *json, size_t len);

void graph_free(struct graph *graph);

#endif
