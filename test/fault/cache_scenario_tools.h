/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAULT_CACHE_SCENARIO_TOOLS_H
#define TEST_FAULT_CACHE_SCENARIO_TOOLS_H

#include "test/fault/cache_scenario_more.h"

#include "cache/encode.h"
#include "cache/inspect_forget.h"
#include "cache/inspect_why.h"
#include "cache/kept.h"
#include "cache/peek.h"
#include "cache/session_inspect.h"

/*
 * A fourth life with something failing in it: looking in and forgetting from
 * outside, and what the others leave out of a worker's: nested questions,
 * peeking, progress, giving up, handles, values as bytes.
 *
 * What was there before a round is known, so whatever is told is compared.
 */
struct tools {
	long n;
	long rounds;
	bool for_ever;
	struct inspect_summary summary;
	struct inspect_sessions sessions;
	unsigned signals; /* rows */
	unsigned seen;
	uint8_t key[CACHE_KEY_LEN];         /* of SCENARIO_OWN, */
	char digits[2 * CACHE_KEY_LEN + 1]; /* in digits */
	char name[32];                      /* of an entry */
	char scope[SESSION_SCOPE_LEN + 1];
	uint8_t id[SESSION_ID_LEN];
	bool forgot_key; /* confirmed, as the next */
	bool forgot_entry;
	bool ended;
	bool published;
};

#define TOOLS_WORK(n) ((int)(n)*4 + 12)
#define TOOLS_INNER(n) ((int)(n)*4 + 13)

static const struct session_life tools_session = { .ends_ms = INT64_MAX,
	.made = true };

static inline void
tools_see_signal(void *context, const struct inspect_signal *row)
{
	struct tools *t = context;

	t->seen++;
	assert_int_equal(strlen(row->key), 2 * CACHE_KEY_LEN);
	assert_string_equal(row->function, "f");
}

static inline void
tools_see_session(void *context, const struct inspect_session *row)
{
	struct tools *t = context;

	t->seen++;
	assert_int_equal(strlen(row->scope), SESSION_SCOPE_LEN);
}

/* An answer, or a sentence that says why there is none. */
static inline void
tools_told(const struct tools *t, int rc, int good, struct buf *why)
{
	scenario_expect(rc, good, good);
	/* With no memory at all there is none for the sentence. */
	if (rc < 0 && !t->for_ever)
		assert_true(why->len > 0);
	if (rc >= 0)
		assert_int_equal(why->len, 0);
	buf_free(why);
}

static inline void
tools_look(struct tools *t, const char *dir)
{
	struct inspect_sessions sessions;
	struct inspect_summary summary;
	uint8_t keys[2][CACHE_KEY_LEN];
	struct inspect_check check;
	struct inspect_key found;
	struct buf why = BUF_EMPTY;
	struct inspect *inspect;
	int rc;

	rc = inspect_open(&inspect, dir, &why);
	tools_told(t, rc, 0, &why);
	if (rc < 0) {
		assert_null(inspect);
		return;
	}
	if (inspect_summarize(inspect, &summary) == 0) {
		assert_int_equal(summary.values, t->summary.values);
		assert_int_equal(summary.value_bytes, t->summary.value_bytes);
		assert_int_equal(summary.wanted, t->summary.wanted);
		assert_int_equal(summary.computing, t->summary.computing);
		assert_int_equal(summary.ready, t->summary.ready);
	}
	t->seen = 0;
	if (inspect_signals(inspect, 10000, tools_see_signal, t) == 0)
		assert_int_equal(t->seen, t->signals);
	if (inspect_sessions_summarize(inspect, &sessions) == 0) {
		assert_int_equal(sessions.count, t->sessions.count);
		assert_int_equal(sessions.entries, t->sessions.entries);
		assert_int_equal(sessions.bytes, t->sessions.bytes);
	}
	memcpy(found.key, t->key, CACHE_KEY_LEN);
	if (inspect_why(inspect, &found) == 0) {
		assert_true(found.has_value && !found.damaged);
		assert_false(found.forgotten);
		assert_string_equal(found.state, "ready");
	}
	if (inspect_find(inspect, t->digits, NULL, NULL, 0, keys, 2) > 0)
		assert_memory_equal(keys[0], t->key, CACHE_KEY_LEN);
	if (inspect_check(inspect, &check, &why) == 0) {
		assert_int_equal(check.damaged, 0);
		assert_true(check.values >= t->summary.values);
	}
	buf_free(&why);
	t->seen = 0;
	if (inspect_sessions_list(inspect, 10000, tools_see_session, t) == 0)
		assert_int_equal(t->seen, t->sessions.count);
	inspect_close(&inspect);
}

