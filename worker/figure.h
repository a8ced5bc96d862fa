/* SPDX-License-Identifier: MIT */
#ifndef WORKER_FIGURE_H
#define WORKER_FIGURE_H

#include "cache/value.h"

/*
 * A copy of `tree` in which the place named by `path` holds `leaf`. Paths are
 * names with dots and indices in brackets: "data[0].marker.color". Missing
 * members of objects are added; missing items of lists are a mistake.
 * Only the nodes along the path are copied; the rest is shared.
 *
 * NULL: *why is a static sentence.
 */
const struct value *figure_put(struct arena *arena, const struct value *tree,
    const char *path, const struct value *leaf, const char **why);

#endif
