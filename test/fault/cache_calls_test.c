/* SPDX-License-Identifier: MIT */

/*
 * The n-th call of the cache to SQLite that may fail fails, without having
 * done anything, once and from then on, for n = 1, 2, ... until a life of the
 * cache passes without it; with each of the codes that are told apart. The
 * linker puts these functions in the place of SQLite's in all of our objects
 * (see the Makefile).
 *
 * Not among them are those that only fail when they are used wrongly, which
 * is asserted: binding without a copy, closing when all statements are gone.
 */
#include "test/fault/cache_scenario_tools.h"
#include "test/fault/failing.h"

int __real_sqlite3_step(sqlite3_stmt *stmt);
int __real_sqlite3_reset(sqlite3_stmt *stmt);
int __real_sqlite3_finalize(sqlite3_stmt *stmt);
int __real_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int len,
    sqlite3_stmt **stmt, const char **tail);
int __real_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int len,
    unsigned flags, sqlite3_stmt **stmt, const char **tail);
int __real_sqlite3_exec(sqlite3 *db, const char *sql,
    int (*row)(void *, int, char **, char **), void *context, char **error);
int __real_sqlite3_open_v2(const char *path, sqlite3 **db, int flags,
    const char *vfs);
int __real_sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode,
    int *frames, int *copied);
int __real_sqlite3_file_control(sqlite3 *db, const char *name, int operation,
    void *argument);
int __real_sqlite3_busy_timeout(sqlite3 *db, int ms);
int __wrap_sqlite3_step(sqlite3_stmt *stmt);
int __wrap_sqlite3_reset(sqlite3_stmt *stmt);
int __wrap_sqlite3_finalize(sqlite3_stmt *stmt);
int __wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int len,
    sqlite3_stmt **stmt, const char **tail);
int __wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int len,
    unsigned flags, sqlite3_stmt **stmt, const char **tail);
int __wrap_sqlite3_exec(sqlite3 *db, const char *sql,
    int (*row)(void *, int, char **, char **), void *context, char **error);
int __wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags,
    const char *vfs);
int __wrap_sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode,
    int *frames, int *copied);
int __wrap_sqlite3_file_control(sqlite3 *db, const char *name, int operation,
    void *argument);
int __wrap_sqlite3_busy_timeout(sqlite3 *db, int ms);

static int failing_code;
static sqlite3_stmt *failed_stmt; /* the last one whose step failed */
static sqlite3_stmt *row_stmt;    /* the last one that was stepped */
static unsigned rows;             /* that it gave */

/* Of a long walk the first steps are enough. */
int
__wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	int code;

	if (stmt != row_stmt)
		rows = 0;
	row_stmt = stmt;
	if (rows < 3 && failing_now()) {
		failed_stmt = stmt;
		return failing_code;
	}
	code = __real_sqlite3_step(stmt);
	rows = code == SQLITE_ROW ? rows + 1 : 0;
	return code;
}

/* SQLite tells of a failed step once more. */
static int
code_after(const sqlite3_stmt *stmt, int code)
{
	if (stmt == NULL || stmt != failed_stmt)
		return code;
	failed_stmt = NULL;
	return failing_code;
}

int
__wrap_sqlite3_reset(sqlite3_stmt *stmt)
{
	return code_after(stmt, __real_sqlite3_reset(stmt));
}

int
__wrap_sqlite3_finalize(sqlite3_stmt *stmt)
{
	return code_after(stmt, __real_sqlite3_finalize(stmt));
}

int
__wrap_sqlite3_prepare_v2(sqlite3 *db, const char *sql, int len,
    sqlite3_stmt **stmt, const char **tail)
{
	*stmt = NULL;
	return failing_now()
		   ? failing_code
		   : __real_sqlite3_prepare_v2(db, sql, len, stmt, tail);
}

int
__wrap_sqlite3_prepare_v3(sqlite3 *db, const char *sql, int len, unsigned flags,
    sqlite3_stmt **stmt, const char **tail)
{
	*stmt = NULL;
	return failing_now()
		   ? failing_code
		   : __real_sqlite3_prepare_v3(db, sql, len, flags, stmt, tail);
}

