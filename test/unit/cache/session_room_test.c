/* SPDX-License-Identifier: MIT */

/* What all sessions together may keep, and who makes room for whom. */
#include "test/unit/cache/fixture.h"

#include "cache/cache_int.h"
#include "cache/now.h"
#include "cache/session.h"

#define SHARE 40000
#define VALUE 3000
#define ROW 256 /* what an entry counts for beside its value */

static char data[SHARE];

/* A session of the number n, and its scope in *row. */
static const uint8_t *
begin(struct cache *cache, int n, struct session_row *row)
{
	static uint8_t ids[64][SESSION_ID_LEN];
	struct session_life life = { .ends_ms = INT64_MAX, .made = true };

	ids[n][0] = (uint8_t)(n + 1);
	assert_int_equal(session_touch(cache, ids[n], &life, row),
	    SESSION_LIVE);
	(void)usleep(2000); /* another millisecond of use */
	return ids[n];
}

static int
put(struct cache *cache, int n, enum session_kind kind, const char *name,
    size_t len)
{
	struct session_row row;
	const uint8_t *id = begin(cache, n, &row);
	struct session_entry entry = { .scope = row.scope,
		.kind = kind,
		.name = name,
		.data = data,
		.len = len,
		.expires_ms = kind == SESSION_HANDLE ? cache_now_ms() + 3600000
						     : INT64_MAX };

	return session_put(cache, id, &entry);
}

static bool
has(struct cache *cache, int n, enum session_kind kind, const char *name)
{
	struct buf out = BUF_EMPTY;
	struct session_row row;
	int rc;

	(void)begin(cache, n, &row);
	rc = session_get(cache, row.scope, kind, name, &out);
	buf_free(&out);
	return rc == 1;
}

static int
state(struct cache *cache, int n)
{
	struct session_row row;
	uint8_t id[SESSION_ID_LEN] = { (uint8_t)(n + 1) };

	return session_find(cache, id, 0, &row);
}

/* What is counted is what there is; the number of bytes. */
static int64_t
counted(struct fixture *f)
{
	int64_t bytes =
	    fixture_sql(f, "SELECT number FROM sessions WHERE id = -1");

	assert_int_equal(bytes,
	    fixture_sql(f,
		"SELECT coalesce(sum(len + 256), 0) FROM session_values"));
	return bytes;
}

static void
upkeep(struct cache *cache)
{
	int tries = 1000;

	while (session_upkeep(cache) > 0)
		assert_true(--tries > 0);
}

static void
what_they_keep_is_counted(void **state)
{
	struct fixture *f = *state;
	struct session_entry entry = { .kind = SESSION_HANDLE,
		.name = "soon",
		.data = data,
		.len = 10 };
	struct session_row row;
	const uint8_t *id;

	f->a->session_quota = 1000;
	assert_int_equal(counted(f), 0);
	assert_int_equal(put(f->a, 1, SESSION_ENTRY, "a", 100), 1);
	assert_int_equal(counted(f), 100 + ROW);
	assert_int_equal(put(f->b, 1, SESSION_ENTRY, "a", 300), 1);
	assert_int_equal(put(f->a, 1, SESSION_ENTRY, "b", 0), 1);
	assert_int_equal(counted(f), 300 + 2 * ROW);
	assert_int_equal(put(f->a, 1, SESSION_ENTRY, "b", 800), ERR_TOO_BIG);
	assert_int_equal(put(f->a, 1, SESSION_HANDLE, "h1", 400), 1);
	assert_int_equal(put(f->a, 1, SESSION_HANDLE, "h2", 400), 1);
	assert_false(has(f->a, 1, SESSION_HANDLE, "h1"));
	assert_int_equal(counted(f), 700 + 3 * ROW);
	id = begin(f->a, 1, &row);
	assert_int_equal(session_delete(f->a, row.scope, SESSION_ENTRY, "a"),
	    1);
	assert_int_equal(counted(f), 400 + 2 * ROW);
	entry.scope = row.scope;
	entry.expires_ms = cache_now_ms() + 20;
	assert_int_equal(session_put(f->a, id, &entry), 1);
	(void)usleep(30000);
	upkeep(f->a);
	assert_int_equal(counted(f), 400 + 2 * ROW);
	assert_int_equal(session_end(f->a, id), 1);
	upkeep(f->a);
	assert_int_equal(counted(f), 0);
}

/* A file of before, or one that was changed by hand. */
static void
a_start_counts_anew(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f->a, 1, SESSION_ENTRY, "a", 100), 1);
	(void)fixture_sql(f, "UPDATE sessions SET number = 7 WHERE id = -1");
	cache_close(&f->a);
	cache_close(&f->b);
	assert_int_equal(fixture_prepare(f), 0);
	f->a = fixture_open(f, 1, 101);
	assert_int_equal(counted(f), 100 + ROW);
}

