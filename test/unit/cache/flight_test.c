/* SPDX-License-Identifier: MIT */

/*
 * The signal table on two connections of one process: every transition that
 * may happen, every one that must not, the fence, the waiters, the clocks.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/flight.h"
#include "cache/now.h"
#include "cache/orphan.h"
#include "server/base/clock.h"

#define BIT(slot) (1u << (slot))

/* Bring the row of n into a state, owned (if at all) by a. */
static void
reach(struct fixture *f, int n, enum flight_state state,
    struct cache_claim *claim)
{
	if (state == FLIGHT_ABSENT)
		return;
	if (state == FLIGHT_WANTED) {
		assert_int_equal(fixture_ask(f->a, n, NULL), CACHE_WANTED_NEW);
		return;
	}
	assert_int_equal(fixture_ask(f->a, n, claim), CACHE_OWNED);
	if (state == FLIGHT_READY)
		assert_int_equal(fixture_publish(f->a, claim, "v", -1), 0);
	if (state == FLIGHT_FAILED)
		assert_int_equal(cache_fail(f->a, claim, "no", 60000), 0);
}

enum verb { ASK, ASK_OWN, NEXT, PUBLISH, FAIL, RELEASE };

static int
apply(struct fixture *f, int n, enum verb verb, struct cache_claim *claim)
{
	struct cache_claim other = { .epoch = 0 };
	int rc = 0;

	switch (verb) {
	case ASK:
		return fixture_ask(f->b, n, NULL);
	case ASK_OWN:
		rc = fixture_ask(f->b, n, &other);
		break;
	case NEXT:
		rc = cache_claim_next(f->b, &other);
		break;
	case PUBLISH:
		return fixture_publish(f->a, claim, "w", -1);
	case FAIL:
		return cache_fail(f->a, claim, "why", 60000);
	case RELEASE:
		return cache_release(f->a, claim);
	}
	cache_claim_free(&other);
	return rc;
}

static const struct step {
	enum flight_state from;
	enum verb verb;
	int want;
	enum flight_state to;
} steps[] = {
	{ FLIGHT_ABSENT, ASK, CACHE_WANTED_NEW, FLIGHT_WANTED },
	{ FLIGHT_ABSENT, ASK_OWN, CACHE_OWNED, FLIGHT_COMPUTING },
	{ FLIGHT_ABSENT, NEXT, -ENOENT, FLIGHT_ABSENT },
	{ FLIGHT_ABSENT, PUBLISH, ERR_STALE, FLIGHT_ABSENT },
	{ FLIGHT_ABSENT, FAIL, ERR_STALE, FLIGHT_ABSENT },
	{ FLIGHT_ABSENT, RELEASE, ERR_STALE, FLIGHT_ABSENT },
	{ FLIGHT_WANTED, ASK, CACHE_WAITING, FLIGHT_WANTED },
	{ FLIGHT_WANTED, ASK_OWN, CACHE_WAITING, FLIGHT_WANTED },
	{ FLIGHT_WANTED, NEXT, 0, FLIGHT_COMPUTING },
	{ FLIGHT_WANTED, PUBLISH, ERR_STALE, FLIGHT_WANTED },
	{ FLIGHT_WANTED, FAIL, ERR_STALE, FLIGHT_WANTED },
	{ FLIGHT_WANTED, RELEASE, ERR_STALE, FLIGHT_WANTED },
	{ FLIGHT_COMPUTING, ASK, CACHE_WAITING, FLIGHT_COMPUTING },
	{ FLIGHT_COMPUTING, ASK_OWN, CACHE_WAITING, FLIGHT_COMPUTING },
	{ FLIGHT_COMPUTING, NEXT, -ENOENT, FLIGHT_COMPUTING },
	{ FLIGHT_COMPUTING, PUBLISH, 0, FLIGHT_READY },
	{ FLIGHT_COMPUTING, FAIL, 0, FLIGHT_FAILED },
	{ FLIGHT_COMPUTING, RELEASE, 0, FLIGHT_WANTED },
	{ FLIGHT_READY, ASK, CACHE_READY, FLIGHT_READY },
	{ FLIGHT_READY, ASK_OWN, CACHE_READY, FLIGHT_READY },
	{ FLIGHT_READY, NEXT, -ENOENT, FLIGHT_READY },
	{ FLIGHT_READY, PUBLISH, ERR_STALE, FLIGHT_READY },
	{ FLIGHT_READY, FAIL, ERR_STALE, FLIGHT_READY },
	{ FLIGHT_READY, RELEASE, ERR_STALE, FLIGHT_READY },
	{ FLIGHT_FAILED, ASK, CACHE_FAILED, FLIGHT_FAILED },
	{ FLIGHT_FAILED, ASK_OWN, CACHE_FAILED, FLIGHT_FAILED },
	{ FLIGHT_FAILED, NEXT, -ENOENT, FLIGHT_FAILED },
	{ FLIGHT_FAILED, PUBLISH, ERR_STALE, FLIGHT_FAILED },
	{ FLIGHT_FAILED, FAIL, ERR_STALE, FLIGHT_FAILED },
	{ FLIGHT_FAILED, RELEASE, ERR_STALE, FLIGHT_FAILED },
};

