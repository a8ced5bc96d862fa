/* SPDX-License-Identifier: MIT */

/*
 * Keys: the same call has the same key in every thread, and no two different
 * calls have one, however their parts are cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "cache/memo_key.h"

static const struct call {
	const char *prefix;
	const char *function;
	uint32_t version;
	const char *scope;
	const char *arguments;
	size_t len;
} calls[] = {
	{ "", "f", 1, "", "", 0 },
	{ "f", "", 1, "", "", 0 },
	{ "", "", 1, "f", "", 0 },
	{ "", "", 1, "", "f", 1 },
	{ "", "f", 2, "", "", 0 },
	{ "", "f", 256, "", "", 0 },
	{ "", "ff", 1, "", "", 0 },
	{ "f", "f", 1, "", "", 0 },
	{ "", "f", 1, "f", "", 0 },
	{ "", "f", 1, "s", "", 0 },
	{ "", "f", 1, "", "s", 1 },
	{ "", "f", 1, "", "\0", 1 },
	{ "", "f", 1, "", "\0\0", 2 },
	{ "ab", "c", 1, "", "", 0 },
	{ "a", "bc", 1, "", "", 0 },
	{ "abc", "", 1, "", "", 0 },
	{ "", "f", 0x01000000, "", "", 0 },
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

static void
make(const struct call *call, uint8_t key[CACHE_KEY_LEN])
{
	assert_int_equal(memo_key(call->prefix, call->function, call->version,
			     call->scope, call->arguments, call->len, key),
	    0);
}

static void
different_calls_have_different_keys(void **state)
{
	uint8_t keys[CALLS][CACHE_KEY_LEN];
	uint8_t again[CACHE_KEY_LEN];
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < CALLS; i++)
		make(&calls[i], keys[i]);
	for (i = 0; i < CALLS; i++) {
		make(&calls[i], again);
		assert_memory_equal(again, keys[i], CACHE_KEY_LEN);
		for (j = 0; j < i; j++)
			assert_memory_not_equal(keys[i], keys[j],
			    CACHE_KEY_LEN);
	}
}

/* The layout is stored on disk by way of its hashes: it must not drift. */
static void
the_key_of_a_known_call(void **state)
{
	static const uint8_t want[CACHE_KEY_LEN] = { 0x42, 0xfa, 0x2a, 0xe4,
		0x5c, 0xfb, 0x97, 0x4c, 0xd2, 0x16, 0x12, 0x29, 0xc5, 0x52,
		0x6d, 0x92, 0x2a, 0x55, 0xda, 0x62, 0x50, 0xd3, 0xff, 0x30,
		0x06, 0xed, 0xbb, 0x0e, 0xf0, 0xeb, 0x78, 0x4a };
	uint8_t key[CACHE_KEY_LEN];

	(void)state;
	assert_int_equal(memo_key("p", "f", 3, "s", "abc", 3, key), 0);
	assert_memory_equal(key, want, CACHE_KEY_LEN);
}

static void *
make_in_thread(void *context)
{
	uint8_t(*key)[CACHE_KEY_LEN] = context;
	int i;

	for (i = 0; i < 100; i++)
		make(&calls[3], *key);
	return NULL;
}

static void
threads_agree(void **state)
{
	uint8_t keys[4][CACHE_KEY_LEN];
	pthread_t threads[4];
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, make_in_thread, &keys[i]),
		    0);
	for (i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (i = 1; i < 4; i++)
		assert_memory_equal(keys[i], keys[0], CACHE_KEY_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(different_calls_have_different_keys),
		cmocka_unit_test(the_key_of_a_known_call),
		cmocka_unit_test(threads_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
