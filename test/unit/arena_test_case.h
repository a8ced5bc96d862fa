/* SPDX-License-Identifier: MIT */
#ifndef TEST_ARENA_TEST_CASE_H
#define TEST_ARENA_TEST_CASE_H

/*
 * For test programs whose cases build things in an arena: `arena` is empty
 * when an ARENA_TEST(case) begins and is freed when it has ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/base/arena.h"

static struct arena arena;

static inline int
arena_set_up(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static inline int
arena_tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

#define ARENA_TEST(name) \
	cmocka_unit_test_setup_teardown(name, arena_set_up, arena_tear_down)

#endif
