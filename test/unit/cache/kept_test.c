/* SPDX-License-Identifier: MIT */

/*
 * Values kept in memory are given only while the database would give them:
 * whatever happens to the row, in this process or another, through this file
 * or a new one.
 */
#include "test/unit/cache/fixture.h"

#include "cache/cache_int.h"
#include "cache/kept.h"
#include "cache/plain.h"
#include "server/base/clock.h"

static void
put(struct cache *cache, int n, const char *text, int64_t ms)
{
	struct cache_life life = { .fresh_ms = ms };
	struct cache_entry entry = { .data = text, .len = strlen(text) };

	fixture_key(n, entry.key);
	assert_int_equal(cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life),
	    1);
}

static unsigned fetched;

static int
on_statement(unsigned what, void *context, void *stmt, void *text)
{
	(void)what;
	(void)context;
	(void)text;
	fetched += strstr(sqlite3_sql(stmt), ", v FROM kv") != NULL;
	return 0;
}

/* How often was the value itself fetched? */
static unsigned
count_fetches(struct cache *cache)
{
	unsigned before = fetched;

	fetched = 0;
	assert_int_equal(sqlite3_trace_v2(cache->db.handle, SQLITE_TRACE_STMT,
			     on_statement, NULL),
	    SQLITE_OK);
	return before;
}

static void
a_value_is_fetched_once(void **state)
{
	struct fixture *f = *state;
	int i;

	put(f->b, 1, "value", -1);
	(void)count_fetches(f->a);
	for (i = 0; i < 10; i++)
		assert_int_equal(fixture_lookup(f->a, 1, "value"), CACHE_HIT);
	assert_int_equal(count_fetches(f->a), 1);
	/* Something else was written: the row is asked, not fetched. */
	for (i = 0; i < 10; i++) {
		put(f->b, 100 + i, "other", -1);
		assert_int_equal(fixture_lookup(f->a, 1, "value"), CACHE_HIT);
	}
	assert_int_equal(count_fetches(f->a), 0);
	/* Another connection of the process has it, too. */
	assert_int_equal(fixture_lookup(f->b, 1, "value"), CACHE_HIT);
	put(f->b, 1, "new", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "new"), CACHE_HIT);
	assert_int_equal(count_fetches(f->a), 1);
	assert_true(kept_size() > 0);
}

/* Another process does it, while we hold the value. */
static void
in_another_process(struct fixture *f, void (*act)(struct cache *cache))
{
	struct cache *cache;
	pid_t pid;

	/* No connection crosses a fork: the child is made by a child. */
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct cache_peer peer = { .slot = 3, .worker_id = 103 };

		if (cache_open(&cache, &f->options, &peer) < 0)
			_exit(1);
		act(cache);
		_exit(0);
	}
	fixture_wait(pid);
}

static void
act_replace(struct cache *cache)
{
	put(cache, 1, "replaced", -1);
}

static void
act_remove(struct cache *cache)
{
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(1, key);
	assert_int_equal(cache_remove(cache, key), 1);
}

static void
act_forget(struct cache *cache)
{
	assert_int_equal(cache_forget(cache, CACHE_GROUP_ALL, ""), 0);
}

/*
 * A child that was forked while connections were open may not open the same
 * file (POSIX locks), so the one who looks is a child as well, told by pipes.
 */
static void
looker(struct fixture *f, int in, int out)
{
	static const char *const wants[] = { "value", "value", "replaced" };
	char byte;
	int n = 0;
	int rc;

	f->a = fixture_open(f, 1, 101);
	while (read(in, &byte, 1) == 1) {
		rc = fixture_lookup(f->a, 1, wants[n < 2 ? n : 2]);
		byte = (char)rc;
		n++;
		if (write(out, &byte, 1) != 1)
			break;
	}
	cache_close(&f->a);
	_exit(0);
}

static void
what_others_do_is_seen(void **state)
{
	struct fixture *f = *state;
	int to[2];
	int from[2];
	char byte = 0;
	pid_t pid;
	int i;

	put(f->a, 1, "value", -1);
	cache_close(&f->a);
	cache_close(&f->b);
	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(to[1]);
		looker(f, to[0], from[1]);
	}
