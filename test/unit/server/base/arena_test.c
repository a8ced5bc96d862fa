/* SPDX-License-Identifier: MIT */

/* Aligned, bounded, never overlapping, dropped whole. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/arena.h"

#define ALIGN alignof(max_align_t)

/* Blocks that are left by a reset. */
#ifdef __SANITIZE_ADDRESS__
#define KEPT 0
#else
#define KEPT 1
#endif

static size_t
block_count(struct arena *arena)
{
	/* The first member of a block is the next one. */
	struct {
		void *next;
	} *block = (void *)arena->blocks;
	size_t count = 0;

	for (; block != NULL; block = block->next)
		count++;
	return count;
}

static void
every_size_is_aligned(void **state)
{
	struct arena arena;
	size_t size;
	void *memory;

	(void)state;
	arena_init(&arena, 0);
	for (size = 0; size < 700; size++) {
		memory = arena_alloc(&arena, size);
		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % ALIGN, 0);
		memset(memory, 0xa5, size);
	}
	arena_free(&arena);
	assert_null(arena.blocks);
	assert_int_equal(arena.used, 0);
}

/* Small, large and middling ones in turn: none may touch another. */
static void
nothing_overlaps(void **state)
{
	static const size_t sizes[] = { 1, 24, 4000, 100000, 2047, 2048, 2049,
		8191, 8192, 8193, 16 };
	unsigned char *memory[300];
	struct arena arena;
	size_t kinds = sizeof(sizes) / sizeof(sizes[0]);
	size_t i;
	size_t k;

	(void)state;
	arena_init(&arena, 0);
	for (i = 0; i < 300; i++) {
		memory[i] = arena_alloc(&arena, sizes[i % kinds]);
		assert_non_null(memory[i]);
		memset(memory[i], (int)(i & 255), sizes[i % kinds]);
	}
	for (i = 0; i < 300; i++)
		for (k = 0; k < sizes[i % kinds]; k++)
			assert_int_equal(memory[i][k], i & 255);
	arena_free(&arena);
}

/* A large one does not waste the rest of the block in use. */
static void
large_ones_get_blocks_of_their_own(void **state)
{
	struct arena arena;
	char *first;
	char *second;

	(void)state;
	arena_init(&arena, 0);
	first = arena_alloc(&arena, 16);
	assert_int_equal(block_count(&arena), 1);
	assert_non_null(arena_alloc(&arena, 100000));
	assert_int_equal(block_count(&arena), 2);
	second = arena_alloc(&arena, 16);
	assert_ptr_equal(second, first + 16);
	assert_int_equal(block_count(&arena), 2);
	arena_free(&arena);
}

static void
calloc_is_zero_even_in_used_memory(void **state)
{
	struct arena arena;
	unsigned char *memory;
	size_t i;

	(void)state;
	arena_init(&arena, 0);
	memory = arena_alloc(&arena, 1000);
	assert_non_null(memory);
	memset(memory, 0xff, 1000);
	arena_reset(&arena);
	memory = arena_calloc(&arena, 25, 40);
	assert_non_null(memory);
	for (i = 0; i < 1000; i++)
		assert_int_equal(memory[i], 0);
	assert_non_null(arena_calloc(&arena, 0, 8));
	assert_non_null(arena_calloc(&arena, 8, 0));
	arena_free(&arena);
}

static void
products_that_overflow_are_refused(void **state)
{
	static const size_t pairs[][2] = { { SIZE_MAX, 2 }, { 2, SIZE_MAX },
		{ SIZE_MAX / 8 + 1, 8 }, { (size_t)1 << 33, (size_t)1 << 33 },
		{ SIZE_MAX, 1 }, { 1, SIZE_MAX } };
	struct arena arena;
	size_t i;

	(void)state;
	arena_init(&arena, 0);
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_null(arena_calloc(&arena, pairs[i][0], pairs[i][1]));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	assert_null(arena_alloc(&arena, SIZE_MAX / 2 + 1));
	assert_int_equal(arena.used, 0);
	assert_non_null(arena_alloc(&arena, 1)); /* and still works */
	arena_free(&arena);
}

