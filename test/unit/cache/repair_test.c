/* SPDX-License-Identifier: MIT */

/*
 * A file that is damaged or lost while others use it: the keeper puts a new
 * one in its place, once, and only for a reason that holds.
 */
#include "test/unit/cache/keeper_child.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "cache/mark.h"
#include "cache/plain.h"

static unsigned
count_aside(const struct fixture *f)
{
	struct dirent *entry;
	DIR *stream = opendir(f->dir);
	unsigned count = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL)
		count += strstr(entry->d_name, ".db.corrupt-") != NULL &&
			 strstr(entry->d_name, "-wal") == NULL &&
			 strstr(entry->d_name, "-shm") == NULL;
	(void)closedir(stream);
	return count;
}

/* No connection of this process may be open. */
static void
spoil(const struct fixture *f)
{
	static const char junk[16384] = "junk";
	char path[128];
	int fd;

	fixture_path(f, "cache-v1.db", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
	assert_int_equal(fsync(fd), 0);
	fd_close(&fd);
	fixture_path(f, "cache-v1.db-wal", path);
	(void)unlink(path);
	fixture_path(f, "cache-v1.db-shm", path);
	(void)unlink(path);
}

static void
wait_for_aside(const struct fixture *f, unsigned want)
{
	int64_t until = clock_boot_ms() + DEADLINE_MS;

	while (count_aside(f) != want) {
		assert_true(clock_boot_ms() < until);
		gate_nap(2000);
	}
}

static void
wait_for_no_mark(const struct fixture *f)
{
	int64_t until = clock_boot_ms() + DEADLINE_MS;
	char path[128];

	fixture_path(f, DB_DAMAGE_FILE, path);
	while (access(path, F_OK) == 0) {
		assert_true(clock_boot_ms() < until);
		gate_nap(2000);
	}
}

/* Until the keeper has looked twice, that is, has had time to do more. */
static void
wait_for_beats(struct child *child)
{
	int64_t until = clock_boot_ms() + 2500;

	while (clock_boot_ms() < until)
		(void)next_status(child, NULL);
}

static void
a_keeper_starts_on_a_damaged_file(void **state)
{
	struct fixture *f = *state;
	struct child child;

	fixture_store(f->a, 1, "v", -1);
	cache_close(&f->a);
	cache_close(&f->b);
	spoil(f);
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	assert_int_equal(count_aside(f), 1);
	f->a = fixture_open(f, 1, 101);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_MISS);
	fixture_store(f->a, 1, "new", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "new"), CACHE_HIT);
	fixture_check_integrity(f);
	stop(&child, SIGTERM);
}

/* Somebody who had the old file open meets its damage when it is gone. */
static void
a_late_report_is_about_the_old_file(void **state)
{
	struct fixture *f = *state;
	uint64_t inode = db_inode(f->dir);
	struct child child;

	fixture_store(f->a, 1, "v", -1);
	mark_set(f->dir, inode + 1); /* nobody has that one open */
	assert_false(mark_is_set(f->dir));
	f->a->db.inode = inode + 1;
	assert_int_equal(db_failed(&f->a->db, SQLITE_CORRUPT, "test"),
	    ERR_CORRUPT);
	assert_false(mark_is_set(f->dir));

	/* And when the file was replaced just after he had looked. */
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	mark_set(f->dir, 0);
	assert_true(mark_is_set(f->dir));
	wait_for_no_mark(f); /* sound, so it was not confirmed */
	assert_int_equal(db_inode(f->dir), inode);
	mark_set(f->dir, 0);
	wait_for_aside(f, 1); /* but met again, within a minute */
	assert_int_not_equal(db_inode(f->dir), inode);
	stop(&child, SIGTERM);
}

static void
write_mark(const struct fixture *f, uint64_t inode)
{
	char path[128];
	FILE *file;

	fixture_path(f, DB_DAMAGE_FILE, path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fprintf(file, "%llu\n", (unsigned long long)inode) > 0);
	assert_int_equal(fclose(file), 0);
}

static void
a_mark_of_another_file_means_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t inode = db_inode(f->dir);
	struct child child;
	int i;

	fixture_store(f->a, 1, "v", -1);
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	for (i = 0; i < 3; i++) {
		write_mark(f, inode + 7);
		assert_false(mark_is_set(f->dir));
		wait_for_no_mark(f);
	}
	wait_for_beats(&child);
	assert_int_equal(db_inode(f->dir), inode);
	assert_int_equal(count_aside(f), 0);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	stop(&child, SIGTERM);

	/* The next start thinks the same. */
	cache_close(&f->a);
	cache_close(&f->b);
	write_mark(f, inode + 7);
	assert_int_equal(fixture_prepare(f), 0);
	assert_int_equal(count_aside(f), 0);
	write_mark(f, inode);
	assert_int_equal(fixture_prepare(f), 0);
	assert_int_equal(count_aside(f), 1);
}