static void
every_verb_in_every_state(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	int64_t stored;
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		reach(f, 1, steps[i].from, &claim);
		assert_int_equal(apply(f, 1, steps[i].verb, &claim),
		    steps[i].want);
		stored = fixture_sql(f, "SELECT state FROM signals");
		assert_int_equal(stored < 0 ? FLIGHT_ABSENT : stored,
		    steps[i].to);
		(void)fixture_sql(f, "DELETE FROM signals");
		(void)fixture_sql(f, "DELETE FROM kv");
	}
	cache_claim_free(&claim);
}

static void
the_table_of_transitions(void **state)
{
	(void)state;
	assert_true(flight_may_go(FLIGHT_WANTED, FLIGHT_COMPUTING));
	assert_false(flight_may_go(FLIGHT_WANTED, FLIGHT_READY));
	assert_false(flight_may_go(FLIGHT_READY, FLIGHT_COMPUTING));
	assert_false(flight_may_go(FLIGHT_COMPUTING, FLIGHT_COMPUTING));
	assert_false(flight_may_go((enum flight_state)9, FLIGHT_WANTED));
	assert_string_equal(flight_state_name(FLIGHT_COMPUTING), "computing");
	assert_string_equal(flight_state_name(9), "?");
	assert_string_equal(flight_state_name(-1), "?");
}

static void
the_fence_looks_at_owner_and_epoch(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_publish(f->b, &claim, "x", -1), ERR_STALE);
	claim.epoch++;
	assert_int_equal(fixture_publish(f->a, &claim, "x", -1), ERR_STALE);
	claim.epoch -= 2;
	assert_int_equal(cache_fail(f->a, &claim, "x", 1000), ERR_STALE);
	assert_int_equal(cache_release(f->a, &claim), ERR_STALE);
	claim.epoch++;
	claim.key[31] ^= 1; /* same 63 bits, another key */
	assert_int_equal(fixture_publish(f->a, &claim, "x", -1), ERR_STALE);
	claim.key[31] ^= 1;
	assert_int_equal(fixture_lookup(f->a, 1, ""), CACHE_MISS);
	assert_int_equal(fixture_publish(f->a, &claim, "x", -1), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "x"), CACHE_HIT);
	cache_claim_free(&claim);
}

