/* SPDX-License-Identifier: MIT */
#ifndef CACHE_SESSION_H
#define CACHE_SESSION_H

#include "cache/cache.h"

/*
 * Browser sessions in the store: which there are, what belongs to them.
 *
 * A session has an id, 16 random bytes that only its browser knows. The
 * database holds a digest of it, so that who reads the file can use none.
 * Data belong to the session's *scope*, a name made from its first id, which
 * stays when the id is changed. Memoized values of a session are in the group
 * CACHE_GROUP_SCOPE "session:" and that name.
 *
 *   no row --touch--> live --end, eviction, age--> dying --keeper--> dead
 *                      \---rotate---> dead, and a new row is live
 *
 * A row comes only with the first use, so an id that was given out but never
 * used costs nothing. A dead row stays for a while, so that its id does not
 * come to life again. There are not more than a bound of them: when one goes
 * too soon, the time its id was issued is kept as a floor, and an id issued no
 * later that has no row counts as dead.
 *
 * THREADS  As struct cache: one per connection. session_find(),
 *          session_count() and session_get() only read and never wait: the
 *          loop may call them.
 *          The others may wait up to cache_busy_timeout.
 */
#define SESSION_ID_LEN 16
#define SESSION_SCOPE_LEN 32     /* hexadecimal digits */
#define SESSION_GROUP "session:" /* and the scope: its memoized values */
#define SESSION_USER_MAX 255     /* bytes of a user's name */
#define SESSION_NAME_MAX 255     /* bytes of an entry's name */

/* How much all sessions of an open cache may keep together, by its bound and
 * its disk; 0: no bound. */
int64_t session_share_of(const struct cache *cache);

enum session_state {
	SESSION_ABSENT, /* not used yet: touch it */
	SESSION_LIVE,
	SESSION_DYING, /* its entries are still to be deleted */
	SESSION_DEAD,
	SESSION_ROTATED /* dead, and the browser has a newer one */
};

struct session_row {
	char scope[SESSION_SCOPE_LEN + 1];
	int64_t used_ms; /* clock of the cache; live: last use, else end */
	char user[SESSION_USER_MAX + 1]; /* "": none */
	bool empty; /* nothing was ever put into it, nor has it had a user */
};

/* How long a session lives; clock of the cache. */
struct session_life {
	int64_t ends_ms;   /* not a moment longer */
	int64_t idle_ms;   /* after the last use; 0: as long as it lives */
	int64_t issued_ms; /* when its id was made */
	bool made; /* the id was made just now: nobody can have ended it */
};

/*
 * The session with this id, which was made at issued_ms (clock of the cache).
 * *row is filled in for every state; of an absent one it is what touching would
 * make. enum session_state, ERR_BUSY, ERR_STORE.
 */
int session_find(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    int64_t issued_ms, struct session_row *row);

/*
 * How many sessions live, in *count, and how many may, in *limit; 0: any
 * number. Costs the reading of one row. 0, ERR_BUSY, ERR_*.
 */
int session_count(struct cache *cache, int64_t *count, int64_t *limit);

/*
 * Use a session: make its row when it is absent, note the time in one that
 * lives, now and then. With a new row there may be one too many: then one
 * ends (session_limit, or 0: cache_threshold), the one used longest ago of
 * those that are empty or, when none is, of all. Returns
 * and fills in as session_find(), and never ABSENT.
 */
int session_touch(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const struct session_life *life, struct session_row *row);

/*
 * Give a live session another id; its data stay. SESSION_LIVE done, another
 * state: that is what it is, and nothing was done. ERR_*.
 */
int session_rotate(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const uint8_t new_id[SESSION_ID_LEN], const struct session_life *life);

/* Say who the user is; "" for nobody. 1, or 0: it does not live. ERR_*. */
int session_set_user(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const char *user);

/*
 * End a session: from the moment it returns 1 nothing of it is given out.
 * 0: it did not live. ERR_*.
 */
int session_end(struct cache *cache, const uint8_t id[SESSION_ID_LEN]);

/* The same by the first digits of its scope, 8 at least; the number of
 * sessions ended, ERR_SYNTAX. */
int session_end_scope(struct cache *cache, const char *prefix);

/* ---- entries ----------------------------------------------------------- */

enum session_kind {
	SESSION_ENTRY = 1, /* by name, kept as long as the session */
	SESSION_HANDLE = 2 /* of the server-side store; the oldest of them make
			      room for new ones */
};

struct session_entry {
	const char *scope;
	enum session_kind kind;
	const char *name;
	const void *data; /* encode.h bytes */
	size_t len;
	int64_t
	    expires_ms; /* clock of the cache; INT64_MAX: with the session */
};

/*
 * Put an entry. The session has to live, the entries of one together may
 * take session_quota bytes, and no more than all sessions together may (see
 * session_room.c); for these bytes others' make room. 1 done, 0: no such
 * session, ERR_TOO_BIG: beyond the quota, or a name too long, ERR_FULL: no room
 * on the disk, ERR_BUSY, ERR_STORE.
 */
int session_put(struct cache *cache, const uint8_t id[SESSION_ID_LEN],
    const struct session_entry *entry);

/* Get one into `out` (cleared first). 1, 0: there is none, ERR_*. */
int session_get(struct cache *cache, const char *scope, enum session_kind kind,
    const char *name, struct buf *out);

/* Delete one. 1, 0: there was none, ERR_*. */
int session_delete(struct cache *cache, const char *scope,
    enum session_kind kind, const char *name);

/*
 * Keeper: end what is too old, delete what belonged to dead sessions, what has
 * expired and dead rows above the bound, a bounded number of rows per call. How
 * many, or ERR_*.
 */
int session_upkeep(struct cache *cache);

#endif
