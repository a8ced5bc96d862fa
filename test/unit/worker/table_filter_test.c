/* SPDX-License-Identifier: MIT */

/* DataTable's filters and sort orders as SQL that holds nothing of theirs. */
#include "test/unit/arena_test_case.h"

#include <string.h>

#include "server/base/err.h"
#include "worker/json_read.h"
#include "worker/json_write.h"
#include "worker/table_filter.h"

static const char *const columns[] = { "a", "b c", "say \"hi\"", "x}y" };
static const struct {
	const char *filter;
	const char *sql; /* NULL: refused */
	unsigned parameters;
} cases[] = {
	{ "", "", 0 },
	{ "  ", "", 0 },
	{ "{a} = 5",
	    "((\"a\" = ?1 AND \"a\" < '') OR "
	    "(\"a\" >= '' AND filter_number(\"a\") = ?1))",
	    1 },
	{ "{a} EQ x", "(\"a\" = ?1)", 1 },
	{ "{a}>=-1.5e3",
	    "((\"a\" >= ?1 AND \"a\" < '') OR "
	    "(\"a\" >= '' AND filter_order(\"a\") >= ?1) OR "
	    "\"a\" IS NULL)",
	    1 },
	{ "{a} > \"5\"",
	    "((+\"a\" > ?1 AND \"a\" >= '') OR (\"a\" > ?2 AND \"a\" < ''))",
	    2 },
	{ "{a} s> x", "(\"a\" > ?1 AND \"a\" >= '')", 1 },
	{ "{a} ne \"x\"", "(+\"a\" IS NOT ?1)", 1 },
	{ "{a} != 5", "(+\"a\" IS NOT ?1)", 1 },
	{ "{a} i= x", "(filter_upper(\"a\") = ?1)", 1 },
	{ "{a} i< 5", "(filter_upper(\"a\") < ?1)", 1 },
	{ "{a} contains x",
	    "(instr(CASE typeof(\"a\") WHEN 'real' THEN filter_text(\"a\") "
	    "ELSE \"a\" END, ?1) > 0)",
	    1 },
	{ "{a} scontains 5", "(\"a\" >= '' AND instr(\"a\", ?1) > 0)", 1 },
	{ "{a} icontains x", "(instr(filter_upper(\"a\"), ?1) > 0)", 1 },
	{ "{a} datestartswith 2026-11", "(instr(filter_date(\"a\"), ?1) = 1)",
	    1 },
	{ "{a} datestartswith soon", "(0)", 0 },
	{ "{a} is nil", "(\"a\" IS NULL)", 0 },
	{ "{a} is blank", "(coalesce(\"a\", '') = '')", 0 },
	{ "{b c} = x && {a} = R&D!", "(\"b c\" = ?1) AND (\"a\" = ?2)", 2 },
	{ "{a} = x || !({a} = y)",
	    "(\"a\" = ?1) OR (((\"a\" = ?2)) IS NOT TRUE)", 2 },
	{ "{say \"hi\"} = x", "(\"say \"\"hi\"\"\" = ?1)", 1 },
	{ "{x\\}y} = x", "(\"x}y\" = ?1)", 1 },
	{ "{a} = 'it''s'", NULL, 0 },
	{ "{d} = 1", NULL, 0 },
	{ "a = 1", NULL, 0 },
	{ "{a = 1", NULL, 0 },
	{ "{a} ~ 1", NULL, 0 },
	{ "{a} =", NULL, 0 },
	{ "{a} = 1 {a} = 2", NULL, 0 },
	{ "({a} = 1", NULL, 0 },
	{ "{a} != 'b", NULL, 0 },
	{ "{a} = \"b\\\"", NULL, 0 },
	{ "{a} = `", NULL, 0 },
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
check_operand(const struct table_filter *filter, unsigned i, const char *want)
{
	struct buf json = BUF_EMPTY;
	const char *why;

	assert_int_equal(json_write(filter->parameters[i], &json, &why), 0);
	assert_string_equal(buf_cstr(&json), want);
	buf_free(&json);
}

static void
operands_keep_their_type(void **state)
{
	static const char text[] =
	    "{a} = 12 && {a} != \"12\" && {a} = `a\\`b` && "
	    "{a} = 9007199254740993 && {a} = \"9007199254740993\" && "
	    "{a} = 1.5 && {a} contains 015 && {a} icontains 1e30 && "
	    "{a} icontains \303\251";
	struct table_filter filter;

	(void)state;
	assert_int_equal(
	    table_filter_parse(&filter, &arena, text, strlen(text), columns, 4),
	    0);
	assert_int_equal(filter.count, 9);
	check_operand(&filter, 0, "12");
	check_operand(&filter, 1, "\"12\"");
	check_operand(&filter, 2, "\"a`b\"");
	check_operand(&filter, 3, "9007199254740993");
	check_operand(&filter, 4, "9007199254740993");
	check_operand(&filter, 5, "1.5");
	check_operand(&filter, 6, "\"15\"");
	check_operand(&filter, 7, "\"1E+30\"");
	check_operand(&filter, 8, "\"\303\211\"");
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
		{ "[{\"column_id\":\"a\",\"direction\":\"asc\"}]",
		    "\"a\" NULLS LAST" },
		{ "[{\"column_id\":\"b c\",\"direction\":\"desc\"},"
		  "{\"column_id\":\"a\"}]",
		    "\"b c\" DESC, \"a\" NULLS LAST" },
		{ "[{\"column_id\":\"nope\"},7,{\"column_id\":\"a\"}]",
		    "\"a\" NULLS LAST" },
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
