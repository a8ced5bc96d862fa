/* SPDX-License-Identifier: MIT */

/* Databases of an app: made once, by one process, and never half. */
#include "test/unit/worker/app_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "worker/data.h"

#define RACERS 6 /* processes */

static struct app_fixture fixture;
static struct buf why;
static int created; /* by this process */

static int
set_up(void **state)
{
	(void)state;
	fixture_init(&fixture);
	created = 0;
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	buf_free(&why);
	fixture_fini(&fixture);
	return 0;
}

static enum ph_status
make_points(struct ph_call *call)
{
	created++;
	ph_exec(call, "CREATE TABLE points (x)");
	return ph_exec(call, "INSERT INTO points VALUES (?1), (?2)", ph_int(1),
	    ph_int(2));
}

static enum ph_status
fail_half_way(struct ph_call *call)
{
	created++;
	ph_exec(call, "CREATE TABLE points (x)");
	return ph_fail(call, "the source is away");
}

static enum ph_status
bad_sql(struct ph_call *call)
{
	ph_exec(call, "CREATE TABLE points (x)");
	ph_exec(call, "INSERT INTO nowhere VALUES (1)");
	return PH_OK; /* the mistake counts all the same */
}

static enum ph_status
no_verdict(struct ph_call *call)
{
	(void)call;
	return PH_WAIT;
}

static enum ph_status
ask_in_create(struct ph_call *call)
{
	(void)ph_memo(call, make_points, ph_int(1));
	return PH_OK;
}

static void
path_of(const char *name, char path[192])
{
	(void)snprintf(path, 192, "%s/%s", fixture.dir, name);
}

static bool
exists(const char *name)
{
	char path[192];

	path_of(name, path);
	return access(path, F_OK) == 0;
}

/* The first column of the only row, or -1. */
static int64_t
query(struct toolkit *kit, const char *sql)
{
	const struct ph_value *none[] = { NULL };
	const struct value *table;
	struct call call;
	int64_t number = -1;

	call_init(&call, kit, &fixture.arena, CALL_FUNCTION, "f", NULL);
	call_enter(&call);
	table = host_take(
	    host_query((struct ph_call *)(void *)&call, sql, none, 0));
	call_leave(&call);
	if (!call.failed && table->u.table->row_count == 1)
		number = table->u.table->columns[0].u.integers[0];
	call_fini(&call);
	return number;
}

static int64_t
open_and_query(const char *sql)
{
	struct toolkit kit = fixture.kit;
	int64_t number;

	assert_int_equal(data_open(&kit, &kit.data), 0);
	assert_non_null(kit.data);
	number = query(&kit, sql);
	data_close(&kit.data);
	assert_null(kit.data);
	return number;
}

static void
an_app_without_databases(void **state)
{
	struct data *data = (void *)1;

	(void)state;
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_false(exists("data.lock"));
	assert_int_equal(data_open(&fixture.kit, &data), 0);
	assert_null(data);
	data_close(&data);
}

static void
created_once(void **state)
{
	int i;

	(void)state;
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	for (i = 0; i < 3; i++)
		assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(created, 1);
	assert_int_equal(why.len, 0);
	assert_true(exists("points-v0.db"));
	assert_false(exists("points-v0.db.new"));
	assert_int_equal(open_and_query("SELECT sum(x) FROM points"), 3);
}

static void
a_new_version_is_a_new_file(void **state)
{
	(void)state;
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	fixture.app->databases[0]->version = 2;
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(created, 2);
	assert_true(exists("points-v0.db")); /* running servers still use it */
	assert_true(exists("points-v2.db"));
	assert_int_equal(open_and_query("SELECT sum(x) FROM points"), 3);
}

