/* SPDX-License-Identifier: MIT */

/*
 * Rows that are no values are bounded, too: notes of what was forgotten,
 * errors, sessions that have ended. And nothing comes back because one of them
 * went.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "cache/session.h"
#include "cache/upkeep.h"

#define MIB (1 << 20)
#define VOIDS_MAX 1024 /* of one MiB */
#define ERRORS_MAX 128
#define DEAD_MAX 128

static struct upkeep upkeep;

static int
setup(void **state)
{
	struct fixture *f = malloc(sizeof(*f));

	if (f == NULL)
		return -1;
	fixture_init(f);
	f->options.cache_max_bytes = MIB;
	f->options.session_limit = 5;
	assert_int_equal(fixture_prepare(f), 0);
	f->a = fixture_open(f, 1, 101);
	f->b = fixture_open(f, SLOTS, 0); /* the keeper's */
	upkeep_init(&upkeep);
	*state = f;
	return 0;
}

/* Nobody copies the log here: writers must not wait for it. */
static void
ignore_log(struct fixture *f)
{
	f->a->db.wal_frames = 0;
	f->b->db.wal_frames = 0;
}

/* What the keeper does about notes, until there is nothing more to do. */
static void
tidy_voids(struct fixture *f)
{
	int tries = 10000;
	int rc;

	(void)fixture_sql(f, "PRAGMA wal_checkpoint(TRUNCATE)");
	upkeep.voids_at_us = 0;
	do {
		ignore_log(f);
		rc = upkeep_voids(&upkeep, f->b);
		assert_true(rc >= 0);
		assert_true(--tries > 0);
	} while (rc > 0);
}

static void
tidy_sessions(struct fixture *f)
{
	int tries = 10000;
	int rc;

	do {
		ignore_log(f);
		rc = session_upkeep(f->b);
		assert_true(rc >= 0);
		assert_true(--tries > 0);
	} while (rc > 0);
}

static void
forget_tag(struct fixture *f, const char *kind, int i)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s-%d", kind, i);
	ignore_log(f);
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_TAG, name), 0);
}

static int64_t
count_voids(const struct fixture *f)
{
	return fixture_sql(f, "SELECT count(*) FROM voids WHERE id > 0");
}

static void
put(struct fixture *f, int n, const char *tag)
{
	struct cache_life life = { .fresh_ms = -1,
		.tags = &tag,
		.tag_count = 1 };
	struct cache_entry entry = { .data = "v", .len = 1 };

	fixture_key(n, entry.key);
	assert_int_equal(cache_put(f->a, &entry, 1, CACHE_PUT_ALWAYS, &life),
	    1);
}

static void
any_number_of_groups_can_be_forgotten(void **state)
{
	struct fixture *f = *state;
	int i;

	put(f, 1, "stays");
	put(f, 2, "x-3");
	for (i = 0; i < 20000; i++) {
		forget_tag(f, "x", i);
		if (i % 500 == 499)
			tidy_voids(f);
		if (i % 5000 == 0) {
			assert_int_equal(fixture_lookup(f->a, 1, "v"),
			    CACHE_HIT);
			assert_int_equal(fixture_lookup(f->a, 2, "v"),
			    i > 3 ? CACHE_MISS : CACHE_HIT);
		}
	}
	tidy_voids(f);
	assert_true(count_voids(f) <= VOIDS_MAX);
	/* No room is taken by what nobody can have, and nothing else went. */
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM kv"), 1);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM uses"), 1);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	forget_tag(f, "y", 1);
	put(f, 3, "y-1");
	assert_int_equal(fixture_lookup(f->a, 3, "v"), CACHE_HIT);
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_TAG, "stays"), 0);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_MISS);
}

static int
publish(struct fixture *f, const struct cache_claim *claim, const char *tag)
{
	struct cache_life life = { .fresh_ms = -1,
		.tags = &tag,
		.tag_count = 1 };

	return cache_publish_as(f->a, claim, CACHE_FORMAT_VALUE, "v", 1, &life);
}

