/* SPDX-License-Identifier: MIT */

/* <pronghorn/data.h> as an app uses it: arrays, tables, CSV, pages. */
#include "test/unit/worker/data_fixture.h"

#include <math.h>

#include "worker/data.h"

static char csv_path[128];

/* Beyond 64 bits, beyond 2^53, with a gap, among numbers, up to 2^53. */
#define CARDS                                           \
	"card,id,gap,half,n\n"                          \
	"12345678901234567890,9007199254740993,,1.5,\n" \
	"4929123456789012345,-1,9007199254740993,"      \
	"9007199254740993,9007199254740992\n"

static enum ph_status
make_trips(struct ph_call *create)
{
	ph_exec(create, "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT,"
			" n REAL)");
	ph_exec(create,
	    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c "
	    "WHERE i < 1000) INSERT INTO t SELECT i, 'name ' || (i % 10), i / "
	    "10.0 FROM c");
	ph_import_csv(create, "cards", .text = ph_text(CARDS));
	return ph_import_csv(create, "trips", .path = csv_path);
}

static int
set_up(void **state)
{
	FILE *file;

	(void)state;
	data_init();
	(void)snprintf(csv_path, sizeof(csv_path), "%s/t.csv", fixture.dir);
	file = fopen(csv_path, "w");
	fputs("day,km,who\n2026-01-01,12.5,\"Ann, B\"\n2026-01-02,,Cy\n"
	      "2026-01-03,7,007\n",
	    file);
	fclose(file);
	ph_database(fixture_ph(&fixture), "main_one", .create = make_trips);
	data_enter();
	return 0;
}

static void
check_json(const struct ph_value *value, const char *want)
{
	const struct ph_value *text = ph_json_text(value);

	assert_string_equal(call.failed ? call.error : "", "");
	assert_string_equal(ph_text_of(text), want);
}

static void
check_failed(const char *part)
{
	assert_true(call.failed);
	if (strstr(call.error, part) == NULL)
		assert_string_equal(call.error, part);
	call.failed = false;
}

static void
arrays_are_typed(void **state)
{
	static const double doubles[] = { 1, 0.5 };
	static const float floats[] = { 1, 0.5f };
	static const float tiny[] = { 1e-45f, 1e-40f, 1.17549435e-38f, 0.1f };
	static const int64_t small[] = { -1, 127 };
	static const int64_t bytes[] = { 0, 255 };
	static const int64_t wide[] = { 0, 4294967295 };
	static const int64_t widest[] = { 0, 4294967296 };
	static const int64_t exact[] = { -(INT64_C(1) << 53), 1 };
	static const int64_t beyond[] = { 1, (INT64_C(1) << 53) + 1 };
	static const int32_t ints[] = { -40000 };

	(void)state;
	check_json(ph_doubles(doubles, 2),
	    "{\"dtype\":\"f8\",\"bdata\":\"AAAAAAAA8D8AAAAAAADgPw==\"}");
	check_json(ph_floats(floats, 2),
	    "{\"dtype\":\"f4\",\"bdata\":\"AACAPwAAAD8=\"}");
	check_json(ph_int64s(small, 2),
	    "{\"dtype\":\"i1\",\"bdata\":\"/38=\"}");
	check_json(ph_int64s(bytes, 2),
	    "{\"dtype\":\"u1\",\"bdata\":\"AP8=\"}");
	check_json(ph_int64s(wide, 2),
	    "{\"dtype\":\"u4\",\"bdata\":\"AAAAAP////8=\"}");
	check_json(ph_int64s(widest, 2),
	    "{\"dtype\":\"f8\",\"bdata\":\"AAAAAAAAAAAAAAAAAADwQQ==\"}");
	check_json(ph_int64s(exact, 2),
	    "{\"dtype\":\"f8\",\"bdata\":\"AAAAAAAAQMMAAAAAAADwPw==\"}");
	check_json(ph_int64s(beyond, 2), "[1,9007199254740993]");
	check_json(ph_int32s(ints, 1),
	    "{\"dtype\":\"i4\",\"bdata\":\"wGP//w==\"}");
	check_json(ph_list_of(ph_floats(floats, 2)), "[1,0.5]");
	check_json(PH_TABLE({ "t", ph_floats(tiny, 4) }),
	    "[{\"t\":1e-45},{\"t\":1e-40},{\"t\":1.1754944e-38},"
	    "{\"t\":0.1}]");
}

