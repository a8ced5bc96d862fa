/* SPDX-License-Identifier: MIT */

/*
 * ph_query() and ph_exec(): SQL with values in, a table out.
 *
 * SQLite types cells, not columns; a table types columns. A column whose
 * cells are all integers becomes I64, all numbers (or missing) F64, anything
 * else TEXT; so does one that F64 would round, see frame_is_exact(). So the
 * cells are collected first and typed at the end.
 *
 * OWNERSHIP  The table lives in the call's arena, the collected cells in a
 *            buffer of their own until it is built.
 * THREADS    The thread that owns the handle.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "worker/data.h"
#include "worker/frame.h"
#include "worker/host.h"
#include "worker/json_write.h"

#define PART_ROWS 5000 /* of data_query_parts() */

struct cell {
	int type; /* SQLITE_INTEGER, _FLOAT, _TEXT, _BLOB or _NULL */
	uint32_t len;
	union {
		int64_t integer;
		double number;
		const char *text; /* in the arena */
	} u;
};

static int
bind_one(sqlite3_stmt *statement, int place, const struct value *value)
{
	switch (value->kind) {
	case VALUE_NULL:
		return sqlite3_bind_null(statement, place);
	case VALUE_BOOL:
		return sqlite3_bind_int(statement, place, value->flag);
	case VALUE_INT:
		return sqlite3_bind_int64(statement, place, value->u.integer);
	case VALUE_DOUBLE:
		return sqlite3_bind_double(statement, place, value->u.number);
	case VALUE_TEXT:
	case VALUE_JSON:
		return sqlite3_bind_text(statement, place, value->u.text,
		    (int)value->count, SQLITE_STATIC);
	default:
		return SQLITE_MISMATCH;
	}
}

/* Bind all arguments; false: call_error set. */
static bool
bind_all(struct call *call, sqlite3_stmt *statement, const char *sql,
    const struct ph_value *const *arguments, size_t count)
{
	size_t i;

	if (count != (size_t)sqlite3_bind_parameter_count(statement)) {
		call_error(call,
		    "%s: SQL \"%.200s\" has %d parameters, got %zu", call->name,
		    sql, sqlite3_bind_parameter_count(statement), count);
		return false;
	}
	for (i = 0; i < count; i++) {
		if (bind_one(statement, (int)i + 1, host_take(arguments[i])) ==
		    SQLITE_OK)
			continue;
		call_error(call,
		    "%s: SQL argument %zu is %s: only null, boolean, number "
		    "and text can be bound",
		    call->name, i + 1,
		    value_kind_name(host_take(arguments[i])->kind));
		return false;
	}
	return true;
}

static int
read_cell(struct call *call, sqlite3_stmt *statement, int column,
    struct cell *cell)
{
	const void *bytes;

	memset(cell, 0, sizeof(*cell));
	cell->type = sqlite3_column_type(statement, column);
	switch (cell->type) {
	case SQLITE_INTEGER:
		cell->u.integer = sqlite3_column_int64(statement, column);
		return 0;
	case SQLITE_FLOAT:
		cell->u.number = sqlite3_column_double(statement, column);
		return 0;
	case SQLITE_NULL:
		return 0;
	default:
		bytes = sqlite3_column_blob(statement, column);
		cell->len = (uint32_t)sqlite3_column_bytes(statement, column);
		cell->u.text = arena_strndup(call->arena,
		    bytes != NULL ? bytes : "", cell->len);
		return cell->u.text != NULL ? 0 : -ENOMEM;
	}
}

static uint8_t
column_type(const struct cell *cells, uint32_t columns, uint32_t rows)
{
	bool exact = true;
	bool all = true; /* are integers */
	uint32_t row;

	for (row = 0; row < rows; row++, cells += columns) {
		if (cells->type == SQLITE_TEXT || cells->type == SQLITE_BLOB)
			return VALUE_COLUMN_TEXT;
		if (cells->type != SQLITE_INTEGER)
			all = false;
		else
			exact = exact && frame_is_exact(cells->u.integer);
	}
	return all     ? VALUE_COLUMN_I64
	       : exact ? VALUE_COLUMN_F64
		       : VALUE_COLUMN_TEXT;
}

static double
cell_number(const struct cell *cell)
{
	if (cell->type == SQLITE_INTEGER)
		return (double)cell->u.integer;
	return cell->type == SQLITE_FLOAT ? cell->u.number : NAN;
}

/* A number in a column of texts is written as JSON would have it. */
static bool
cell_text(struct call *call, const struct cell *cell, struct value_text *out)
{
	struct buf text = BUF_EMPTY;

	out->text = NULL;
	out->len = 0;
	if (cell->type == SQLITE_NULL)
		return true;
	if (cell->type == SQLITE_TEXT || cell->type == SQLITE_BLOB) {
		out->text = cell->u.text;
		out->len = cell->len;
		return true;
	}
	if (cell->type == SQLITE_INTEGER)
		(void)buf_printf(&text, "%" PRId64, cell->u.integer);
	else
		(void)json_write_number(cell->u.number, &text);
	out->len = (uint32_t)text.len;
	if (buf_ok(&text))
		out->text = arena_strndup(call->arena, text.data, text.len);
	buf_free(&text);
	return out->text != NULL;
}