/* Notes that a running computation needs stay. */
static void
what_runs_cannot_publish_what_was_forgotten(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct cache_claim other = { .epoch = 0 };
	struct fixture *f = *state;
	int i;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	assert_int_equal(fixture_ask(f->a, 2, NULL), CACHE_WANTED_NEW);
	forget_tag(f, "mine", 0);
	assert_int_equal(cache_claim_next(f->a, &other), 0);
	for (i = 0; i < VOIDS_MAX * 2; i++)
		forget_tag(f, "x", i);
	tidy_voids(f);
	/* Both run and began before all of them, nearly. */
	assert_true(count_voids(f) >= VOIDS_MAX * 2);
	assert_int_equal(publish(f, &claim, "mine-0"), ERR_STALE);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_MISS);
	/* The other one began after it. */
	assert_int_equal(publish(f, &other, "mine-0"), 0);
	assert_int_equal(fixture_lookup(f->a, 2, "v"), CACHE_HIT);
	tidy_voids(f);
	assert_int_equal(count_voids(f), 0);
	assert_int_equal(fixture_lookup(f->a, 2, "v"), CACHE_HIT);
	cache_claim_free(&claim);
	cache_claim_free(&other);
}

/* There is an end to that; then it is computed again, rather than believed. */
static void
far_too_many_notes_go_in_any_case(void **state)
{
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	int i;

	assert_int_equal(fixture_ask(f->a, 1, &claim), CACHE_OWNED);
	for (i = 0; i < VOIDS_MAX * 5; i++)
		forget_tag(f, "x", i);
	tidy_voids(f);
	assert_int_equal(count_voids(f), 0);
	assert_int_equal(publish(f, &claim, "x-7"), ERR_STALE);
	assert_int_equal(cache_claim_next(f->a, &claim), 0);
	assert_int_equal(publish(f, &claim, "x-7"), 0);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	cache_claim_free(&claim);
}

static void
fail_one(struct fixture *f, int n, int64_t ttl_ms)
{
	struct cache_claim claim = { .epoch = 0 };

	ignore_log(f);
	assert_int_equal(fixture_ask(f->a, n, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f->a, &claim, "broken", ttl_ms), 0);
	cache_claim_free(&claim);
}

static void
errors_go_soon_after_their_end(void **state)
{
	struct fixture *f = *state;
	int gone;

	fail_one(f, 1, 10);
	fail_one(f, 2, 60000);
	(void)fixture_sql(f, "UPDATE signals SET due_at = due_at - 1100 "
			     "WHERE arguments = x'01000000'");
	(void)usleep(20000);
	gone = upkeep_forgive(&upkeep, f->b);
	assert_int_equal(gone, 1);
	assert_int_equal(upkeep_forgive(&upkeep, f->b), 0);
	assert_int_equal(fixture_state(f->a, 1), -ENOENT);
	assert_int_equal(fixture_state(f->a, 2), CACHE_FAILED);
}

static void
errors_that_hold_long_are_not_all_kept(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < ERRORS_MAX + 50; i++)
		fail_one(f, i, 600000);
	/* Who waits has to see them first. */
	assert_int_equal(upkeep_forgive(&upkeep, f->b), 0);
	(void)fixture_sql(f, "UPDATE signals SET changed_at = changed_at - 5000"
			     " WHERE rowid IN (SELECT rowid FROM signals"
			     " LIMIT 100)");
	assert_int_equal(upkeep_forgive(&upkeep, f->b), 50);
	assert_int_equal(upkeep_forgive(&upkeep, f->b), 0);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signals"),
	    ERRORS_MAX);
}

static void
errors_are_forgotten_with_their_function(void **state)
{
	struct fixture *f = *state;

	fail_one(f, 1, 60000);
	assert_int_equal(fixture_state(f->a, 1), CACHE_FAILED);
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_FUNCTION, "g"), 0);
	assert_int_equal(fixture_state(f->a, 1), CACHE_FAILED);
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_FUNCTION, "f"), 0);
	assert_int_equal(fixture_ask(f->a, 1, NULL), CACHE_WANTED_NEW);
	fail_one(f, 2, 60000);
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_ALL, ""), 0);
	assert_int_equal(fixture_ask(f->a, 2, NULL), CACHE_WANTED_NEW);
}

