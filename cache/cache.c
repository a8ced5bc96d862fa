/* SPDX-License-Identifier: MIT */

/*
 * The front door: opening, closing, waking. Looking up is in lookup.c, the
 * signal table in flight.c, what happens before the first fork in prepare.c.
 *
 * INVARIANT  A connection is given out only on a file that prepare.c has
 *            seen in this boot, with our schema.
 * OWNERSHIP  struct cache owns its connection; wake_fds are borrowed.
 * THREADS    One connection per thread.
 * FAILURE    Verbs return ERR_BUSY or ERR_STORE; db.c wrote the log line.
 */
#include "cache/cache.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/cache_int.h"
#include "cache/db_int.h"
#include "cache/forget.h"
#include "cache/kept.h"
#include "cache/mark.h"
#include "cache/prepare.h"
#include "cache/session.h"
#include "cache/store.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"

#define BYTES_LEAST (1 << 20) /* of a bound: empty tables need room, too */

int
cache_public_rc(int rc)
{
	return rc == ERR_FULL || rc == ERR_CORRUPT ? ERR_STORE : rc;
}

void
cache_key_short(const uint8_t *key, char text[CACHE_KEY_SHORT])
{
	(void)snprintf(text, CACHE_KEY_SHORT, "%02x%02x%02x%02x", key[0],
	    key[1], key[2], key[3]);
}

int
cache_resolve_dir(const char *folder, char **dir)
{
	*dir = realpath(folder, NULL);
	return *dir == NULL ? -errno : 0;
}

/*
 * The keeper keeps the file within cache_max_bytes; should it not keep up,
 * or not be there, SQLite itself refuses to let it grow by more than a
 * quarter, or on a small disk above five eighths of it. The keeper has a
 * little more, for it is the one to help.
 */
static int
bound_file(struct cache *cache)
{
	char sql[64];
	int64_t disk = db_disk_bytes(cache->db.dir);
	int64_t pages = cache->max_bytes / SCHEMA_PAGE_SIZE;

	if (pages == 0 && disk == INT64_MAX)
		return 0;
	pages += pages / 4;
	if (pages == 0 || pages > disk / 8 * 5 / SCHEMA_PAGE_SIZE)
		pages = disk / 8 * 5 / SCHEMA_PAGE_SIZE;
	if (cache->value_max > (size_t)disk / DB_WAL_SHARE)
		cache->value_max = (size_t)disk / DB_WAL_SHARE;
	if (cache->peer.worker_id == 0)
		pages += 64;
	(void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %lld",
	    (long long)pages);
	return db_exec(&cache->db, sql);
}

static void
set_bounds(struct cache *cache, const struct cache_options *options)
{
	cache->threshold = options->cache_threshold;
	cache->max_bytes = options->cache_max_bytes;
	if (cache->max_bytes > 0 && cache->max_bytes < BYTES_LEAST)
		cache->max_bytes = BYTES_LEAST;
	cache->value_max = STORE_VALUE_MAX;
	if (cache->max_bytes > 0 &&
	    cache->max_bytes / 4 < (int64_t)STORE_VALUE_MAX)
		cache->value_max = (size_t)cache->max_bytes / 4;
}

bool
cache_can_wait(int rc)
{
	switch (rc) {
	case 0:
	case -EPERM:       /* somebody else's, or open to others */
	case -EMEDIUMTYPE: /* a network file system */
	case -ENOENT:
	case -ENOTDIR:
	case -ELOOP:
	case -ENAMETOOLONG:
	case -ENOMEM:
		return false;
	default:
		return true;
	}
}

void
cache_expect_trouble(void)
{
	db_note_trouble();
}

int64_t
cache_locked_ms(void)
{
	int64_t since_us = db_locked_us();

	return since_us != 0 ? (clock_mono_us() - since_us) / 1000 + 1 : 0;
}

static int reopen_database(struct db *db);

static int
open_database(struct cache *cache, enum db_mode mode)
{
	char *dir = NULL;
	int rc;

	rc = cache_resolve_dir(cache->folder, &dir);
	if (rc == 0)
		rc = db_open(&cache->db, dir, mode, cache->busy_us);
	if (rc == 0)
		rc = prepare_check(&cache->db);
	if (rc == 0)
		rc = bound_file(cache);
	if (rc == 0)
		cache->session_share = session_share_of(cache);
	if (rc < 0)
		db_close(&cache->db);
	cache->db.counts = &cache->counts;
	cache->db.reopen = reopen_database;
	cache->db.waits_for_file = cache->peer.worker_id != 0;
	cache->db.opened = db_generation();
	free(dir);
	return cache_public_rc(rc);
}

/* Between two transactions of a connection whose file was replaced. */
static int
reopen_database(struct db *db)
{
	struct cache *cache = (struct cache *)(void *)db;
	uint64_t version = db->version;
	static struct log_gate gate;
	unsigned suppressed;
	int rc;

	db_close(db);
	rc = open_database(cache, DB_AGAIN);
	db->version = version + 1; /* what was seen of the old file is over */
	if (rc == 0) {
		counts_add(&cache->counts, COUNT_REOPENED, 1);
		return 0;
	}
	db_note_trouble();
	if (log_gate_open(&gate, &suppressed))
		log_warn(rc, "cache.reopen", "dir=%s suppressed=%u",
		    cache->folder, suppressed);
	return rc;
}

