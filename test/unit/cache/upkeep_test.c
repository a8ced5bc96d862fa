/* SPDX-License-Identifier: MIT */

/*
 * The keeper's work, called directly: copying the log, pruning, handing on.
 * What becomes of values is in evict_test.c.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/flight.h"
#include "cache/handon.h"
#include "cache/plain.h"
#include "cache/store.h"
#include "cache/upkeep.h"
#include "server/base/clock.h"

static void
rows_nobody_needs_are_pruned(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	int i;

	upkeep_init(&upkeep);
	fixture_store(f->a, 1, "stays", -1);
	fixture_store(f->a, 2, "gone", -1);
	fixture_store(f->a, 3, "expired", -1);
	fixture_store(f->a, 4, "a day old", -1);
	for (i = 5; i <= 7; i++) {
		assert_int_equal(fixture_ask(f->a, i, &claim), CACHE_OWNED);
		if (i < 7)
			assert_int_equal(cache_fail(f->a, &claim, "x", 60000),
			    0);
	}
	assert_int_equal(fixture_ask(f->a, 8, NULL), CACHE_WANTED_NEW);
	(void)fixture_sql(f, "DELETE FROM kv WHERE v = CAST('gone' AS BLOB)");
	(void)fixture_sql(f, "UPDATE kv SET expires = 5 WHERE v = "
			     "CAST('expired' AS BLOB)");
	(void)fixture_sql(f, "UPDATE signals SET changed_at = 5 WHERE "
			     "arguments IN (x'04000000', x'06000000', "
			     "x'07000000', x'08000000')");
	assert_int_equal(upkeep_prune(&upkeep, keeper), 4);
	assert_int_equal(upkeep_prune(&upkeep, keeper), 0);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signals"), 4);
	assert_int_equal(fixture_state(f->a, 1), CACHE_READY);
	assert_int_equal(fixture_state(f->a, 5), CACHE_FAILED);
	assert_int_equal(fixture_state(f->a, 6), -ENOENT);
	assert_int_equal(fixture_state(f->a, 7), CACHE_WAITING);
	assert_int_equal(fixture_state(f->a, 8), CACHE_WAITING);
	/* The value outlives its row. */
	assert_int_equal(fixture_state(f->a, 4), CACHE_READY);
	cache_claim_free(&claim);
	cache_close(&keeper);
}

static void
pruning_walks_all_rows(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	int gone = 0;
	int i;

	upkeep_init(&upkeep);
	(void)fixture_sql(f,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 2000) INSERT INTO signals SELECT i, zeroblob(32),"
	    " CASE WHEN i > 1300 THEN 3 ELSE 1 END, 1, 0, 0, 0, 0, 0, 0, 0, 0,"
	    " i, i, 0, 0, 0, 0, 0, 0, 0, 0, '', 'f', x'', NULL FROM n");
	for (i = 0; i < 30 && gone < 700; i++)
		gone += upkeep_prune(&upkeep, keeper);
	assert_int_equal(gone, 700);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signals"), 1300);
	cache_close(&keeper);
}

static void
rows_are_counted_by_state(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct cache_counters out;
	struct upkeep upkeep;
	int i;

	upkeep_init(&upkeep);
	/* 100 of each of the six states; what they are of no use for stays. */
	(void)fixture_sql(f,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 599) INSERT INTO signals SELECT i, zeroblob(32),"
	    " 1 + i % 6, 1, 0, 0, 0, 0, 0, 0, 0, 0,"
	    " i, 9e15, 9e15, 0, 0, 0, 0, 0, 0, 0, '', 'f', x'', NULL FROM n");
	(void)fixture_sql(f,
	    "INSERT INTO kv SELECT id, k, 0, 9e15, 0, 0, 0, 0, 0, 0, 0, 0, 0,"
	    " 0, 0, 0, x'' FROM signals WHERE state = 3 AND id > 200");
	assert_int_equal(upkeep_count_live(&upkeep, keeper), 0);
	memset(&out, 0, sizeof(out));
	upkeep_gauges(&upkeep, keeper, &out);
	assert_int_equal(out.signals[0], 100);
	assert_int_equal(out.signals[1], 100);
	assert_int_equal(out.signals[2], 0); /* not before all were seen */
	for (i = 0; i < 8; i++)
		assert_true(upkeep_prune(&upkeep, keeper) >= 0);
	upkeep_gauges(&upkeep, keeper, &out);
	assert_int_equal(out.signals[0], 100);
	assert_int_equal(out.signals[1], 100);
	assert_int_equal(out.signals[2],
	    fixture_sql(f, "SELECT count(*) FROM signals WHERE state = 3"));
	assert_true(out.signals[2] > 0 && out.signals[2] < 100);
	assert_int_equal(out.signals[3], 100);
	assert_int_equal(out.signals[4], 100);
	assert_int_equal(out.signals[5], 100);
	(void)fixture_sql(f, "DELETE FROM signals");
	assert_int_equal(upkeep_count_live(&upkeep, keeper), 0);
	for (i = 0; i < 4; i++)
		assert_true(upkeep_prune(&upkeep, keeper) >= 0);
	upkeep_gauges(&upkeep, keeper, &out);
	for (i = 0; i < 6; i++)
		assert_int_equal(out.signals[i], 0);
	cache_close(&keeper);
}

