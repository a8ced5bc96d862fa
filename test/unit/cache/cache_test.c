/* SPDX-License-Identifier: MIT */

/*
 * Many processes on one database: exactly one computes, a killed one is
 * followed, a kill at any moment leaves a sound file.
 *
 * Connections are opened after fork only, in the children and, between two
 * generations of them, in the parent.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "cache/cache_int.h"
#include "cache/gate.h"
#include "server/base/clock.h"

#define CHILDREN 4
#define KEYS 200
#define DEADLINE_MS 60000

static int
setup(void **state)
{
	struct fixture *fixture = malloc(sizeof(*fixture));

	if (fixture == NULL)
		return -1;
	fixture_init(fixture);
	fixture->options.cache_busy_timeout = 30;
	assert_int_equal(fixture_prepare(fixture), 0);
	*state = fixture;
	return 0;
}

/* In a child nothing may be asserted: it ends with a number instead. */
#define CHECK(condition)                        \
	do {                                    \
		if (!(condition))               \
			_exit(__LINE__ & 0xff); \
	} while (0)

static pid_t
start(struct fixture *f, unsigned i, void (*run)(struct fixture *, unsigned))
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		run(f, i);
		_exit(0);
	}
	return pid;
}

static struct cache *
child_open(struct fixture *f, unsigned i)
{
	struct cache_peer peer = { .slot = i,
		.worker_id = 200 + i,
		.wake_fds = f->wake_fds,
		.slot_count = SLOTS };
	struct cache *cache;

	CHECK(cache_open(&cache, &f->options, &peer) == 0);
	return cache;
}

static int
child_ask(struct cache *cache, int n, struct cache_claim *claim)
{
	uint8_t key[CACHE_KEY_LEN];

	CHECK(memo_key("", "f", 1, "", &n, sizeof(n), key) == 0);
	return cache_ask(cache, key, "f", &n, sizeof(n), claim, NULL);
}

/* The value of n as process i computes it. */
static size_t
make_value(int n, unsigned i, char text[64])
{
	return (size_t)snprintf(text, 64, "value %d by %u", n, i);
}

/* The value must be one that somebody made for n. */
static bool
read_value(struct cache *cache, int n)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	char want[64];
	size_t len;
	int rc;

	CHECK(memo_key("", "f", 1, "", &n, sizeof(n), key) == 0);
	rc = cache_lookup(cache, key, &out, &format);
	CHECK(rc == CACHE_HIT || rc == CACHE_MISS);
	if (rc == CACHE_HIT) {
		len = make_value(n, 0, want);
		CHECK(out.len == len);
		CHECK(memcmp(out.data, want, len - 1) == 0);
	}
	buf_free(&out);
	return rc == CACHE_HIT;
}

/*
 * Wait on the own eventfd alone. There is no timer underneath: a wake-up
 * that is lost ends the test.
 */
static void
wait_for_value(struct fixture *f, struct cache *cache, unsigned i, int n)
{
	struct pollfd ready = { .fd = f->wake_fds[i], .events = POLLIN };

	while (!read_value(cache, n)) {
		CHECK(poll(&ready, 1, DEADLINE_MS) == 1);
		(void)fd_event_drain(ready.fd);
	}
}

static void
run_collide(struct fixture *f, unsigned i)
{
	struct cache *cache = child_open(f, i);
	struct cache_claim claim = { .epoch = 0 };
	char text[64];
	int n;
	int rc;

	for (n = 0; n < KEYS; n++) {
		rc = child_ask(cache, n, &claim);
		CHECK(rc == CACHE_OWNED || rc == CACHE_WAITING ||
		      rc == CACHE_READY);
		if (rc == CACHE_OWNED)
			CHECK(cache_publish(cache, &claim, CACHE_FORMAT_VALUE,
				  text, make_value(n, i, text), -1) == 0);
		else
			wait_for_value(f, cache, i, n);
		CHECK(read_value(cache, n));
	}
	cache_claim_free(&claim);
	cache_close(&cache);
}

