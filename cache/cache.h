/* SPDX-License-Identifier: MIT */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cache/options.h"
#include "server/base/buf.h"

/*
 * The front door of the cache: a memoize store and a signal table in one
 * SQLite database, shared by every worker and the keeper.
 *
 * A key is 32 bytes (memo_key.h). A *value* row holds finished bytes; a
 * *signal* row holds the state of the computation that makes them:
 *
 *   absent --ask--> wanted --claim--> computing --publish--> ready
 *     ^               ^ |                |  \--fail--> failed (for a while)
 *     |               | |                |  \--owners died--> quarantined
 *     |               | |                |  \--not to be stored--> pass
 *     |--nobody waits---|--nobody waits--|
 *                     |--owner died------|
 *
 * A struct cache is one connection. It is opened after fork, belongs to one
 * thread and never crosses a fork or a thread.
 *
 * No failure of the database is ever an outage: every verb returns ERR_STORE
 * (already logged, rate limited) and the caller computes without the cache.
 */
struct cache;

#define CACHE_KEY_LEN 32

/* Who am I, and how do I wake the others. Copied by cache_open. */
struct cache_peer {
	unsigned slot;
	int64_t worker_id;   /* 0: not a worker (keeper, tools, tests) */
	const int *wake_fds; /* eventfd per slot; borrowed, may be NULL */
	unsigned slot_count;
	/* Has this peer the code that a row asks for, by the name of the
	 * function and its `code` (struct cache_question)? NULL: it has all.
	 * Runs inside a transaction: quick, no database. */
	bool (
	    *can_compute)(const void *arg, const char *function, int64_t code);
	const void *can_compute_arg; /* borrowed */
};

/*
 * Before any fork: make the directory (0700) when it is missing, refuse one
 * that others may write, refuse network file systems, open or create the
 * database, recover it, set aside (rename to *.corrupt-<time>) a file that is
 * damaged or foreign, delete the signal rows of former runs that are not
 * `ready`, checkpoint, close. When another server is using the database it is
 * left as it is. On failure *why names path and reason.
 * 0, -errno or ERR_*. Master, single-threaded. Needed once per boot before
 * cache_open().
 */
int cache_prepare(const struct cache_options *options, struct buf *why);

/*
 * Is that failure of cache_prepare() or folder_check() one that passes, or that
 * does no harm: no room, no rights, a lock, a disk that fails? Then a server
 * serves without the cache until the keeper can prepare it. Not so a folder
 * that is no safe place or none at all, which only an operator can mend.
 */
bool cache_can_wait(int rc);

/* It could not be prepared: connections that are opened in this process or its
 * children do not wait long for it. */
void cache_expect_trouble(void);

/*
 * For how long nobody of this process has got the lock of writers, milliseconds
 * since somebody had waited for it in vain; 0: it can be had. Any thread.
 */
int64_t cache_locked_ms(void);

/* Open a connection for the calling thread. 0, -errno, ERR_BUSY, ERR_STORE. */
int cache_open(struct cache **cache, const struct cache_options *options,
    const struct cache_peer *peer);

/*
 * The same for a process that serves in any case: a database that cannot be
 * opened is no failure. Every verb gives ERR_STORE then, until cache_watch()
 * finds that it can be opened. 0 or -ENOMEM.
 */
int cache_open_patient(struct cache **cache,
    const struct cache_options *options, const struct cache_peer *peer);

/*
 * Look after the file: when it was replaced, or a connection of this process
 * could not go on with it, all connections of the process open it again, each
 * before its next transaction. One thread of each process, about once a
 * second, with no transaction open. True when they have to: threads that do
 * nothing should be woken to do it now (cache_follow()), because the old file
 * takes room on the disk as long as somebody has it open.
 */
bool cache_watch(struct cache *cache);

/*
 * Is the file that this connection has open the one that is in the folder, and
 * as far as this process knows sound? Any failure of the database ends that
 * but a lock, and a disk that takes no more: what is there can be read. Always
 * true of a cache that is off. No transaction is open. It costs a read.
 */
bool cache_is_usable(struct cache *cache);

/* Has this connection to open the file again? Any moment; NULL has not. */
bool cache_is_behind(const struct cache *cache);

/* Open it again if so; no transaction is open. */
void cache_follow(struct cache *cache);

/* Close; accepts NULL and leaves *cache NULL. */
void cache_close(struct cache **cache);

