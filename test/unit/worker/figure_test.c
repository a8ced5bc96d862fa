/* SPDX-License-Identifier: MIT */

/* A leaf at a path: in a copy, with the rest shared and unchanged. */
#include "test/unit/arena_test_case.h"

#include <string.h>

#include "server/base/buf.h"
#include "worker/figure.h"
#include "worker/json_read.h"
#include "worker/json_write.h"

static const struct value *
tree_of(const char *json)
{
	struct json_limits limits = { 100, 1000, 1000, false, false };
	struct value *tree = NULL;
	const char *why;

	assert_int_equal(
	    json_read(json, strlen(json), &limits, &arena, &tree, &why), 0);
	return tree;
}

static void
check_json(const struct value *value, const char *want)
{
	struct buf out = BUF_EMPTY;
	const char *why;

	assert_int_equal(json_write(value, &out, &why), 0);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static const struct {
	const char *tree;
	const char *path;
	const char *result; /* with 7 put in */
} good[] = {
	{ "{}", "a", "{\"a\":7}" },
	{ "{\"a\":1}", "a", "{\"a\":7}" },
	{ "{\"a\":1}", "b", "{\"a\":1,\"b\":7}" },
	{ "{\"a\":1,\"b\":2,\"c\":3}", "b", "{\"a\":1,\"b\":7,\"c\":3}" },
	{ "{}", "a.b.c", "{\"a\":{\"b\":{\"c\":7}}}" },
	{ "{\"a\":{\"x\":1}}", "a.b.c", "{\"a\":{\"x\":1,\"b\":{\"c\":7}}}" },
	{ "{\"data\":[{},{}]}", "data[1].x", "{\"data\":[{},{\"x\":7}]}" },
	{ "{\"data\":[{\"type\":\"bar\"}]}", "data[0].marker.color",
	    "{\"data\":[{\"type\":\"bar\",\"marker\":{\"color\":7}}]}" },
	{ "{\"data\":[1,2,3]}", "data[2]", "{\"data\":[1,2,7]}" },
	{ "{\"data\":[1,2,3]}", "data[0]", "{\"data\":[7,2,3]}" },
	{ "[1,[2,[3,4]]]", "[1][1][0]", "[1,[2,[7,4]]]" },
	{ "[{\"a\":[{}]}]", "[0].a[0].b", "[{\"a\":[{\"b\":7}]}]" },
	{ "{\"a\":{}}", "a", "{\"a\":7}" },
	{ "{\"ab\":1}", "a", "{\"ab\":1,\"a\":7}" },
	{ "{\"x-y z\":1}", "x-y z", "{\"x-y z\":7}" },
	/* The index behind the last one appends; lists on the way are made. */
	{ "{\"a\":[]}", "a[0]", "{\"a\":[7]}" },
	{ "{\"a\":[1,2]}", "a[2]", "{\"a\":[1,2,7]}" },
	{ "{}", "a[0]", "{\"a\":[7]}" },
	{ "{}", "a.b[0].c", "{\"a\":{\"b\":[{\"c\":7}]}}" },
	{ "{\"a\":[[1]]}", "a[1][0]", "{\"a\":[[1],[7]]}" },
};

static void
the_leaf_is_put_and_the_tree_is_kept(void **state)
{
	const struct value *tree;
	const struct value *result;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		tree = tree_of(good[i].tree);
		result = figure_put(&arena, tree, good[i].path,
		    value_int(&arena, 7), &why);
		assert_non_null(result);
		check_json(result, good[i].result);
		check_json(tree, good[i].tree);
	}
}

