/* SPDX-License-Identifier: MIT */

/*
 * Which values go, and that what goes leaves room: expiry, bounds by number
 * and by bytes, the access clock.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>
#include <sys/stat.h>

#include "cache/cache_int.h"
#include "cache/gate.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "cache/store.h"
#include "cache/upkeep.h"
#include "cache/uses.h"
#include "server/base/clock.h"

/* Write `count` values past the cache; `sql` gives used and expires. */
static void
fill(struct fixture *f, unsigned count, const char *used, const char *expires)
{
	char sql[640];

	(void)snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %u) INSERT OR REPLACE INTO kv SELECT i, zeroblob(32),"
	    " 1, %s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 10, 0, zeroblob(10) FROM n",
	    count, expires);
	(void)fixture_sql(f, sql);
	(void)snprintf(sql, sizeof(sql),
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < %u) INSERT OR REPLACE INTO uses SELECT i, %s, %s"
	    " FROM n",
	    count, used, expires);
	(void)fixture_sql(f, sql);
}

static int64_t
count_values(struct fixture *f)
{
	int64_t values = fixture_sql(f, "SELECT count(*) FROM kv");

	/* Each value has its narrow row, and the other way round. */
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM uses"), values);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM kv JOIN uses "
					"USING (id)"),
	    values);
	return values;
}

static void
expired_values_go_in_steps(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	int64_t before = 1000;
	int steps = 0;
	int rc;

	upkeep_init(&upkeep);
	fill(f, 1000, "i",
	    "CASE WHEN i % 2 THEN 5 ELSE 9223372036854775807 END");
	while ((rc = upkeep_expire(&upkeep, keeper)) > 0) {
		assert_in_range(rc, 1, UPKEEP_STEP);
		assert_int_equal(count_values(f), before - rc);
		before -= rc;
		steps++;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(count_values(f), 500);
	assert_true(steps >= 3);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM kv WHERE "
					"expires = 5"),
	    0);
	cache_close(&keeper);
}

/* More values than one step looks at. */
static void
the_walk_reaches_the_end_and_starts_again(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	int gone = 0;
	int i;

	upkeep_init(&upkeep);
	fill(f, 12000, "1",
	    "CASE WHEN i > 11990 THEN 5 ELSE 9223372036854775807 END");
	for (i = 0; i < 20 && gone < 10; i++)
		gone += upkeep_expire(&upkeep, keeper);
	assert_int_equal(gone, 10);
	/* An expired one at the beginning is found on the next round. */
	(void)fixture_sql(f, "UPDATE kv SET expires = 5 WHERE id = 1");
	(void)fixture_sql(f, "UPDATE uses SET expires = 5 WHERE id = 1");
	for (i = 0; i < 20 && gone < 11; i++)
		gone += upkeep_expire(&upkeep, keeper);
	assert_int_equal(gone, 11);
	cache_close(&keeper);
}

static int
evict_all(struct upkeep *upkeep, struct cache *keeper)
{
	int gone = 0;
	int none = 0;
	int rc;

	/* A step has a time, too: a pinned row may use all of it up. */
	while (none < 10) {
		upkeep->count_at_us = 0;
		rc = upkeep_evict(upkeep, keeper);
		assert_in_range(rc, 0, UPKEEP_STEP);
		none = rc == 0 ? none + 1 : 0;
		gone += rc;
	}
	return gone;
}

static void
those_used_longest_ago_go_first(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	char sql[96];
	int i;

	upkeep_init(&upkeep);
	keeper->threshold = 3000;
	/* Numbers that are neighbours were used at quite different times. */
	fill(f, 4000, "i * 7919 % 4001", "9223372036854775807");
	for (i = 0; i < 2; i++) {
		(void)snprintf(sql, sizeof(sql), "UPDATE %s SET id = id * %lld",
		    i == 0 ? "kv" : "uses", (long long)(INT64_MAX / 4001));
		(void)fixture_sql(f, sql);
	}
	assert_int_equal(evict_all(&upkeep, keeper), 1000);
	assert_int_equal(count_values(f), 3000);
	/* Of the quarter used last none is missing, of the oldest most. */
	assert_in_range(fixture_sql(f, "SELECT count(*) FROM uses WHERE used "
				       "> 3000"),
	    990, 1001);
	assert_in_range(fixture_sql(f, "SELECT count(*) FROM uses WHERE used "
				       "<= 500"),
	    0, 100);
	keeper->threshold = 0; /* no bound */
	assert_int_equal(evict_all(&upkeep, keeper), 0);
	cache_close(&keeper);
}

