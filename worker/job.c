/* SPDX-License-Identifier: MIT */

/*
 * Tickets of jobs. See job.h.
 *
 * THREADS  Reading: any. Writing: pool threads.
 * FAILURE  A store that fails starts no job: the callback is run at once
 *          instead, and the request waits for it.
 */
#include "worker/job.h"

#include <errno.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "cache/encode.h"
#include "cache/memo_key.h"
#include "cache/now.h"
#include "cache/plain.h"
#include "server/base/err.h"
#include "worker/guard.h"
#include "worker/memo.h"

#define LIFE_MS 180000    /* hidden tabs ask once a minute */
#define RENEW_MS 30000    /* renewed by a look after this time */
#define TICKET_ITEMS 3    /* row, requester, time of writing */
#define TICKET_ARENA 4096 /* bytes to read one */

static void
put_hex(const uint8_t *bytes, size_t count, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < count; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * count] = '\0';
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
take_hex(const struct value *text, uint8_t *bytes, size_t count)
{
	size_t i;

	if (text->kind != VALUE_TEXT || text->count != 2 * count)
		return false;
	for (i = 0; i < count; i++) {
		if (hex_value(text->u.text[2 * i]) < 0 ||
		    hex_value(text->u.text[2 * i + 1]) < 0)
			return false;
		bytes[i] = (uint8_t)(hex_value(text->u.text[2 * i]) << 4 |
				     hex_value(text->u.text[2 * i + 1]));
	}
	return true;
}

void
job_requester(const struct worker_options *options,
    const struct http_head *head, char out[JOB_ID_LEN + 1])
{
	struct http_span token = guard_cookie(head, options->csrf_token_name);
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct buf text = BUF_EMPTY;

	(void)buf_put(&text, head->user_agent.data, head->user_agent.len);
	(void)buf_putc(&text, '\n');
	if (options->csrf_token)
		(void)buf_put(&text, token.data, token.len);
	(void)SHA256((const unsigned char *)text.data, text.len, digest);
	buf_free(&text);
	put_hex(digest, JOB_ID_LEN / 2, out);
}

bool
job_next_id(struct http_span query, const char *name, size_t *at,
    char id[JOB_ID_LEN + 1])
{
	size_t name_len = strlen(name);
	const char *pair;
	size_t len;
	size_t i;

	while (*at < query.len) {
		pair = query.data + *at;
		for (len = 0; *at + len < query.len && pair[len] != '&'; len++)
			continue;
		*at += len + 1;
		if (len != name_len + 1 + JOB_ID_LEN ||
		    memcmp(pair, name, name_len) != 0 || pair[name_len] != '=')
			continue;
		memcpy(id, pair + name_len + 1, JOB_ID_LEN);
		id[JOB_ID_LEN] = '\0';
		for (i = 0; i < JOB_ID_LEN && hex_value(id[i]) >= 0; i++)
			continue;
		if (i == JOB_ID_LEN)
			return true;
	}
	return false;
}

int
job_new_id(char id[JOB_ID_LEN + 1])
{
	uint8_t bytes[JOB_ID_LEN / 2];

	if (RAND_bytes(bytes, (int)sizeof(bytes)) != 1)
		return ERR_STORE;
	put_hex(bytes, sizeof(bytes), id);
	return 0;
}

static int
ticket_key(const struct cache_options *options, const char *id,
    uint8_t key[CACHE_KEY_LEN])
{
	/* No function has an empty name, and an app's own entries have another
	 * scope. */
	return memo_key(options->cache_key_prefix, "", 0, "job", id, JOB_ID_LEN,
	    key);
}

int
job_progress_key(const struct cache_options *options,
    const uint8_t key[CACHE_KEY_LEN], uint8_t out[CACHE_KEY_LEN])
{
	return memo_key(options->cache_key_prefix, "", 0, "progress", key,
	    CACHE_KEY_LEN, out);
}

int
job_sides_key(const struct cache_options *options,
    const uint8_t key[CACHE_KEY_LEN], uint8_t out[CACHE_KEY_LEN])
{
	return memo_key(options->cache_key_prefix, "", 0, "sides", key,
	    CACHE_KEY_LEN, out);
}