static void
the_folder_is_made_or_named(void **state)
{
	char folder[192];
	struct stat st;

	(void)state;
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	path_of("new", folder);
	fixture.options.data_dir = folder;
	assert_string_equal(data_folder(&fixture.kit), folder);
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_true(exists("new/points-v0.db"));
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	fixture.options.data_dir = "/proc/no/such";
	assert_true(data_prepare(&fixture.kit, &why) < 0);
	assert_non_null(strstr(buf_cstr(&why), "data_dir /proc/no/such"));
	fixture.options.data_dir = "";
	assert_string_equal(data_folder(&fixture.kit), fixture.dir);
}

static void
a_failed_creation_leaves_nothing(void **state)
{
	static const struct {
		ph_function *create;
		const char *why;
	} cases[] = {
		{ fail_half_way,
		    "database points: create failed: the source is away\n" },
		{ bad_sql,
		    "database points: create failed: points: SQL \"INSERT INTO "
		    "nowhere VALUES (1)\": no such table: nowhere\n" },
		{ no_verdict,
		    "database points: create failed: it did not return "
		    "PH_OK\n" },
		{ ask_in_create,
		    "database points: create failed: points: ph_memo() of a "
		    "function that a create function cannot wait for\n" },
	};
	size_t i;

	(void)state;
	ph_memoize(fixture_ph(&fixture), make_points, .timeout = 0);
	ph_database(fixture_ph(&fixture), "points", .create = fail_half_way);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture.app->databases[0]->create = cases[i].create;
		buf_clear(&why);
		assert_int_equal(data_prepare(&fixture.kit, &why), ERR_PLUGIN);
		assert_string_equal(buf_cstr(&why), cases[i].why);
		assert_false(exists("points-v0.db"));
		assert_false(exists("points-v0.db.new"));
	}
	fixture.app->databases[0]->create = make_points;
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(open_and_query("SELECT sum(x) FROM points"), 3);
}

/* What a crash left behind is no obstacle and never taken for complete. */
static void
a_leftover_is_replaced(void **state)
{
	(void)state;
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	fixture_write(&fixture, "points-v0.db.new", "half of something");
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(open_and_query("SELECT sum(x) FROM points"), 3);
}

static atomic_int *started; /* processes, in memory they share */

/* Long enough for all others to arrive while it runs. */
static enum ph_status
make_points_slowly(struct ph_call *call)
{
	int i;

	while (atomic_load(started) < RACERS)
		(void)sched_yield();
	ph_exec(call, "CREATE TABLE filler (x)");
	for (i = 0; i < 20000; i++)
		ph_exec(call, "INSERT INTO filler VALUES (1)");
	return make_points(call);
}

