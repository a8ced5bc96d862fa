/* SPDX-License-Identifier: MIT */

/*
 * Forgetting values: one key, or a group of any size in one small write.
 *
 * Every value belongs to a few groups and carries `born`, the value that the
 * counter in `voids` had when its computation began. Forgetting a group
 * counts on and notes the new number for the group. A value whose groups
 * have a number above its `born` is none: look-ups pass over it (in the same
 * statement, so in the same snapshot), and it cannot be published any more.
 * The rows themselves go when the keeper comes by. What the numbers that were
 * noted need is bounded by the keeper, too: voids.c.
 *
 * Why numbers beside the values and not in the keys: keys are made without
 * asking the database, and all processes see a new number at once.
 *
 * THREADS  As struct cache: one per connection.
 * FAILURE  Rolled back; nothing is forgotten then.
 */
#include "cache/forget.h"

#include <errno.h>
#include <string.h>

#include "cache/cache_int.h"
#include "cache/memo_key.h"
#include "cache/now.h"
#include "server/base/err.h"

int
forget_group(const char *prefix, enum cache_group group, const char *name,
    int64_t *id)
{
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	/* No key of a value has this scope: it is no name of a function. */
	rc = memo_key(prefix, name, (uint32_t)group, "\1group", NULL, 0, key);
	if (rc < 0)
		return rc;
	*id = store_id(key) | 1; /* never 0 */
	return 0;
}

int
forget_groups(const struct cache *cache, const char *function,
    const struct cache_life *life, int64_t groups[STORE_GROUPS])
{
	unsigned i;
	int rc = 0;

	memset(groups, 0, STORE_GROUPS * sizeof(groups[0]));
	groups[0] = cache->group_all;
	if (function != NULL)
		rc = forget_group(cache->prefix, CACHE_GROUP_FUNCTION, function,
		    &groups[1]);
	if (rc == 0 && life->scope != NULL)
		rc = forget_group(cache->prefix, CACHE_GROUP_SCOPE, life->scope,
		    &groups[2]);
	for (i = 0; i < life->tag_count && i < CACHE_TAGS_MAX && rc == 0; i++)
		rc = forget_group(cache->prefix, CACHE_GROUP_TAG, life->tags[i],
		    &groups[3 + i]);
	return rc;
}

int
forget_now(struct db *db, int64_t *seq)
{
	sqlite3_stmt *stmt;
	int rc;

	*seq = 0;
	stmt = db_use(db, STATEMENT_VOID_NOW, &rc);
	if (stmt == NULL)
		return rc;
	rc = db_step(db, STATEMENT_VOID_NOW);
	if (rc <= 0)
		return rc;
	*seq = sqlite3_column_int64(stmt, 0);
	db_reset(db, STATEMENT_VOID_NOW);
	return 0;
}

int
forget_since(struct db *db, int64_t born, const int64_t groups[STORE_GROUPS])
{
	sqlite3_stmt *stmt;
	int64_t now;
	int i;
	int rc;

	rc = forget_now(db, &now);
	if (rc < 0 || now <= born)
		return rc;
	stmt = db_use(db, STATEMENT_VOID_SINCE, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, born);
	for (i = 0; i < STORE_GROUPS; i++)
		db_bind_int(stmt, 2 + i, groups[i]);
	rc = db_step(db, STATEMENT_VOID_SINCE);
	db_reset(db, STATEMENT_VOID_SINCE);
	return rc;
}

int64_t
cache_forgets(struct cache *cache)
{
	int64_t seq;
	int rc;

	if (db_use_read(&cache->db, STATEMENT_VOID_NOW, &rc) == NULL)
		return cache_public_rc(rc);
	rc = forget_now(&cache->db, &seq);
	return rc < 0 ? cache_public_rc(rc) : seq;
}

/* End a transaction in which `rc` came out. */
static int
finish(struct cache *cache, int rc)
{
	if (rc < 0)
		db_write_cancel(&cache->db);
	else
		rc = db_write_commit(&cache->db);
	return rc < 0 ? rc : 0;
}

int
forget_count_on(struct db *db, int64_t group)
{
	sqlite3_stmt *stmt;
	int rc;

	if (db_use(db, STATEMENT_VOID_NEXT, &rc) == NULL)
		return rc;
	rc = db_run(db, STATEMENT_VOID_NEXT);
	if (rc < 0)
		return rc;
	stmt = db_use(db, STATEMENT_VOID_PUT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, group);
	db_bind_int(stmt, 2, cache_now_ms());
	return db_run(db, STATEMENT_VOID_PUT);
}

/* Computations of a function (NULL: all) that run begin again, and errors of
 * it count no more. */
static int
begin_again(struct db *db, const char *function)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_SIGNAL_PARDON_ALL, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_text(stmt, 1, function);
	rc = db_run(db, STATEMENT_SIGNAL_PARDON_ALL);
	if (rc < 0)
		return rc;

	stmt = db_use(db, STATEMENT_SIGNAL_AGAIN, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, cache_now_ms());
	db_bind_text(stmt, 2, function);
	return db_run(db, STATEMENT_SIGNAL_AGAIN);
}

int
cache_forget(struct cache *cache, enum cache_group group, const char *name)
{
	int64_t id;
	int rc;

	rc = forget_group(cache->prefix, group, name, &id);
	if (rc == 0)
		rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	rc = forget_count_on(&cache->db, id);
	/* Of the others it is known only when they end: landing.c. */
	if (rc == 0 && group == CACHE_GROUP_ALL)
		rc = begin_again(&cache->db, NULL);
	if (rc == 0 && group == CACHE_GROUP_FUNCTION)
		rc = begin_again(&cache->db, name);
	rc = finish(cache, rc);
	if (rc == 0)
		cache_wake(cache, UINT64_MAX);
	return cache_public_rc(rc);
}

static int
forget_row(struct db *db, const uint8_t *key)
{
	static const enum statement steps[] = { STATEMENT_SIGNAL_AGAIN_KEY,
		STATEMENT_SIGNAL_PARDON };
	sqlite3_stmt *stmt;
	size_t i;
	int rc;

	/* For those who hold a value beside the store: cache_forgets(). */
	if (db_use(db, STATEMENT_VOID_NEXT, &rc) == NULL)
		return rc;
	rc = db_run(db, STATEMENT_VOID_NEXT);
	if (rc == 0)
		rc = store_delete(db, key);
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && rc == 0; i++) {
		stmt = db_use(db, steps[i], &rc);
		if (stmt == NULL)
			return rc;
		db_bind_int(stmt, 1, store_id(key));
		db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
		if (steps[i] == STATEMENT_SIGNAL_AGAIN_KEY)
			db_bind_int(stmt, 3, cache_now_ms());
		rc = db_run(db, steps[i]);
	}
	return rc;
}

int
cache_forget_key(struct cache *cache, const uint8_t key[CACHE_KEY_LEN])
{
	int rc;

	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	rc = finish(cache, forget_row(&cache->db, key));
	if (rc == 0)
		cache_wake(cache, UINT64_MAX);
	return cache_public_rc(rc);
}
