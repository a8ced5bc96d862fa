/* SPDX-License-Identifier: MIT */

/* Sessions in the store: their life, their bound, what belongs to them. */
#include "test/unit/cache/fixture.h"

#include "cache/cache_int.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "cache/session.h"

#define HOUR_MS INT64_C(3600000)

static const uint8_t alice[SESSION_ID_LEN] = "alice";
static const uint8_t bob[SESSION_ID_LEN] = "bob";
static const uint8_t carol[SESSION_ID_LEN] = "carol";

static struct session_life
life(void)
{
	return (struct session_life){ .ends_ms = cache_now_ms() + HOUR_MS,
		.idle_ms = HOUR_MS / 2 };
}

static struct session_row
touch(struct cache *cache, const uint8_t *id, int want)
{
	struct session_life times = life();
	struct session_row row;

	assert_int_equal(session_touch(cache, id, &times, &row), want);
	return row;
}

static int
put(struct cache *cache, const uint8_t *id, const char *scope, const char *name,
    const void *data, size_t len)
{
	struct session_entry entry = { .scope = scope,
		.kind = SESSION_ENTRY,
		.name = name,
		.data = data,
		.len = len,
		.expires_ms = INT64_MAX };

	return session_put(cache, id, &entry);
}

/* What the entry is, or NULL; in a static place. */
static const char *
get(struct cache *cache, const char *scope, enum session_kind kind,
    const char *name)
{
	static char text[64];
	struct buf out = BUF_EMPTY;
	int rc = session_get(cache, scope, kind, name, &out);

	assert_in_range(rc, 0, 1);
	(void)snprintf(text, sizeof(text), "%.*s", (int)out.len,
	    out.len > 0 ? out.data : "");
	buf_free(&out);
	return rc == 1 ? text : NULL;
}

static void
upkeep(struct cache *cache)
{
	int tries = 100;

	while (session_upkeep(cache) > 0)
		assert_true(--tries > 0);
}

static void
a_session_comes_with_its_first_use(void **state)
{
	struct fixture *f = *state;
	struct session_row row;
	struct session_row found;

	assert_int_equal(session_find(f->a, alice, cache_now_ms(), &row),
	    SESSION_ABSENT);
	assert_int_equal(strlen(row.scope), SESSION_SCOPE_LEN);
	found = touch(f->a, alice, SESSION_LIVE);
	assert_string_equal(found.scope, row.scope);
	assert_int_equal(session_find(f->b, alice, cache_now_ms(), &row),
	    SESSION_LIVE);
	assert_string_equal(row.scope, found.scope);
	assert_int_equal(session_find(f->b, bob, cache_now_ms(), &found),
	    SESSION_ABSENT);
	assert_string_not_equal(row.scope, found.scope);
	/* The id itself stands nowhere, the scope is no part of it. */
	assert_null(strstr(row.scope, "616c696365"));
}

static void
entries_belong_to_one_session(void **state)
{
	struct fixture *f = *state;
	struct session_row a = touch(f->a, alice, SESSION_LIVE);
	struct session_row b = touch(f->b, bob, SESSION_LIVE);

	assert_int_equal(put(f->a, alice, a.scope, "x", "one", 3), 1);
	assert_int_equal(put(f->b, bob, b.scope, "x", "two", 3), 1);
	assert_string_equal(get(f->b, a.scope, SESSION_ENTRY, "x"), "one");
	assert_string_equal(get(f->a, b.scope, SESSION_ENTRY, "x"), "two");
	assert_null(get(f->a, a.scope, SESSION_HANDLE, "x"));
	assert_null(get(f->a, a.scope, SESSION_ENTRY, "y"));
	/* The id has to fit the scope. */
	assert_int_equal(put(f->a, alice, b.scope, "x", "three", 5), 0);
	assert_int_equal(put(f->a, carol, b.scope, "x", "three", 5), 0);
	assert_int_equal(put(f->a, alice, a.scope, "x", "four", 4), 1);
	assert_string_equal(get(f->b, a.scope, SESSION_ENTRY, "x"), "four");
	assert_int_equal(session_delete(f->b, a.scope, SESSION_ENTRY, "x"), 1);
	assert_int_equal(session_delete(f->b, a.scope, SESSION_ENTRY, "x"), 0);
	assert_null(get(f->a, a.scope, SESSION_ENTRY, "x"));
	assert_string_equal(get(f->a, b.scope, SESSION_ENTRY, "x"), "two");
}

