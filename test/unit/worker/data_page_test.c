/* SPDX-License-Identifier: MIT */

/* ph_table_page(): which rows a filter passes. The rules are the browser's own,
 * test/browser/table_filter.test.mjs compares with it. */
#include "test/unit/worker/data_fixture.h"

#include "worker/data.h"

static enum ph_status
make_table(struct ph_call *unused)
{
	return ph_exec(unused,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, code TEXT, n REAL, big "
	    "INTEGER, day TEXT, any, blank TEXT);"
	    "CREATE INDEX t_code ON t (code); CREATE INDEX t_any ON t (any);"
	    "INSERT INTO t VALUES"
	    " (1, '5', 5, 9007199254740992, '2026-01-15', 5, '\t'),"
	    " (2, '015', 15.5, 9007199254740993, '2026-01-31', '5', ' '),"
	    " (3, 'abc', -3, -1, '2025-12-31', 'x', ''),"
	    " (4, '5.0', 0, 4, 'today', -5, '0'),"
	    " (5, '\303\211a', 100, 5, '2025', 5.5, '7'),"
	    " (6, '\303\251a', 1e21, 6, '', 4, 'x'),"
	    " (7, NULL, NULL, NULL, NULL, NULL, NULL)");
}

static int
set_up(void **state)
{
	(void)state;
	data_init();
	ph_database(fixture_ph(&fixture), "page", .create = make_table);
	data_enter();
	return 0;
}

static void
check_rows(const char *filter, const char *want)
{
	const struct ph_value *rows = ph_table_page(ph, "t", .columns = "id",
	    .filter = ph_text(filter), .order = "id");
	char ids[64] = "";
	size_t i;

	assert_false(call.failed);
	for (i = 0; i < ph_count_of(rows); i++)
		(void)snprintf(ids + strlen(ids), sizeof(ids) - strlen(ids),
		    "%d ", (int)ph_int_of(ph_cell(rows, i, "id")));
	if (strcmp(ids, want) != 0)
		print_error("%s\n", filter);
	assert_string_equal(ids, want);
}

struct rows {
	const char *filter;
	const char *ids; /* a space behind each */
};

static void
check_all(const struct rows *cases, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		check_rows(cases[i].filter, cases[i].ids);
}

#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof((cases)[0]))

