/* SPDX-License-Identifier: MIT */

/*
 * Request-lifetime memory: a list of blocks, bump allocation in the newest.
 *
 * Large requests get a block of their own behind the newest, so that they
 * do not waste the rest of it.
 *
 * INVARIANT  `used` never exceeds `max` when a bound is set.
 */
#include "server/base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BLOCK 8192 /* bytes of payload in an ordinary block */
#define ARENA_ALIGN alignof(max_align_t)

/* So that AddressSanitizer sees who uses what was dropped. */
#ifdef __SANITIZE_ADDRESS__
#define KEEPS_NOTHING true
#else
#define KEEPS_NOTHING false
#endif

struct arena_block {
	struct arena_block *next;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char data[];
};

void
arena_init(struct arena *arena, size_t max)
{
	arena_init_sized(arena, max, ARENA_BLOCK);
}

void
arena_init_sized(struct arena *arena, size_t max, size_t block)
{
	arena->blocks = NULL;
	arena->used = 0;
	arena->max = max;
	arena->block = block;
}

static size_t
block_size(const struct arena *arena)
{
	return arena->block > 0 ? arena->block : ARENA_BLOCK;
}

static void
block_free_list(struct arena_block *block)
{
	struct arena_block *next;

	for (; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
}

void
arena_free(struct arena *arena)
{
	block_free_list(arena->blocks);
	arena->blocks = NULL;
	arena->used = 0;
}

void
arena_reset(struct arena *arena)
{
	struct arena_block *keep = arena->blocks;

	if (KEEPS_NOTHING || keep == NULL || keep->size != block_size(arena)) {
		arena_free(arena);
		return;
	}
	block_free_list(keep->next);
	keep->next = NULL;
	keep->used = 0;
	arena->used = 0;
}

void
arena_join(struct arena *arena, struct arena *from)
{
	struct arena_block *last = from->blocks;

	if (last == NULL)
		return;
	while (last->next != NULL)
		last = last->next;
	if (arena->blocks != NULL) {
		last->next = arena->blocks->next;
		arena->blocks->next = from->blocks;
	} else {
		arena->blocks = from->blocks;
	}
	arena->used += from->used;
	from->blocks = NULL;
	from->used = 0;
}

static struct arena_block *
block_new(size_t size)
{
	struct arena_block *block = malloc(sizeof(*block) + size);

	if (block != NULL) {
		block->next = NULL;
		block->size = size;
		block->used = 0;
	}
	return block;
}

/* A block with room for `size`: the newest one, or behind that when it is for
 * this alone. */
static struct arena_block *
block_add(struct arena *arena, size_t size)
{
	size_t usual = block_size(arena);
	struct arena_block *block;

	block = block_new(size > usual / 4 ? size : usual);
	if (block == NULL)
		return NULL;
	if (block->size != usual && arena->blocks != NULL) {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = arena->blocks;
		arena->blocks = block;
	}
	return block;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	void *memory;

	if (size > SIZE_MAX / 2)
		return NULL;
	size =
	    (size + (size == 0) + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (arena->max > 0 && size > arena->max - arena->used)
		return NULL;
	if (block == NULL || size > block->size - block->used) {
		block = block_add(arena, size);
		if (block == NULL)
			return NULL;
	}
	memory = block->data + block->used;
	block->used += size;
	arena->used += size;
	return memory;
}

void *
arena_calloc(struct arena *arena, size_t count, size_t size)
{
	void *memory;

	if (size > 0 && count > SIZE_MAX / size)
		return NULL;
	memory = arena_alloc(arena, count * size);
	if (memory != NULL)
		memset(memory, 0, count * size);
	return memory;
}

char *
arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	if (copy != NULL) {
		if (len > 0)
			memcpy(copy, text, len);
		copy[len] = '\0';
	}
	return copy;
}
