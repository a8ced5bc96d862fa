/* SPDX-License-Identifier: MIT */
#ifndef WORKER_HELD_H
#define WORKER_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/*
 * Values that a piece of work has waited for and keeps for its next runs.
 *
 * A callback that needs two slow values waits twice. Without this, a value
 * that is not stored, or whose life is shorter than the second wait, would
 * be gone when the callback runs for the third time, and so on for ever.
 *
 * OWNERSHIP  The list belongs to its task; values decoded from the bytes
 *            point into them.
 * THREADS    Whoever has the task.
 */
struct held {
	struct held *next;
	uint8_t key[CACHE_KEY_LEN];
	void *bytes;
	size_t len;
};

/* All tasks of this process together hold at most so much; above it values
 * are read from the store again. */
#define HELD_BYTES_MAX ((size_t)128 << 20)

/* The value under the key, or NULL. */
const struct held *held_find(const struct held *list,
    const uint8_t key[CACHE_KEY_LEN]);

/* Take over malloc'ed bytes. False: there is no room, they are the caller's. */
bool held_add(struct held **list, const uint8_t key[CACHE_KEY_LEN], void *bytes,
    size_t len);

void held_free(struct held **list);

#endif
