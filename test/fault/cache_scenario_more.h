/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAULT_CACHE_SCENARIO_MORE_H
#define TEST_FAULT_CACHE_SCENARIO_MORE_H

#include "test/fault/cache_scenario.h"

#include "cache/mark.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "cache/session.h"
#include "cache/uses.h"

/*
 * A second life with something failing in it: an app's own entries, counters,
 * forgetting, sessions, eviction; and a third, in which the keeper puts a new
 * file in the place of a damaged one. What was confirmed holds afterwards.
 * Of what failed nothing is known but that it happened wholly or not at all.
 */
struct more {
	long n;
	int64_t counted; /* confirmed */
	int64_t unknown; /* failed */
	bool put;        /* the entry was confirmed */
	bool forgot;     /* forgetting the tag was */
	bool forgot_key;
	bool ended; /* the session was ended */
	uint8_t id[SESSION_ID_LEN];
};

enum more_key { MORE_ENTRY, MORE_TAGGED, MORE_COUNT, MORE_MEMO };

static inline void
more_name(const struct more *m, enum more_key which, uint8_t key[CACHE_KEY_LEN])
{
	char name[32];

	/* One counter for all rounds. */
	(void)snprintf(name, sizeof(name), "%d %ld", (int)which,
	    which == MORE_COUNT ? 0 : m->n);
	if (fixture_spare != NULL)
		fixture_spare(true);
	assert_int_equal(cache_entry_key("", name, key), 0);
	if (fixture_spare != NULL)
		fixture_spare(false);
}

/* Look an entry up; what is found must be `want`. */
static inline int
more_get(struct cache *cache, const uint8_t *key, const char *want)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	int rc = cache_lookup(cache, key, &out, &format);

	if (rc == CACHE_HIT) {
		assert_int_equal(out.len, strlen(want));
		assert_memory_equal(out.data, want, out.len);
	}
	buf_free(&out);
	return rc;
}

/* Out and in again: wholly or not at all. */
static inline void
more_swap(struct more *m, struct cache *cache)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = "entry", .len = 5 };
	struct buf out = BUF_EMPTY;
	bool put = m->put;
	int rc;

	more_name(m, MORE_ENTRY, entry.key);
	scenario_expect(cache_swap(cache, &entry, "other", 5, &life), 0, 0);
	/* Whatever fails from now on, it may be gone. */
	m->put = false;
	rc = cache_pop(cache, entry.key, &out);
	scenario_expect(rc, 1, put ? 1 : 0);
	if (rc == 1) {
		assert_int_equal(out.len, 5);
		assert_memory_equal(out.data, "entry", 5);
	} else {
		assert_int_equal(out.len, 0);
	}
	rc = cache_swap(cache, &entry, NULL, 0, &life);
	scenario_expect(rc, 1, put && rc == 0 ? 0 : 1);
	m->put = rc == 1;
	buf_free(&out);
}

static inline void
more_entries(struct more *m, struct cache *cache)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct cache_entry entry = { .data = "entry", .len = 5 };
	int64_t sum;
	int rc;

	more_name(m, MORE_ENTRY, entry.key);
	rc = cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life);
	scenario_expect(rc, 1, 1);
	m->put = rc == 1;
	rc = more_get(cache, entry.key, "entry");
	if (m->put)
		scenario_expect(rc, CACHE_HIT, CACHE_HIT);
	rc = cache_put(cache, &entry, 1, CACHE_PUT_ABSENT, &life);
	scenario_expect(rc, m->put ? 0 : 1, 0);
	m->put = m->put || rc == 1;
	scenario_expect(cache_touch(cache, entry.key, &life), 1,
	    m->put ? 1 : 0);
	more_swap(m, cache);
	more_name(m, MORE_COUNT, entry.key);
	rc = cache_add_to(cache, entry.key, 1, &sum);
	scenario_expect(rc, 0, 0);
	if (rc == 0) {
		assert_true(
		    sum > m->counted && sum <= m->counted + m->unknown + 1);
		m->counted = sum;
		m->unknown = 0;
	} else {
		m->unknown++;
	}
}

