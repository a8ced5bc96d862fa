/* SPDX-License-Identifier: MIT */

/*
 * Why a value is, or is not, given out; and whether all are as they were
 * written. See inspect_why.h.
 *
 * FAILURE  As inspect.c: an answer for the person who asked.
 */
#include "cache/inspect_why.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "cache/db.h"
#include "cache/flight.h"
#include "cache/inspect_forget.h"
#include "cache/now.h"
#include "cache/store.h"
#include "server/base/clock.h"
#include "server/base/err.h"

#define STEP "100" /* values read at a time */

/* What VALUE_GET has of a value, for store_read(). */
#define COLUMNS                                                           \
	"k, created, expires, fresh, cost, born, g1, g2, g3, g4, g5, g6," \
	" format, sum, v"

static int
finish(sqlite3_stmt *stmt)
{
	int code = sqlite3_finalize(stmt);

	return code == SQLITE_OK ? 0 : db_error_of(code);
}

static int64_t
left_of(int64_t until_ms, int64_t now_ms)
{
	return until_ms == STORE_FOREVER ? INT64_MAX : until_ms - now_ms;
}

static void
copy_text(sqlite3_stmt *stmt, int column, char *out, size_t size)
{
	const void *text = sqlite3_column_text(stmt, column);

	(void)snprintf(out, size, "%s", text != NULL ? (const char *)text : "");
}

static bool
is_sound(sqlite3_stmt *stmt, struct store_value *value)
{
	store_read(stmt, value);
	return store_sum(value) == (uint64_t)sqlite3_column_int64(stmt, 13);
}

/* A query about the row of one key. */
static int
query_key(struct inspect *inspect, const char *sql,
    const uint8_t key[CACHE_KEY_LEN], sqlite3_stmt **stmt)
{
	int rc = inspect_query(inspect, sql, stmt);

	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(*stmt, 1, store_id(key));
	(void)sqlite3_bind_blob(*stmt, 2, key, CACHE_KEY_LEN, SQLITE_STATIC);
	return 0;
}

static int
find_value(struct inspect *inspect, struct inspect_key *out)
{
	int64_t now_ms = cache_now_ms();
	struct store_value value;
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = query_key(inspect,
	    "SELECT " COLUMNS ", EXISTS (SELECT 1 FROM voids WHERE voids.id IN"
	    " (g1, g2, g3, g4, g5, g6) AND seq > born)"
	    " FROM kv WHERE id = ?1 AND k = ?2",
	    out->key, &stmt);
	if (rc < 0)
		return rc;
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		out->has_value = true;
		out->damaged = !is_sound(stmt, &value);
		out->bytes = (int64_t)value.len;
		out->age_ms = now_ms - value.created;
		out->fresh_ms = left_of(value.fresh, now_ms);
		out->stale_ms = left_of(value.expires, now_ms);
		out->cost_us = value.cost_us;
		out->forgotten = sqlite3_column_int(stmt, 15) != 0;
	}
	return finish(stmt);
}

static int
find_signal(struct inspect *inspect, struct inspect_key *out)
{
	sqlite3_stmt *stmt = NULL;
	int state;
	int rc;

	rc = query_key(inspect,
	    "SELECT state, function, error, epoch, owner_slot, owner_pid,"
	    " lease_until, attempts, due_at FROM signals"
	    " WHERE id = ?1 AND k = ?2",
	    out->key, &stmt);
	if (rc < 0)
		return rc;
	if (sqlite3_step(stmt) == SQLITE_ROW) {
		state = sqlite3_column_int(stmt, 0);
		out->state = flight_state_name(state);
		copy_text(stmt, 1, out->function, sizeof(out->function));
		copy_text(stmt, 2, out->error, sizeof(out->error));
		out->epoch = sqlite3_column_int64(stmt, 3);
		out->attempts = sqlite3_column_int64(stmt, 7);
		if (state == FLIGHT_COMPUTING) {
			out->owner_slot = sqlite3_column_int64(stmt, 4);
			out->owner_pid = sqlite3_column_int64(stmt, 5);
			out->lease_ms =
			    sqlite3_column_int64(stmt, 6) - clock_boot_ms();
		}
		if (state >= FLIGHT_FAILED)
			out->due_ms =
			    sqlite3_column_int64(stmt, 8) - clock_boot_ms();
	}
	return finish(stmt);
}

