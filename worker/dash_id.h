/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DASH_ID_H
#define WORKER_DASH_ID_H

#include <stdbool.h>
#include <stddef.h>

#include "cache/value.h"
#include "server/base/arena.h"
#include "server/base/buf.h"

/*
 * Ids that are objects, as {"index":3,"type":"btn"}, and the patterns of
 * callbacks that match them.
 *
 * In a pattern a value may be MATCH, ALL or ALLSMALLER; it is held, and sent
 * to the browser, as an array of that one text.
 *
 * OWNERSHIP  Everything lives in the arena given.
 * THREADS    Any.
 */
enum dash_wild { DASH_PLAIN, DASH_MATCH, DASH_ALL, DASH_ALLSMALLER };

#define DASH_ID_KEYS 16 /* most members of an id */

/* What MATCH stands for in one request, by name. Zero it before use. */
struct dash_match {
	unsigned count;
	const char *names[DASH_ID_KEYS];
	const struct value *values[DASH_ID_KEYS];
};

/*
 * Read an id. Wildcards may be bare words or arrays of one text. Values are
 * texts, numbers or booleans; members are sorted as JavaScript sorts.
 * NULL with a static sentence in *why.
 */
struct value *dash_id_parse(struct arena *arena, const char *text, size_t len,
    const char **why);

/* The id with its members sorted, if `value` is one; else NULL. */
struct value *dash_id_sorted(struct arena *arena, const struct value *value);

/*
 * Append an id as the browser writes it when it makes a key of it: members
 * sorted, no blanks, text as JSON.stringify() has it. A text id is appended
 * as it is. 0 or -ENOMEM.
 */
int dash_id_text(const struct value *id, struct buf *out);

/* The same in the arena; NULL without memory. */
const char *dash_id_string(struct arena *arena, const struct value *id);

/* What a member's value stands for. */
enum dash_wild dash_id_wild(const struct value *value);

/* Does the pattern hold ALL or ALLSMALLER, so that it stands for a list? */
bool dash_id_is_list(const struct value *pattern);

/* Could both stand for the same component? */
bool dash_id_overlaps(const struct value *a, const struct value *b);

/* Are both values of members the same to JavaScript's ===? */
bool dash_id_same(const struct value *a, const struct value *b);

/* Two texts in JavaScript's order: below 0, 0, above. */
int dash_id_compare(const char *a, const char *b);

/*
 * Is `id` one that the pattern stands for? MATCH has to agree with `match`,
 * which learns the values it has not got yet.
 */
bool dash_id_matches(const struct value *pattern, const struct value *id,
    struct dash_match *match);

#endif