int
__wrap_sqlite3_exec(sqlite3 *db, const char *sql,
    int (*row)(void *, int, char **, char **), void *context, char **error)
{
	return failing_now()
		   ? failing_code
		   : __real_sqlite3_exec(db, sql, row, context, error);
}

int
__wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags,
    const char *vfs)
{
	int code;

	if (!failing_now())
		return __real_sqlite3_open_v2(path, db, flags, vfs);
	/* There is a handle all the same, unless memory was short. */
	*db = NULL;
	if (failing_code == SQLITE_NOMEM)
		return failing_code;
	code = __real_sqlite3_open_v2(path, db, flags, vfs);
	return code == SQLITE_OK ? failing_code : code;
}

int
__wrap_sqlite3_wal_checkpoint_v2(sqlite3 *db, const char *name, int mode,
    int *frames, int *copied)
{
	if (!failing_now())
		return __real_sqlite3_wal_checkpoint_v2(db, name, mode, frames,
		    copied);
	if (frames != NULL)
		*frames = -1;
	if (copied != NULL)
		*copied = -1;
	return failing_code;
}

int
__wrap_sqlite3_file_control(sqlite3 *db, const char *name, int operation,
    void *argument)
{
	return failing_now()
		   ? failing_code
		   : __real_sqlite3_file_control(db, name, operation, argument);
}

int
__wrap_sqlite3_busy_timeout(sqlite3 *db, int ms)
{
	return failing_now() ? failing_code
			     : __real_sqlite3_busy_timeout(db, ms);
}

static const struct {
	const char *name;
	int code;
} codes[] = {
	{ "busy", SQLITE_BUSY },
	{ "protocol", SQLITE_PROTOCOL },
	{ "full", SQLITE_FULL },
	{ "I/O error", SQLITE_IOERR },
	{ "no memory", SQLITE_NOMEM },
	{ "read-only", SQLITE_READONLY },
	{ "cannot open", SQLITE_CANTOPEN },
	{ "error", SQLITE_ERROR },
#define CODES_OF_ALL 8
	/* Damage is believed where the keeper or the master looks. */
	{ "corrupt", SQLITE_CORRUPT },
};

/* With STRESS=1 each of the codes, else two of them, others in each run. */
static void
run(const char *name, long (*all)(struct scenario *, bool), size_t count)
{
	size_t turn = (size_t)getpid() % count;
	struct scenario scenario;
	unsigned mode;
	long rounds;
	size_t i;

	for (i = 0; i < count; i++) {
		if (getenv("STRESS") == NULL && i != turn &&
		    i != (turn + 1 + (size_t)name[0] % (count - 1)) % count)
			continue;
		failing_code = codes[i].code;
		for (mode = 0; mode < 2; mode++) {
			failed_stmt = NULL;
			scenario_init(&scenario, failing_arm, failing_fired);
			scenario.many = all == scenario_all_more ||
					all == scenario_all_tools;
			rounds = all(&scenario, mode == 1);
			print_message("%s, %s, %s: %ld rounds\n", name,
			    codes[i].name, mode ? "for ever" : "once", rounds);
			assert_true(rounds > 10);
			scenario_fini(&scenario);
		}
	}
}

#define ALL (sizeof(codes) / sizeof(codes[0]))

static void
a_life_with_failing_calls(void **state)
{
	(void)state;
	run("life", scenario_all, ALL);
}

static void
entries_and_sessions_with_failing_calls(void **state)
{
	(void)state;
	run("entries", scenario_all_more, ALL);
}

static void
repairing_with_failing_calls(void **state)
{
	(void)state;
	run("repair", scenario_all_repair, CODES_OF_ALL);
}

static void
preparing_with_failing_calls(void **state)
{
	(void)state;
	run("prepare", scenario_all_prepare, CODES_OF_ALL);
}

static void
creating_with_failing_calls(void **state)
{
	(void)state;
	run("create", scenario_all_create, CODES_OF_ALL);
}

static void
looking_in_with_failing_calls(void **state)
{
	(void)state;
	run("tools", scenario_all_tools, ALL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_life_with_failing_calls),
		cmocka_unit_test(entries_and_sessions_with_failing_calls),
		cmocka_unit_test(repairing_with_failing_calls),
		cmocka_unit_test(preparing_with_failing_calls),
		cmocka_unit_test(creating_with_failing_calls),
		cmocka_unit_test(looking_in_with_failing_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
