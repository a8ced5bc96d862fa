/* SPDX-License-Identifier: MIT */

/*
 * Pieces of JSON, and texts that end too early.
 */
#include "test/bench/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct slice
slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static void
expect_member(const char *json, const char *name, const char *want)
{
	struct slice got = slice_member(slice_of(json), name, strlen(name));

	if (want == NULL) {
		assert_null(got.data);
		return;
	}
	assert_non_null(got.data);
	assert_int_equal(got.len, strlen(want));
	assert_memory_equal(got.data, want, got.len);
}

static void
members(void **state)
{
	(void)state;
	expect_member("{\"a\":1,\"b\":[1,{\"a\":2}],\"c\":\"x\"}", "a", "1");
	expect_member("{\"a\":1,\"b\":[1,{\"a\":2}],\"c\":\"x\"}", "b",
	    "[1,{\"a\":2}]");
	expect_member(" { \"a\" : 1 , \"c\" : \"x\" } ", "c", "\"x\"");
	expect_member("{\"a\":\"}\\\"]\",\"b\":null}", "b", "null");
	expect_member("{\"a\":\"\\\\\",\"b\":true}", "b", "true");
	expect_member("{\"{\\\"index\\\":1}\":{\"x\":1}}", "{\"index\":1}",
	    "{\"x\":1}");
	expect_member("{\"a\":-1.5e3}", "a", "-1.5e3");
	expect_member("{\"a\":1}", "b", NULL);
	expect_member("{}", "a", NULL);
	expect_member("[1,2]", "a", NULL);
	expect_member("", "a", NULL);
	expect_member("{\"a\":", "a", NULL);
	expect_member("{\"a\":[1,2", "a", NULL);
	expect_member("{\"a", "a", NULL);
}

static void
whole(void **state)
{
	static const char *const good[] = { "{}", "[]", " {\"a\":[1,2]} \n",
		"{\"a\":\"}\"}", "[[],{}]" };
	static const char *const bad[] = { "", "{", "{} x", "1", "{\"a\":\"",
		"<html>", "]" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(slice_is_whole(slice_of(good[i])));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(slice_is_whole(slice_of(bad[i])));
}

/* Every beginning of a text, in memory that ends there. */
static void
nothing_is_read_behind(void **state)
{
	static const char text[] =
	    "{\"a\":[1,{\"b\":\"\\\\\\\"\"}],\"c\" : {\"d\":null} , \"e\":12}";
	struct slice cut;
	char *copy;
	size_t len;

	(void)state;
	for (len = 1; len < sizeof(text); len++) {
		copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, text, len);
		cut = (struct slice){ copy, len };
		(void)slice_member(cut, "e", 1);
		(void)slice_member(cut, "none", 4);
		assert_true(slice_is_whole(cut) == (len == sizeof(text) - 1));
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members),
		cmocka_unit_test(whole),
		cmocka_unit_test(nothing_is_read_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
