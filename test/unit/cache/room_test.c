/* SPDX-License-Identifier: MIT */

/*
 * A disk without room: the keeper makes some, whatever the room went for, and
 * the cache stores again. On a small tmpfs of the test's own; that needs root
 * and is skipped, with a line, where it may not be mounted.
 */
#include "test/unit/cache/keeper_child.h"
#include "test/unit/cache/small_disk.h"

#include <sys/statfs.h>

#include "cache/folder.h"
#include "cache/kept.h"
#include "cache/plain.h"
#include "cache/session.h"
#include "cache/upkeep.h"

static char data[20000];

static int
put(struct cache *cache, int n)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = data, .len = sizeof(data) };

	fixture_key(n, entry.key);
	memset(data, 'a' + n % 26, sizeof(data));
	memcpy(data, &n, sizeof(n));
	return cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life);
}

/* Is the value of n there? When it is, it is the right one. */
static bool
has(struct cache *cache, int n)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	fixture_key(n, key);
	rc = cache_lookup(cache, key, &out, &format);
	if (rc == CACHE_HIT) {
		memset(data, 'a' + n % 26, sizeof(data));
		memcpy(data, &n, sizeof(n));
		assert_int_equal(out.len, sizeof(data));
		assert_memory_equal(out.data, data, sizeof(data));
	}
	buf_free(&out);
	return rc == CACHE_HIT;
}

/* Put values, with nobody there to copy the log, until there is no room. */
static int
fill_with_log(struct fixture *f)
{
	int rc = 1;
	int n = 0;

	f->a->db.wal_stop = DB_WAL_STOP; /* as on a large disk */
	while (n < 10000 && (rc = put(f->a, n)) != ERR_FULL) {
		assert_int_equal(rc, 1);
		n++;
	}
	assert_int_equal(rc, ERR_FULL);
	print_message("%d values, log of %lld bytes\n", n,
	    (long long)db_wal_bytes(&f->a->db));
	assert_true(db_wal_bytes(&f->a->db) > 10 << 20);
	return n;
}

/* Go on putting until it works again; what a worker does once a second is
 * done as well. */
static void
put_in_the_end(struct fixture *f, int n)
{
	int64_t from = clock_boot_ms();
	int64_t watched = from;
	int rc;

	while ((rc = put(f->a, n)) != 1) {
		assert_true(
		    rc == ERR_FULL || rc == ERR_BUSY || rc == ERR_STORE);
		assert_true(clock_boot_ms() - from < 20000);
		gate_nap(2000);
		if (clock_boot_ms() - watched > 200) {
			cache_watch(f->a);
			watched = clock_boot_ms();
		}
	}
	if (clock_boot_ms() - from > 100)
		print_message("stored again after %lld ms\n",
		    (long long)(clock_boot_ms() - from));
}

static void
check_that_it_goes_on(struct fixture *f, int from)
{
	int there = 0;
	int i;

	for (i = 0; i < 500; i++)
		put_in_the_end(f, from + i);
	f->b = f->b != NULL ? f->b : fixture_open(f, 2, 102);
	kept_clear();
	for (i = 0; i < 500; i++)
		there += has(f->b, from + i);
	print_message("%d of 500 values are there\n", there);
	assert_true(there > 50);
}

/*
 * The log has taken the whole disk before anybody could copy it: it cannot be
 * copied, since the database would have to grow, and nothing can be deleted,
 * since deleting is written to the log, too.
 */
