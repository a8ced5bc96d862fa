/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SPREAD_H
#define WORKER_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/dash_id.h"

/*
 * The ids that a pattern stands for when no page has been seen yet: those with
 * the values that outputs and inputs of the app name.
 *
 *	for (more = spread_begin(&spread, &domains, dependency, NULL); more;
 *	     more = spread_next(&spread))
 *
 * OWNERSHIP  Points into the app, and into the arena given.
 * THREADS    The loading thread only.
 */

/*
 * What a member of this name can be: the values that outputs and inputs name,
 * in the front end's order when there is ALLSMALLER, for each of which there
 * is a value in front of all of them and one behind. A value is known by its
 * place.
 */
struct spread_domain {
	const char *name;
	const struct value **values; /* in the arena */
	uint32_t count;
	uint32_t room;
	uint32_t smaller; /* patterns with ALLSMALLER */
};

struct spread_domains {
	struct buf all; /* of struct spread_domain */
};

/* One of the ids that a dependency stands for: of each member the place of its
 * value, from `low` to in front of `high`. */
struct spread {
	const struct dependency *of;
	const struct spread_domain *domains[DASH_ID_KEYS];
	uint32_t low[DASH_ID_KEYS];
	uint32_t high[DASH_ID_KEYS];
	uint32_t at[DASH_ID_KEYS];
	uint32_t count; /* of members; 0: a text id */
};

/* What the app's patterns name; false: no memory. To be forgotten in any
 * case. */
bool spread_learn(struct spread_domains *domains, const struct app *app,
    struct arena *arena);
void spread_forget(struct spread_domains *domains);

/*
 * The first id that a dependency stands for; false: there is none. `output`
 * (NULL: there is none) is the id of the output that it is an input for, whose
 * values MATCH and ALLSMALLER go by.
 */
bool spread_begin(struct spread *spread, const struct spread_domains *domains,
    const struct dependency *of, const struct spread *output);

/* The next one, or false. */
bool spread_next(struct spread *spread);

/* A name that no other property of any id has, with `tag` behind it. NULL: no
 * memory. */
const char *spread_name(const struct spread *spread, const char *tag,
    struct buf *out);

#endif