enum cache_found {
	CACHE_MISS,
	CACHE_HIT,
	CACHE_STALE /* a value to be used, and to be computed anew */
};

/* What the bytes of a value are. */
enum cache_format {
	CACHE_FORMAT_VALUE = 1, /* encode.h */
	/* 2 was a finished body alone */
	CACHE_FORMAT_RESPONSE = 3 /* a finished answer, worker/packed.h */
};

/*
 * Look a value up. `out` (cleared first) receives a copy of the bytes, 8-byte
 * aligned; *format what they are. A value whose checksum does not match is a
 * miss. Never waits: a busy database is ERR_BUSY. Returns enum cache_found,
 * or ERR_BUSY / ERR_STORE / -ENOMEM.
 *
 * CACHE_STALE: its fresh time is over but not its stale time; or it is going
 * to be over and the die says that it is this caller's turn to see to it
 * (XFetch: the more likely, the dearer the value and the nearer its end).
 */
int cache_lookup(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *out, enum cache_format *format);

/* The same, where a value made before `since_ms` (cache_now_ms) is a miss;
 * negative: one whose making began before -since_ms. */
int cache_lookup_since(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t since_ms, struct buf *out, enum cache_format *format);

/* cache_lookup() for one who has waited for the key: also finds a value that
 * was made for those who wait, only (life 0, see cache_publish()). What was
 * waited for is new enough, but for a negative since_ms. */
int cache_lookup_waited(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t since_ms, struct buf *out, enum cache_format *format);

/*
 * Has anybody written to the database since *seen, which is brought up to
 * date? Begin with 0. True also when it cannot be told. Takes no lock and
 * makes no system call; not inside a read transaction.
 */
bool cache_has_changed(struct cache *cache, int64_t *seen);

/*
 * What is to be remembered of a value that was looked up, by who keeps its
 * bytes: whether they may be given out again is for cache_still() to say.
 */
struct cache_seen {
	int64_t created;
	int64_t expires;
	int64_t fresh;
	int64_t cost_us;
	uint64_t sum;
	uint64_t version; /* of the database when it was looked at last */
};

/* cache_lookup(), which also fills in *seen unless it is a miss. */
int cache_lookup_seen(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *out, enum cache_format *format, struct cache_seen *seen);

/* Has nobody, here or in any process, committed anything since? Takes no lock
 * and makes no system call. */
bool cache_is_unchanged(struct cache *cache, const struct cache_seen *seen);

/*
 * Would cache_lookup() give the same bytes again? It costs a read of the row
 * without its value, or nothing when cache_is_unchanged(). Returns as
 * cache_lookup(); CACHE_MISS: forget it, there may be another one.
 */
int cache_still(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct cache_seen *seen);

/*
 * Several look-ups in one read transaction: begin before, end after. While
 * one is open nothing else may run on this connection but cache_lookup,
 * cache_still and cache_state. cache_read_end() is harmless when none is open.
 */
int cache_read_begin(struct cache *cache);
void cache_read_end(struct cache *cache);

/*
 * Is no transaction of this connection open? An open one is in the way of
 * writers or of the keeper, so none may be while its thread waits or writes
 * to a socket; that is asserted there. Any time; NULL is idle.
 */
bool cache_is_idle(const struct cache *cache);

enum cache_asked {
	CACHE_READY = 1,  /* the value is there: look it up */
	CACHE_WAITING,    /* wanted or being computed; this slot is a waiter */
	CACHE_WANTED_NEW, /* as WAITING, and this call made the row `wanted` */
	CACHE_OWNED,      /* only with claim != NULL: the caller computes */
	CACHE_FAILED,     /* failed a moment ago; *error says why */
	CACHE_PASS        /* results under this key are not stored: compute it
			     for yourself, under a key of your own; with a text
			     in *error they are too large for any key */
};

/* A computation that this worker owns. Zero it before use. */
struct cache_claim {
	uint8_t key[CACHE_KEY_LEN];
	int64_t epoch;
	int64_t born;       /* the counter of what was forgotten, then */
	int64_t started_us; /* clock_mono_us */
	uint32_t attempts;
	int64_t code; /* these four as in struct cache_question */
	int64_t client;
	int64_t fresh_ms;
	int64_t stale_ms;
	struct buf scope;     /* as above, a text */
	struct buf function;  /* name, NUL-terminated by buf_cstr */
	struct buf arguments; /* encode.h bytes of an array */
};

void cache_claim_free(struct cache_claim *claim);

