/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PATTERN_H
#define WORKER_PATTERN_H

#include <stdbool.h>

#include "cache/value.h"
#include "server/base/arena.h"
#include "worker/http_parse.h"

/*
 * Paths with variables, as "/asset/<id>", and queries.
 *
 * THREADS  Any; nothing is kept.
 */

/* What is wrong with a pattern, or NULL: it starts with '/', has at most one
 * variable in a segment, and none twice. */
const char *pattern_check(const char *pattern);

/* Does a request for it go elsewhere? As routes[] of router.c has them. */
bool pattern_is_of_server(const char *path);

bool pattern_has_variables(const char *pattern);

/*
 * Does the decoded path fit? Then *variables (may be NULL) is an object of
 * their texts in the arena. A variable is at least one byte and no slash.
 */
bool pattern_match(const char *pattern, const char *path, struct arena *arena,
    struct value **variables);

/* Might both fit the same path? */
bool pattern_overlaps(const char *a, const char *b);

/*
 * "a=1&b=x%20y", with or without a leading '?', into an object of texts; what
 * is not well-formed UTF-8 is left out. NULL without memory.
 */
struct value *pattern_query(struct http_span query, struct arena *arena);

#endif