/* --- sessions ------------------------------------------------------------ */

static struct session_life
life(int64_t issued_ms)
{
	return (struct session_life){ .ends_ms = cache_now_ms() + 3600000,
		.issued_ms = issued_ms };
}

static void
number_id(uint8_t id[SESSION_ID_LEN], int n)
{
	memset(id, 0, SESSION_ID_LEN);
	memcpy(id, &n, sizeof(n));
}

static void
ended_sessions_are_few_and_stay_dead(void **state)
{
	int64_t from_ms = cache_now_ms() - 100000;
	struct fixture *f = *state;
	uint8_t id[SESSION_ID_LEN];
	struct session_life times;
	struct session_row row;
	int live = 0;
	int n;

	for (n = 0; n < 2000; n++) {
		number_id(id, n);
		times = life(from_ms + n);
		ignore_log(f);
		assert_int_equal(session_touch(f->a, id, &times, &row),
		    SESSION_LIVE);
		if (n % 100 == 99)
			tidy_sessions(f);
	}
	assert_int_equal(fixture_sql(f, "SELECT live FROM sessions "
					"WHERE id = -1"),
	    5);
	assert_true(fixture_sql(f, "SELECT count(*) FROM sessions") <=
		    1 + 5 + DEAD_MAX);
	for (n = 0; n < 2000; n++) {
		number_id(id, n);
		times = life(from_ms + n);
		live +=
		    session_find(f->a, id, from_ms + n, &row) == SESSION_LIVE;
		assert_true(row.scope[0] != '\0');
		if (n < 1900 && n % 10 == 0)
			assert_int_equal(session_touch(f->a, id, &times, &row),
			    SESSION_DEAD);
	}
	assert_int_equal(live, 5);
	/* A newer id that was not used yet is another matter; and so is one
	 * that was made just now, whatever the clock says. */
	number_id(id, 2000);
	assert_int_equal(session_find(f->a, id, from_ms + 2000, &row),
	    SESSION_ABSENT);
	times = life(from_ms - 100000);
	assert_int_equal(session_touch(f->a, id, &times, &row), SESSION_DEAD);
	times.made = true;
	assert_int_equal(session_touch(f->a, id, &times, &row), SESSION_LIVE);
}

/* The data stay with the new id: the old one must not lead to them. */
static void
a_rotated_id_stays_dead(void **state)
{
	int64_t from_ms = cache_now_ms() - 100000;
	struct fixture *f = *state;
	uint8_t old_id[SESSION_ID_LEN];
	uint8_t new_id[SESSION_ID_LEN];
	struct session_life times;
	struct session_row row;
	int n;

	number_id(new_id, 0);
	times = life(from_ms);
	assert_int_equal(session_touch(f->a, new_id, &times, &row),
	    SESSION_LIVE);
	for (n = 1; n < DEAD_MAX * 5; n++) {
		memcpy(old_id, new_id, sizeof(old_id));
		number_id(new_id, n);
		times = life(from_ms + n);
		ignore_log(f);
		assert_int_equal(session_rotate(f->a, old_id, new_id, &times),
		    SESSION_LIVE);
	}
	tidy_sessions(f);
	assert_true(fixture_sql(f, "SELECT count(*) FROM sessions") <=
		    2 + DEAD_MAX * 4);
	for (n = 0; n < DEAD_MAX * 5 - 1; n++) {
		number_id(old_id, n);
		times = life(from_ms + n);
		assert_true(
		    session_touch(f->a, old_id, &times, &row) >= SESSION_DEAD);
	}
	assert_int_equal(session_find(f->a, new_id, from_ms + n, &row),
	    SESSION_LIVE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)
		TEST(any_number_of_groups_can_be_forgotten),
		TEST(what_runs_cannot_publish_what_was_forgotten),
		TEST(far_too_many_notes_go_in_any_case),
		TEST(errors_go_soon_after_their_end),
		TEST(errors_that_hold_long_are_not_all_kept),
		TEST(errors_are_forgotten_with_their_function),
		TEST(ended_sessions_are_few_and_stay_dead),
		TEST(a_rotated_id_stays_dead),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