/* Both ways: what a browser sends of a figure is read again. */
static void
typed_arrays_come_back(void **state)
{
	static const char *const forms[] = {
		"{\"dtype\":\"f8\",\"bdata\":\"AAAAAAAA8D8AAAAAAADgPw==\"}",
		"{\"dtype\":\"f4\",\"bdata\":\"AACAPwAAAD8=\"}",
		"[1,0.5]",
	};
	static const char *const none[] = {
		"{\"dtype\":\"i8\",\"bdata\":\"AAAAAAAA8D8=\"}",
		"{\"dtype\":\" f\",\"bdata\":\"AAAAAAAA8D8=\"}",
		"{\"dtype\":\"f8\",\"bdata\":\"AAA=\"}",
		"{\"dtype\":\"f8\",\"bdata\":7}", "{}", "7", "\"x\""
	};
	const double *numbers;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(ph_numbers_of(ph_json(forms[i]), &numbers), 2);
		assert_true(numbers[0] == 1 && numbers[1] == 0.5);
	}
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(ph_numbers_of(ph_json(none[i]), &numbers), 0);
	assert_int_equal(ph_numbers_of(ph_json("[1,null,\"x\"]"), &numbers), 3);
	assert_true(isnan(numbers[1]) && isnan(numbers[2]));
}

static void
tables_have_forms_and_come_back(void **state)
{
	static const double n[] = { 1.5, NAN };
	const struct ph_value *table = PH_TABLE({ "n", ph_doubles(n, 2) },
	    { "s", PH_LIST(ph_text("a\"b"), ph_null()) },
	    { "i", ph_json("[1,2]") });
	const struct ph_value *again;
	const char *split = "{\"columns\":[\"n\",\"s\",\"i\"],\"index\":[0,1],"
			    "\"data\":[[1.5,\"a\\\"b\",1],[null,null,2]]}";
	const char *bare = "{\"columns\":[\"n\",\"s\",\"i\"],"
			   "\"data\":[[1.5,\"a\\\"b\",1],[null,null,2]]}";

	(void)state;
	check_json(table, "[{\"n\":1.5,\"s\":\"a\\\"b\",\"i\":1},"
			  "{\"n\":null,\"s\":null,\"i\":2}]");
	check_json(ph_split(table), split);
	check_json(ph_columns(table),
	    "{\"n\":[1.5,null],\"s\":[\"a\\\"b\",null],\"i\":[1,2]}");
	assert_string_equal(ph_text_of(ph_csv(table)),
	    "n,s,i\r\n1.5,\"a\"\"b\",1\r\n,,2\r\n");
	assert_string_equal(ph_text_of(ph_csv(table, .separator = ';',
				.decimal = ',', .no_header = true)),
	    "1,5;\"a\"\"b\";1\r\n;;2\r\n");
	again = ph_table_of(ph_text(split));
	assert_non_null(again);
	check_json(ph_split(again), split);
	again = ph_table_of(ph_text(bare));
	assert_non_null(again);
	check_json(ph_split(again), split);
	again = ph_table_of(ph_json_text(ph_columns(table)));
	check_json(ph_split(again), split);
	again = ph_table_of(ph_json_text(table));
	check_json(ph_split(again), split);
	again = ph_read_csv(ph, .text = ph_csv(table));
	check_json(ph_split(again), split);
	/* An empty line would be none. */
	table = PH_TABLE({ "n", ph_member(table, "n") });
	assert_string_equal(ph_text_of(ph_csv(table)), "n\r\n1.5\r\n\"\"\r\n");
	check_json(ph_read_csv(ph, .text = ph_csv(table)),
	    "[{\"n\":1.5},{\"n\":null}]");
	check_json(
	    ph_read_csv(ph, .text = ph_text("\"\"\n7\n"), .no_header = true),
	    "[{\"c1\":null},{\"c1\":7}]");
	/* Columns that are called so. */
	check_json(ph_table_of(ph_json("{\"columns\":[\"a\"],\"data\":[1]}")),
	    "[{\"columns\":\"a\",\"data\":1}]");
	check_json(
	    ph_split(ph_table_of(ph_json("{\"columns\":[],\"data\":[]}"))),
	    "{\"columns\":[],\"index\":[],\"data\":[]}");
	assert_null(ph_table_of(ph_text("{")));
	assert_null(ph_table_of(ph_json("[1,2]")));
	assert_null(ph_table_of(ph_json("{\"a\":[1],\"b\":[1,2]}")));
	assert_null(ph_table_of(ph_json("{\"columns\":[\"a\"],\"index\":[],"
					"\"data\":[[1,2]]}")));
}

