/* SPDX-License-Identifier: MIT */

/*
 * ph_table_page(): one page of a database table, as a DataTable asks for it.
 *
 * INVARIANT  What comes from the browser is compared with names or bound as
 *            a parameter; see table_filter.h.
 */
#include <sqlite3.h>
#include <string.h>

#include "server/base/err.h"
#include "server/base/log.h"
#include "worker/host_data.h"
#include "worker/table_filter.h"

#define SIZE_DEFAULT 50
#define SIZE_MAX_ROWS 10000

struct page {
	struct call *call;
	const struct ph_table_page_options *options;
	const char *table;
	const char **columns; /* in the arena */
	size_t column_count;
	struct table_filter filter;
	bool none; /* the filter was not understood: no row passes */
};

/* The names of the table's columns. */
static int
find_columns(struct page *page)
{
	struct call *call = page->call;
	struct buf sql = BUF_EMPTY;
	sqlite3_stmt *statement = NULL;
	const char *name;
	int count;
	int i;

	if (call->kit->data == NULL) {
		call_error(call, "%s: ph_table_page() without a ph_database()",
		    call->name);
		return ERR_PLUGIN;
	}
	(void)buf_putl(&sql, "SELECT * FROM ");
	table_sql_name(page->table, &sql);
	(void)buf_putl(&sql, " LIMIT 0");
	if (buf_cstr(&sql) != NULL)
		statement = data_statement(call->kit->data, call, sql.data);
	buf_free(&sql);
	if (statement == NULL)
		return ERR_STORE;
	/* A step prepares it anew when the table has been changed. */
	if (sqlite3_step(statement) != SQLITE_DONE)
		call_error(call, "%s: ph_table_page(): %s", call->name,
		    sqlite3_errmsg(sqlite3_db_handle(statement)));
	(void)sqlite3_reset(statement);
	if (call->failed)
		return ERR_STORE;
	count = sqlite3_column_count(statement);
	page->columns =
	    arena_calloc(call->arena, (size_t)count + 1, sizeof(char *));
	for (i = 0; page->columns != NULL && i < count; i++) {
		name = sqlite3_column_name(statement, i);
		page->columns[i] = name != NULL ? arena_strndup(call->arena,
						      name, strlen(name))
						: NULL;
		if (page->columns[i] == NULL)
			break;
		page->column_count++;
	}
	if (page->column_count == (size_t)count && count > 0)
		return 0;
	call_error(call, "%s: out of memory", call->name);
	return ERR_STORE;
}

static int
read_filter(struct page *page)
{
	const struct value *text = host_take(page->options->filter);
	static struct log_gate gate;
	unsigned held;
	int rc;

	if (text->kind != VALUE_TEXT)
		return 0;
	rc = table_filter_parse(&page->filter, page->call->arena, text->u.text,
	    text->count, page->columns, page->column_count);
	if (rc == ERR_SYNTAX) {
		page->none = true;
		if (log_gate_open(&gate, &held))
			log_info("data.filter",
			    "from=%s offset=%zu reason=\"%s\" held=%u",
			    page->call->name, page->filter.offset,
			    page->filter.why, held);
		return 0;
	}
	if (rc < 0)
		call_error(page->call, "%s: the filter is too long",
		    page->call->name);
	return rc;
}

/* A whole number between 0 and `max`; `other` for anything else. */
static int64_t
number_in(const struct ph_value *value, int64_t other, int64_t max)
{
	int64_t number = host_is_null(value) ? other : host_int_of(value);

	if (number < 0)
		number = 0;
	return number > max ? max : number;
}

static void
put_from(struct page *page, struct buf *sql)
{
	(void)buf_putl(sql, " FROM ");
	table_sql_name(page->table, sql);
	if (page->none)
		(void)buf_putl(sql, " WHERE 0");
	else if (page->filter.sql.len > 0)
		(void)buf_printf(sql, " WHERE %s", buf_cstr(&page->filter.sql));
}

/* Run what was put together, with the filter's parameters and two more. */
static const struct ph_value *
run(struct page *page, struct buf *sql, const struct ph_value *const *more,
    unsigned more_count)
{
	const struct ph_value *arguments[TABLE_FILTER_PARAMETERS + 2];
	unsigned count = page->none ? 0 : page->filter.count;
	unsigned i;

	for (i = 0; i < count; i++)
		arguments[i] = host_give(page->filter.parameters[i]);
	for (i = 0; i < more_count; i++)
		arguments[count + i] = more[i];
	if (buf_cstr(sql) == NULL || !buf_ok(sql)) {
		call_error(page->call, "%s: out of memory", page->call->name);
		return host_give(&call_null_value);
	}
	return host_query((struct ph_call *)(void *)page->call, sql->data,
	    arguments, count + more_count);
}

static const struct ph_value *
fetch_rows(struct page *page, int64_t number, int64_t size)
{
	const struct ph_value *bounds[2];
	const struct ph_value *rows;
	struct buf sql = BUF_EMPTY;
	size_t before;
	unsigned count = page->none ? 0 : page->filter.count;

	(void)buf_printf(&sql, "SELECT %s",
	    page->options->columns != NULL ? page->options->columns : "*");
	put_from(page, &sql);
	(void)buf_putl(&sql, " ORDER BY ");
	before = sql.len;
	table_sort_sql(host_take(page->options->sort), page->columns,
	    page->column_count, &sql);
	if (sql.len == before)
		(void)buf_puts(&sql, page->options->order != NULL
					 ? page->options->order
					 : "rowid");
	(void)buf_printf(&sql, " LIMIT ?%u OFFSET ?%u", count + 1, count + 2);
	bounds[0] = host_make_int(size);
	bounds[1] = host_make_int(number * size);
	rows = run(page, &sql, bounds, 2);
	buf_free(&sql);
	return rows;
}

static int64_t
count_rows(struct page *page)
{
	const struct ph_value *table;
	struct buf sql = BUF_EMPTY;

	(void)buf_putl(&sql, "SELECT count(*) AS n");
	put_from(page, &sql);
	table = run(page, &sql, NULL, 0);
	buf_free(&sql);
	return host_int_of(host_data_table.cell(table, 0, "n"));
}

const struct ph_value *
host_table_page(struct ph_call *ph, const char *table,
    const struct ph_table_page_options *options)
{
	struct page page = { .call = host_call(ph),
		.options = options,
		.table = table };
	const struct ph_value *rows = host_give(&call_null_value);
	int64_t size = number_in(options->size, SIZE_DEFAULT, SIZE_MAX_ROWS);
	int64_t number = number_in(options->page, 0, INT32_MAX);
	int64_t total = 0;

	if (size == 0)
		size = SIZE_DEFAULT;
	if (!page.call->failed && find_columns(&page) == 0 &&
	    read_filter(&page) == 0) {
		if (options->pages != NULL || options->rows != NULL)
			total = count_rows(&page);
		rows = fetch_rows(&page, number, size);
	}
	if (options->rows != NULL)
		*options->rows = total;
	if (options->pages != NULL)
		*options->pages = (total + size - 1) / size;
	table_filter_free(&page.filter);
	return rows;
}
