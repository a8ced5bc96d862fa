/* SPDX-License-Identifier: MIT */

/*
 * Leases: an owner renews its own, and nobody waits for one that is over and
 * that the keeper has not handed on.
 */
#include "test/unit/cache/fixture.h"

#include "server/base/clock.h"

static void
the_owner_renews_its_own(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	int64_t left;

	assert_int_equal(cache_renew(f->a), 0);
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	(void)fixture_sql(f, "UPDATE signals SET lease_until = 5");
	assert_int_equal(cache_renew(f->b), 0);
	assert_int_equal(fixture_sql(f, "SELECT lease_until FROM signals"), 5);
	assert_int_equal(cache_renew(f->a), 0);
	left =
	    fixture_sql(f, "SELECT lease_until FROM signals") - clock_boot_ms();
	assert_in_range(left, 14000, 15000);
	cache_claim_free(&claim);
}

/* No keeper, and an owner that can neither publish nor give back. */
static void
nobody_waits_for_a_row_that_is_left(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct cache_claim other = { .epoch = 0 };
	struct fixture *f = *state;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WAITING);
	/* Just over: the keeper's to see. */
	(void)fixture_sql(f,
	    "UPDATE signals SET lease_until = lease_until - 15500");
	assert_int_equal(fixture_state(f->b, 1), CACHE_WAITING);
	(void)fixture_sql(f, "UPDATE signals SET lease_until = 5");
	assert_int_equal(fixture_state(f->b, 1), ERR_STORE);
	assert_int_equal(fixture_ask(f->b, 1, NULL), ERR_STORE);
	assert_int_equal(fixture_ask(f->b, 1, &other), ERR_STORE);
	/* The owner was only late. */
	assert_int_equal(cache_renew(f->a), 0);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WAITING);
	assert_int_equal(fixture_publish(f->a, &claim, "v", -1), 0);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_READY);
	cache_claim_free(&claim);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_owner_renews_its_own),
		CASE(nobody_waits_for_a_row_that_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
