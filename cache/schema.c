/* SPDX-License-Identifier: MIT */

/*
 * The tables of the cache.
 *
 * `id` is the first 63 bits of the key, so that a look-up is one descent of
 * one tree; the whole key stands beside it and is always compared. Two keys
 * with the same 63 bits displace each other: a miss, never a wrong value.
 *
 * A value belongs to groups g1 to g6 (everything, its function, its scope,
 * its tags; 0: none). Forgetting a group is one row of `voids`: its number,
 * from a counter in row -1, is then higher than that of every value `born`
 * before, and such a value is none. See forget.c. Rows that are not needed any
 * more go; row -2 says up to which number some may be missing (voids.c).
 *
 * sessions has a row per browser session and, under -1, how many are live;
 * session_values what they keep. See session.h.
 *
 * What is read without the blob stands before it, so that such a read never
 * touches an overflow page. `uses` has one narrow row for each of kv: when the
 * value was used last (store.h) and when its time is over; so the keeper finds
 * what is to go without reading values. See uses.c and evict.c.
 * signals_live holds only what is wanted or being computed: a few rows, in
 * the order of their turns (ask.c); signals_client tells which turn a client
 * was given last. `due_at` is until when an error holds, and of what is being
 * computed the counter of voids when that began. signals_ended has what ended
 * without a value.
 */
#include "cache/schema.h"

const char *const schema_statements[STATEMENT_COUNT] = {
#define STATEMENT(name, sql) [STATEMENT_##name] = (sql),
#include "cache/statements.def"
#undef STATEMENT
};

const char *const schema_statement_names[STATEMENT_COUNT] = {
#define STATEMENT(name, sql) [STATEMENT_##name] = #name,
#include "cache/statements.def"
#undef STATEMENT
};

const struct schema_object schema_objects[] = {
	{ "meta",
	    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)"
	    " WITHOUT ROWID" },
	{ "kv", "CREATE TABLE kv (id INTEGER PRIMARY KEY, k BLOB NOT NULL,"
		" created INTEGER NOT NULL, expires INTEGER NOT NULL,"
		" fresh INTEGER NOT NULL, cost INTEGER NOT NULL,"
		" born INTEGER NOT NULL, g1 INTEGER NOT NULL,"
		" g2 INTEGER NOT NULL, g3 INTEGER NOT NULL,"
		" g4 INTEGER NOT NULL, g5 INTEGER NOT NULL,"
		" g6 INTEGER NOT NULL, format INTEGER NOT NULL,"
		" len INTEGER NOT NULL, sum INTEGER NOT NULL,"
		" v BLOB NOT NULL)" },
	{ "uses",
	    "CREATE TABLE uses (id INTEGER PRIMARY KEY, used INTEGER NOT NULL,"
	    " expires INTEGER NOT NULL)" },
	{ "voids",
	    "CREATE TABLE voids (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
	    " changed INTEGER NOT NULL)" },
	{ "sessions",
	    "CREATE TABLE sessions (id INTEGER PRIMARY KEY, k BLOB NOT NULL,"
	    " state INTEGER NOT NULL, scope TEXT NOT NULL,"
	    " number INTEGER NOT NULL, created INTEGER NOT NULL,"
	    " used INTEGER NOT NULL, due INTEGER NOT NULL,"
	    " ends INTEGER NOT NULL, live INTEGER NOT NULL,"
	    " user TEXT NOT NULL)" },
	{ "sessions_used",
	    "CREATE INDEX sessions_used ON sessions (state, used)" },
	{ "sessions_due", "CREATE INDEX sessions_due ON sessions (due)"
			  " WHERE state <> 2" },
	{ "session_values",
	    "CREATE TABLE session_values (id INTEGER PRIMARY KEY,"
	    " k BLOB NOT NULL, number INTEGER NOT NULL,"
	    " kind INTEGER NOT NULL, created INTEGER NOT NULL,"
	    " expires INTEGER NOT NULL, len INTEGER NOT NULL,"
	    " sum INTEGER NOT NULL, v BLOB NOT NULL)" },
	{ "session_values_of",
	    "CREATE INDEX session_values_of ON session_values"
	    " (number, kind, created, expires, len)" },
	{ "session_values_expires",
	    "CREATE INDEX session_values_expires ON session_values"
	    " (expires)" },
	{ "signals",
	    "CREATE TABLE signals (id INTEGER PRIMARY KEY, k BLOB NOT NULL,"
	    " state INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	    " owner_id INTEGER NOT NULL, owner_slot INTEGER NOT NULL,"
	    " owner_pid INTEGER NOT NULL, lease_until INTEGER NOT NULL,"
	    " attempts INTEGER NOT NULL, waiters INTEGER NOT NULL,"
	    " computations INTEGER NOT NULL, progress INTEGER NOT NULL,"
	    " wanted_at INTEGER NOT NULL, changed_at INTEGER NOT NULL,"
	    " due_at INTEGER NOT NULL,"
	    " waits_for INTEGER NOT NULL DEFAULT 0, client INTEGER NOT NULL,"
	    " turn INTEGER NOT NULL, code INTEGER NOT NULL,"
	    " fresh INTEGER NOT NULL, stale INTEGER NOT NULL,"
	    " may_stop INTEGER NOT NULL, scope TEXT NOT NULL,"
	    " function TEXT NOT NULL, arguments BLOB NOT NULL, error TEXT)" },
	{ "signals_live",
	    "CREATE INDEX signals_live ON signals (state, turn, wanted_at)"
	    " WHERE state <= 2" },
	{ "signals_client",
	    "CREATE INDEX signals_client ON signals (client, turn)"
	    " WHERE state <= 2" },
	{ "signals_ended",
	    "CREATE INDEX signals_ended ON signals (state, changed_at)"
	    " WHERE state >= 4" },
};

const unsigned schema_object_count =
    sizeof(schema_objects) / sizeof(schema_objects[0]);
