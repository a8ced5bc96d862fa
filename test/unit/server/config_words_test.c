/* SPDX-License-Identifier: MIT */

/* Splitting PRONGHORN_CMD_ARGS, and names that are nearly right. */
#include "server/config_int.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"

static void
test_splits_like_a_shell(void **state)
{
	/* Words joined by '|'. */
	static const struct {
		const char *line;
		const char *words;
	} rows[] = {
		{ "", "" },
		{ " \t\n ", "" },
		{ "-w 4", "-w|4" },
		{ "  --workers=4\t-b  :80 ", "--workers=4|-b|:80" },
		{ "'a b' c", "a b|c" },
		{ "\"a b\" c", "a b|c" },
		{ "a'b c'd", "ab cd" },
		{ "a\\ b c", "a b|c" },
		{ "'a\\b'", "a\\b" },
		{ "\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d" },
		{ "'a\"b' \"a'b\"", "a\"b|a'b" },
		{ "''", "" }, /* one empty word */
		{ "--n='' x", "--n=|x" },
		{ "# x $HOME *", "#|x|$HOME|*" },
	};
	size_t i;
	size_t k;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf joined = BUF_EMPTY;
		struct buf why = BUF_EMPTY;
		const char *const *words;
		struct arena arena;
		size_t count;

		arena_init(&arena, 0);
		assert_int_equal(0, config_split_words(rows[i].line, &arena,
					&words, &count, &why));
		for (k = 0; k < count; k++)
			(void)buf_printf(&joined, "%s%s", k > 0 ? "|" : "",
			    words[k]);
		assert_string_equal(rows[i].words, buf_cstr(&joined));
		if (strcmp(rows[i].line, "''") == 0)
			assert_int_equal(1, count);
		buf_free(&joined);
		buf_free(&why);
		arena_free(&arena);
	}
}

static void
test_refuses_what_is_left_open(void **state)
{
	static const struct {
		const char *line;
		const char *why;
	} rows[] = {
		{ "-w 4 'abc", "the quote ' at character 6 is not closed" },
		{ "\"a\\\"", "the quote \" at character 1 is not closed" },
		{ "a \\", "nothing follows the backslash at the end" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf why = BUF_EMPTY;
		const char *const *words;
		struct arena arena;
		size_t count;

		arena_init(&arena, 0);
		assert_int_equal(ERR_SYNTAX, config_split_words(rows[i].line,
						 &arena, &words, &count, &why));
		assert_string_equal(rows[i].why, buf_cstr(&why));
		buf_free(&why);
		arena_free(&arena);
	}
}

static void
test_counts_edits(void **state)
{
	char longest[CONFIG_NAME_MAX + 2];

	(void)state;
	assert_int_equal(0, config_distance("", ""));
	assert_int_equal(3, config_distance("", "abc"));
	assert_int_equal(0, config_distance("timeout", "timeout"));
	assert_int_equal(1, config_distance("timout", "timeout"));
	assert_int_equal(1, config_distance("timeuot", "timeout"));
	assert_int_equal(1, config_distance("worker", "workers"));
	assert_int_equal(3, config_distance("kitten", "sitting"));
	memset(longest, 'a', sizeof(longest));
	longest[CONFIG_NAME_MAX + 1] = '\0';
	assert_int_equal(CONFIG_NAME_MAX + 1, config_distance(longest, "a"));
	assert_int_equal(CONFIG_NAME_MAX - 1,
	    config_distance(longest + 1, "a"));
}

static void
test_names_the_nearest(void **state)
{
	static const struct {
		const char *name;
		const char *hint;
	} rows[] = {
		{ "worker", "; did you mean workers?" },
		{ "timout", "; did you mean timeout?" },
		{ "gracefull_timeout", "; did you mean graceful_timeout?" },
		{ "log_level", "; did you mean loglevel?" },
		{ "access_logfile", "; did you mean accesslog?" },
		{ "keep_alive", "; did you mean keepalive?" },
		{ "Bind", "; did you mean bind?" },
		{ "preload", "; did you mean preload_app?" },
		{ "cache_redis_urll", "; did you mean cache_redis_url?" },
		{ "nonsense", "" },
		{ "--wokers", "; did you mean --workers?" },
		{ "--worker_connections",
		    "; did you mean --worker-connections?" },
		{ "--chek-config", "; did you mean --check-config?" },
		{ "--preloaded", "; did you mean --preload?" },
		{ "--nonsense", "" },
		{ "-z", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = BUF_EMPTY;

		config_put_nearest(rows[i].name, &out);
		assert_string_equal(rows[i].hint, buf_cstr(&out));
		buf_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits_like_a_shell),
		cmocka_unit_test(test_refuses_what_is_left_open),
		cmocka_unit_test(test_counts_edits),
		cmocka_unit_test(test_names_the_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
