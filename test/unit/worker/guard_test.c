/* SPDX-License-Identifier: MIT */

/* Host lists, origins, tokens, and the policy of a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "worker/guard.h"

static struct http_span
span(const char *text)
{
	struct http_span made = { text, text != NULL ? strlen(text) : 0 };

	return made;
}

static void
hosts_match_as_listed(void **state)
{
	static const struct {
		const char *item;
		const char *host;
		bool allowed;
	} cases[] = {
		{ "*", "anything:1", true },
		{ "*", NULL, true },
		{ "a.example", "a.example", true },
		{ "a.example", "A.Example:8000", true },
		{ "a.example", "b.a.example", false },
		{ "a.example", "a.example.evil", false },
		{ "a.example", NULL, false },
		{ "a.example:80", "a.example:80", true },
		{ "a.example:80", "a.example", false },
		{ "a.example:80", "a.example:81", false },
		{ ".example", "example", true },
		{ ".example", "x.y.example:9", true },
		{ ".example", "badexample", false },
		{ ".example", ".example", false },
		{ "[::1]", "[::1]:8000", true },
		{ "[::1]", "[::2]", false },
		{ "[::1]:80", "[::1]:80", true },
		{ "[::1]:80", "[::1]:81", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		opt_LIST_t list = { &cases[i].item, 1 };

		print_message("%s %s\n", cases[i].item,
		    cases[i].host != NULL ? cases[i].host : "(none)");
		assert_int_equal(guard_host(&list, span(cases[i].host)),
		    cases[i].allowed);
	}
}

static void
origins_of_other_sites_are_refused(void **state)
{
	static const char *const trusted = "https://portal.example";
	static const struct {
		const char *site;
		const char *origin;
		const char *host;
		bool allowed;
	} cases[] = {
		{ NULL, NULL, "a", true },
		{ "same-origin", NULL, "a", true },
		{ "same-origin", "https://outside", "a", true },
		{ "none", NULL, "a", true },
		{ "same-site", "http://a", "a", false },
		{ "cross-site", "http://a", "a", false },
		{ "nonsense", NULL, "a", false },
		{ "", NULL, "a", false },
		{ "cross-site", "https://portal.example", "a", true },
		{ NULL, "http://a:80", "a:80", true },
		{ NULL, "https://A", "a", true },
		{ NULL, "http://a:81", "a:80", false },
		{ NULL, "http://evil", "a", false },
		{ NULL, "http://a.evil", "a", false },
		{ NULL, "null", "a", false },
		{ NULL, "", "a", false },
		{ NULL, "ftp://a", "a", false },
		{ NULL, "https://portal.example", "a", true },
		{ NULL, "http://a", NULL, false },
	};
	struct worker_options options;
	struct http_head head;
	size_t i;

	(void)state;
	memset(&options, 0, sizeof(options));
	options.trusted_origins.items = &trusted;
	options.trusted_origins.count = 1;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&head, 0, sizeof(head));
		head.sec_fetch_site = span(cases[i].site);
		head.origin = span(cases[i].origin);
		head.host = span(cases[i].host);
		print_message("case %zu\n", i);
		assert_int_equal(guard_origin(&options, &head, false),
		    cases[i].allowed);
	}
	options.any_origin = true;
	head.sec_fetch_site = span("cross-site");
	assert_true(guard_origin(&options, &head, false));
}

static void
cookies_are_found_by_exact_name(void **state)
{
	struct http_head head;

	(void)state;
	memset(&head, 0, sizeof(head));
	assert_null(guard_cookie(&head, "t").data);
	head.cookie = span("=t; tt=1;  t=2 ; t=3; T=4; bare");
	assert_int_equal(guard_cookie(&head, "t").len, 1);
	assert_memory_equal(guard_cookie(&head, "t").data, "2", 1);
	assert_memory_equal(guard_cookie(&head, "T").data, "4", 1);
	assert_null(guard_cookie(&head, "bare").data);
	assert_null(guard_cookie(&head, "x").data);
	head.cookie = span("t=");
	assert_non_null(guard_cookie(&head, "t").data);
	assert_int_equal(guard_cookie(&head, "t").len, 0);
	head.cookie = span(";;; ;");
	assert_null(guard_cookie(&head, "t").data);
}

static void
token_must_be_repeated(void **state)
{
	struct worker_options options;
	struct http_head head;
	char cookie[GUARD_COOKIE_MAX];
	char other[GUARD_COOKIE_MAX];

	(void)state;
	memset(&options, 0, sizeof(options));
	memset(&head, 0, sizeof(head));
	options.csrf_token_name = "_csrf_token";
	options.csrf_header_name = "X-CSRFToken";
	assert_true(guard_token(&options, &head));
	options.csrf_token = true;
	assert_false(guard_token(&options, &head));
	assert_int_equal(guard_new_cookie(&options, "/", true, cookie), 0);
	assert_int_equal(guard_new_cookie(&options, "/", false, other), 0);
	assert_non_null(strstr(cookie, "; Path=/; SameSite=Strict; Secure"));
	assert_null(strstr(other, "Secure"));
	assert_string_not_equal(cookie, other);
	head.cookie = span(cookie);
	assert_false(guard_token(&options, &head));
	head.field_count = 1;
	head.fields[0].name = span("x-csrftoken");
	head.fields[0].value = span(cookie + sizeof("_csrf_token"));
	head.fields[0].value.len = GUARD_TOKEN_LEN;
	assert_true(guard_token(&options, &head));
	head.fields[0].value.data = other + sizeof("_csrf_token");
	assert_false(guard_token(&options, &head));
	head.fields[0].value.len = 0;
	assert_false(guard_token(&options, &head));
}

static void
policy_has_hashes_of_inline_scripts(void **state)
{
	static const char page[] =
	    "<script id=\"c\" type=\"application/json\">{}</script>"
	    "<script src=\"/x.js\"></script>"
	    "<script>alert('Hello, world.');</script>";
	struct worker_options options;
	struct buf debug = BUF_EMPTY;
	struct buf out = BUF_EMPTY;
	struct buf why = BUF_EMPTY;
	const char *text;

	(void)state;
	memset(&options, 0, sizeof(options));
	options.csrf_token_name = "t";
	options.csrf_header_name = "t";
	options.content_security_policy = "auto";
	options.csp_extra = "img-src https://t.example; media-src data:";
	options.frame_ancestors = "'none'";
	options.referrer_policy = "same-origin";
	assert_int_equal(
	    guard_page_fields(&options, page, sizeof(page) - 1, &out, &why), 0);
	text = buf_cstr(&out);
	/* The hash is the one that the specification gives as an example. */
	assert_non_null(strstr(text,
	    "script-src 'self' 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob"
	    "/Tng='; style-src"));
	/* In development the front end's own in the frame of an error. */
	options.debug = true;
	assert_int_equal(
	    guard_page_fields(&options, page, sizeof(page) - 1, &debug, &why),
	    0);
	assert_non_null(strstr(buf_cstr(&debug),
	    "/Tng=' 'sha256-zwUfZLycPPYo37o7v91eNCPFNj5TbZf8ccux3pTfJS4='; "
	    "style-src"));
	buf_free(&debug);
	options.debug = false;
	assert_non_null(
	    strstr(text, "img-src 'self' data: blob: https://t.example; "));
	assert_non_null(strstr(text, "; media-src data:"));
	assert_non_null(strstr(text, "; frame-ancestors 'none'\r\n"));
	assert_non_null(strstr(text, "X-Frame-Options: DENY\r\n"));
	assert_non_null(strstr(text, "Referrer-Policy: same-origin\r\n"));
	buf_clear(&out);
	options.content_security_policy = "";
	options.frame_ancestors = "";
	options.referrer_policy = "";
	assert_int_equal(
	    guard_page_fields(&options, page, sizeof(page) - 1, &out, &why), 0);
	assert_int_equal(out.len, 0);
	options.content_security_policy = "a\r\nb: c";
	assert_true(guard_page_fields(&options, page, sizeof(page) - 1, &out,
			&why) < 0);
	options.content_security_policy = "";
	options.csrf_header_name = "a b";
	assert_true(guard_page_fields(&options, page, sizeof(page) - 1, &out,
			&why) < 0);
	buf_free(&out);
	buf_free(&why);
}

