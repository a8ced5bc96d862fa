/* SPDX-License-Identifier: MIT */

/*
 * Fuzz target: filters of a DataTable.
 *
 * Property: whatever is taken is one condition that SQLite compiles, reads
 * only the table it is for, and has as many parameters as it says.
 */
#include "test/fuzz/fuzz.h"

#include <sqlite3.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/data_functions.h"
#include "worker/table_filter.h"

static int
only_reads_t(void *context, int action, const char *table, const char *column,
    const char *database, const char *trigger)
{
	(void)context;
	(void)column;
	(void)database;
	(void)trigger;
	FUZZ_CHECK(action == SQLITE_SELECT || action == SQLITE_FUNCTION ||
		   (action == SQLITE_READ && strcmp(table, "t") == 0));
	return SQLITE_OK;
}

static sqlite3 *
database(void)
{
	static sqlite3 *db;

	if (db == NULL) {
		FUZZ_CHECK(sqlite3_open(":memory:", &db) == SQLITE_OK);
		FUZZ_CHECK(
		    sqlite3_exec(db,
			"CREATE TABLE t (a, \"b c\"); CREATE TABLE u (a)", NULL,
			NULL, NULL) == SQLITE_OK);
		FUZZ_CHECK(data_functions_add(db) == SQLITE_OK);
		sqlite3_set_authorizer(db, only_reads_t, NULL);
	}
	return db;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const columns[] = { "a", "b c" };
	struct table_filter filter;
	struct arena arena;
	struct buf sql = BUF_EMPTY;
	sqlite3_stmt *statement = NULL;
	const char *tail = NULL;
	int rc;

	arena_init(&arena, (size_t)1 << 20);
	rc = table_filter_parse(&filter, &arena, (const char *)data, size,
	    columns, 2);
	if (rc == 0 && filter.sql.len > 0) {
		(void)buf_printf(&sql, "SELECT 1 FROM t WHERE %s",
		    buf_cstr(&filter.sql));
		FUZZ_CHECK(sqlite3_prepare_v2(database(), buf_cstr(&sql), -1,
			       &statement, &tail) == SQLITE_OK);
		FUZZ_CHECK(*tail == '\0');
		FUZZ_CHECK((unsigned)sqlite3_bind_parameter_count(statement) ==
			   filter.count);
		(void)sqlite3_finalize(statement);
	}
	FUZZ_CHECK(rc != ERR_SYNTAX || filter.why != NULL);
	buf_free(&sql);
	table_filter_free(&filter);
	arena_free(&arena);
	return 0;
}
