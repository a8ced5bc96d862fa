/* SPDX-License-Identifier: MIT */

/*
 * What the machine may do to the cache, with the real thing where a test can
 * have it: a file system without room, a folder that may not be written,
 * somebody else's folder, a wal-index that was cut short under its readers,
 * checksums that do not match. What needs root says so and is skipped else.
 */
#include "test/unit/cache/small_disk.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "cache/cache_int.h"
#include "cache/kept.h"
#include "cache/mark.h"
#include "cache/plain.h"
#include "server/base/clock.h"

#define NOBODY 65534

static bool
is_root(void)
{
	if (geteuid() == 0)
		return true;
	print_message("skipped: it needs root\n");
	return false;
}

static int
put(struct cache *cache, int n, const char *data, size_t len)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = data, .len = len };

	fixture_key(n, entry.key);
	return cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life);
}

static char data[20000];

/* Put values until there is no room. How many there are. */
static int
fill_up(struct fixture *f, int most)
{
	int rc = 1;
	int n = 0;

	memset(data, 'x', sizeof(data));
	while (
	    n < most && (rc = put(f->a, n, data, sizeof(data))) != ERR_FULL) {
		assert_true(rc == 1 || rc == ERR_BUSY || rc == ERR_STORE);
		n += rc == 1;
	}
	print_message("%d values of 20 KB, then %d\n", n, rc);
	assert_int_equal(rc, ERR_FULL);
	return n;
}

/* Two MiB, and nobody who makes room: what is there can be read. */
static void
a_file_system_without_room(void **state)
{
	struct fixture f;
	int n;
	int i;

	(void)state;
	if (!small_disk_mount(&f, "size=2m,mode=0700"))
		return;
	n = fill_up(&f, 1000);
	assert_true(n > 0);
	/* A process that comes now can read, too. */
	f.b = fixture_open(&f, 2, 102);
	kept_clear();
	for (i = 0; i < n; i++) {
		assert_int_equal(fixture_state(f.a, i), CACHE_READY);
		assert_int_equal(fixture_state(f.b, i), CACHE_READY);
	}
	assert_int_equal(fixture_state(f.b, n), -ENOENT);
	assert_false(mark_is_set(f.dir));
	small_disk_unmount(&f);
}

/* In a child that is nobody. */
static void
as_nobody(const struct fixture *f)
{
	struct cache_peer peer = { .slot = 1, .worker_id = 101 };
	struct buf why = BUF_EMPTY;
	struct cache *cache = NULL;

	assert_int_equal(setgid(NOBODY), 0);
	assert_int_equal(setuid(NOBODY), 0);
	assert_true(cache_prepare(&f->options, &why) < 0);
	assert_true(why.len > 0);
	/* A worker serves all the same, and computes. */
	assert_int_equal(cache_open_patient(&cache, &f->options, &peer), 0);
	assert_int_equal(fixture_lookup(cache, 1, ""), ERR_STORE);
	assert_int_equal(put(cache, 1, "x", 1), ERR_STORE);
	assert_int_equal(fixture_ask(cache, 1, NULL), ERR_STORE);
	cache_watch(cache);
	assert_int_equal(fixture_lookup(cache, 1, ""), ERR_STORE);
	cache_close(&cache);
	buf_free(&why);
	_exit(0);
}

