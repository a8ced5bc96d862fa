/* SPDX-License-Identifier: MIT */

/*
 * How a computation ends: publish, fail, release.
 *
 * The value and the new state are written in one transaction, and only
 * after COMMIT are the waiters woken; so whoever is woken finds the value.
 *
 * INVARIANT  A row is touched only while it is COMPUTING under the same
 *            owner and the same epoch. A late owner gets ERR_STALE and
 *            leaves no trace.
 * THREADS    As struct cache: one per connection.
 * INVARIANT  A value that belongs to something that was forgotten after its
 *            computation began is not stored: the row is `wanted` again.
 * FAILURE    Rolled back. A claim whose end the database refused is
 *            remembered (orphan.h) and given back later.
 */
#include "cache/landing.h"

#include <string.h>

#include "cache/cache_int.h"
#include "cache/flight_int.h"
#include "cache/forget.h"
#include "cache/now.h"
#include "cache/orphan.h"
#include "cache/store.h"
#include "cache/uses.h"
#include "server/base/bug.h"
#include "server/base/clock.h"
#include "server/base/err.h"

/* The fence: the mask of waiters if the claim still holds, or ERR_STALE. */
static int
read_owned(struct cache *cache, const struct cache_claim *claim,
    uint64_t *waiters)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(&cache->db, STATEMENT_SIGNAL_OWNED, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(claim->key));
	db_bind_blob(stmt, 2, claim->key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, claim->epoch);
	db_bind_int(stmt, 4, cache->peer.worker_id);
	rc = db_step(&cache->db, STATEMENT_SIGNAL_OWNED);
	if (rc <= 0)
		return rc < 0 ? rc : ERR_STALE;
	*waiters = (uint64_t)sqlite3_column_int64(stmt, 0);
	db_reset(&cache->db, STATEMENT_SIGNAL_OWNED);
	return 0;
}

int
landing_end_row(struct db *db, int64_t id, const struct landing *end)
{
	sqlite3_stmt *stmt;
	int rc;

	ASSERT(flight_may_go(FLIGHT_COMPUTING, end->state));
	stmt = db_use(db, STATEMENT_SIGNAL_END, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, id);
	db_bind_int(stmt, 2, end->state);
	db_bind_int(stmt, 3, end->attempts);
	db_bind_int(stmt, 4, (int64_t)end->waiters);
	db_bind_int(stmt, 5, end->computed ? 1 : 0);
	db_bind_int(stmt, 6, cache_now_ms());
	db_bind_int(stmt, 7, end->due_at);
	db_bind_text(stmt, 8, end->error);
	return db_run(db, STATEMENT_SIGNAL_END);
}

/* Inside the write transaction: fence, value, state. */
static int
write_end(struct cache *cache, const struct cache_claim *claim,
    struct landing *end, const struct store_value *value, uint64_t sum,
    uint64_t *waiters)
{
	int rc;

	rc = read_owned(cache, claim, waiters);
	if (rc < 0)
		return rc;
	if (value != NULL) {
		rc = forget_since(&cache->db, value->born, value->groups);
		if (rc < 0)
			return rc;
		if (rc > 0)
			*end = (struct landing){ .state = FLIGHT_WANTED };
	}
	if (end->state == FLIGHT_ABSENT && *waiters != 0)
		end->state = FLIGHT_WANTED; /* somebody came meanwhile */
	if (end->state == FLIGHT_ABSENT)
		return flight_drop(&cache->db, claim->key, FLIGHT_COMPUTING);
	if (end->state == FLIGHT_WANTED)
		end->waiters = *waiters;
	if (end->state == FLIGHT_READY || end->state == FLIGHT_PASS) {
		rc = value != NULL && !end->too_big
			 ? store_put(&cache->db, claim->key, value, sum)
			 : store_delete(&cache->db, claim->key);
		if (rc < 0)
			return rc;
	}
	return landing_end_row(&cache->db, store_id(claim->key), end);
}

/* The one way out of COMPUTING for an owner; `value` for READY and for PASS. */
static int
end_claim(struct cache *cache, const struct cache_claim *claim,
    struct landing *end, const struct store_value *value)
{
	uint64_t sum = value != NULL && !end->too_big ? store_sum(value) : 0;
	uint64_t waiters = 0;
	int rc;

	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return rc;
	rc = write_end(cache, claim, end, value, sum, &waiters);
	if (rc < 0) {
		db_write_cancel(&cache->db);
		return rc;
	}
	rc = db_write_commit(&cache->db);
	if (rc < 0)
		return rc;
	/* A row that is wanted again is news to every idle worker. */
	cache_wake(cache, end->state == FLIGHT_WANTED ? UINT64_MAX : waiters);
	return value != NULL && end->state == FLIGHT_WANTED ? ERR_STALE : 0;
}

/*
 * As above, and when the database would not take it: remember the claim, so
 * that the row does not stay `computing` for as long as this worker lives.
 */
static int
end_or_remember(struct cache *cache, const struct cache_claim *claim,
    struct landing *end, const struct store_value *value)
{
	int rc = end_claim(cache, claim, end, value);

