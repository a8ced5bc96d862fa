/* SPDX-License-Identifier: MIT */

/* Tables out of what a browser sends: records, columns, a split. */
#include "test/unit/arena_test_case.h"

#include <stdio.h>
#include <string.h>

#include "worker/frame.h"
#include "worker/json_read.h"
#include "worker/json_write.h"

static const struct value *
parse(const char *json, const char **why)
{
	struct json_limits limits = { 10, 1000000, 1000000, false, true };
	struct value *value = NULL;

	assert_int_equal(
	    json_read(json, strlen(json), &limits, &arena, &value, why), 0);
	return frame_parse(&arena, value, why);
}

static void
check(const char *json, const char *want)
{
	struct buf out = BUF_EMPTY;
	const char *why = "";
	const struct value *table = parse(json, &why);

	if (table == NULL)
		fail_msg("%s: %s", json, why);
	table = frame_split(&arena, table->u.table);
	assert_int_equal(json_write(value_get(table, "columns"), &out, &why),
	    0);
	(void)buf_putc(&out, ' ');
	assert_int_equal(json_write(value_get(table, "data"), &out, &why), 0);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void
check_none(const char *json, const char *reason)
{
	const char *why = "";

	if (parse(json, &why) != NULL)
		fail_msg("%s: taken", json);
	assert_string_equal(why, reason);
}

/* Names in the order in which they are seen first; what a record lacks is
 * missing. */
static void
records_need_not_be_alike(void **state)
{
	(void)state;
	check("[]", "[] []");
	check("[{}]", "[] [[]]");
	check("[{\"a\":1,\"b\":2}]", "[\"a\",\"b\"] [[1,2]]");
	check("[{\"name\":\"x\"},{\"name\":\"y\",\"note\":\"important\"}]",
	    "[\"name\",\"note\"] [[\"x\",null],[\"y\",\"important\"]]");
	check("[{\"b\":1},{\"a\":2,\"b\":3},{\"c\":4},{\"a\":5}]",
	    "[\"b\",\"a\",\"c\"] "
	    "[[1,null,null],[3,2,null],[null,null,4],[null,5,null]]");
	check("[{},{\"z\":1},{\"a\":\"x\",\"z\":2}]",
	    "[\"z\",\"a\"] [[null,null],[1,null],[2,\"x\"]]");
	check("[{\"a\":1,\"b\":2},{\"b\":3,\"a\":4}]",
	    "[\"a\",\"b\"] [[1,2],[4,3]]");
	check("[{\"a\":1},null]", "[\"a\"] [[1],[null]]");
	check_none("[1]", "it is neither records nor columns nor split");
}

/* Each record with names of its own: found without a look at all others. */
static void
many_names_are_found(void **state)
{
	struct buf json = BUF_EMPTY;
	const struct value *table;
	const char *why = "";
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		(void)buf_printf(&json, "%c{\"n%d\":%d,\"all\":%d}",
		    i == 0 ? '[' : ',', i, i, -i);
	(void)buf_putc(&json, ']');
	table = parse(buf_cstr(&json), &why);
	assert_non_null(table);
	assert_int_equal(table->u.table->column_count, 1001);
	assert_string_equal(table->u.table->columns[1].name, "all");
	assert_string_equal(table->u.table->columns[1000].name, "n999");
	assert_true(table->u.table->columns[1000].u.numbers[999] == 999);
	assert_true(table->u.table->columns[1].u.integers[999] == -999);
	buf_free(&json);
}

static void
splits_are_told_from_columns(void **state)
{
	static const char ragged[] =
	    "a row has not as many cells as there are columns";

	(void)state;
	check("{\"columns\":[\"a\",\"b\"],\"data\":[[1,2],[3,4]]}",
	    "[\"a\",\"b\"] [[1,2],[3,4]]");
	check("{\"columns\":[\"a\"],\"index\":[],\"data\":[]}", "[\"a\"] []");
	check("{\"columns\":[\"a\"],\"data\":[]}", "[\"a\"] []");
	check("{\"columns\":[],\"data\":[]}", "[] []");
	check_none("{\"columns\":[\"a\"],\"data\":[[1,2]]}", ragged);
	check_none("{\"columns\":[\"a\"],\"data\":[[1],[]]}", ragged);
	check_none("{\"columns\":[\"a\",\"b\"],\"data\":[[1,2],3]}", ragged);
	check_none("{\"columns\":[\"a\"],\"index\":[0],\"data\":[1]}", ragged);
	check_none("{\"columns\":[],\"data\":[[1]]}", ragged);
	check_none("{\"columns\":[1],\"data\":[[1]]}",
	    "a name of a column is no text");
	/* Columns that are called so. */
	check("{\"columns\":[1,2],\"data\":[3,4]}",
	    "[\"columns\",\"data\"] [[1,3],[2,4]]");
	check("{\"columns\":[\"a\"],\"data\":[1]}",
	    "[\"columns\",\"data\"] [[\"a\",1]]");
	check("{\"columns\":[1],\"data\":[[2]],\"x\":[3]}",
	    "[\"columns\",\"data\",\"x\"] [[1,\"[2]\",3]]");
	check_none("{\"columns\":[1,2],\"data\":[3]}",
	    "the columns differ in length");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(records_need_not_be_alike),
		ARENA_TEST(many_names_are_found),
		ARENA_TEST(splits_are_told_from_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