static bool
fill_column(struct call *call, struct value_column *column,
    const struct cell *cells, uint32_t columns, uint32_t rows)
{
	struct value_text *texts;
	double *numbers;
	int64_t *integers;
	size_t row;

	column->row_count = rows;
	column->type = column_type(cells, columns, rows);
	if (column->type == VALUE_COLUMN_TEXT) {
		texts = arena_calloc(call->arena, rows, sizeof(*texts));
		column->u.texts = texts;
		for (row = 0; texts != NULL && row < rows; row++)
			if (!cell_text(call, &cells[row * columns],
				&texts[row]))
				return false;
		return texts != NULL;
	}
	if (column->type == VALUE_COLUMN_I64) {
		integers = arena_calloc(call->arena, rows, sizeof(*integers));
		column->u.integers = integers;
		for (row = 0; integers != NULL && row < rows; row++)
			integers[row] = cells[row * columns].u.integer;
		return integers != NULL;
	}
	numbers = arena_calloc(call->arena, rows, sizeof(*numbers));
	column->u.numbers = numbers;
	for (row = 0; numbers != NULL && row < rows; row++)
		numbers[row] = cell_number(&cells[row * columns]);
	return numbers != NULL;
}

/*
 * The name of a column, as SQLite itself makes names differ: the second "id"
 * of a join is "id:1". Else records would have a member twice.
 */
static bool
name_column(struct call *call, sqlite3_stmt *statement,
    struct value_table *table, uint32_t which)
{
	struct value_column *column = &table->columns[which];
	const char *name = sqlite3_column_name(statement, (int)which);
	char numbered[256];
	unsigned number = 0;
	uint32_t i;
	int len;

	if (name == NULL)
		return false;
	column->name = name;
	for (i = 0; i < which; i++) {
		if (strcmp(table->columns[i].name, column->name) != 0)
			continue;
		len = snprintf(numbered, sizeof(numbered), "%.200s:%u", name,
		    ++number);
		if (len < 0 || number > which)
			return false;
		column->name = numbered;
		i = UINT32_MAX; /* is that one free? */
	}
	column->name_len = (uint32_t)strlen(column->name);
	column->name =
	    arena_strndup(call->arena, column->name, column->name_len);
	return column->name != NULL;
}

static const struct value *
build_table(struct call *call, sqlite3_stmt *statement,
    const struct buf *collected)
{
	uint32_t columns = (uint32_t)sqlite3_column_count(statement);
	/* The buffer is malloc'ed, so it is aligned for any type. */
	const struct cell *cells =
	    (const struct cell *)(const void *)collected->data;
	struct value_table *table = arena_alloc(call->arena, sizeof(*table));
	struct value *value = value_null(call->arena);
	uint32_t rows = 0;
	uint32_t i;

	if (table == NULL || value == NULL)
		return NULL;
	table->column_count = columns;
	if (cells != NULL && columns != 0)
		rows = (uint32_t)(collected->len / sizeof(*cells) / columns);
	table->row_count = rows;
	table->columns =
	    arena_calloc(call->arena, columns, sizeof(struct value_column));
	if (table->columns == NULL)
		return NULL;
	for (i = 0; i < columns; i++) {
		if (!name_column(call, statement, table, i) ||
		    !fill_column(call, &table->columns[i],
			cells != NULL ? cells + i : NULL, columns, rows))
			return NULL;
	}
	value->kind = VALUE_TABLE;
	value->u.table = table;
	return value;
}

/* Step through rows, `most` at most; 0 at the end, SQLITE_ROW when there may
 * be more, -ENOMEM, or another SQLite code above 0. */
static int
collect(struct call *call, sqlite3_stmt *statement, size_t most,
    struct buf *collected)
{
	struct cell cell;
	int step = SQLITE_ROW;
	int columns;
	int i;

	while (most-- > 0 && (step = sqlite3_step(statement)) == SQLITE_ROW) {
		/* The first step may have prepared it anew. */
		columns = sqlite3_column_count(statement);
		for (i = 0; i < columns; i++) {
			if (read_cell(call, statement, i, &cell) < 0 ||
			    buf_put(collected, &cell, sizeof(cell)) < 0)
				return -ENOMEM;
		}
	}
	return step == SQLITE_DONE ? 0 : step;
}

