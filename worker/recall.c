/* SPDX-License-Identifier: MIT */

/*
 * Answers in memory: two hash tables, by key and by body, and two lists by time
 * of use, of those that are kept and of those that pass. See recall.h.
 *
 * Buckets are chosen with a secret number, so that no client can fill one
 * chain. Bodies hang on their answers and go with them.
 *
 * INVARIANT  `bytes` is the sum of `cost` of all, and never above `bytes_max`.
 * INVARIANT  Of those that pass at most one more than those that others hold is
 *            there when recall_keep() returns, and none for over a second.
 * THREADS    The loop only.
 */
#include "worker/recall.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096  /* power of two */
#define BODY_MAX 8192 /* longer ones are read each time */
#define BODIES_MAX 4  /* of one answer */
#define SHARE_MAX 4   /* no answer takes more than this part of it all */
#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)

struct recall_body {
	uint64_t hash;
	size_t len;
	struct recalled *recalled;
	struct recall_body *next_in_bucket;
	struct recall_body *next; /* of the same answer */
	char bytes[];
};

struct list {
	struct recalled *newest;
	struct recalled *oldest;
};

struct recall {
	struct recalled *keys[BUCKETS];
	struct recall_body *bodies[BUCKETS];
	struct list kept;
	struct list passing;
	uint64_t seed;
	size_t bytes;
	size_t bytes_max;
};

struct recall *
recall_new(size_t bytes_max)
{
	struct recall *recall = calloc(1, sizeof(*recall));

	if (recall == NULL)
		return NULL;
	recall->bytes_max = bytes_max;
	/* Without random numbers there is no worker: TLS needs them, too. */
	if (RAND_bytes((unsigned char *)&recall->seed, sizeof(recall->seed)) !=
	    1) {
		free(recall);
		return NULL;
	}
	return recall;
}

static uint64_t
mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * GOLDEN;
	return h ^ h >> 29;
}

static uint64_t
hash_bytes(const struct recall *recall, const char *bytes, size_t len)
{
	uint64_t h = mix(recall->seed, len);
	uint64_t word = 0;

	for (; len >= sizeof(word);
	     len -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		h = mix(h, word);
	}
	word = 0;
	memcpy(&word, bytes, len);
	return mix(mix(h, word), recall->seed);
}

static struct recalled **
bucket_of(struct recall *recall, const uint8_t key[CACHE_KEY_LEN])
{
	uint64_t word;

	memcpy(&word, key, sizeof(word));
	return &recall->keys[mix(recall->seed, word) % BUCKETS];
}

static struct list *
list_of(struct recall *recall, const struct recalled *recalled)
{
	return recalled->cost > 0 ? &recall->kept : &recall->passing;
}

static void
list_remove(struct list *list, struct recalled *recalled)
{
	if (recalled->newer != NULL)
		recalled->newer->older = recalled->older;
	else
		list->newest = recalled->older;
	if (recalled->older != NULL)
		recalled->older->newer = recalled->newer;
	else
		list->oldest = recalled->newer;
}

static void
list_add(struct list *list, struct recalled *recalled)
{
	recalled->newer = NULL;
	recalled->older = list->newest;
	if (recalled->older != NULL)
		recalled->older->newer = recalled;
	else
		list->oldest = recalled;
	list->newest = recalled;
}

static struct recalled *
use(struct recall *recall, struct recalled *recalled)
{
	struct list *list = list_of(recall, recalled);

	if (recalled != list->newest) {
		list_remove(list, recalled);
		list_add(list, recalled);
	}
	return recalled;
}

struct recalled *
recall_find(struct recall *recall, const uint8_t key[CACHE_KEY_LEN])
{
	struct recalled *recalled = *bucket_of(recall, key);

	while (
	    recalled != NULL && memcmp(recalled->key, key, CACHE_KEY_LEN) != 0)
		recalled = recalled->next_in_bucket;
	return recalled != NULL ? use(recall, recalled) : NULL;
}

static struct recall_body *
find_body(struct recall *recall, uint64_t hash, const char *body, size_t len)
{
	struct recall_body *at = recall->bodies[hash % BUCKETS];

	while (at != NULL && (at->hash != hash || at->len != len ||
				 memcmp(at->bytes, body, len) != 0))
		at = at->next_in_bucket;
	return at;
}

struct recalled *
recall_find_body(struct recall *recall, const char *body, size_t len)
{
	struct recall_body *found;

	if (recall->kept.newest == NULL || len > BODY_MAX)
		return NULL;
	found = find_body(recall, hash_bytes(recall, body, len), body, len);
	return found != NULL ? use(recall, found->recalled) : NULL;
}

