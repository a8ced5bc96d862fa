/* SPDX-License-Identifier: MIT */

/* The line above the details in the page's panel says what and where. */
#include "worker/debug.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
check(const char *notice, const char *wanted)
{
	struct buf got = BUF_EMPTY;

	debug_headline(notice, &got);
	assert_string_equal(buf_cstr(&got), wanted);
	buf_free(&got);
}

static void
the_first_error(void **state)
{
	(void)state;
	check("app.c: In function 'f':\n"
	      "app.c:3:1: warning: unused [-Wunused]\n"
	      "app.c:4:2: error: expected ';'\n"
	      "    4 |  int x\n"
	      "app.c:9:1: error: another\n",
	    "app.c:4:2: error: expected ';'");
}

/* gcc puts the error where the macro is defined. */
static void
an_error_in_a_macro_is_where_it_is_used(void **state)
{
	(void)state;
	check("/sdk/app.h:705:27: error: expected '=' before '{'\n"
	      "  705 | #define PH_ARRAY(...)\n"
	      "/sdk/app.h:20:2: note: in expansion of macro 'PH_ARRAY'\n"
	      "demo/app.c:34:9: note: in expansion of macro 'PH_INPUTS'\n"
	      "demo/app.c:40:1: error: another\n"
	      "demo/app.c:41:9: note: in expansion of macro 'PH_OUTPUT'\n",
	    "demo/app.c:34:9: error: expected '=' before '{'");
}

static void
a_name_that_is_missing(void **state)
{
	(void)state;
	check("/usr/bin/ld: /tmp/x.o: in function `draw':\n"
	      "demo/app.c:12: undefined reference to `drwa'\n"
	      "collect2: error: ld returned 1 exit status\n",
	    "demo/app.c:12: undefined reference to `drwa'");
}

static void
an_app_that_is_not_loaded(void **state)
{
	(void)state;
	check("The app is not loaded: app app.so is not valid:\n"
	      "  draw: output grph.figure: there is no grph\n"
	      "  more\n",
	    "The app is not loaded: app app.so is not valid: draw: output "
	    "grph.figure: there is no grph");
	check("The app is not loaded: no such file\n",
	    "The app is not loaded: no such file");
	check("it ends here:", "it ends here:");
	check("", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_error),
		cmocka_unit_test(an_error_in_a_macro_is_where_it_is_used),
		cmocka_unit_test(a_name_that_is_missing),
		cmocka_unit_test(an_app_that_is_not_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