/* --- handing on -------------------------------------------------------- */

static void
a_dead_owner_is_followed(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct buf error = BUF_EMPTY;
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	unsigned count;
	int64_t left;
	int i;

	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WANTED_NEW);
	for (i = 1; i <= 3; i++) {
		assert_int_equal(cache_claim_next(f->a, &claim), 0);
		assert_int_equal(claim.attempts, i);
		assert_int_equal(cache_release_owner(keeper, 999, &count), 0);
		assert_int_equal(count, 0);
		(void)fixture_woken(f);
		assert_int_equal(cache_release_owner(keeper, 101, &count), 0);
		assert_int_equal(count, 1);
		assert_int_equal(fixture_woken(f), 0xf);
	}
	/* compute_attempts owners died on it: nobody tries for a while. */
	assert_int_equal(cache_claim_next(f->a, &claim), -ENOENT);
	assert_int_equal(cache_state(f->b, claim.key, &error), CACHE_FAILED);
	assert_string_equal(buf_cstr(&error), "its worker died 3 times");
	left = fixture_sql(f, "SELECT due_at FROM signals") - clock_boot_ms();
	assert_in_range(left, 29000, 30000);
	/* Then one more try, and one death is enough. */
	(void)fixture_sql(f, "UPDATE signals SET due_at = 0");
	assert_int_equal(fixture_ask(f->b, 1, &claim), CACHE_OWNED);
	assert_int_equal(claim.attempts, 4);
	assert_int_equal(cache_release_owner(keeper, 102, &count), 0);
	assert_int_equal(fixture_state(f->b, 1), CACHE_FAILED);
	/* A success forgets it all. */
	(void)fixture_sql(f, "UPDATE signals SET due_at = 0");
	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(fixture_sql(f, "SELECT attempts FROM signals"), 0);
	buf_free(&error);
	cache_claim_free(&claim);
	cache_close(&keeper);
}

static void
many_rows_of_one_owner(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct cache_claim claim = { .epoch = 0 };
	unsigned count;
	int i;

	for (i = 0; i < 100; i++)
		assert_int_equal(fixture_ask(f->a, i, &claim), CACHE_OWNED);
	assert_int_equal(fixture_ask(f->b, 100, &claim), CACHE_OWNED);
	assert_int_equal(cache_release_owner(keeper, 101, &count), 0);
	assert_int_equal(count, 100);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signals WHERE "
					"state = 2"),
	    1);
	cache_claim_free(&claim);
	cache_close(&keeper);
}

static void
a_lease_that_ran_out(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	unsigned count;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_ask(f->b, 2, &claim), CACHE_OWNED);
	assert_int_equal(handon_late(keeper, &count), 0);
	assert_int_equal(count, 0);
	(void)fixture_sql(f, "UPDATE signals SET lease_until = 5 WHERE "
			     "owner_id = 101");
	assert_int_equal(handon_late(keeper, &count), 0);
	assert_int_equal(count, 1);
	/* Its owner lives, but late is late. */
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	assert_int_equal(claim.attempts, 2);
	cache_claim_free(&claim);
	cache_close(&keeper);
}

static void
a_process_that_does_not_exist(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	unsigned count;
	char sql[96];
	pid_t pid;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_ask(f->b, 2, &claim), CACHE_OWNED);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(0);
	fixture_wait(pid);
	(void)snprintf(sql, sizeof(sql),
	    "UPDATE signals SET owner_pid = %ld WHERE owner_id = 102",
	    (long)pid);
	(void)fixture_sql(f, sql);
	assert_int_equal(handon_vanished(keeper, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(fixture_sql(f, "SELECT owner_id FROM signals WHERE "
					"state = 2"),
	    101);
	cache_claim_free(&claim);
	cache_close(&keeper);
}

/* --- the log ----------------------------------------------------------- */

static void
a_writer_keeps_the_checkpoint_out(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;

	upkeep_init(&upkeep);
	fixture_store(f->a, 1, "v", -1);
	assert_true(upkeep_wal_changed(&upkeep, keeper));
	assert_int_equal(db_write_begin(&f->a->db), 0);
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), ERR_BUSY);
	db_write_cancel(&f->a->db);
	upkeep.copied_ms = 0;
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), 1);
	assert_false(upkeep_wal_changed(&upkeep, keeper));
	upkeep.copied_ms = 0;
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), 0);
	cache_close(&keeper);
}

