/* SPDX-License-Identifier: MIT */

/*
 * An app's own entries: put, remove, touch, count.
 *
 * INVARIANT  Reading and writing of a verb happen in one BEGIN IMMEDIATE.
 * THREADS    As struct cache: one per connection.
 * FAILURE    Rolled back: nothing was changed.
 */
#include "cache/plain.h"

#include <errno.h>
#include <string.h>

#include "cache/cache_int.h"
#include "cache/encode.h"
#include "cache/forget.h"
#include "cache/memo_key.h"
#include "cache/now.h"
#include "cache/store.h"
#include "cache/uses.h"
#include "server/base/err.h"

int
cache_entry_key(const char *prefix, const char *name,
    uint8_t key[CACHE_KEY_LEN])
{
	/* No function has an empty name. */
	return memo_key(prefix, "", 0, "entry", name, strlen(name), key);
}

static int64_t
add_ms(int64_t now_ms, int64_t ms)
{
	return ms < 0 || ms > STORE_FOREVER - now_ms ? STORE_FOREVER
						     : now_ms + ms;
}

/* Everything about a value but its bytes; in a transaction. */
static int
describe(struct cache *cache, const struct cache_life *life,
    struct store_value *value)
{
	memset(value, 0, sizeof(*value));
	value->format = CACHE_FORMAT_VALUE;
	value->created = cache_now_ms();
	value->fresh = STORE_FOREVER; /* nobody could make it anew */
	value->expires = add_ms(value->created, life->fresh_ms);
	return forget_now(&cache->db, &value->born);
}

static int
begin(struct cache *cache)
{
	return db_write_begin(&cache->db);
}

/* End the transaction; `rc` < 0 undoes it. */
static int
end(struct cache *cache, int rc)
{
	int committed = 0;

	if (rc < 0)
		db_write_cancel(&cache->db);
	else
		committed = db_write_commit(&cache->db);
	rc = committed < 0 ? committed : rc;
	if (rc > 0)
		uses_keep_up(cache);
	return rc == ERR_CORRUPT ? ERR_STORE : rc;
}

#define INTEGER_TAG 4
#define INTEGER_LEN 9 /* the tag and eight bytes, see encode.h */

/* An integer may be what somebody counts with. */
static bool
is_integer(const void *bytes, size_t len)
{
	return len == INTEGER_LEN && *(const char *)bytes == INTEGER_TAG;
}

static int
put(struct cache *cache, const uint8_t *key, struct store_value *value,
    const int64_t groups[STORE_GROUPS])
{
	value->is_counter = is_integer(value->data, value->len);
	memcpy(value->groups, groups, sizeof(value->groups));
	return store_put(&cache->db, key, value, store_sum(value));
}

static int
put_all(struct cache *cache, const struct cache_entry *entries, size_t count,
    enum cache_put how, const struct cache_life *life,
    const int64_t groups[STORE_GROUPS])
{
	struct store_value value;
	size_t i;
	int rc;

	rc = describe(cache, life, &value);
	for (i = 0; i < count && rc == 0 && how == CACHE_PUT_ABSENT; i++)
		rc = store_has(&cache->db, entries[i].key, value.created);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	for (i = 0; i < count && rc == 0; i++) {
		value.data = entries[i].data;
		value.len = entries[i].len;
		rc = put(cache, entries[i].key, &value, groups);
	}
	return rc < 0 ? rc : 1;
}

int
cache_put(struct cache *cache, const struct cache_entry *entries, size_t count,
    enum cache_put how, const struct cache_life *life)
{
	int64_t groups[STORE_GROUPS];
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		if (entries[i].len > cache->value_max)
			return ERR_TOO_BIG;
	}
	rc = forget_groups(cache, NULL, life, groups);
	if (rc == 0)
		rc = begin(cache);
	if (rc == 0)
		rc = end(cache,
		    put_all(cache, entries, count, how, life, groups));
	if (rc != 0)
		counts_add(&cache->counts,
		    rc > 0 ? COUNT_STORE : COUNT_STORE_FAILURE, count);
	return rc;
}

int
cache_remove(struct cache *cache, const uint8_t key[CACHE_KEY_LEN])
{
	int rc;
	int had;

	rc = begin(cache);
	if (rc < 0)
		return cache_public_rc(rc);
	had = store_has(&cache->db, key, cache_now_ms());
	rc = had < 0 ? had : store_delete(&cache->db, key);
	return cache_public_rc(end(cache, rc < 0 ? rc : had));
}

/* The entry's bytes and description; enum store_got or negative. */
static int
read_entry(struct cache *cache, const uint8_t *key, struct buf *bytes,
    struct store_value *value)
{
	int rc;

	rc = store_get(&cache->db, key, cache_now_ms(), 0, bytes, value);
	if (rc != STORE_HIT)
		return rc;
	value->data = bytes->data;
	return rc;
}