static void
set_used(struct fixture *f, const char *text, int64_t used)
{
	char sql[160];

	(void)snprintf(sql, sizeof(sql),
	    "UPDATE uses SET used = %lld WHERE id = (SELECT id FROM kv WHERE v "
	    "= CAST('%s' AS BLOB))",
	    (long long)used, text);
	(void)fixture_sql(f, sql);
}

/* What is computed, waited for, or was published just now, stays. */
static void
what_is_on_its_way_is_pinned(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	int64_t now = store_use(cache_now_ms());
	struct cache_question question = { .function = "f" };
	uint8_t key[CACHE_KEY_LEN];
	struct upkeep upkeep;
	int n = 1;

	upkeep_init(&upkeep);
	keeper->threshold = 2;
	fixture_store(f->a, 1, "computed", -1);
	fixture_store(f->a, 2, "old", -1);
	fixture_store(f->a, 3, "new", -1);
	set_used(f, "computed", 5);
	set_used(f, "old", 6);
	set_used(f, "new", now + 100);
	/* The oldest of all is being made anew. */
	fixture_key(1, key);
	question.key = key;
	question.arguments = &n;
	question.arguments_len = sizeof(n);
	question.since_ms = cache_now_ms() + 1000;
	assert_int_equal(cache_ask_for(f->a, &question, &claim, NULL),
	    CACHE_OWNED);
	keeper->threshold = 1;
	assert_int_equal(evict_all(&upkeep, keeper), 1);
	assert_int_equal(fixture_lookup(f->b, 2, ""), CACHE_MISS);
	assert_int_equal(fixture_lookup(f->b, 3, "new"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->b, 1, "computed"), CACHE_HIT);
	/* Published: it is the newest now, and two are not far too many. */
	assert_int_equal(fixture_publish(f->a, &claim, "again", -1), 0);
	assert_int_equal(evict_all(&upkeep, keeper), 0);
	/* Made just now counts, too, whatever its use says. */
	set_used(f, "again", now - 6000);
	assert_int_equal(evict_all(&upkeep, keeper), 0);
	(void)fixture_sql(f, "UPDATE kv SET created = created - 60000"
			     " WHERE v = CAST('again' AS BLOB)");
	assert_int_equal(evict_all(&upkeep, keeper), 1);
	assert_int_equal(fixture_lookup(f->b, 3, "new"), CACHE_HIT);
	cache_claim_free(&claim);
	cache_close(&keeper);
}

/* Entries whose bytes are `data`, names from n on; used in that second. */
static void
put_many(struct fixture *f, int n, int count, const char *data, size_t len)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = data, .len = len };
	int i;

	for (i = n; i < n + count; i++) {
		fixture_key(i, entry.key);
		assert_int_equal(
		    cache_put(f->a, &entry, 1, CACHE_PUT_ALWAYS, &life), 1);
	}
}

static int64_t
count_integers(struct fixture *f)
{
	return fixture_sql(f, "SELECT count(*) FROM kv WHERE len = 9");
}

