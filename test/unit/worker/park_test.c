/* SPDX-License-Identifier: MIT */

/* The parking lot finds what was put in, under any key, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/park.h"

#define MANY 9000 /* more than there are buckets */

static int
set_up(void **state)
{
	*state = park_new();
	return *state != NULL ? 0 : -1;
}

static void
remove_it(struct parked *parked, void *park)
{
	park_remove(park, parked);
}

static int
tear_down(void **state)
{
	struct park *park = *state;

	park_each(park, remove_it, park);
	park_free(&park);
	return park == NULL ? 0 : -1;
}

/* Keys whose bucket is decided by the first two bytes. */
static void
make_key(unsigned n, uint8_t key[CACHE_KEY_LEN])
{
	memset(key, 0, CACHE_KEY_LEN);
	key[0] = (uint8_t)n;
	key[1] = (uint8_t)(n >> 8);
	key[31] = (uint8_t)(n >> 4);
}

static void
empty_lot(void **state)
{
	uint8_t key[CACHE_KEY_LEN];

	make_key(1, key);
	assert_int_equal(park_count(*state), 0);
	assert_null(park_find(*state, key));
}

static void
one_entry_per_key(void **state)
{
	uint8_t key[CACHE_KEY_LEN];
	struct parked *parked;

	make_key(7, key);
	parked = park_get(*state, key);
	assert_non_null(parked);
	assert_memory_equal(parked->key, key, CACHE_KEY_LEN);
	assert_null(parked->requests);
	assert_null(parked->tasks);
	assert_null(parked->callback);
	assert_false(parked->asking);
	assert_int_equal(parked->arguments.len, 0);
	assert_ptr_equal(park_get(*state, key), parked);
	assert_ptr_equal(park_find(*state, key), parked);
	assert_int_equal(park_count(*state), 1);
	park_remove(*state, parked);
	assert_int_equal(park_count(*state), 0);
	assert_null(park_find(*state, key));
}

/* Keys that differ in one byte only, each place in turn: no mixing up. */
static void
all_bytes_of_a_key_count(void **state)
{
	struct parked *entries[CACHE_KEY_LEN];
	uint8_t key[CACHE_KEY_LEN];
	int i;

	for (i = 0; i < CACHE_KEY_LEN; i++) {
		memset(key, 0, sizeof(key));
		key[i] = 1;
		entries[i] = park_get(*state, key);
	}
	assert_int_equal(park_count(*state), CACHE_KEY_LEN);
	for (i = 0; i < CACHE_KEY_LEN; i++) {
		memset(key, 0, sizeof(key));
		key[i] = 1;
		assert_ptr_equal(park_find(*state, key), entries[i]);
	}
	memset(key, 0, sizeof(key));
	assert_null(park_find(*state, key));
}

static void
many_come_and_go(void **state)
{
	static struct parked *entries[MANY];
	uint8_t key[CACHE_KEY_LEN];
	unsigned i;

	for (i = 0; i < MANY; i++) {
		make_key(i, key);
		entries[i] = park_get(*state, key);
		assert_int_equal(buf_puts(&entries[i]->arguments, "x"), 0);
	}
	assert_int_equal(park_count(*state), MANY);
	for (i = 0; i < MANY; i += 3) /* from all places of the chains */
		park_remove(*state, entries[i]);
	for (i = 0; i < MANY; i++) {
		make_key(i, key);
		if (i % 3 == 0)
			assert_null(park_find(*state, key));
		else
			assert_ptr_equal(park_find(*state, key), entries[i]);
	}
	assert_int_equal(park_count(*state), MANY - (MANY + 2) / 3);
}

struct visit {
	struct park *park;
	unsigned seen[MANY];
	bool remove;
};

static void
on_visit(struct parked *parked, void *arg)
{
	struct visit *visit = arg;
	unsigned n = parked->key[0] | (unsigned)parked->key[1] << 8;

	visit->seen[n]++;
	if (visit->remove && n % 2 == 0)
		park_remove(visit->park, parked);
}

/* Each once, also when the visited one is removed. */
static void
each_visits_all(void **state)
{
	static struct visit visit;
	uint8_t key[CACHE_KEY_LEN];
	unsigned i;

	visit.park = *state;
	park_each(*state, on_visit, &visit); /* none there */
	for (i = 0; i < MANY; i++) {
		make_key(i, key);
		assert_int_equal(visit.seen[i], 0);
		assert_non_null(park_get(*state, key));
	}
	park_each(*state, on_visit, &visit);
	visit.remove = true;
	park_each(*state, on_visit, &visit);
	assert_int_equal(park_count(*state), MANY / 2);
	visit.remove = false;
	park_each(*state, on_visit, &visit);
	for (i = 0; i < MANY; i++)
		assert_int_equal(visit.seen[i], i % 2 == 0 ? 2 : 3);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(empty_lot),
		TEST(one_entry_per_key),
		TEST(all_bytes_of_a_key_count),
		TEST(many_come_and_go),
		TEST(each_visits_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
