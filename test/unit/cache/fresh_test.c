/* SPDX-License-Identifier: MIT */

/*
 * How long a value is given, when it is made anew, and how it is forgotten:
 * each verb seen from another connection.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "cache/store.h"

/* Own the computation of n and publish "v" with this life. */
static int
store(struct fixture *f, int n, const struct cache_life *life)
{
	struct cache_claim claim = { .epoch = 0 };
	int rc;

	assert_int_equal(fixture_ask(f->a, n, &claim), CACHE_OWNED);
	rc = cache_publish_as(f->a, &claim, CACHE_FORMAT_VALUE, "v", 1, life);
	cache_claim_free(&claim);
	return rc;
}

/* Let time pass for all values: move them into the past. */
static void
age(struct fixture *f, int ms)
{
	uint8_t key[CACHE_KEY_LEN];
	struct store_value value;
	struct buf bytes = BUF_EMPTY;

	fixture_key(1, key);
	assert_int_equal(store_get(&f->b->db, key, 0, 0, &bytes, &value),
	    STORE_HIT);
	value.data = bytes.data;
	value.created -= ms;
	value.fresh -= ms;
	value.expires -= ms;
	assert_int_equal(db_write_begin(&f->b->db), 0);
	assert_int_equal(store_put(&f->b->db, key, &value, store_sum(&value)),
	    0);
	assert_int_equal(db_write_commit(&f->b->db), 0);
	buf_free(&bytes);
}

static void
fresh_then_stale_then_gone(void **state)
{
	struct cache_life life = { .fresh_ms = 60000, .stale_ms = 60000 };
	struct fixture *f = *state;

	assert_int_equal(store(f, 1, &life), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "v"), CACHE_HIT);
	age(f, 61000);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_STALE);
	assert_int_equal(fixture_state(f->b, 1), CACHE_READY);
	age(f, 61000);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
}

static void
lives_that_never_end(void **state)
{
	struct cache_life life = { .fresh_ms = 60000, .stale_ms = -1 };
	struct fixture *f = *state;

	assert_int_equal(store(f, 1, &life), 0);
	age(f, 1000000000);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_STALE);
	life.fresh_ms = -1;
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_ALL, ""), 0);
	assert_int_equal(store(f, 1, &life), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "v"), CACHE_HIT);
}

/* One of those who see a stale value makes it anew; it stays meanwhile. */
static void
a_stale_value_is_renewed_once(void **state)
{
	struct cache_life life = { .fresh_ms = 60000, .stale_ms = 60000 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	int n = 1;
	struct cache_question question = { .key = key,
		.function = "f",
		.arguments = &n,
		.arguments_len = sizeof(n) };

	assert_int_equal(store(f, 1, &life), 0);
	age(f, 61000);
	fixture_key(1, key);
	question.since_ms = cache_now_ms();
	assert_int_equal(cache_ask_for(f->a, &question, NULL, NULL),
	    CACHE_WANTED_NEW);
	assert_int_equal(cache_ask_for(f->b, &question, NULL, NULL),
	    CACHE_WAITING);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_STALE);
	assert_int_equal(cache_claim_next(f->a, &claim), 0);
	assert_int_equal(
	    cache_publish_as(f->a, &claim, CACHE_FORMAT_VALUE, "w", 1, &life),
	    0);
	assert_int_equal(fixture_lookup(f->b, 1, "w"), CACHE_HIT);
	/* One who saw it stale before asks now: it is new enough. */
	assert_int_equal(cache_ask_for(f->b, &question, NULL, NULL),
	    CACHE_READY);
	cache_claim_free(&claim);
}

