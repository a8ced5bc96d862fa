/* SPDX-License-Identifier: MIT */

/*
 * Cookies of sessions: 57 bytes in base64.
 *
 *   version 1, id 16, issued 4, seen 4 (little endian), HMAC-SHA256 32
 *
 * The code also covers the cookie's name, so that two apps with one secret
 * and different names do not take each other's.
 *
 * INVARIANT  The length is a multiple of three, so base64 has no bits to
 *            spare and each cookie has exactly one spelling.
 */
#include "worker/session_cookie.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/now.h"
#include "server/base/err.h"
#include "server/base/fd.h"
#include "server/base/log.h"
#include "worker/base64.h"

#define VERSION 1
#define SIGNED_LEN (1 + SESSION_ID_LEN + 4 + 4)
#define RAW_LEN (SIGNED_LEN + SESSION_MAC_LEN)
#define TEXT_LEN (RAW_LEN / 3 * 4)
#define CANDIDATES_MAX 8
#define NAME_MAX_LEN 64
#define SECRET_MIN 16
#define SECRET_FILE_MAX 65536
#define KEY_FILE "session.key"
#define RANDOM_LEN 32
#define HOST_PREFIX "__Host-"

_Static_assert(RAW_LEN % 3 == 0, "one spelling only");

_Static_assert(sizeof((struct session_keys){ 0 }.kept) == 2 * RANDOM_LEN + 1,
    "a random key in hexadecimal digits");

static struct session_keys ring; /* what this process signs with */

/* ---- keys --------------------------------------------------------------- */

static int
add_key(struct session_keys *keys, const char *from, const void *secret,
    size_t len, struct buf *why)
{
	static const char label[] = "pronghorn session key";
	unsigned made = 0;

	if (keys->count == SESSION_KEYS_MAX || len < SECRET_MIN) {
		(void)buf_printf(why,
		    keys->count == SESSION_KEYS_MAX
			? "%s: more than %d keys"
			: "%s: a key is shorter than %d bytes",
		    from,
		    keys->count == SESSION_KEYS_MAX ? SESSION_KEYS_MAX
						    : SECRET_MIN);
		return ERR_RANGE;
	}
	if (HMAC(EVP_sha256(), label, sizeof(label) - 1, secret, len,
		keys->keys[keys->count], &made) == NULL)
		return -ENOMEM;
	keys->count++;
	return 0;
}

/* A file of ours: regular, and nobody else may read it. 0 or negative. */
static int
read_secret(const char *path, char **data, size_t *len, struct buf *why)
{
	struct stat st;
	int rc = 0;

	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		(void)buf_printf(why, "%s: not a regular file", path);
		return ERR_UNKNOWN;
	}
	if ((st.st_mode & 077) != 0) {
		(void)buf_printf(why, "%s: others may read it: chmod 600",
		    path);
		return -EACCES;
	}
	rc = fd_read_file(path, SECRET_FILE_MAX, data, len);
	if (rc < 0)
		(void)buf_printf(why, "%s: %s", path, err_str(rc));
	return rc;
}

/* One key per line; empty lines and those that begin with # are none. */
static int
read_file(struct session_keys *keys, const char *path, struct buf *why)
{
	char *data = NULL;
	char *line;
	size_t total = 0;
	size_t len;
	int rc;

	rc = read_secret(path, &data, &total, why);
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "session_secret_file %s: %s", path,
		    err_str(rc));
	for (line = data; rc == 0 && line < data + total; line += len + 1) {
		len = strcspn(line, "\r\n");
		if (len > 0 && line[0] != '#')
			rc = add_key(keys, path, line, len, why);
	}
	if (rc == 0 && keys->count == 0) {
		(void)buf_printf(why, "%s: there is no key in it", path);
		rc = ERR_UNKNOWN;
	}
	if (data != NULL)
		OPENSSL_cleanse(data, total);
	free(data);
	return rc;
}

/* Write the key where it is found after a restart. 0, -EEXIST, -errno. */
static int
write_random(const char *path, const char *hex, size_t len)
{
	char temporary[PATH_MAX];
	int fd;
	int rc;

	rc = snprintf(temporary, sizeof(temporary), "%s.%d", path,
	    (int)getpid());
	if (rc < 0 || (size_t)rc >= sizeof(temporary))
		return -ENAMETOOLONG;
	(void)unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = fd_write_full(fd, hex, len);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	fd_close(&fd);
	/* Whole or not at all, and never over another server's. */
	if (rc == 0 && link(temporary, path) < 0)
		rc = -errno;
	(void)unlink(temporary);
	return rc;
}

