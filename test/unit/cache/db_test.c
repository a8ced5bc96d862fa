/* SPDX-License-Identifier: MIT */

/*
 * The connection: its settings, the plans of its statements, and that it
 * refuses to be used in a forked child.
 */
#include "test/unit/cache/fixture.h"

#include <signal.h>
#include <sys/resource.h>

#include "cache/cache_int.h"
#include "server/base/clock.h"

static const struct setting {
	const char *sql;
	int64_t want;
} settings[] = {
	{ "PRAGMA page_size", 16384 },
	{ "PRAGMA synchronous", 0 },
	{ "PRAGMA cache_size", -8192 },
	{ "PRAGMA mmap_size", 0 },
	{ "PRAGMA temp_store", 2 },
	{ "PRAGMA wal_autocheckpoint", 0 },
	{ "PRAGMA journal_size_limit", 33554432 },
	{ "PRAGMA secure_delete", 0 },
	{ "PRAGMA trusted_schema", 0 },
	{ "PRAGMA cell_size_check", 1 },
	{ "PRAGMA auto_vacuum", 0 },
	{ "PRAGMA user_version", SCHEMA_VERSION },
	{ "PRAGMA application_id", SCHEMA_APPLICATION_ID },
	{ "SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1 },
	{ "SELECT locking_mode = 'normal' FROM pragma_locking_mode", 1 },
};

static void
the_settings_are_in_force(void **state)
{
	struct fixture *f = *state;
	int64_t got;
	int defensive;
	size_t i;

	for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		assert_int_equal(db_number(&f->a->db, settings[i].sql, &got),
		    0);
		if (got != settings[i].want)
			print_error("%s\n", settings[i].sql);
		assert_int_equal(got, settings[i].want);
	}
	assert_int_equal(sqlite3_db_config(f->a->db.handle,
			     SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive),
	    SQLITE_OK);
	assert_int_equal(defensive, 1);
	assert_int_equal(sqlite3_db_mutex(f->a->db.handle) == NULL, 1);
}

/* A plan that walks a whole table would be felt at a million rows. */
static void
every_statement_finds_its_rows(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *stmt = NULL;
	const char *plan;
	char sql[1024];
	unsigned i;
	int rc;

	for (i = 0; i < STATEMENT_COUNT; i++) {
		assert_non_null(db_use(&f->a->db, (enum statement)i, &rc));
		if (i == STATEMENT_SIGNAL_FORGET || i == STATEMENT_USE_COUNT)
			continue;
		(void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s",
		    schema_statements[i]);
		assert_int_equal(
		    sqlite3_prepare_v2(f->a->db.handle, sql, -1, &stmt, NULL),
		    SQLITE_OK);
		while (sqlite3_step(stmt) == SQLITE_ROW) {
			plan = (const char *)sqlite3_column_text(stmt, 3);
			if (strcmp(plan, "SCAN CONSTANT ROW") == 0)
				continue; /* no table at all */
			if (strstr(plan, "SCAN") != NULL ||
			    strstr(plan, "ORDER BY") != NULL)
				fail_msg("%s: %s", schema_statement_names[i],
				    plan);
		}
		(void)sqlite3_finalize(stmt);
	}
}

static void
no_statement_stays_open(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	sqlite3_stmt *stmt = NULL;
	unsigned count;

	fixture_store(f->a, 1, "v", -1);
	(void)fixture_lookup(f->a, 1, "v");
	(void)fixture_lookup(f->a, 2, "");
	(void)fixture_ask(f->a, 1, NULL);
	(void)fixture_ask(f->a, 3, NULL);
	(void)fixture_ask(f->a, 3, NULL);
	(void)fixture_state(f->a, 1);
	(void)cache_has_wanted(f->a);
	(void)cache_claim_next(f->a, &claim);
	(void)cache_renew(f->a);
	(void)cache_fail(f->a, &claim, "x", 1000);
	(void)fixture_state(f->a, 3);
	(void)cache_release_owner(f->a, 101, &count);
	while ((stmt = sqlite3_next_stmt(f->a->db.handle, stmt)) != NULL) {
		if (sqlite3_stmt_busy(stmt))
			fail_msg("%s", sqlite3_sql(stmt));
	}
	assert_true(sqlite3_get_autocommit(f->a->db.handle));
	cache_claim_free(&claim);
}

static int
lookup_in_child(struct fixture *f)
{
	struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)close(STDERR_FILENO);
	return fixture_lookup(f->a, 1, "v");
}

static void
a_forked_child_may_not_use_it(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid;

	fixture_store(f->a, 1, "v", -1);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		_exit(lookup_in_child(f));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
}

/* Readers go on while somebody writes, and see what was before. */
static void
a_reader_waits_for_nobody(void **state)
{
	struct fixture *f = *state;
	int64_t from;

	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(db_write_begin(&f->b->db), 0);
	assert_int_equal(db_exec(&f->b->db, "DELETE FROM kv"), 0);
	from = clock_mono_us();
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	assert_int_equal(fixture_state(f->a, 1), CACHE_READY);
	assert_int_equal(cache_has_wanted(f->a), 0);
	assert_in_range(clock_mono_us() - from, 0, 200000);
	assert_int_equal(db_write_commit(&f->b->db), 0);
	assert_int_equal(fixture_lookup(f->a, 1, ""), CACHE_MISS);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_settings_are_in_force),
		CASE(every_statement_finds_its_rows),
		CASE(no_statement_stays_open),
		CASE(a_forked_child_may_not_use_it),
		CASE(a_reader_waits_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