static void
policy_names_what_the_page_loads(void **state)
{
	static const struct {
		const char *url;
		const char *script; /* the source of a script */
		const char *sheet;  /* of a stylesheet: its server */
	} cases[] = {
		{ "https://a.example/x.js", " https://a.example/x.js",
		    " https://a.example" },
		{ "http://a.example:81/x?y=1#z", " http://a.example:81/x",
		    " http://a.example:81" },
		{ "https://a.example", " https://a.example",
		    " https://a.example" },
		{ "//a.example/x", " a.example/x", " a.example" },
		{ "//a.example/x//y", " a.example/x//y", " a.example" },
		{ "https://a.example//y", " https://a.example//y",
		    " https://a.example" },
		{ "/x.js", "", "" },
		{ "x.js", "", "" },
		{ "https:", "", "" },
		{ "https://", "", "" },
		{ "https://?x", "", "" },
		{ "//?x", "", "" },
		{ "https://a.example/x;y", "", "" },
		{ "", "", "" },
	};
	struct buf out = BUF_EMPTY;
	char page[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].url);
		(void)snprintf(page, sizeof(page),
		    "<script src=\"%s\"></script>", cases[i].url);
		guard_put_sources("script-src", page, strlen(page), &out);
		assert_string_equal(buf_cstr(&out), cases[i].script);
		buf_clear(&out);
		(void)snprintf(page, sizeof(page),
		    "<link rel=\"stylesheet\" href=\"%s\">", cases[i].url);
		guard_put_sources("style-src", page, strlen(page), &out);
		assert_string_equal(buf_cstr(&out), cases[i].sheet);
		buf_clear(&out);
		guard_put_sources("script-src", page, strlen(page), &out);
		assert_string_equal(buf_cstr(&out), "");
		buf_clear(&out);
	}
	buf_free(&out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_match_as_listed),
		cmocka_unit_test(origins_of_other_sites_are_refused),
		cmocka_unit_test(cookies_are_found_by_exact_name),
		cmocka_unit_test(token_must_be_repeated),
		cmocka_unit_test(policy_has_hashes_of_inline_scripts),
		cmocka_unit_test(policy_names_what_the_page_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
