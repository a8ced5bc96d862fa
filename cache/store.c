/* SPDX-License-Identifier: MIT */

/*
 * Value rows: read with check, write, delete.
 *
 * INVARIANT  What store_get() hands out had this key, all 32 bytes, and the
 *            checksum written with it. Everything else is no hit.
 * INVARIANT  The statement is reset as soon as the bytes are copied.
 */
#include "cache/store.h"

#include <errno.h>
#include <string.h>

#include "cache/cache_int.h"
#include "cache/uses.h"
#include "server/base/err.h"
#include "server/base/log.h"

int64_t
store_id(const uint8_t key[CACHE_KEY_LEN])
{
	uint64_t id = 0;
	unsigned i;

	for (i = 0; i < 8; i++)
		id = id << 8 | key[i];
	return (int64_t)(id & INT64_MAX);
}

#define BAD_SUMS_MAX 16 /* that one connection may meet */
#define SUM_LANE 32     /* bytes per turn, eight for each lane */
#define SWEEP_PARTS 16  /* of a life: how late the keeper may be */

/* One word into a lane: for a fixed lane a bijection of the word. */
static inline uint64_t
step(uint64_t lane, const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	lane ^= word;
	return (lane << 29 | lane >> 35) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Final mixing: for either argument fixed a bijection of the other. */
static uint64_t
mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

uint64_t
store_sum(const struct store_value *value)
{
	const unsigned char *next = value->data;
	unsigned char tail[SUM_LANE] = { 0 };
	size_t left = value->len;
	/* Four lanes, because one would wait for its own multiplication. */
	uint64_t a = 1;
	uint64_t b = 2;
	uint64_t c = 3;
	uint64_t d = 4;
	uint64_t h = mix(value->len, (uint64_t)value->format);
	unsigned i;

	h = mix(mix(h, (uint64_t)value->created), (uint64_t)value->expires);
	h = mix(mix(h, (uint64_t)value->fresh), (uint64_t)value->cost_us);
	h = mix(h, (uint64_t)value->born);
	for (i = 0; i < STORE_GROUPS; i++)
		h = mix(h, (uint64_t)value->groups[i]);
	for (; left >= SUM_LANE; left -= SUM_LANE, next += SUM_LANE) {
		a = step(a, next);
		b = step(b, next + 8);
		c = step(c, next + 16);
		d = step(d, next + 24);
	}
	if (left > 0)
		memcpy(tail, next, left);
	a = step(a, tail);
	b = step(b, tail + 8);
	c = step(c, tail + 16);
	d = step(d, tail + 24);
	return mix(mix(mix(mix(h, a), b), c), d);
}

static void
report_damage(const uint8_t *key)
{
	static struct log_gate gate;
	char text[CACHE_KEY_SHORT];
	unsigned suppressed;

	if (!log_gate_open(&gate, &suppressed))
		return;
	cache_key_short(key, text);
	log_error(ERR_CORRUPT, "cache.value",
	    "key=%s taken as a miss suppressed=%u", text, suppressed);
}

/* Columns of VALUE_GET behind `g1`. */
#define COLUMN_GROUPS 6
#define COLUMN_FORMAT (COLUMN_GROUPS + STORE_GROUPS)

void
store_read(sqlite3_stmt *stmt, struct store_value *value)
{
	int i;

	value->created = sqlite3_column_int64(stmt, 1);
	value->expires = sqlite3_column_int64(stmt, 2);
	value->fresh = sqlite3_column_int64(stmt, 3);
	value->cost_us = sqlite3_column_int64(stmt, 4);
	value->born = sqlite3_column_int64(stmt, 5);
	for (i = 0; i < STORE_GROUPS; i++)
		value->groups[i] =
		    sqlite3_column_int64(stmt, COLUMN_GROUPS + i);
	value->is_counter = false; /* who writes it again says so */
	value->format = sqlite3_column_int(stmt, COLUMN_FORMAT);
	value->data = sqlite3_column_blob(stmt, COLUMN_FORMAT + 2);
	value->len = (size_t)sqlite3_column_bytes(stmt, COLUMN_FORMAT + 2);
}

bool
store_is_since(int64_t created, int64_t cost_us, int64_t since_ms)
{
	if (since_ms < 0)
		return created - cost_us / 1000 >= -since_ms;
	return created >= since_ms;
}

/* Judge the row that `stmt` stands on and copy its bytes. */
static int
take_row(sqlite3_stmt *stmt, const uint8_t *key, int64_t since_ms,
    struct buf *out, struct store_value *about)
{
	struct store_value value;
	const void *full_key = sqlite3_column_blob(stmt, 0);
	uint64_t sum = (uint64_t)sqlite3_column_int64(stmt, COLUMN_FORMAT + 1);
	int rc;

	if (sqlite3_column_bytes(stmt, 0) != CACHE_KEY_LEN ||
	    memcmp(full_key, key, CACHE_KEY_LEN) != 0)
		return STORE_MISS;
	store_read(stmt, &value);
	if (!store_is_since(value.created, value.cost_us, since_ms))
		return STORE_MISS;
	/* Out of memory inside SQLite shows as a NULL. */
	if (value.data == NULL &&
	    (value.len > 0 ||
		sqlite3_errcode(sqlite3_db_handle(stmt)) == SQLITE_NOMEM))
		return -ENOMEM;
	if (store_sum(&value) != sum) {
		report_damage(key);
		return STORE_DAMAGED;
	}
	rc = out == NULL ? 0 : buf_put(out, value.data, value.len);
	if (about != NULL) {
		*about = value;
		about->data = NULL;
		about->sum = sum;
	}
	return rc < 0 ? rc : STORE_HIT;
}

int
store_get(struct db *db, const uint8_t key[CACHE_KEY_LEN], int64_t now_ms,
    int64_t since_ms, struct buf *out, struct store_value *about)
{
	sqlite3_stmt *stmt;
	int rc;

	if (out != NULL)
		buf_clear(out);
	stmt = db_use(db, STATEMENT_VALUE_GET, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_int(stmt, 2, now_ms);
	db_bind_int(stmt, 3, since_ms < 0 ? -since_ms : since_ms);
	rc = db_step(db, STATEMENT_VALUE_GET);
	if (rc <= 0)
		return rc < 0 ? rc : STORE_MISS;
	rc = take_row(stmt, key, since_ms, out, about);
	db_reset(db, STATEMENT_VALUE_GET);
	if (rc != STORE_DAMAGED)
		return rc;
	counts_add(db->counts, COUNT_DAMAGED, 1);
	/* One is an accident. So many mean that the file is not to be trusted,
	 * whatever SQLite thinks of its pages. */
	if (++db->bad_sums == BAD_SUMS_MAX)
		return db_failed(db, SQLITE_CORRUPT, "CHECKSUMS");
	return STORE_DAMAGED;
}

int
store_has(struct db *db, const uint8_t key[CACHE_KEY_LEN], int64_t now_ms)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_VALUE_FRESH, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, now_ms);
	rc = db_step(db, STATEMENT_VALUE_FRESH);
	db_reset(db, STATEMENT_VALUE_FRESH);
	return rc;
}