/*
 * Ask for the value under `key`, which `function` computes from `arguments`
 * (encoded array). In one transaction: value there -> READY; failed and not
 * yet due again -> FAILED; being computed or wanted -> this slot joins the
 * waiters; absent or expired -> with `claim` given, the row becomes
 * `computing`, owned by this worker (OWNED, *claim filled in), without it
 * `wanted` (WANTED_NEW). `error` (may be NULL) receives the text of FAILED.
 * Returns enum cache_asked, ERR_BUSY, ERR_STORE or -ENOMEM.
 * May wait up to cache_busy_timeout: pool threads only.
 */
int cache_ask(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    const char *function, const void *arguments, size_t arguments_len,
    struct cache_claim *claim, struct buf *error);

/*
 * As cache_ask() without a claim, on behalf of the computation of `asker`,
 * which this worker owns and which cannot go on without the value. What waits
 * for what is kept in the rows, so that a circle of computations that wait
 * for each other is found wherever they run: then ERR_CYCLE, and nothing is
 * asked. Pool threads only.
 */
int cache_ask_within(struct cache *cache, const uint8_t asker[CACHE_KEY_LEN],
    const uint8_t key[CACHE_KEY_LEN], const char *function,
    const void *arguments, size_t arguments_len, struct buf *error);

/* All that can be said when asking. */
struct cache_question {
	const uint8_t *key;   /* CACHE_KEY_LEN bytes */
	const uint8_t *asker; /* as in cache_ask_within(), or NULL */
	const char *function;
	const void *arguments;
	size_t arguments_len;
	int64_t since_ms; /* a value made before counts as none; 0: any does.
			     With now, what is there is computed anew. < 0:
			     neither does one whose making began before that */

	/* Of a computation that begins with this question: */
	const char *scope; /* whose it is; NULL or "": everybody's */
	int64_t code;      /* what code it takes; see struct cache_peer */
	int64_t client;    /* who asks, for fairness; 0: nobody special */
	int64_t fresh_ms;  /* life of the value, if the asker says so: */
	int64_t stale_ms;  /* 0: as the function says; < 0: without end */
	bool may_stop;     /* it may end when nobody waits any more */
};

/* cache_ask() and cache_ask_within() in one. */
int cache_ask_for(struct cache *cache, const struct cache_question *question,
    struct cache_claim *claim, struct buf *error);

/*
 * Take the `wanted` row whose turn it is, of those this peer can compute:
 * the oldest, but clients take turns. 0 (*claim filled), -ENOENT: none, ERR_*.
 */
int cache_claim_next(struct cache *cache, struct cache_claim *claim);

/*
 * Store the value and make the row `ready` in one transaction, then wake
 * every waiting slot. `ttl_ms` < 0: never expires; 0: for the present waiters
 * only (kept for 10 s, for cache_lookup_waited()); whoever asks in the next
 * 20 s gets CACHE_PASS. ERR_STALE: the row was taken over, deleted or published
 * by someone else; nothing was stored. 0, ERR_STALE, ERR_BUSY, ERR_FULL,
 * ERR_STORE, ERR_TOO_BIG (more than 64 MiB or a quarter of cache_max_bytes;
 * the claim is still held).
 *
 * This and the next two: after ERR_BUSY, ERR_FULL and ERR_STORE the caller
 * may try again or forget the claim; a forgotten one is given back by this
 * worker's cache_renew() as soon as the database takes it.
 */
int cache_publish(struct cache *cache, const struct cache_claim *claim,
    enum cache_format format, const void *data, size_t len, int64_t ttl_ms);

/* How long a value lives, and what it belongs to. */
struct cache_life {
	int64_t fresh_ms;  /* as ttl_ms above */
	int64_t stale_ms;  /* further time in which it is given out while it is
			      computed anew; < 0: without end */
	const char *scope; /* NULL: none. See cache_forget(). */
	const char *const *tags; /* at most CACHE_TAGS_MAX */
	unsigned tag_count;
};

#define CACHE_TAGS_MAX 3

/* cache_publish() with all of it. ERR_STALE also: what the value belongs to
 * was forgotten after its computation began; the row is `wanted` again. */
int cache_publish_as(struct cache *cache, const struct cache_claim *claim,
    enum cache_format format, const void *data, size_t len,
    const struct cache_life *life);