int
inspect_why(struct inspect *inspect, struct inspect_key *out)
{
	uint8_t key[CACHE_KEY_LEN];
	int rc;

	memcpy(key, out->key, sizeof(key));
	memset(out, 0, sizeof(*out));
	memcpy(out->key, key, sizeof(key));
	out->state = "absent";
	rc = find_value(inspect, out);
	return rc < 0 ? rc : find_signal(inspect, out);
}

/* Is there a value that is given out? */
static bool
is_good(const struct inspect_key *key)
{
	return key->has_value && !key->damaged && !key->forgotten &&
	       key->stale_ms > 0;
}

const char *
inspect_verdict(const struct inspect_key *key)
{
	if (is_good(key))
		return key->fresh_ms > 0
			   ? "the value is given out"
			   : "the value is given out, and computed anew, as "
			     "its fresh time is over";
	if (strcmp(key->state, "computing") == 0)
		return "whoever asks waits for the computation under way";
	if (strcmp(key->state, "wanted") == 0)
		return "whoever asks waits for a worker to begin computing it";
	if (key->due_ms > 0 && strcmp(key->state, "pass") == 0)
		return "whoever asks has it computed for himself: its results "
		       "are not to be stored";
	if (key->due_ms > 0)
		return "whoever asks gets the error, for a while";
	if (!key->has_value)
		return "computed when somebody asks: there is no value";
	if (key->damaged)
		return "computed when somebody asks: the value's checksum does "
		       "not match";
	if (key->forgotten)
		return "computed when somebody asks: what the value belongs to "
		       "was forgotten after it was made";
	return "computed when somebody asks: the value's time is over";
}

int
inspect_find(struct inspect *inspect, const char *digits, const char *function,
    const void *arguments, size_t len, uint8_t (*keys)[CACHE_KEY_LEN], int most)
{
	sqlite3_stmt *stmt = NULL;
	int count = 0;
	int rc;

	rc = inspect_query(inspect,
	    digits != NULL
		? "SELECT k FROM (SELECT k FROM signals UNION SELECT k FROM kv)"
		  " WHERE length(k) = 32 AND lower(hex(k)) >= ?1"
		  " AND lower(hex(k)) < ?1 || 'g' LIMIT 1000"
		: "SELECT k FROM signals WHERE function = ?1 AND arguments = ?2"
		  " AND length(k) = 32 LIMIT 1000",
	    &stmt);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_text(stmt, 1, digits != NULL ? digits : function, -1,
	    SQLITE_STATIC);
	if (digits == NULL)
		(void)sqlite3_bind_blob64(stmt, 2, arguments, len,
		    SQLITE_STATIC);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		if (count < most && sqlite3_column_blob(stmt, 0) != NULL)
			memcpy(keys[count], sqlite3_column_blob(stmt, 0),
			    CACHE_KEY_LEN);
		count++;
	}
	rc = finish(stmt);
	return rc < 0 ? rc : count;
}

/* Some values behind the row *from; how many, or ERR_*. */
static int
check_values(struct inspect *inspect, int64_t *from, struct inspect_check *out)
{
	struct store_value value;
	sqlite3_stmt *stmt = NULL;
	int count = 0;
	int rc;

	rc = inspect_query(inspect,
	    "SELECT " COLUMNS ", id FROM kv WHERE id > ?1 ORDER BY id"
	    " LIMIT " STEP,
	    &stmt);
	if (rc < 0)
		return rc;
	(void)sqlite3_bind_int64(stmt, 1, *from);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		out->damaged += !is_sound(stmt, &value);
		out->bytes += (int64_t)value.len;
		*from = sqlite3_column_int64(stmt, 15);
		count++;
	}
	out->values += count;
	rc = finish(stmt);
	return rc < 0 ? rc : count;
}

int
inspect_check(struct inspect *inspect, struct inspect_check *out,
    struct buf *found)
{
	sqlite3_stmt *stmt = NULL;
	const unsigned char *text;
	int64_t from = INT64_MIN;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = inspect_query(inspect, "PRAGMA integrity_check(20)", &stmt);
	if (rc < 0)
		return rc;
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		text = sqlite3_column_text(stmt, 0);
		if (text != NULL && strcmp((const char *)text, "ok") != 0)
			(void)buf_printf(found, "%s\n", (const char *)text);
	}
	rc = finish(stmt);
	if (rc < 0)
		return rc;
	do
		rc = check_values(inspect, &from, out);
	while (rc > 0);
	return rc;
}