static void
cells_are_reached(void **state)
{
	const struct ph_value *table = PH_TABLE({ "a", ph_json("[1,2]") },
	    { "b", ph_json("[\"x\",null]") });

	(void)state;
	assert_int_equal(ph_count_of(table), 2);
	assert_int_equal(ph_int_of(ph_cell(table, 1, "a")), 2);
	assert_string_equal(ph_text_of(ph_cell(table, 0, "b")), "x");
	assert_true(ph_is_null(ph_cell(table, 1, "b")));
	assert_true(ph_is_null(ph_cell(table, 2, "a")));
	assert_true(ph_is_null(ph_cell(table, 0, "c")));
	assert_int_equal(ph_count_of(ph_member(table, "a")), 2);
	assert_int_equal(ph_int_of(ph_at(ph_member(table, "a"), 0)), 1);
	check_json(ph_at(table, 0), "{\"a\":1,\"b\":\"x\"}");
	assert_true(ph_is_null(ph_at(table, 2)));
	assert_true(ph_is_null(ph_member(table, "c")));
}

static void
mistakes_with_tables_are_named(void **state)
{
	(void)state;
	(void)PH_TABLE({ "a", ph_json("[1]") }, { "b", ph_json("[1,2]") });
	check_failed("the columns differ in length");
	(void)PH_TABLE({ "a", ph_text("x") });
	check_failed("a column is an array");
	(void)ph_split(ph_text("x"));
	check_failed("ph_split() takes a table, not text");
	(void)ph_read_csv(ph, .path = "/nonexistent.csv");
	check_failed("/nonexistent.csv");
	(void)ph_read_csv(ph, .path = "/dev/zero");
	check_failed("it is no regular file");
	(void)ph_read_csv(ph, .text = ph_text("a,b\n1,2\n1,2,3\n"));
	check_failed("line 3: more fields than the first line has");
	(void)ph_read_csv(ph, .text = ph_text("a,a\n1,2\n"));
	check_failed("line 1: column 2: its name is that of a column before");
	(void)ph_read_csv(ph, .text = ph_text("a,b,\xff\n1,2,3\n"));
	check_failed("line 1: column 3: its name is not valid UTF-8");
	(void)ph_read_csv(ph, .text = ph_text("a\n\"x\n"));
	check_failed("line 2: a quote is not closed");
	(void)ph_read_csv(ph, .text = ph_int(7));
	check_failed("not from integer");
	assert_int_equal(ph_import_csv(ph, "x", .path = csv_path), PH_ERROR);
	check_failed("is for create functions");
}

static void
csv_is_imported_with_its_types(void **state)
{
	(void)state;
	check_json(ph_query(ph, "SELECT day, km, typeof(km) AS t, who FROM "
				"trips ORDER BY day"),
	    "[{\"day\":\"2026-01-01\",\"km\":12.5,\"t\":\"real\",\"who\":\"Ann,"
	    " B\"},{\"day\":\"2026-01-02\",\"km\":null,\"t\":\"null\","
	    "\"who\":\"Cy\"},{\"day\":\"2026-01-03\",\"km\":7,\"t\":\"real\","
	    "\"who\":\"007\"}]");
	check_json(ph_read_csv(ph, .path = csv_path),
	    "[{\"day\":\"2026-01-01\",\"km\":12.5,\"who\":\"Ann, B\"},"
	    "{\"day\":\"2026-01-02\",\"km\":null,\"who\":\"Cy\"},"
	    "{\"day\":\"2026-01-03\",\"km\":7,\"who\":\"007\"}]");
}