static void
a_late_owner_stores_nothing(void **state)
{
	struct cache_claim late = { .epoch = 0 };
	struct cache_claim next = { .epoch = 0 };
	struct fixture *f = *state;
	unsigned count;

	assert_int_equal(fixture_ask(f->a, 1, &late), CACHE_OWNED);
	assert_int_equal(cache_release_owner(f->b, 101, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(cache_claim_next(f->b, &next), 0);
	assert_true(next.epoch > late.epoch);
	assert_int_equal(next.attempts, 2);
	assert_int_equal(fixture_publish(f->a, &late, "late", -1), ERR_STALE);
	assert_int_equal(fixture_publish(f->b, &next, "next", -1), 0);
	assert_int_equal(fixture_publish(f->a, &late, "late", -1), ERR_STALE);
	assert_int_equal(fixture_lookup(f->a, 1, "next"), CACHE_HIT);
	cache_claim_free(&late);
	cache_claim_free(&next);
}

static void
an_epoch_never_comes_again(void **state)
{
	struct cache_claim old = { .epoch = 0 };
	struct cache_claim new = { .epoch = 0 };
	struct fixture *f = *state;
	int64_t from = cache_now_ms();

	assert_int_equal(fixture_ask(f->a, 1, &old), CACHE_OWNED);
	(void)fixture_sql(f, "DELETE FROM signals");
	while (cache_now_ms() < from + 2)
		continue;
	assert_int_equal(fixture_ask(f->a, 1, &new), CACHE_OWNED);
	assert_true(new.epoch > old.epoch);
	assert_int_equal(fixture_publish(f->a, &old, "old", -1), ERR_STALE);
	cache_claim_free(&old);
	cache_claim_free(&new);
}

static void
the_claim_carries_the_call(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	int n = 0;

	assert_int_equal(fixture_ask(f->a, 7, NULL), CACHE_WANTED_NEW);
	assert_int_equal(cache_has_wanted(f->b), 1);
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	assert_int_equal(cache_has_wanted(f->b), 0);
	fixture_key(7, key);
	assert_memory_equal(claim.key, key, CACHE_KEY_LEN);
	assert_string_equal(claim.function.data, "f");
	assert_int_equal(claim.arguments.len, sizeof(n));
	memcpy(&n, claim.arguments.data, sizeof(n));
	assert_int_equal(n, 7);
	assert_int_equal(claim.attempts, 1);
	cache_claim_free(&claim);
}

static void
the_oldest_is_claimed_first(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	int n;
	int i;

	for (i = 0; i < 5; i++)
		assert_int_equal(fixture_ask(f->a, i, NULL), CACHE_WANTED_NEW);
	/* As if five clients had asked; for turns see turns_test.c. */
	(void)fixture_sql(f, "UPDATE signals SET turn = 0");
	(void)fixture_sql(f, "UPDATE signals SET wanted_at = 5 WHERE arguments"
			     " = x'03000000'");
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	memcpy(&n, claim.arguments.data, sizeof(n));
	assert_int_equal(n, 3);
	/* Given back, it is first again. */
	assert_int_equal(cache_release(f->b, &claim), 0);
	assert_int_equal(cache_claim_next(f->a, &claim), 0);
	memcpy(&n, claim.arguments.data, sizeof(n));
	assert_int_equal(n, 3);
	assert_int_equal(claim.attempts, 1);
	cache_claim_free(&claim);
}

static void
waiters_are_woken_once_it_is_there(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;

	/* Joined while wanted, joined while computing, not joined. */
	assert_int_equal(fixture_ask(f->a, 1, NULL), CACHE_WANTED_NEW);
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	assert_int_equal(fixture_woken(f), 0);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WAITING);
	assert_int_equal(fixture_publish(f->b, &claim, "v", -1), 0);
	assert_int_equal(fixture_woken(f), BIT(1) | BIT(2));
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);

	assert_int_equal(fixture_ask(f->a, 2, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f->a, &claim, "no", 1000), 0);
	assert_int_equal(fixture_woken(f), BIT(1));

	assert_int_equal(fixture_ask(f->a, 3, &claim), CACHE_OWNED);
	assert_int_equal(cache_release(f->a, &claim), 0);
	assert_int_equal(fixture_woken(f), 0xf);

	cache_hint(f->a);
	assert_int_equal(fixture_woken(f), 0xf & ~BIT(1));
	cache_claim_free(&claim);
}

static void
release_keeps_the_waiters(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WAITING);
	assert_int_equal(cache_release(f->a, &claim), 0);
	assert_int_equal(cache_claim_next(f->a, &claim), 0);
	(void)fixture_woken(f);
	assert_int_equal(fixture_publish(f->a, &claim, "v", -1), 0);
	assert_int_equal(fixture_woken(f), BIT(1) | BIT(2));
	cache_claim_free(&claim);
}

/*
 * Asking races with publishing: b may look at any moment of a's work. In
 * each order b either finds the value or is in the mask.
 */
static void
no_wake_up_is_lost(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	int order;
	int got;

	for (order = 0; order < 4; order++) {
		/* b looks and misses: now it is about to ask. */
		assert_int_equal(fixture_lookup(f->b, order, ""), CACHE_MISS);
		if (order == 0) {
			got = fixture_ask(f->b, order, NULL);
			assert_int_equal(got, CACHE_WANTED_NEW);
			assert_int_equal(cache_claim_next(f->a, &claim), 0);
		} else {
			assert_int_equal(fixture_ask(f->a, order, &claim),
			    CACHE_OWNED);
		}
		if (order == 1)
			assert_int_equal(fixture_ask(f->b, order, NULL),
			    CACHE_WAITING);
		(void)fixture_woken(f);
		assert_int_equal(fixture_publish(f->a, &claim, "v", -1), 0);
		if (order <= 1)
			assert_true(fixture_woken(f) & BIT(2));
		if (order == 2)
			assert_int_equal(fixture_ask(f->b, order, NULL),
			    CACHE_READY);
		if (order == 3)
			assert_int_equal(fixture_ask(f->b, order, &claim),
			    CACHE_READY);
		assert_int_equal(fixture_lookup(f->b, order, "v"), CACHE_HIT);
	}
	cache_claim_free(&claim);
}

