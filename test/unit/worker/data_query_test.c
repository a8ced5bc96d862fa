/* SPDX-License-Identifier: MIT */

/* ph_query(): arguments in, typed columns out, errors with SQL and reason. */
#include "test/unit/worker/data_fixture.h"

#include <math.h>

#include "worker/data.h"

static enum ph_status
make_table(struct ph_call *unused)
{
	ph_exec(unused, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b, c, d)");
	ph_exec(unused, "INSERT INTO t (a, b, c, d) VALUES "
			"(1, 1, 'x', NULL), (-2, 0.5, 'y\xc3\xa9', NULL), "
			"(9007199254740993, NULL, NULL, NULL)");
	return ph_exec(unused, "CREATE INDEX t_a ON t (a)");
}

static int
set_up(void **state)
{
	(void)state;
	data_init();
	ph_database(fixture_ph(&fixture), "main_one", .create = make_table);
	data_enter();
	return 0;
}

static const struct value_table *
table_of(const struct ph_value *value)
{
	const struct value *table = host_take(value);

	assert_false(call.failed);
	assert_int_equal(table->kind, VALUE_TABLE);
	return table->u.table;
}

/* The type of a column follows from all its cells. */
static void
columns_are_typed(void **state)
{
	static const struct {
		const char *sql;
		uint8_t type;
		uint32_t rows;
	} cases[] = {
		{ "SELECT a FROM t", VALUE_COLUMN_I64, 3 },
		{ "SELECT b FROM t", VALUE_COLUMN_F64, 3 },
		{ "SELECT c FROM t", VALUE_COLUMN_TEXT, 3 },
		{ "SELECT d FROM t", VALUE_COLUMN_F64, 3 },
		{ "SELECT a FROM t WHERE a = 5", VALUE_COLUMN_I64, 0 },
		{ "SELECT 1 UNION ALL SELECT 2.5", VALUE_COLUMN_F64, 2 },
		{ "SELECT 2.5 UNION ALL SELECT 1", VALUE_COLUMN_F64, 2 },
		{ "SELECT 1 UNION ALL SELECT NULL", VALUE_COLUMN_F64, 2 },
		{ "SELECT NULL UNION ALL SELECT 'x'", VALUE_COLUMN_TEXT, 2 },
		{ "SELECT 1 UNION ALL SELECT 'x'", VALUE_COLUMN_TEXT, 2 },
		{ "SELECT 1.5 UNION ALL SELECT x'4142'", VALUE_COLUMN_TEXT, 2 },
		{ "SELECT ''", VALUE_COLUMN_TEXT, 1 },
		/* Rounding would make another of the integer. */
		{ "SELECT 9007199254740993 UNION ALL SELECT NULL",
		    VALUE_COLUMN_TEXT, 2 },
		{ "SELECT 9007199254740993 UNION ALL SELECT 0.5",
		    VALUE_COLUMN_TEXT, 2 },
		{ "SELECT 9007199254740992 UNION ALL SELECT NULL",
		    VALUE_COLUMN_F64, 2 },
	};
	const struct value_table *table;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		table = table_of(ph_query(ph, cases[i].sql));
		assert_int_equal(table->column_count, 1);
		assert_int_equal(table->row_count, cases[i].rows);
		assert_int_equal(table->columns[0].row_count, cases[i].rows);
		assert_int_equal(table->columns[0].type, cases[i].type);
	}
}

static void
cells_of_every_type(void **state)
{
	const struct value_table *table =
	    table_of(ph_query(ph, "SELECT a, b, c, d AS \"last one\" FROM t "
				  "ORDER BY id"));

	(void)state;
	assert_int_equal(table->column_count, 4);
	assert_int_equal(table->row_count, 3);
	assert_string_equal(table->columns[0].name, "a");
	assert_true(table->columns[0].u.integers[0] == 1);
	assert_true(table->columns[0].u.integers[1] == -2);
	assert_true(table->columns[0].u.integers[2] == 9007199254740993);
	assert_true(table->columns[1].u.numbers[0] == 1);
	assert_true(table->columns[1].u.numbers[1] == 0.5);
	assert_true(isnan(table->columns[1].u.numbers[2]));
	assert_int_equal(table->columns[2].u.texts[0].len, 1);
	assert_memory_equal(table->columns[2].u.texts[1].text, "y\xc3\xa9", 3);
	assert_null(table->columns[2].u.texts[2].text);
	assert_string_equal(table->columns[3].name, "last one");
	assert_int_equal(table->columns[3].name_len, 8);
	assert_true(isnan(table->columns[3].u.numbers[0]));
}

/* A join has columns of one name: records could not hold both. */
static void
names_are_made_to_differ(void **state)
{
	const struct value_table *table = table_of(
	    ph_query(ph, "SELECT 1 AS a, 2 AS \"a:1\", 3 AS a, 4 AS a"));

	(void)state;
	assert_string_equal(table->columns[0].name, "a");
	assert_string_equal(table->columns[1].name, "a:1");
	assert_string_equal(table->columns[2].name, "a:2");
	assert_string_equal(table->columns[3].name, "a:3");
	assert_int_equal(table->columns[3].name_len, 3);
}