/* What would be rounded is a text, digit by digit as it was written. */
static void
integers_of_csv_are_exact(void **state)
{
	static const char rows[] =
	    "[{\"card\":\"12345678901234567890\",\"id\":9007199254740993,"
	    "\"gap\":null,\"half\":\"1.5\",\"n\":null},"
	    "{\"card\":\"4929123456789012345\",\"id\":-1,"
	    "\"gap\":\"9007199254740993\",\"half\":\"9007199254740993\","
	    "\"n\":9007199254740992}]";
	const struct ph_value *table = ph_read_csv(ph, .text = ph_text(CARDS));

	(void)state;
	check_json(table, rows);
	check_json(ph_read_csv(ph, .text = ph_csv(table)), rows);
	check_json(ph_query(ph, "SELECT * FROM cards"), rows);
	check_json(ph_query(ph, "SELECT typeof(card) AS card, typeof(id) AS id,"
				" typeof(gap) AS gap, typeof(half) AS half,"
				" typeof(n) AS n FROM cards WHERE id < 0"),
	    "[{\"card\":\"text\",\"id\":\"integer\",\"gap\":\"integer\","
	    "\"half\":\"text\",\"n\":\"integer\"}]");
	check_json(
	    PH_TABLE({ "a", PH_LIST(ph_int(9007199254740993), ph_null()) }),
	    "[{\"a\":\"9007199254740993\"},{\"a\":null}]");
}

static void
pages_are_cut_sorted_and_filtered(void **state)
{
	int64_t pages;
	int64_t rows;

	(void)state;
	check_json(ph_table_page(ph, "t", .page = ph_int(1), .size = ph_int(2),
		       .pages = &pages, .rows = &rows),
	    "[{\"id\":3,\"name\":\"name 3\",\"n\":0.3},"
	    "{\"id\":4,\"name\":\"name 4\",\"n\":0.4}]");
	assert_int_equal(pages, 500);
	assert_int_equal(rows, 1000);
	check_json(ph_table_page(ph, "t", .columns = "id", .size = ph_int(3),
		       .sort = ph_json("[{\"column_id\":\"name\",\"direction\":"
				       "\"desc\"},{\"column_id\":\"id\","
				       "\"direction\":\"desc\"}]"),
		       .filter = ph_text("{name} contains \"9\" && {n} < 50"),
		       .rows = &rows),
	    "[{\"id\":499},{\"id\":489},{\"id\":479}]");
	assert_int_equal(rows, 50);
	check_json(ph_table_page(ph, "t",
		       .filter = ph_text("{name} = 1 OR 1=1"), .rows = &rows),
	    "[]");
	assert_int_equal(rows, 0);
	check_json(ph_table_page(ph, "t", .columns = "id", .page = ph_int(-5),
		       .size = ph_int(1), .order = "id DESC"),
	    "[{\"id\":1000}]");
	assert_int_equal(
	    ph_count_of(ph_table_page(ph, "t", .size = ph_int(1 << 30))), 1000);
	(void)ph_table_page(ph, "missing");
	check_failed("no such table: missing");
}

static void
series_are_shortened(void **state)
{
	double y[1000];
	const struct ph_value *table;
	const double *x;
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		y[i] = i == 500 ? 9 : 0;
	table = ph_downsample(ph, NULL, ph_doubles(y, 1000), 50, PH_LTTB);
	assert_int_equal(ph_count_of(table), 50);
	assert_int_equal(ph_numbers_of(ph_member(table, "x"), &x), 50);
	assert_true(x[0] == 0 && x[49] == 999);
	table = ph_downsample(ph, ph_doubles(y, 1000), ph_doubles(y, 10), 50,
	    PH_LTTB);
	check_failed("x and y differ in length");
	table = ph_downsample(ph, NULL, ph_doubles(y, 10), 50, PH_MIN_MAX);
	assert_int_equal(ph_count_of(table), 10);
}

static void
json_and_moments(void **state)
{
	(void)state;
	assert_null(ph_json_parse(ph_text("{")));
	assert_null(ph_json_parse(ph_int(1)));
	check_json(ph_json_parse(ph_text(" {\"a\": [1]} ")), "{\"a\":[1]}");
	check_json(ph_time(86400.5), "\"1970-01-02T00:00:00.500\"");
	check_json(ph_time(NAN), "null");
	assert_true(ph_time_of(ph_text("1970-01-02")) == 86400);
	assert_true(isnan(ph_time_of(ph_int(3))));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_are_typed),
		cmocka_unit_test(typed_arrays_come_back),
		cmocka_unit_test(tables_have_forms_and_come_back),
		cmocka_unit_test(cells_are_reached),
		cmocka_unit_test(mistakes_with_tables_are_named),
		cmocka_unit_test(csv_is_imported_with_its_types),
		cmocka_unit_test(integers_of_csv_are_exact),
		cmocka_unit_test(pages_are_cut_sorted_and_filtered),
		cmocka_unit_test(series_are_shortened),
		cmocka_unit_test(json_and_moments),
	};

	return cmocka_run_group_tests(tests, set_up, data_leave);
}