static void
an_ended_session_is_gone_with_all_it_had(void **state)
{
	struct fixture *f = *state;
	struct session_row row = touch(f->a, alice, SESSION_LIVE);
	struct cache_claim claim;
	char group[64];
	struct cache_life of = { .fresh_ms = -1, .scope = group };
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];

	/* A memoized value of the session. */
	(void)snprintf(group, sizeof(group), SESSION_GROUP "%s", row.scope);
	memset(&claim, 0, sizeof(claim));
	assert_int_equal(memo_key("", "f", 0, row.scope, "", 0, key), 0);
	assert_int_equal(cache_ask(f->a, key, "f", "", 0, &claim, NULL),
	    CACHE_OWNED);
	assert_int_equal(
	    cache_publish_as(f->a, &claim, CACHE_FORMAT_VALUE, "v", 1, &of), 0);
	cache_claim_free(&claim);
	assert_int_equal(put(f->a, alice, row.scope, "x", "one", 3), 1);
	assert_int_equal(session_end(f->b, alice), 1);
	assert_int_equal(session_end(f->b, alice), 0);
	assert_true(
	    session_find(f->a, alice, cache_now_ms(), &row) > SESSION_LIVE);
	assert_int_equal(cache_lookup(f->a, key, &out, &format), CACHE_MISS);
	assert_int_equal(put(f->a, alice, row.scope, "x", "one", 3), 0);
	upkeep(f->a);
	assert_null(get(f->a, row.scope, SESSION_ENTRY, "x"));
	/* The id does not come to life again. */
	(void)touch(f->a, alice, SESSION_DEAD);
	buf_free(&out);
}

static void
another_id_keeps_the_data(void **state)
{
	struct fixture *f = *state;
	struct session_row row = touch(f->a, alice, SESSION_LIVE);
	struct session_row after;
	struct session_life times = life();

	assert_int_equal(put(f->a, alice, row.scope, "x", "one", 3), 1);
	assert_int_equal(session_set_user(f->a, alice, "Alice"), 1);
	assert_int_equal(session_rotate(f->a, alice, bob, &times),
	    SESSION_LIVE);
	assert_int_equal(session_find(f->b, alice, cache_now_ms(), &after),
	    SESSION_ROTATED);
	assert_int_equal(session_find(f->b, bob, cache_now_ms(), &after),
	    SESSION_LIVE);
	assert_string_equal(after.scope, row.scope);
	assert_string_equal(after.user, "Alice");
	assert_int_equal(put(f->a, alice, row.scope, "x", "two", 3), 0);
	upkeep(f->a);
	assert_string_equal(get(f->b, after.scope, SESSION_ENTRY, "x"), "one");
	assert_int_equal(session_rotate(f->a, alice, carol, &times),
	    SESSION_ROTATED);
	assert_int_equal(session_set_user(f->a, alice, "Mallory"), 0);
}

static void
the_one_used_longest_ago_makes_room(void **state)
{
	struct fixture *f = *state;
	uint8_t id[SESSION_ID_LEN] = "00";
	struct session_row row;
	int64_t count;
	int64_t limit;
	int live = 0;
	int i;

	f->a->session_limit = 10;
	assert_int_equal(session_count(f->a, &count, &limit), 0);
	assert_int_equal(count, 0);
	assert_int_equal(limit, 10);
	for (i = 0; i < 50; i++) {
		id[0] = (uint8_t)i;
		row = touch(f->a, id, SESSION_LIVE);
		assert_int_equal(put(f->a, id, row.scope, "x", id, 1), 1);
		(void)usleep(2000); /* another millisecond of use */
		assert_int_equal(session_count(f->b, &count, &limit), 0);
		assert_int_equal(count, i < 10 ? i + 1 : 10);
	}
	for (i = 0; i < 50; i++) {
		id[0] = (uint8_t)i;
		if (session_find(f->b, id, cache_now_ms(), &row) ==
		    SESSION_LIVE)
			live++;
		else
			assert_true(i < 40);
	}
	assert_int_equal(live, 10);
	upkeep(f->a);
	id[0] = 3;
	(void)session_find(f->b, id, cache_now_ms(), &row);
	assert_null(get(f->a, row.scope, SESSION_ENTRY, "x"));
	id[0] = 49;
	assert_int_equal(session_end(f->a, id), 1);
	assert_int_equal(session_count(f->a, &count, &limit), 0);
	assert_int_equal(count, 9);
}