static const struct {
	const char *tree;
	const char *path;
	const char *why;
} refusals[] = {
	{ "{}", "", "the path is empty or starts with a dot" },
	{ "{}", ".a", "the path is empty or starts with a dot" },
	{ "{}", "a..b", "a name is empty" },
	{ "{}", "a.", "a name is empty" },
	{ "{\"a\":[1]}", "a.[0]", "a name is empty" },
	{ "{\"a\":[]}", "a[1]", "the list has no item at that index" },
	{ "{\"a\":[1,2]}", "a[3]", "the list has no item at that index" },
	{ "{\"a\":[1]}", "a[99999999999999999999]",
	    "the list has no item at that index" },
	{ "{\"a\":[1]}", "a[18446744073709551616]",
	    "the list has no item at that index" },
	{ "{\"a\":[1]}", "a[4294967296]",
	    "the list has no item at that index" },
	{ "{\"a\":[1]}", "a[-1]", NULL },
	{ "{}", "a[1]", "the list has no item at that index" },
	{ "{\"a\":null}", "a[0]", "the list has no item at that index" },
	{ "{}", "[0]", "the list has no item at that index" },
	{ "{\"a\":{\"0\":1}}", "a[0]", "the list has no item at that index" },
	{ "{\"a\":[1]}", "a[]",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":[1]}", "a[",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":[1]}", "a[0",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":[1]}", "a[x]",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":[1]}", "a[ 0]",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":[{}]}", "a[0]b",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":[1]}", "a[0x0]",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":[1]}", "a[0.0]",
	    "an index is a number in brackets, as in data[0]" },
	{ "{\"a\":1}", "a.b",
	    "a name leads into something that is not an object" },
	{ "{\"a\":[{}]}", "a.b",
	    "a name leads into something that is not an object" },
	{ "{\"a\":null}", "a.b",
	    "a name leads into something that is not an object" },
	{ "[1]", "a", "a name leads into something that is not an object" },
	{ "7", "a", "a name leads into something that is not an object" },
};

static void
bad_paths_are_refused_with_a_reason(void **state)
{
	const struct value *tree;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		tree = tree_of(refusals[i].tree);
		why = NULL;
		assert_null(figure_put(&arena, tree, refusals[i].path,
		    value_int(&arena, 7), &why));
		assert_non_null(why);
		if (refusals[i].why != NULL)
			assert_string_equal(why, refusals[i].why);
		check_json(tree, refusals[i].tree);
	}
}

/* `steps` names with dots between. */
static void
make_path(char *path, int steps)
{
	int i;

	for (i = 0; i < steps; i++) {
		*path++ = 'a';
		*path++ = i + 1 < steps ? '.' : '\0';
	}
}

static void
long_paths_are_refused(void **state)
{
	char path[256];
	const char *why;

	(void)state;
	make_path(path, 32);
	assert_non_null(figure_put(&arena, tree_of("{}"), path,
	    value_int(&arena, 7), &why));
	make_path(path, 33);
	assert_null(figure_put(&arena, tree_of("{}"), path,
	    value_int(&arena, 7), &why));
	assert_string_equal(why, "the path is too long");
}

/* Only what lies along the path is copied. */
static void
the_rest_is_shared(void **state)
{
	const struct value *tree =
	    tree_of("{\"a\":{\"big\":[1,2,3]},\"b\":{\"c\":{\"d\":1}}}");
	const struct value *result;
	const char *why;

	(void)state;
	result = figure_put(&arena, tree, "b.x", value_int(&arena, 7), &why);
	assert_non_null(result);
	assert_ptr_not_equal(result, tree);
	assert_ptr_equal(value_get(result, "a")->u.members,
	    value_get(tree, "a")->u.members);
	assert_ptr_equal(value_get(value_get(result, "b"), "c")->u.members,
	    value_get(value_get(tree, "b"), "c")->u.members);
}

static void
a_full_arena_is_an_error(void **state)
{
	const struct value *tree = tree_of("{\"data\":[{\"x\":{}}]}");
	const struct value *leaf = value_int(&arena, 7);
	const struct value *result = NULL;
	struct arena small;
	const char *why;
	size_t max;

	(void)state;
	for (max = 1; result == NULL && max < 10000; max += 16) {
		arena_init(&small, max);
		why = NULL;
		result = figure_put(&small, tree, "data[0].x.y", leaf, &why);
		if (result == NULL)
			assert_string_equal(why, "out of memory");
		else
			check_json(result, "{\"data\":[{\"x\":{\"y\":7}}]}");
		arena_free(&small);
	}
	assert_true(max > 100 && max < 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ARENA_TEST(the_leaf_is_put_and_the_tree_is_kept),
		ARENA_TEST(bad_paths_are_refused_with_a_reason),
		ARENA_TEST(long_paths_are_refused),
		ARENA_TEST(the_rest_is_shared),
		ARENA_TEST(a_full_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