static inline void
more_forget(struct more *m, struct cache *cache)
{
	const char *tag = "tag";
	struct cache_life life = { .fresh_ms = -1,
		.tags = &tag,
		.tag_count = 1 };
	struct cache_entry entry = { .data = "tagged", .len = 6 };
	int rc;

	more_name(m, MORE_TAGGED, entry.key);
	scenario_expect(cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life), 1,
	    1);
	rc = cache_forget(cache, CACHE_GROUP_TAG, tag);
	scenario_expect(rc, 0, 0);
	m->forgot = rc == 0;
	if (m->forgot)
		scenario_expect(more_get(cache, entry.key, "tagged"),
		    CACHE_MISS, CACHE_MISS);
	more_name(m, MORE_MEMO, entry.key);
	scenario_expect(cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life), 1,
	    1);
	rc = cache_forget_key(cache, entry.key);
	scenario_expect(rc, 0, 0);
	m->forgot_key = rc == 0;
	scenario_expect(cache_remove(cache, entry.key), 0,
	    m->forgot_key ? 0 : 1);
}

static inline void
more_session(struct more *m, struct cache *cache)
{
	static const struct session_life life = { .ends_ms = INT64_MAX };
	struct session_entry entry = { .kind = SESSION_ENTRY,
		.name = "name",
		.data = "x",
		.len = 1,
		.expires_ms = INT64_MAX };
	struct buf out = BUF_EMPTY;
	struct session_row row;
	uint8_t next[SESSION_ID_LEN];
	int rc;

	memset(m->id, 0, sizeof(m->id));
	memcpy(m->id, &m->n, sizeof(m->n));
	memcpy(next, m->id, sizeof(next));
	next[SESSION_ID_LEN - 1] = 1;
	rc = session_touch(cache, m->id, &life, &row);
	scenario_expect(rc, SESSION_LIVE, SESSION_LIVE);
	if (rc == SESSION_LIVE) {
		entry.scope = row.scope;
		rc = session_put(cache, m->id, &entry);
		scenario_expect(rc, 1, 1);
		if (rc == 1)
			scenario_expect(session_get(cache, row.scope,
					    SESSION_ENTRY, "name", &out),
			    1, 1);
		scenario_expect(session_set_user(cache, m->id, "who"), 1, 1);
		scenario_expect(
		    session_delete(cache, row.scope, SESSION_ENTRY, "name"), 1,
		    0);
	}
	rc = session_rotate(cache, m->id, next, &life);
	scenario_expect(rc, SESSION_LIVE, SESSION_ABSENT);
	if (rc == SESSION_LIVE)
		memcpy(m->id, next, sizeof(next));
	rc = session_end(cache, m->id);
	scenario_expect(rc, 1, 0);
	m->ended = rc == 1;
	buf_free(&out);
}

static inline void
more_keeper(struct cache *cache)
{
	struct upkeep upkeep;

	upkeep_init(&upkeep);
	(void)upkeep_measure(&upkeep, cache);
	(void)upkeep_count_live(&upkeep, cache);
	(void)upkeep_count_sessions(&upkeep, cache);
	assert_true(upkeep_evict(&upkeep, cache) <= UPKEEP_STEP);
	assert_true(session_upkeep(cache) <= UPKEEP_STEP);
	uses_note(cache, 1, 0, cache_now_ms());
	(void)uses_flush(cache);
	assert_true(upkeep_make_room(&upkeep, cache) <= 200);
	assert_true(upkeep_checkpoint(&upkeep, cache) <= 1);
}