/* Is what is there what is expected? 1, 0 or negative. */
static int
is_expected(struct cache *cache, const uint8_t *key, const void *expected,
    size_t len)
{
	struct buf bytes = BUF_EMPTY;
	struct store_value value;
	int rc;

	rc = read_entry(cache, key, &bytes, &value);
	if (rc == STORE_HIT)
		rc = expected != NULL && bytes.len == len &&
		     memcmp(bytes.data, expected, len) == 0;
	else if (rc >= 0)
		rc = expected == NULL;
	buf_free(&bytes);
	return rc;
}

int
cache_swap(struct cache *cache, const struct cache_entry *entry,
    const void *expected, size_t expected_len, const struct cache_life *life)
{
	int64_t groups[STORE_GROUPS];
	int rc;

	if (entry->len > cache->value_max)
		return ERR_TOO_BIG;
	rc = forget_groups(cache, NULL, life, groups);
	if (rc == 0)
		rc = begin(cache);
	if (rc < 0)
		return rc;
	rc = is_expected(cache, entry->key, expected, expected_len);
	if (rc > 0)
		rc = put_all(cache, entry, 1, CACHE_PUT_ALWAYS, life, groups);
	rc = end(cache, rc);
	if (rc != 0)
		counts_add(&cache->counts,
		    rc > 0 ? COUNT_STORE : COUNT_STORE_FAILURE, 1);
	return rc;
}

int
cache_pop(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *out)
{
	struct store_value value;
	int rc;

	buf_clear(out);
	rc = begin(cache);
	if (rc < 0)
		return cache_public_rc(rc);
	rc = read_entry(cache, key, out, &value);
	if (rc == STORE_HIT)
		rc = store_delete(&cache->db, key) < 0 ? ERR_STORE : 1;
	else if (rc > 0)
		rc = 0;
	rc = cache_public_rc(end(cache, rc));
	if (rc <= 0)
		buf_clear(out);
	return rc;
}

static int
touch(struct cache *cache, const uint8_t *key, const struct cache_life *life,
    const int64_t groups[STORE_GROUPS])
{
	struct buf bytes = BUF_EMPTY;
	struct store_value value;
	int rc;

	rc = read_entry(cache, key, &bytes, &value);
	/* It is not forgotten now, and its new groups begin with now. */
	if (rc == STORE_HIT && life->tag_count > 0 &&
	    forget_now(&cache->db, &value.born) < 0)
		rc = ERR_STORE;
	if (rc == STORE_HIT) {
		value.expires = add_ms(cache_now_ms(), life->fresh_ms);
		rc = put(cache, key, &value,
		    life->tag_count > 0 ? groups : value.groups);
		rc = rc < 0 ? rc : 1;
	} else if (rc > 0) {
		rc = 0;
	}
	buf_free(&bytes);
	return rc;
}

int
cache_touch(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    const struct cache_life *life)
{
	int64_t groups[STORE_GROUPS];
	int rc;

	rc = forget_groups(cache, NULL, life, groups);
	if (rc == 0)
		rc = begin(cache);
	if (rc < 0)
		return rc;
	return end(cache, touch(cache, key, life, groups));
}

static int64_t
read_integer(const unsigned char *bytes)
{
	uint64_t word = 0;
	unsigned i;

	for (i = 0; i < 8; i++)
		word |= (uint64_t)bytes[1 + i] << 8 * i;
	return (int64_t)word;
}

static void
write_integer(int64_t integer, unsigned char bytes[INTEGER_LEN])
{
	unsigned i;

	bytes[0] = INTEGER_TAG;
	for (i = 0; i < 8; i++)
		bytes[1 + i] = (unsigned char)((uint64_t)integer >> 8 * i);
}

static int
add_to(struct cache *cache, const uint8_t *key, int64_t by, int64_t *result)
{
	struct cache_life for_ever = { .fresh_ms = -1 };
	struct buf bytes = BUF_EMPTY;
	struct store_value value;
	unsigned char data[INTEGER_LEN];
	int64_t old = 0;
	int rc;

	rc = read_entry(cache, key, &bytes, &value);
	if (rc == STORE_HIT) {
		if (!is_integer(bytes.data, bytes.len))
			rc = -EINVAL;
		else
			old = read_integer((const unsigned char *)bytes.data);
	} else if (rc >= 0) {
		rc = describe(cache, &for_ever, &value);
		value.groups[0] = cache->group_all;
	}
	if (rc >= 0 && __builtin_add_overflow(old, by, result))
		rc = ERR_RANGE;
	if (rc >= 0) {
		write_integer(*result, data);
		value.data = data;
		value.len = sizeof(data);
		value.is_counter = true;
		rc = store_put(&cache->db, key, &value, store_sum(&value));
	}
	buf_free(&bytes);
	return rc < 0 ? rc : 0;
}

int
cache_add_to(struct cache *cache, const uint8_t key[CACHE_KEY_LEN], int64_t by,
    int64_t *result)
{
	int rc;

	rc = begin(cache);
	if (rc < 0)
		return cache_public_rc(rc);
	return cache_public_rc(end(cache, add_to(cache, key, by, result)));
}