/* Not as they came: as they were used, within a second. */
static void
sessions_in_use_stay_in_order(void **state)
{
	struct fixture *f = *state;
	uint8_t dave[SESSION_ID_LEN] = "dave";
	struct session_row row;
	int64_t before;

	f->a->session_limit = 3;
	(void)touch(f->a, alice, SESSION_LIVE);
	(void)touch(f->a, bob, SESSION_LIVE);
	(void)touch(f->a, carol, SESSION_LIVE);
	(void)usleep(150000);
	(void)touch(f->a, alice, SESSION_LIVE);
	(void)touch(f->a, carol, SESSION_LIVE);
	(void)touch(f->a, dave, SESSION_LIVE);
	assert_int_equal(session_find(f->b, bob, cache_now_ms(), &row),
	    SESSION_DYING);
	assert_int_equal(session_find(f->b, alice, cache_now_ms(), &row),
	    SESSION_LIVE);
	/* But a use is not a write. */
	before = sqlite3_total_changes64(f->a->db.handle);
	(void)touch(f->a, dave, SESSION_LIVE);
	f->a->session_limit = 0;
	(void)usleep(150000);
	(void)touch(f->a, dave, SESSION_LIVE);
	assert_int_equal(sqlite3_total_changes64(f->a->db.handle), before);
}

/* However many come that never put anything into theirs. */
static void
empty_sessions_make_room_first(void **state)
{
	static const uint8_t frank[SESSION_ID_LEN] = "frank";
	struct fixture *f = *state;
	struct session_entry entry = { .kind = SESSION_ENTRY,
		.name = "x",
		.data = "0123456789",
		.len = 10,
		.expires_ms = INT64_MAX };
	struct session_life life = { .ends_ms = cache_now_ms() + 3600000,
		.made = true };
	uint8_t visitor[SESSION_ID_LEN] = { 0 };
	struct session_row row;
	int i;

	f->a->session_limit = 4;
	row = touch(f->a, alice, SESSION_LIVE);
	assert_true(session_find(f->a, alice, 0, &row) == SESSION_LIVE);
	assert_true(row.empty);
	entry.scope = row.scope;
	assert_int_equal(session_put(f->a, alice, &entry), 1);
	(void)touch(f->a, bob, SESSION_LIVE);
	assert_int_equal(session_set_user(f->a, bob, "bob"), 1);
	assert_int_equal(session_rotate(f->a, bob, frank, &life), SESSION_LIVE);
	(void)touch(f->a, carol, SESSION_LIVE);
	assert_int_equal(session_set_user(f->a, carol, ""), 1);
	for (i = 1; i < 20; i++) {
		visitor[0] = (uint8_t)i;
		(void)touch(f->a, visitor, SESSION_LIVE);
	}
	assert_true(session_find(f->b, carol, 0, &row) > SESSION_LIVE);
	assert_int_equal(session_find(f->b, alice, 0, &row), SESSION_LIVE);
	assert_false(row.empty);
	assert_in_range(row.used_ms, cache_now_ms() - 60000, cache_now_ms());
	assert_int_equal(session_find(f->b, frank, 0, &row), SESSION_LIVE);
	assert_false(row.empty);
	assert_int_equal(session_find(f->b, visitor, 0, &row), SESSION_LIVE);
	assert_true(row.empty);
	assert_in_range(row.used_ms, cache_now_ms() - 60000, cache_now_ms());
}

