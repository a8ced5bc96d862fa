/* SPDX-License-Identifier: MIT */

/*
 * What a connection has committed is in its files, whatever the way it was
 * written in: with a copy of the files, taken at any moment between two
 * transactions, another program goes on where we were.
 */
#include "test/unit/cache/fixture.h"

#include "cache/wal_file.h"

#define ROWS 400
#define ROUNDS 60

static void
run(sqlite3 *db, const char *sql)
{
	char *error = NULL;
	int code = sqlite3_exec(db, sql, NULL, NULL, &error);

	if (code != SQLITE_OK)
		print_message("%s: %s\n", sql, error);
	assert_int_equal(code, SQLITE_OK);
}

static void
copy(const char *from, const char *to)
{
	char bytes[65536];
	FILE *in = fopen(from, "rb");
	FILE *out = fopen(to, "wb");
	size_t got;

	assert_non_null(in);
	assert_non_null(out);
	while ((got = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, got, out), got);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
}

static int64_t
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	int64_t out;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	out = sqlite3_column_int64(stmt, 0);
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	return out;
}

/* The copy, read by SQLite alone, says what the last transaction wrote. */
static void
check_copy(const struct fixture *f, int round)
{
	char from[128];
	char to[128];
	sqlite3 *db;

	fixture_path(f, "x.db", from);
	fixture_path(f, "copy.db", to);
	copy(from, to);
	fixture_path(f, "x.db-wal", from);
	fixture_path(f, "copy.db-wal", to);
	copy(from, to);
	fixture_path(f, "copy.db-shm", to);
	(void)unlink(to);
	fixture_path(f, "copy.db", to);
	assert_int_equal(sqlite3_open(to, &db), SQLITE_OK);
	assert_int_equal(number(db, "SELECT max(n) FROM t"), round);
	assert_int_equal(number(db, "SELECT count(*) FROM t"), ROWS);
	assert_int_equal(number(db,
			     "SELECT count(*) FROM pragma_integrity_check"
			     " WHERE integrity_check <> 'ok'"),
	    0);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/*
 * Transactions of every length; the long ones write pages to the log before
 * they end and change them again. Two connections write by turns, and the log
 * begins anew now and then.
 */
static void
what_is_committed_is_in_the_files(void **state)
{
	struct fixture *f = *state;
	sqlite3 *dbs[2];
	char path[128];
	char sql[256];
	int round;
	int i;

	assert_string_equal(wal_file_vfs(), "pronghorn");
	fixture_path(f, "x.db", path);
	for (i = 0; i < 2; i++) {
		assert_int_equal(sqlite3_open_v2(path, &dbs[i],
				     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
				     wal_file_vfs()),
		    SQLITE_OK);
		run(dbs[i],
		    "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = OFF; PRAGMA cache_size = 4;"
		    "PRAGMA wal_autocheckpoint = 0");
	}
	(void)snprintf(sql, sizeof(sql),
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, n, v);"
	    "WITH RECURSIVE i(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM i"
	    " LIMIT %d) INSERT INTO t SELECT k, 0, zeroblob(3000) FROM i",
	    ROWS);
	run(dbs[0], sql);
	for (round = 1; round <= ROUNDS; round++) {
		sqlite3 *db = dbs[round / 2 % 2];

		run(db, "BEGIN IMMEDIATE");
		for (i = 0; i <= round % 4; i++) {
			(void)snprintf(sql, sizeof(sql),
			    "UPDATE t SET n = %d, v = randomblob(3000)"
			    " WHERE id %% %d = 0",
			    round, 1 + round % 7 * 20);
			run(db, sql);
		}
		run(db, round % 10 == 9 ? "ROLLBACK" : "COMMIT");
		check_copy(f, round % 10 == 9 ? round - 1 : round);
		if (round % 13 == 0)
			run(dbs[1], "PRAGMA wal_checkpoint(RESTART)");
		if (round % 29 == 0)
			run(dbs[0], "PRAGMA wal_checkpoint(TRUNCATE)");
	}
	for (i = 0; i < 2; i++)
		assert_int_equal(sqlite3_close(dbs[i]), SQLITE_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_is_committed_is_in_the_files, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
