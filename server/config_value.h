/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CONFIG_VALUE_H
#define SERVER_CONFIG_VALUE_H

#include "server/config_int.h"

/*
 * The types of settings: text or literal to value and back. Every type has
 * suffixes of its own; a duration refuses MiB.
 *
 * `field` is the member of the row's type. Texts and lists are copied into
 * `arena`. On failure *why gets the reason alone: "must be 1..256".
 * 0, ERR_SYNTAX, ERR_RANGE or -ENOMEM; on failure the field is unchanged.
 */

/*
 * From the environment or the command line. A LIST takes all `count` texts,
 * each of which may hold several items separated by commas; other types take
 * the last one.
 */
int config_value_from_texts(const struct config_row *row,
    const char *const *texts, size_t count, struct arena *arena, void *field,
    struct buf *why);

/*
 * From the file. A number may stand in quotes. None gives "" where an empty
 * text is allowed and the default otherwise, and is refused for numbers.
 */
int config_value_from_literal(const struct config_row *row,
    const struct literal *value, struct arena *arena, void *field,
    struct buf *why);

/* Append the value as it would stand in the file. Reads back the same. */
void config_value_print(const struct config_row *row, const void *field,
    struct buf *out);

/* Append the default as it would stand in the file ("auto" stays auto). */
void config_value_print_default(const struct config_row *row, struct buf *out);

/* Append what is allowed: `1..256`, `0..3600 seconds`, `True or False`. */
void config_value_print_bounds(const struct config_row *row, struct buf *out);

/* The words of which the setting is one, separated by spaces; NULL: any text.
 */
const char *config_words_of(const struct config_row *row);

/* Copy a value of one config into another's arena. 0 or -ENOMEM. */
int config_value_copy(const struct config_row *row, const void *from,
    struct arena *arena, void *to);

/* True when both fields hold the same value. */
bool config_value_equal(const struct config_row *row, const void *a,
    const void *b);

#endif