static void
texts_compare_with_numbers(void **state)
{
	static const struct rows cases[] = {
		{ "{code} contains 5", "1 2 4 " },
		{ "{code} contains \"5\"", "1 2 4 " },
		{ "{code} contains 15", "2 " },
		{ "{code} contains 015", "2 " },
		{ "{code} = 5", "1 4 " },
		{ "{code} = \"5\"", "1 4 " },
		{ "{code} = 15", "2 " },
		{ "{code} > 4", "1 2 4 " },
		{ "{code} > \"4\"", "1 3 4 5 6 " },
		{ "{code} >= 5", "1 2 4 " },
		{ "{code} < 15", "1 4 7 " },
		{ "{code} < \"15\"", "2 7 " },
		{ "{code} <= abc", "1 2 3 4 " },
		{ "{code} = abc", "3 " },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
numbers_compare(void **state)
{
	static const struct rows cases[] = {
		{ "{n} = 5", "1 " },
		{ "{n} = 5.0", "1 " },
		{ "{n} = \"5\"", "1 " },
		{ "{n} > 5", "2 5 6 " },
		{ "{n} > \"5\"", "2 5 6 " },
		{ "{n} > abc", "" },
		{ "{n} < 0", "3 " },
		{ "{n} contains 5", "" },
		{ "{n} contains \"5\"", "1 2 " },
		{ "{n} contains \".\"", "2 " },
		{ "{n} contains \"e+2\"", "6 " },
		{ "{n} is even", "4 5 6 " },
		{ "{n} is odd", "1 3 " },
		{ "{any} = 5", "1 2 " },
		{ "{any} > 4", "1 2 5 " },
		{ "{any} is num", "1 4 5 6 " },
		{ "{any} is str", "2 3 " },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
integers_stay_exact(void **state)
{
	static const struct rows cases[] = {
		{ "{big} = 9007199254740993", "2 " },
		{ "{big} = \"9007199254740993\"", "2 " },
		{ "{big} > 9007199254740992", "2 " },
		{ "{big} != 9007199254740993", "1 3 4 5 6 7 " },
		{ "{big} = 99999999999999999999", "" },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
dates_begin(void **state)
{
	static const struct rows cases[] = {
		{ "{day} datestartswith 2026", "1 2 " },
		{ "{day} datestartswith \"2026\"", "1 2 " },
		{ "{day} datestartswith 26", "1 2 " },
		{ "{day} datestartswith 2026-1", "1 2 " },
		{ "{day} datestartswith 2026-01-31", "2 " },
		{ "{day} datestartswith 2025", "3 5 " },
		{ "{day} datestartswith today", "" },
		{ "{day} contains 2026", "1 2 " },
		{ "{day} scontains 2025", "3 5 " },
		{ "{day} > 2025-12-31", "1 2 4 " },
	};

	(void)state;
	CHECK_ALL(cases);
}

/* What is missing is unequal to everything, and 0 in an order of numbers. */
static void
missing_values_are_kept(void **state)
{
	static const struct rows cases[] = {
		{ "{id} != 5", "1 2 3 4 6 7 " },
		{ "{n} != 5", "2 3 4 5 6 7 " },
		{ "{n} != \"5\"", "1 2 3 4 5 6 7 " },
		{ "{code} != abc", "1 2 4 5 6 7 " },
		{ "{code} i!= ABC", "1 2 4 5 6 7 " },
		{ "!({n} > 5)", "1 3 4 7 " },
		{ "!({n} = 5)", "2 3 4 5 6 7 " },
		{ "!({code} contains 5)", "3 5 6 7 " },
		{ "!({code} contains 5 || {n} > 5)", "3 7 " },
		{ "!(!({n} > 5))", "2 5 6 " },
		{ "{n} <= 0", "3 4 7 " },
		{ "{n} > 0", "1 2 5 6 " },
		{ "{code} is nil", "7 " },
		{ "{day} is blank", "6 7 " },
	};

	(void)state;
	CHECK_ALL(cases);
}

static void
case_is_ignored_in_every_alphabet(void **state)
{
	static const struct rows cases[] = {
		{ "{code} icontains \"\303\211\"", "5 6 " },
		{ "{code} icontains \303\251A", "5 6 " },
		{ "{code} scontains \303\211", "5 " },
		{ "{code} contains A", "" },
		{ "{code} i= \303\211A", "5 6 " },
		{ "{code} i= 5", "1 4 " },
		{ "{code} i> abd", "5 6 " },
		{ "{n} icontains E", "6 " },
	};

	(void)state;
	CHECK_ALL(cases);
}

/* In an order what is blank is 0; it equals nothing. */
static void
blanks_are_in_order(void **state)
{
	static const struct rows cases[] = {
		{ "{blank} < 5", "1 2 3 4 7 " },
		{ "{blank} >= 0", "1 2 3 4 5 7 " }, { "{blank} > 0", "5 " },
		{ "{blank} = 0", "4 " },
		{ "{blank} < abc", "1 2 3 4 5 " }, /* as texts */
	};

	(void)state;
	CHECK_ALL(cases);
}

/* Each way as a DataTable sorts by itself. */
static void
missing_values_come_last(void **state)
{
	static const char *const orders[][2] = {
		{ "asc", "[-3,0,5,15.5,100,1e+21,null]" },
		{ "desc", "[1e+21,100,15.5,5,0,-3,null]" }
	};
	const struct ph_value *rows;
	const char *json;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		rows = ph_table_page(ph, "t",
		    .sort = PH_LIST(PH_OBJECT({ "column_id", ph_text("n") },
			{ "direction", ph_text(orders[i][0]) })));
		json =
		    ph_text_of(ph_json_text(ph_list_of(ph_member(rows, "n"))));
		assert_string_equal(json, orders[i][1]);
	}
}

/* A page's columns have a type each, as a query's. */
static void
cells_of_a_mixed_column(void **state)
{
	const struct ph_value *rows;

	(void)state;
	rows = ph_table_page(ph, "t", .columns = "any", .order = "id",
	    .size = ph_int(2));
	assert_string_equal(ph_text_of(ph_cell(rows, 0, "any")), "5");
	rows = ph_table_page(ph, "t", .columns = "any", .order = "id",
	    .size = ph_int(1));
	assert_int_equal(ph_int_of(ph_cell(rows, 0, "any")), 5);
	rows = ph_table_page(ph, "t", .columns = "CAST(any AS TEXT) AS any",
	    .order = "id", .size = ph_int(1));
	assert_string_equal(ph_text_of(ph_cell(rows, 0, "any")), "5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DATA_TEST(texts_compare_with_numbers),
		DATA_TEST(numbers_compare),
		DATA_TEST(integers_stay_exact),
		DATA_TEST(dates_begin),
		DATA_TEST(missing_values_are_kept),
		DATA_TEST(case_is_ignored_in_every_alphabet),
		DATA_TEST(blanks_are_in_order),
		DATA_TEST(missing_values_come_last),
		DATA_TEST(cells_of_a_mixed_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
