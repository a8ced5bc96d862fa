/* SPDX-License-Identifier: MIT */

/*
 * ph_read_csv() and ph_import_csv(): CSV into a table of the call, or into a
 * table of a database that is being created.
 *
 * Both go over the text twice: once for the types, once for the cells. A file
 * is mapped, so its size is bounded by the address space, not by memory.
 *
 * OWNERSHIP  The mapping lives as long as the call of the function.
 * FAILURE    A sentence that names the file and the line.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "server/base/err.h"
#include "server/base/fd.h"
#include "worker/csv.h"
#include "worker/host_data.h"
#include "worker/table_filter.h"
#include "worker/utf8.h"

/* The text that is read, and what the first pass found. */
struct source {
	struct call *call;
	const char *name; /* for messages */
	const struct ph_csv_options *options;
	const char *text;
	size_t len;
	void *map;
	char decimal;
	size_t columns;
	size_t rows;
	char **names; /* in the arena */
	enum csv_type *types;
	bool *gaps; /* is a field of the column missing? */
};

static int
source_error(struct source *source, uint64_t line, const char *why)
{
	call_error(source->call, "%s: %s, line %llu: %s", source->call->name,
	    source->name, (unsigned long long)line, why);
	return ERR_SYNTAX;
}

static int
column_error(struct source *source, uint64_t line, size_t column,
    const char *why)
{
	char text[100];

	(void)snprintf(text, sizeof(text), "column %zu: %s", column + 1, why);
	return source_error(source, line, text);
}

static int
map_file(struct source *source, const char *path)
{
	struct stat st = { .st_size = 0 };
	int rc = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EINVAL;
	source->text = "";
	if (rc == 0 && st.st_size > 0) {
		source->len = (size_t)st.st_size;
		source->map = mmap(NULL, source->len, PROT_READ,
		    MAP_PRIVATE | MAP_POPULATE, fd, 0);
		if (source->map == MAP_FAILED) {
			rc = -errno;
			source->map = NULL;
		} else {
			source->text = source->map;
		}
	}
	fd_close(&fd);
	if (rc < 0)
		call_error(source->call, "%s: cannot read %s: %s",
		    source->call->name, path,
		    rc == -EINVAL ? "it is no regular file" : err_str(rc));
	return rc;
}

static int
source_open(struct source *source, struct call *call,
    const struct ph_csv_options *options)
{
	const struct value *text = host_take(options->text);

	memset(source, 0, sizeof(*source));
	source->call = call;
	source->options = options;
	source->name = options->path != NULL ? options->path : "the text";
	source->decimal = options->decimal != '\0' ? options->decimal : '.';
	if (options->path != NULL)
		return map_file(source, options->path);
	if (text->kind != VALUE_TEXT) {
		call_error(call,
		    "%s: CSV is read from a .path or a .text, not from %s",
		    call->name, value_kind_name((enum value_kind)text->kind));
		return ERR_SYNTAX;
	}
	source->text = text->u.text;
	source->len = text->count;
	return 0;
}

static void
source_close(struct source *source)
{
	if (source->map != NULL)
		(void)munmap(source->map, source->len);
}

static int
no_memory(struct source *source)
{
	call_error(source->call,
	    "%s: %s is larger than limit_request_memory "
	    "allows",
	    source->call->name, source->name);
	return -ENOMEM;
}

/* Text that may name a column: UTF-8 without NUL. */
static bool
is_name(const char *text, size_t len)
{
	const char *end = text + len;
	size_t step;

	for (; text < end; text += step) {
		step = utf8_char_len(text, end);
		if (step == 0 || *text == '\0')
			return false;
	}
	return true;
}

