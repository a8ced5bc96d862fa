/* SPDX-License-Identifier: MIT */

/* Dash's rules for the path in front of all URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/site_int.h"

struct prefix_case {
	const char *base;
	const char *requests;
	const char *routes;
	const char *want_requests; /* NULL: refused, */
	const char *want_routes;   /* with this in the sentence */
};

static const struct prefix_case cases[] = {
	{ "", "", "", "/", "/" },
	{ "/dash/", "", "", "/dash/", "/dash/" },
	{ "", "/a/b/", "", "/a/b/", "/" },
	{ "", "/a/b/", "/b/", "/a/b/", "/b/" },
	{ "", "/a/b/", "/a/b/", "/a/b/", "/a/b/" },
	{ "", "", "/b/", "/b/", "/b/" },
	{ "", "/x-1._~/", "/", "/x-1._~/", "/" },
	{ "/a/", "/a/", "", NULL, "sets both prefixes" },
	{ "/a/", "", "/a/", NULL, "sets both prefixes" },
	{ "dash/", "", "", NULL, "url_base_pathname: \"dash/\" must begin" },
	{ "/dash", "", "", NULL, "must begin and end with /" },
	{ "", "/a", "/", NULL, "requests_pathname_prefix: \"/a\" must" },
	{ "", "/a/", "b/", NULL, "routes_pathname_prefix: \"b/\" must" },
	{ "/a//b/", "", "", NULL, "has an empty part" },
	{ "/a/../b/", "", "", NULL, "has an empty part, . or .." },
	{ "/./", "", "", NULL, "has an empty part, . or .." },
	{ "/a b/", "", "", NULL, "letters, digits and -._~ only" },
	{ "/%61/", "", "", NULL, "letters, digits and -._~ only" },
	{ "/\"><script>/", "", "", NULL, "letters, digits and -._~ only" },
	{ "", "/a/", "/b/", NULL, "must end with routes_pathname_prefix" },
	{ "", "/b/", "/a/b/", NULL, "must end with routes_pathname_prefix" },
	{ "", "/xb/", "/b/", NULL, "must end with routes_pathname_prefix" },
};

static void
every_case(void **state)
{
	const struct prefix_case *row;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct worker_options options = { .url_base_pathname =
							    cases[i].base,
			.requests_pathname_prefix = cases[i].requests,
			.routes_pathname_prefix = cases[i].routes };
		struct buf why = BUF_EMPTY;
		struct site site;
		int rc;

		row = &cases[i];
		memset(&site, 0, sizeof(site));
		rc = site_prefixes(&site, &options, &why);
		if (row->want_requests != NULL) {
			assert_int_equal(rc, 0);
			assert_string_equal(site.requests, row->want_requests);
			assert_string_equal(site.routes, row->want_routes);
			assert_string_equal(site_prefix_of(&options).requests,
			    row->want_requests);
			assert_string_equal(site_prefix_of(&options).routes,
			    row->want_routes);
		} else {
			assert_true(rc < 0);
			if (strstr(buf_cstr(&why), row->want_routes) == NULL)
				fail_msg("case %zu: %s", i, why.data);
		}
		free(site.requests);
		free(site.routes);
		buf_free(&why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
