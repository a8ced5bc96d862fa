/* SPDX-License-Identifier: MIT */

/*
 * No read ever writes, and none leaves anything open: every statement that
 * SQLite runs is traced, the files are looked at, and so is the state of the
 * transaction after every verb.
 */
#include "test/unit/cache/fixture.h"

#include <errno.h>
#include <sys/stat.h>

#include "cache/cache_int.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "cache/session.h"

/* What was run on the traced connection. */
static unsigned traced;
static unsigned wrote;

static int
on_statement(unsigned what, void *context, void *stmt, void *text)
{
	(void)what;
	(void)context;
	(void)text;
	traced++;
	if (!sqlite3_stmt_readonly(stmt)) {
		wrote++;
		print_message("wrote: %s\n", sqlite3_sql(stmt));
	}
	return 0;
}

/* What the file system says about database and log. */
struct files {
	int64_t bytes[2];
	int64_t stamps[2];
	int64_t rows; /* ever changed by the connection */
};

static struct files
look_at_files(struct fixture *f)
{
	static const char *const names[] = { "cache-v1.db", "cache-v1.db-wal" };
	struct files files = { .rows = 0 };
	char path[128];
	struct stat st;
	int i;

	for (i = 0; i < 2; i++) {
		fixture_path(f, names[i], path);
		assert_int_equal(stat(path, &st), 0);
		files.bytes[i] = st.st_size;
		files.stamps[i] = st.st_mtim.tv_sec * INT64_C(1000000000) +
				  st.st_mtim.tv_nsec;
	}
	files.rows = sqlite3_total_changes64(f->a->db.handle);
	return files;
}

struct reader {
	struct fixture *f;
	struct buf out;
	enum cache_format format;
	struct cache_seen seen;
	int64_t version;
	uint8_t kept[CACHE_KEY_LEN];
	uint8_t missing[CACHE_KEY_LEN];
	uint8_t failed[CACHE_KEY_LEN];
	uint8_t id[SESSION_ID_LEN];
	char scope[SESSION_SCOPE_LEN + 1];
};

static void
read_lookup(struct reader *r)
{
	struct cache *cache = r->f->a;

	assert_int_equal(cache_lookup(cache, r->kept, &r->out, &r->format),
	    CACHE_HIT);
	assert_int_equal(cache_lookup(cache, r->missing, &r->out, &r->format),
	    CACHE_MISS);
	assert_int_equal(
	    cache_lookup_since(cache, r->kept, 1, &r->out, &r->format),
	    CACHE_HIT);
	assert_int_equal(cache_lookup_since(cache, r->kept,
			     cache_now_ms() + 1000, &r->out, &r->format),
	    CACHE_MISS);
	assert_int_equal(
	    cache_lookup_waited(cache, r->kept, 0, &r->out, &r->format),
	    CACHE_HIT);
}

static void
read_seen(struct reader *r)
{
	struct cache *cache = r->f->a;

	assert_int_equal(
	    cache_lookup_seen(cache, r->kept, &r->out, &r->format, &r->seen),
	    CACHE_HIT);
	assert_true(cache_is_unchanged(cache, &r->seen));
	assert_int_equal(cache_still(cache, r->kept, &r->seen), CACHE_HIT);
	r->seen.version = 0;
	assert_int_equal(cache_still(cache, r->kept, &r->seen), CACHE_HIT);
	(void)cache_has_changed(cache, &r->version);
	assert_false(cache_has_changed(cache, &r->version));
}

static void
read_signals(struct reader *r)
{
	struct cache *cache = r->f->a;

	assert_int_equal(cache_state(cache, r->kept, NULL), CACHE_READY);
	assert_int_equal(cache_state(cache, r->missing, NULL), -ENOENT);
	assert_int_equal(cache_state(cache, r->failed, &r->out), CACHE_FAILED);
	assert_int_equal(cache_has_wanted(cache), 1);
	assert_int_equal(cache_is_left(cache, r->kept, 1), 1);
}

/* What asking is mostly: it is there, it failed, I wait already. */
static void
read_ask(struct reader *r)
{
	struct cache *cache = r->f->a;

	assert_int_equal(fixture_ask(cache, 1, NULL), CACHE_READY);
	assert_int_equal(fixture_ask(cache, 3, NULL), CACHE_FAILED);
	assert_int_equal(fixture_ask(cache, 4, NULL), CACHE_WAITING);
}

static void
read_sessions(struct reader *r)
{
	struct session_row row;
	struct cache *cache = r->f->a;

	assert_int_equal(session_find(cache, r->id, 0, &row), SESSION_LIVE);
	assert_string_equal(row.scope, r->scope);
	assert_int_equal(
	    session_get(cache, r->scope, SESSION_ENTRY, "name", &r->out), 1);
	assert_int_equal(
	    session_get(cache, r->scope, SESSION_ENTRY, "none", &r->out), 0);
}

/* There is nothing to renew and nothing to claim that this one could. */
static bool
cannot(const void *arg, const char *function, int64_t code)
{
	(void)arg;
	(void)function;
	(void)code;
	return false;
}