bool
job_store(struct cache *cache, const uint8_t key[CACHE_KEY_LEN],
    int64_t life_ms, const struct buf *json)
{
	const struct cache_life life = { .fresh_ms = life_ms };
	struct value value = { .kind = VALUE_JSON,
		.count = (uint32_t)json->len,
		.u.text = json->data };
	struct buf bytes = BUF_EMPTY;
	struct cache_entry entry;
	bool done = false;

	memcpy(entry.key, key, CACHE_KEY_LEN);
	if (encode_value(&value, &bytes) == 0) {
		entry.data = bytes.data;
		entry.len = bytes.len;
		done = cache_put(cache, &entry, 1, CACHE_PUT_ALWAYS, &life) > 0;
	}
	buf_free(&bytes);
	return done;
}

/* Read the parts of a ticket; the requester counts when it is not NULL. */
static bool
ticket_parse(const struct value *ticket, const char *requester,
    struct job_ticket *out)
{
	const struct value *items = ticket->u.items;

	if (ticket->kind != VALUE_ARRAY || ticket->count != TICKET_ITEMS ||
	    !take_hex(&items[0], out->key, CACHE_KEY_LEN) ||
	    items[1].kind != VALUE_TEXT || items[2].kind != VALUE_INT)
		return false;
	out->stale = cache_now_ms() - items[2].u.integer > RENEW_MS;
	return requester == NULL || strcmp(items[1].u.text, requester) == 0;
}

int
job_read(struct cache *cache, const struct cache_options *options,
    const char *id, const char *requester, struct job_ticket *ticket)
{
	struct buf found = BUF_EMPTY;
	struct value *value = NULL;
	enum cache_format format;
	uint8_t key[CACHE_KEY_LEN];
	struct arena arena;
	int rc;

	if (cache == NULL || ticket_key(options, id, key) < 0)
		return ERR_STORE;
	arena_init(&arena, TICKET_ARENA);
	rc = cache_lookup(cache, key, &found, &format);
	if (rc == CACHE_MISS)
		rc = -ENOENT;
	if (rc > 0)
		rc = encode_decode(found.data, found.len, &arena, &value);
	if (rc == 0 && !ticket_parse(value, requester, ticket))
		rc = -ENOENT;
	arena_free(&arena);
	buf_free(&found);
	return rc;
}

int
job_write(struct toolkit *kit, const char *id, const char *requester,
    const uint8_t key[CACHE_KEY_LEN])
{
	const struct cache_life life = { .fresh_ms = LIFE_MS };
	char row[2 * CACHE_KEY_LEN + 1];
	struct value items[TICKET_ITEMS] = {
		{ .kind = VALUE_TEXT,
		    .count = 2 * CACHE_KEY_LEN,
		    .u.text = row },
		{ .kind = VALUE_TEXT,
		    .count = (uint32_t)strlen(requester),
		    .u.text = requester },
		{ .kind = VALUE_INT, .u.integer = cache_now_ms() },
	};
	const struct value ticket = { .kind = VALUE_ARRAY,
		.count = TICKET_ITEMS,
		.u.items = items };
	struct buf bytes = BUF_EMPTY;
	struct cache_entry entry;
	int64_t until_ms = 0;
	int rc;

	put_hex(key, CACHE_KEY_LEN, row);
	rc = ticket_key(kit->cache_options, id, entry.key);
	if (rc == 0)
		rc = encode_value(&ticket, &bytes);
	if (rc == 0) {
		entry.data = bytes.data;
		entry.len = bytes.len;
		do
			rc = cache_put(kit->cache, &entry, 1, CACHE_PUT_ALWAYS,
			    &life);
		while (memo_try_again(kit, rc, &until_ms));
	}
	buf_free(&bytes);
	return rc > 0 ? 0 : rc;
}

void
job_cancel(struct toolkit *kit, const char *id, const char *requester)
{
	struct job_ticket ticket;
	uint8_t key[CACHE_KEY_LEN];
	int64_t until_ms = 0;
	int rc;

	if (job_read(kit->cache, kit->cache_options, id, requester, &ticket) <
		0 ||
	    ticket_key(kit->cache_options, id, key) < 0)
		return;
	do
		rc = cache_remove(kit->cache, key);
	while (memo_try_again(kit, rc, &until_ms));
}

bool
job_is_wanted(const struct toolkit *kit, const char *id)
{
	struct job_ticket ticket;

	return kit->cache == NULL || job_read(kit->cache, kit->cache_options,
					 id, NULL, &ticket) != -ENOENT;
}
