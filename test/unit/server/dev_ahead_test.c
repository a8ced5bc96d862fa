/* SPDX-License-Identifier: MIT */

/* Which lines of a source are compiled ahead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "server/dev/dev_int.h"

static void
check(const char *source, const char *want)
{
	char *lines = dev_ahead_lines(source);

	if (want == NULL)
		assert_null(lines);
	else
		assert_string_equal(lines, want);
	free(lines);
}

static void
includes_in_front_count(void **state)
{
	(void)state;
	check("/* What\n * it is. */\n// and more\n#include <map>\n\n"
	      "  #  include\t<pronghorn/app.hpp> /* the SDK */ // all\n"
	      "#include <a.hh>\nint main;\n#include <b>\n",
	    "#include <map>\n#include <pronghorn/app.hpp>\n"
	    "#include <a.hh>\n");
	check("#include <map>", "#include <map>\n");
	check("#include <map> /* the end is missing", "#include <map>\n");
}

/* What is in front of a header may change it; what comes again and again is
 * no header; and what is the author's own changes too often. */
static void
all_else_ends_them(void **state)
{
	static const char *const ends[] = { "#define A 1\n", "#if 1\n",
		"#include \"own.h\"\n", "#include <table.def>\n",
		"#include NAME\n", "#include <open\n", "#pragma once\n",
		"int x;\n", "/ 2\n", "/* open\n", "#", "" };
	char source[128];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(source, sizeof(source), "%s#include <late>\n",
		    ends[i]);
		if (ends[i][0] != '\0')
			check(source, NULL);
		(void)snprintf(source, sizeof(source), "#include <first>\n%s",
		    ends[i]);
		check(source, "#include <first>\n");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(includes_in_front_count),
		cmocka_unit_test(all_else_ends_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
