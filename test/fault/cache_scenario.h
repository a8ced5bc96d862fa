/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAULT_CACHE_SCENARIO_H
#define TEST_FAULT_CACHE_SCENARIO_H

#include "test/unit/cache/fixture.h"

#include <errno.h>

#include "cache/cache_int.h"
#include "cache/handon.h"
#include "cache/prepare.h"
#include "cache/upkeep.h"

/*
 * A life of a cache with something failing in it, and the judgement
 * afterwards. A fault may turn any answer into a failure, but never into a
 * wrong one, and must leave a sound file that the next connection can use.
 */

/* Arm: the n-th call fails, once or from then on. n = 0: none. */
typedef void (*scenario_arm)(long n, bool for_ever);

/* Did the armed call come? */
typedef bool (*scenario_fired)(void);

struct scenario {
	struct fixture fixture;
	scenario_arm arm;
	scenario_fired fired;
	bool stored; /* the publishing of this round was confirmed */
	bool many;   /* calls that can fail: too many for each run */
	bool few;    /* so few that each is made to fail in every test */
};

/* Numbers of a round: its own key, and one that is always there. */
#define SCENARIO_KEPT 1
#define SCENARIO_OWN(n) ((int)(n)*4 + 10)
#define SCENARIO_WANTED(n) ((int)(n)*4 + 11)

static inline void
scenario_init(struct scenario *s, scenario_arm arm, scenario_fired fired)
{
	memset(s, 0, sizeof(*s));
	s->arm = arm;
	s->fired = fired;
	fixture_init(&s->fixture);
	s->fixture.options.cache_busy_timeout = 0.002;
	s->fixture.options.cache_threshold = 50;
	assert_int_equal(fixture_prepare(&s->fixture), 0);
	s->fixture.a = fixture_open(&s->fixture, 1, 101);
	fixture_store(s->fixture.a, SCENARIO_KEPT, "kept", -1);
	cache_close(&s->fixture.a);
}

/* A failure, or one of two good answers. */
static inline void
scenario_expect(int rc, int good, int also_good)
{
	if (rc < 0 && rc != ERR_STALE && rc != -ENOENT)
		return;
	assert_true(rc == good || rc == also_good);
}

static inline void
scenario_worker(struct scenario *s, struct cache *cache, long n)
{
	struct cache_claim claim = { .epoch = 0 };
	char text[32];
	unsigned count;
	int rc;

	(void)snprintf(text, sizeof(text), "value %d", SCENARIO_OWN(n));
	scenario_expect(fixture_lookup(cache, SCENARIO_KEPT, "kept"), CACHE_HIT,
	    CACHE_HIT);
	rc = fixture_ask(cache, SCENARIO_OWN(n), &claim);
	scenario_expect(rc, CACHE_OWNED, CACHE_OWNED);
	if (rc == CACHE_OWNED) {
		rc = fixture_publish(cache, &claim, text, -1);
		scenario_expect(rc, 0, 0);
		s->stored = rc == 0;
	}
	scenario_expect(fixture_ask(cache, SCENARIO_WANTED(n), NULL),
	    CACHE_WANTED_NEW, CACHE_WANTED_NEW);
	rc = cache_claim_next(cache, &claim);
	scenario_expect(rc, 0, -ENOENT);
	scenario_expect(cache_renew(cache), 0, 0);
	if (rc == 0)
		scenario_expect(cache_release(cache, &claim), 0, 0);
	rc = cache_claim_next(cache, &claim);
	scenario_expect(rc, 0, -ENOENT);
	if (rc == 0)
		scenario_expect(cache_fail(cache, &claim, "failed", 60000), 0,
		    0);
	scenario_expect(fixture_state(cache, SCENARIO_KEPT), CACHE_READY,
	    CACHE_READY);
	scenario_expect(cache_has_wanted(cache), 0, 1);
	if (cache_read_begin(cache) == 0) {
		rc = fixture_lookup(cache, SCENARIO_OWN(n), text);
		if (s->stored)
			scenario_expect(rc, CACHE_HIT, CACHE_HIT);
		cache_read_end(cache);
	}
	scenario_expect(cache_release_owner(cache, 101, &count), 0, 0);
	scenario_expect(handon_late(cache, &count), 0, 0);
	cache_claim_free(&claim);
}

static inline void
scenario_keeper(struct cache *cache)
{
	struct upkeep upkeep;
	int rc;

	upkeep_init(&upkeep);
	rc = upkeep_checkpoint(&upkeep, cache);
	assert_true(rc <= 1);
	rc = upkeep_expire(&upkeep, cache);
	assert_true(rc <= UPKEEP_STEP);
	rc = upkeep_prune(&upkeep, cache);
	assert_true(rc <= UPKEEP_STEP);
}

/* One round with the n-th call failing. */
static inline void
scenario_run(struct scenario *s, long n, bool for_ever)
{
	struct fixture *f = &s->fixture;
	struct cache_peer peer = { .slot = 1,
		.worker_id = 101,
		.wake_fds = f->wake_fds,
		.slot_count = SLOTS };
	struct cache *cache;

	s->stored = false;
	s->arm(n, for_ever);
	if (cache_open(&cache, &f->options, &peer) == 0) {
		scenario_worker(s, cache, n);
		scenario_keeper(cache);
	} else {
		assert_null(cache);
	}
	cache_close(&cache);
	/* Whether it fired must be seen before it is disarmed. */
}

