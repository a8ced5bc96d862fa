/* SPDX-License-Identifier: MIT */

/* DataTable's filters and sort orders as SQL that holds nothing of theirs. */
#include "test/unit/arena_test_case.h"

#include <string.h>

#include "server/base/err.h"
#include "worker/json_read.h"
#include "worker/table_filter.h"

static const char *const columns[] = { "a", "b c", "say \"hi\"", "x}y" };
static const struct {
	const char *filter;
	const char *sql; /* NULL: refused */
	unsigned parameters;
} cases[] = {
	{ "", "", 0 },
	{ "  ", "", 0 },
	{ "{a} = 5", "(\"a\" = ?1)", 1 },
	{ "{a} eq 5", "(\"a\" = ?1)", 1 },
	{ "{a}>=-1.5e3", "(\"a\" >= ?1)", 1 },
	{ "{a} ne \"x\"", "(\"a\" <> ?1)", 1 },
	{ "{a} i= x", "(\"a\" = ?1 COLLATE NOCASE)", 1 },
	{ "{a} s> x", "(\"a\" > ?1)", 1 },
	{ "{a} contains x",
	    "(instr(lower(\"a\"), lower(CAST(?1 AS TEXT))) > 0)", 1 },
	{ "{a} scontains x", "(instr((\"a\"), (CAST(?1 AS TEXT))) > 0)", 1 },
	{ "{a} datestartswith 2026-11",
	    "(instr((\"a\"), (CAST(?1 AS TEXT))) = 1)", 1 },
	{ "{a} is nil", "(\"a\" IS NULL)", 0 },
	{ "{a} is blank", "(coalesce(\"a\", '') = '')", 0 },
	{ "{b c} < 1 && {a} > 2", "(\"b c\" < ?1) AND (\"a\" > ?2)", 2 },
	{ "{a} < 1 || !({a} > 2)", "(\"a\" < ?1) OR NOT (((\"a\" > ?2)))", 2 },
	{ "{say \"hi\"} = 1", "(\"say \"\"hi\"\"\" = ?1)", 1 },
	{ "{x\\}y} = 1", "(\"x}y\" = ?1)", 1 },
	{ "{a} = 'it''s'", NULL, 0 },
	{ "{d} = 1", NULL, 0 },
	{ "a = 1", NULL, 0 },
	{ "{a = 1", NULL, 0 },
	{ "{a} ~ 1", NULL, 0 },
	{ "{a} =", NULL, 0 },
	{ "{a} = 1 {a} = 2", NULL, 0 },
	{ "({a} = 1", NULL, 0 },
	{ "{a} is what", NULL, 0 },
	{ "{a} = 1; DROP TABLE t", NULL, 0 },
	{ "{a} = \"1\" OR 1=1 --", NULL, 0 },
};

static void
filters_become_sql(void **state)
{
	struct table_filter filter;
	size_t i;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rc = table_filter_parse(&filter, &arena, cases[i].filter,
		    strlen(cases[i].filter), columns, 4);
		if (cases[i].sql == NULL) {
			if (rc != ERR_SYNTAX)
				fail_msg("taken: %s", cases[i].filter);
			assert_non_null(filter.why);
		} else {
			if (rc != 0)
				fail_msg("%s: %s", cases[i].filter, filter.why);
			assert_string_equal(
			    filter.sql.len > 0 ? buf_cstr(&filter.sql) : "",
			    cases[i].sql);
			assert_int_equal(filter.count, cases[i].parameters);
		}
		table_filter_free(&filter);
	}
}

static void
operands_keep_their_type(void **state)
{
	static const char text[] = "{a} = 12 && {a} = \"12\" && {a} = `a\\`b`";
	struct table_filter filter;

	(void)state;
	assert_int_equal(
	    table_filter_parse(&filter, &arena, text, strlen(text), columns, 4),
	    0);
	assert_int_equal(filter.count, 3);
	assert_int_equal(filter.parameters[0]->kind, VALUE_DOUBLE);
	assert_int_equal(filter.parameters[1]->kind, VALUE_TEXT);
	assert_string_equal(filter.parameters[2]->u.text, "a`b");
	table_filter_free(&filter);
}

static void
nesting_is_bounded(void **state)
{
	struct table_filter filter;
	char text[1000];

	(void)state;
	memset(text, '(', sizeof(text));
	assert_int_equal(
	    table_filter_parse(&filter, &arena, text, sizeof(text), columns, 4),
	    ERR_SYNTAX);
	table_filter_free(&filter);
	memset(text, '!', sizeof(text));
	assert_int_equal(
	    table_filter_parse(&filter, &arena, text, sizeof(text), columns, 4),
	    ERR_SYNTAX);
	table_filter_free(&filter);
}

static void
sort_orders_become_sql(void **state)
{
	static const struct {
		const char *json;
		const char *sql;
	} orders[] = {
		{ "null", "" },
		{ "[]", "" },
		{ "[{\"column_id\":\"a\",\"direction\":\"asc\"}]", "\"a\"" },
		{ "[{\"column_id\":\"b c\",\"direction\":\"desc\"},"
		  "{\"column_id\":\"a\"}]",
		    "\"b c\" DESC, \"a\"" },
		{ "[{\"column_id\":\"nope\"},7,{\"column_id\":\"a\"}]",
		    "\"a\"" },
	};
	struct json_limits limits = { 10, 100, 10, false, false };
	struct value *value;
	struct buf sql = BUF_EMPTY;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		assert_int_equal(json_read(orders[i].json,
				     strlen(orders[i].json), &limits, &arena,
				     &value, &why),
		    0);
		buf_clear(&sql);
		table_sort_sql(value, columns, 4, &sql);
		assert_string_equal(sql.len > 0 ? buf_cstr(&sql) : "",
		    orders[i].sql);
	}
	buf_free(&sql);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_become_sql),
		cmocka_unit_test(operands_keep_their_type),
		cmocka_unit_test(nesting_is_bounded),
		cmocka_unit_test(sort_orders_become_sql),
	};

	return cmocka_run_group_tests(tests, arena_set_up, arena_tear_down);
}
