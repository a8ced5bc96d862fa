/* SPDX-License-Identifier: MIT */

/* What is read out of forwarding fields. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "worker/forwarded.h"

static const char *const proxies[] = { "127.0.0.1", "10.0.0.0/8" };
static const char *const schemes[] = { "X-Forwarded-Proto: https",
	"X-Forwarded-Ssl: on" };
static const struct worker_options options = {
	.forwarded_allow_ips = { proxies, 2 },
	.secure_scheme_headers = { schemes, 2 },
	.client_ip_header = "X-Forwarded-For",
};
static const struct http_limits limits = { .request_line = 4000,
	.fields = 100,
	.field_size = 4000,
	.head_size = 60000 };

/* Look at a request with these lines; the head outlives the view. */
static int
look(const char *lines, struct forwarded_view *view)
{
	static char text[8192];
	static struct http_head head;
	struct forwarded *forwarded;
	struct buf why = BUF_EMPTY;
	int len;
	int rc;

	assert_int_equal(forwarded_open(&forwarded, &options, &why), 0);
	len = snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);
	assert_int_equal(http_parse_head(text, (size_t)len, &limits, &head),
	    len);
	rc = forwarded_look(forwarded, &head, view);
	forwarded_close(&forwarded);
	return rc;
}

static void
the_client_is_the_first_from_the_right_that_is_no_proxy(void **state)
{
	static const struct {
		const char *lines;
		const char *client; /* NULL: the peer */
	} cases[] = {
		{ "", NULL },
		{ "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9" },
		{ "X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n", "203.0.113.9" },
		{ "X-Forwarded-For: 203.0.113.9, 10.1.2.3, 127.0.0.1\r\n",
		    "203.0.113.9" },
		{ "x-forwarded-for: 6.6.6.6,203.0.113.9,10.0.0.1\r\n"
		  "X-Forwarded-For:  10.0.0.2 \r\n",
		    "203.0.113.9" },
		/* Only proxies: the one that is furthest away. */
		{ "X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n", "10.0.0.1" },
		/* Nothing left of what is no address can be believed. */
		{ "X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.2\r\n",
		    "10.0.0.2" },
		{ "X-Forwarded-For: 6.6.6.6, \r\n", NULL },
		{ "X-Forwarded-For: 6.6.6.6, <script>\r\n", NULL },
		{ "X-Forwarded-For: 203.0.113.9:4711\r\n", "203.0.113.9" },
		{ "X-Forwarded-For: [2001:db8::1]:80\r\n", "2001:db8::1" },
		{ "X-Forwarded-For: [2001:db8::1]\r\n", "2001:db8::1" },
		{ "X-Forwarded-For: 2001:db8::1\r\n", "2001:db8::1" },
		{ "X-Forwarded-For: [2001:db8::1\r\n", NULL },
		{ "Forwarded: for=6.6.6.6\r\n", NULL },
	};
	struct forwarded_view view;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s", cases[i].lines);
		assert_int_equal(look(cases[i].lines, &view), 0);
		if (cases[i].client == NULL) {
			assert_null(view.client.data);
			continue;
		}
		assert_int_equal(view.client.len, strlen(cases[i].client));
		assert_memory_equal(view.client.data, cases[i].client,
		    view.client.len);
	}
}

static void
the_scheme_is_said_or_not_or_contradicted(void **state)
{
	static const struct {
		const char *lines;
		int rc;
		bool said, secure;
	} cases[] = {
		{ "", 0, false, false },
		{ "X-Forwarded-Proto: https\r\n", 0, true, true },
		{ "X-Forwarded-Proto: HTTPS\r\n", 0, true, true },
		{ "X-Forwarded-Proto: http\r\n", 0, true, false },
		{ "X-Forwarded-Ssl: on\r\nX-Forwarded-Proto: https\r\n", 0,
		    true, true },
		{ "X-Forwarded-Ssl: off\r\nX-Forwarded-Proto: https\r\n", -400,
		    true, true },
		{ "X-Forwarded-Proto: https\r\nX-Forwarded-Proto: http\r\n",
		    -400, true, true },
		{ "X-Forwarded-Protocol: ssl\r\n", 0, false, false },
	};
	struct forwarded_view view;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s", cases[i].lines);
		assert_int_equal(look(cases[i].lines, &view), cases[i].rc);
		if (cases[i].rc < 0)
			continue;
		assert_int_equal(view.said, cases[i].said);
		assert_int_equal(view.secure, cases[i].secure);
	}
}

static void
a_setting_without_a_value_is_refused(void **state)
{
	static const char *const bad[] = { "X-Forwarded-Proto", ": https",
		"X-A:", "X A: b" };
	struct worker_options wrong = options;
	struct forwarded *forwarded;
	struct buf why = BUF_EMPTY;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wrong.secure_scheme_headers = (opt_LIST_t){ &bad[i], 1 };
		buf_clear(&why);
		assert_int_equal(forwarded_open(&forwarded, &wrong, &why),
		    ERR_SYNTAX);
		assert_null(forwarded);
		assert_non_null(strstr(buf_cstr(&why), "NAME: VALUE"));
	}
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_client_is_the_first_from_the_right_that_is_no_proxy),
		cmocka_unit_test(the_scheme_is_said_or_not_or_contradicted),
		cmocka_unit_test(a_setting_without_a_value_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