/* Whose they are does not matter, and no session ends for it. */
static void
oldest_stored_values_make_room_first(void **state)
{
	struct fixture *f = *state;
	char name[16];
	int i;

	f->a->session_share = SHARE;
	assert_int_equal(put(f->a, 0, SESSION_ENTRY, "cart", VALUE), 1);
	for (i = 0; i < 30; i++) {
		(void)snprintf(name, sizeof(name), "h%d", i);
		assert_int_equal(
		    put(f->a, 1 + i % 3, SESSION_HANDLE, name, VALUE), 1);
		assert_in_range(counted(f), 1, SHARE);
	}
	assert_true(counted(f) > SHARE - 2 * VALUE);
	assert_true(has(f->b, 0, SESSION_ENTRY, "cart"));
	assert_true(has(f->b, 1 + 29 % 3, SESSION_HANDLE, "h29"));
	assert_false(has(f->b, 1 + 15 % 3, SESSION_HANDLE, "h15"));
	assert_int_equal(
	    fixture_sql(f, "SELECT live FROM sessions WHERE id = -1"), 4);
}

static void
then_the_session_used_longest_ago_ends(void **unused)
{
	struct fixture *f = *unused;
	struct session_row row;
	int i;

	f->a->session_share = SHARE;
	/* Who only has a name ends for nobody. */
	for (i = 20; i < 25; i++)
		assert_int_equal(
		    session_set_user(f->a, begin(f->a, i, &row), "somebody"),
		    1);
	for (i = 0; i < 20; i++) {
		assert_int_equal(put(f->a, i, SESSION_ENTRY, "x", VALUE), 1);
		assert_in_range(counted(f), 1, SHARE);
	}
	for (i = 0; i < 20; i++)
		assert_true((state(f->b, i) == SESSION_LIVE) == (i >= 8));
	for (i = 20; i < 25; i++)
		assert_int_equal(state(f->b, i), SESSION_LIVE);
	upkeep(f->a);
	assert_int_equal(counted(f), 12 * (VALUE + ROW));
}

/* Not even where it is the one used longest ago. */
static void
the_one_that_writes_stays(void **unused)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	struct fixture *f = *unused;
	unsigned i;

	f->a->session_share = SHARE;
	assert_int_equal(put(f->a, 0, SESSION_ENTRY, "old", 1000), 1);
	for (i = 1; i < 4; i++)
		assert_int_equal(put(f->a, (int)i, SESSION_ENTRY, "x", 8000),
		    1);
	for (i = 0; i < 6; i++)
		assert_int_equal(put(f->a, 0, SESSION_ENTRY, names[i], 6000),
		    1);
	assert_int_equal(state(f->b, 0), SESSION_LIVE);
	assert_true(has(f->b, 0, SESSION_ENTRY, "old"));
	for (i = 1; i < 4; i++)
		assert_true(state(f->b, (int)i) > SESSION_LIVE);
	/* One alone has no more than all. */
	assert_int_equal(put(f->a, 0, SESSION_ENTRY, "g", 6000), ERR_TOO_BIG);
	assert_int_equal(put(f->a, 5, SESSION_ENTRY, "g", SHARE + 1),
	    ERR_TOO_BIG);
}

/* A bound that became lower is the keeper's business. */
static void
the_keeper_keeps_the_share(void **unused)
{
	struct fixture *f = *unused;
	char name[8];
	int i;

	for (i = 0; i < 600; i++) {
		(void)snprintf(name, sizeof(name), "h%d", i);
		assert_int_equal(put(f->a, i % 2, SESSION_HANDLE, name, 10), 1);
	}
	assert_int_equal(put(f->a, 2, SESSION_ENTRY, "x", VALUE), 1);
	f->a->session_share = SHARE;
	/* One step is not enough, and that does not stop a writer. */
	assert_int_equal(put(f->a, 3, SESSION_ENTRY, "y", VALUE), 1);
	assert_true(counted(f) > SHARE);
	upkeep(f->a);
	assert_in_range(counted(f), SHARE - VALUE, SHARE);
	assert_true(has(f->a, 2, SESSION_ENTRY, "x"));
	assert_true(has(f->a, 3, SESSION_ENTRY, "y"));
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_they_keep_is_counted),
		TEST(a_start_counts_anew),
		TEST(oldest_stored_values_make_room_first),
		TEST(then_the_session_used_longest_ago_ends),
		TEST(the_one_that_writes_stays),
		TEST(the_keeper_keeps_the_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