/*
 * When the keeper looks for the value: at its end or, so that a value that is
 * written again and again need not have this row written each time, at the
 * next full sixteenth of its life (of the power of two below it).
 */
static int64_t
sweep_at(const struct store_value *value)
{
	int64_t step = 1;
	int64_t life;

	if (value->expires >= STORE_FOREVER - STORE_FOREVER / SWEEP_PARTS)
		return value->expires;
	life = value->expires - value->created;
	while (step <= life / SWEEP_PARTS / 2)
		step *= 2;
	return (value->expires + step - 1) / step * step;
}

/*
 * The narrow row beside it, by which the keeper finds it. It stays as it is
 * when it says nearly the same: a page less to write.
 */
static int
put_use(struct db *db, const uint8_t key[CACHE_KEY_LEN],
    const struct store_value *value)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_USE_PUT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_int(stmt, 2,
	    store_use(value->created) +
		(value->is_counter ? STORE_COUNTER : 0));
	db_bind_int(stmt, 3, sweep_at(value));
	db_bind_int(stmt, 4, store_use(uses_step_ms()));
	return db_run(db, STATEMENT_USE_PUT);
}

int
store_still(struct db *db, const uint8_t key[CACHE_KEY_LEN], int64_t created,
    uint64_t sum)
{
	sqlite3_stmt *stmt;
	int rc;

	stmt = db_use(db, STATEMENT_VALUE_STILL, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_int(stmt, 2, created);
	db_bind_int(stmt, 3, (int64_t)sum);
	db_bind_blob(stmt, 4, key, CACHE_KEY_LEN);
	rc = db_step(db, STATEMENT_VALUE_STILL);
	if (rc > 0)
		db_reset(db, STATEMENT_VALUE_STILL);
	return rc;
}

int
store_put(struct db *db, const uint8_t key[CACHE_KEY_LEN],
    const struct store_value *value, uint64_t sum)
{
	sqlite3_stmt *stmt;
	int i;
	int rc;

	stmt = db_use(db, STATEMENT_VALUE_PUT, &rc);
	if (stmt == NULL)
		return rc;
	db_bind_int(stmt, 1, store_id(key));
	db_bind_blob(stmt, 2, key, CACHE_KEY_LEN);
	db_bind_int(stmt, 3, value->created);
	db_bind_int(stmt, 4, value->expires);
	db_bind_int(stmt, 5, value->fresh);
	db_bind_int(stmt, 6, value->cost_us);
	db_bind_int(stmt, 7, value->born);
	for (i = 0; i < STORE_GROUPS; i++)
		db_bind_int(stmt, 8 + i, value->groups[i]);
	db_bind_int(stmt, 8 + STORE_GROUPS, value->format);
	db_bind_int(stmt, 9 + STORE_GROUPS, (int64_t)value->len);
	db_bind_int(stmt, 10 + STORE_GROUPS, (int64_t)sum);
	db_bind_blob(stmt, 11 + STORE_GROUPS, value->data, value->len);
	rc = db_run(db, STATEMENT_VALUE_PUT);
	return rc < 0 ? rc : put_use(db, key, value);
}

int
store_delete(struct db *db, const uint8_t key[CACHE_KEY_LEN])
{
	static const enum statement both[] = { STATEMENT_VALUE_DELETE,
		STATEMENT_USE_DELETE };
	sqlite3_stmt *stmt;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(both) / sizeof(both[0]) && rc == 0; i++) {
		stmt = db_use(db, both[i], &rc);
		if (stmt == NULL)
			return rc;
		db_bind_int(stmt, 1, store_id(key));
		rc = db_run(db, both[i]);
	}
	return rc;
}