static void
put_large(struct cache *cache, int n)
{
	static char data[200000];
	struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = data, .len = sizeof(data) };

	fixture_key(n, entry.key);
	assert_int_equal(cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life),
	    1);
}

/* It is long once, and then written from its beginning: what counts is what is
 * in it. */
static void
a_short_log_waits_in_a_long_file(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	uint32_t pages;
	int copies = 0;
	int i;

	upkeep_init(&upkeep);
	for (i = 0; i < 130; i++)
		put_large(f->a, i);
	assert_true(db_log_pages(&keeper->db, &pages));
	assert_in_range(pages, 1200, 2500);
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), 1);
	/* Less than a second later, and few pages. */
	for (i = 0; i < 20; i++) {
		fixture_store(f->a, 500 + i, "v", -1);
		assert_true(upkeep_wal_changed(&upkeep, keeper));
		upkeep.copied_ms = clock_boot_ms();
		assert_int_equal(upkeep_checkpoint(&upkeep, keeper), 0);
	}
	assert_true(db_wal_bytes(&keeper->db) >= SCHEMA_WAL_BYTES(1200));
	assert_true(db_log_pages(&keeper->db, &pages));
	assert_in_range(pages, 20, 590);
	/* As many as that are copied at once. */
	for (i = 0; i < 400 && copies == 0; i++) {
		put_large(f->a, i);
		upkeep.copied_ms = clock_boot_ms();
		copies = upkeep_checkpoint(&upkeep, keeper);
	}
	assert_int_equal(copies, 1);
	assert_in_range(i, 5, 60); /* 14 pages each */
	upkeep.copied_ms = 0;
	fixture_store(f->a, 600, "v", -1);
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), 1);
	cache_close(&keeper);
	fixture_check_integrity(f);
}

/* The file can only be begun anew when all of it is copied: what a reader has
 * kept from that is not put off. */
static void
a_rest_is_copied_when_the_reader_has_gone(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	uint32_t pages;
	int i;

	upkeep_init(&upkeep);
	for (i = 0; i < 130; i++)
		put_large(f->a, i);
	assert_int_equal(cache_read_begin(f->b), 0);
	assert_int_equal(fixture_lookup(f->b, 1000, "v"), CACHE_MISS);
	fixture_store(f->a, 2000, "v", -1);
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), ERR_BUSY);
	assert_in_range(upkeep.wal_unmoved, 1, SCHEMA_WAL_BYTES(100));
	cache_read_end(f->b);
	upkeep.copied_ms = clock_boot_ms();
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), 1);
	/* All is copied, but one who reads in the log keeps it from its front.
	 */
	assert_int_equal(cache_read_begin(f->b), 0);
	assert_int_equal(fixture_lookup(f->b, 1000, "v"), CACHE_MISS);
	for (i = 0; i < 3; i++) {
		put_large(f->a, 200 + i);
		upkeep.copied_ms = clock_boot_ms();
		(void)upkeep_checkpoint(&upkeep, keeper);
		cache_read_end(f->b);
		assert_int_equal(cache_read_begin(f->b), 0);
		assert_int_equal(fixture_lookup(f->b, 1000, "v"), CACHE_MISS);
	}
	cache_read_end(f->b);
	upkeep.copied_ms = clock_boot_ms();
	(void)upkeep_checkpoint(&upkeep, keeper);
	fixture_store(f->a, 2001, "v", -1);
	assert_true(db_log_pages(&keeper->db, &pages));
	assert_in_range(pages, 1, 100); /* it was begun again */
	cache_close(&keeper);
	fixture_check_integrity(f);
}

static void
the_log_does_not_grow_without_bound(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	char *data = calloc(1, 200000);
	int64_t longest = 0;
	int64_t size;
	int i;

	assert_non_null(data);
	upkeep_init(&upkeep);
	/* 400 x 200 KB: 80 MB of values. */
	for (i = 0; i < 400; i++) {
		memcpy(data, &i, sizeof(i));
		assert_int_equal(fixture_ask(f->a, i, &claim), CACHE_OWNED);
		assert_int_equal(cache_publish(f->a, &claim, CACHE_FORMAT_VALUE,
				     data, 200000, -1),
		    0);
		if (i % 10 == 0)
			assert_true(upkeep_checkpoint(&upkeep, keeper) >= 0);
		size = db_wal_bytes(&keeper->db);
		if (size > longest)
			longest = size;
	}
	assert_in_range(longest, 1, 32 << 20);
	cache_claim_free(&claim);
	cache_close(&keeper);
	free(data);
}

