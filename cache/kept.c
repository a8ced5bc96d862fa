/* SPDX-License-Identifier: MIT */

/*
 * Values kept in memory: a hash table, and a list by time of use. See kept.h.
 *
 * The version is a number of this process: it goes up whenever the header of
 * the wal-index (db_version.c) is not what it was when somebody looked last,
 * whichever of the connections looks. So a number stands for one state of one
 * database file. The header of a log that is empty is the same for all files;
 * therefore the file's inode and when it was opened belong to it.
 *
 * When it goes up, the news (news.h) tell which values were changed, and those
 * are dropped; the others hold on. When it cannot be told, none does: `trusted`
 * is the version since which all changes are known.
 *
 * INVARIANT  `bytes` is the sum of `cost` of all in the list, and not above
 *            `limit` when the lock is free.
 * INVARIANT  A value whose version is not below `trusted` was in the database,
 *            as it is kept, in the state that is looked at.
 * INVARIANT  The lock is held for a few pointers and one comparison only, and
 *            after a commit for reading its news.
 */
#include "cache/kept.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store.h"

#define BUCKETS 8192 /* power of two */
#define STATE_WORDS (DB_INDEX_WORDS + 2)
#define SHARE_MAX 8 /* no value takes more than this part of it all */

struct kept {
	uint8_t key[CACHE_KEY_LEN];
	struct kept *next_in_bucket;
	struct kept *newer;
	struct kept *older;
	size_t cost;
	struct cache_seen seen; /* but for its version */
	uint64_t version;       /* in which it was seen last */
	_Atomic unsigned refs;  /* one is the table's */
	enum cache_format format;
	size_t len;
	_Alignas(16) char bytes[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* All that follows is guarded by lock. */
static struct kept *buckets[BUCKETS];
static struct kept *newest;
static struct kept *oldest;
static size_t bytes;
static _Atomic size_t limit;
static uint64_t version_now;
static uint64_t trusted = 1;
static struct news_place place; /* in the news, as of `state` */
static uint64_t state[STATE_WORDS];
static unsigned connections;

void
kept_release(struct kept *kept)
{
	if (kept != NULL && atomic_fetch_sub(&kept->refs, 1) == 1)
		free(kept);
}

/* Keys are digests, so any part of one is a hash. */
static struct kept **
bucket_of(const uint8_t key[CACHE_KEY_LEN])
{
	return &buckets[news_part(store_id(key)) % BUCKETS];
}

static struct kept *
find(const uint8_t key[CACHE_KEY_LEN])
{
	struct kept *kept = *bucket_of(key);

	while (kept != NULL && memcmp(kept->key, key, CACHE_KEY_LEN) != 0)
		kept = kept->next_in_bucket;
	return kept;
}

static void
list_remove(struct kept *kept)
{
	if (kept->newer != NULL)
		kept->newer->older = kept->older;
	else
		newest = kept->older;
	if (kept->older != NULL)
		kept->older->newer = kept->newer;
	else
		oldest = kept->newer;
}

static void
list_add(struct kept *kept)
{
	kept->newer = NULL;
	kept->older = newest;
	if (newest != NULL)
		newest->newer = kept;
	else
		oldest = kept;
	newest = kept;
}

/* Out of the table; those who hold a reference may go on reading. */
static void
drop(struct kept *kept)
{
	struct kept **at = bucket_of(kept->key);

	while (*at != kept)
		at = &(*at)->next_in_bucket;
	*at = kept->next_in_bucket;
	list_remove(kept);
	bytes -= kept->cost;
	kept_release(kept);
}

/* Drop from the old end until that much fits, or all with `most` 0. */
static void
shrink(size_t cost, size_t most)
{
	struct kept *kept = oldest;
	struct kept *newer;

	for (; kept != NULL && bytes + cost > most; kept = newer) {
		newer = kept->newer;
		drop(kept);
	}
}

/* That value was changed. */
static void
drop_part(uint32_t part)
{
	struct kept *kept = buckets[part % BUCKETS];
	struct kept *next;

	for (; kept != NULL; kept = next) {
		next = kept->next_in_bucket;
		if (news_part(store_id(kept->key)) == part)
			drop(kept);
	}
}

/* Is the state of the database known? Then version_now stands for it. */
static bool
look(struct db *db)
{
	uint64_t now[STATE_WORDS];
	uint32_t commits;
	bool known;

	if (!db_index(db, now) || !db_index_commits(now, &commits))
		return false;
	now[DB_INDEX_WORDS] = db->inode;
	now[DB_INDEX_WORDS + 1] = db->opened;
	if (memcmp(now, state, sizeof(now)) == 0)
		return true;
	if (memcmp(now + DB_INDEX_WORDS, state + DB_INDEX_WORDS,
		sizeof(now) - DB_INDEX_WORDS * sizeof(now[0])) != 0)
		place.number = 0;
	known = news_follow(db->news_fd, db->inode, commits, &place, drop_part);
	memcpy(state, now, sizeof(now));
	version_now++;
	if (!known)
		trusted = version_now;
	return true;
}

void
kept_set_limit(size_t most)
{
	(void)pthread_mutex_lock(&lock);
	limit = most;
	shrink(0, limit);
	(void)pthread_mutex_unlock(&lock);
}

struct kept *
kept_find(struct db *db, const uint8_t key[CACHE_KEY_LEN], uint64_t *version,
    bool *current)
{
	struct kept *kept = NULL;
	bool known;

	*version = 0;
	*current = false;
	(void)pthread_mutex_lock(&lock);
	known = look(db);
	if (known && limit > 0) {
		*version = version_now;
		kept = find(key);
	}
	if (kept != NULL) {
		atomic_fetch_add(&kept->refs, 1);
		*current = kept->version >= trusted;
		if (kept != newest) {
			list_remove(kept);
			list_add(kept);
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return kept;
}

const struct cache_seen *
kept_seen(const struct kept *kept)
{
	return &kept->seen;
}

enum cache_format
kept_format(const struct kept *kept)
{
	return kept->format;
}

const void *
kept_bytes(const struct kept *kept, size_t *len)
{
	*len = kept->len;
	return kept->bytes;
}

void
kept_confirm(struct kept *kept, uint64_t version)
{
	(void)pthread_mutex_lock(&lock);
	/* News that came meanwhile may have been of it. */
	if (version == version_now)
		kept->version = version;
	(void)pthread_mutex_unlock(&lock);
}

void
kept_add(const uint8_t key[CACHE_KEY_LEN], const struct cache_seen *seen,
    uint64_t version, enum cache_format format, const void *data, size_t len)
{
	size_t cost = sizeof(struct kept) + len;
	struct kept **bucket = bucket_of(key);
	struct kept *old;
	struct kept *new;

	if (cost > limit / SHARE_MAX)
		return;
	new = malloc(cost);
	if (new == NULL)
		return;
	memcpy(new->key, key, CACHE_KEY_LEN);
	if (len > 0)
		memcpy(new->bytes, data, len);
	new->seen = *seen;
	new->refs = 1;
	new->format = format;
	new->len = len;
	new->cost = cost;
	(void)pthread_mutex_lock(&lock);
	/* As in kept_confirm(): else it is to be asked. */
	new->version = version == version_now ? version : 0;
	old = find(key);
	if (old != NULL)
		drop(old);
	shrink(cost, limit);
	new->next_in_bucket = *bucket;
	*bucket = new;
	list_add(new);
	bytes += cost;
	(void)pthread_mutex_unlock(&lock);
}

void
kept_opened(void)
{
	(void)pthread_mutex_lock(&lock);
	connections++;
	(void)pthread_mutex_unlock(&lock);
}

void
kept_closed(void)
{
	(void)pthread_mutex_lock(&lock);
	if (--connections == 0) {
		shrink(0, 0);
		version_now++;
		trusted = version_now;
		place.number = 0;
	}
	(void)pthread_mutex_unlock(&lock);
}

void
kept_drop(const uint8_t key[CACHE_KEY_LEN])
{
	struct kept *kept;

	(void)pthread_mutex_lock(&lock);
	kept = find(key);
	if (kept != NULL)
		drop(kept);
	(void)pthread_mutex_unlock(&lock);
}

void
kept_clear(void)
{
	(void)pthread_mutex_lock(&lock);
	shrink(0, 0);
	(void)pthread_mutex_unlock(&lock);
}

size_t
kept_size(void)
{
	size_t size;

	(void)pthread_mutex_lock(&lock);
	size = bytes;
	(void)pthread_mutex_unlock(&lock);
	return size;
}