/* Names from the first record, or c1, c2 ... for as many as it has. */
static int
name_columns(struct source *source, const struct csv *csv)
{
	struct arena *arena = source->call->arena;
	struct buf name = BUF_EMPTY;
	size_t i;
	int rc = 0;

	source->columns = csv->count;
	source->names = arena_calloc(arena, csv->count + 1, sizeof(char *));
	source->types =
	    arena_calloc(arena, csv->count + 1, sizeof(enum csv_type));
	source->gaps = arena_calloc(arena, csv->count + 1, sizeof(bool));
	if (source->names == NULL || source->types == NULL ||
	    source->gaps == NULL)
		return no_memory(source);
	for (i = 0; i < csv->count && rc == 0; i++) {
		buf_clear(&name);
		if (source->options->no_header || csv->fields[i].len == 0)
			(void)buf_printf(&name, "c%zu", i + 1);
		else
			(void)buf_put(&name, csv->fields[i].text,
			    csv->fields[i].len);
		if (!is_name(name.data, name.len))
			rc = column_error(source, csv->line, i,
			    "its name is not valid UTF-8");
		source->names[i] = arena_strndup(arena, name.data, name.len);
		if (source->names[i] == NULL)
			rc = no_memory(source);
	}
	buf_free(&name);
	return rc;
}

static int
check_names(struct source *source)
{
	size_t i;
	size_t j;

	for (i = 0; i < source->columns; i++)
		for (j = 0; j < i; j++)
			if (strcasecmp(source->names[i], source->names[j]) == 0)
				return column_error(source, 1, i,
				    "its name is that of a column before");
	return 0;
}

/* Is the record one of the table's? Short ones are: the rest is missing. */
static int
check_record(struct source *source, const struct csv *csv)
{
	return csv->count <= source->columns
		   ? 0
		   : source_error(source, csv->line,
			 "more fields than the first line has");
}

/* What csv_next() says, with its mistake noted. In a file of one column "" is
 * what is missing: an empty line would be no record. */
static int
next_record(struct source *source, struct csv *csv)
{
	int rc = csv_next(csv);

	if (rc == ERR_SYNTAX)
		return source_error(source, csv->line, csv->why);
	if (rc == ERR_TOO_BIG)
		return source_error(source, csv->line, "too many fields");
	if (rc < 0)
		return no_memory(source);
	if (rc == 1 && csv->count == 1 && source->columns <= 1 &&
	    csv->fields[0].len == 0)
		csv->fields[0].quoted = false;
	return rc;
}

static void
widen(struct source *source, const struct csv *csv)
{
	size_t i;

	for (i = 0; i < csv->count; i++) {
		source->types[i] = source->options->texts_only
				       ? CSV_TEXT
				       : csv_widen(source->types[i],
					     &csv->fields[i], source->decimal);
		if (source->types[i] != CSV_TEXT && !source->gaps[i])
			source->gaps[i] = csv_is_missing(&csv->fields[i]);
	}
	for (; i < source->columns; i++)
		source->gaps[i] = true;
	source->rows++;
}

/* The first pass: names, types, how many rows. */
static int
look_through(struct source *source)
{
	struct csv csv;
	bool first = true;
	int rc;

	csv_init(&csv, source->text, source->len, source->options->separator);
	while ((rc = next_record(source, &csv)) == 1) {
		rc = first ? name_columns(source, &csv)
			   : check_record(source, &csv);
		if (rc < 0)
			break;
		if (!first || source->options->no_header)
			widen(source, &csv);
		first = false;
	}
	csv_free(&csv);
	if (rc == 0 && source->rows > UINT32_MAX)
		rc = source_error(source, 0, "more than 2^32 lines");
	return rc == 0 ? check_names(source) : rc;
}

/* Begin the second pass, behind the names. */
static int
begin_again(struct source *source, struct csv *csv)
{
	csv_init(csv, source->text, source->len, source->options->separator);
	return source->options->no_header ? 0 : next_record(source, csv);
}

/* --- into a table of the call --------------------------------------------- */

static bool
new_column(struct source *source, size_t i, struct value_column *column)
{
	size_t size = source->types[i] == CSV_TEXT ? sizeof(struct value_text)
						   : sizeof(double);
	void *cells = arena_calloc(source->call->arena, source->rows + 1, size);

	column->name = source->names[i];
	column->name_len = (uint32_t)strlen(source->names[i]);
	column->row_count = (uint32_t)source->rows;
	column->type = source->types[i] == CSV_TEXT   ? VALUE_COLUMN_TEXT
		       : source->types[i] == CSV_LONG ? VALUE_COLUMN_I64
						      : VALUE_COLUMN_F64;
	column->u.numbers = cells;
	return cells != NULL;
}