static void
a_failure_lasts_its_time(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct buf error = BUF_EMPTY;
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	int64_t until;

	fixture_key(1, key);
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f->a, &claim, "division by zero", 30), 0);
	until = clock_boot_ms() + 31;
	assert_int_equal(cache_state(f->b, key, &error), CACHE_FAILED);
	assert_string_equal(buf_cstr(&error), "division by zero");
	buf_clear(&error);
	assert_int_equal(cache_ask(f->b, key, "f", "", 0, NULL, &error),
	    CACHE_FAILED);
	assert_string_equal(buf_cstr(&error), "division by zero");
	while (clock_boot_ms() < until)
		continue;
	assert_int_equal(fixture_state(f->b, 1), -ENOENT);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WANTED_NEW);
	buf_free(&error);
	cache_claim_free(&claim);
}

static void
a_failure_of_no_time_reaches_the_waiters(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	int64_t left;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f->a, &claim, "no", 0), 0);
	assert_int_equal(fixture_state(f->b, 1), CACHE_FAILED);
	left = fixture_sql(f, "SELECT due_at FROM signals") - clock_boot_ms();
	assert_in_range(left, 1, FLIGHT_GRACE_MS);
	cache_claim_free(&claim);
}

static void
a_long_error_is_cut_at_a_character(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct buf error = BUF_EMPTY;
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	char text[FLIGHT_ERROR_MAX + 16];
	size_t i;

	/* One byte, then two-byte characters: the bound falls inside one. */
	text[0] = 'x';
	for (i = 1; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	text[i] = '\0';
	fixture_key(1, key);
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f->a, &claim, text, 1000), 0);
	assert_int_equal(cache_state(f->a, key, &error), CACHE_FAILED);
	assert_int_equal(error.len, FLIGHT_ERROR_MAX - 1);
	assert_memory_equal(error.data, text, error.len);
	buf_free(&error);
	cache_claim_free(&claim);
}

static void
values_live_as_long_as_they_should(void **state)
{
	struct fixture *f = *state;
	int64_t until;

	fixture_store(f->a, 1, "for ever", -1);
	assert_int_equal(fixture_sql(f, "SELECT expires FROM kv"), INT64_MAX);
	fixture_store(f->a, 2, "huge", INT64_MAX);
	assert_int_equal(fixture_lookup(f->b, 2, "huge"), CACHE_HIT);

	fixture_store(f->a, 4, "short", 30);
	until = cache_now_ms() + 31;
	assert_int_equal(fixture_lookup(f->b, 4, "short"), CACHE_HIT);
	assert_int_equal(fixture_state(f->b, 4), CACHE_READY);
	while (cache_now_ms() < until)
		continue;
	assert_int_equal(fixture_lookup(f->b, 4, ""), CACHE_MISS);
	assert_int_equal(fixture_state(f->b, 4), -ENOENT);
	assert_int_equal(fixture_ask(f->b, 4, NULL), CACHE_WANTED_NEW);
}

static void
a_ready_row_without_value_counts_as_none(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;

	fixture_store(f->a, 1, "v", -1);
	assert_int_equal(fixture_state(f->b, 1), CACHE_READY);
	(void)fixture_sql(f, "DELETE FROM kv");
	assert_int_equal(fixture_state(f->b, 1), -ENOENT);
	assert_int_equal(fixture_ask(f->b, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_publish(f->b, &claim, "again", -1), 0);
	assert_int_equal(fixture_sql(f, "SELECT computations FROM signals"), 2);
	/* And a value without a row is a value. */
	(void)fixture_sql(f, "DELETE FROM signals");
	assert_int_equal(fixture_state(f->a, 1), CACHE_READY);
	assert_int_equal(fixture_ask(f->a, 1, NULL), CACHE_READY);
	cache_claim_free(&claim);
}

static void
a_state_nobody_knows_counts_as_none(void **state)
{
	struct fixture *f = *state;

	fixture_store(f->a, 1, "v", -1);
	(void)fixture_sql(f, "DELETE FROM kv");
	(void)fixture_sql(f, "UPDATE signals SET state = 77");
	assert_int_equal(fixture_state(f->b, 1), -ENOENT);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WANTED_NEW);
}