static void
bound_is_kept_exactly(void **state)
{
	struct arena arena;
	int i;

	(void)state;
	arena_init(&arena, 1600);
	for (i = 0; i < 100; i++)
		assert_non_null(arena_alloc(&arena, 16));
	assert_int_equal(arena.used, 1600);
	assert_null(arena_alloc(&arena, 1));
	assert_null(arena_alloc(&arena, 0));
	assert_null(arena_calloc(&arena, 1, 1));
	assert_null(arena_strndup(&arena, "x", 1));
	assert_int_equal(arena.used, 1600);
	arena_reset(&arena);
	assert_null(arena_alloc(&arena, 1601));
	assert_non_null(arena_alloc(&arena, 1600));
	assert_null(arena_alloc(&arena, 1));
	arena_free(&arena);
	arena_init(&arena, 100000); /* by large ones as well */
	assert_non_null(arena_alloc(&arena, 60000));
	assert_null(arena_alloc(&arena, 60000));
	assert_non_null(arena_alloc(&arena, 40000));
	assert_null(arena_alloc(&arena, 1));
	arena_free(&arena);
}

static void
reset_keeps_one_block(void **state)
{
	struct arena arena;
	void *memory;
	int i;

	(void)state;
	arena_init(&arena, 0);
	arena_reset(&arena); /* empty: nothing to do */
	for (i = 0; i < 50; i++)
		assert_non_null(arena_alloc(&arena, 1000));
	assert_true(block_count(&arena) > 1);
	arena_reset(&arena);
	assert_int_equal(arena.used, 0);
	if (KEPT == 1) {
		assert_int_equal(block_count(&arena), 1);
		memory = arena_alloc(&arena, 1000);
		arena_reset(&arena);
		assert_ptr_equal(arena_alloc(&arena, 1000), memory);
		arena_reset(&arena);
	}
	assert_int_equal(block_count(&arena), KEPT);
	assert_non_null(arena_alloc(&arena, 100000));
	arena_reset(&arena);
	assert_true(block_count(&arena) <= 1); /* the large one is given up */
	arena_free(&arena);
	assert_non_null(arena_alloc(&arena, 100000));
	arena_reset(&arena); /* large only */
	assert_int_equal(arena.used, 0);
	assert_non_null(arena_alloc(&arena, 16));
	arena_free(&arena);
	arena_free(&arena);
}

static void
blocks_of_another_size(void **state)
{
	struct arena arena;

	(void)state;
	arena_init_sized(&arena, 0, 256);
	assert_non_null(arena_alloc(&arena, 64));
	assert_non_null(arena_alloc(&arena, 200)); /* one of its own */
	assert_non_null(arena_alloc(&arena, 64));
	assert_non_null(arena_alloc(&arena, 64));
	assert_non_null(arena_alloc(&arena, 64));
	assert_int_equal(block_count(&arena), 2);
	assert_non_null(arena_alloc(&arena, 1));
	assert_int_equal(block_count(&arena), 3);
	arena_reset(&arena);
	assert_int_equal(block_count(&arena), KEPT);
	arena_free(&arena);
}

static void
strndup_copies_and_ends(void **state)
{
	struct arena arena;
	char text[] = "hello";
	char *copy;

	(void)state;
	arena_init(&arena, 0);
	copy = arena_strndup(&arena, text, 4);
	text[0] = 'J';
	assert_string_equal(copy, "hell");
	assert_string_equal(arena_strndup(&arena, NULL, 0), "");
	copy = arena_strndup(&arena, "a\0b", 3);
	assert_memory_equal(copy, "a\0b\0", 4);
	arena_free(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size_is_aligned),
		cmocka_unit_test(nothing_overlaps),
		cmocka_unit_test(large_ones_get_blocks_of_their_own),
		cmocka_unit_test(calloc_is_zero_even_in_used_memory),
		cmocka_unit_test(products_that_overflow_are_refused),
		cmocka_unit_test(bound_is_kept_exactly),
		cmocka_unit_test(reset_keeps_one_block),
		cmocka_unit_test(blocks_of_another_size),
		cmocka_unit_test(strndup_copies_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
