/* SPDX-License-Identifier: MIT */

/*
 * cache_still(): may bytes that were looked up before be given again? Only as
 * long as cache_lookup() would give the same, whoever changes what.
 */
#include "test/unit/cache/fixture.h"

#include "cache/cache_int.h"
#include "cache/store.h"

/* Look n up on connection a, in a read transaction or not. */
static void
see(struct fixture *f, int n, bool turn, struct cache_seen *seen)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(n, key);
	if (turn)
		assert_int_equal(cache_read_begin(f->a), 0);
	assert_int_equal(cache_lookup_seen(f->a, key, &out, &format, seen),
	    CACHE_HIT);
	cache_read_end(f->a);
	buf_free(&out);
}

static int
still(struct fixture *f, int n, bool turn, struct cache_seen *seen)
{
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	fixture_key(n, key);
	if (turn)
		assert_int_equal(cache_read_begin(f->a), 0);
	rc = cache_still(f->a, key, seen);
	cache_read_end(f->a);
	return rc;
}

static void
forget_all(struct cache *cache)
{
	assert_int_equal(cache_forget(cache, CACHE_GROUP_ALL, ""), 0);
}

static void
forget_key(struct cache *cache)
{
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(1, key);
	assert_int_equal(cache_forget_key(cache, key), 0);
}

static void
replace(struct cache *cache)
{
	forget_key(cache);
	fixture_store(cache, 1, "v", -1); /* the same bytes, made anew */
	usleep(2000);
}

/* Whoever does it, on this connection or on another, in any kind of look. */
static void
what_is_gone_is_not_given(void **state)
{
	static void (*const ends[])(
	    struct cache * cache) = { forget_all, forget_key, replace };
	struct fixture *f = *state;
	struct cache_seen seen;
	unsigned way;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (way = 0; way < 8; way++) {
			fixture_store(f->b, 1, "v", -1);
			see(f, 1, way & 1, &seen);
			assert_int_equal(still(f, 1, way & 2, &seen),
			    CACHE_HIT);
			usleep(2000); /* `created` counts milliseconds */
			ends[i](way & 4 ? f->a : f->b);
			assert_int_equal(still(f, 1, way & 2, &seen),
			    CACHE_MISS);
			forget_all(f->b);
		}
	}
}

/* Other commits make it look again, and look at the row only. */
static void
what_is_there_is_given(void **state)
{
	struct fixture *f = *state;
	struct cache_seen seen;
	uint64_t version;
	int i;

	fixture_store(f->b, 1, "v", -1);
	see(f, 1, true, &seen);
	version = seen.version;
	assert_true(version > 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(still(f, 1, true, &seen), CACHE_HIT);
	assert_true(seen.version == version);
	fixture_store(f->b, 2, "w", -1);
	assert_int_equal(still(f, 1, true, &seen), CACHE_HIT);
	assert_true(seen.version != version);
	version = seen.version;
	fixture_store(f->a, 3, "x", -1); /* our own commits count as well */
	assert_int_equal(still(f, 1, true, &seen), CACHE_HIT);
	assert_true(seen.version != version);
}

static void
what_expires_is_not_given(void **state)
{
	struct fixture *f = *state;
	struct cache_seen seen;

	fixture_store(f->b, 1, "v", 60000);
	see(f, 1, true, &seen);
	seen.fresh -= 61000;
	assert_int_equal(still(f, 1, true, &seen), CACHE_STALE);
	seen.expires -= 61000;
	assert_int_equal(still(f, 1, true, &seen), CACHE_MISS);
	seen.sum ^= 1;
	seen.expires += 61000;
	seen.version = 0;
	assert_int_equal(still(f, 1, true, &seen), CACHE_MISS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_gone_is_not_given,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(what_is_there_is_given,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(what_expires_is_not_given,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
