/* SPDX-License-Identifier: MIT */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

/*
 * Memory with the life of one request: many small allocations, dropped
 * whole. Bounded, so that no request can take the process down.
 *
 * OWNERSHIP  Everything belongs to the arena until arena_reset/arena_free.
 * THREADS    One owner at a time; an arena moves between threads whole.
 */
struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes handed out, all blocks */
	size_t max;                 /* upper bound of `used`; 0: none */
	size_t block;               /* bytes of a block; 0: the usual */
};

/* Start empty. `max` bytes may be handed out in total (0: no bound). */
void arena_init(struct arena *arena, size_t max);

/* The same with blocks of another size, for what is small and long kept. */
void arena_init_sized(struct arena *arena, size_t max, size_t block);

/* Drop everything and give the memory back. */
void arena_free(struct arena *arena);

/* Drop everything, keep the first block for the next request. */
void arena_reset(struct arena *arena);

/* Take over all that another one has handed out, which is empty then. */
void arena_join(struct arena *arena, struct arena *from);

/* `size` bytes aligned for any type, uninitialised; NULL: bound or memory. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same, zeroed. */
void *arena_calloc(struct arena *arena, size_t count, size_t size);

/* A NUL-terminated copy of `len` bytes. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);

#endif