/* A value that is in the making when somebody wants a new one is an old one. */
static void
what_is_in_the_making_is_not_new(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int n = 1;
	struct cache_question question = { .key = key,
		.function = "f",
		.arguments = &n,
		.arguments_len = sizeof(n) };

	fixture_key(1, key);
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	(void)usleep(20000);
	question.since_ms = -cache_now_ms();
	assert_int_equal(cache_ask_for(f->b, &question, NULL, NULL),
	    CACHE_WAITING);
	(void)usleep(20000);
	assert_int_equal(fixture_publish(f->a, &claim, "old", -1), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "old"), CACHE_HIT);
	assert_int_equal(
	    cache_lookup_waited(f->b, key, question.since_ms, &out, &format),
	    CACHE_MISS);
	assert_int_equal(
	    cache_lookup_since(f->b, key, question.since_ms, &out, &format),
	    CACHE_MISS);
	/* Those who do not mind get it meanwhile. */
	assert_int_equal(cache_ask_for(f->b, &question, NULL, NULL),
	    CACHE_WANTED_NEW);
	assert_int_equal(fixture_lookup(f->a, 1, "old"), CACHE_HIT);
	assert_int_equal(cache_claim_next(f->a, &claim), 0);
	(void)usleep(20000);
	assert_int_equal(fixture_publish(f->a, &claim, "new", -1), 0);
	assert_int_equal(
	    cache_lookup_waited(f->b, key, question.since_ms, &out, &format),
	    CACHE_HIT);
	assert_int_equal(cache_ask_for(f->b, &question, NULL, NULL),
	    CACHE_READY);
	cache_claim_free(&claim);
	buf_free(&out);
}

/* Near its end a dear value is renewed by some look-ups, a cheap by none. */
static void
dear_values_are_renewed_early(void **state)
{
	struct cache_life life = { .fresh_ms = 60000 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	unsigned stale;
	int dear;
	int i;

	for (dear = 0; dear < 2; dear++) {
		assert_int_equal(cache_forget(f->a, CACHE_GROUP_ALL, ""), 0);
		assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
		claim.started_us -= dear * 3000000;
		assert_int_equal(cache_publish_as(f->a, &claim,
				     CACHE_FORMAT_VALUE, "v", 1, &life),
		    0);
		for (i = 0; i < 1000; i++)
			assert_int_equal(fixture_lookup(f->b, 1, "v"),
			    CACHE_HIT);
		age(f, 57000); /* as long before its end as it costs */
		for (stale = 0, i = 0; i < 1000; i++)
			stale += cache_lookup(f->b, claim.key, &out, &format) ==
				 CACHE_STALE;
		if (dear == 0)
			assert_int_equal(stale, 0);
		else /* 37 % expected */
			assert_in_range(stale, 250, 500);
	}
	buf_free(&out);
	cache_claim_free(&claim);
}

static void
each_group_can_be_forgotten(void **state)
{
	static const char *const tags[] = { "red", "blue", "green" };
	static const struct {
		enum cache_group group;
		const char *name;
		bool hits;
	} cases[] = {
		{ CACHE_GROUP_ALL, "", true },
		{ CACHE_GROUP_FUNCTION, "f", true },
		{ CACHE_GROUP_FUNCTION, "g", false },
		{ CACHE_GROUP_SCOPE, "s", true },
		{ CACHE_GROUP_SCOPE, "t", false },
		{ CACHE_GROUP_TAG, "red", true },
		{ CACHE_GROUP_TAG, "green", true },
		{ CACHE_GROUP_TAG, "f", false },
	};
	struct cache_life life = { .fresh_ms = -1,
		.scope = "s",
		.tags = tags,
		.tag_count = 3 };
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(cache_forget(f->a, CACHE_GROUP_ALL, ""), 0);
		assert_int_equal(store(f, 1, &life), 0);
		assert_int_equal(fixture_lookup(f->b, 1, "v"), CACHE_HIT);
		assert_int_equal(
		    cache_forget(f->a, cases[i].group, cases[i].name), 0);
		assert_int_equal(fixture_lookup(f->b, 1, "v"),
		    cases[i].hits ? CACHE_MISS : CACHE_HIT);
		assert_int_equal(fixture_state(f->b, 1),
		    cases[i].hits ? -ENOENT : CACHE_READY);
	}
}

