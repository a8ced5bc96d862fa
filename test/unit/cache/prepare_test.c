/* SPDX-License-Identifier: MIT */

/*
 * Before the first connection and after the last: which files are kept,
 * which are set aside, and which folders are refused.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "cache/cache_int.h"
#include "cache/folder.h"
#include "cache/gate.h"
#include "cache/prepare.h"

/* A prepared folder with one stored value; nothing is open. */
static void
make_stored(struct fixture *f)
{
	fixture_init(f);
	assert_int_equal(fixture_prepare(f), 0);
	f->a = fixture_open(f, 1, 101);
	fixture_store(f->a, 1, "kept", -1);
	cache_close(&f->a);
	(void)fixture_sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* How many files were set aside. */
static unsigned
count_aside(const struct fixture *f)
{
	struct dirent *entry;
	DIR *stream = opendir(f->dir);
	unsigned count = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL) {
		if (strstr(entry->d_name, ".corrupt-") != NULL &&
		    strstr(entry->d_name, "-wal") == NULL &&
		    strstr(entry->d_name, "-shm") == NULL)
			count++;
	}
	(void)closedir(stream);
	return count;
}

/* Prepare, open, and see whether the value is still there. */
static void
assert_start(struct fixture *f, bool kept)
{
	assert_int_equal(fixture_prepare(f), 0);
	f->a = fixture_open(f, 1, 101);
	assert_int_equal(fixture_lookup(f->a, 1, "kept"),
	    kept ? CACHE_HIT : CACHE_MISS);
	if (!kept)
		fixture_store(f->a, 1, "kept", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "kept"), CACHE_HIT);
	cache_close(&f->a);
	assert_int_equal(count_aside(f), kept ? 0 : 1);
	fixture_check_integrity(f);
}

static void
overwrite(const struct fixture *f, off_t at, const void *data, size_t len)
{
	char path[128];
	int fd;

	fixture_path(f, "cache-v1.db", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, at), len);
	fd_close(&fd);
}