static void
body_free(struct recall *recall, struct recall_body *body)
{
	struct recall_body **at = &recall->bodies[body->hash % BUCKETS];

	while (*at != body)
		at = &(*at)->next_in_bucket;
	*at = body->next_in_bucket;
	free(body);
}

void
recall_drop(struct recall *recall, struct recalled *recalled)
{
	struct recalled **at = bucket_of(recall, recalled->key);
	struct recall_body *body = recalled->bodies;
	struct recall_body *next;

	for (; body != NULL; body = next) {
		next = body->next;
		body_free(recall, body);
	}
	while (*at != recalled)
		at = &(*at)->next_in_bucket;
	*at = recalled->next_in_bucket;
	list_remove(list_of(recall, recalled), recalled);
	recall->bytes -= recalled->cost;
	blob_unref(recalled->blob);
	buf_free(&recalled->arguments);
	free(recalled);
}

/* Drop what was not used for longest, but for `but`. False: not enough. */
static bool
make_room(struct recall *recall, size_t cost, const struct recalled *but)
{
	while (recall->bytes + cost > recall->bytes_max) {
		if (recall->kept.oldest == NULL || recall->kept.oldest == but)
			return false;
		recall_drop(recall, recall->kept.oldest);
	}
	return true;
}

void
recall_sweep(struct recall *recall)
{
	struct recalled *one = recall != NULL ? recall->passing.oldest : NULL;
	struct recalled *newer;

	for (; one != NULL; one = newer) {
		newer = one->newer;
		if (one->blob->refs == 1)
			recall_drop(recall, one);
	}
}

struct recalled *
recall_keep(struct recall *recall, const struct recalled *about,
    const void *arguments, size_t len)
{
	struct recalled *recalled = recall_find(recall, about->key);
	size_t cost = sizeof(*recalled) + about->blob->len + len;
	struct recalled **bucket;

	if (recalled != NULL)
		recall_drop(recall, recalled);
	if (cost > recall->bytes_max / SHARE_MAX) {
		recall_sweep(recall);
		cost = 0;
	}
	(void)make_room(recall, cost, NULL); /* it is at most a part */
	recalled = calloc(1, sizeof(*recalled));
	if (recalled == NULL)
		return NULL;
	if (buf_put(&recalled->arguments, arguments, len) < 0) {
		free(recalled);
		return NULL;
	}
	memcpy(recalled->key, about->key, CACHE_KEY_LEN);
	recalled->callback = about->callback;
	recalled->blob = blob_ref(about->blob);
	recalled->packed = about->packed;
	recalled->seen = about->seen;
	recalled->cost = cost;
	bucket = bucket_of(recall, about->key);
	recalled->next_in_bucket = *bucket;
	*bucket = recalled;
	list_add(list_of(recall, recalled), recalled);
	recall->bytes += cost;
	return recalled;
}

void
recall_add_body(struct recall *recall, struct recalled *recalled,
    const char *body, size_t len)
{
	struct recall_body *new;
	struct recall_body **bucket;
	uint64_t hash;
	int count = 0;

	if (len > BODY_MAX || recalled->cost == 0)
		return;
	for (new = recalled->bodies; new != NULL; new = new->next)
		count++;
	hash = hash_bytes(recall, body, len);
	if (count >= BODIES_MAX || find_body(recall, hash, body, len) != NULL ||
	    !make_room(recall, sizeof(*new) + len, recalled))
		return;
	new = malloc(sizeof(*new) + len);
	if (new == NULL)
		return;
	new->hash = hash;
	new->len = len;
	new->recalled = recalled;
	memcpy(new->bytes, body, len);
	bucket = &recall->bodies[hash % BUCKETS];
	new->next_in_bucket = *bucket;
	*bucket = new;
	new->next = recalled->bodies;
	recalled->bodies = new;
	recalled->cost += sizeof(*new) + len;
	recall->bytes += sizeof(*new) + len;
}

size_t
recall_bytes(const struct recall *recall)
{
	return recall->bytes;
}

/* This one and all that are newer in its list. */
static void
drop_all(struct recall *recall, struct recalled *one)
{
	struct recalled *newer;

	for (; one != NULL; one = newer) {
		newer = one->newer;
		recall_drop(recall, one);
	}
}

void
recall_free(struct recall **recall)
{
	if (*recall == NULL)
		return;
	drop_all(*recall, (*recall)->kept.oldest);
	drop_all(*recall, (*recall)->passing.oldest);
	free(*recall);
	*recall = NULL;
}
