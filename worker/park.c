/* SPDX-License-Identifier: MIT */

/*
 * The parking lot: a hash table by key. Keys are SHA-256 digests, so their
 * first bytes are a hash already, and no client can choose them.
 */
#include "worker/park.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/bug.h"
#include "worker/task.h"

#define BUCKETS 4096 /* power of two */

struct park {
	struct parked *buckets[BUCKETS];
	size_t count;
};

static size_t
bucket_of(const uint8_t key[CACHE_KEY_LEN])
{
	return ((size_t)key[0] | (size_t)key[1] << 8) % BUCKETS;
}

struct park *
park_new(void)
{
	return calloc(1, sizeof(struct park));
}

void
park_free(struct park **park)
{
	free(*park);
	*park = NULL;
}

struct parked *
park_find(struct park *park, const uint8_t key[CACHE_KEY_LEN])
{
	struct parked *parked = park->buckets[bucket_of(key)];

	while (parked != NULL && memcmp(parked->key, key, CACHE_KEY_LEN) != 0)
		parked = parked->next_in_bucket;
	return parked;
}

struct parked *
park_get(struct park *park, const uint8_t key[CACHE_KEY_LEN])
{
	struct parked *parked = park_find(park, key);
	size_t bucket = bucket_of(key);

	if (parked != NULL)
		return parked;
	parked = calloc(1, sizeof(*parked));
	if (parked == NULL)
		return NULL;
	memcpy(parked->key, key, CACHE_KEY_LEN);
	parked->next_in_bucket = park->buckets[bucket];
	park->buckets[bucket] = parked;
	park->count++;
	return parked;
}

static bool
is_stoppable(const struct task *task)
{
	return task->owned && task->computation != NULL &&
	       task->computation->may_stop;
}

void
park_add_task(struct parked *parked, struct task *task)
{
	task->parked = parked;
	parked->left_us = 0;
	task->prev = NULL;
	task->next = parked->tasks;
	if (task->next != NULL)
		task->next->prev = task;
	parked->tasks = task;
	parked->stoppable += is_stoppable(task);
}

void
park_remove_task(struct task *task)
{
	if (task->prev != NULL)
		task->prev->next = task->next;
	else
		task->parked->tasks = task->next;
	if (task->next != NULL)
		task->next->prev = task->prev;
	task->parked->stoppable -= is_stoppable(task);
	task->parked = NULL;
	task->next = NULL;
	task->prev = NULL;
}

bool
park_is_empty(const struct parked *parked)
{
	return parked->requests == NULL && parked->tasks == NULL;
}

void
park_remove(struct park *park, struct parked *parked)
{
	struct parked **at = &park->buckets[bucket_of(parked->key)];

	ASSERT(park_is_empty(parked));
	while (*at != parked)
		at = &(*at)->next_in_bucket;
	*at = parked->next_in_bucket;
	park->count--;
	buf_free(&parked->arguments);
	free(parked);
}

size_t
park_count(const struct park *park)
{
	return park->count;
}

void
park_each(struct park *park, void (*visit)(struct parked *parked, void *arg),
    void *arg)
{
	struct parked *parked;
	struct parked *next;
	size_t i;

	for (i = 0; park->count > 0 && i < BUCKETS; i++) {
		for (parked = park->buckets[i]; parked != NULL; parked = next) {
			next = parked->next_in_bucket;
			visit(parked, arg);
		}
	}
}