static void
numbers_among_texts_become_texts(void **state)
{
	static const char *const want[] = { "x", "1", "0.1", "-7",
		"9223372036854775807", "AB" };
	const struct value_table *table = table_of(ph_query(ph,
	    "SELECT 'x' UNION ALL SELECT 1 UNION ALL SELECT 0.1 UNION ALL "
	    "SELECT -7 UNION ALL SELECT 9223372036854775807 UNION ALL "
	    "SELECT x'4142'"));
	const struct value_text *cell;
	size_t i;

	(void)state;
	assert_int_equal(table->row_count, 6);
	for (i = 0; i < 6; i++) {
		cell = &table->columns[0].u.texts[i];
		assert_int_equal(cell->len, strlen(want[i]));
		assert_memory_equal(cell->text, want[i], cell->len);
	}
}

static void
arguments_are_bound_with_their_type(void **state)
{
	const struct value_table *table;

	(void)state;
	table = table_of(ph_query(ph,
	    "SELECT typeof(?1), typeof(?2), typeof(?3), typeof(?4), "
	    "typeof(?5), typeof(?6)",
	    ph_null(), ph_bool(true), ph_int(INT64_MAX), ph_number(0.5),
	    ph_text("x"), NULL));
	fixture_check(host_take(ph_text("")), "\"\"");
	assert_memory_equal(table->columns[0].u.texts[0].text, "null", 4);
	assert_memory_equal(table->columns[1].u.texts[0].text, "integer", 7);
	assert_memory_equal(table->columns[2].u.texts[0].text, "integer", 7);
	assert_memory_equal(table->columns[3].u.texts[0].text, "real", 4);
	assert_memory_equal(table->columns[4].u.texts[0].text, "text", 4);
	assert_memory_equal(table->columns[5].u.texts[0].text, "null", 4);
	table = table_of(
	    ph_query(ph, "SELECT ?1 = 9223372036854775807", ph_int(INT64_MAX)));
	assert_true(table->columns[0].u.integers[0] == 1);
}

/* What comes from a browser is data, never SQL. */
static void
arguments_are_never_sql(void **state)
{
	static const char evil[] = "x'; DROP TABLE t; --";
	const struct value_table *table = table_of(ph_query(ph,
	    "SELECT ?1, count(*) FROM t WHERE c = ?1", ph_text(evil)));

	(void)state;
	assert_int_equal(table->row_count, 1);
	assert_int_equal(table->columns[0].u.texts[0].len, strlen(evil));
	assert_memory_equal(table->columns[0].u.texts[0].text, evil,
	    strlen(evil));
	assert_true(table->columns[1].u.integers[0] == 0);
	(void)table_of(ph_query(ph, "SELECT count(*) FROM t"));
}

static void
what_cannot_be_bound_is_named(void **state)
{
	(void)state;
	data_check_failed(
	    ph_query(ph, "SELECT ?1, ?2", ph_int(1), ph_json("[1]")),
	    "f: SQL argument 2 is array: only null, boolean, number and text "
	    "can be bound");
	data_check_failed(ph_query(ph, "SELECT ?1", ph_json("{}")),
	    "f: SQL argument 1 is object: only null, boolean, number and text "
	    "can be bound");
	data_check_failed(ph_query(ph, "SELECT ?1", ph_query(ph, "SELECT 1")),
	    "f: SQL argument 1 is table: only null, boolean, number and text "
	    "can be bound");
}

static void
the_number_of_arguments_must_fit(void **state)
{
	(void)state;
	data_check_failed(ph_query(ph, "SELECT ?1", ph_int(1), ph_int(2)),
	    "f: SQL \"SELECT ?1\" has 1 parameters, got 2");
	data_check_failed(ph_query(ph, "SELECT ?1 + ?2", ph_int(1)),
	    "f: SQL \"SELECT ?1 + ?2\" has 2 parameters, got 1");
	data_check_failed(ph_query(ph, "SELECT 1", ph_int(1)),
	    "f: SQL \"SELECT 1\" has 0 parameters, got 1");
	data_check_failed(ph_query(ph, "SELECT ?3"),
	    "f: SQL \"SELECT ?3\" has 3 parameters, got 0");
}

static void
errors_have_the_sql_and_the_reason(void **state)
{
	(void)state;
	data_check_failed(ph_query(ph, "SELEKT 1"),
	    "f: SQL \"SELEKT 1\": near \"SELEKT\": syntax error");
	data_check_failed(ph_query(ph, "SELECT x FROM nowhere"),
	    "f: SQL \"SELECT x FROM nowhere\": no such table: nowhere");
	data_check_failed(ph_query(ph, "SELECT z FROM t"),
	    "f: SQL \"SELECT z FROM t\": no such column: z");
	data_check_failed(ph_query(ph, "SELECT abs(-9223372036854775807 - 1)"),
	    "f: SQL \"SELECT abs(-9223372036854775807 - 1)\": integer "
	    "overflow");
	data_check_failed(ph_query(ph, "DELETE FROM t"),
	    "f: SQL \"DELETE FROM t\": attempt to write a readonly database");
}

