/* SPDX-License-Identifier: MIT */
#ifndef WORKER_JSON_SCAN_H
#define WORKER_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Is this text JSON, and small enough to become a tree? Decided in one pass,
 * without recursion and without memory, before json_read() builds one.
 * Layer: worker. Needs libc only. Threads: any; pure.
 */

/* No limit on depth goes beyond this: readers recurse, cJSON up to here. */
#define JSON_DEPTH_MAX 1000

/* Longest number in bytes: with its NUL it has 64, in cJSON, too. */
#define JSON_NUMBER_MAX 63

/* Upper bounds of one text; every number must be greater than zero. */
struct json_limits {
	size_t depth;   /* open arrays and objects; at most JSON_DEPTH_MAX */
	size_t nodes;   /* values, arrays and objects included, keys not */
	size_t members; /* of one object, where few are meant */
	bool any_text;  /* take \u0000 and halves of surrogate pairs, too */
	bool
	    whole_integers; /* keep those of 64 bits beyond 2^53: json_read() */
};

enum json_verdict {
	JSON_OK = 0,
	JSON_BAD_SYNTAX = -1,
	JSON_TOO_DEEP = -2,
	JSON_TOO_MANY_NODES = -3,
	JSON_TOO_MANY_MEMBERS = -4,
};

struct json_scan_result {
	size_t nodes;  /* seen, also when refused */
	size_t depth;  /* deepest, also when refused */
	size_t offset; /* of the byte at fault; the length when accepted */
	const char
	    *error; /* a sentence that lives for ever; NULL if accepted */
};

/*
 * Check `len` bytes at `text` (no NUL needed) against RFC 8259.
 *
 * Stricter than the RFC: no byte order mark; no \u0000, since C strings end
 * there; numbers of at most JSON_NUMBER_MAX bytes and not beyond the range of
 * a double (1e400), which a tree could only hold as infinity; surrogates in
 * \u escapes only in pairs. Numbers too close to zero become zero and digits
 * beyond a double's precision are lost, as in every JavaScript engine.
 * Repeated keys are not looked for (json_read() does that).
 *
 * With .any_text what a browser may write and no C text can hold passes:
 * \u0000 and halves of surrogate pairs. See json_read().
 *
 * What is accepted without is also accepted by cJSON_ParseWithLength(), and all
 * its numbers are finite.
 *
 * Returns  an enum json_verdict, all of them distinct and not -errno. Callers
 *          answer 400 to JSON_BAD_SYNTAX and JSON_TOO_DEEP, 413 to the others.
 */
int json_scan(const char *text, size_t len, const struct json_limits *limits,
    struct json_scan_result *result);

#endif
