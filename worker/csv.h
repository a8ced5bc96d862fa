/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CSV_H
#define WORKER_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/base/buf.h"

/*
 * Comma-separated values (RFC 4180, and what programs really write): records
 * one by one, and what type the fields of a column have.
 *
 * A field in quotes may hold separators, line ends and doubled quotes. Lines
 * end with LF, CRLF or CR; empty lines are skipped, a byte order mark too.
 *
 * OWNERSHIP  The reader borrows the text and owns its list of fields; a field
 *            is valid until the next csv_next().
 * THREADS    One owner at a time; nothing shared.
 */
struct csv_field {
	const char *text; /* not NUL-terminated */
	size_t len;
	bool quoted;
};

struct csv {
	const char *at;
	const char *end;
	char separator;
	uint64_t line; /* of the record read last, from 1 */
	struct csv_field *fields;
	size_t count;
	size_t cap;
	const char *why; /* a static sentence after ERR_SYNTAX */
	uint64_t next_line;
	struct buf unquoted; /* fields that had doubled quotes */
};

#define CSV_FIELDS_MAX 10000

/* Begin. `separator` 0: the one of , ; tab | that the first line has most. */
void csv_init(struct csv *csv, const char *text, size_t len, char separator);
void csv_free(struct csv *csv);

/* The next record: 1, at the end 0; ERR_SYNTAX with `why` and `line`,
 * ERR_TOO_BIG (more than CSV_FIELDS_MAX fields), -ENOMEM. */
int csv_next(struct csv *csv);

/* What all fields of a column seen so far are. */
enum csv_type {
	CSV_EMPTY,
	CSV_INTEGER,
	CSV_LONG, /* integers of 64 bits, one of them beyond 2^53 */
	CSV_NUMBER,
	CSV_TEXT
};

/*
 * The type of a column after one more field. Missing fields change nothing.
 * A number with a leading zero (007) is a text: it is a code, not a quantity.
 * So is an integer that would be rounded: one that 64 bits do not hold, and
 * one beyond 2^53 among numbers that are no integers.
 */
enum csv_type csv_widen(enum csv_type type, const struct csv_field *field,
    char decimal);

/* Nothing is there: empty without quotes, or NA, N/A, NaN, null. */
bool csv_is_missing(const struct csv_field *field);

/* Of a field that csv_widen() found to be an integer, or any number. */
int64_t csv_integer(const struct csv_field *field);
double csv_number(const struct csv_field *field, char decimal);

#endif