static void
read_idle_work(struct reader *r)
{
	struct cache_claim claim = { .epoch = 0 };

	assert_int_equal(cache_renew(r->f->a), 0);
	r->f->a->peer.can_compute = cannot;
	assert_int_equal(cache_claim_next(r->f->a, &claim), -ENOENT);
	cache_watch(r->f->a);
	cache_claim_free(&claim);
}

static const struct verb {
	const char *name;
	void (*run)(struct reader *r);
	bool within; /* also in a transaction over several look-ups */
} verbs[] = {
	{ "look up", read_lookup, true },
	{ "still", read_seen, false },
	{ "signals", read_signals, true },
	{ "ask", read_ask, false },
	{ "sessions", read_sessions, true },
	{ "idle", read_idle_work, false },
};

static void
fill(struct reader *r)
{
	static const struct session_life life = { .ends_ms = INT64_MAX };
	struct cache_claim claim = { .epoch = 0 };
	struct session_row row;
	struct session_entry entry = { .kind = SESSION_ENTRY,
		.name = "name",
		.data = "x",
		.len = 1,
		.expires_ms = INT64_MAX };
	struct fixture *f = r->f;

	fixture_key(1, r->kept);
	fixture_key(2, r->missing);
	fixture_key(3, r->failed);
	fixture_store(f->a, 1, "kept", -1);
	assert_int_equal(fixture_ask(f->a, 3, &claim), CACHE_OWNED);
	assert_int_equal(cache_fail(f->a, &claim, "why", 60000), 0);
	cache_claim_free(&claim);
	assert_int_equal(fixture_ask(f->a, 4, NULL), CACHE_WANTED_NEW);
	assert_int_equal(session_touch(f->a, r->id, &life, &row), SESSION_LIVE);
	memcpy(r->scope, row.scope, sizeof(r->scope));
	entry.scope = r->scope;
	assert_int_equal(session_put(f->a, r->id, &entry), 1);
}

static void
no_read_writes(void **state)
{
	struct reader r = { .f = *state, .out = BUF_EMPTY };
	struct files before;
	struct files after;
	unsigned ran;
	size_t i;
	int mode;

	fill(&r);
	assert_int_equal(sqlite3_trace_v2(r.f->a->db.handle, SQLITE_TRACE_STMT,
			     on_statement, NULL),
	    SQLITE_OK);
	before = look_at_files(r.f);
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		for (mode = 0; mode < 1 + verbs[i].within; mode++) {
			ran = traced;
			if (mode == 1)
				assert_int_equal(cache_read_begin(r.f->a), 0);
			verbs[i].run(&r);
			assert_int_equal(cache_is_idle(r.f->a), mode == 0);
			cache_read_end(r.f->a);
			assert_true(cache_is_idle(r.f->a));
			print_message("%s: %u statements\n", verbs[i].name,
			    traced - ran);
			assert_true(traced > ran);
		}
	}
	after = look_at_files(r.f);
	assert_int_equal(wrote, 0);
	assert_memory_equal(&before, &after, sizeof(before));
	/* The trace and the look at the files would have seen it. */
	fixture_store(r.f->a, 5, "written", -1);
	after = look_at_files(r.f);
	assert_true(wrote > 0);
	assert_true(after.rows > before.rows);
	assert_true(after.bytes[1] > before.bytes[1]);
	buf_free(&r.out);
}

/* Writing leaves nothing open either, whatever comes of it. */
static void
nothing_stays_open(void **state)
{
	static const struct cache_life life = { .fresh_ms = -1 };
	struct fixture *f = *state;
	struct cache_entry entry = { .data = "x", .len = 1 };
	struct cache_claim claim = { .epoch = 0 };
	struct cache_claim late;
	int64_t sum;

	fixture_key(1, entry.key);
	assert_int_equal(cache_put(f->a, &entry, 1, CACHE_PUT_ALWAYS, &life),
	    1);
	assert_true(cache_is_idle(f->a));
	assert_int_equal(cache_put(f->a, &entry, 1, CACHE_PUT_ABSENT, &life),
	    0);
	assert_true(cache_is_idle(f->a));
	assert_int_equal(cache_add_to(f->a, entry.key, 1, &sum), -EINVAL);
	assert_true(cache_is_idle(f->a));
	assert_int_equal(fixture_ask(f->a, 2, &claim), CACHE_OWNED);
	late = claim;
	late.epoch++;
	assert_int_equal(fixture_publish(f->a, &late, "v", -1), ERR_STALE);
	assert_true(cache_is_idle(f->a));
	assert_int_equal(fixture_publish(f->a, &claim, "v", -1), 0);
	assert_true(cache_is_idle(f->a));
	assert_int_equal(cache_forget(f->a, CACHE_GROUP_ALL, ""), 0);
	assert_true(cache_is_idle(f->a));
	cache_claim_free(&claim);
}

#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(no_read_writes),
		CASE(nothing_stays_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
