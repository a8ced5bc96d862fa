/* SPDX-License-Identifier: MIT */
#ifndef WORKER_JSON_WRITE_H
#define WORKER_JSON_WRITE_H

#include <stddef.h>

#include "cache/value.h"
#include "server/base/buf.h"

/*
 * Values to JSON as browsers want it: strict, UTF-8, NaN and infinities as
 * null, numbers shortest and exact as JavaScript writes them, whatever the
 * locale, `<` `>` `&` escaped so that the text may stand inside a script
 * element.
 */

/*
 * Append the JSON of a value. A table becomes a list of records, a column a
 * list.
 * On failure *why is a sentence that lives until this thread's next failure;
 * of a text that is not UTF-8 it says where it is, as "data[3].name". 0,
 * ERR_SYNTAX (that), ERR_TOO_BIG (nested too deeply), -ENOMEM.
 */
int json_write(const struct value *value, struct buf *out, const char **why);

/* The same with columns of numbers as typed arrays {"dtype","bdata"}. */
int json_write_typed(const struct value *value, struct buf *out,
    const char **why);

/*
 * The same for a component's property in a browser's page; NULL: the page as a
 * whole. There integers beyond 2^53, which a browser would change, are texts,
 * and within a figure columns of numbers are typed arrays, as are those that
 * have `flag` set anywhere; not those that hold such integers.
 */
int json_write_page(const struct value *value, const char *property,
    struct buf *out, const char **why);

/* Append a quoted, escaped text. 0, ERR_SYNTAX (not UTF-8), -ENOMEM. */
int json_write_text(const char *text, size_t len, struct buf *out);

/* Append a number. */
int json_write_number(double number, struct buf *out);

#endif
