/* SPDX-License-Identifier: MIT */
#ifndef CACHE_VALUE_H
#define CACHE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/arena.h"

/*
 * The data model: what a callback receives, passes as an argument and
 * returns. A tree of small tagged structs in one arena; a table is a data
 * frame of typed columns.
 *
 * Layer: cache, because a value is what becomes a key and what is stored;
 * see encode.h for its bytes.
 *
 * OWNERSHIP  Values belong to an arena, or point into bytes that outlive it
 *            (a decoded blob, a literal). Nothing is freed one by one.
 * THREADS    Immutable once built; a tree moves between threads whole.
 */
enum value_kind {
	VALUE_NULL,
	VALUE_BOOL,     /* flag */
	VALUE_INT,      /* integer */
	VALUE_DOUBLE,   /* number; never NaN or infinite when a key */
	VALUE_TEXT,     /* text, count bytes, UTF-8, NUL-terminated */
	VALUE_JSON,     /* text: finished JSON, count bytes, passed on as is */
	VALUE_ARRAY,    /* items, count */
	VALUE_OBJECT,   /* members, count; names unique */
	VALUE_TABLE,    /* table */
	VALUE_COLUMN,   /* column: one column of a table, with row_count */
	VALUE_COMPONENT /* component: an element of the page; never a key */
};

struct value_member;
struct value_table;
struct value_column;

struct value {
	uint8_t kind;
	bool flag;
	uint32_t count;
	union {
		int64_t integer;
		double number;
		const char *text;
		struct value *items;
		struct value_member *members;
		const struct value_table *table;
		const struct value_column *column;
		const void *component;
	} u;
};

struct value_member {
	const char *name; /* NUL-terminated */
	uint32_t name_len;
	struct value value;
};

enum value_column_type {
	VALUE_COLUMN_F64,  /* numbers; a missing one is NaN */
	VALUE_COLUMN_I64,  /* integers; none is missing */
	VALUE_COLUMN_TEXT, /* texts; a missing one has text NULL */
	VALUE_COLUMN_F32   /* numbers of 32 bits; a missing one is NaN */
};

struct value_text {
	const char *text; /* not necessarily NUL-terminated; NULL: missing */
	uint32_t len;
};

struct value_column {
	const char *name; /* NUL-terminated */
	uint32_t name_len;
	uint32_t row_count;
	uint8_t type; /* enum value_column_type */
	union {
		const double *numbers;
		const int64_t *integers;
		const float *floats;
		const struct value_text *texts;
	} u;
};

struct value_table {
	uint32_t column_count;
	uint32_t row_count;
	struct value_column *columns;
};

/* Constructors: NULL when the arena is full. Texts are copied. */
struct value *value_null(struct arena *arena);
struct value *value_bool(struct arena *arena, bool flag);
struct value *value_int(struct arena *arena, int64_t integer);
struct value *value_double(struct arena *arena, double number);
struct value *value_text(struct arena *arena, const char *text, size_t len);

/* An array or object of `count` null items, to be filled in place. */
struct value *value_array(struct arena *arena, uint32_t count);
struct value *value_object(struct arena *arena, uint32_t count);

/* The member's value, NULL when there is none or it is not an object. */
const struct value *value_get(const struct value *object, const char *name);

/*
 * 1: some name stands twice, and *name is one that does; 0: none; -ENOMEM. Few
 * names are compared with each other, many are sorted in the arena: a body full
 * of names costs no square.
 */
int value_repeated_name(const struct value *object, struct arena *arena,
    const char **name);

/* The column of that name, NULL when absent. */
const struct value_column *value_table_column(const struct value_table *table,
    const char *name);

/* Printable name of a kind, for messages. */
const char *value_kind_name(enum value_kind kind);

#endif