static inline void
more_run(struct scenario *s, struct more *m, bool for_ever)
{
	struct cache_peer peer = { .slot = 1, .worker_id = 101 };
	struct cache *cache;

	m->put = m->forgot = m->forgot_key = m->ended = false;
	s->arm(m->n, for_ever);
	if (cache_open(&cache, &s->fixture.options, &peer) == 0) {
		more_session(m, cache);
		more_forget(m, cache);
		more_entries(m, cache);
		more_keeper(cache);
	} else {
		assert_null(cache);
	}
	cache_close(&cache);
}

/* Without a fault: nothing that was confirmed is undone, nothing is half. */
static inline void
more_judge(struct scenario *s, struct more *m)
{
	struct cache *cache;
	struct session_row row;
	uint8_t key[CACHE_KEY_LEN];
	int64_t sum;
	int rc;

	s->arm(0, false);
	cache = fixture_open(&s->fixture, 2, 102);
	more_name(m, MORE_ENTRY, key);
	rc = more_get(cache, key, "entry"); /* or evicted */
	assert_true(rc == CACHE_HIT || rc == CACHE_MISS);
	more_name(m, MORE_TAGGED, key);
	rc = more_get(cache, key, "tagged");
	assert_true(rc == CACHE_MISS || (rc == CACHE_HIT && !m->forgot));
	more_name(m, MORE_MEMO, key);
	rc = more_get(cache, key, "tagged");
	assert_true(rc == CACHE_MISS || (rc == CACHE_HIT && !m->forgot_key));
	more_name(m, MORE_COUNT, key);
	assert_int_equal(cache_add_to(cache, key, 0, &sum), 0);
	/* Evicted like any entry; else no step is lost and none counted twice.
	 */
	assert_true(
	    sum == 0 || (sum >= m->counted && sum <= m->counted + m->unknown));
	m->counted = sum;
	m->unknown = 0;
	rc = session_find(cache, m->id, 0, &row);
	assert_true(rc >= 0);
	assert_true(!m->ended || rc > SESSION_LIVE);
	cache_close(&cache);
	if (m->n % 16 == 0)
		fixture_check_integrity(&s->fixture);
}

/*
 * Thousands of allocations: with STRESS=1 each of them fails, else every
 * so many-th, others in each run.
 */
static inline long
more_step(const struct scenario *s, long step)
{
	return s->many && getenv("STRESS") == NULL ? step : 1;
}

static inline long
scenario_all_more(struct scenario *s, bool for_ever)
{
	struct more m = { .n = -(getpid() % 5) };
	bool fired = true;

	while (fired) {
		m.n += more_step(s, 5);
		if (m.n < 1)
			m.n = 1;
		more_run(s, &m, for_ever);
		fired = s->fired();
		more_judge(s, &m);
	}
	assert_true(m.put && m.forgot && m.forgot_key && m.ended);
	assert_int_equal(scenario_count_aside(s), 0);
	fixture_check_integrity(&s->fixture);
	return m.n;
}

/*
 * Damage was reported and, every other time, is there. With a fault on top of
 * it repairing fails, or it works; the next attempt does.
 */
static inline long
scenario_all_repair(struct scenario *s, bool for_ever)
{
	struct fixture *f = &s->fixture;
	bool fired = true;
	bool doubtful = false;
	long n;
	int rc;

	for (n = s->few ? 1 : 1 + for_ever; fired; n += more_step(s, 17)) {
		doubtful = !doubtful;
		mark_set(f->dir, db_inode(f->dir));
		s->arm(n, for_ever);
		rc = prepare_repair(&f->options, doubtful);
		fired = s->fired();
		s->arm(0, false);
		assert_true(rc <= 1);
		if (rc == 0) /* the mark was not confirmed */
			assert_false(doubtful);
		if (rc < 0)
			assert_true(prepare_repair(&f->options, doubtful) >= 0);
		assert_false(mark_is_set(f->dir));
		f->a = fixture_open(f, 1, 101);
		fixture_store(f->a, 5, "v", 1);
		(void)cache_forget(f->a, CACHE_GROUP_ALL, "");
		cache_close(&f->a);
	}
	fixture_check_integrity(f);
	return n;
}

#endif