static int
put_cell(struct source *source, size_t i, struct value_column *column,
    size_t row, const struct csv_field *field)
{
	/* The cells are this file's until the table is given out. */
	double *numbers = (double *)(uintptr_t)column->u.numbers;
	struct value_text *texts =
	    (struct value_text *)(uintptr_t)column->u.texts;
	int64_t *integers = (int64_t *)(uintptr_t)column->u.integers;
	bool missing = field == NULL || csv_is_missing(field);

	if (source->types[i] == CSV_LONG) {
		integers[row] =
		    csv_integer(field); /* no gaps, see keep_exact() */
		return 0;
	}
	if (source->types[i] != CSV_TEXT) {
		numbers[row] =
		    missing ? NAN : csv_number(field, source->decimal);
		return 0;
	}
	if (missing)
		return 0;
	texts[row].text =
	    arena_strndup(source->call->arena, field->text, field->len);
	texts[row].len = (uint32_t)field->len;
	return texts[row].text != NULL ? 0 : no_memory(source);
}

static int
fill_table(struct source *source, struct value_table *table)
{
	struct csv csv;
	size_t row = 0;
	size_t i;
	int rc = begin_again(source, &csv);

	while (rc >= 0 && (rc = next_record(source, &csv)) == 1) {
		for (i = 0; i < source->columns && rc >= 0; i++)
			rc = put_cell(source, i, &table->columns[i], row,
			    i < csv.count ? &csv.fields[i] : NULL);
		row++;
	}
	csv_free(&csv);
	return rc;
}

/* A column of integers none of which is missing becomes one of integers: in
 * place, as both have 8 bytes. They are below 2^53. */
static void
make_integers(struct value_column *column)
{
	int64_t *integers = (int64_t *)(uintptr_t)column->u.integers;
	double number;
	uint32_t i;

	for (i = 0; i < column->row_count; i++) {
		memcpy(&number, &integers[i], sizeof(number));
		integers[i] = (int64_t)number;
	}
	column->type = VALUE_COLUMN_I64;
}

/* A column of integers has no gaps, one of numbers rounds beyond 2^53. */
static void
keep_exact(struct source *source)
{
	size_t i;

	for (i = 0; i < source->columns; i++)
		if (source->types[i] == CSV_LONG && source->gaps[i])
			source->types[i] = CSV_TEXT;
}

const struct ph_value *
host_read_csv(struct ph_call *ph, const struct ph_csv_options *options)
{
	struct call *call = host_call(ph);
	struct arena *arena = call->arena;
	struct source source;
	struct value_table *table = arena_calloc(arena, 1, sizeof(*table));
	struct value *value = value_null(arena);
	size_t i;
	int rc = source_open(&source, call, options);

	if (rc == 0)
		rc = look_through(&source);
	if (rc == 0)
		keep_exact(&source);
	if (rc == 0 && (table == NULL || value == NULL))
		rc = no_memory(&source);
	if (rc == 0) {
		table->column_count = (uint32_t)source.columns;
		table->row_count = (uint32_t)source.rows;
		table->columns = arena_calloc(arena, source.columns + 1,
		    sizeof(*table->columns));
		if (table->columns == NULL)
			rc = no_memory(&source);
	}
	for (i = 0; rc == 0 && i < source.columns; i++)
		if (!new_column(&source, i, &table->columns[i]))
			rc = no_memory(&source);
	if (rc == 0)
		rc = fill_table(&source, table);
	for (i = 0; rc >= 0 && i < source.columns; i++)
		if (source.types[i] == CSV_INTEGER && !source.gaps[i])
			make_integers(&table->columns[i]);
	source_close(&source);
	if (rc < 0)
		return host_give(&call_null_value);
	value->kind = VALUE_TABLE;
	value->u.table = table;
	return host_give(value);
}

/* --- into a database
 * ---------------------------------------------------------- */

