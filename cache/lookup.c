/* SPDX-License-Identifier: MIT */

/*
 * Looking values up, and whether what was looked up before still holds.
 *
 * A value is fetched from the database or, when it was fetched lately, from
 * this process's memory (kept.c), where its row says that it still holds.
 *
 * INVARIANT  What is given out was in the database, checked, at some moment
 *            after the call began, or at the one moment that a transaction
 *            sees.
 * THREADS    One connection per thread.
 * FAILURE    ERR_BUSY or ERR_STORE; db.c wrote the log line.
 */
#include <math.h>

#include "cache/cache_int.h"
#include "cache/db_int.h"
#include "cache/kept.h"
#include "cache/now.h"
#include "cache/store.h"
#include "cache/uses.h"
#include "server/base/err.h"

#define EARLY_COST_US 50000 /* cheaper values are renewed when they end */

/* A number in (0, 1]. */
static double
throw_dice(struct cache *cache)
{
	return ((double)(cache_draw(cache) >> 11) + 1) / 9007199254740992.0;
}

/*
 * Should the value be computed anew, though it may be used? A dear one is
 * renewed shortly before its end: with probability exp(-left / cost) per
 * look-up, so that on the whole one of many readers does it. A cost of more
 * than a tenth of the life counts as that, or it would never rest.
 */
static bool
wants_renewal(struct cache *cache, const struct cache_seen *value,
    int64_t now_ms)
{
	int64_t life_ms = value->fresh - value->created;
	double cost_ms = (double)value->cost_us / 1000;

	if (value->fresh == STORE_FOREVER)
		return false;
	if (now_ms >= value->fresh)
		return true;
	if (value->cost_us < EARLY_COST_US)
		return false;
	if (cost_ms > (double)life_ms / 10)
		cost_ms = (double)life_ms / 10;
	return cost_ms * -log(throw_dice(cache)) >=
	       (double)(value->fresh - now_ms);
}

static int
count_hit(struct cache *cache, const uint8_t *key,
    const struct cache_seen *value, bool waited, int64_t now_ms)
{
	counts_add(&cache->counts, waited ? COUNT_SHARED : COUNT_HIT, 1);
	uses_note(cache, store_id(key), value->created, now_ms);
	if (waited || !wants_renewal(cache, value, now_ms))
		return CACHE_HIT;
	counts_add(&cache->counts, COUNT_STALE, 1);
	return CACHE_STALE;
}

/* What a look-up sees is at least as new as this. */
static uint64_t
snapshot_version(struct cache *cache)
{
	return cache->db.reading ? cache->db.read_version
				 : db_version(&cache->db);
}

/* The arguments of a look-up, and what came out. */
struct lookup {
	const uint8_t *key;
	int64_t since_ms;
	bool waited;
	struct buf *out;
	enum cache_format *format;
	int64_t now_ms;
	struct cache_seen about;
};

/*
 * From this process's memory. CACHE_HIT, CACHE_MISS: not from here, or
 * negative. In a transaction the row is asked in any case, for what other
 * look-ups of it see may be older than what was kept.
 */
static int
take_kept(struct cache *cache, struct lookup *l, struct kept *kept,
    uint64_t version, bool current)
{
	const struct cache_seen *seen = kept_seen(kept);
	const void *bytes;
	size_t len;
	int rc;

	if (l->now_ms >= seen->expires ||
	    !store_is_since(seen->created, seen->cost_us, l->since_ms))
		return CACHE_MISS;
	if (!current || cache->db.reading) {
		rc = store_still(&cache->db, l->key, seen->created, seen->sum);
		if (rc == 0)
			kept_drop(l->key);
		if (rc <= 0)
			return rc < 0 ? rc : CACHE_MISS;
		if (!cache->db.reading)
			kept_confirm(kept, version);
	}
	bytes = kept_bytes(kept, &len);
	rc = buf_put(l->out, bytes, len);
	*l->format = kept_format(kept);
	l->about = *seen;
	return rc < 0 ? rc : CACHE_HIT;
}