/* What nobody could make anew makes room last, however long ago it was used. */
static void
counters_go_last(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct cache_life life = { .fresh_ms = -1 };
	struct upkeep upkeep;
	uint8_t key[CACHE_KEY_LEN];
	int64_t sum;
	int i;

	upkeep_init(&upkeep);
	for (i = 0; i < 80; i++) {
		fixture_key(i, key);
		assert_int_equal(cache_add_to(f->a, key, i + 1, &sum), 0);
	}
	/* Set, not counted up; and one of them touched. */
	put_many(f, 80, 20, "\4\1\0\0\0\0\0\0\0", 9);
	fixture_key(80, key);
	assert_int_equal(cache_touch(f->a, key, &life), 1);
	put_many(f, 100, 300, "value", 5);
	/* The counters longest ago; nothing in the last seconds. */
	(void)fixture_sql(f,
	    "UPDATE uses SET used = used - 100000 + 90000 * (id IN"
	    " (SELECT id FROM kv WHERE len <> 9))");
	(void)fixture_sql(f, "UPDATE kv SET created = created - 100000");
	keeper->threshold = 200;
	assert_int_equal(evict_all(&upkeep, keeper), 200);
	/* As their checksums say. */
	(void)fixture_sql(f, "UPDATE kv SET created = created + 100000");
	assert_int_equal(count_integers(f), 100);
	/* A use does not make it an ordinary one. */
	assert_int_equal(cache_add_to(f->a, key, 1, &sum), 0);
	assert_int_equal(sum, 2);
	assert_int_equal(
	    fixture_sql(f, "SELECT count(*) FROM uses WHERE used > 1 << 40"),
	    100);
	/* What takes its place is one. */
	put_many(f, 80, 1, "value", 5);
	assert_int_equal(
	    fixture_sql(f, "SELECT count(*) FROM uses WHERE used > 1 << 40"),
	    99);
	cache_close(&keeper);
}

/* But the bounds hold, and then the order among them does, too. */
static void
too_many_counters_make_room(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	uint8_t key[CACHE_KEY_LEN];
	int64_t sum;
	int i;

	upkeep_init(&upkeep);
	for (i = 0; i < 100; i++) {
		fixture_key(i, key);
		assert_int_equal(cache_add_to(f->a, key, 1, &sum), 0);
		if (i == 49)
			(void)fixture_sql(f,
			    "UPDATE uses SET used = used - 50000");
	}
	(void)fixture_sql(f, "UPDATE uses SET used = used - 10000");
	(void)fixture_sql(f, "UPDATE kv SET created = created - 1000000");
	keeper->threshold = 50;
	assert_int_equal(evict_all(&upkeep, keeper), 50);
	(void)fixture_sql(f, "UPDATE kv SET created = created + 1000000");
	for (i = 0; i < 100; i++) {
		fixture_key(i, key);
		assert_int_equal(cache_add_to(f->a, key, 0, &sum), 0);
		assert_int_equal(sum, i >= 50);
	}
	cache_close(&keeper);
}

static void
put_life(struct cache *cache, const struct cache_entry *entry, int64_t ms)
{
	struct cache_life life = { .fresh_ms = ms };

	assert_int_equal(cache_put(cache, entry, 1, CACHE_PUT_ALWAYS, &life),
	    1);
}

/* One plain entry of `len` bytes, like no other. */
static int
put(struct cache *cache, int n, char *data, size_t len)
{
	struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = data, .len = len };

	memcpy(data, &n, sizeof(n));
	fixture_key(n, entry.key);
	return cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life);
}

/*
 * The row of use is left alone when it says nearly the same, so that a value
 * that is written again costs the page it is on.
 */
static void
a_value_written_again_writes_one_page(void **state)
{
	static const int64_t lives[] = { -1, 300000, 3600000 };
	struct cache_entry entry = { .data = "some", .len = 4 };
	struct fixture *f = *state;
	int64_t grown = 0;
	int64_t expires;
	int64_t before;
	size_t i;
	int n;

	fixture_key(1, entry.key);
	for (i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		for (n = 0; n < 3; n++) { /* a step may end in between */
			put_life(f->a, &entry, lives[i]);
			set_used(f, "some", store_use(cache_now_ms()) - 3000);
			gate_nap(2000);
			before = db_wal_bytes(&f->a->db);
			put_life(f->a, &entry, lives[i]);
			grown = db_wal_bytes(&f->a->db) - before;
			if (grown == SCHEMA_WAL_BYTES(1))
				break;
		}
		assert_int_equal(grown, SCHEMA_WAL_BYTES(1));
		/* Looked for when it is over, or a little later. */
		expires = fixture_sql(f, "SELECT expires FROM kv");
		assert_in_range(fixture_sql(f, "SELECT expires FROM uses"),
		    expires, lives[i] < 0 ? expires : expires + lives[i] / 16);
	}
	/* A step later it is written. */
	set_used(f, "some", store_use(cache_now_ms() - uses_step_ms()) - 200);
	put_life(f->a, &entry, -1);
	assert_in_range(fixture_sql(f, "SELECT used FROM uses"),
	    store_use(cache_now_ms()) - 500, store_use(cache_now_ms()));
	/* And so it is when the clock was set back. */
	set_used(f, "some", store_use(cache_now_ms()) + 10000);
	put_life(f->a, &entry, -1);
	assert_in_range(fixture_sql(f, "SELECT used FROM uses"),
	    store_use(cache_now_ms()) - 500, store_use(cache_now_ms()));
}

