/* SPDX-License-Identifier: MIT */

/*
 * Computations that wait for one another: chains are fine, circles are found
 * whoever closes them, and nothing is left behind by the one that was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/cache.h"
#include "server/base/err.h"

#define KEYS 4

struct scene {
	char dir[32];
	struct cache_options options;
	struct cache *cache;
	struct cache_claim claims[KEYS];
};

static const uint8_t *
key_of(unsigned number)
{
	static uint8_t keys[128][CACHE_KEY_LEN];

	memset(keys[number], (int)number + 1, CACHE_KEY_LEN);
	return keys[number];
}

static void
own(struct scene *scene, unsigned number)
{
	assert_int_equal(cache_ask(scene->cache, key_of(number), "f", "", 0,
			     &scene->claims[number], NULL),
	    CACHE_OWNED);
}

static int
ask_within(struct scene *scene, unsigned asker, unsigned number)
{
	return cache_ask_within(scene->cache, key_of(asker), key_of(number),
	    "f", "", 0, NULL);
}

static int
setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct cache_peer peer = { .slot = 1, .worker_id = 7 };
	struct buf why = BUF_EMPTY;

	assert_non_null(scene);
	strcpy(scene->dir, "/tmp/ph-chain-XXXXXX");
	assert_non_null(mkdtemp(scene->dir));
	scene->options.cache_type = "sqlite";
	scene->options.cache_dir = scene->dir;
	scene->options.cache_key_prefix = "";
	scene->options.cache_busy_timeout = 1;
	scene->options.compute_lease = 15;
	scene->options.compute_attempts = 3;
	assert_int_equal(cache_prepare(&scene->options, &why), 0);
	assert_int_equal(cache_open(&scene->cache, &scene->options, &peer), 0);
	buf_free(&why);
	*state = scene;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *scene = *state;
	char command[64];
	int i;

	for (i = 0; i < KEYS; i++)
		cache_claim_free(&scene->claims[i]);
	cache_close(&scene->cache);
	(void)snprintf(command, sizeof(command), "rm -rf %s", scene->dir);
	assert_int_equal(system(command), 0);
	free(scene);
	return 0;
}

static void
a_chain_is_no_circle(void **state)
{
	struct scene *scene = *state;

	own(scene, 0);
	own(scene, 1);
	own(scene, 2);
	assert_int_equal(ask_within(scene, 0, 1), CACHE_WAITING);
	assert_int_equal(ask_within(scene, 1, 2), CACHE_WAITING);
	assert_int_equal(ask_within(scene, 2, 3), CACHE_WANTED_NEW);
	/* Asking again changes nothing. */
	assert_int_equal(ask_within(scene, 0, 1), CACHE_WAITING);
}

static void
a_value_of_itself(void **state)
{
	struct scene *scene = *state;

	own(scene, 0);
	assert_int_equal(ask_within(scene, 0, 0), ERR_CYCLE);
}

static void
a_circle_of_three(void **state)
{
	struct scene *scene = *state;

	own(scene, 0);
	own(scene, 1);
	own(scene, 2);
	assert_int_equal(ask_within(scene, 0, 1), CACHE_WAITING);
	assert_int_equal(ask_within(scene, 1, 2), CACHE_WAITING);
	assert_int_equal(ask_within(scene, 2, 0), ERR_CYCLE);
	/* The one that was refused fails; the others can go on. */
	assert_int_equal(
	    cache_fail(scene->cache, &scene->claims[2], "cycle", 60000), 0);
	assert_int_equal(ask_within(scene, 1, 2), CACHE_FAILED);
}

static void
a_value_that_came_breaks_the_chain(void **state)
{
	struct scene *scene = *state;

	own(scene, 0);
	own(scene, 1);
	assert_int_equal(ask_within(scene, 0, 1), CACHE_WAITING);
	assert_int_equal(cache_publish(scene->cache, &scene->claims[1],
			     CACHE_FORMAT_VALUE, "x", 1, -1),
	    0);
	assert_int_equal(ask_within(scene, 0, 1), CACHE_READY);
	/* 0 is still marked as waiting for 1; others may wait for 0. */
	own(scene, 2);
	assert_int_equal(ask_within(scene, 2, 0), CACHE_WAITING);
}

static void
a_new_owner_starts_without_a_chain(void **state)
{
	struct scene *scene = *state;
	struct cache_claim next = { .epoch = 0 };

	own(scene, 0);
	own(scene, 1);
	assert_int_equal(ask_within(scene, 0, 1), CACHE_WAITING);
	assert_int_equal(cache_release(scene->cache, &scene->claims[0]), 0);
	assert_int_equal(cache_claim_next(scene->cache, &next), 0);
	assert_memory_equal(next.key, key_of(0), CACHE_KEY_LEN);
	assert_int_equal(ask_within(scene, 1, 0), CACHE_WAITING);
	assert_int_equal(ask_within(scene, 0, 1), ERR_CYCLE);
	cache_claim_free(&next);
}

static void
an_endless_chain_is_refused(void **state)
{
	struct scene *scene = *state;
	struct cache_claim claim = { .epoch = 0 };
	int rc = CACHE_WAITING;
	unsigned i;

	/* Each waits for the one before it; the walk gets longer. */
	for (i = 0; i < 100 && rc > 0; i++) {
		assert_int_equal(cache_ask(scene->cache, key_of(i), "f", "", 0,
				     &claim, NULL),
		    CACHE_OWNED);
		if (i > 0)
			rc = ask_within(scene, i, i - 1);
	}
	assert_int_equal(rc, ERR_CYCLE);
	assert_true(i > 50);
	cache_claim_free(&claim);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_chain_is_no_circle),
		TEST(a_value_of_itself),
		TEST(a_circle_of_three),
		TEST(a_value_that_came_breaks_the_chain),
		TEST(a_new_owner_starts_without_a_chain),
		TEST(an_endless_chain_is_refused),
	};
#undef TEST

	return cmocka_run_group_tests_name("cache/chain", tests, NULL, NULL);
}