static void
exactly_one_computes(void **state)
{
	struct fixture *f = *state;
	pid_t pids[CHILDREN];
	unsigned i;

	for (i = 0; i < CHILDREN; i++)
		pids[i] = start(f, i, run_collide);
	for (i = 0; i < CHILDREN; i++)
		fixture_wait(pids[i]);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signals"), KEYS);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signals WHERE "
					"state = 3 AND computations = 1"),
	    KEYS);
	assert_int_equal(fixture_sql(f, "SELECT count(*) FROM kv"), KEYS);
	fixture_check_integrity(f);
}

/* As above, by way of `wanted` rows: whoever is idle takes the next. */
static void
run_share(struct fixture *f, unsigned i)
{
	struct cache *cache = child_open(f, i);
	struct cache_claim claim = { .epoch = 0 };
	struct pollfd ready = { .fd = f->wake_fds[i], .events = POLLIN };
	char text[64];
	int done = 0;
	int n;
	int rc;

	for (n = 0; n < KEYS; n++) {
		rc = child_ask(cache, (n + (int)i * 50) % KEYS, NULL);
		CHECK(rc == CACHE_WANTED_NEW || rc == CACHE_WAITING ||
		      rc == CACHE_READY);
	}
	while ((rc = cache_claim_next(cache, &claim)) == 0) {
		memcpy(&n, claim.arguments.data, sizeof(n));
		CHECK(cache_publish(cache, &claim, CACHE_FORMAT_VALUE, text,
			  make_value(n, i, text), -1) == 0);
	}
	CHECK(rc == -ENOENT);
	for (n = 0; n < KEYS; n++) {
		while (!read_value(cache, n)) {
			CHECK(poll(&ready, 1, DEADLINE_MS) == 1);
			(void)fd_event_drain(ready.fd);
		}
		done++;
	}
	CHECK(done == KEYS);
	cache_claim_free(&claim);
	cache_close(&cache);
}

static void
wanted_rows_are_shared_out(void **state)
{
	struct fixture *f = *state;
	pid_t pids[CHILDREN];
	unsigned i;

	for (i = 0; i < CHILDREN; i++)
		pids[i] = start(f, i, run_share);
	for (i = 0; i < CHILDREN; i++)
		fixture_wait(pids[i]);
	assert_int_equal(fixture_sql(f, "SELECT sum(computations) FROM "
					"signals"),
	    KEYS);
}

/* Owns key 1 and never comes back. */
static void
run_and_hang(struct fixture *f, unsigned i)
{
	struct cache *cache = child_open(f, i);
	struct cache_claim claim = { .epoch = 0 };

	CHECK(child_ask(cache, 1, &claim) == CACHE_OWNED);
	fd_event_wake(f->wake_fds[0]);
	for (;;)
		(void)pause();
}