/* What was forgotten while it was computed is not stored. */
static void
a_running_computation_cannot_publish(void **state)
{
	static const char *const tags[] = { "red" };
	struct cache_life life = { .fresh_ms = -1,
		.tags = tags,
		.tag_count = 1 };
	struct cache_claim claim = { .epoch = 0 };
	struct cache_claim next = { .epoch = 0 };
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	int i;

	fixture_key(1, key);
	for (i = 0; i < 4; i++) {
		assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
		if (i == 0)
			assert_int_equal(
			    cache_forget(f->b, CACHE_GROUP_ALL, ""), 0);
		else if (i == 1)
			assert_int_equal(
			    cache_forget(f->b, CACHE_GROUP_FUNCTION, "f"), 0);
		else if (i == 2)
			assert_int_equal(
			    cache_forget(f->b, CACHE_GROUP_TAG, "red"), 0);
		else
			assert_int_equal(cache_forget_key(f->b, key), 0);
		assert_int_equal(cache_publish_as(f->a, &claim,
				     CACHE_FORMAT_VALUE, "v", 1, &life),
		    ERR_STALE);
		assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
		/* Who waits for it gets what is computed afterwards. */
		assert_int_equal(fixture_state(f->b, 1), CACHE_WAITING);
		assert_int_equal(cache_claim_next(f->b, &next), 0);
		assert_int_equal(next.attempts, 1);
		assert_int_equal(cache_publish_as(f->b, &next,
				     CACHE_FORMAT_VALUE, "w", 1, &life),
		    0);
		assert_int_equal(fixture_lookup(f->a, 1, "w"), CACHE_HIT);
		assert_int_equal(cache_forget_key(f->b, key), 0);
	}
	cache_claim_free(&claim);
	cache_claim_free(&next);
}

static void
forgetting_pardons_a_failure(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(1, key);
	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f->a, &claim, "no", 60000), 0);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_FAILED);
	assert_int_equal(cache_forget_key(f->b, key), 0);
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WANTED_NEW);
	cache_claim_free(&claim);
}

static void
prefixes_do_not_meet(void **state)
{
	struct cache_life life = { .fresh_ms = -1 };
	struct fixture *f = *state;
	struct cache *other;

	assert_int_equal(store(f, 1, &life), 0);
	f->options.cache_key_prefix = "other";
	other = fixture_open(f, 3, 103);
	assert_int_equal(cache_forget(other, CACHE_GROUP_ALL, ""), 0);
	assert_int_equal(cache_forget(other, CACHE_GROUP_FUNCTION, "f"), 0);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	cache_close(&other);
}

static void
progress_is_in_the_row(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(cache_progress(f->a, claim.key, claim.epoch, 400), 0);
	assert_int_equal(fixture_sql(f, "SELECT progress FROM signals"), 400);
	assert_int_equal(cache_progress(f->a, claim.key, claim.epoch - 1, 900),
	    0);
	assert_int_equal(fixture_sql(f, "SELECT progress FROM signals"), 400);
	assert_int_equal(cache_release(f->a, &claim), 0);
	cache_claim_free(&claim);
}

/* ---- an app's own entries ----------------------------------------------- */

static int
put(struct fixture *f, int n, const char *text, enum cache_put how,
    int64_t ttl_ms)
{
	struct cache_life life = { .fresh_ms = ttl_ms };
	struct cache_entry entry = { .data = text, .len = strlen(text) };

	fixture_key(n, entry.key);
	return cache_put(f->a, &entry, 1, how, &life);
}

static void
entries_are_put_and_removed(void **state)
{
	struct cache_life life = { .fresh_ms = -1 };
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(1, key);
	assert_int_equal(cache_touch(f->a, key, &life), 0);
	assert_int_equal(cache_remove(f->a, key), 0);
	assert_int_equal(put(f, 1, "one", CACHE_PUT_ABSENT, 60000), 1);
	assert_int_equal(put(f, 1, "two", CACHE_PUT_ABSENT, 60000), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "one"), CACHE_HIT);
	assert_int_equal(put(f, 1, "two", CACHE_PUT_ALWAYS, 60000), 1);
	assert_int_equal(fixture_lookup(f->b, 1, "two"), CACHE_HIT);
	assert_int_equal(cache_touch(f->a, key, &life), 1);
	assert_int_equal(fixture_sql(f, "SELECT expires = 9223372036854775807"
					" FROM kv"),
	    1);
	assert_int_equal(cache_remove(f->a, key), 1);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
	/* What has expired or was forgotten counts as absent. */
	assert_int_equal(put(f, 1, "one", CACHE_PUT_ALWAYS, 0), 1);
	assert_int_equal(put(f, 1, "two", CACHE_PUT_ABSENT, -1), 1);
	assert_int_equal(cache_forget(f->b, CACHE_GROUP_ALL, ""), 0);
	assert_int_equal(put(f, 1, "three", CACHE_PUT_ABSENT, -1), 1);
	assert_int_equal(fixture_lookup(f->b, 1, "three"), CACHE_HIT);
}

