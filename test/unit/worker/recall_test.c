/* SPDX-License-Identifier: MIT */

/* Kept answers are found by key and by body, and the oldest make room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/recall.h"

#define BYTES_MAX ((size_t)1 << 20)
#define MANY 20000 /* more than there are buckets */

static int
set_up(void **state)
{
	struct recall *recall = recall_new(BYTES_MAX);

	*state = recall;
	return recall != NULL ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct recall *recall = *state;

	recall_free(&recall);
	recall_free(&recall); /* accepts NULL */
	return 0;
}

static void
key_of(int n, uint8_t key[CACHE_KEY_LEN])
{
	memset(key, 0, CACHE_KEY_LEN);
	memcpy(key + 8, &n, sizeof(n)); /* the same first word for all */
}

static struct blob *
blob_of(int n, size_t len)
{
	char *data = malloc(len);

	assert_non_null(data);
	memset(data, n & 0xff, len);
	return blob_new(data, len);
}

static struct recalled *
keep(struct recall *recall, int n, size_t len)
{
	struct recalled about = { .seen = { .created = n } };
	struct recalled *kept;

	key_of(n, about.key);
	about.blob = blob_of(n, len);
	kept = recall_keep(recall, &about, &n, sizeof(n));
	blob_unref(about.blob);
	return kept;
}

static struct recalled *
find(struct recall *recall, int n)
{
	uint8_t key[CACHE_KEY_LEN];

	key_of(n, key);
	return recall_find(recall, key);
}

static void
is_found_by_key_and_by_body(void **state)
{
	struct recall *recall = *state;
	struct recalled *kept = keep(recall, 7, 100);

	assert_non_null(kept);
	assert_int_equal(kept->seen.created, 7);
	assert_int_equal(kept->blob->len, 100);
	assert_int_equal(kept->arguments.len, sizeof(int));
	assert_ptr_equal(find(recall, 7), kept);
	assert_null(find(recall, 8));
	assert_null(recall_find_body(recall, "body", 4));
	recall_add_body(recall, kept, "body", 4);
	recall_add_body(recall, kept, "body", 4); /* once is enough */
	recall_add_body(recall, kept, "", 0);
	assert_ptr_equal(recall_find_body(recall, "body", 4), kept);
	assert_ptr_equal(recall_find_body(recall, "", 0), kept);
	assert_null(recall_find_body(recall, "bodx", 4));
	assert_null(recall_find_body(recall, "bod", 3));
	recall_drop(recall, kept);
	assert_null(find(recall, 7));
	assert_null(recall_find_body(recall, "body", 4));
	assert_int_equal(recall_bytes(recall), 0);
}

static void
a_new_one_takes_the_place_of_the_old(void **state)
{
	struct recall *recall = *state;
	struct recalled *kept = keep(recall, 1, 1000);

	recall_add_body(recall, kept, "body", 4);
	kept = keep(recall, 1, 10);
	assert_ptr_equal(find(recall, 1), kept);
	assert_int_equal(kept->blob->len, 10);
	assert_null(recall_find_body(recall, "body", 4));
	assert_true(recall_bytes(recall) < 1000);
}

static void
bytes_that_are_in_use_outlive_their_entry(void **state)
{
	struct recall *recall = *state;
	struct blob *blob = blob_ref(keep(recall, 1, 10)->blob);

	recall_drop(recall, find(recall, 1));
	assert_int_equal(blob->data[9], 1);
	blob_unref(blob);
}

static void
what_was_not_used_goes_first(void **state)
{
	struct recall *recall = *state;
	size_t most = 0;
	char body[32];
	int n;

	for (n = 0; n < MANY; n++) {
		struct recalled *kept = keep(recall, n, 300);

		assert_non_null(kept);
		(void)snprintf(body, sizeof(body), "body %d", n);
		recall_add_body(recall, kept, body, sizeof(body));
		assert_true(recall_bytes(recall) <= BYTES_MAX);
		if (recall_bytes(recall) > most)
			most = recall_bytes(recall);
		assert_non_null(find(recall, 0)); /* used all the time */
	}
	assert_true(most > BYTES_MAX - 2000);
	assert_null(find(recall, 1));
	assert_non_null(find(recall, MANY - 1));
	assert_ptr_equal(recall_find_body(recall, body, sizeof(body)),
	    find(recall, MANY - 1));
	for (n = 0; n < MANY; n++) {
		if (find(recall, n) != NULL)
			recall_drop(recall, find(recall, n));
	}
	assert_int_equal(recall_bytes(recall), 0);
}

static void
large_ones_pass_while_somebody_holds_them(void **state)
{
	struct recall *recall = *state;
	static char body[64 * 1024];
	struct recalled *kept;
	struct blob *held;
	size_t bytes;

	assert_non_null(keep(recall, 1, 1000));
	bytes = recall_bytes(recall);
	held = blob_ref(keep(recall, 2, BYTES_MAX / 2)->blob);
	assert_int_equal(recall_bytes(recall), bytes);
	recall_sweep(recall);
	assert_ptr_equal(find(recall, 2)->blob, held);
	recall_add_body(recall, find(recall, 2), "body", 4);
	assert_null(recall_find_body(recall, "body", 4));
	/* Another one makes those go that nobody holds. */
	assert_non_null(keep(recall, 3, BYTES_MAX));
	assert_non_null(keep(recall, 4, BYTES_MAX));
	assert_null(find(recall, 3));
	assert_non_null(find(recall, 2));
	blob_unref(held);
	recall_sweep(recall);
	assert_null(find(recall, 2));
	assert_null(find(recall, 4));
	kept = find(recall, 1);
	assert_non_null(kept);
	recall_add_body(recall, kept, body, sizeof(body));
	assert_null(recall_find_body(recall, body, sizeof(body)));
}

static void
nothing_is_kept_where_nothing_may_be(void **state)
{
	struct recall *none = recall_new(0);

	(void)state;
	recall_sweep(NULL);
	assert_non_null(keep(none, 1, 1));
	assert_int_equal(recall_bytes(none), 0);
	recall_sweep(none);
	assert_null(find(none, 1));
	assert_non_null(keep(none, 1, 1)); /* freed with it */
	recall_free(&none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_found_by_key_and_by_body,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_new_one_takes_the_place_of_the_old, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    bytes_that_are_in_use_outlive_their_entry, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(what_was_not_used_goes_first,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    large_ones_pass_while_somebody_holds_them, set_up,
		    tear_down),
		cmocka_unit_test(nothing_is_kept_where_nothing_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
