/* SPDX-License-Identifier: MIT */

/* The SQLite releases that need guarded checkpoints. */
#include "cache/library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
the_wal_reset_releases(void **state)
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
		    library_has_wal_reset_bug(rows[i].number));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wal_reset_releases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
