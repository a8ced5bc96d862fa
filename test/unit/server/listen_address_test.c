/* SPDX-License-Identifier: MIT */

/* Addresses to listen on: what is read, what is refused and in which words. */
#include "server/listen_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"

struct good {
	const char *text;
	enum listen_kind kind;
	const char *canonical;
};

static const struct good goods[] = {
	{ "127.0.0.1:8000", LISTEN_TCP, "127.0.0.1:8000" },
	{ "127.0.0.1", LISTEN_TCP, "127.0.0.1:8000" },
	{ ":80", LISTEN_TCP, "0.0.0.0:80" },
	{ ":0", LISTEN_TCP, "0.0.0.0:0" },
	{ "localhost:65535", LISTEN_TCP, "localhost:65535" },
	{ "LocalHost", LISTEN_TCP, "localhost:8000" },
	{ "my_host-1.example.org:1", LISTEN_TCP, "my_host-1.example.org:1" },
	{ "tcp://0.0.0.0:9000", LISTEN_TCP, "0.0.0.0:9000" },
	{ "[::]:8000", LISTEN_TCP, "[::]:8000" },
	{ "[::1]", LISTEN_TCP, "[::1]:8000" },
	{ "[2001:DB8:0:0::1]:443", LISTEN_TCP, "[2001:db8::1]:443" },
	{ "tcp://[::1]:1", LISTEN_TCP, "[::1]:1" },
	{ "unix:/run/pronghorn.sock", LISTEN_UNIX, "unix:/run/pronghorn.sock" },
	{ "unix:///run/x.sock", LISTEN_UNIX, "unix:/run/x.sock" },
	{ "unix:x.sock", LISTEN_UNIX, "unix:x.sock" },
	{ "unix:a b:80", LISTEN_UNIX, "unix:a b:80" },
};

struct bad {
	const char *text;
	int rc;
	const char *why;
};

static const struct bad bads[] = {
	{ "", ERR_SYNTAX, "the address is empty" },
	{ "tcp://", ERR_SYNTAX, "the address is empty" },
	{ "localhost:", ERR_SYNTAX, "the port is missing" },
	{ ":", ERR_SYNTAX, "the port is missing" },
	{ "localhost:http", ERR_SYNTAX, "port http is not a number" },
	{ "localhost: 80", ERR_SYNTAX, "port  80 is not a number" },
	{ "localhost:-1", ERR_SYNTAX, "port -1 is not a number" },
	{ "localhost:65536", ERR_RANGE, "port 65536 is not 0..65535" },
	{ ":99999999999999999999", ERR_RANGE,
	    "port 99999999999999999999 is not 0..65535" },
	{ "8000", ERR_SYNTAX,
	    "a port alone is written :PORT, an address HOST:PORT" },
	{ "127.0.0.256:1", ERR_SYNTAX, "not an IPv4 address" },
	{ "1.2.3:1", ERR_SYNTAX, "not an IPv4 address" },
	{ "::1", ERR_SYNTAX, "an IPv6 address stands in brackets: [::1]:8000" },
	{ "fe80::1:8000", ERR_SYNTAX,
	    "an IPv6 address stands in brackets: [::1]:8000" },
	{ "[::1", ERR_SYNTAX, "the bracket is not closed" },
	{ "[::1]8000", ERR_SYNTAX, "after the bracket only :PORT may follow" },
	{ "[::g]:1", ERR_SYNTAX, "not an IPv6 address" },
	{ "[]:1", ERR_SYNTAX, "not an IPv6 address" },
	{ "[127.0.0.1]:1", ERR_SYNTAX, "not an IPv6 address" },
	{ "[::1]:", ERR_SYNTAX, "the port is missing" },
	{ "a b:1", ERR_SYNTAX, "not a host name, an IPv4 address or [IPv6]" },
	{ "a..b:1", ERR_SYNTAX, "not a host name, an IPv4 address or [IPv6]" },
	{ "http//x:1", ERR_SYNTAX,
	    "not a host name, an IPv4 address or [IPv6]" },
	{ "unix:", ERR_SYNTAX, "the path is missing" },
	{ "unix://", ERR_SYNTAX, "the path is missing" },
	{ "unix:a\nb", ERR_SYNTAX, "the path holds a control character" },
	{ "fd://x", ERR_SYNTAX, "port x is not a number" },
	{ "fd://2", ERR_RANGE, "descriptors 0 to 2 are not for listening" },
};

static void
test_reads_every_form(void **state)
{
	struct listen_address address;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		struct buf why = BUF_EMPTY;
		struct buf out = BUF_EMPTY;

		assert_int_equal(0,
		    listen_address_parse(goods[i].text, &address, &why));
		assert_int_equal(goods[i].kind, address.kind);
		assert_int_equal(0, listen_address_print(&address, &out));
		assert_string_equal(goods[i].canonical, buf_cstr(&out));
		assert_int_equal(0, why.len);
		buf_free(&out);
		buf_free(&why);
	}
}

static void
test_refuses_in_words(void **state)
{
	struct listen_address address;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct buf why = BUF_EMPTY;

		assert_int_equal(bads[i].rc,
		    listen_address_parse(bads[i].text, &address, &why));
		assert_string_equal(bads[i].why, buf_cstr(&why));
		buf_free(&why);
	}
}

static void
test_bounds_lengths(void **state)
{
	struct listen_address address;
	struct buf why = BUF_EMPTY;
	char text[400] = "unix:";

	(void)state;
	memset(text + 5, 'p', LISTEN_PATH_MAX);
	assert_int_equal(0, listen_address_parse(text, &address, &why));
	assert_int_equal(LISTEN_PATH_MAX, strlen(address.path));
	text[5 + LISTEN_PATH_MAX] = 'p';
	assert_int_equal(ERR_RANGE, listen_address_parse(text, &address, &why));
	assert_string_equal(
	    "the path is 108 bytes long, a socket takes at most 107",
	    buf_cstr(&why));
	memset(text, 'h', 64); /* one label longer than DNS allows */
	text[64] = '\0';
	assert_int_equal(ERR_SYNTAX,
	    listen_address_parse(text, &address, &why));
	text[63] = '\0';
	assert_int_equal(0, listen_address_parse(text, &address, &why));
	memset(text, 'h', 399);
	text[60] = text[120] = text[180] = text[240] = text[300] = '.';
	assert_int_equal(ERR_SYNTAX,
	    listen_address_parse(text, &address, &why));
	memset(text, ':', 300);
	text[0] = '[';
	text[300] = ']';
	assert_int_equal(ERR_SYNTAX,
	    listen_address_parse(text, &address, &why));
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_every_form),
		cmocka_unit_test(test_refuses_in_words),
		cmocka_unit_test(test_bounds_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
