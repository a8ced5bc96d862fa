/* SPDX-License-Identifier: MIT */
#ifndef TEST_CACHE_FIXTURE_H
#define TEST_CACHE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/cache.h"
#include "cache/memo_key.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

/*
 * A cache in a folder of its own, one eventfd per slot, and short forms of
 * what every test of the cache does.
 */
#define SLOTS 4

struct fixture {
	char dir[64];
	struct cache_options options;
	int wake_fds[SLOTS];
	struct cache *a; /* worker 101 in slot 1 */
	struct cache *b; /* worker 102 in slot 2 */
};

static inline void
fixture_remove_dir(const char *dir)
{
	struct dirent *entry;
	DIR *stream = opendir(dir);

	if (stream == NULL)
		return;
	while ((entry = readdir(stream)) != NULL)
		(void)unlinkat(dirfd(stream), entry->d_name, 0);
	(void)closedir(stream);
	(void)rmdir(dir);
}

static inline struct cache *
fixture_open(struct fixture *fixture, unsigned slot, int64_t worker_id)
{
	struct cache_peer peer = { .slot = slot,
		.worker_id = worker_id,
		.wake_fds = fixture->wake_fds,
		.slot_count = SLOTS };
	struct cache *cache;

	assert_int_equal(cache_open(&cache, &fixture->options, &peer), 0);
	return cache;
}

/* The keeper's connection: worker 0, no slot of its own. */
static inline struct cache *
fixture_open_keeper(struct fixture *fixture)
{
	return fixture_open(fixture, SLOTS, 0);
}

static inline int
fixture_prepare(struct fixture *fixture)
{
	struct buf why = BUF_EMPTY;
	int rc = cache_prepare(&fixture->options, &why);

	if (rc < 0)
		assert_true(why.len > 0);
	else
		assert_int_equal(why.len, 0);
	buf_free(&why);
	return rc;
}

/* An empty folder and the options for it; nothing is opened. */
static inline void
fixture_init(struct fixture *fixture)
{
	unsigned i;

	memset(fixture, 0, sizeof(*fixture));
	(void)snprintf(fixture->dir, sizeof(fixture->dir),
	    "/tmp/pronghorn-cache-XXXXXX");
	assert_non_null(mkdtemp(fixture->dir));
	for (i = 0; i < SLOTS; i++) {
		fixture->wake_fds[i] = fd_event_new();
		assert_true(fixture->wake_fds[i] >= 0);
	}
	fixture->options.cache_type = "sqlite";
	fixture->options.cache_dir = fixture->dir;
	fixture->options.cache_default_timeout = 300;
	fixture->options.cache_threshold = 10000;
	fixture->options.cache_max_bytes = 1 << 30;
	fixture->options.cache_memory = 1 << 20;
	fixture->options.cache_key_prefix = "";
	fixture->options.cache_busy_timeout = 0.25;
	fixture->options.compute_lease = 15;
	fixture->options.compute_attempts = 3;
	fixture->options.compute_quarantine = 30;
	fixture->options.compute_error_timeout = 2;
	log_threshold = LOG_LEVEL_CRITICAL;
}

static inline void
fixture_fini(struct fixture *fixture)
{
	unsigned i;

	cache_close(&fixture->a);
	cache_close(&fixture->b);
	for (i = 0; i < SLOTS; i++)
		fd_close(&fixture->wake_fds[i]);
	fixture_remove_dir(fixture->dir);
}

/* cmocka setup and teardown with both connections open. */
static inline int
fixture_setup(void **state)
{
	struct fixture *fixture = malloc(sizeof(*fixture));

	if (fixture == NULL)
		return -1;
	fixture_init(fixture);
	assert_int_equal(fixture_prepare(fixture), 0);
	fixture->a = fixture_open(fixture, 1, 101);
	fixture->b = fixture_open(fixture, 2, 102);
	*state = fixture;
	return 0;
}

static inline int
fixture_teardown(void **state)
{
	fixture_fini(*state);
	free(*state);
	return 0;
}

/* Programs that make calls fail spare those of the test itself. */
static void (*fixture_spare)(bool spared);

/* The key of a function "f" called with the number n. */
static inline void
fixture_key(int n, uint8_t key[CACHE_KEY_LEN])
{
	if (fixture_spare != NULL)
		fixture_spare(true);
	assert_int_equal(memo_key("", "f", 1, "", &n, sizeof(n), key), 0);
	if (fixture_spare != NULL)
		fixture_spare(false);
}

static inline int
fixture_ask(struct cache *cache, int n, struct cache_claim *claim)
{
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(n, key);
	return cache_ask(cache, key, "f", &n, sizeof(n), claim, NULL);
}

static inline int
fixture_state(struct cache *cache, int n)
{
	uint8_t key[CACHE_KEY_LEN];

	fixture_key(n, key);
	return cache_state(cache, key, NULL);
}

/* Look up and compare: the value of n must be `want` when it is there. */
static inline int
fixture_lookup(struct cache *cache, int n, const char *want)
{
	struct buf out = BUF_EMPTY;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	fixture_key(n, key);
	rc = cache_lookup(cache, key, &out, &format);
	if (rc == CACHE_HIT) {
		assert_int_equal(out.len, strlen(want));
		assert_memory_equal(out.data, want, out.len);
		assert_int_equal(format, CACHE_FORMAT_VALUE);
	}
	buf_free(&out);
	return rc;
}

static inline int
fixture_publish(struct cache *cache, const struct cache_claim *claim,
    const char *text, int64_t ttl_ms)
{
	return cache_publish(cache, claim, CACHE_FORMAT_VALUE, text,
	    strlen(text), ttl_ms);
}

/* Ask, own, publish. */
static inline void
fixture_store(struct cache *cache, int n, const char *text, int64_t ttl_ms)
{
	struct cache_claim claim = { .epoch = 0 };

	assert_int_equal(fixture_ask(cache, n, &claim), CACHE_OWNED);
	assert_int_equal(fixture_publish(cache, &claim, text, ttl_ms), 0);
	cache_claim_free(&claim);
}

/* Take what is pending: bit i is set when slot i was woken. */
static inline unsigned
fixture_woken(struct fixture *fixture)
{
	unsigned mask = 0;
	unsigned i;

	for (i = 0; i < SLOTS; i++) {
		if (fd_event_drain(fixture->wake_fds[i]) > 0)
			mask |= 1u << i;
	}
	return mask;
}

static inline void
fixture_path(const struct fixture *fixture, const char *name, char path[128])
{
	(void)snprintf(path, 128, "%s/%s", fixture->dir, name);
}

/*
 * Run SQL on the file through a connection of its own, past the cache. The
 * first column of the last row comes back.
 */
static inline int64_t
fixture_sql(const struct fixture *fixture, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	char path[128];
	int64_t number = -1;

	fixture_path(fixture, "cache-v1.db", path);
	assert_int_equal(
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 2000);
	(void)sqlite3_wal_autocheckpoint(db, 0);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL),
	    SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		number = sqlite3_column_int64(stmt, 0);
	assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return number;
}

/* integrity_check says "ok", which reads as the number 0; errors do too. */
static inline void
fixture_check_integrity(const struct fixture *fixture)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	char path[128];

	fixture_path(fixture, "cache-v1.db", path);
	assert_int_equal(
	    sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 2000);
	assert_int_equal(
	    sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	(void)sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Wait for a child; it must have ended by itself with status 0. */
static inline void
fixture_wait(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
