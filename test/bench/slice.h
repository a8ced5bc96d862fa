/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SLICE_H
#define BENCH_SLICE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Pieces of a JSON text, found by name without making a tree, so that values
 * are carried from an answer to the next request byte for byte.
 * Layer: test. Threads: any; pure.
 */
struct slice {
	const char *data; /* NULL: not there */
	size_t len;
};

/*
 * The value of the member `name` of the object in `json`; name_len bytes,
 * compared after undoing \" and \\ only, which is all that ids of components
 * need. The value has no blanks around it. Empty when json is no object or
 * has no such member.
 */
struct slice slice_member(struct slice json, const char *name, size_t name_len);

/* The next member from *at (start with json.data); false at the end. */
bool slice_next(struct slice json, const char **at, struct slice *name,
    struct slice *value);

/* Are the brackets of the text closed, and is nothing behind it? */
bool slice_is_whole(struct slice json);

/* Is the name of a member (without quotes, as slice_next gives it) this? */
bool slice_name_is(struct slice name, const char *want, size_t want_len);

#endif
