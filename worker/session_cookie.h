/* SPDX-License-Identifier: MIT */
#ifndef WORKER_SESSION_COOKIE_H
#define WORKER_SESSION_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/options.h"
#include "cache/session.h"
#include "server/base/buf.h"
#include "worker/http_parse.h"
#include "worker/options.h"

/*
 * The cookie that says whose request it is, and the keys that sign it.
 *
 * A cookie holds the session's id, when it was made and when it was last
 * renewed, and HMAC-SHA256 over all of it: what we have not signed is not
 * looked at any further, and needs no question to the database. The first
 * key signs, every key verifies, so that keys can be changed one by one.
 *
 * OWNERSHIP  The keys belong to a generation of the settings, so that a reload
 *            that is refused leaves those of the running one alone; a worker
 *            copies what it signs with.
 * THREADS    Keys are loaded by the master before it forks (again at a
 *            reload) and constant in a worker. The rest: any thread.
 */

#define SESSION_KEYS_MAX 8
#define SESSION_MAC_LEN 32
#define SESSION_COOKIE_MAX 512 /* bytes of a whole Set-Cookie value */

struct session_keys {
	unsigned count;
	uint8_t keys[SESSION_KEYS_MAX][32];
	char kept[65]; /* what session.key holds; "": nothing */
};

/*
 * None yet; of those of `before` (may be NULL) the one that session.key holds
 * is used on if the file has gone meanwhile. NULL: no memory.
 */
struct session_keys *session_keys_new(const struct session_keys *before);

/* Overwrites them; accepts NULL and leaves NULL. */
void session_keys_free(struct session_keys **keys);

/* A worker, before it serves: sign and verify with these. */
void session_keys_use(const struct session_keys *keys);

/*
 * Take the keys from session_secret_file, session_secret, or else from
 * session.key in cache_dir, which is made (0600) when it is missing; without
 * a cache it is a random one that ends with this process. On failure *why is
 * a sentence that never shows a key. 0 or negative.
 */
int session_keys_load(struct session_keys *keys,
    const struct worker_options *options,
    const struct cache_options *cache_options, struct buf *why);

/* The same for a process that must not write to the folder, because it is not
 * the one of the user whose folder it is. */
int session_keys_read(struct session_keys *keys,
    const struct worker_options *options,
    const struct cache_options *cache_options, struct buf *why);

/*
 * Write session.key again when it is gone, or could not be written at the
 * start, so that a restart does not end all sessions. For a worker, now and
 * then; it costs a look at the folder.
 */
void session_keys_keep(const struct cache_options *cache_options);

/* As session_keys_load(), but makes and reads nothing in cache_dir: for a
 * process that only checks the settings. 0, or negative with *why. */
int session_keys_check(const struct worker_options *options, struct buf *why);

/* The key that signs is `which` 0. HMAC over label and data. False: no key
 * of that number, or no memory. */
bool session_mac(unsigned which, const char *label, const void *data,
    size_t len, uint8_t mac[SESSION_MAC_LEN]);

/* Does any key give this code? In constant time per key. */
bool session_mac_is(const uint8_t mac[SESSION_MAC_LEN], const char *label,
    const void *data, size_t len);

/* Whose request it is; `issued` 0: nobody's. */
struct session_ticket {
	uint8_t id[SESSION_ID_LEN];
	uint32_t issued; /* clock of the cache, seconds */
	uint32_t seen;   /* when the cookie was last renewed */
};

/*
 * Read the session's cookie out of a Cookie field: the first of our name
 * that we have signed and that is not too old. False: there is none, and
 * *ticket says nobody.
 */
bool session_ticket_read(const struct worker_options *options, bool secure,
    struct http_span cookies, struct session_ticket *ticket);

/* The same for all Cookie fields of a head. */
bool session_ticket_find(const struct worker_options *options, bool secure,
    const struct http_head *head, struct session_ticket *ticket);

/* A new id. 0, or ERR_UNKNOWN when there are no random numbers. */
int session_ticket_new(struct session_ticket *ticket);

/* Is it time to send the cookie again, so that it does not end while the
 * session is in use? */
bool session_ticket_is_old(const struct worker_options *options,
    const struct session_ticket *ticket);

/* When a session with this ticket ends. */
struct session_life session_ticket_life(const struct worker_options *options,
    const struct session_ticket *ticket);

/*
 * The value of Set-Cookie, NUL-terminated; renews `seen`. `ticket` NULL: one
 * that removes the cookie. 0, ERR_UNKNOWN (no key), ERR_TOO_BIG.
 */
int session_cookie_write(const struct worker_options *options, bool secure,
    struct session_ticket *ticket, char out[SESSION_COOKIE_MAX]);

#endif