/* Nor does a query make a file, or lose a database of the app's. */
static void
queries_only_read(void **state)
{
	static const char *const before[] = { "ATTACH '", "VACUUM INTO '",
		"DETACH main -- '" };
	char path[96];
	char sql[160];
	char error[320];
	size_t i;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/new.db", fixture.dir);
	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		(void)snprintf(sql, sizeof(sql), "%s%s'%s", before[i], path,
		    i == 0 ? " AS n" : "");
		(void)snprintf(error, sizeof(error),
		    "f: SQL \"%s\": a query only reads: ATTACH, DETACH and "
		    "VACUUM INTO are refused",
		    sql);
		data_check_failed(ph_query(ph, sql), error);
		assert_int_equal(access(path, F_OK), -1);
	}
}

/* A statement is used again with other arguments, also after an error. */
static void
statements_are_kept_and_clean(void **state)
{
	static const char sql[] = "SELECT ?1 + 1";
	char text[32];
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		assert_true(table_of(ph_query(ph, sql, ph_int(i)))
				->columns[0]
				.u.integers[0] == i + 1);
		data_check_failed(ph_query(ph, sql),
		    "f: SQL \"SELECT ?1 + 1\" has 1 parameters, got 0");
		/* More statements than are kept. */
		(void)snprintf(text, sizeof(text), "SELECT %d", i);
		assert_true(
		    table_of(ph_query(ph, text))->columns[0].u.integers[0] ==
		    i);
	}
}

static void
after_a_failure_nothing_runs(void **state)
{
	(void)state;
	call_error(&call, "the first reason");
	assert_true(ph_is_null(ph_query(ph, "SELECT 1")));
	assert_int_equal(ph_exec(ph, "SELECT 1"), PH_ERROR);
	assert_string_equal(call.error, "the first reason");
}

static void
without_a_database(void **state)
{
	struct data *data = fixture.kit.data;

	(void)state;
	fixture.kit.data = NULL;
	data_check_failed(ph_query(ph, "SELECT 1"),
	    "f: ph_query() without a ph_database()");
	fixture.kit.on_loop = true;
	data_check_failed(ph_query(ph, "SELECT 1"),
	    "f: ph_query() in a page function: give ph_layout() .blocking");
	fixture.kit.data = data;
}

static void
writing_is_for_create_functions(void **state)
{
	(void)state;
	assert_int_equal(ph_exec(ph, "DELETE FROM t"), PH_ERROR);
	assert_true(call.failed);
	assert_string_equal(call.error,
	    "f: ph_exec() is for create functions: databases are read-only "
	    "while the app runs");
}

/* A query without an end stops at the bound on memory, as an error. */
static void
a_result_that_is_too_large(void **state)
{
	static const char endless[] =
	    "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
	    "SELECT x FROM n";

	(void)state;
	fixture.options.limit_request_memory = 1 << 20;
	assert_true(ph_is_null(ph_query(ph, endless)));
	assert_true(call.failed);
	assert_non_null(strstr(call.error,
	    "the result is larger than limit_request_memory allows"));
	call.failed = false;
	arena_free(&fixture.arena);
	arena_init(&fixture.arena, 1000); /* also by the arena's */
	assert_true(
	    ph_is_null(ph_query(ph, "SELECT printf('%01000d', 1), id FROM t")));
	assert_true(call.failed);
}

static void
a_table_as_json_and_as_result(void **state)
{
	(void)state;
	assert_int_equal(ph_return_query(ph,
			     "SELECT a, c FROM t WHERE a < ?1 ORDER BY a",
			     ph_int(2)),
	    PH_OK);
	fixture_check(call.result,
	    "[{\"a\":-2,\"c\":\"y\xc3\xa9\"},{\"a\":1,\"c\":\"x\"}]");
}

int
main(void)
{
#define TEST(name) DATA_TEST(name)
	const struct CMUnitTest tests[] = {
		TEST(columns_are_typed),
		TEST(cells_of_every_type),
		TEST(names_are_made_to_differ),
		TEST(numbers_among_texts_become_texts),
		TEST(arguments_are_bound_with_their_type),
		TEST(arguments_are_never_sql),
		TEST(what_cannot_be_bound_is_named),
		TEST(the_number_of_arguments_must_fit),
		TEST(errors_have_the_sql_and_the_reason),
		TEST(queries_only_read),
		TEST(statements_are_kept_and_clean),
		TEST(after_a_failure_nothing_runs),
		TEST(without_a_database),
		TEST(writing_is_for_create_functions),
		TEST(a_result_that_is_too_large),
		TEST(a_table_as_json_and_as_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