static inline void
tools_forget(struct tools *t, const char *dir)
{
	struct inspect_count count;
	struct buf why = BUF_EMPTY;
	int rc;

	rc = inspect_forget(dir, "", CACHE_GROUP_TAG, "tag", &count, &why);
	tools_told(t, rc, 0, &why);
	rc = inspect_forget_key(dir, "", t->digits, "f", &why);
	tools_told(t, rc, 1, &why);
	t->forgot_key = rc == 1;
	rc = inspect_forget_entry(dir, "", t->name, &why);
	tools_told(t, rc, 1, &why);
	t->forgot_entry = rc == 1;
	rc = inspect_forget_session(dir, "", t->scope, &why);
	tools_told(t, rc, 1, &why);
	rc = inspect_sessions_end(dir, t->scope, &why);
	tools_told(t, rc, 1, &why);
	t->ended = rc == 1;
}

/* One computation that needs another, seen from all sides. */
static inline void
tools_compute(struct tools *t, struct cache *cache)
{
	static const char *const tags[] = { "one", "two", "three" };
	const struct cache_life life = { .fresh_ms = 60000,
		.stale_ms = 60000,
		.scope = "session:x",
		.tags = tags,
		.tag_count = 3 };
	struct cache_claim claim = { .epoch = 0 };
	struct cache_claim inner = { .epoch = 0 };
	uint8_t key[CACHE_KEY_LEN];
	uint8_t need[CACHE_KEY_LEN];
	struct cache_question question = { .key = key,
		.function = "f",
		.arguments = "arguments",
		.arguments_len = 9,
		.scope = "session:x",
		.client = 7,
		.may_stop = true };
	struct cache_peek peek;
	struct buf error = BUF_EMPTY;
	int rc;

	fixture_key(TOOLS_WORK(t->n), key);
	fixture_key(TOOLS_INNER(t->n), need);
	rc = cache_ask_for(cache, &question, &claim, &error);
	scenario_expect(rc, CACHE_OWNED, CACHE_OWNED);
	if (rc == CACHE_OWNED) {
		assert_int_equal(claim.arguments.len, 9);
		assert_memory_equal(claim.arguments.data, "arguments", 9);
		assert_string_equal(buf_cstr(&claim.scope), "session:x");
		if (cache_peek(cache, key, &peek) == 0) {
			assert_string_equal(peek.state, "computing");
			assert_int_equal(peek.owner_slot, 1);
		} else {
			assert_string_equal(peek.state, "absent");
		}
		scenario_expect(cache_progress(cache, key, claim.epoch, 500), 0,
		    0);
		rc = cache_ask_within(cache, key, need, "f", "", 0, &error);
		scenario_expect(rc, CACHE_WANTED_NEW, CACHE_WANTED_NEW);
		if (rc == CACHE_WANTED_NEW)
			scenario_expect(cache_ask_within(cache, need, key, "f",
					    "", 0, &error),
			    ERR_CYCLE, CACHE_WAITING);
		scenario_expect(cache_is_left(cache, key, claim.epoch), 1, 0);
		rc = cache_claim_next(cache, &inner);
		if (rc == 0)
			scenario_expect(cache_give_up(cache, &inner), 0, 0);
		scenario_expect(cache_leave(cache, need), 1, 0);
		rc = cache_publish_as(cache, &claim, CACHE_FORMAT_VALUE, "work",
		    4, &life);
		scenario_expect(rc, 0, 0);
		t->published = rc == 0;
	}
	cache_claim_free(&claim);
	cache_claim_free(&inner);
	buf_free(&error);
}

