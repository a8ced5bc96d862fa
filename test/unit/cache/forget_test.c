/* SPDX-License-Identifier: MIT */

/*
 * Forgetting costs the same however much is forgotten: the steps of SQLite's
 * machine are counted for a thousand rows and for a hundred thousand, and the
 * time has a wide bound.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/plain.h"
#include "server/base/clock.h"

#define BATCH 1000

/* `count` entries with a tag, some hundred bytes each. */
static void
fill(struct fixture *f, int from, int count)
{
	static const char *const tag = "tag";
	static const char data[100] = "data";
	struct cache_life life = { .fresh_ms = -1,
		.tags = &tag,
		.tag_count = 1 };
	static struct cache_entry entries[BATCH];
	int i;

	for (; count > 0; count -= BATCH, from += BATCH) {
		for (i = 0; i < BATCH; i++) {
			fixture_key(from + i, entries[i].key);
			entries[i].data = data;
			entries[i].len = sizeof(data);
		}
		f->a->db.wal_frames = 0; /* there is no keeper to wait for */
		assert_int_equal(
		    cache_put(f->a, entries, BATCH, CACHE_PUT_ALWAYS, &life),
		    1);
	}
}

/* Steps since the last call, over all statements. */
static int
count_steps(struct fixture *f)
{
	int steps = 0;
	unsigned i;

	for (i = 0; i < STATEMENT_COUNT; i++) {
		if (f->a->db.statements[i] != NULL)
			steps += sqlite3_stmt_status(f->a->db.statements[i],
			    SQLITE_STMTSTATUS_VM_STEP, 1);
	}
	return steps;
}

struct cost {
	int steps;
	int64_t us; /* the best of some */
};

static struct cost
forget(struct fixture *f, enum cache_group group, const char *name)
{
	struct cost cost = { .us = INT64_MAX };
	int64_t from;
	int i;

	for (i = 0; i < 5; i++) {
		(void)count_steps(f);
		f->a->db.wal_frames = 0;
		from = clock_mono_us();
		assert_int_equal(cache_forget(f->a, group, name), 0);
		from = clock_mono_us() - from;
		cost.steps = count_steps(f);
		if (from < cost.us)
			cost.us = from;
	}
	return cost;
}

static const struct {
	enum cache_group group;
	const char *name;
} groups[] = {
	{ CACHE_GROUP_TAG, "tag" },
	{ CACHE_GROUP_FUNCTION, "f" },
	{ CACHE_GROUP_SCOPE, "session:1" },
	{ CACHE_GROUP_ALL, "" },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static void
any_number_at_the_same_cost(void **state)
{
	struct fixture f;
	struct cost few[GROUPS];
	struct cost many;
	size_t i;

	(void)state;
	fixture_init(&f);
	f.options.cache_threshold = 0;
	assert_int_equal(fixture_prepare(&f), 0);
	f.a = fixture_open(&f, 1, 101);
	fill(&f, 0, 1000);
	for (i = 0; i < GROUPS; i++)
		few[i] = forget(&f, groups[i].group, groups[i].name);
	fill(&f, 0, 100000);
	assert_int_equal(fixture_state(f.a, 99999), CACHE_READY);
	for (i = 0; i < GROUPS; i++) {
		many = forget(&f, groups[i].group, groups[i].name);
		print_message("%zu: %d steps, %lld us; of 100,000: %d steps, "
			      "%lld us\n",
		    i, few[i].steps, (long long)few[i].us, many.steps,
		    (long long)many.us);
		assert_true(many.steps <= few[i].steps + 20);
		assert_true(many.us < 20 * few[i].us + 50000);
	}
	assert_int_equal(fixture_state(f.a, 0), -ENOENT);
	assert_int_equal(fixture_state(f.a, 99999), -ENOENT);
	fixture_fini(&f);
}

/* A tag that was forgotten before the entry had it says nothing of it. */
static void
a_touched_entry_has_its_new_tags_from_now_on(void **state)
{
	static const char *const new_tag = "new";
	static const char *const old_tag = "old";
	struct cache_life with_old = { .fresh_ms = -1,
		.tags = &old_tag,
		.tag_count = 1 };
	struct cache_life with_new = { .fresh_ms = -1,
		.tags = &new_tag,
		.tag_count = 1 };
	struct cache_entry entry = { .data = "v", .len = 1 };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(fixture_prepare(&f), 0);
	f.a = fixture_open(&f, 1, 101);
	fixture_key(1, entry.key);
	assert_int_equal(cache_put(f.a, &entry, 1, CACHE_PUT_ALWAYS, &with_old),
	    1);
	assert_int_equal(cache_forget(f.a, CACHE_GROUP_TAG, new_tag), 0);
	assert_int_equal(cache_touch(f.a, entry.key, &with_new), 1);
	assert_int_equal(fixture_lookup(f.a, 1, "v"), CACHE_HIT);
	/* From now on it goes with the new one, and not with the old one. */
	assert_int_equal(cache_forget(f.a, CACHE_GROUP_TAG, old_tag), 0);
	assert_int_equal(fixture_lookup(f.a, 1, "v"), CACHE_HIT);
	assert_int_equal(cache_forget(f.a, CACHE_GROUP_TAG, new_tag), 0);
	assert_int_equal(fixture_lookup(f.a, 1, "v"), CACHE_MISS);
	/* What is forgotten already is not touched. */
	assert_int_equal(cache_touch(f.a, entry.key, &with_old), 0);
	fixture_fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_at_the_same_cost),
		cmocka_unit_test(a_touched_entry_has_its_new_tags_from_now_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