static int
key_path(const struct cache_options *cache_options, char path[PATH_MAX])
{
	int len =
	    snprintf(path, PATH_MAX, "%s/" KEY_FILE, cache_options->cache_dir);

	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The key beside the cache. 0, -ENOENT, or negative with *why. */
static int
read_kept(struct session_keys *keys, const char *path, struct buf *why)
{
	char *data = NULL;
	size_t len = 0;
	int rc = read_secret(path, &data, &len, why);

	if (rc == 0 && data != NULL) {
		len = strcspn(data, "\n");
		rc = add_key(keys, path, data, len, why);
		if (rc == 0 && len < sizeof(keys->kept))
			(void)snprintf(keys->kept, sizeof(keys->kept), "%.*s",
			    (int)len, data);
		OPENSSL_cleanse(data, strlen(data));
	}
	free(data);
	return rc;
}

static int
make_kept(struct session_keys *keys)
{
	unsigned char random[RANDOM_LEN];
	unsigned i;

	if (RAND_bytes(random, sizeof(random)) != 1)
		return ERR_UNKNOWN;
	for (i = 0; i < RANDOM_LEN; i++)
		(void)snprintf(keys->kept + 2 * i, 3, "%02x", random[i]);
	OPENSSL_cleanse(random, sizeof(random));
	return 0;
}

/* Write it where it is found after a restart. 0, -EEXIST, -errno. */
static int
write_kept(const struct session_keys *keys, const char *path)
{
	char line[sizeof(keys->kept) + 1];
	int len = snprintf(line, sizeof(line), "%s\n", keys->kept);
	int rc = write_random(path, line, (size_t)len);

	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}

/*
 * A key that nobody gave: found beside the cache, or made. A reload that finds
 * none there goes on with the one it has.
 */
static int
use_random(struct session_keys *keys, const struct cache_options *cache_options,
    bool write, struct buf *why)
{
	bool stored = strcmp(cache_options->cache_type, "null") != 0;
	char path[PATH_MAX];
	int rc = key_path(cache_options, path);

	if (rc < 0)
		return rc;
	rc = stored ? read_kept(keys, path, why) : -ENOENT;
	if (rc == 0 || why->len > 0)
		return rc;
	if (keys->kept[0] == '\0' && (rc = make_kept(keys)) < 0)
		return rc;
	rc = stored && write ? write_kept(keys, path) : 0;
	if (rc == -EEXIST) /* another server was quicker */
		return read_kept(keys, path, why);
	if (rc < 0)
		log_warn(rc, "session.key",
		    "path=%s not kept: sessions end with this process, unless "
		    "it can be written later",
		    path);
	return add_key(keys, KEY_FILE, keys->kept, strlen(keys->kept), why);
}

void
session_keys_keep(const struct cache_options *cache_options)
{
	char path[PATH_MAX];
	int rc;

	if (ring.kept[0] == '\0' ||
	    strcmp(cache_options->cache_type, "null") == 0 ||
	    key_path(cache_options, path) < 0 || access(path, F_OK) == 0 ||
	    errno != ENOENT)
		return;
	rc = write_kept(&ring, path);
	if (rc == 0)
		log_info("session.key", "path=%s written again", path);
}

struct session_keys *
session_keys_new(const struct session_keys *before)
{
	struct session_keys *keys = calloc(1, sizeof(*keys));

	if (keys != NULL && before != NULL)
		memcpy(keys->kept, before->kept, sizeof(keys->kept));
	return keys;
}

void
session_keys_free(struct session_keys **keys)
{
	if (*keys != NULL)
		OPENSSL_cleanse(*keys, sizeof(**keys));
	free(*keys);
	*keys = NULL;
}

void
session_keys_use(const struct session_keys *keys)
{
	ring = *keys;
}

/* Those of the settings; there may be none. */
static int
take_given(struct session_keys *keys, const struct worker_options *options,
    struct buf *why)
{
	const struct opt_list *secrets = &options->session_secret;
	size_t i;
	int rc = 0;

	if (strspn(options->session_cookie_name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_-") != strlen(options->session_cookie_name)) {
		(void)buf_puts(why,
		    "session_cookie_name: letters, digits, _ and - only");
		return ERR_SYNTAX;
	}
	if (options->session_secret_file[0] != '\0')
		rc = read_file(keys, options->session_secret_file, why);
	for (i = 0; i < secrets->count && rc == 0; i++)
		rc = add_key(keys, "session_secret", secrets->items[i],
		    strlen(secrets->items[i]), why);
	return rc;
}

int
session_keys_check(const struct worker_options *options, struct buf *why)
{
	struct session_keys keys = { .count = 0 };
	int rc = take_given(&keys, options, why);

	OPENSSL_cleanse(&keys, sizeof(keys));
	return rc;
}

static int
load_keys(struct session_keys *keys, const struct worker_options *options,
    const struct cache_options *cache_options, bool write, struct buf *why)
{
	int rc = take_given(keys, options, why);

	if (rc == 0 && keys->count == 0)
		rc = use_random(keys, cache_options, write, why);
	else
		OPENSSL_cleanse(keys->kept, sizeof(keys->kept));
	if (rc < 0 && why->len == 0)
		(void)buf_printf(why, "the session key: %s", err_str(rc));
	return rc;
}

int
session_keys_load(struct session_keys *keys,
    const struct worker_options *options,
    const struct cache_options *cache_options, struct buf *why)
{
	keys->count = 0;
	return load_keys(keys, options, cache_options, true, why);
}

int
session_keys_read(struct session_keys *keys,
    const struct worker_options *options,
    const struct cache_options *cache_options, struct buf *why)
{
	keys->count = 0;
	return load_keys(keys, options, cache_options, false, why);
}

bool
session_mac(unsigned which, const char *label, const void *data, size_t len,
    uint8_t mac[SESSION_MAC_LEN])
{
	uint8_t text[512];
	size_t label_len = strlen(label) + 1;
	unsigned made = 0;

	if (which >= ring.count || label_len + len > sizeof(text))
		return false;
	memcpy(text, label, label_len); /* its NUL parts it from the data */
	memcpy(text + label_len, data, len);
	return HMAC(EVP_sha256(), ring.keys[which], sizeof(ring.keys[0]), text,
		   label_len + len, mac, &made) != NULL &&
	       made == SESSION_MAC_LEN;
}

bool
session_mac_is(const uint8_t mac[SESSION_MAC_LEN], const char *label,
    const void *data, size_t len)
{
	uint8_t want[SESSION_MAC_LEN];
	bool same = false;
	unsigned i;

	for (i = 0; i < ring.count && !same; i++)
		same = session_mac(i, label, data, len, want) &&
		       CRYPTO_memcmp(mac, want, SESSION_MAC_LEN) == 0;
	return same;
}

/* ---- tickets ------------------------------------------------------------ */

static void
put_number(uint8_t *at, uint32_t number)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		at[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t
get_number(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static uint32_t
now_seconds(void)
{
	return (uint32_t)(cache_now_ms() / 1000);
}

/* A clock that was set back makes nothing old. */
static double
age(uint32_t then)
{
	uint32_t now = now_seconds();

	return now > then ? (double)(now - then) : 0;
}

/* The name as the browser has it; what is signed with it. */
static int
cookie_name(const struct worker_options *options, bool secure,
    char name[NAME_MAX_LEN + sizeof(HOST_PREFIX)])
{
	int len = snprintf(name, NAME_MAX_LEN + sizeof(HOST_PREFIX), "%s%s",
	    secure ? HOST_PREFIX : "", options->session_cookie_name);

	return len > 0 && len < (int)(NAME_MAX_LEN + sizeof(HOST_PREFIX)) ? len
									  : 0;
}

static void
label_of(const struct worker_options *options, char label[NAME_MAX_LEN + 16])
{
	(void)snprintf(label, NAME_MAX_LEN + 16, "cookie %s",
	    options->session_cookie_name);
}

/* Is this value one of ours? */
static bool
read_value(const struct worker_options *options, const char *text,
    struct session_ticket *ticket)
{
	char label[NAME_MAX_LEN + 16];
	struct buf bytes = BUF_EMPTY;
	const uint8_t *raw;
	bool good;

	if (base64_decode(text, TEXT_LEN, &bytes) < 0 || bytes.len != RAW_LEN) {
		buf_free(&bytes);
		return false;
	}
	raw = (const uint8_t *)bytes.data;
	label_of(options, label);
	good = raw[0] == VERSION &&
	       session_mac_is(raw + SIGNED_LEN, label, raw, SIGNED_LEN);
	if (good) {
		memcpy(ticket->id, raw + 1, SESSION_ID_LEN);
		ticket->issued = get_number(raw + 1 + SESSION_ID_LEN);
		ticket->seen = get_number(raw + 5 + SESSION_ID_LEN);
		good = ticket->issued != 0 &&
		       age(ticket->issued) < options->session_lifetime &&
		       (options->session_idle_timeout <= 0 ||
			   age(ticket->seen) < options->session_idle_timeout);
	}
	buf_free(&bytes);
	return good;
}

bool
session_ticket_read(const struct worker_options *options, bool secure,
    struct http_span cookies, struct session_ticket *ticket)
{
	char name[NAME_MAX_LEN + sizeof(HOST_PREFIX)];
	size_t name_len = (size_t)cookie_name(options, secure, name);
	const char *at = cookies.data;
	const char *end = at != NULL ? at + cookies.len : NULL;
	const char *next;
	unsigned tried = 0;

	for (; at < end && tried < CANDIDATES_MAX; at = next) {
		while (at < end && (*at == ' ' || *at == ';'))
			at++;
		next = memchr(at, ';', (size_t)(end - at));
		if (next == NULL)
			next = end;
		if ((size_t)(next - at) != name_len + 1 + TEXT_LEN ||
		    memcmp(at, name, name_len) != 0 || at[name_len] != '=')
			continue;
		tried++;
		if (read_value(options, at + name_len + 1, ticket))
			return true;
	}
	memset(ticket, 0, sizeof(*ticket));
	return false;
}

bool
session_ticket_find(const struct worker_options *options, bool secure,
    const struct http_head *head, struct session_ticket *ticket)
{
	struct http_span line;
	size_t from = 0;

	memset(ticket, 0, sizeof(*ticket));
	while (http_head_line(head, head->cookie, "cookie", &from, &line)) {
		if (session_ticket_read(options, secure, line, ticket))
			return true;
	}
	return false;
}

int
session_ticket_new(struct session_ticket *ticket)
{
	memset(ticket, 0, sizeof(*ticket));
	if (RAND_bytes(ticket->id, sizeof(ticket->id)) != 1)
		return ERR_UNKNOWN;
	ticket->issued = now_seconds();
	ticket->seen = ticket->issued;
	return 0;
}

/* How long a cookie serves that is not renewed. */
static double
patience(const struct worker_options *options)
{
	return options->session_idle_timeout > 0 &&
		       options->session_idle_timeout < options->session_lifetime
		   ? options->session_idle_timeout
		   : options->session_lifetime;
}

bool
session_ticket_is_old(const struct worker_options *options,
    const struct session_ticket *ticket)
{
	return options->session_idle_timeout > 0 &&
	       age(ticket->seen) >= patience(options) / 8;
}

struct session_life
session_ticket_life(const struct worker_options *options,
    const struct session_ticket *ticket)
{
	return (struct session_life){
		.ends_ms = (int64_t)ticket->issued * 1000 +
			   (int64_t)(options->session_lifetime * 1000),
		.idle_ms = (int64_t)(options->session_idle_timeout * 1000),
		.issued_ms = (int64_t)ticket->issued * 1000
	};
}

int
session_cookie_write(const struct worker_options *options, bool secure,
    struct session_ticket *ticket, char out[SESSION_COOKIE_MAX])
{
	char name[NAME_MAX_LEN + sizeof(HOST_PREFIX)];
	char label[NAME_MAX_LEN + 16];
	uint8_t raw[RAW_LEN];
	struct buf text = BUF_EMPTY;
	double left = 0;
	int len;

	(void)cookie_name(options, secure, name);
	if (ticket != NULL) {
		ticket->seen = now_seconds();
		raw[0] = VERSION;
		memcpy(raw + 1, ticket->id, SESSION_ID_LEN);
		put_number(raw + 1 + SESSION_ID_LEN, ticket->issued);
		put_number(raw + 5 + SESSION_ID_LEN, ticket->seen);
		label_of(options, label);
		if (!session_mac(0, label, raw, SIGNED_LEN, raw + SIGNED_LEN))
			return ERR_UNKNOWN;
		if (base64_encode(raw, sizeof(raw), &text) < 0)
			return -ENOMEM;
		left = options->session_lifetime - age(ticket->issued);
		if (left > patience(options))
			left = patience(options);
		if (left < 1)
			left = 1;
	}
	len = snprintf(out, SESSION_COOKIE_MAX,
	    "%s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s", name,
	    (int)text.len, text.len > 0 ? text.data : "", (long long)left,
	    secure ? "; Secure" : "");
	buf_free(&text);
	return len > 0 && len < SESSION_COOKIE_MAX ? 0 : ERR_TOO_BIG;
}
