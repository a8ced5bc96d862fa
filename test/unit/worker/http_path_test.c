/* SPDX-License-Identifier: MIT */

/*
 * Decoding of request paths: what is refused, and what comes out of the rest.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/http_parse.h"

#define BAD (-400)

static const char *const hidden[] = { "/%2e%2e/x", "/a/%2E", "/.%2e", "/%2e.",
	"/%252e%252e/x", "/a/%25252e", "/a%2f..%2fb", "/a%252f.%252fb",
	"/..;/x", "/..;a=b", "/.;", "/a/..%3bx", "/a%5c..%5cb", "/a%00b",
	"/a%2500b" };
static const char *const plain[] = { "/", "", "/...", "/%2e%2e%2e/", "/.a",
	"/a.", "/a..b", "/a;..", "/a;../b", "/100%", "/100%2", "/%25", "/%2525",
	"/%25zz", "/%zz", "/a%20b", "/%c0%ae", "a" };

static const struct {
	const char *path;
	int want; /* length or minus a status */
	const char *text;
} path_cases[] = {
	{ "/", 1, "/" },
	{ "/a/b.c", 6, "/a/b.c" },
	{ "/a%20b", 4, "/a b" },
	{ "/%41%5a%7E", 4, "/AZ~" },
	{ "/%c3%A4", 3, "/\xc3\xa4" },
	{ "/a+b", 4, "/a+b" },
	{ "/%252e%252e/", 8, "/%2e%2e/" },
	{ "//etc", 5, "//etc" },
	{ "/...", 4, "/..." },
	{ "/.a/..b/c..", 11, "/.a/..b/c.." },
	{ "/a%2Fb", 4, "/a/b" },
	{ "", BAD, NULL },
	{ "*", BAD, NULL },
	{ "a/b", BAD, NULL },
	{ "/%", BAD, NULL },
	{ "/%4", BAD, NULL },
	{ "/%4g", BAD, NULL },
	{ "/%g4", BAD, NULL },
	{ "/%u0041", BAD, NULL },
	{ "/%+4", BAD, NULL },
	{ "/%00", BAD, NULL },
	{ "/a%0d%0a", BAD, NULL },
	{ "/%1f", BAD, NULL },
	{ "/%7f", BAD, NULL },
	{ "/..", BAD, NULL },
	{ "/../x", BAD, NULL },
	{ "/a/..", BAD, NULL },
	{ "/a/../b", BAD, NULL },
	{ "/.", BAD, NULL },
	{ "/./x", BAD, NULL },
	{ "/%2e%2e/x", BAD, NULL },
	{ "/.%2e/x", BAD, NULL },
	{ "/..%2fx", BAD, NULL },
	{ "/..%2Fx", BAD, NULL },
	{ "/%2f../x", BAD, NULL },
	{ "/..%5cx", BAD, NULL },
	{ "/..\\x", BAD, NULL },
	{ "/a\\b", BAD, NULL },
	{ "/%c0%ae%c0%ae/", BAD, NULL },
	{ "/%c0%af", BAD, NULL },
	{ "/%e4", BAD, NULL },
	{ "/%ed%a0%80", BAD, NULL },
	{ "/%f4%90%80%80", BAD, NULL },
	{ "/%ff", BAD, NULL },
};

static void
paths_are_decoded_strictly(void **state)
{
	struct http_span path;
	size_t i;
	char *out;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(path_cases) / sizeof(path_cases[0]); i++) {
		path.data = path_cases[i].path;
		path.len = strlen(path.data);
		out = malloc(path.len + 1);
		assert_non_null(out);
		rc = http_path_decode(path, out, path.len + 1);
		if (rc != path_cases[i].want)
			fail_msg("%s: got %d, want %d", path.data, rc,
			    path_cases[i].want);
		if (rc >= 0)
			assert_string_equal(out, path_cases[i].text);
		free(out);
	}
}

static void
paths_must_fit(void **state)
{
	struct http_span path = { "/abc", 4 };
	char out[5];

	(void)state;
	assert_int_equal(http_path_decode(path, out, 5), 4);
	assert_int_equal(http_path_decode(path, out, 4), -414);
	assert_int_equal(http_path_decode(path, out, 1), -414);
	assert_int_equal(http_path_decode(path, out, 0), -414);
}

static void
hidden_dots_are_seen(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		if (!http_path_hides(hidden[i]))
			fail_msg("%s hides dots", hidden[i]);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (http_path_hides(plain[i]))
			fail_msg("%s hides nothing", plain[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_decoded_strictly),
		cmocka_unit_test(paths_must_fit),
		cmocka_unit_test(hidden_dots_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
