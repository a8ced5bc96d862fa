/* SPDX-License-Identifier: MIT */

/*
 * Who computes what next, what happens when nobody waits any more, and
 * results that are not to be stored.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/flight.h"
#include "cache/now.h"

#define BIT(slot) (1u << (slot))

/* Ask for the value of n on behalf of a client. */
static int
ask_as(struct cache *cache, int n, int64_t client)
{
	uint8_t key[CACHE_KEY_LEN];
	struct cache_question question = { .key = key,
		.function = "f",
		.arguments = &n,
		.arguments_len = sizeof(n),
		.client = client };

	fixture_key(n, key);
	return cache_ask_for(cache, &question, NULL, NULL);
}

/* The number of the row that b claims now. */
static int
claim_next(struct fixture *f, struct cache_claim *claim)
{
	int n;

	assert_int_equal(cache_claim_next(f->b, claim), 0);
	memcpy(&n, claim->arguments.data, sizeof(n));
	return n;
}

static void
clients_take_turns(void **state)
{
	/* Client 1 asks for 0 to 5; then 2 for 10 and 11, and 3 for 20. */
	static const int order[] = { 0, 1, 10, 20, 2, 11, 3, 4, 5 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < 6; i++)
		assert_int_equal(ask_as(f->a, (int)i, 1), CACHE_WANTED_NEW);
	assert_int_equal(claim_next(f, &claim), order[0]);
	(void)ask_as(f->a, 10, 2);
	(void)ask_as(f->a, 11, 2);
	(void)ask_as(f->b, 20, 3);
	/* Not in the same millisecond, as far as the rows say. */
	(void)fixture_sql(f, "UPDATE signals SET wanted_at = wanted_at +"
			     " 1000 * client");
	for (i = 1; i < sizeof(order) / sizeof(order[0]); i++)
		assert_int_equal(claim_next(f, &claim), order[i]);
	cache_claim_free(&claim);
}

static bool
can_only_compute_two(const void *arg, const char *function, int64_t code)
{
	return strcmp(function, arg) == 0 && code == 2;
}

static void
a_row_for_other_code_is_left_to_others(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	struct cache_question question = { .key = key, .function = "f" };
	int n;

	f->b->peer.can_compute = can_only_compute_two;
	f->b->peer.can_compute_arg = "f";
	for (n = 1; n <= 3; n++) {
		fixture_key(n, key);
		question.arguments = &n;
		question.arguments_len = sizeof(n);
		question.code = n;
		assert_int_equal(cache_ask_for(f->a, &question, NULL, NULL),
		    CACHE_WANTED_NEW);
	}
	assert_int_equal(claim_next(f, &claim), 2);
	assert_int_equal(claim.code, 2);
	assert_int_equal(cache_claim_next(f->b, &claim), -ENOENT);
	assert_int_equal(cache_claim_next(f->a, &claim), 0);
	cache_claim_free(&claim);
}

static void
what_nobody_waits_for_can_stop(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	struct cache_question question = { .key = key,
		.function = "f",
		.arguments = "",
		.may_stop = true };

	fixture_key(1, key);
	/* Wanted: the row goes. */
	assert_int_equal(cache_ask_for(f->a, &question, NULL, NULL),
	    CACHE_WANTED_NEW);
	assert_int_equal(cache_leave(f->a, key), 1);
	assert_int_equal(fixture_state(f->a, 1), -ENOENT);
	/* Computing: its owner is told, and gives it up. */
	assert_int_equal(cache_ask_for(f->a, &question, NULL, NULL),
	    CACHE_WANTED_NEW);
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	assert_int_equal(cache_is_left(f->b, key, claim.epoch), 0);
	(void)fixture_woken(f);
	assert_int_equal(cache_leave(f->a, key), 1);
	assert_int_equal(fixture_woken(f), BIT(2));
	assert_int_equal(cache_is_left(f->b, key, claim.epoch), 1);
	/* Somebody comes meanwhile: it is computed again. */
	assert_int_equal(cache_ask_for(f->a, &question, NULL, NULL),
	    CACHE_WAITING);
	assert_int_equal(cache_give_up(f->b, &claim), 0);
	assert_int_equal(fixture_state(f->a, 1), CACHE_WAITING);
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	assert_int_equal(claim.attempts, 1);
	assert_int_equal(cache_leave(f->a, key), 1);
	assert_int_equal(cache_give_up(f->b, &claim), 0);
	assert_int_equal(fixture_state(f->a, 1), -ENOENT);
	assert_int_equal(cache_give_up(f->b, &claim), ERR_STALE);
	/* What may not stop goes on. */
	question.may_stop = false;
	assert_int_equal(cache_ask_for(f->a, &question, NULL, NULL),
	    CACHE_WANTED_NEW);
	assert_int_equal(cache_leave(f->a, key), 0);
	assert_int_equal(fixture_state(f->a, 1), CACHE_WAITING);
	cache_claim_free(&claim);
}

static void
what_is_not_stored_is_for_those_who_waited(void **state)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	int64_t left;

	fixture_key(1, key);
	fixture_store(f->a, 1, "now", 0);
	assert_int_equal(fixture_lookup(f->b, 1, "now"), CACHE_MISS);
	assert_int_equal(cache_lookup_waited(f->b, key, 0, &out, &format),
	    CACHE_HIT);
	assert_int_equal(out.len, 3);
	left = fixture_sql(f, "SELECT min(expires) FROM kv") - cache_now_ms();
	assert_in_range(left, 1, FLIGHT_PASS_VALUE_MS);
	assert_int_equal(fixture_state(f->b, 1), CACHE_READY);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_PASS);
	(void)fixture_sql(f, "UPDATE signals SET due_at = 0");
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WANTED_NEW);
	buf_free(&out);
}

/* What was forgotten while it was computed is computed again. */
static void
a_value_too_large_that_was_forgotten(void **state)
{
	static const char *const tag = "tag";
	struct fixture *f = *state;
	struct cache_life life = { .tags = &tag, .tag_count = 1 };
	struct cache_claim claim = { .epoch = 0 };
	struct cache_claim again = { .epoch = 0 };

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(cache_forgets(f->b), claim.born);
	assert_int_equal(cache_forget(f->b, CACHE_GROUP_TAG, "other"), 0);
	assert_int_equal(cache_forget(f->b, CACHE_GROUP_TAG, tag), 0);
	assert_int_equal(cache_forgets(f->a), claim.born + 2);
	assert_int_equal(cache_pass(f->a, &claim, &life), ERR_STALE);
	assert_int_equal(fixture_state(f->a, 1), CACHE_WAITING);
	assert_int_equal(cache_claim_next(f->b, &again), 0);
	assert_int_equal(again.attempts, 1); /* nothing went wrong */
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_TAG, "other"), 0);
	assert_int_equal(cache_pass(f->b, &again, &life), 0);
	assert_int_equal(fixture_ask(f->a, 1, NULL), CACHE_PASS);
	assert_int_equal(cache_forget_key(f->a, claim.key), 0);
	assert_int_equal(cache_forgets(f->b), again.born + 2);
	cache_claim_free(&claim);
	cache_claim_free(&again);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(clients_take_turns),
		CASE(a_row_for_other_code_is_left_to_others),
		CASE(what_nobody_waits_for_can_stop),
		CASE(what_is_not_stored_is_for_those_who_waited),
		CASE(a_value_too_large_that_was_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