static int64_t
file_bytes(const struct fixture *f)
{
	char path[128];
	struct stat st;

	fixture_path(f, "cache-v1.db", path);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* 200 MB of ever new values through a cache of 8 MB. */
static void
the_file_stays_within_its_bound(void **state)
{
	enum { BOUND = 8 << 20, LEN = 40000, VALUES = 5000 };
	struct fixture *f = *state;
	struct cache *keeper;
	struct upkeep upkeep;
	char *data = calloc(1, LEN);
	int64_t after_half = 0;
	int refused = 0;
	int rc;
	int i;

	assert_non_null(data);
	f->options.cache_max_bytes = BOUND;
	cache_close(&f->a);
	f->a = fixture_open(f, 1, 101);
	keeper = fixture_open_keeper(f);
	upkeep_init(&upkeep);
	for (i = 0; i < VALUES; i++) {
		rc = put(f->a, i, data, LEN);
		assert_true(rc == 1 || rc == ERR_FULL);
		if (rc == ERR_FULL) {
			refused++;
			f->a->db.paused_to = 1; /* do not wait for it */
		}
		if (i % 20 == 0 || rc == ERR_FULL) {
			assert_true(evict_all(&upkeep, keeper) >= 0);
			upkeep.copied_ms = 0;
			assert_true(upkeep_checkpoint(&upkeep, keeper) >= 0);
		}
		if (i == VALUES / 2)
			after_half = file_bytes(f);
	}
	assert_true(upkeep.bound_reported);
	assert_in_range(file_bytes(f), BOUND / 2,
	    BOUND + BOUND / 4 + (1 << 20));
	/* Free pages are used again. */
	assert_in_range(file_bytes(f), after_half, after_half + (1 << 20));
	assert_true(refused < VALUES / 10);
	assert_true(count_values(f) > 100);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
	cache_close(&keeper);
	fixture_check_integrity(f);
	free(data);
}

/* Without a keeper the file is bounded all the same. */
static void
nobody_evicts(void **state)
{
	struct fixture *f = *state;
	char *data = calloc(1, 100000);
	int rc = 1;
	int i;

	assert_non_null(data);
	f->options.cache_max_bytes = 2 << 20;
	cache_close(&f->a);
	f->a = fixture_open(f, 1, 101);
	for (i = 0; i < 100 && rc == 1; i++)
		rc = put(f->a, i, data, 100000);
	assert_int_equal(rc, ERR_FULL);
	assert_true(i > 15);
	/* Reading goes on, writing is not even tried for a second. */
	assert_int_equal(put(f->a, 1, data, 10), ERR_FULL);
	assert_in_range(f->a->db.pause_us, 1000000, 1000000);
	/* A value that would push out a quarter of all is not taken. */
	assert_int_equal(put(f->b, 1, data, 100000), 1);
	assert_int_equal(put(f->a, 1, data, (2 << 20) / 4 + 1), ERR_TOO_BIG);
	free(data);
}

static void
room_is_made_on_demand(void **state)
{
	struct fixture *f = *state;
	struct cache *keeper = fixture_open_keeper(f);
	struct upkeep upkeep;
	int gone;

	upkeep_init(&upkeep);
	fill(f, 1600, "1", "9223372036854775807");
	gone = upkeep_make_room(&upkeep, keeper);
	assert_in_range(gone, 1, 164); /* fewer where its time is over before */
	assert_int_equal(count_values(f), 1600 - gone);
	(void)fixture_sql(f, "DELETE FROM kv");
	(void)fixture_sql(f, "DELETE FROM uses");
	upkeep.count_at_us = 0;
	assert_int_equal(upkeep_make_room(&upkeep, keeper), 0);
	cache_close(&keeper);
}

/* --- the access clock -------------------------------------------------- */

static void
a_use_is_written_later_and_once_in_a_step(void **state)
{
	struct fixture *f = *state;
	int64_t now_ms = cache_now_ms();
	uint8_t key[CACHE_KEY_LEN];
	int64_t before;

	(void)uses_flush(f->a);
	fixture_store(f->a, 1, "v", -1);
	fixture_key(1, key);
	/* Made just now: nothing to note. */
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	assert_int_equal(uses_flush(f->a), 0);
	(void)fixture_sql(f, "UPDATE uses SET used = 5");
	before = fixture_sql(f, "PRAGMA data_version");
	uses_note(f->a, store_id(key), 0, now_ms);
	uses_note(f->b, store_id(key), 0, now_ms);
	assert_int_equal(fixture_sql(f, "PRAGMA data_version"), before);
	assert_int_equal(fixture_sql(f, "SELECT used FROM uses"), 5);
	assert_int_equal(uses_flush(f->a), 1);
	assert_in_range(fixture_sql(f, "SELECT used FROM uses"),
	    store_use(now_ms), store_use(now_ms) + 10000);
	assert_int_equal(uses_flush(f->a), 0);
	uses_note(f->a, store_id(key), 0, now_ms);
	assert_int_equal(uses_flush(f->a), 0);
	/* The next step. */
	uses_note(f->a, store_id(key), 0, now_ms + uses_step_ms());
	assert_int_equal(uses_flush(f->a), 1);
	/* A row that has gone is none. */
	uses_note(f->a, 12345, 0, now_ms);
	assert_int_equal(uses_flush(f->a), 1);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM uses"), 1);
}

static void
a_locked_database_drops_the_notes(void **state)
{
	struct fixture *f = *state;
	int64_t now_ms = cache_now_ms();
	struct cache_counters before;
	struct cache_counters now;
	int64_t from;
	int64_t i;

	for (i = 0; i < 100; i++)
		uses_note(f->a, i << 20, 0, now_ms);
	assert_false(uses_are_many());
	counts_sum(&before);
	assert_int_equal(db_write_begin(&f->b->db), 0);
	/* It does not wait, however long others would. */
	f->a->db.write_us = 10000000;
	from = clock_mono_us();
	assert_int_equal(uses_flush(f->a), ERR_BUSY);
	assert_in_range(clock_mono_us() - from, 0, 2000000);
	db_write_cancel(&f->b->db);
	counts_sum(&now);
	assert_int_equal(now.dropped - before.dropped, 100);
	assert_int_equal(now.busy - before.busy, 0);
	/* More than fit. */
	for (i = 0; i < 1100; i++)
		uses_note(f->a, i << 20, 0, now_ms + uses_step_ms());
	assert_true(uses_are_many());
	counts_sum(&before);
	assert_int_equal(before.dropped - now.dropped, 76);
	while (uses_are_many())
		assert_true(uses_flush(f->a) >= 256);
	(void)uses_flush(f->a);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(expired_values_go_in_steps),
		CASE(the_walk_reaches_the_end_and_starts_again),
		CASE(those_used_longest_ago_go_first),
		CASE(counters_go_last),
		CASE(too_many_counters_make_room),
		CASE(what_is_on_its_way_is_pinned),
		CASE(a_value_written_again_writes_one_page),
		CASE(the_file_stays_within_its_bound),
		CASE(nobody_evicts),
		CASE(room_is_made_on_demand),
		CASE(a_use_is_written_later_and_once_in_a_step),
		CASE(a_locked_database_drops_the_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