/*
 * A reader that stays lets the log grow, but not without end: writing stops
 * for a moment. Afterwards it is truncated, and writing goes on by itself.
 */
static void
a_very_long_log_is_truncated(void **state)
{
	struct cache_claim late = { .epoch = 0 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct cache_counters told = { .hits = 0 };
	struct upkeep upkeep;
	char *data = calloc(1, 1000000);
	int64_t from;
	int rc = 0;
	int i;

	assert_non_null(data);
	upkeep_init(&upkeep);
	f->a->db.write_us = 20000;
	assert_int_equal(cache_read_begin(f->b), 0);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
	assert_int_equal(fixture_ask(f->a, 500, &late), CACHE_OWNED);
	for (i = 0; i < 200 && rc >= 0; i++) {
		memcpy(data, &i, sizeof(i));
		rc = fixture_ask(f->a, i, &claim);
		if (rc == CACHE_OWNED)
			rc = cache_publish(f->a, &claim, CACHE_FORMAT_VALUE,
			    data, 1000000, -1);
	}
	assert_true(rc == ERR_FULL || rc == ERR_STORE);
	assert_in_range(db_wal_bytes(&keeper->db), 64 << 20, 66 << 20);
	/* Reading goes on, also for others than the one in the way. */
	memcpy(data, &(int){ 33 }, sizeof(i));
	assert_int_equal(fixture_state(f->a, 33), CACHE_READY);
	assert_int_equal(fixture_publish(f->a, &late, "v", -1), ERR_FULL);
	/* One long wait is enough, as long as nothing changes. */
	f->a->db.write_us = 400000;
	f->a->db.paused_to = 1;
	from = clock_mono_us();
	assert_int_equal(fixture_publish(f->a, &late, "v", -1), ERR_FULL);
	assert_true(clock_mono_us() - from < 200000);
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), ERR_BUSY);
	assert_true(upkeep.wal_unmoved > 0);
	assert_true(upkeep.pin.frames > 0);
	upkeep.pin.from_ms -= 2000;
	upkeep.copied_ms = 0;
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), ERR_BUSY);
	upkeep_gauges(&upkeep, keeper, &told);
	assert_in_range(told.pinned_ms, 2000, 100000);
	assert_int_equal(told.pinned_frames, upkeep.pin.frames);
	assert_int_equal(told.pinned_pid, 0); /* it is ourselves */
	cache_read_end(f->b);
	upkeep.copied_ms = 0;
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), 1);
	assert_int_equal(db_wal_bytes(&keeper->db), 0);
	assert_int_equal(upkeep.pin.frames, 0);
	assert_int_equal(upkeep.pin.from_ms, 0);
	f->a->db.paused_to = 1; /* a quarter of a second later */
	assert_int_equal(fixture_publish(f->a, &late, "v", -1), 0);
	assert_int_equal(fixture_state(f->b, 33), CACHE_READY);
	cache_claim_free(&late);
	cache_claim_free(&claim);
	cache_close(&keeper);
	fixture_check_integrity(f);
	free(data);
}

static void
a_damaged_connection_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	unsigned count;

	upkeep_init(&upkeep);
	keeper->db.latched = true;
	assert_int_equal(upkeep_checkpoint(&upkeep, keeper), ERR_STORE);
	assert_int_equal(upkeep_expire(&upkeep, keeper), ERR_STORE);
	assert_int_equal(upkeep_evict(&upkeep, keeper), ERR_STORE);
	assert_int_equal(upkeep_prune(&upkeep, keeper), ERR_STORE);
	assert_int_equal(handon_late(keeper, &count), ERR_STORE);
	assert_int_equal(handon_vanished(keeper, &count), ERR_STORE);
	cache_close(&keeper);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(rows_nobody_needs_are_pruned),
		CASE(rows_are_counted_by_state),
		CASE(pruning_walks_all_rows),
		CASE(a_dead_owner_is_followed),
		CASE(many_rows_of_one_owner),
		CASE(a_lease_that_ran_out),
		CASE(a_process_that_does_not_exist),
		CASE(a_writer_keeps_the_checkpoint_out),
		CASE(a_short_log_waits_in_a_long_file),
		CASE(a_rest_is_copied_when_the_reader_has_gone),
		CASE(the_log_does_not_grow_without_bound),
		CASE(a_very_long_log_is_truncated),
		CASE(a_damaged_connection_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