/* Without a fault: what was confirmed is there, and everything works. */
static inline void
scenario_judge(struct scenario *s, long n)
{
	struct fixture *f = &s->fixture;
	struct cache_claim claim = { .epoch = 0 };
	char text[32];
	unsigned count;
	int rc;

	s->arm(0, false);
	(void)snprintf(text, sizeof(text), "value %d", SCENARIO_OWN(n));
	f->a = fixture_open(f, 2, 102);
	assert_int_equal(fixture_lookup(f->a, SCENARIO_KEPT, "kept"),
	    CACHE_HIT);
	rc = fixture_lookup(f->a, SCENARIO_OWN(n), text);
	assert_true(rc == CACHE_HIT || (!s->stored && rc == CACHE_MISS));
	/* What the failing worker held is handed on like a dead one's. */
	assert_int_equal(cache_release_owner(f->a, 101, &count), 0);
	while ((rc = cache_claim_next(f->a, &claim)) == 0)
		assert_int_equal(fixture_publish(f->a, &claim, "late", 1), 0);
	assert_int_equal(rc, -ENOENT);
	fixture_store(f->a, 2, "x", 1);
	(void)fixture_sql(f, "DELETE FROM kv WHERE expires < "
			     "9223372036854775807");
	cache_claim_free(&claim);
	cache_close(&f->a);
	if (n % 16 == 0)
		fixture_check_integrity(f);
}

static inline unsigned
scenario_count_aside(const struct scenario *s)
{
	struct dirent *entry;
	DIR *stream = opendir(s->fixture.dir);
	unsigned count = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream)) != NULL)
		count += strstr(entry->d_name, ".corrupt-") != NULL;
	(void)closedir(stream);
	return count;
}

/* Rounds for n = 1, 2, ... until one passes without the fault. */
static inline long
scenario_all(struct scenario *s, bool for_ever)
{
	bool fired = true;
	long n;

	for (n = 1; fired; n++) {
		scenario_run(s, n, for_ever);
		fired = s->fired();
		scenario_judge(s, n);
	}
	assert_true(s->stored);
	assert_int_equal(scenario_count_aside(s), 0);
	fixture_check_integrity(&s->fixture);
	return n;
}

/*
 * Preparing syncs, which is slow: every third call, the modes in turn, unless
 * there are few.
 */
static inline long
scenario_step(const struct scenario *s)
{
	return s->few ? 1 : 3;
}

/*
 * Look after a preparation with a fault. Only where nothing could be read
 * any more may the file have been taken for damaged.
 */
static inline void
scenario_judge_prepare(struct scenario *s, bool may_be_cold)
{
	struct fixture *f = &s->fixture;
	int rc;

	assert_int_equal(fixture_prepare(f), 0);
	f->a = fixture_open(f, 1, 101);
	rc = fixture_lookup(f->a, SCENARIO_KEPT, "kept");
	if (rc == CACHE_MISS) {
		assert_true(may_be_cold);
		assert_true(scenario_count_aside(s) > 0);
		fixture_store(f->a, SCENARIO_KEPT, "kept", -1);
	} else {
		assert_int_equal(rc, CACHE_HIT);
	}
	cache_close(&f->a);
}

/* The same for finishing and preparing: a failure loses nothing. */
static inline long
scenario_all_prepare(struct scenario *s, bool for_ever)
{
	struct buf why = BUF_EMPTY;
	bool fired = true;
	long n;
	int rc;

	for (n = s->few ? 1 : 1 + for_ever; fired; n += scenario_step(s)) {
		s->arm(n, for_ever);
		rc = prepare_finish(&s->fixture.options);
		assert_true(rc <= 0);
		rc = cache_prepare(&s->fixture.options, &why);
		assert_true(rc == 0 || (rc < 0 && (for_ever || why.len > 0)));
		fired = s->fired();
		buf_free(&why);
		s->arm(0, false);
		scenario_judge_prepare(s, for_ever);
	}
	if (!for_ever)
		assert_int_equal(scenario_count_aside(s), 0);
	return n;
}

/* And for a new folder: it fails, or it makes a file that works. */
static inline long
scenario_all_create(struct scenario *s, bool for_ever)
{
	struct buf why = BUF_EMPTY;
	bool fired = true;
	char path[128];
	long n;
	int rc;

	for (n = s->few ? 1 : 1 + for_ever; fired; n += scenario_step(s)) {
		fixture_path(&s->fixture, "cache-v1.db", path);
		(void)unlink(path);
		s->arm(n, for_ever);
		rc = cache_prepare(&s->fixture.options, &why);
		assert_true(rc <= 0);
		fired = s->fired();
		buf_free(&why);
		s->arm(0, false);
		if (rc < 0)
			assert_int_equal(fixture_prepare(&s->fixture), 0);
		s->fixture.a = fixture_open(&s->fixture, 1, 101);
		fixture_store(s->fixture.a, 5, "v", -1);
		cache_close(&s->fixture.a);
	}
	return n;
}

static inline void
scenario_fini(struct scenario *s)
{
	fixture_fini(&s->fixture);
}

#endif
