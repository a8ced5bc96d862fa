/* SPDX-License-Identifier: MIT */

/*
 * Cells as a DataTable sees them, for SQL. See data_functions.h.
 *
 * THREADS  The thread that owns the handle.
 */
#include "worker/data_functions.h"

#include <sqlite3.h>
#include <string.h>

#include "worker/cell_text.h"
#include "worker/json_write.h"

/* The cell as text, a number in a buffer of its own; false: NULL or an error is
 * the result already. */
static bool
take_text(sqlite3_context *context, sqlite3_value *cell, struct buf *number,
    const char **text, size_t *len)
{
	if (sqlite3_value_type(cell) == SQLITE_NULL)
		return false;
	if (sqlite3_value_type(cell) == SQLITE_FLOAT) {
		(void)json_write_number(sqlite3_value_double(cell), number);
		*text = number->data;
		*len = number->len;
	} else {
		*text = (const char *)sqlite3_value_text(cell);
		*len = (size_t)sqlite3_value_bytes(cell);
	}
	if (*text != NULL && buf_ok(number))
		return true;
	sqlite3_result_error_nomem(context);
	return false;
}

static void
give_text(sqlite3_context *context, const char *text, size_t len)
{
	sqlite3_result_text64(context, text, len, SQLITE_TRANSIENT,
	    SQLITE_UTF8);
}

static void
filter_text(sqlite3_context *context, int count, sqlite3_value **cells)
{
	struct buf number = BUF_EMPTY;
	const char *text;
	size_t len;

	(void)count;
	if (take_text(context, cells[0], &number, &text, &len))
		give_text(context, text, len);
	buf_free(&number);
}

static void
filter_upper(sqlite3_context *context, int count, sqlite3_value **cells)
{
	struct buf number = BUF_EMPTY;
	struct buf upper = BUF_EMPTY;
	const char *text;
	size_t len;

	(void)count;
	if (take_text(context, cells[0], &number, &text, &len)) {
		if (cell_upper(text, len, &upper) < 0)
			sqlite3_result_error_nomem(context);
		else
			give_text(context, len > 0 ? upper.data : "",
			    upper.len);
	}
	buf_free(&upper);
	buf_free(&number);
}

static void
filter_number(sqlite3_context *context, int count, sqlite3_value **cells)
{
	struct value number;
	const char *text;
	size_t len;

	(void)count;
	if (sqlite3_value_type(cells[0]) == SQLITE_NULL)
		return;
	text = (const char *)sqlite3_value_text(cells[0]);
	len = (size_t)sqlite3_value_bytes(cells[0]);
	if (text == NULL || !cell_number(text, len, &number))
		return;
	if (number.kind == VALUE_INT)
		sqlite3_result_int64(context, number.u.integer);
	else
		sqlite3_result_double(context, number.u.number);
}

/* In an order what is blank is 0. */
static void
filter_order(sqlite3_context *context, int count, sqlite3_value **cells)
{
	const char *text;

	if (sqlite3_value_type(cells[0]) == SQLITE_TEXT) {
		text = (const char *)sqlite3_value_text(cells[0]);
		if (text != NULL &&
		    cell_is_blank(text,
			(size_t)sqlite3_value_bytes(cells[0]))) {
			sqlite3_result_int(context, 0);
			return;
		}
	}
	filter_number(context, count, cells);
}

static void
filter_date(sqlite3_context *context, int count, sqlite3_value **cells)
{
	struct buf number = BUF_EMPTY;
	char date[CELL_DATE];
	const char *text;
	size_t len;

	(void)count;
	if (take_text(context, cells[0], &number, &text, &len) &&
	    cell_date(text, len, date))
		give_text(context, date, strlen(date));
	buf_free(&number);
}

int
data_functions_add(sqlite3 *db)
{
	static const struct {
		const char *name;
		void (*function)(sqlite3_context *context, int count,
		    sqlite3_value **cells);
		int flags;
	} functions[] = {
		{ "filter_text", filter_text, SQLITE_DETERMINISTIC },
		{ "filter_upper", filter_upper, SQLITE_DETERMINISTIC },
		{ "filter_number", filter_number, SQLITE_DETERMINISTIC },
		{ "filter_order", filter_order, SQLITE_DETERMINISTIC },
		/* Two digits of a year depend on today. */
		{ "filter_date", filter_date, 0 },
	};
	int rc = SQLITE_OK;
	size_t i;

	for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		if (rc == SQLITE_OK)
			rc =
			    sqlite3_create_function_v2(db, functions[i].name, 1,
				SQLITE_UTF8 | SQLITE_DIRECTONLY |
				    functions[i].flags,
				NULL, functions[i].function, NULL, NULL, NULL);
	}
	return rc;
}
