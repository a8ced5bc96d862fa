/* SPDX-License-Identifier: MIT */

/*
 * Values kept in memory are given only while the database would give them:
 * whatever happens to the row, in this process or another, through this file
 * or a new one.
 */
#include "test/unit/cache/fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "cache/cache_int.h"
#include "cache/gate.h"
#include "cache/kept.h"
#include "cache/now.h"
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
static unsigned asked;

static int
on_statement(unsigned what, void *context, void *stmt, void *text)
{
	(void)what;
	(void)context;
	(void)text;
	fetched += strstr(sqlite3_sql(stmt), ", v FROM kv") != NULL;
	asked++;
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
	/* Something else was written: not even the row is asked. */
	asked = 0;
	for (i = 0; i < 10; i++) {
		put(f->b, 100 + i, "other", -1);
		assert_int_equal(fixture_lookup(f->a, 1, "value"), CACHE_HIT);
	}
	assert_int_equal(asked, 0);
	/* Somebody who does not tell what: it is asked, not fetched. */
	for (i = 0; i < 10; i++) {
		(void)fixture_sql(f, "UPDATE uses SET used = used - 1");
		assert_int_equal(fixture_lookup(f->a, 1, "value"), CACHE_HIT);
	}
	assert_int_equal(count_fetches(f->a), 0);
	assert_true(asked >= 10);
	(void)fixture_sql(f, "UPDATE kv SET created = created - 1");
	(void)fixture_lookup(f->a, 1, "value"); /* its sum is wrong now */
	assert_int_equal(count_fetches(f->a), 1);
	put(f->b, 1, "value", -1);
	assert_int_equal(fixture_lookup(f->a, 1, "value"), CACHE_HIT);
	(void)count_fetches(f->a);
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

enum { WRITERS = 3, KEYS = 60 };

/* What has been written for certain, by key; shared by all processes. */
struct promises {
	_Atomic int64_t least[KEYS];
	_Atomic unsigned wrong;
	_Atomic unsigned looks;
	_Atomic bool stop;
};

/* Each writes the keys that are its own, ever higher numbers, and reads all. */
static void
write_and_look(struct fixture *f, struct promises *promises, unsigned who)
{
	struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entries[KEYS / WRITERS];
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int64_t number = clock_mono_us() * 16; /* above all before */
	int64_t found;
	int64_t least;
	unsigned dice = who * 7919 + 1;
	unsigned count;
	unsigned k;
	unsigned i;

	f->a = fixture_open(f, who + 1, 101 + (int)who);
	while (!promises->stop) {
		dice = dice * 1664525 + 1013904223;
		/* One mostly, sometimes more than the news have room for. */
		count = dice >> 16 & 15 ? 1 : KEYS / WRITERS;
		number++;
		for (i = 0; i < count; i++) {
			k = (dice >> 20) + i;
			k = k % (KEYS / WRITERS) * WRITERS + who;
			fixture_key((int)k, entries[i].key);
			entries[i].data = &number;
			entries[i].len = sizeof(number);
		}
		if (dice >> 28 < 4 && cache_put(f->a, entries, count,
					  CACHE_PUT_ALWAYS, &life) == 1) {
			for (i = 0; i < count; i++) {
				k = (dice >> 20) + i;
				k = k % (KEYS / WRITERS) * WRITERS + who;
				promises->least[k] = number;
			}
		}
		k = (dice >> 8) % KEYS;
		fixture_key((int)k, key);
		least = promises->least[k];
		if (cache_lookup(f->a, key, &out, &format) != CACHE_HIT)
			continue;
		memcpy(&found, out.data, sizeof(found));
		promises->wrong += found < least;
		promises->looks++;
	}
	buf_free(&out);
	cache_close(&f->a);
	_exit(0);
}

static pid_t
start_writer(struct fixture *f, struct promises *promises, unsigned who)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		write_and_look(f, promises, who);
	return pid;
}

/* Also while writers are killed wherever they are. */
static void
nobody_sees_what_is_over(void **state)
{
	struct promises *promises = mmap(NULL, sizeof(*promises),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fixture *f = *state;
	pid_t pids[WRITERS];
	unsigned i;

	assert_true(promises != MAP_FAILED);
	cache_close(&f->a);
	cache_close(&f->b);
	for (i = 0; i < WRITERS; i++)
		pids[i] = start_writer(f, promises, i);
	for (i = 0; i < 20; i++) {
		gate_nap(30000);
		(void)kill(pids[0], SIGKILL);
		(void)waitpid(pids[0], NULL, 0);
		pids[0] = start_writer(f, promises, 0);
	}
	promises->stop = true;
	for (i = 0; i < WRITERS; i++)
		fixture_wait(pids[i]);
	assert_int_equal(promises->wrong, 0);
	assert_true(promises->looks > 1000);
	assert_int_equal(munmap(promises, sizeof(*promises)), 0);
}

static void
time_and_moment_count(void **state)
{
	struct fixture *f = *state;
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int64_t until = cache_now_ms() + 20000;

	fixture_key(1, key);
	put(f->a, 1, "brief", 300);
	assert_int_equal(fixture_lookup(f->a, 1, "brief"), CACHE_HIT);
	assert_int_equal(
	    cache_lookup_since(f->a, key, cache_now_ms() + 1000, &out, &format),
	    CACHE_MISS);
	while (fixture_lookup(f->a, 1, "brief") == CACHE_HIT)
		assert_true(cache_now_ms() < until);
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
		CASE(nobody_sees_what_is_over),
		CASE(time_and_moment_count),
		CASE(a_transaction_sees_one_moment),
		CASE(another_file_has_other_values),
		CASE(the_bound_is_kept),
		CASE(they_go_first_when_memory_is_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
