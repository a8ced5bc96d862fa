/* SPDX-License-Identifier: MIT */

/*
 * Databases that somebody else changes while the app runs: prepared statements
 * follow, what is not there is an error that names it, and is no error any more
 * when it is back.
 */
#include "test/unit/worker/data_fixture.h"

#include <sqlite3.h>

#include <pronghorn/dash_table.h>

#include "worker/data.h"

static char given[128];  /* of .path */
static char created[96]; /* of .create */

static enum ph_status
make_table(struct ph_call *creating)
{
	ph_exec(creating, "CREATE TABLE t (id INTEGER PRIMARY KEY, a)");
	return ph_exec(creating, "INSERT INTO t (a) VALUES (10), (20)");
}

/* As another process does it. */
static void
change(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		assert_string_equal(sql, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int
set_up(void **state)
{
	(void)state;
	data_init();
	(void)snprintf(given, sizeof(given), "%s/given.db", fixture.dir);
	(void)snprintf(created, sizeof(created), "%s/made-v0.db", fixture.dir);
	change(given, "CREATE TABLE g (n); INSERT INTO g VALUES (1)");
	ph_database(fixture_ph(&fixture), "made", .create = make_table);
	ph_database(fixture_ph(&fixture), "given", .path = given);
	data_enter();
	return 0;
}

static void
check(const struct ph_value *value, const char *want)
{
	assert_string_equal(call.error, "");
	fixture_check(host_take(value), want);
}

static void
a_table_goes_and_comes_back(void **state)
{
	static const char sql[] = "SELECT a FROM t WHERE id = 1";

	(void)state;
	check(ph_query(ph, sql), "[{\"a\":10}]");
	change(created, "ALTER TABLE t RENAME TO away");
	data_check_failed(ph_query(ph, sql),
	    "f: SQL \"SELECT a FROM t WHERE id = 1\": no such table: t");
	data_check_failed(ph_query(ph, sql),
	    "f: SQL \"SELECT a FROM t WHERE id = 1\": no such table: t");
	change(created, "ALTER TABLE away RENAME TO t");
	check(ph_query(ph, sql), "[{\"a\":10}]");
}

static void
a_table_gets_another_column(void **state)
{
	static const char sql[] = "SELECT * FROM t WHERE id <= ?1 ORDER BY id";

	(void)state;
	check(ph_query(ph, sql, ph_int(2)),
	    "[{\"id\":1,\"a\":10},{\"id\":2,\"a\":20}]");
	change(created, "ALTER TABLE t ADD COLUMN b DEFAULT 'x'");
	check(ph_query(ph, sql, ph_int(2)), "[{\"id\":1,\"a\":10,\"b\":\"x\"},{"
					    "\"id\":2,\"a\":20,\"b\":\"x\"}]");
	change(created, "ALTER TABLE t DROP COLUMN a");
	check(ph_query(ph, sql, ph_int(2)),
	    "[{\"id\":1,\"b\":\"x\"},{\"id\":2,\"b\":\"x\"}]");
}

static void
rows_are_changed(void **state)
{
	static const char made[] = "SELECT sum(a) AS s FROM t";
	static const char other[] = "SELECT sum(n) AS s FROM given.g";

	(void)state;
	check(ph_query(ph, made), "[{\"s\":30}]");
	check(ph_query(ph, other), "[{\"s\":1}]");
	change(created, "UPDATE t SET a = 2 * a");
	change(given, "INSERT INTO g VALUES (41)");
	check(ph_query(ph, made), "[{\"s\":60}]");
	check(ph_query(ph, other), "[{\"s\":42}]");
}

/* With the new columns it can be sorted and filtered. */
static void
pages_know_the_columns_of_now(void **state)
{
	struct ph_table_page_options options = { .order = "id",
		.sort =
		    PH_JSON([ { "column_id" : "b", "direction" : "desc" } ]),
		.filter = ph_text("{b} > 1") };

	(void)state;
	check(ph_table_page(ph, "t", .order = "id"),
	    "[{\"id\":1,\"a\":10},{\"id\":2,\"a\":20}]");
	change(created, "ALTER TABLE t ADD COLUMN b; UPDATE t SET b = id + 1;"
			"INSERT INTO t (a, b) VALUES (30, 0)");
	check(ph_table_page(ph, "t", .order = options.order,
		  .sort = options.sort, .filter = options.filter),
	    "[{\"id\":2,\"a\":20,\"b\":3},{\"id\":1,\"a\":10,\"b\":2}]");
	change(created, "ALTER TABLE t RENAME TO away");
	assert_true(ph_is_null(ph_table_page(ph, "t", .order = "id")));
	assert_true(call.failed);
	assert_non_null(strstr(call.error, "no such table: t"));
	call.failed = false;
	call.error[0] = '\0';
	change(created, "ALTER TABLE away RENAME TO t");
	assert_int_equal(ph_count_of(ph_table_page(ph, "t", .order = "id")), 3);
}

/* As who makes a new version every night does it. */
static void
a_file_is_replaced(void **state)
{
	char fresh[160];

	(void)state;
	check(ph_query(ph, "SELECT n FROM given.g"), "[{\"n\":1}]");
	(void)snprintf(fresh, sizeof(fresh), "%s.new", given);
	change(fresh, "CREATE TABLE g (n, m); INSERT INTO g VALUES (5, 6)");
	assert_int_equal(rename(fresh, given), 0);
	check(ph_query(ph, "SELECT n FROM given.g"), "[{\"n\":5}]");
	check(ph_query(ph, "SELECT * FROM given.g"), "[{\"n\":5,\"m\":6}]");
	check(ph_query(ph, "SELECT count(*) AS c FROM t"), "[{\"c\":2}]");
}

/* What is open is used as long as there is nothing else. */
static void
a_file_is_away_for_a_while(void **state)
{
	char away[160];

	(void)state;
	check(ph_query(ph, "SELECT n FROM given.g"), "[{\"n\":1}]");
	(void)snprintf(away, sizeof(away), "%s.away", given);
	assert_int_equal(rename(given, away), 0);
	check(ph_query(ph, "SELECT n FROM given.g"), "[{\"n\":1}]");
	/* What is no database makes no difference either, ... */
	fixture_write(&fixture, "given.db", "This is not a database at all.\n");
	check(ph_query(ph, "SELECT n FROM given.g"), "[{\"n\":1}]");
	/* ... and one that comes then is seen. */
	change(away, "UPDATE g SET n = 7");
	assert_int_equal(rename(away, given), 0);
	check(ph_query(ph, "SELECT n FROM given.g"), "[{\"n\":7}]");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CHANGE(name) DATA_TEST(name)
		CHANGE(a_table_goes_and_comes_back),
		CHANGE(a_table_gets_another_column),
		CHANGE(rows_are_changed),
		CHANGE(pages_know_the_columns_of_now),
		CHANGE(a_file_is_replaced),
		CHANGE(a_file_is_away_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
