/* SPDX-License-Identifier: MIT */

/* Every row has its sentence; other numbers get the C library's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"

static const struct row {
	int rc;
	const char *sentence;
} rows[] = {
#define ERR(name, number, sentence) { ERR_##name, sentence },
#include "server/base/err.def"
#undef ERR
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
own_codes_have_their_sentence(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ROWS; i++)
		assert_string_equal(err_str(rows[i].rc), rows[i].sentence);
}

/* No errno lies below -20000, and no number is used twice. */
static void
own_codes_are_distinct(void **state)
{
	size_t i;
	size_t j;

	(void)state;
	for (i = 0; i < ROWS; i++) {
		assert_true(rows[i].rc <= -20001 && rows[i].rc > -21000);
		assert_true(strlen(rows[i].sentence) > 4);
		for (j = 0; j < i; j++) {
			assert_int_not_equal(rows[i].rc, rows[j].rc);
			assert_string_not_equal(rows[i].sentence,
			    rows[j].sentence);
		}
	}
}

static void
errno_has_the_sentence_of_the_library(void **state)
{
	static const int numbers[] = { EPERM, ENOENT, EIO, EAGAIN, ENOMEM,
		EEXIST, EINVAL, EMFILE, ENOSPC, EPIPE, EADDRINUSE };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_string_equal(err_str(-numbers[i]),
		    strerrordesc_np(numbers[i]));
	assert_string_equal(err_str(-ENOENT), "No such file or directory");
}

static void
anything_else_is_unknown_but_a_text(void **state)
{
	static const int numbers[] = { 1, 5, 20001, -4095, -19999, -20000,
		-20999 };
	size_t i;

	(void)state;
	assert_string_equal(err_str(0), "success");
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_string_equal(err_str(numbers[i]), "unknown error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_codes_have_their_sentence),
		cmocka_unit_test(own_codes_are_distinct),
		cmocka_unit_test(errno_has_the_sentence_of_the_library),
		cmocka_unit_test(anything_else_is_unknown_but_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
