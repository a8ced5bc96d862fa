/* SPDX-License-Identifier: MIT */
#ifndef WORKER_PARK_H
#define WORKER_PARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "server/base/buf.h"

/*
 * The parking lot: who waits in this worker for which key.
 *
 * Waiting costs a few bytes here and no thread. Two kinds wait: requests,
 * for the answer stored under the key of a memoized callback; and tasks,
 * which run again from their start when the value under the key is there.
 *
 * OWNERSHIP  The lot owns its entries and the tasks in them; requests belong
 *            to their connections and are only linked.
 * THREADS    The loop only.
 */
struct task;
struct request;
struct callback;

struct parked {
	struct parked *next_in_bucket;
	uint8_t key[CACHE_KEY_LEN];
	struct request *requests;        /* doubly linked, newest first */
	struct task *tasks;              /* doubly linked, newest first */
	const struct callback *callback; /* whose answer `requests` want */
	struct buf arguments;            /* to ask for it again */
	int64_t asked_us;                /* when the first of `requests` came */
	unsigned stoppable; /* of the tasks, computations that may stop */
	int64_t left_us;    /* when the last of them left; 0: nothing to say */
	bool asking;        /* a TASK_ANSWER for the key is with us */
	bool may_stop;      /* who computes it may stop when all have left */
};

struct park;

struct park *park_new(void);
void park_free(struct park **park);

/* The entry of a key, or NULL; park_get() makes one (NULL: no memory). */
struct parked *park_find(struct park *park, const uint8_t key[CACHE_KEY_LEN]);
struct parked *park_get(struct park *park, const uint8_t key[CACHE_KEY_LEN]);

/* Link a task into an entry, and out of it again. */
void park_add_task(struct parked *parked, struct task *task);
void park_remove_task(struct task *task);

/* Does anybody wait here? */
bool park_is_empty(const struct parked *parked);

/* Take an entry out of the lot and free it; its lists must be empty. */
void park_remove(struct park *park, struct parked *parked);

size_t park_count(const struct park *park);

/* Call `visit` for every entry; it may remove that entry, no other. */
void park_each(struct park *park,
    void (*visit)(struct parked *parked, void *arg), void *arg);

#endif
