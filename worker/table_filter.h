/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TABLE_FILTER_H
#define WORKER_TABLE_FILTER_H

#include <stddef.h>

#include "cache/value.h"
#include "server/base/arena.h"
#include "server/base/buf.h"

/*
 * DataTable's filter_query and sort_by as SQL, with nothing of them in it:
 * columns are looked up in the list of the table's own, everything compared
 * with becomes a parameter. The same rows pass as when the table filters by
 * itself (filter_action "native"), but for integers: they stay exact, and an
 * odd one below zero is odd.
 *
 *   filter      = any { "||" any };  any = one { "&&" one }
 *   one         = [ "!" ] ( "(" filter ")" | comparison )
 *   comparison  = "{" column "}" ( operator operand | "is" test )
 *   operator    = ["i"|"s"] ( = == eq != ne > gt >= ge < lt <= le contains
 *                 datestartswith )
 *   operand     = number | word | "text" | 'text' | `text`
 *   test        = nil | blank | num | str | even | odd | bool | object
 *
 * i ignores case, s does not, nor does an operator alone. Quotes make a text of
 * a number: "5" stands behind `=` for the number as well, behind others it does
 * not. What is missing is no value of any kind, and 0 where `<` and its kin
 * compare numbers.
 *
 * The SQL calls functions that data_functions_add() gives a handle.
 *
 * THREADS  Any; nothing shared.
 */
#define TABLE_FILTER_PARAMETERS 128

struct table_filter {
	struct buf sql; /* a condition with ?1 ..., empty: all rows */
	const struct value *parameters[TABLE_FILTER_PARAMETERS];
	unsigned count;
	const char *why; /* a static sentence after ERR_SYNTAX */
	size_t offset;   /* where in the filter */
};

/* 0; ERR_SYNTAX with why and offset; -ENOMEM. Free with table_filter_free()
 * in any case. `columns` are the names of the table's columns. */
int table_filter_parse(struct table_filter *filter, struct arena *arena,
    const char *text, size_t len, const char *const *columns, size_t count);
void table_filter_free(struct table_filter *filter);

/* Append a name as SQL quotes it. */
void table_sql_name(const char *name, struct buf *out);

/* Append `"a" DESC, "b" NULLS LAST` from sort_by, nothing when there is nothing
 * to sort by; entries that name no column are skipped. An index of the first
 * column serves; what is behind it is sorted within equal ones. */
void table_sort_sql(const struct value *sort_by, const char *const *columns,
    size_t count, struct buf *out);

#endif