/* What was published, by every way of looking. */
static inline void
tools_lookup(struct tools *t, struct cache *cache)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	struct cache_seen seen;
	uint8_t key[CACHE_KEY_LEN];
	int way;
	int rc;

	fixture_key(TOOLS_WORK(t->n), key);
	for (way = 0; way < 6; way++) {
		if (way < 2)
			rc =
			    cache_lookup_seen(cache, key, &out, &format, &seen);
		else if (way < 4)
			rc = cache_lookup_since(cache, key, 1, &out, &format);
		else
			rc = cache_lookup_waited(cache, key, 0, &out, &format);
		scenario_expect(rc, CACHE_HIT,
		    t->published ? CACHE_HIT : CACHE_MISS);
		if (rc == CACHE_HIT) {
			assert_int_equal(out.len, 4);
			assert_memory_equal(out.data, "work", 4);
		}
		if (rc == CACHE_HIT && way < 2)
			scenario_expect(cache_still(cache, key, &seen),
			    CACHE_HIT, CACHE_HIT);
		if (way % 2 == 1)
			kept_clear();
	}
	buf_free(&out);
}

/* Values of the server-side store, more than the session may have. */
static inline void
tools_handles(struct tools *t, struct cache *cache)
{
	static char data[2000];
	struct session_entry entry = { .kind = SESSION_HANDLE,
		.data = data,
		.len = sizeof(data),
		.expires_ms = INT64_MAX };
	struct buf out = BUF_EMPTY;
	struct session_row row;
	char name[32];
	int64_t limit;
	int64_t count;
	int i;
	int rc;

	rc = session_find(cache, t->id, 1, &row);
	scenario_expect(rc, SESSION_LIVE, t->ended ? SESSION_DYING : rc);
	if (rc != SESSION_LIVE && rc != SESSION_DYING)
		return;
	/* Another scope would be somebody else's data. */
	assert_string_equal(row.scope, t->scope);
	entry.scope = t->scope;
	for (i = 0; i < 3; i++) {
		(void)snprintf(name, sizeof(name), "handle %d", i);
		memset(data, 'a' + i, sizeof(data));
		entry.name = name;
		rc = session_put(cache, t->id, &entry);
		scenario_expect(rc, 1, t->ended ? 0 : 1);
		if (rc == 1 && session_get(cache, t->scope, SESSION_HANDLE,
				   name, &out) == 1) {
			assert_int_equal(out.len, sizeof(data));
			assert_memory_equal(out.data, data, sizeof(data));
		}
	}
	scenario_expect(session_count(cache, &count, &limit), 0, 0);
	buf_free(&out);
}

static inline void
tools_values(void)
{
	struct buf out = BUF_EMPTY;
	struct value *object;
	struct value *back;
	struct arena arena;
	int rc = -ENOMEM;

	arena_init(&arena, 0);
	object = value_object(&arena, 2);
	if (object != NULL) {
		object->u.members[0].name = "b";
		object->u.members[0].name_len = 1;
		object->u.members[1].name = "a";
		object->u.members[1].name_len = 1;
		rc = encode_value(object, &out);
		scenario_expect(rc, 0, 0);
	}
	if (rc < 0)
		assert_int_equal(out.len, 0);
	if (rc == 0 && encode_decode(out.data, out.len, &arena, &back) == 0) {
		assert_int_equal(back->kind, VALUE_OBJECT);
		assert_string_equal(back->u.members[0].name, "a");
		assert_string_equal(back->u.members[1].name, "b");
	}
	arena_free(&arena);
	buf_free(&out);
}

static inline void
tools_keeper(struct cache *cache)
{
	struct upkeep upkeep;
	unsigned count;
	int i;

	upkeep_init(&upkeep);
	for (i = 0; i < 4; i++)
		scenario_expect(upkeep_voids(&upkeep, cache), 0, 1);
	assert_true(upkeep_forgive(&upkeep, cache) <= UPKEEP_STEP);
	scenario_expect(handon_vanished(cache, &count), 0, 0);
	scenario_expect(upkeep_measure(&upkeep, cache), 0, 0);
}