static int
open_cache(struct cache **cache, const struct cache_options *options,
    const struct cache_peer *peer, bool patient)
{
	struct cache *new = calloc(1, sizeof(*new));
	int rc = 0;

	_Static_assert(offsetof(struct cache, db) == 0, "reopen_database()");
	*cache = NULL;
	if (new == NULL)
		return -ENOMEM;
	db_init(&new->db);
	new->peer = *peer;
	new->lease_ms = (int64_t)(options->compute_lease * 1000);
	new->attempts_max = (uint32_t)options->compute_attempts;
	new->quarantine_ms = (int64_t)(options->compute_quarantine * 1000);
	new->busy_us = (int64_t)(options->cache_busy_timeout * 1e6);
	set_bounds(new, options);
	new->session_limit = options->session_limit > 0
				 ? options->session_limit
				 : options->cache_threshold;
	new->session_quota = options->session_quota;
	kept_set_limit((size_t)options->cache_memory);
	new->dice = ((uint64_t)clock_mono_us() ^ (uint64_t)(uintptr_t) new) | 1;
	new->prefix = strdup(options->cache_key_prefix);
	new->folder = strdup(options->cache_dir);
	if (new->prefix == NULL || new->folder == NULL)
		rc = -ENOMEM;
	else
		rc = forget_group(new->prefix, CACHE_GROUP_ALL, "",
		    &new->group_all);
	if (rc == 0 && strcmp(options->cache_type, "null") != 0)
		rc = open_database(new,
		    patient && db_in_trouble() ? DB_AGAIN : DB_NORMAL);
	if (rc < 0)
		log_error(rc, "cache.open", "dir=%s%s", options->cache_dir,
		    patient ? " note=\"going on without the cache\"" : "");
	if (rc < 0 && (!patient || rc == -ENOMEM)) {
		free(new->prefix);
		free(new->folder);
		free(new);
		return rc;
	}
	if (rc < 0)
		db_note_trouble();
	counts_enter(&new->counts);
	*cache = new;
	return 0;
}

int
cache_open(struct cache **cache, const struct cache_options *options,
    const struct cache_peer *peer)
{
	return open_cache(cache, options, peer, false);
}

int
cache_open_patient(struct cache **cache, const struct cache_options *options,
    const struct cache_peer *peer)
{
	return open_cache(cache, options, peer, true);
}

#define RETRY_FIRST_MS 1000
#define RETRY_MAX_MS 30000

bool
cache_watch(struct cache *cache)
{
	int64_t now_ms = clock_boot_ms();
	uint64_t inode = db_inode(cache->folder);

	/* Gone, or being judged: the keeper sees to it. */
	if (cache->db.reopen == NULL || inode == 0 ||
	    mark_is_set(cache->folder))
		return false;
	if (cache->db.handle != NULL && inode != cache->db.inode) {
		cache->pause_ms = 0;
		db_everybody_reopens();
		return true;
	}
	if (!db_in_trouble()) {
		cache->pause_ms = 0;
		return false;
	}
	if (now_ms < cache->retry_ms)
		return false;
	cache->pause_ms = cache->pause_ms == 0 ? RETRY_FIRST_MS
			  : cache->pause_ms * 2 < RETRY_MAX_MS
			      ? cache->pause_ms * 2
			      : RETRY_MAX_MS;
	cache->retry_ms = now_ms + cache->pause_ms;
	db_everybody_reopens();
	return true;
}

bool
cache_is_usable(struct cache *cache)
{
	int rc;

	if (cache->db.reopen == NULL)
		return true;
	rc = cache_has_wanted(cache);
	return (rc >= 0 || rc == ERR_BUSY) && cache->db.handle != NULL &&
	       !cache->db.latched && !db_in_trouble() &&
	       db_inode(cache->folder) == cache->db.inode;
}

bool
cache_is_behind(const struct cache *cache)
{
	return cache != NULL && cache->db.reopen != NULL &&
	       cache->db.opened != db_generation();
}

void
cache_follow(struct cache *cache)
{
	if (cache_is_behind(cache))
		db_follow(&cache->db);
}

void
cache_close(struct cache **cache)
{
	if (*cache == NULL)
		return;
	db_read_end(&(*cache)->db);
	db_close(&(*cache)->db);
	counts_leave(&(*cache)->counts);
	free((*cache)->prefix);
	free((*cache)->folder);
	free(*cache);
	*cache = NULL;
}

uint64_t
cache_draw(struct cache *cache)
{
	uint64_t x = cache->dice;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	cache->dice = x;
	return x;
}

int
cache_read_begin(struct cache *cache)
{
	return cache_public_rc(db_read_begin(&cache->db));
}

void
cache_read_end(struct cache *cache)
{
	db_read_end(&cache->db);
}

bool
cache_is_idle(const struct cache *cache)
{
	return cache == NULL || (!cache->db.reading && !cache->db.writing &&
				    (cache->db.handle == NULL ||
					sqlite3_txn_state(cache->db.handle,
					    NULL) == SQLITE_TXN_NONE));
}

void
cache_wake(const struct cache *cache, uint64_t mask)
{
	unsigned slot;

	ASSERT(cache_is_idle(cache));
	if (cache->peer.wake_fds == NULL || mask == 0)
		return;
	for (slot = 0; slot < cache->peer.slot_count; slot++) {
		if (mask & cache_slot_bit(slot))
			fd_event_wake(cache->peer.wake_fds[slot]);
	}
}

void
cache_hint(struct cache *cache)
{
	unsigned slot;

	if (cache->peer.wake_fds == NULL)
		return;
	for (slot = 0; slot < cache->peer.slot_count; slot++) {
		if (slot != cache->peer.slot)
			fd_event_wake(cache->peer.wake_fds[slot]);
	}
}

void
cache_hint_all(struct cache *cache)
{
	cache_wake(cache, UINT64_MAX);
}

int64_t
cache_rows_max(const struct cache *cache, int64_t share, int64_t least,
    int64_t most)
{
	int64_t count = cache->max_bytes / share;

	if (cache->max_bytes == 0 || count > most)
		return most;
	return count < least ? least : count;
}
