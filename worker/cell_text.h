/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CELL_TEXT_H
#define WORKER_CELL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "cache/value.h"
#include "server/base/buf.h"

/*
 * What DataTable sees in a text when it filters: the number that it is, the
 * date that it begins with, the text in capitals. As its own JavaScript does
 * it, but for integers, which stay exact here.
 *
 * THREADS  Any; nothing shared.
 */

/* Is all of it one decimal number, spaces around it aside? *out becomes
 * VALUE_INT or VALUE_DOUBLE. */
bool cell_number(const char *text, size_t len, struct value *out);

/* Is it empty, or all spaces? */
bool cell_is_blank(const char *text, size_t len);

#define CELL_DATE 40

/*
 * 2026-1-5 as "2026-01-05", to the precision it is given in: a year of four or
 * two digits (of 70 years ago up to 29 from now), month, day, hour, minute,
 * second; what follows, a zone, is ignored. False: no date.
 */
bool cell_date(const char *text, size_t len, char date[CELL_DATE]);

/* Append the text with every letter a capital, of any alphabet: toUpperCase().
 * What is not UTF-8 stays as it is. 0 or -ENOMEM. */
int cell_upper(const char *text, size_t len, struct buf *out);

#endif