static void
counters(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	int64_t sum = 0;

	fixture_key(1, key);
	assert_int_equal(cache_add_to(f->a, key, 5, &sum), 0);
	assert_int_equal(sum, 5);
	assert_int_equal(cache_add_to(f->b, key, -7, &sum), 0);
	assert_int_equal(sum, -2);
	assert_int_equal(cache_add_to(f->b, key, INT64_MIN, &sum), ERR_RANGE);
	assert_int_equal(cache_add_to(f->b, key, 1, &sum), 0);
	assert_int_equal(sum, -1);
	assert_int_equal(put(f, 1, "text", CACHE_PUT_ALWAYS, -1), 1);
	assert_int_equal(cache_add_to(f->b, key, 1, &sum), -EINVAL);
	assert_int_equal(fixture_lookup(f->a, 1, "text"), CACHE_HIT);
}

static int
swap(struct cache *cache, int n, const char *expected, const char *text)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = text, .len = strlen(text) };

	fixture_key(n, entry.key);
	return cache_swap(cache, &entry, expected,
	    expected != NULL ? strlen(expected) : 0, &life);
}

static void
one_takes_the_place_of_another(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(swap(f->a, 1, "one", "two"), 0);
	assert_int_equal(swap(f->a, 1, NULL, "one"), 1);
	assert_int_equal(swap(f->b, 1, NULL, "two"), 0);
	assert_int_equal(swap(f->b, 1, "on", "two"), 0);
	assert_int_equal(swap(f->b, 1, "oneone", "two"), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "one"), CACHE_HIT);
	assert_int_equal(swap(f->b, 1, "one", "two"), 1);
	assert_int_equal(fixture_lookup(f->a, 1, "two"), CACHE_HIT);
	/* What was forgotten or is over is not there. */
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_ALL, ""), 0);
	assert_int_equal(swap(f->b, 1, "two", "three"), 0);
	assert_int_equal(swap(f->b, 1, NULL, "three"), 1);
	f->a->value_max = 4;
	assert_int_equal(swap(f->a, 1, "three", "large"), ERR_TOO_BIG);
	assert_int_equal(fixture_lookup(f->b, 1, "three"), CACHE_HIT);
}

static void
an_entry_is_taken_once(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_EMPTY;
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(1, key);
	assert_int_equal(cache_pop(f->a, key, &out), 0);
	assert_int_equal(put(f, 1, "text", CACHE_PUT_ALWAYS, -1), 1);
	assert_int_equal(fixture_lookup(f->b, 1, "text"), CACHE_HIT);
	assert_int_equal(cache_pop(f->a, key, &out), 1);
	assert_int_equal(out.len, 4);
	assert_memory_equal(out.data, "text", 4);
	assert_int_equal(cache_pop(f->b, key, &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(fixture_lookup(f->b, 1, ""), CACHE_MISS);
	buf_free(&out);
}

#define PROCESSES 4
#define ROUNDS 500

/* Exact, whichever processes count at once. */
static void
many_processes_count(void **state)
{
	struct fixture *f = *state;
	uint8_t key[CACHE_KEY_LEN];
	pid_t pids[PROCESSES];
	struct cache *cache;
	int64_t sum = 0;
	int i;
	int j;

	fixture_key(1, key);
	cache_close(&f->a);
	cache_close(&f->b);
	f->options.cache_busy_timeout = 10;
	for (i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] > 0)
			continue;
		cache = fixture_open(f, (unsigned)i, 200 + i);
		for (j = 0; j < ROUNDS; j++) {
			if (cache_add_to(cache, key, 1, &sum) < 0)
				_exit(1);
		}
		cache_close(&cache);
		_exit(0);
	}
	for (i = 0; i < PROCESSES; i++)
		fixture_wait(pids[i]);
	f->a = fixture_open(f, 1, 101);
	assert_int_equal(cache_add_to(f->a, key, 0, &sum), 0);
	assert_int_equal(sum, PROCESSES * ROUNDS);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(fresh_then_stale_then_gone),
		CASE(one_takes_the_place_of_another),
		CASE(an_entry_is_taken_once),
		CASE(lives_that_never_end),
		CASE(a_stale_value_is_renewed_once),
		CASE(what_is_in_the_making_is_not_new),
		CASE(dear_values_are_renewed_early),
		CASE(each_group_can_be_forgotten),
		CASE(a_running_computation_cannot_publish),
		CASE(forgetting_pardons_a_failure),
		CASE(prefixes_do_not_meet),
		CASE(progress_is_in_the_row),
		CASE(entries_are_put_and_removed),
		CASE(counters),
		CASE(many_processes_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
