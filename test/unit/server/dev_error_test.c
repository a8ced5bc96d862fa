/* SPDX-License-Identifier: MIT */

/* What the server says of our .so is said of the source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/dev/dev_int.h"

static void
check(const char *error, const char *want)
{
	char source[] = "one/app.c";
	char *sources[] = { source, NULL };
	const struct dev dev = { .folder = "/tmp/pronghorn-x",
		.words = { .sources = sources, .source_count = 1 } };
	char *text = dev_error_text(&dev, error);

	assert_non_null(text);
	assert_string_equal(text, want);
	free(text);
}

static void
the_source_is_named(void **state)
{
	(void)state;
	check("app /tmp/pronghorn-x/app.so is not valid:\nx",
	    "app one/app.c is not valid:\nx");
	check("/tmp/pronghorn-x/app-12.so: undefined symbol: f",
	    "one/app.c: undefined symbol: f");
	check("/tmp/pronghorn-x/app.so", "one/app.c");
	check("", "");
	check("/tmp/pronghorn-x/notice /tmp/pronghorn-xy/app.so app.so",
	    "/tmp/pronghorn-x/notice /tmp/pronghorn-xy/app.so app.so");
	check("/tmp/pronghorn-x/app-.so /tmp/pronghorn-x/apple.so",
	    "/tmp/pronghorn-x/app-.so /tmp/pronghorn-x/apple.so");
}

static void
the_place_of_a_crash_is_in_front(void **state)
{
	(void)state;
	check("the app crashed there (signal=SIGSEGV), in PH_APP\n"
	      "memcpy in libc.so.6\n"
	      "help at /a b/app.c:81\nph_define_app at /a b/app.c:90\n",
	    "the app crashed there (signal=SIGSEGV), in PH_APP at /a b/app.c:81"
	    "\nmemcpy in libc.so.6\n"
	    "help at /a b/app.c:81\nph_define_app at /a b/app.c:90\n");
	check("the app crashed there, in layout\nlayout at 0x1f\n",
	    "the app crashed there, in layout\nlayout at 0x1f\n");
	check("the app crashed there, in layout",
	    "the app crashed there, in layout");
	check("not valid:\nmeet at noon:12\n", "not valid:\nmeet at noon:12\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_source_is_named),
		cmocka_unit_test(the_place_of_a_crash_is_in_front),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
