/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CONFIG_LITERAL_H
#define SERVER_CONFIG_LITERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/arena.h"
#include "server/base/buf.h"

/*
 * The literals of Python, read from memory: texts, numbers, True, False,
 * None, lists, tuples, sets and dicts. Nothing is evaluated; what would be
 * code is refused in words.
 *
 * OWNERSHIP  Literals live in the arena of their source.
 */
#define LITERAL_DEPTH_MAX 32

enum literal_kind {
	LITERAL_NONE,
	LITERAL_BOOL,
	LITERAL_INT,
	LITERAL_FLOAT,
	LITERAL_TEXT,
	LITERAL_LIST, /* list or tuple */
	LITERAL_DICT  /* dict: key, value, key, value ...; or set */
};

struct literal {
	enum literal_kind kind;
	bool truth;       /* BOOL */
	int64_t integer;  /* INT */
	double number;    /* FLOAT */
	const char *text; /* TEXT: UTF-8 without NUL bytes */
	size_t count;     /* LIST, DICT: items */
	struct literal *first;
	struct literal *next;
};

/* A text being read. Zero-initialise, then set the first five members. */
struct literal_source {
	const char *name; /* of the file, for messages */
	const char *text;
	size_t len;
	struct arena *arena;
	struct buf *why; /* first failure, one sentence */
	size_t at;
	unsigned line; /* set to 1 by literal_source_check */
	unsigned depth;
};

/*
 * To be called first: refuse NUL bytes and what is not UTF-8, step over a
 * byte order mark. 0 or ERR_SYNTAX with a sentence.
 */
int literal_source_check(struct literal_source *source);

/*
 * Read the value at the current place, at statement level: up to a comment,
 * `;` or the end of the line. `1, 2` is a tuple. 0, ERR_SYNTAX, ERR_RANGE,
 * ERR_TOO_BIG (nesting) or -ENOMEM, with a sentence in source->why.
 */
int literal_parse(struct literal_source *source, struct literal **value);

/* Step over blanks, `\` before a newline, and if `lines` comments and lines. */
void literal_skip(struct literal_source *source, bool lines);

/* The byte at the current place, 0 at the end; and the one `ahead` of it. */
int literal_peek(const struct literal_source *source, size_t ahead);

/* Length of the identifier at the current place, 0 when there is none. */
size_t literal_word(const struct literal_source *source);

/* True when a text (with or without prefix) starts at the current place. */
bool literal_at_text(const struct literal_source *source);

/* Write "name:line:column: ..." for the place `at` into why; returns `rc`. */
int literal_fail(struct literal_source *source, size_t at, int rc,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* literal_fail for code: "code is not run: <the code>", and what to do. */
int literal_fail_code(struct literal_source *source, size_t at,
    const char *advice);

/*
 * Append the value in Python's notation, texts in double quotes. At most
 * about `max` bytes; what is cut off shows as "...".
 */
void literal_print(const struct literal *value, size_t max, struct buf *out);

/* Append a text in double quotes, so that literal_parse reads it back. */
void literal_print_text(const char *text, struct buf *out);

/*
 * Numbers as Python writes them (1_000, 0x10, -5; 1.5, .5, 1e3), the whole of
 * `text`. 0, ERR_SYNTAX, or ERR_RANGE (too large for the type).
 */
int literal_int(const char *text, size_t len, int64_t *value);
int literal_float(const char *text, size_t len, double *value);

#endif
