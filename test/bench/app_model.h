/* SPDX-License-Identifier: MIT */
#ifndef BENCH_APP_MODEL_H
#define BENCH_APP_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "test/bench/callback_graph.h"

/*
 * All that a browser knows about an app when its page has loaded: the graph
 * of callbacks, the first value of every property, and what a user can
 * change. Browsers that were given the same bytes share one model.
 * Layer: test. Threads: read-only once made.
 */
struct control {
	unsigned slot;
	const char **values; /* JSON texts to choose from */
	unsigned count;      /* 0: a number that grows, as n_clicks does */
};

struct app_model {
	struct app_model *next; /* the list of its owner */
	struct graph graph;
	char *layout; /* the bytes it was made from */
	size_t layout_len;
	char *dependencies;
	size_t dependencies_len;
	const char **initial; /* per slot, JSON; NULL: not set */
	struct control *controls;
	unsigned control_count;
	unsigned driven; /* callbacks that browsers run */
	unsigned absent; /* callbacks of which an input is not on the page */
};

struct app_model_wish {
	const char *control; /* "id.property" to change; NULL: all found */
	const char *values;  /* comma separated, instead of the options */
};

/* Read an app. 0, -EPROTO or -ENOMEM; why: a sentence that lives for ever. */
int app_model_new(struct app_model **model, const char *layout,
    size_t layout_len, const char *dependencies, size_t dependencies_len,
    const struct app_model_wish *wish, const char **why);

void app_model_free(struct app_model *model);

/* Was it made from these bytes? */
bool app_model_is(const struct app_model *model, const char *layout,
    size_t layout_len, const char *dependencies, size_t dependencies_len);

/*
 * The paths that a page names: src of scripts and href of style sheets, on
 * the page's own server. Calls take() for each, at most 256.
 */
void app_model_each_bundle(const char *html, size_t len,
    void (*take)(void *arg, const char *path, size_t path_len), void *arg);

#endif
