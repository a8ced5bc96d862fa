/* SPDX-License-Identifier: MIT */

/*
 * Forgetting while others compute and publish, in processes of their own: what
 * was computed from an older state of the world than the one in which was
 * forgotten is never given out afterwards, whenever it is published.
 *
 * The world is a number in shared memory. A computation looks at it when it
 * begins, takes its time, and publishes what it saw. The parent counts the
 * world on, forgets, and from then on no value may be below that number.
 */
#include "test/unit/cache/fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cache/cache_int.h"
#include "cache/gate.h"

enum { KEYS = 3, CHILDREN = 3, ROUNDS = 1000 };

struct world {
	_Atomic int64_t now;
	_Atomic uint64_t published;
	_Atomic uint64_t fenced; /* publications that were refused */
};

static void
compute(struct cache *cache, struct world *world, int key)
{
	static const char *const tags[] = { "t" };
	struct cache_life life = { .fresh_ms = -1,
		.scope = "s",
		.tags = tags,
		.tag_count = 1 };
	struct cache_claim claim = { .epoch = 0 };
	int64_t seen;
	int rc;

	/* Begun anew where it was forgotten, it is for anybody to take. */
	if (fixture_ask(cache, key, &claim) == CACHE_OWNED ||
	    cache_claim_next(cache, &claim) == 0) {
		seen = atomic_load(&world->now);
		gate_nap((long)(cache_draw(cache) % 2000));
		rc = cache_publish_as(cache, &claim, CACHE_FORMAT_VALUE, &seen,
		    sizeof(seen), &life);
		if (rc == 0)
			atomic_fetch_add(&world->published, 1);
		else if (rc == ERR_STALE)
			atomic_fetch_add(&world->fenced, 1);
	}
	cache_claim_free(&claim);
}

static pid_t
start(struct fixture *f, struct world *world, int number)
{
	pid_t pid = fork();
	struct cache_peer peer = { .slot = (unsigned)number,
		.worker_id = 200 + number,
		.slot_count = SLOTS };
	struct cache *cache;
	int i;

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	if (cache_open(&cache, &f->options, &peer) < 0)
		_exit(1);
	for (i = number;; i++)
		compute(cache, world, i % KEYS);
}

static int64_t
look_at(struct cache *cache, int n)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int64_t value = INT64_MAX; /* none */

	fixture_key(n, key);
	if (cache_lookup(cache, key, &out, &format) == CACHE_HIT) {
		assert_int_equal(out.len, sizeof(value));
		memcpy(&value, out.data, sizeof(value));
	}
	buf_free(&out);
	return value;
}

static int
forget(struct cache *cache, int how)
{
	uint8_t key[CACHE_KEY_LEN];
	int n;
	int rc = 0;

	switch (how % 5) {
	case 0:
		return cache_forget(cache, CACHE_GROUP_ALL, "");
	case 1:
		return cache_forget(cache, CACHE_GROUP_FUNCTION, "f");
	case 2:
		return cache_forget(cache, CACHE_GROUP_SCOPE, "s");
	case 3:
		return cache_forget(cache, CACHE_GROUP_TAG, "t");
	default:
		for (n = 0; n < KEYS && rc == 0; n++) {
			fixture_key(n, key);
			rc = cache_forget_key(cache, key);
		}
		return rc;
	}
}

static void
what_was_deleted_is_not_published(void **state)
{
	struct fixture *f = *state;
	struct world *world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[CHILDREN];
	int64_t now;
	int found = 0;
	int round;
	int i;

	assert_true(world != MAP_FAILED);
	cache_close(&f->a);
	cache_close(&f->b); /* no connection crosses the fork */
	for (i = 0; i < CHILDREN; i++)
		pids[i] = start(f, world, i + 1);
	f->a = fixture_open(f, 0, 101);
	for (round = 0; round < ROUNDS; round++) {
		now = atomic_fetch_add(&world->now, 1) + 1;
		if (forget(f->a, round) < 0)
			continue; /* busy: nothing was forgotten */
		/* The next time they are somewhere else. */
		for (i = (int)(cache_draw(f->a) % 16); i < 16; i++) {
			int64_t value = look_at(f->a, i % KEYS);

			assert_true(value >= now);
			found += value != INT64_MAX;
			gate_nap(100);
		}
	}
	for (i = 0; i < CHILDREN; i++) {
		assert_int_equal(kill(pids[i], SIGKILL), 0);
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	}
	print_message("%d times found, %llu published, %llu refused\n", found,
	    (unsigned long long)world->published,
	    (unsigned long long)world->fenced);
	/* It has been tried. */
	assert_true(found > ROUNDS / 20);
	assert_true(world->fenced > ROUNDS / 20);
	assert_int_equal(munmap(world, sizeof(*world)), 0);
	fixture_check_integrity(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_was_deleted_is_not_published, fixture_setup,
		    fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
