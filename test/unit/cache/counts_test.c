/* SPDX-License-Identifier: MIT */

/*
 * What the connections of a process have done, added up.
 */
#include "test/unit/cache/fixture.h"

#include <limits.h>

#include "cache/cache_int.h"
#include "cache/counts.h"
#include "cache/kept.h"
#include "cache/upkeep.h"
#include "server/base/clock.h"
#include "server/base/handoff.h"

_Static_assert(sizeof(struct handoff_status) <= _POSIX_PIPE_BUF,
    "a heartbeat is written in one piece");

static void
everything_is_counted_once(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct cache_counters before;
	struct cache_counters now;

	kept_set_limit(0); /* so that damage is met */
	counts_sum(&before);
	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->b, 1, "v"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->b, 2, ""), CACHE_MISS);
	assert_int_equal(fixture_ask(f->a, 3, &claim), CACHE_OWNED);
	assert_int_equal(cache_release(f->a, &claim), 0);
	/* Taken over: not a failure of the store. */
	assert_int_equal(fixture_publish(f->a, &claim, "late", -1), ERR_STALE);
	counts_sum(&now);
	assert_int_equal(now.stores - before.stores, 1);
	assert_int_equal(now.hits - before.hits, 2);
	assert_int_equal(now.misses - before.misses, 1);
	assert_int_equal(now.store_failures - before.store_failures, 0);
	(void)fixture_sql(f, "UPDATE kv SET v = x'00'");
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
	counts_sum(&now);
	assert_int_equal(now.damaged - before.damaged, 1);
	/* What a closed connection has done stays. */
	cache_close(&f->b);
	cache_close(&f->a);
	counts_sum(&now);
	assert_int_equal(now.hits - before.hits, 2);
	assert_int_equal(now.misses - before.misses, 2);
	cache_claim_free(&claim);
}

static void
the_oldest_open_read_is_known(void **state)
{
	struct fixture *f = *state;
	struct cache_counters now;

	counts_sum(&now);
	assert_int_equal(now.reading_ms, 0);
	assert_int_equal(cache_read_begin(f->a), 0);
	counts_reading(&f->a->counts, clock_boot_ms() - 5000);
	assert_int_equal(cache_read_begin(f->b), 0);
	counts_sum(&now);
	assert_in_range(now.reading_ms, 5000, 60000);
	cache_read_end(f->a);
	cache_read_end(f->b);
	counts_sum(&now);
	assert_int_equal(now.reading_ms, 0);
}

static void
the_keeper_adds_what_it_knows(void **state)
{
	struct fixture *f = *state;
	struct cache_counters now;
	struct upkeep upkeep;

	upkeep_init(&upkeep);
	counts_sum(&now);
	fixture_store(f->a, 1, "v", -1);
	upkeep_gauges(&upkeep, f->b, &now);
	assert_int_equal(now.file_bytes % SCHEMA_PAGE_SIZE, 0);
	assert_int_equal(now.file_bytes, 0); /* not measured yet */
	assert_int_equal(upkeep_measure(&upkeep, f->b), 0);
	upkeep_gauges(&upkeep, f->b, &now);
	assert_true(now.file_bytes >= now.bytes && now.bytes > 0);
	assert_int_equal(now.entries, 1);
	assert_true(now.wal_bytes > 0);
	upkeep_gauges(&upkeep, NULL, &now);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(everything_is_counted_once),
		CASE(the_oldest_open_read_is_known),
		CASE(the_keeper_adds_what_it_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
