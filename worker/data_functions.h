/* SPDX-License-Identifier: MIT */
#ifndef WORKER_DATA_FUNCTIONS_H
#define WORKER_DATA_FUNCTIONS_H

/*
 * The functions that the SQL of a table's filter calls, see table_filter.h;
 * each is NULL of NULL:
 *
 *   filter_text(x)    as the browser shows it: 15 where SQLite says 15.0
 *   filter_upper(x)   that in capitals, of any alphabet
 *   filter_number(x)  the number that a text is; NULL: none
 *   filter_order(x)   the same, 0 for blanks only
 *   filter_date(x)    the date that a text is; NULL: none
 */
struct sqlite3;

/* Give them to a handle. 0, or SQLite's code. */
int data_functions_add(struct sqlite3 *db);

#endif