/* From the database, to be kept. As take_kept(). */
static int
take_stored(struct cache *cache, struct lookup *l, uint64_t version)
{
	struct store_value value;
	int rc;

	rc = store_get(&cache->db, l->key, l->now_ms, l->since_ms, l->out,
	    &value);
	/* Never fresh: it is for those who have waited. */
	if (rc != STORE_HIT || (value.fresh == 0 && !l->waited))
		return rc < 0 ? rc : CACHE_MISS;
	*l->format = (enum cache_format)value.format;
	l->about = (struct cache_seen){ value.created, value.expires,
		value.fresh, value.cost_us, value.sum, 0 };
	/* Finished answers the loop keeps itself. */
	if (*l->format == CACHE_FORMAT_VALUE && value.fresh != 0)
		kept_add(l->key, &l->about, cache->db.reading ? 0 : version,
		    *l->format, l->out->data, l->out->len);
	return CACHE_HIT;
}

static int
look_up(struct cache *cache, struct lookup *l)
{
	struct kept *kept;
	uint64_t version;
	bool current;
	int rc = CACHE_MISS;

	buf_clear(l->out);
	l->now_ms = cache_now_ms();
	if (db_use_read(&cache->db, STATEMENT_VALUE_GET, &rc) == NULL)
		return cache_public_rc(rc);
	kept = kept_find(&cache->db, l->key, &version, &current);
	if (kept != NULL) {
		rc = take_kept(cache, l, kept, version, current);
		kept_release(kept);
	}
	if (rc == CACHE_MISS)
		rc = take_stored(cache, l, version);
	if (rc < 0)
		return cache_public_rc(rc);
	if (rc == CACHE_MISS) {
		/* Who has waited was counted when it first looked. */
		counts_add(&cache->counts, COUNT_MISS, l->waited ? 0 : 1);
		return CACHE_MISS;
	}
	return count_hit(cache, l->key, &l->about, l->waited, l->now_ms);
}

int
cache_lookup_since(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t since_ms, struct buf *out, enum cache_format *format)
{
	struct lookup lookup = { .key = key,
		.since_ms = since_ms,
		.out = out,
		.format = format };

	return look_up(cache, &lookup);
}

int
cache_lookup_waited(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t since_ms, struct buf *out, enum cache_format *format)
{
	struct lookup lookup = { .key = key,
		.since_ms = since_ms < 0 ? since_ms : 0,
		.waited = true,
		.out = out,
		.format = format };

	return look_up(cache, &lookup);
}

int
cache_lookup(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *out, enum cache_format *format)
{
	return cache_lookup_since(cache, key, 0, out, format);
}

int
cache_lookup_seen(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *out, enum cache_format *format, struct cache_seen *seen)
{
	struct lookup lookup = { .key = key, .out = out, .format = format };
	uint64_t version;
	int rc;

	if (db_use_read(&cache->db, STATEMENT_VALUE_GET, &rc) == NULL)
		return cache_public_rc(rc);
	/* Before the look, so that it is never too new. */
	version = snapshot_version(cache);
	rc = look_up(cache, &lookup);
	*seen = lookup.about;
	seen->version = version;
	return rc;
}

bool
cache_is_unchanged(struct cache *cache, const struct cache_seen *seen)
{
	return seen->version != 0 && !cache->db.latched &&
	       cache->db.opened == db_generation() &&
	       db_version(&cache->db) == seen->version;
}

int
cache_still(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct cache_seen *seen)
{
	int64_t now_ms = cache_now_ms();
	uint64_t version;
	int rc;

	if (now_ms >= seen->expires)
		return CACHE_MISS;
	if (!cache_is_unchanged(cache, seen)) {
		if (db_use_read(&cache->db, STATEMENT_VALUE_STILL, &rc) == NULL)
			return cache_public_rc(rc);
		version = snapshot_version(cache);
		rc = store_still(&cache->db, key, seen->created, seen->sum);
		if (rc <= 0)
			return rc < 0 ? cache_public_rc(rc) : CACHE_MISS;
		seen->version = version;
	}
	return count_hit(cache, key, seen, false, now_ms);
}

bool
cache_has_changed(struct cache *cache, int64_t *seen)
{
	int64_t version;

	db_follow(&cache->db);
	version = (int64_t)db_version(&cache->db);
	if (version != 0 && version == *seen)
		return false;
	*seen = version;
	return true;
}