static void
a_new_folder_is_private(void **state)
{
	struct fixture f;
	struct stat st;
	char inner[96];
	char path[128];

	(void)state;
	fixture_init(&f);
	(void)snprintf(inner, sizeof(inner), "%s/inner", f.dir);
	f.options.cache_dir = inner;
	assert_int_equal(fixture_prepare(&f), 0);
	assert_int_equal(stat(inner, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	(void)snprintf(path, sizeof(path), "%s/cache-v1.db", inner);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	f.a = fixture_open(&f, 1, 1);
	fixture_store(f.a, 1, "v", -1);
	(void)snprintf(path, sizeof(path), "%s/cache-v1.db-wal", inner);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	cache_close(&f.a);
	fixture_remove_dir(inner);
	fixture_fini(&f);
}

static void
a_folder_others_may_write_to_is_refused(void **state)
{
	struct buf why = BUF_EMPTY;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(chmod(f.dir, 0770), 0);
	assert_int_equal(cache_prepare(&f.options, &why), -EPERM);
	assert_non_null(strstr(buf_cstr(&why), f.dir));
	assert_non_null(strstr(buf_cstr(&why), "0770"));
	assert_int_equal(chmod(f.dir, 0702), 0);
	assert_int_equal(fixture_prepare(&f), -EPERM);
	assert_int_equal(chmod(f.dir, 0755), 0);
	assert_int_equal(fixture_prepare(&f), 0);
	buf_free(&why);
	fixture_fini(&f);
}

static void
folders_that_cannot_be(void **state)
{
	struct fixture f;
	char path[128];

	(void)state;
	fixture_init(&f);
	fixture_path(&f, "no/such", path);
	f.options.cache_dir = path;
	assert_int_equal(fixture_prepare(&f), -ENOENT);
	f.options.cache_dir = "/dev/null";
	assert_int_equal(fixture_prepare(&f), -ENOTDIR);
	f.options.cache_dir = "/proc";
	assert_true(fixture_prepare(&f) < 0);
	fixture_fini(&f);
}

static void
a_link_to_the_folder_is_followed(void **state)
{
	struct fixture f;
	char link[96];

	(void)state;
	make_stored(&f);
	(void)snprintf(link, sizeof(link), "%s-link", f.dir);
	assert_int_equal(symlink(f.dir, link), 0);
	f.options.cache_dir = link;
	assert_start(&f, true);
	assert_int_equal(unlink(link), 0);
	fixture_fini(&f);
}

static void
remote_file_systems(void **state)
{
	(void)state;
	assert_true(folder_is_remote(0x6969));
	assert_true(folder_is_remote(0xff534d42));
	assert_true(folder_is_remote(0xffffffffff534d42)); /* sign extended */
	assert_true(folder_is_remote(0x65735546));
	assert_false(folder_is_remote(0xef53));     /* ext4 */
	assert_false(folder_is_remote(0x01021994)); /* tmpfs */
}

static void
a_sound_file_is_kept(void **state)
{
	struct fixture f;

	(void)state;
	make_stored(&f);
	assert_start(&f, true);
	assert_int_equal(prepare_finish(&f.options), 0);
	assert_start(&f, true);
	fixture_fini(&f);
}

static void
computations_of_former_runs_are_dropped(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture f;

	(void)state;
	make_stored(&f);
	f.a = fixture_open(&f, 1, 101);
	assert_int_equal(fixture_ask(f.a, 2, NULL), CACHE_WANTED_NEW);
	assert_int_equal(fixture_ask(f.a, 3, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f.a, &claim, "no", 60000), 0);
	assert_int_equal(fixture_ask(f.a, 4, &claim), CACHE_OWNED);
	cache_close(&f.a);
	assert_int_equal(fixture_prepare(&f), 0);
	f.a = fixture_open(&f, 1, 101);
	assert_int_equal(fixture_sql(&f, "SELECT count(*) FROM signals"), 1);
	assert_int_equal(fixture_state(f.a, 1), CACHE_READY);
	assert_int_equal(fixture_ask(f.a, 3, NULL), CACHE_WANTED_NEW);
	cache_claim_free(&claim);
	fixture_fini(&f);
}

static void
a_file_in_use_is_left_alone(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture f;

	(void)state;
	make_stored(&f);
	f.a = fixture_open(&f, 1, 101);
	assert_int_equal(fixture_ask(f.a, 2, &claim), CACHE_OWNED);
	assert_int_equal(fixture_prepare(&f), 0);
	assert_int_equal(prepare_finish(&f.options), ERR_BUSY);
	assert_int_equal(fixture_publish(f.a, &claim, "v", -1), 0);
	assert_int_equal(fixture_lookup(f.a, 1, "kept"), CACHE_HIT);
	cache_claim_free(&claim);
	fixture_fini(&f);
}

static void
a_file_closed_as_complete_is_used_again(void **state)
{
	struct fixture f;

	(void)state;
	make_stored(&f);
	assert_int_equal(prepare_finish(&f.options), 0);
	assert_int_equal(
	    fixture_sql(&f, "SELECT value FROM meta WHERE name = 'clean'"), 1);
	f.a = fixture_open(&f, 1, 101);
	assert_int_equal(
	    fixture_sql(&f, "SELECT value FROM meta WHERE name = 'clean'"), 0);
	f.b = fixture_open(&f, 2, 102);
	assert_int_equal(fixture_lookup(f.b, 1, "kept"), CACHE_HIT);
	fixture_store(f.b, 2, "v", -1);
	fixture_fini(&f);
}

static void
an_unprepared_folder_does_not_open(void **state)
{
	struct cache_peer peer = { .slot = 0 };
	struct cache *cache;
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_true(cache_open(&cache, &f.options, &peer) < 0);
	assert_null(cache);
	f.options.cache_dir = "/nonexistent";
	assert_int_equal(cache_open(&cache, &f.options, &peer), -ENOENT);
	f.options.cache_dir = f.dir;
	assert_int_equal(fixture_prepare(&f), 0);
	(void)fixture_sql(&f,
	    "UPDATE meta SET value = 'x' WHERE name = 'boot_id'");
	assert_int_equal(cache_open(&cache, &f.options, &peer), ERR_STORE);
	fixture_fini(&f);
}

/* SQL that makes a file foreign or damaged, and whether it is kept. */
static const struct change {
	const char *sql;
	bool kept;
} changes[] = {
	{ "PRAGMA application_id = 7", false },
	{ "PRAGMA user_version = 2", false },
	{ "CREATE TABLE other (x)", false },
	{ "DROP TABLE signals", false },
	{ "CREATE TRIGGER t AFTER INSERT ON kv BEGIN DELETE FROM kv; END",
	    false },
	{ "CREATE VIEW v AS SELECT 1", false },
	{ "DROP TABLE uses", false },
	{ "ALTER TABLE kv ADD COLUMN more", false },
	/* The machine went down while the file was in use ... */
	{ "UPDATE meta SET value = 'x' WHERE name = 'boot_id'", false },
	/* ... or after it had been closed as complete. */
	{ "UPDATE meta SET value = CASE name WHEN 'clean' THEN '1' ELSE 'x'"
	  " END",
	    true },
	{ "DELETE FROM meta", false },
};

static void
what_is_foreign_or_from_another_boot(void **state)
{
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		make_stored(&f);
		(void)fixture_sql(&f, changes[i].sql);
		assert_start(&f, changes[i].kept);
		fixture_fini(&f);
	}
}

static void
what_is_damaged(void **state)
{
	static const char junk[16384] = "junk";
	struct fixture f;
	char path[128];
	off_t page;
	int fd;

	(void)state;
	/* Each page in turn, the first with the header included. */
	for (page = 0; page < 6; page++) {
		make_stored(&f);
		overwrite(&f, page * 16384, junk, sizeof(junk));
		assert_start(&f, false);
		fixture_fini(&f);
	}
	make_stored(&f);
	fixture_path(&f, "cache-v1.db", path);
	assert_int_equal(truncate(path, 20000), 0);
	assert_start(&f, false);
	/* The mark that a worker leaves when it meets damage. */
	fixture_path(&f, DB_DAMAGE_FILE, path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	fd_close(&fd);
	assert_start(&f, false);
	assert_int_equal(access(path, F_OK), -1);
	fixture_fini(&f);
}

static void
an_empty_file_and_a_stale_log(void **state)
{
	struct fixture f;
	char path[128];
	int fd;

	(void)state;
	fixture_init(&f);
	fixture_path(&f, "cache-v1.db", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	fd_close(&fd);
	fixture_path(&f, "cache-v1.db-wal", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "no log at all", 13), 13);
	fd_close(&fd);
	assert_int_equal(fixture_prepare(&f), 0);
	f.a = fixture_open(&f, 1, 101);
	fixture_store(f.a, 1, "kept", -1);
	fixture_fini(&f);
}

/* Root may do everything, so it becomes nobody for this. */
static int
prepare_without_rights(const struct fixture *f)
{
	if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
		return 2;
	return cache_prepare(&f->options, &(struct buf)BUF_EMPTY) < 0 ? 0 : 1;
}

static void
no_rights_set_nothing_aside(void **state)
{
	struct fixture f;
	char path[128];
	pid_t pid;

	(void)state;
	make_stored(&f);
	fixture_path(&f, "cache-v1.db", path);
	assert_int_equal(chmod(path, 0), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(chown(f.dir, 65534, 65534), 0);
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(prepare_without_rights(&f));
	fixture_wait(pid);
	assert_int_equal(count_aside(&f), 0);
	assert_int_equal(chown(f.dir, geteuid(), getegid()), 0);
	assert_int_equal(chown(path, geteuid(), getegid()), 0);
	assert_int_equal(chmod(path, 0600), 0);
	assert_start(&f, true);
	fixture_fini(&f);
}

static void
two_prepare_at_once(void **state)
{
	struct fixture f;
	pid_t pids[4];
	unsigned i;

	(void)state;
	fixture_init(&f);
	for (i = 0; i < 4; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(cache_prepare(&f.options,
				  &(struct buf)BUF_EMPTY) != 0);
	}
	for (i = 0; i < 4; i++)
		fixture_wait(pids[i]);
	f.a = fixture_open(&f, 1, 101);
	fixture_store(f.a, 1, "kept", -1);
	assert_int_equal(count_aside(&f), 0);
	fixture_fini(&f);
}

static void
the_gate_keeps_them_apart(void **state)
{
	struct fixture f;
	char path[128];
	int fds[3];
	unsigned i;

	(void)state;
	fixture_init(&f);
	fixture_path(&f, DB_LOCK_FILE, path);
	for (i = 0; i < 3; i++) {
		fds[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_true(fds[i] >= 0);
	}
	/* Writers together; the checkpointer not while one is inside. */
	assert_int_equal(gate_enter(fds[0], 0, true), 0);
	assert_int_equal(gate_enter(fds[1], 0, true), 0);
	assert_int_equal(gate_shut(fds[2], 300), ERR_BUSY);
	gate_leave(fds[0]);
	assert_int_equal(gate_shut(fds[2], 300), ERR_BUSY);
	gate_leave(fds[1]);
	assert_int_equal(gate_shut(fds[2], 300), 0);
	assert_int_equal(gate_enter(fds[0], 300, true), ERR_BUSY);
	assert_int_equal(gate_shut(fds[1], 300), ERR_BUSY);
	gate_open(fds[2]);
	assert_int_equal(gate_enter(fds[0], 0, true), 0);
	/* A descriptor that is closed lets go of everything. */
	fd_close(&fds[0]);
	assert_int_equal(gate_shut(fds[2], 300), 0);
	fd_close(&fds[2]);
	assert_int_equal(gate_enter(fds[1], 0, true), 0);
	gate_leave(fds[1]);
	fd_close(&fds[1]);
	assert_int_equal(gate_enter(-1, 0, true), -EBADF);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_folder_is_private),
		cmocka_unit_test(a_folder_others_may_write_to_is_refused),
		cmocka_unit_test(folders_that_cannot_be),
		cmocka_unit_test(a_link_to_the_folder_is_followed),
		cmocka_unit_test(remote_file_systems),
		cmocka_unit_test(a_sound_file_is_kept),
		cmocka_unit_test(computations_of_former_runs_are_dropped),
		cmocka_unit_test(a_file_in_use_is_left_alone),
		cmocka_unit_test(a_file_closed_as_complete_is_used_again),
		cmocka_unit_test(an_unprepared_folder_does_not_open),
		cmocka_unit_test(what_is_foreign_or_from_another_boot),
		cmocka_unit_test(what_is_damaged),
		cmocka_unit_test(an_empty_file_and_a_stale_log),
		cmocka_unit_test(no_rights_set_nothing_aside),
		cmocka_unit_test(two_prepare_at_once),
		cmocka_unit_test(the_gate_keeps_them_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