/* Without a fault: something of each kind, and what there is. */
static inline void
tools_before(struct scenario *s, struct tools *t)
{
	static const struct cache_life life = { .fresh_ms = 600000 };
	struct cache_entry entry = { .data = "entry", .len = 5 };
	struct session_entry item = { .kind = SESSION_ENTRY,
		.name = "name",
		.data = "x",
		.len = 1,
		.expires_ms = INT64_MAX };
	struct buf why = BUF_EMPTY;
	struct session_row row;
	struct inspect *inspect;
	uint8_t key[CACHE_KEY_LEN];
	struct cache *cache = fixture_open(&s->fixture, 2, 102);
	unsigned i;

	t->forgot_key = t->forgot_entry = t->ended = t->published = false;
	fixture_store(cache, SCENARIO_OWN(t->n), "own", 600000);
	fixture_key(SCENARIO_OWN(t->n), key);
	memcpy(t->key, key, sizeof(key));
	for (i = 0; i < CACHE_KEY_LEN; i++)
		(void)snprintf(t->digits + 2 * i, 3, "%02x", key[i]);
	(void)snprintf(t->name, sizeof(t->name), "entry %ld", t->n);
	assert_int_equal(cache_entry_key("", t->name, entry.key), 0);
	assert_int_equal(cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life),
	    1);
	memset(t->id, 7, sizeof(t->id));
	memcpy(t->id, &t->n, sizeof(t->n));
	assert_int_equal(session_touch(cache, t->id, &tools_session, &row),
	    SESSION_LIVE);
	(void)snprintf(t->scope, sizeof(t->scope), "%s", row.scope);
	item.scope = t->scope;
	assert_int_equal(session_put(cache, t->id, &item), 1);
	cache_close(&cache);
	assert_int_equal(inspect_open(&inspect, s->fixture.dir, &why), 0);
	assert_int_equal(inspect_summarize(inspect, &t->summary), 0);
	assert_int_equal(inspect_sessions_summarize(inspect, &t->sessions), 0);
	t->seen = 0;
	assert_int_equal(inspect_signals(inspect, 10000, tools_see_signal, t),
	    0);
	t->signals = t->seen;
	inspect_close(&inspect);
}

static inline void
tools_run(struct scenario *s, struct tools *t)
{
	struct cache_peer peer = { .slot = 1,
		.worker_id = 101,
		.wake_fds = s->fixture.wake_fds,
		.slot_count = SLOTS };
	struct cache *cache;

	s->arm(t->n, t->for_ever);
	tools_look(t, s->fixture.dir);
	if (cache_open(&cache, &s->fixture.options, &peer) == 0) {
		tools_compute(t, cache);
		tools_lookup(t, cache);
		tools_handles(t, cache);
		tools_keeper(cache);
	} else {
		assert_null(cache);
	}
	cache_close(&cache);
	tools_forget(t, s->fixture.dir);
	tools_values();
}

static inline void
tools_judge(struct scenario *s, struct tools *t)
{
	struct cache *cache;
	struct session_row row;
	uint8_t key[CACHE_KEY_LEN];
	unsigned count;
	int rc;

	s->arm(0, false);
	cache = fixture_open(&s->fixture, 2, 102);
	rc = fixture_lookup(cache, SCENARIO_OWN(t->n), "own");
	assert_true(rc == CACHE_MISS || (rc == CACHE_HIT && !t->forgot_key));
	assert_int_equal(cache_entry_key("", t->name, key), 0);
	rc = more_get(cache, key, "entry");
	assert_true(rc == CACHE_MISS || (rc == CACHE_HIT && !t->forgot_entry));
	rc = session_find(cache, t->id, 1, &row);
	assert_true(rc > SESSION_LIVE || (rc == SESSION_LIVE && !t->ended));
	rc = fixture_lookup(cache, TOOLS_WORK(t->n), "work");
	assert_true(rc == CACHE_HIT || (rc == CACHE_MISS && !t->published));
	assert_int_equal(cache_release_owner(cache, 101, &count), 0);
	cache_close(&cache);
	if (++t->rounds % 16 != 0)
		return;
	fixture_check_integrity(&s->fixture);
	/* What every round leaves would make the next ones longer. */
	(void)fixture_sql(&s->fixture, "DELETE FROM signals");
}

/* So many calls fail each in their turn, however many there are. */
#define EACH 12

static inline long
scenario_all_tools(struct scenario *s, bool for_ever)
{
	struct tools t = { .for_ever = for_ever };
	bool fired = true;

	s->fixture.options.session_quota = 5000;
	while (fired) {
		t.n += t.n < EACH ? 1 : more_step(s, 61 + getpid() % 13);
		tools_before(s, &t);
		tools_run(s, &t);
		fired = s->fired();
		tools_judge(s, &t);
	}
	assert_true(t.forgot_key && t.forgot_entry && t.ended && t.published);
	assert_int_equal(scenario_count_aside(s), 0);
	fixture_check_integrity(&s->fixture);
	return t.n;
}

#endif
