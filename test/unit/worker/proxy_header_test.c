/* SPDX-License-Identifier: MIT */

/* PROXY protocol headers, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/proxy_header.h"

#define BOTH (PROXY_HEADER_V1 | PROXY_HEADER_V2)
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ADDRESSES "\xc0\x00\x02\x01\xc6\x33\x64\x07\xc8\x22\x01\xbb"
#define TEXT(text) text, sizeof(text) - 1

static const struct {
	const char *data;
	size_t len;
	int verdict;
	const char *client;
	bool tls;
} cases[] = {
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 51234 443\r\n"), 45,
	    "192.0.2.1", false },
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 51234 443\r\nGET /"), 45,
	    "192.0.2.1", false },
	{ TEXT("PROXY TCP6 2001:db8::1 ::2 0 65535\r\n"), 36, "2001:db8::1",
	    false },
	{ TEXT("PROXY UNKNOWN\r\n"), 15, "", false },
	{ TEXT("PROXY UNKNOWN whatever it says\r\n"), 32, "", false },
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 51234 443\n"), -1, "",
	    false },
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 51234\r\n"), -1, "", false },
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 51234 443 \r\n"), -1, "",
	    false },
	{ TEXT("PROXY TCP4  192.0.2.1 198.51.100.7 51234 443\r\n"), -1, "",
	    false },
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 51234 65536\r\n"), -1, "",
	    false },
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 051 443\r\n"), -1, "",
	    false },
	{ TEXT("PROXY TCP4 ::1 ::1 1 1\r\n"), -1, "", false },
	{ TEXT("PROXY TCP6 192.0.2.1 ::1 1 1\r\n"), -1, "", false },
	{ TEXT("PROXY UDP4 192.0.2.1 192.0.2.1 1 1\r\n"), -1, "", false },
	{ TEXT("PROXY\r\n"), -1, "", false },
	{ TEXT("proxy TCP4 192.0.2.1 192.0.2.1 1 1\r\n"), -1, "", false },
	{ TEXT("GET / HTTP/1.1\r\n"), -1, "", false },
	{ TEXT("PROXY TCP4 192.0.2.1\r 198.51.100.7 1 2\r\n"), -1, "", false },
	{ TEXT("PROX"), 0, "", false },
	{ TEXT("PROXY TCP4 192.0.2.1 198.51.100.7 51234 443\r"), 0, "", false },
	{ TEXT(SIGNATURE "\x21\x11\x00\x0c" ADDRESSES), 28, "192.0.2.1",
	    false },
	{ TEXT(SIGNATURE "\x21\x11\x00\x0c" ADDRESSES "\x16\x03"), 28,
	    "192.0.2.1", false },
	{ TEXT(SIGNATURE "\x21\x11\x00\x14" ADDRESSES
			 "\x20\x00\x05\x01\x00\x00\x00\x00"),
	    36, "192.0.2.1", true },
	{ TEXT(SIGNATURE "\x21\x11\x00\x14" ADDRESSES
			 "\x20\x00\x05\x00\x00\x00\x00\x00"),
	    36, "192.0.2.1", false },
	{ TEXT(SIGNATURE "\x20\x00\x00\x00"), 16, "", false },
	{ TEXT(SIGNATURE "\x20\x11\x00\x0c" ADDRESSES), 28, "", false },
	{ TEXT(SIGNATURE "\x21\x00\x00\x03xyz"), 19, "", false },
	{ TEXT(SIGNATURE "\x21\x11\x00\x0c"), 0, "", false },
	{ TEXT(SIGNATURE "\x11\x11\x00\x0c" ADDRESSES), -1, "", false },
	{ TEXT(SIGNATURE "\x22\x11\x00\x0c" ADDRESSES), -1, "", false },
	{ TEXT(SIGNATURE "\x21\x41\x00\x0c" ADDRESSES), -1, "", false },
	{ TEXT(SIGNATURE "\x21\x13\x00\x0c" ADDRESSES), -1, "", false },
	{ TEXT(SIGNATURE "\x21\x11\x00\x0b" ADDRESSES), -1, "", false },
	{ TEXT(SIGNATURE "\x21\x11\xff\xff"), -1, "", false },
	{ TEXT(SIGNATURE "\x21\x11\x00\x0f" ADDRESSES "\x20\x00\x01"), -1, "",
	    false },
};

static void
headers_are_read_as_the_protocol_says(void **state)
{
	struct proxy_header header;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("case %zu\n", i);
		assert_int_equal(
		    proxy_header_parse((const uint8_t *)cases[i].data,
			cases[i].len, BOTH, &header),
		    cases[i].verdict);
		assert_string_equal(header.client, cases[i].client);
		assert_int_equal(header.tls, cases[i].tls);
	}
}

static void
the_verdict_does_not_change_with_more_bytes(void **state)
{
	struct proxy_header header;
	size_t i;
	size_t len;
	int rc;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (len = 0; len < cases[i].len; len++) {
			rc = proxy_header_parse((const uint8_t *)cases[i].data,
			    len, BOTH, &header);
			assert_true(rc == 0 || rc == cases[i].verdict);
		}
	}
}

static void
only_the_chosen_version_is_taken(void **state)
{
	static const char v1[] = "PROXY UNKNOWN\r\n";
	static const char v2[] = SIGNATURE "\x20\x00\x00\x00";
	struct proxy_header header;

	(void)state;
	assert_int_equal(proxy_header_parse((const uint8_t *)v1, 15,
			     PROXY_HEADER_V2, &header),
	    -1);
	assert_int_equal(proxy_header_parse((const uint8_t *)v2, 16,
			     PROXY_HEADER_V1, &header),
	    -1);
}

static void
a_line_without_an_end_is_bounded(void **state)
{
	struct proxy_header header;
	uint8_t text[200];

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "PROXY UNKNOWN ", 14);
	assert_int_equal(proxy_header_parse(text, 106, BOTH, &header), 0);
	assert_int_equal(proxy_header_parse(text, 107, BOTH, &header), -1);
	text[105] = '\r';
	text[106] = '\n';
	assert_int_equal(proxy_header_parse(text, 107, BOTH, &header), 107);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read_as_the_protocol_says),
		cmocka_unit_test(the_verdict_does_not_change_with_more_bytes),
		cmocka_unit_test(only_the_chosen_version_is_taken),
		cmocka_unit_test(a_line_without_an_end_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