/*
 * The value is too large to be stored: end the row as with `ttl_ms` 0, but with
 * no value. Who waits, and who asks in the next 20 s, gets CACHE_PASS with a
 * text in *error and computes without the store. `life` says what it belongs
 * to. 0, ERR_STALE as cache_publish_as(), ERR_BUSY, ERR_FULL, ERR_STORE.
 */
int cache_pass(struct cache *cache, const struct cache_claim *claim,
    const struct cache_life *life);

/* Say how far a computation is, 0 to 1000. 0, ERR_BUSY, ERR_STORE. */
int cache_progress(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t epoch, int progress);

/* What can be forgotten at once. */
enum cache_group {
	CACHE_GROUP_ALL,      /* everything under this key prefix; name "" */
	CACHE_GROUP_FUNCTION, /* what the function of that name made */
	CACHE_GROUP_SCOPE,    /* what belongs to that session */
	CACHE_GROUP_TAG       /* what carries that tag */
};

/*
 * Forget a group of values: one row is written, however many they are. From
 * the moment it returns 0 no look-up in any process gives one of them, and
 * no computation that had begun before can publish one. What is being
 * computed for waiters begins again. 0, ERR_BUSY, ERR_FULL, ERR_STORE,
 * -ENOMEM. Pool threads only.
 */
int cache_forget(struct cache *cache, enum cache_group group, const char *name);

/* A number that each cache_forget() and cache_forget_key() of any process makes
 * greater; a claim has it as `born`. Or ERR_*. */
int64_t cache_forgets(struct cache *cache);

/* The same for the value under one key, and the failure under it. */
int cache_forget_key(struct cache *cache, const uint8_t key[CACHE_KEY_LEN]);

/*
 * End a computation without a value: the row becomes `failed` with `error`
 * for `ttl_ms` (0: 2 s, so that the waiters can read it), the waiters are
 * woken. 0, ERR_STALE, ERR_BUSY, ERR_STORE.
 */
int cache_fail(struct cache *cache, const struct cache_claim *claim,
    const char *error, int64_t ttl_ms);

/*
 * End a computation that nobody waits for: the row goes. When somebody has
 * come meanwhile it is `wanted` again. 0, ERR_STALE, ERR_BUSY, ERR_STORE.
 */
int cache_give_up(struct cache *cache, const struct cache_claim *claim);

/*
 * This slot does not wait any more, for a computation that may stop. When no
 * other waits: a `wanted` row goes, the owner of a `computing` one is woken.
 * 1 nobody waits, 0 somebody does (or it may not stop), ERR_*. Pool threads.
 * With more than 64 slots it does nothing, as they share bits.
 */
int cache_leave(struct cache *cache, const uint8_t key[CACHE_KEY_LEN]);

/* Is the computation of that epoch, ours, in vain: nobody waits, or its row
 * was taken from us? Read only. 1, 0 or ERR_*. */
int cache_is_left(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t epoch);

/* Give a claim back: the row is `wanted` again, all slots are hinted. */
int cache_release(struct cache *cache, const struct cache_claim *claim);

/*
 * The state of a computation, read only (loop thread may call it).
 * Returns CACHE_READY, CACHE_WAITING (wanted or computing), CACHE_FAILED with
 * the text in *error (may be NULL), -ENOENT: no row, or one that counts as
 * none (the value is gone, the failure is over), ERR_BUSY, ERR_STORE.
 */
int cache_state(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    struct buf *error);

/*
 * Push the lease of every row this worker computes into the future, and give
 * forgotten claims back. Waits at most 20 ms per write, so the loop may call
 * it; try again in a second after ERR_BUSY. 0 or ERR_*.
 */
int cache_renew(struct cache *cache);

/*
 * Write which values were used, unless that was done a moment ago or somebody
 * else is writing. For how many milliseconds that is enough; 1000 at most. The
 * loop.
 */
int64_t cache_write_uses(struct cache *cache);

/* True when some row is `wanted` (read only). Or ERR_*. */
int cache_has_wanted(struct cache *cache);

/* Tell all other slots that a row is wanted. Never fails, never waits. */
void cache_hint(struct cache *cache);

/* The same, our own slot included. */
void cache_hint_all(struct cache *cache);

/*
 * Keeper: rows `computing` under that worker go back to `wanted` (or, after
 * compute_attempts, to `quarantined`), their waiters and all slots are woken,
 * and one log line per row says so. *count receives how many rows changed.
 */
int cache_release_owner(struct cache *cache, int64_t worker_id,
    unsigned *count);

#endif