static int
sql_error(struct source *source)
{
	call_error(source->call, "%s: %s: %s", source->call->name, source->name,
	    sqlite3_errmsg(source->call->create_db));
	return ERR_STORE;
}

static int
create_table(struct source *source, const char *table, sqlite3_stmt **insert)
{
	static const char *const types[] = { [CSV_EMPTY] = "TEXT",
		[CSV_INTEGER] = "INTEGER",
		[CSV_LONG] = "INTEGER",
		[CSV_NUMBER] = "REAL",
		[CSV_TEXT] = "TEXT" };
	struct buf create = BUF_EMPTY;
	struct buf values = BUF_EMPTY;
	size_t i;
	int rc = 0;

	(void)buf_putl(&create, "CREATE TABLE ");
	table_sql_name(table, &create);
	(void)buf_putl(&values, "INSERT INTO ");
	table_sql_name(table, &values);
	for (i = 0; i < source->columns; i++) {
		(void)buf_puts(&create, i == 0 ? " (" : ", ");
		table_sql_name(source->names[i], &create);
		(void)buf_printf(&create, " %s", types[source->types[i]]);
		(void)buf_printf(&values, i == 0 ? " VALUES (?" : ", ?");
	}
	(void)buf_putc(&create, ')');
	(void)buf_putc(&values, ')');
	if (buf_cstr(&create) == NULL || buf_cstr(&values) == NULL)
		rc = no_memory(source);
	else if (sqlite3_exec(source->call->create_db, create.data, NULL, NULL,
		     NULL) != SQLITE_OK ||
		 sqlite3_prepare_v2(source->call->create_db, values.data, -1,
		     insert, NULL) != SQLITE_OK)
		rc = sql_error(source);
	buf_free(&create);
	buf_free(&values);
	return rc;
}

static void
bind_field(struct source *source, sqlite3_stmt *insert, size_t i,
    const struct csv_field *field)
{
	int place = (int)i + 1;

	if (field == NULL || csv_is_missing(field))
		(void)sqlite3_bind_null(insert, place);
	else if (source->types[i] == CSV_INTEGER ||
		 source->types[i] == CSV_LONG)
		(void)sqlite3_bind_int64(insert, place, csv_integer(field));
	else if (source->types[i] == CSV_NUMBER)
		(void)sqlite3_bind_double(insert, place,
		    csv_number(field, source->decimal));
	else
		(void)sqlite3_bind_text64(insert, place, field->text,
		    field->len, SQLITE_STATIC, SQLITE_UTF8);
}

static int
insert_all(struct source *source, sqlite3_stmt *insert)
{
	struct csv csv;
	size_t i;
	int rc = begin_again(source, &csv);

	while (rc >= 0 && (rc = next_record(source, &csv)) == 1) {
		for (i = 0; i < source->columns; i++)
			bind_field(source, insert, i,
			    i < csv.count ? &csv.fields[i] : NULL);
		if (sqlite3_step(insert) != SQLITE_DONE)
			rc = sql_error(source);
		(void)sqlite3_reset(insert);
	}
	csv_free(&csv);
	return rc;
}

enum ph_status
host_import_csv(struct ph_call *ph, const char *table,
    const struct ph_csv_options *options)
{
	struct call *call = host_call(ph);
	sqlite3_stmt *insert = NULL;
	struct source source;
	int rc;

	if (call->failed)
		return PH_ERROR;
	if (call->create_db == NULL) {
		call_error(call,
		    "%s: ph_import_csv() is for create functions: databases "
		    "are read-only while the app runs",
		    call->name);
		return PH_ERROR;
	}
	rc = source_open(&source, call, options);
	if (rc == 0)
		rc = look_through(&source);
	if (rc == 0 && source.columns == 0)
		rc = source_error(&source, 1, "there is nothing in it");
	if (rc == 0)
		rc = create_table(&source, table, &insert);
	if (rc == 0)
		(void)insert_all(&source, insert); /* noted in the call */
	(void)sqlite3_finalize(insert);
	source_close(&source);
	return call->failed ? PH_ERROR : PH_OK;
}