static const struct value *
run_query(struct call *call, sqlite3 *db, sqlite3_stmt *statement,
    const char *sql)
{
	struct buf collected;
	const struct value *table = NULL;
	int rc;

	buf_init(&collected, (size_t)call->kit->options->limit_request_memory);
	rc = collect(call, statement, SIZE_MAX, &collected);
	if (rc == 0)
		table = build_table(call, statement, &collected);
	if (table == NULL)
		call_error(call, "%s: SQL \"%.200s\": %s", call->name, sql,
		    rc > 0 ? data_reason(db)
			   : "the result is larger than "
			     "limit_request_memory allows");
	buf_free(&collected);
	return table;
}

/* The statement with its arguments, to be given back with end_query(). NULL:
 * call_error set. */
static sqlite3_stmt *
begin_query(struct call *call, const char *sql,
    const struct ph_value *const *arguments, size_t count)
{
	sqlite3_stmt *statement;

	if (call->failed ||
	    (call->kit->data == NULL && call->kit->app->database_count > 0 &&
		call_is_early(call)))
		return NULL;
	if (call->kit->data == NULL) {
		call_error(call, "%s: ph_query() %s", call->name,
		    call->kit->on_loop
			? "in a page function: give ph_layout() .blocking"
			: "without a ph_database()");
		return NULL;
	}
	statement = data_statement(call->kit->data, call, sql);
	if (statement != NULL &&
	    !bind_all(call, statement, sql, arguments, count)) {
		(void)sqlite3_clear_bindings(statement);
		return NULL;
	}
	return statement;
}

static void
end_query(sqlite3_stmt *statement)
{
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
}

const struct ph_value *
host_query(struct ph_call *ph, const char *sql,
    const struct ph_value *const *arguments, size_t count)
{
	struct call *call = host_call(ph);
	const struct value *table = NULL;
	sqlite3_stmt *statement = begin_query(call, sql, arguments, count);

	if (statement != NULL) {
		table = run_query(call, sqlite3_db_handle(statement), statement,
		    sql);
		end_query(statement);
	}
	return host_give(table != NULL ? table : &call_null_value);
}

enum ph_status
data_query_parts(struct call *call, const char *sql,
    const struct ph_value *const *arguments, size_t count, data_take *take)
{
	sqlite3_stmt *statement = begin_query(call, sql, arguments, count);
	struct arena *own = call->arena;
	const struct value *table;
	struct buf collected;
	struct arena part;
	bool first = true;
	int rc = SQLITE_ROW;

	if (statement == NULL)
		return PH_ERROR;
	arena_init(&part, (size_t)call->kit->options->limit_request_memory);
	buf_init(&collected, (size_t)call->kit->options->limit_request_memory);
	while (rc == SQLITE_ROW && !call->failed) {
		table = NULL;
		buf_clear(&collected);
		arena_reset(&part);
		call->arena = &part; /* what a part is made of goes with it */
		rc = collect(call, statement, PART_ROWS, &collected);
		if (rc == 0 || rc == SQLITE_ROW)
			table = build_table(call, statement, &collected);
		call->arena = own;
		if (table == NULL)
			call_error(call, "%s: SQL \"%.200s\": %s", call->name,
			    sql,
			    rc > 0 && rc != SQLITE_ROW
				? data_reason(sqlite3_db_handle(statement))
				: "out of memory");
		else if ((first || table->u.table->row_count > 0) &&
			 !take(call, table->u.table, first))
			break;
		first = false;
	}
	end_query(statement);
	buf_free(&collected);
	arena_free(&part);
	return call->failed ? PH_ERROR : PH_OK;
}

/* Run the first statement of `sql`; *tail is what follows it. */
static void
exec_one(struct call *call, const char *sql, const char **tail,
    const struct ph_value *const *arguments, size_t count)
{
	sqlite3_stmt *statement = NULL;
	int rc;

	rc = sqlite3_prepare_v2(call->create_db, sql, -1, &statement, tail);
	if (rc == SQLITE_OK && statement != NULL &&
	    bind_all(call, statement, sql, arguments, count)) {
		while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
			continue;
	}
	if (rc != SQLITE_DONE && rc != SQLITE_OK)
		call_error(call, "%s: SQL \"%.200s\": %s", call->name, sql,
		    sqlite3_errmsg(call->create_db));
	(void)sqlite3_finalize(statement);
}

enum ph_status
host_exec(struct ph_call *ph, const char *sql,
    const struct ph_value *const *arguments, size_t count)
{
	struct call *call = host_call(ph);
	const char *tail;

	if (call->failed)
		return PH_ERROR;
	if (call->create_db == NULL) {
		call_error(call,
		    "%s: ph_exec() is for create functions: databases are "
		    "read-only while the app runs",
		    call->name);
		return PH_ERROR;
	}
	do {
		exec_one(call, sql, &tail, arguments, count);
		sql = tail;
	} while (!call->failed && sql != NULL && *sql != '\0');
	return call->failed ? PH_ERROR : PH_OK;
}
