/* SPDX-License-Identifier: MIT */

/* --version names every library. */
#include "server/version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
		cmocka_unit_test(test_names_every_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
