/* SPDX-License-Identifier: MIT */

/*
 * Values kept between the runs of a task. See held.h.
 */
#include "worker/held.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic size_t held_bytes; /* of all lists */

const struct held *
held_find(const struct held *list, const uint8_t key[CACHE_KEY_LEN])
{
	while (list != NULL && memcmp(list->key, key, CACHE_KEY_LEN) != 0)
		list = list->next;
	return list;
}

bool
held_add(struct held **list, const uint8_t key[CACHE_KEY_LEN], void *bytes,
    size_t len)
{
	struct held *held;

	if (atomic_fetch_add(&held_bytes, len) + len > HELD_BYTES_MAX) {
		atomic_fetch_sub(&held_bytes, len);
		return false;
	}
	held = malloc(sizeof(*held));
	if (held == NULL) {
		atomic_fetch_sub(&held_bytes, len);
		return false;
	}
	memcpy(held->key, key, CACHE_KEY_LEN);
	held->bytes = bytes;
	held->len = len;
	held->next = *list;
	*list = held;
	return true;
}

void
held_free(struct held **list)
{
	struct held *held;

	while ((held = *list) != NULL) {
		*list = held->next;
		atomic_fetch_sub(&held_bytes, held->len);
		free(held->bytes);
		free(held);
	}
}