static void
a_folder_that_may_not_be_written(void **state)
{
	static const char *const names[] = { "cache-v1.db", "checkpoint.lock" };
	struct fixture f;
	char path[128];
	pid_t pid;
	size_t i;

	(void)state;
	if (!is_root())
		return;
	fixture_init(&f);
	assert_int_equal(fixture_prepare(&f), 0);
	for (i = 0; i < 2; i++) {
		fixture_path(&f, names[i], path);
		assert_int_equal(chown(path, NOBODY, NOBODY), 0);
		assert_int_equal(chmod(path, 0400), 0);
	}
	assert_int_equal(chown(f.dir, NOBODY, NOBODY), 0);
	assert_int_equal(chmod(f.dir, 0500), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		as_nobody(&f);
	fixture_wait(pid);
	/* Nothing was set aside, and it is whole. */
	fixture_check_integrity(&f);
	fixture_fini(&f);
}

static void
somebody_elses_folder(void **state)
{
	struct buf why = BUF_EMPTY;
	struct fixture f;

	(void)state;
	if (!is_root())
		return;
	fixture_init(&f);
	assert_int_equal(chown(f.dir, 12345, 12345), 0);
	assert_int_equal(cache_prepare(&f.options, &why), -EPERM);
	assert_non_null(strstr(buf_cstr(&why), "it belongs to user 12345"));
	assert_non_null(strstr(buf_cstr(&why), f.dir));
	buf_free(&why);
	fixture_fini(&f);
}

/* Cut the wal-index short under a reader: at worst he dies, nobody else. */
static void
a_wal_index_that_was_cut_short(void **state)
{
	struct fixture *f = *state;
	char path[128];
	int ready[2];
	int go[2];
	int status;
	pid_t pid;
	char byte = 0;
	int i;

	fixture_store(f->a, 1, "v", -1);
	cache_close(&f->a);
	cache_close(&f->b);
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)signal(SIGBUS, SIG_DFL);
		f->a = fixture_open(f, 1, 101);
		(void)fixture_lookup(f->a, 1, "v");
		if (write(ready[1], &byte, 1) != 1 ||
		    read(go[0], &byte, 1) != 1)
			_exit(1);
		for (i = 0; i < 100; i++)
			(void)fixture_lookup(f->a, 1, "v");
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	fixture_path(f, "cache-v1.db-shm", path);
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(write(go[1], &byte, 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) ||
		    (WIFEXITED(status) && WEXITSTATUS(status) == 0));
	print_message("the reader %s\n",
	    WIFSIGNALED(status) ? "died of SIGBUS" : "lived");
	/* Whoever comes then makes the index anew from the log. */
	f->a = fixture_open(f, 1, 101);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	fixture_store(f->a, 2, "w", -1);
	cache_close(&f->a);
	fixture_check_integrity(f);
	for (i = 0; i < 2; i++) {
		fd_close(&ready[i]);
		fd_close(&go[i]);
	}
}

#define ROWS 40

/* A few are misses; many mean that the file is not to be trusted. */
static void
checksums_of_many_rows(void **state)
{
	struct fixture *f = *state;
	int misses = 0;
	int rc;
	int i;

	kept_set_limit(0);
	for (i = 0; i < ROWS; i++)
		fixture_store(f->a, i, "the value", -1);
	(void)fixture_sql(f, "UPDATE kv SET v = x'00' || substr(v, 2)");
	for (i = 0; i < ROWS; i++) {
		rc = fixture_lookup(f->b, i, "");
		if (rc == CACHE_MISS)
			misses++;
		else
			assert_int_equal(rc, ERR_STORE);
	}
	assert_int_equal(misses, 15);
	assert_true(mark_is_set(f->dir));
	assert_true(f->b->db.latched);
	/* The others go on until they see it, too. */
	assert_int_equal(fixture_lookup(f->a, 1, ""), CACHE_MISS);
}

static int64_t
time_of_ask(struct fixture *f, unsigned number, int outcome)
{
	int64_t from = clock_mono_us();

	assert_int_equal(fixture_ask(f->a, number, NULL), outcome);
	return clock_mono_us() - from;
}

/* Another program's, or that of a process that hangs. */
static void
a_lock_that_stays_is_waited_for_by_one_at_a_time(void **state)
{
	struct fixture *f = *state;
	int64_t until = clock_mono_us() + 20000000;
	int64_t sum = 0;
	unsigned i;

	assert_int_equal(db_write_begin(&f->b->db), 0);
	assert_int_equal(cache_locked_ms(), 0);
	assert_true(time_of_ask(f, 1, ERR_BUSY) >= 240000);
	assert_true(cache_locked_ms() > 0);
	for (i = 2; i < 52; i++)
		sum += time_of_ask(f, i, ERR_BUSY);
	print_message("50 questions: %lld us\n", (long long)sum);
	assert_true(sum < 5000000); /* it was 12.5 s */
	while (time_of_ask(f, 1, ERR_BUSY) < 200000)
		assert_true(clock_mono_us() < until); /* one waits again */
	db_write_cancel(&f->b->db);
	(void)time_of_ask(f, 1, CACHE_WANTED_NEW);
	assert_int_equal(cache_locked_ms(), 0);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_system_without_room),
		cmocka_unit_test(a_folder_that_may_not_be_written),
		cmocka_unit_test(somebody_elses_folder),
		CASE(a_wal_index_that_was_cut_short),
		CASE(checksums_of_many_rows),
		CASE(a_lock_that_stays_is_waited_for_by_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