static void
a_lost_file_is_made_anew_once(void **state)
{
	struct fixture *f = *state;
	int64_t until = clock_boot_ms() + DEADLINE_MS;
	struct child child;
	uint64_t inode;
	char path[128];

	fixture_store(f->a, 1, "v", -1);
	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	fixture_path(f, "cache-v1.db", path);
	assert_int_equal(unlink(path), 0);
	while ((inode = db_inode(f->dir)) == 0) {
		assert_true(clock_boot_ms() < until);
		gate_nap(2000);
	}
	/* Whoever has the lost one open says what he likes. */
	assert_int_equal(db_failed(&f->a->db, SQLITE_CORRUPT, "test"),
	    ERR_CORRUPT);
	wait_for_beats(&child);
	assert_int_equal(db_inode(f->dir), inode);
	assert_int_equal(count_aside(f), 0);
	cache_watch(f->b);
	assert_int_equal(fixture_lookup(f->b, 1, "v"), CACHE_MISS);
	fixture_store(f->b, 1, "w", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "w"), CACHE_HIT);
	stop(&child, SIGTERM);
}

static int
put(struct cache *cache, int n)
{
	struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = "v", .len = 1 };

	fixture_key(n, entry.key);
	return cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life);
}

/* What is in the file that a connection has open. */
static int64_t
count_open(struct cache *cache)
{
	int64_t count = -1;

	assert_int_equal(
	    db_number(&cache->db, "SELECT count(*) FROM kv", &count), 0);
	return count;
}

/* From the moment it is lost, whether or not somebody has noticed. */
static void
nothing_is_stored_into_a_lost_file(void **state)
{
	struct fixture *f = *state;
	struct cache_counters before;
	struct cache_counters now;
	struct child child;
	char path[128];
	char away[140];
	int64_t from;

	fixture_store(f->a, 1, "v", -1);
	fixture_path(f, "cache-v1.db", path);
	(void)snprintf(away, sizeof(away), "%s.away", path);
	assert_int_equal(rename(path, away), 0);
	counts_sum(&before);
	assert_int_equal(put(f->a, 2), ERR_STORE);
	assert_int_equal(count_open(f->b), 1);
	counts_sum(&now);
	assert_int_equal(now.errors - before.errors, 1);
	assert_int_equal(now.store_failures - before.store_failures, 1);
	/* Nobody came; he does not wait again at once. */
	from = clock_mono_us();
	assert_int_equal(put(f->a, 3), ERR_STORE);
	assert_in_range(clock_mono_us() - from, 0, 200000);
	assert_int_equal(count_open(f->b), 1);
	/* What is there can be read as long as there is nothing else. */
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	/* It comes back: no other one is wanted. */
	assert_int_equal(rename(away, path), 0);
	f->a->db.paused_to = 0;
	assert_int_equal(put(f->a, 4), 1);
	assert_int_equal(count_open(f->b), 2);

	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	assert_int_equal(rename(path, away), 0);
	/* The keeper's new one is waited for, and all go over to it. */
	assert_int_equal(put(f->a, 5), 1);
	assert_int_equal(put(f->b, 6), 1);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM kv"), 2);
	stop(&child, SIGTERM);
}

static void
send_death(struct child *child, int sig)
{
	struct handoff_note note = { .worker_id = 1, .sig = sig };

	assert_int_equal(fd_write_full(child->notes, &note, sizeof(note)), 0);
}

/* SIGBUS is what a wal-index gives that cannot be had. */
static void
two_deaths_by_sigbus_are_damage(void **state)
{
	struct fixture *f = *state;
	uint64_t inode = db_inode(f->dir);
	struct child child;

	start(f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	send_death(&child, SIGSEGV);
	send_death(&child, SIGSEGV);
	send_death(&child, SIGBUS);
	wait_for_beats(&child);
	assert_int_equal(db_inode(f->dir), inode);
	send_death(&child, SIGBUS);
	wait_for_aside(f, 1);
	wait_for_beats(&child);
	assert_int_equal(count_aside(f), 1);
	assert_int_not_equal(db_inode(f->dir), inode);
	cache_watch(f->a);
	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	stop(&child, SIGTERM);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_keeper_starts_on_a_damaged_file),
		CASE(a_late_report_is_about_the_old_file),
		CASE(a_mark_of_another_file_means_nothing),
		CASE(a_lost_file_is_made_anew_once),
		CASE(nothing_is_stored_into_a_lost_file),
		CASE(two_deaths_by_sigbus_are_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