/* Several masters start at once: one creates, the others find it. */
static void
racing_processes_create_it_once(void **state)
{
	int status;
	int sum = 0;
	int i;

	(void)state;
	ph_database(fixture_ph(&fixture), "points",
	    .create = make_points_slowly);
	started = mmap(NULL, sizeof(*started), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(started, MAP_FAILED);
	for (i = 0; i < RACERS; i++) {
		if (fork() == 0) {
			(void)atomic_fetch_add(started, 1);
			if (data_prepare(&fixture.kit, &why) != 0 ||
			    open_and_query("SELECT sum(x) FROM points") != 3)
				_exit(100);
			_exit(created);
		}
	}
	for (i = 0; i < RACERS; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		sum += WEXITSTATUS(status);
	}
	assert_int_equal(sum, 1);
	assert_int_equal(munmap(started, sizeof(*started)), 0);
}

static void
a_given_file_must_be_there(void **state)
{
	char path[192];

	(void)state;
	path_of("given.db", path);
	ph_database(fixture_ph(&fixture), "given", .path = path);
	assert_int_equal(data_prepare(&fixture.kit, &why), -ENOENT);
	assert_non_null(strstr(buf_cstr(&why), "database given: "));
	assert_non_null(strstr(why.data, "given.db: No such file"));
	fixture_write(&fixture, "given.db", "");
	buf_clear(&why);
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(open_and_query("SELECT 7"), 7);
}

static void
run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Somebody else may write a given file: what he wrote is seen. */
static void
a_given_file_is_read_afresh(void **state)
{
	struct toolkit kit = fixture.kit;
	char path[192];

	(void)state;
	path_of("odd ?#%25 'name.db", path);
	run_sql(path, "CREATE TABLE t (x); INSERT INTO t VALUES (1)");
	ph_database(fixture_ph(&fixture), "given", .path = path);
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(data_open(&kit, &kit.data), 0);
	assert_int_equal(query(&kit, "SELECT sum(x) FROM t"), 1);
	run_sql(path, "INSERT INTO t VALUES (10)");
	assert_int_equal(query(&kit, "SELECT sum(x) FROM t"), 11);
	data_close(&kit.data);
}

/* Reading needs no more than that: neither a file beside it, nor writing. */
static void
a_created_file_is_read_without_writing(void **state)
{
	char path[192];

	(void)state;
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	path_of("points-v0.db", path);
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(open_and_query("SELECT sum(x) FROM points"), 3);
}

static void
further_ones_are_attached(void **state)
{
	char path[192];

	(void)state;
	path_of("it's.db", path);
	run_sql(path, "CREATE TABLE t (x); INSERT INTO t VALUES (40)");
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	ph_database(fixture_ph(&fixture), "select", .path = path);
	ph_database(fixture_ph(&fixture), "third", .create = make_points,
	    .version = 9);
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(created, 2);
	assert_int_equal(open_and_query(
			     "SELECT (SELECT sum(x) FROM points) + (SELECT "
			     "sum(x) FROM \"select\".t) + (SELECT sum(x) FROM "
			     "third.points)"),
	    46);
}

/* Neither the first nor an attached one can be written to. */
static void
everything_is_read_only(void **state)
{
	static const char *const writes[] = { "INSERT INTO points VALUES (9)",
		"DELETE FROM points", "UPDATE points SET x = 9",
		"CREATE TABLE u (x)", "DROP TABLE points",
		"INSERT INTO given.t VALUES (9)", "DROP TABLE given.t",
		"CREATE TABLE given.u (x)" };
	struct toolkit kit = fixture.kit;
	char path[192];
	size_t i;

	(void)state;
	path_of("given.db", path);
	run_sql(path, "CREATE TABLE t (x); INSERT INTO t VALUES (5)");
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	ph_database(fixture_ph(&fixture), "given", .path = path);
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	assert_int_equal(data_open(&kit, &kit.data), 0);
	for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		assert_int_equal(query(&kit, writes[i]), -1);
	assert_int_equal(query(&kit, "SELECT sum(x) FROM points"), 3);
	assert_int_equal(query(&kit, "SELECT sum(x) FROM given.t"), 5);
	data_close(&kit.data);
}

static void
what_cannot_be_opened_is_an_error(void **state)
{
	struct data *data = (void *)1;

	(void)state;
	ph_database(fixture_ph(&fixture), "points", .create = make_points);
	assert_int_equal(data_open(&fixture.kit, &data), ERR_STORE);
	assert_null(data); /* not prepared: no file */
	assert_int_equal(data_prepare(&fixture.kit, &why), 0);
	ph_database(fixture_ph(&fixture), "missing", .path = "/no/such.db");
	assert_int_equal(data_open(&fixture.kit, &data), ERR_STORE);
	assert_null(data);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_app_without_databases),
		TEST(created_once),
		TEST(a_new_version_is_a_new_file),
		TEST(the_folder_is_made_or_named),
		TEST(a_failed_creation_leaves_nothing),
		TEST(a_leftover_is_replaced),
		TEST(racing_processes_create_it_once),
		TEST(a_given_file_must_be_there),
		TEST(a_given_file_is_read_afresh),
		TEST(a_created_file_is_read_without_writing),
		TEST(further_ones_are_attached),
		TEST(everything_is_read_only),
		TEST(what_cannot_be_opened_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
