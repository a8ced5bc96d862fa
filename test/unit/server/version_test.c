/* SPDX-License-Identifier: MIT */

/* The SQLite releases that need guarded checkpoints, and --version. */
#include "server/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
test_knows_the_wal_reset_releases(void **state)
{
	static const struct {
		int number;
		bool affected;
	} rows[] = {
		{ 3006023, false },
		{ 3007000, true },
		{ 3040001, true },
		{ 3044005, true },
		{ 3044006, false },
		{ 3045000, true },
		{ 3050006, true },
		{ 3050007, false },
		{ 3051000, true },
		{ 3051002, true },
		{ 3051003, false },
		{ 3053000, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(rows[i].affected,
		    version_sqlite_wal_reset(rows[i].number));
}

static void
test_names_every_library(void **state)
{
	static const char *const names[] = { "libevent", "SQLite", "OpenSSL",
		"cJSON", "zlib" };
	struct buf out = BUF_EMPTY;
	size_t i;

	(void)state;
	assert_int_equal(0, version_print(&out));
	assert_int_equal(0,
	    strncmp(buf_cstr(&out), "pronghorn " PRONGHORN_VERSION "\n",
		strlen("pronghorn " PRONGHORN_VERSION "\n")));
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(strstr(buf_cstr(&out), names[i]));
	assert_non_null(strstr(out.data, "running with"));
	buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knows_the_wal_reset_releases),
		cmocka_unit_test(test_names_every_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