#define LOOK(want)                                    \
	assert_int_equal(write(to[1], &byte, 1), 1);  \
	assert_int_equal(read(from[0], &byte, 1), 1); \
	assert_int_equal(byte, want)
	LOOK(CACHE_HIT);
	LOOK(CACHE_HIT);
	in_another_process(f, act_replace);
	LOOK(CACHE_HIT);
	in_another_process(f, act_remove);
	LOOK(CACHE_MISS);
	in_another_process(f, act_replace);
	LOOK(CACHE_HIT);
	in_another_process(f, act_forget);
	LOOK(CACHE_MISS);
	(void)close(to[1]);
	fixture_wait(pid);
	for (i = 0; i < 2; i++)
		(void)close(from[i]);
	(void)close(to[0]);
}

static void
time_and_moment_count(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int64_t until = clock_wall_ms() + 20000;

	fixture_key(1, key);
	put(f->a, 1, "brief", 300);
	assert_int_equal(fixture_lookup(f->a, 1, "brief"), CACHE_HIT);
	assert_int_equal(cache_lookup_since(f->a, key, clock_wall_ms() + 1000,
			     &out, &format),
	    CACHE_MISS);
	while (fixture_lookup(f->a, 1, "brief") == CACHE_HIT)
		assert_true(clock_wall_ms() < until);
	buf_free(&out);
}

/* In a transaction all look-ups see the moment when it began. */
static void
a_transaction_sees_one_moment(void **state)
{
	struct fixture *f = *state;

	put(f->b, 1, "old", -1);
	put(f->b, 2, "old", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "old"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->a, 2, "old"), CACHE_HIT);
	assert_int_equal(cache_read_begin(f->a), 0);
	assert_int_equal(fixture_lookup(f->a, 1, "old"), CACHE_HIT);
	put(f->b, 1, "new", -1);
	put(f->b, 2, "new", -1);
	/* The other connection has put the new ones into the memory. */
	assert_int_equal(fixture_lookup(f->b, 1, "new"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->b, 2, "new"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->a, 1, "old"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->a, 2, "old"), CACHE_HIT);
	cache_read_end(f->a);
	assert_int_equal(fixture_lookup(f->a, 1, "new"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->a, 2, "new"), CACHE_HIT);
}

/* Two files whose logs are empty look the same in the wal-index. */
static void
another_file_has_other_values(void **state)
{
	struct fixture *f = *state;
	char path[128];

	put(f->a, 1, "value", -1);
	cache_close(&f->a);
	cache_close(&f->b);
	assert_int_equal(fixture_prepare(f), 0); /* empties the log */
	f->a = fixture_open(f, 1, 101);
	assert_int_equal(fixture_lookup(f->a, 1, "value"), CACHE_HIT);
	assert_int_equal(fixture_lookup(f->a, 1, "value"), CACHE_HIT);
	fixture_path(f, "cache-v1.db", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fixture_prepare(f), 0);
	cache_watch(f->a);
	assert_int_equal(fixture_lookup(f->a, 1, ""), CACHE_MISS);
}

static void
the_bound_is_kept(void **state)
{
	static char text[60001];
	struct fixture *f = *state;
	int i;

	memset(text, 'x', sizeof(text) - 1);
	kept_set_limit(500000);
	for (i = 0; i < 40; i++) {
		put(f->a, i, text, -1);
		assert_int_equal(fixture_lookup(f->a, i, text), CACHE_HIT);
		assert_true(kept_size() <= 500000);
	}
	assert_true(kept_size() > 400000);
	/* One that would take too much of it. */
	kept_set_limit(200000);
	assert_true(kept_size() <= 200000);
	kept_clear();
	assert_int_equal(fixture_lookup(f->a, 1, text), CACHE_HIT);
	assert_int_equal(kept_size(), 0);
	kept_set_limit(0);
	put(f->a, 1, "short", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "short"), CACHE_HIT);
	assert_int_equal(kept_size(), 0);
}

/* Out of memory in SQLite: what is only kept makes room. */
static void
they_go_first_when_memory_is_short(void **state)
{
	struct fixture *f = *state;

	fixture_store(f->a, 1, "value", -1);
	assert_int_equal(fixture_lookup(f->b, 1, "value"), CACHE_HIT);
	assert_true(kept_size() > 0);
	assert_int_equal(db_failed(&f->b->db, SQLITE_NOMEM, "test"), ERR_STORE);
	assert_int_equal(kept_size(), 0);
	assert_int_equal(fixture_lookup(f->b, 1, "value"), CACHE_HIT);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_value_is_fetched_once),
		CASE(what_others_do_is_seen),
		CASE(time_and_moment_count),
		CASE(a_transaction_sees_one_moment),
		CASE(another_file_has_other_values),
		CASE(the_bound_is_kept),
		CASE(they_go_first_when_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