	if (rc < 0 && rc != ERR_STALE && cache->db.handle != NULL)
		orphan_add(claim->key, claim->epoch, cache->peer.worker_id);
	return rc;
}

static int64_t
add_ms(int64_t now_ms, int64_t ttl_ms)
{
	if (ttl_ms == 0)
		ttl_ms = FLIGHT_GRACE_MS;
	return ttl_ms < 0 || ttl_ms > STORE_FOREVER - now_ms ? STORE_FOREVER
							     : now_ms + ttl_ms;
}

/* When a value of this life is over. */
static int64_t
add_stale(int64_t fresh, const struct cache_life *life)
{
	if (life->stale_ms == 0 || fresh == STORE_FOREVER)
		return fresh;
	return add_ms(fresh, life->stale_ms);
}

int
cache_publish_as(struct cache *cache, const struct cache_claim *claim,
    enum cache_format format, const void *data, size_t len,
    const struct cache_life *life)
{
	struct landing end = { .state = FLIGHT_READY, .computed = true };
	struct store_value value = { .format = format,
		.data = data,
		.len = len,
		.born = claim->born,
		.cost_us = clock_mono_us() - claim->started_us };
	int rc;

	if (len > cache->value_max)
		return ERR_TOO_BIG;
	rc = forget_groups(cache, claim->function.data, life, value.groups);
	if (rc < 0)
		return rc;
	value.created = cache_now_ms();
	if (life->fresh_ms == 0) {
		end.state = FLIGHT_PASS;
		end.due_at = clock_boot_ms() + FLIGHT_PASS_MS;
		value.expires = value.created + FLIGHT_PASS_VALUE_MS;
	} else {
		value.fresh = add_ms(value.created, life->fresh_ms);
		value.expires = add_stale(value.fresh, life);
	}
	rc = end_or_remember(cache, claim, &end, &value);
	if (rc != ERR_STALE)
		counts_add(&cache->counts,
		    rc == 0 ? COUNT_STORE : COUNT_STORE_FAILURE, 1);
	if (rc == 0)
		uses_keep_up(cache);
	return rc == ERR_CORRUPT ? ERR_STORE : rc;
}

int
cache_publish(struct cache *cache, const struct cache_claim *claim,
    enum cache_format format, const void *data, size_t len, int64_t ttl_ms)
{
	struct cache_life life = { .fresh_ms = ttl_ms };

	return cache_publish_as(cache, claim, format, data, len, &life);
}

int
cache_pass(struct cache *cache, const struct cache_claim *claim,
    const struct cache_life *life)
{
	struct landing end = { .state = FLIGHT_PASS,
		.computed = true,
		.too_big = true,
		.due_at = clock_boot_ms() + FLIGHT_PASS_MS,
		.error = "too large to be stored" };
	struct store_value value = { .born = claim->born };
	int rc;

	rc = forget_groups(cache, claim->function.data, life, value.groups);
	if (rc == 0)
		rc = end_or_remember(cache, claim, &end, &value);
	return cache_public_rc(rc);
}

int
cache_progress(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t epoch, int progress)
{
	sqlite3_stmt *stmt;
	int rc;

	rc = db_write_begin(&cache->db);
	if (rc < 0)
		return cache_public_rc(rc);
	stmt = db_use(&cache->db, STATEMENT_SIGNAL_PROGRESS, &rc);
	if (stmt != NULL) {
		db_bind_int(stmt, 1, store_id(key));
		db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
		db_bind_int(stmt, 3, epoch);
		db_bind_int(stmt, 4, progress);
		rc = db_run(&cache->db, STATEMENT_SIGNAL_PROGRESS);
	}
	if (rc < 0)
		db_write_cancel(&cache->db);
	else
		rc = db_write_commit(&cache->db);
	return cache_public_rc(rc);
}

/* Length of `text`, cut to `max` bytes in front of a whole character. */
static size_t
cut_text(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return len;
	len = max;
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	return len;
}

int
cache_fail(struct cache *cache, const struct cache_claim *claim,
    const char *error, int64_t ttl_ms)
{
	struct landing end = { .state = FLIGHT_FAILED };
	char text[FLIGHT_ERROR_MAX + 1];
	size_t len = cut_text(error, FLIGHT_ERROR_MAX);

	memcpy(text, error, len);
	text[len] = '\0';
	end.error = text;
	end.due_at = add_ms(clock_boot_ms(), ttl_ms);
	return cache_public_rc(end_or_remember(cache, claim, &end, NULL));
}

int
cache_release(struct cache *cache, const struct cache_claim *claim)
{
	struct landing end = { .state = FLIGHT_WANTED };

	/* Giving back is not dying. */
	end.attempts = claim->attempts > 0 ? claim->attempts - 1 : 0;
	return cache_public_rc(end_or_remember(cache, claim, &end, NULL));
}

int
cache_give_up(struct cache *cache, const struct cache_claim *claim)
{
	struct landing end = { .state = FLIGHT_ABSENT };

	end.attempts = claim->attempts > 0 ? claim->attempts - 1 : 0;
	return cache_public_rc(end_or_remember(cache, claim, &end, NULL));
}