static void
a_log_that_took_all_room(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture f;
	struct child child;
	int n;

	(void)state;
	if (!small_disk_mount(&f, "size=16m,mode=0700"))
		return;
	folder_take_reserve(f.dir); /* as the keeper has done */
	assert_int_equal(fixture_ask(f.a, 1000000, &claim), CACHE_OWNED);
	(void)fixture_sql(&f,
	    "INSERT INTO sessions VALUES (7, x'00', 1, 's', 1, 0, 0,"
	    " 9223372036854775807, 9223372036854775807, 0, 'me')");
	n = fill_with_log(&f);
	start(&f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	put_in_the_end(&f, n);
	assert_true(has(f.a, n));
	/* Who is logged in stays so, and what is being computed goes on. */
	assert_int_equal(
	    fixture_sql(&f, "SELECT count(*) FROM sessions WHERE id = 7"), 1);
	assert_int_equal(fixture_state(f.a, 1000000), CACHE_WAITING);
	assert_int_equal(fixture_publish(f.a, &claim, "v", -1), 0);
	assert_int_equal(fixture_lookup(f.a, 1000000, "v"), CACHE_HIT);
	check_that_it_goes_on(&f, n + 1);
	stop(&child, SIGTERM);
	cache_claim_free(&claim);
	small_disk_unmount(&f);
}

/* The same with nothing in reserve: then only a new file helps. */
static void
not_even_a_reserve(void **state)
{
	struct fixture f;
	struct child child;
	uint64_t inode;
	int n;

	(void)state;
	if (!small_disk_mount(&f, "size=16m,mode=0700"))
		return;
	inode = db_inode(f.dir);
	n = fill_with_log(&f);
	start(&f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	cache_close(&f.b);
	put_in_the_end(&f, n);
	assert_true(has(f.a, n));
	assert_int_not_equal(db_inode(f.dir), inode);
	check_that_it_goes_on(&f, n + 1);
	stop(&child, SIGTERM);
	small_disk_unmount(&f);
}

/* Take all the room that is left, as a log does that nobody bounds. */
static void
take_all(struct fixture *f)
{
	static char block[4096];
	char path[128];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/filler", f->dir);
	file = fopen(path, "ab");
	assert_non_null(file);
	(void)setvbuf(file, NULL, _IONBF, 0);
	while (fwrite(block, 1, sizeof(block), file) == sizeof(block))
		;
	(void)fclose(file);
}

static void
give_all(struct fixture *f)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/filler", f->dir);
	assert_int_equal(unlink(path), 0);
}

/* Begin a session that keeps something; its scope in *row. */
static void
begin_session(struct cache *cache, const uint8_t *id, struct session_row *row)
{
	struct session_life life = { .ends_ms = INT64_MAX, .made = true };
	struct session_entry entry = { .kind = SESSION_ENTRY,
		.name = "cart",
		.data = "mine",
		.len = 4,
		.expires_ms = INT64_MAX };

	assert_int_equal(session_touch(cache, id, &life, row), SESSION_LIVE);
	entry.scope = row->scope;
	assert_int_equal(session_put(cache, id, &entry), 1);
}

static bool
has_cart(struct cache *cache, const char *scope)
{
	struct buf out = BUF_EMPTY;
	int rc = session_get(cache, scope, SESSION_ENTRY, "cart", &out);

	buf_free(&out);
	return rc == 1;
}

/*
 * Try to make room while something else takes all there is; `n` is a value
 * to store that needs some.
 */
static void
try_in_vain(struct fixture *f, struct upkeep *upkeep, int n)
{
	int i;

	for (i = 0; i < 8; i++) {
		take_all(f);
		assert_true(put(f->a, n) < 0);
		(void)upkeep_make_room(upkeep, f->a);
	}
	take_all(f);
}

/* Sessions cannot be made anew: they stay until there is room again. */
static void
a_full_disk_ends_no_session(void **state)
{
	static const uint8_t id[SESSION_ID_LEN] = "alice";
	struct session_row row;
	struct upkeep upkeep;
	struct fixture f;
	uint64_t inode;
	int n;

	(void)state;
	if (!small_disk_mount(&f, "size=16m,mode=0700"))
		return;
	upkeep_init(&upkeep);
	begin_session(f.a, id, &row);
	inode = db_inode(f.dir);
	n = fill_with_log(&f); /* nothing is in reserve */
	try_in_vain(&f, &upkeep, n);
	assert_int_equal(db_inode(f.dir), inode);
	assert_true(has_cart(f.a, row.scope));
	assert_int_equal(session_find(f.a, id, 0, &row), SESSION_LIVE);
	/* A larger disk: then all is as it was. */
	give_all(&f);
	assert_int_equal(
	    mount("tmpfs", f.dir, NULL, MS_REMOUNT, "size=64m,mode=0700"), 0);
	assert_true(upkeep_make_room(&upkeep, f.a) >= 0);
	assert_int_equal(put(f.a, n), 1);
	assert_true(has_cart(f.a, row.scope));
	small_disk_unmount(&f);
}

/* Writers hold back because of its length: making room makes it shorter. */
static void
a_log_that_is_too_long_is_cut(void **state)
{
	struct upkeep upkeep;
	struct fixture f;
	int64_t most;
	int i;

	(void)state;
	if (!small_disk_mount(&f, "size=64m,mode=0700"))
		return;
	upkeep_init(&upkeep);
	most = SCHEMA_WAL_BYTES(f.a->db.wal_stop);
	f.a->db.wal_stop = DB_WAL_STOP; /* as on a large disk */
	for (i = 0; i < 1000 && db_wal_bytes(&f.a->db) <= most; i++)
		assert_int_equal(put(f.a, i), 1);
	assert_true(db_wal_bytes(&f.a->db) > most);
	f.b = fixture_open(&f, 2, 102);
	assert_true(upkeep_make_room(&upkeep, f.b) >= 0);
	(void)upkeep_checkpoint(&upkeep, f.b);
	assert_true(db_wal_bytes(&f.b->db) < most);
	assert_int_equal(put(f.b, i), 1);
	small_disk_unmount(&f);
}

/* With a keeper from the start, the disk is never full for long. */
static void
a_small_disk_is_enough(void **state)
{
	struct fixture f;
	struct child child;
	struct statfs fs;
	uint64_t inode;
	int refused = 0;
	int last = 0;
	int i;

	(void)state;
	if (!small_disk_mount(&f, "size=24m,mode=0700"))
		return;
	inode = db_inode(f.dir);
	start(&f, &child);
	assert_int_equal(next_status(&child, NULL), HANDOFF_READY);
	for (i = 0; i < 2500; i++) {
		if (put(f.a, i) == 1) {
			last = i;
			continue;
		}
		refused++;
		gate_nap(1000);
	}
	assert_int_equal(statfs(f.dir, &fs), 0);
	print_message("%d of 2500 values refused, %lld KiB free\n", refused,
	    (long long)fs.f_bavail * (long long)fs.f_bsize / 1024);
	put_in_the_end(&f, i);
	assert_true(has(f.a, i));
	assert_true(last > 0);
	assert_int_equal(db_inode(f.dir), inode);
	stop(&child, SIGTERM);
	small_disk_unmount(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_took_all_room),
		cmocka_unit_test(not_even_a_reserve),
		cmocka_unit_test(a_full_disk_ends_no_session),
		cmocka_unit_test(a_log_that_is_too_long_is_cut),
		cmocka_unit_test(a_small_disk_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