static void
a_killed_owner_is_followed(void **state)
{
	struct cache_claim late = { .epoch = 0 };
	struct cache_claim claim = { .epoch = 0 };
	struct fixture *f = *state;
	struct pollfd ready = { .fd = f->wake_fds[0], .events = POLLIN };
	unsigned count;
	int status;
	pid_t pid;

	pid = start(f, 1, run_and_hang);
	assert_int_equal(poll(&ready, 1, DEADLINE_MS), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	f->a = fixture_open(f, 2, 201); /* the dead one's name */
	f->b = fixture_open(f, 3, 302);
	fixture_key(1, late.key);
	late.epoch = fixture_sql(f, "SELECT epoch FROM signals");
	assert_int_equal(fixture_ask(f->b, 1, NULL), CACHE_WAITING);
	assert_int_equal(cache_claim_next(f->b, &claim), -ENOENT);
	assert_int_equal(cache_release_owner(f->b, 201, &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(cache_claim_next(f->b, &claim), 0);
	/* Even under its own name and epoch it is too late. */
	assert_int_equal(fixture_publish(f->a, &late, "late", -1), ERR_STALE);
	assert_int_equal(cache_fail(f->a, &late, "late", 1), ERR_STALE);
	assert_int_equal(cache_release(f->a, &late), ERR_STALE);
	assert_int_equal(fixture_publish(f->b, &claim, "v", -1), 0);
	assert_int_equal(fixture_lookup(f->a, 1, "v"), CACHE_HIT);
	cache_claim_free(&claim);
}

/* Writes as fast as it can, for ever, values that can be recognised. */
static void
run_write(struct fixture *f, unsigned i)
{
	struct cache *cache = child_open(f, i);
	struct cache_claim claim = { .epoch = 0 };
	static char data[30000];
	int n;
	int rc;

	fd_event_wake(f->wake_fds[3]);
	for (n = (int)i;; n += CHILDREN) {
		rc = child_ask(cache, n % 500, &claim);
		if (rc == CACHE_OWNED) {
			memset(data, n, sizeof(data));
			rc = cache_publish(cache, &claim, CACHE_FORMAT_VALUE,
			    data, sizeof(data), 1);
			CHECK(rc == 0);
		}
		CHECK(rc >= 0);
	}
}

static void
a_kill_at_any_moment_leaves_a_sound_file(void **state)
{
	struct fixture *f = *state;
	pid_t pids[3];
	unsigned round;
	unsigned i;
	int status;

	for (round = 0; round < 25; round++) {
		for (i = 0; i < 3; i++)
			pids[i] = start(f, i, run_write);
		while (fd_event_drain(f->wake_fds[3]) == 0)
			gate_nap(1000);
		gate_nap(10000 + 1713 * round); /* not a wait: the moment */
		for (i = 0; i < 3; i++) {
			assert_int_equal(kill(pids[i], SIGKILL), 0);
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_true(WIFSIGNALED(status));
		}
		if (round % 5 != 4)
			continue;
		fixture_check_integrity(f);
		/* And the next start finds nothing wrong with it. */
		assert_int_equal(fixture_prepare(f), 0);
		assert_int_equal(fixture_sql(f, "SELECT count(*) FROM signals "
						"WHERE state = 2"),
		    0);
	}
	f->a = fixture_open(f, 1, 101);
	fixture_store(f->a, 9999, "still works", -1);
}

/* Checkpoints as fast as it can while others write; nothing may be lost. */
static void
run_checkpoint(struct fixture *f, unsigned i)
{
	struct cache *cache = child_open(f, i);
	struct db *db = &cache->db;

	for (;;) {
		if (gate_shut(db->lock_fd, 1000000) < 0)
			continue;
		CHECK(sqlite3_wal_checkpoint_v2(db->handle, NULL,
			  SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK);
		gate_open(db->lock_fd);
	}
}

static void
checkpoints_under_way_lose_nothing(void **state)
{
	struct fixture *f = *state;
	pid_t pids[3];
	pid_t checkpointers[2];
	unsigned i;
	int status;
	int n;

	for (i = 0; i < 2; i++)
		checkpointers[i] = start(f, 3, run_checkpoint);
	for (i = 0; i < 3; i++)
		pids[i] = start(f, i, run_collide);
	for (i = 0; i < 3; i++)
		fixture_wait(pids[i]);
	for (i = 0; i < 2; i++) {
		assert_int_equal(kill(checkpointers[i], SIGKILL), 0);
		assert_int_equal(waitpid(checkpointers[i], &status, 0),
		    checkpointers[i]);
		assert_true(WIFSIGNALED(status));
	}
	fixture_check_integrity(f);
	f->a = fixture_open(f, 1, 101);
	for (n = 0; n < KEYS; n++)
		assert_int_equal(fixture_state(f->a, n), CACHE_READY);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(exactly_one_computes),
		CASE(wanted_rows_are_shared_out),
		CASE(a_killed_owner_is_followed),
		CASE(a_kill_at_any_moment_leaves_a_sound_file),
		CASE(checkpoints_under_way_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
