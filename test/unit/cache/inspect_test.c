/* SPDX-License-Identifier: MIT */

/*
 * A look at the cache from outside: what it tells while others work.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/inspect.h"
#include "cache/inspect_forget.h"

struct seen {
	unsigned count;
	char states[8][16];
	char errors[8][64];
	int64_t waiters[8];
	int64_t slots[8];
};

static void
see(void *context, const struct inspect_signal *row)
{
	struct seen *seen = context;
	unsigned n = seen->count++;

	assert_true(n < 8);
	assert_int_equal(64, strlen(row->key));
	(void)snprintf(seen->states[n], 16, "%s", row->state);
	(void)snprintf(seen->errors[n], 64, "%s", row->error);
	seen->waiters[n] = row->waiters;
	seen->slots[n] = row->owner_slot;
}

static void
tells_what_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct cache_claim claim = { 0 };
	struct inspect_summary sum;
	struct inspect *inspect;
	struct seen seen = { 0 };
	struct buf why = BUF_EMPTY;

	fixture_store(fixture->a, 1, "value", 60000);
	assert_int_equal(CACHE_OWNED, fixture_ask(fixture->a, 2, &claim));
	assert_int_equal(0, cache_fail(fixture->a, &claim, "boom", 60000));
	cache_claim_free(&claim);
	assert_int_equal(CACHE_OWNED, fixture_ask(fixture->a, 3, &claim));
	assert_int_equal(CACHE_WAITING, fixture_ask(fixture->b, 3, NULL));
	assert_int_equal(0, inspect_open(&inspect, fixture->dir, &why));
	assert_int_equal(0, inspect_summarize(inspect, &sum));
	assert_int_equal(1, sum.values);
	assert_true(sum.value_bytes >= 5);
	assert_int_equal(1, sum.computing);
	assert_int_equal(1, sum.ready);
	assert_int_equal(1, sum.failed);
	assert_true(sum.file_bytes > 0);
	assert_int_equal(0, inspect_signals(inspect, 100, see, &seen));
	assert_int_equal(3, seen.count);
	/* The one that runs comes first. */
	assert_string_equal("computing", seen.states[0]);
	assert_int_equal(1, seen.slots[0]);
	assert_true(seen.waiters[0] >= 1);
	assert_true(strcmp(seen.errors[1], "boom") == 0 ||
		    strcmp(seen.errors[2], "boom") == 0);
	seen.count = 0;
	assert_int_equal(0, inspect_signals(inspect, 1, see, &seen));
	assert_int_equal(1, seen.count);
	inspect_close(&inspect);
	cache_claim_free(&claim);
	fixture_check_integrity(fixture);
}

static void
check_forget(struct fixture *f, const char *function, int64_t values)
{
	struct inspect_count count;
	struct buf why = BUF_EMPTY;

	assert_int_equal(inspect_forget(f->dir, "", CACHE_GROUP_FUNCTION,
			     function, &count, &why),
	    0);
	assert_int_equal(count.values, values);
	assert_false(count.more);
	buf_free(&why);
}

/* More than a step of the walk has. */
static void
all_values_are_walked_over(void **state)
{
	struct fixture *fixture = *state;
	struct inspect_summary sum;
	struct inspect *inspect;
	struct buf why = BUF_EMPTY;
	int i;

	for (i = 0; i < 450; i++)
		fixture_store(fixture->a, i, "value", 60000);
	assert_int_equal(inspect_open(&inspect, fixture->dir, &why), 0);
	assert_int_equal(inspect_summarize(inspect, &sum), 0);
	inspect_close(&inspect);
	assert_int_equal(sum.values, 450);
	assert_int_equal(sum.expired, 0);
	check_forget(fixture, "g", 0);
	check_forget(fixture, "f", 450);
	check_forget(fixture, "f", 0);
	/* Those of before are still in the table, or not. */
	for (i = 440; i < 460; i++)
		fixture_store(fixture->a, i, "again", 60000);
	check_forget(fixture, "f", 20);
	fixture_check_integrity(fixture);
}

static void
no_cache_is_a_sentence(void **state)
{
	struct inspect *inspect;
	struct buf why = BUF_EMPTY;

	(void)state;
	assert_int_equal(-ENOENT, inspect_open(&inspect, "/nowhere", &why));
	assert_null(inspect);
	assert_string_equal("no cache in /nowhere: No such file or directory",
	    buf_cstr(&why));
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_what_is_there,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(all_values_are_walked_over,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test(no_cache_is_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