static void
a_session_keeps_no_more_than_its_quota(void **state)
{
	struct fixture *f = *state;
	struct session_row row = touch(f->a, alice, SESSION_LIVE);
	struct session_row other = touch(f->a, bob, SESSION_LIVE);
	struct session_entry handle = { .scope = row.scope,
		.kind = SESSION_HANDLE,
		.data = "0123456789",
		.len = 10,
		.expires_ms = INT64_MAX };

	f->a->session_quota = 40;
	assert_int_equal(put(f->a, bob, other.scope, "x", "theirs", 6), 1);
	assert_int_equal(put(f->a, alice, row.scope, "a", "0123456789", 10), 1);
	assert_int_equal(put(f->a, alice, row.scope, "a", "9876543210", 10), 1);
	for (handle.name = "h1"; handle.name[1] != '\0';
	     handle.name = handle.name[1] == '1'   ? "h2"
			   : handle.name[1] == '2' ? "h3"
			   : handle.name[1] == '3' ? "h4"
						   : "h") {
		assert_int_equal(session_put(f->a, alice, &handle), 1);
		(void)usleep(2000);
	}
	/* The oldest handle went, what has a name stayed. */
	assert_null(get(f->a, row.scope, SESSION_HANDLE, "h1"));
	assert_non_null(get(f->a, row.scope, SESSION_HANDLE, "h4"));
	assert_int_equal(put(f->a, alice, row.scope, "b", "0123456789", 10),
	    ERR_TOO_BIG);
	assert_string_equal(get(f->a, row.scope, SESSION_ENTRY, "a"),
	    "9876543210");
	assert_string_equal(get(f->a, other.scope, SESSION_ENTRY, "x"),
	    "theirs");
}

static void
the_keeper_ends_what_is_too_old(void **state)
{
	struct fixture *f = *state;
	struct session_life times = { .ends_ms = cache_now_ms() + 20 };
	struct session_row row;
	struct session_entry entry = { .kind = SESSION_ENTRY,
		.name = "x",
		.data = "v",
		.len = 1,
		.expires_ms = cache_now_ms() + 20 };

	assert_int_equal(session_touch(f->a, alice, &times, &row),
	    SESSION_LIVE);
	assert_int_equal(put(f->a, alice, row.scope, "y", "w", 1), 1);
	row = touch(f->a, bob, SESSION_LIVE);
	entry.scope = row.scope;
	assert_int_equal(session_put(f->a, bob, &entry), 1);
	(void)usleep(30000);
	assert_null(get(f->a, row.scope, SESSION_ENTRY, "x"));
	upkeep(f->b);
	/* Its cookie would not be taken either, so the row is not needed. */
	assert_int_equal(session_find(f->a, alice, cache_now_ms(), &row),
	    SESSION_ABSENT);
	assert_null(get(f->a, row.scope, SESSION_ENTRY, "y"));
	assert_int_equal(session_find(f->a, bob, cache_now_ms(), &row),
	    SESSION_LIVE);
}

static void
a_tool_ends_one_by_its_scope(void **state)
{
	struct fixture *f = *state;
	struct session_row row = touch(f->a, alice, SESSION_LIVE);
	char prefix[9];

	(void)touch(f->a, bob, SESSION_LIVE);
	memcpy(prefix, row.scope, 8);
	prefix[8] = '\0';
	assert_int_equal(session_end_scope(f->b, "00"), ERR_SYNTAX);
	assert_int_equal(session_end_scope(f->b, "%%%%%%%%"), ERR_SYNTAX);
	assert_int_equal(session_end_scope(f->b, prefix), 1);
	assert_int_equal(session_end_scope(f->b, prefix), 0);
	assert_int_equal(session_find(f->a, bob, cache_now_ms(), &row),
	    SESSION_LIVE);
}

static void
names_have_a_bound(void **state)
{
	struct fixture *f = *state;
	struct session_row row = touch(f->a, alice, SESSION_LIVE);
	char name[SESSION_NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[SESSION_NAME_MAX + 1] = '\0';
	assert_int_equal(put(f->a, alice, row.scope, name, "v", 1),
	    ERR_TOO_BIG);
	name[SESSION_NAME_MAX] = '\0';
	assert_int_equal(put(f->a, alice, row.scope, name, "v", 1), 1);
	assert_int_equal(session_set_user(f->a, alice, name), 1);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_comes_with_its_first_use),
		TEST(entries_belong_to_one_session),
		TEST(an_ended_session_is_gone_with_all_it_had),
		TEST(another_id_keeps_the_data),
		TEST(the_one_used_longest_ago_makes_room),
		TEST(sessions_in_use_stay_in_order),
		TEST(empty_sessions_make_room_first),
		TEST(a_session_keeps_no_more_than_its_quota),
		TEST(the_keeper_ends_what_is_too_old),
		TEST(a_tool_ends_one_by_its_scope),
		TEST(names_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