static void
keys_with_the_same_63_bits(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct buf out = BUF_EMPTY;
	struct fixture *f = *state;
	enum cache_format format;
	uint8_t one[CACHE_KEY_LEN];
	uint8_t two[CACHE_KEY_LEN];

	fixture_key(1, one);
	memcpy(two, one, CACHE_KEY_LEN);
	two[0] ^= 0x80; /* the bit that is not in the id */
	two[20] ^= 1;
	assert_int_equal(cache_ask(f->a, one, "f", "", 0, &claim, NULL),
	    CACHE_OWNED);
	/* A live row of another key: this one is not cached. */
	assert_int_equal(cache_ask(f->b, two, "f", "", 0, NULL, NULL),
	    ERR_STORE);
	assert_int_equal(cache_state(f->b, two, NULL), -ENOENT);
	assert_int_equal(fixture_publish(f->a, &claim, "one", -1), 0);
	assert_int_equal(cache_lookup(f->b, two, &out, &format), CACHE_MISS);
	/* An ended one is displaced, and so is its value. */
	assert_int_equal(cache_ask(f->b, two, "f", "", 0, &claim, NULL),
	    CACHE_OWNED);
	assert_int_equal(cache_lookup(f->b, one, &out, &format), CACHE_HIT);
	assert_int_equal(fixture_publish(f->b, &claim, "two", -1), 0);
	assert_int_equal(cache_lookup(f->a, two, &out, &format), CACHE_HIT);
	assert_memory_equal(out.data, "two", 3);
	assert_int_equal(cache_lookup(f->a, one, &out, &format), CACHE_MISS);
	assert_int_equal(cache_ask(f->a, one, "f", "", 0, NULL, NULL),
	    CACHE_WANTED_NEW);
	buf_free(&out);
	cache_claim_free(&claim);
}

static void
a_busy_database_is_busy_and_the_claim_comes_back(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	int64_t from;

	f->a->db.write_us = 3000;
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(db_write_begin(&f->b->db), 0);
	from = clock_mono_us();
	assert_int_equal(fixture_publish(f->a, &claim, "v", -1), ERR_BUSY);
	assert_int_equal(fixture_ask(f->a, 2, NULL), ERR_BUSY);
	assert_in_range(clock_mono_us() - from, 6000, 1000000);
	/* Readers do not care. */
	assert_int_equal(fixture_lookup(f->a, 1, ""), CACHE_MISS);
	assert_int_equal(fixture_state(f->a, 1), CACHE_WAITING);
	assert_int_equal(cache_has_wanted(f->a), 0);
	assert_int_equal(orphan_count(), 1);
	(void)cache_renew(f->a);
	assert_int_equal(orphan_count(), 1);
	db_write_cancel(&f->b->db);
	/* The caller forgot its claim: the worker gives it back. */
	assert_int_equal(cache_renew(f->a), 0);
	assert_int_equal(orphan_count(), 0);
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	assert_int_equal(fixture_publish(f->b, &claim, "v", -1), 0);
	cache_claim_free(&claim);
}

static void
too_long_a_value_is_refused(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(cache_publish(f->a, &claim, CACHE_FORMAT_VALUE, "",
			     ((size_t)64 << 20) + 1, -1),
	    ERR_TOO_BIG);
	assert_int_equal(fixture_publish(f->a, &claim, "", -1), 0);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_HIT);
	cache_claim_free(&claim);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* Too large to be stored: nobody is left waiting. */
static void
a_value_that_cannot_be_stored(void **state)
{
	struct fixture *f = *state;
	struct cache_claim claim = { .epoch = 0 };
	static const struct cache_life life;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WAITING);
	(void)fixture_woken(f);
	assert_int_equal(cache_pass(f->a, &claim, &life), 0);
	assert_true(fixture_woken(f) != 0);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_PASS);
	assert_int_equal(cache_pass(f->a, &claim, &life), ERR_STALE);
	cache_claim_free(&claim);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(every_verb_in_every_state),
		cmocka_unit_test(the_table_of_transitions),
		CASE(the_fence_looks_at_owner_and_epoch),
		CASE(a_late_owner_stores_nothing),
		CASE(an_epoch_never_comes_again),
		CASE(the_claim_carries_the_call),
		CASE(the_oldest_is_claimed_first),
		CASE(waiters_are_woken_once_it_is_there),
		CASE(release_keeps_the_waiters),
		CASE(no_wake_up_is_lost),
		CASE(a_failure_lasts_its_time),
		CASE(a_failure_of_no_time_reaches_the_waiters),
		CASE(a_long_error_is_cut_at_a_character),
		CASE(values_live_as_long_as_they_should),
		CASE(a_ready_row_without_value_counts_as_none),
		CASE(a_state_nobody_knows_counts_as_none),
		CASE(keys_with_the_same_63_bits),
		CASE(a_busy_database_is_busy_and_the_claim_comes_back),
		CASE(too_long_a_value_is_refused),
		CASE(a_value_that_cannot_be_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
