/* SPDX-License-Identifier: MIT */

/* What a task keeps is found again, and all tasks together keep a bounded
 * amount. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/held.h"

static void
make_key(int n, uint8_t key[CACHE_KEY_LEN])
{
	memset(key, n, CACHE_KEY_LEN);
}

static void
what_is_kept_is_found(void **state)
{
	struct held *list = NULL;
	uint8_t key[CACHE_KEY_LEN];
	char *bytes;
	int i;

	(void)state;
	for (i = 1; i <= 3; i++) {
		bytes = malloc(2);
		assert_non_null(bytes);
		bytes[0] = (char)i;
		make_key(i, key);
		assert_true(held_add(&list, key, bytes, 2));
	}
	for (i = 1; i <= 3; i++) {
		make_key(i, key);
		assert_non_null(held_find(list, key));
		assert_int_equal(((char *)held_find(list, key)->bytes)[0], i);
	}
	make_key(4, key);
	assert_null(held_find(list, key));
	held_free(&list);
	assert_null(list);
	held_free(&list);
}

static void
there_is_a_bound_for_all(void **state)
{
	struct held *one = NULL;
	struct held *two = NULL;
	uint8_t key[CACHE_KEY_LEN];
	void *bytes = malloc(1);
	void *more = malloc(1);

	(void)state;
	make_key(1, key);
	/* The length is only counted. */
	assert_true(held_add(&one, key, bytes, HELD_BYTES_MAX));
	assert_false(held_add(&two, key, more, 1));
	held_free(&one);
	assert_true(held_add(&two, key, more, 1));
	held_free(&two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_kept_is_found),
		cmocka_unit_test(there_is_a_bound_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
