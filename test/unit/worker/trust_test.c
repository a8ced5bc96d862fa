/* SPDX-License-Identifier: MIT */

/* Lists of trusted addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/err.h"
#include "worker/trust.h"

static void
addresses_are_inside_or_not(void **state)
{
	static const char *const items[] = { "10.1.0.0/16", "192.0.2.7",
		"2001:db8::/33", "::1", "172.16.0.0/12" };
	static const struct {
		const char *address;
		bool inside;
	} cases[] = {
		{ "10.1.255.3", true },
		{ "10.2.0.1", false },
		{ "192.0.2.7", true },
		{ "192.0.2.8", false },
		{ "::ffff:192.0.2.7", true }, /* a socket for both families */
		{ "2001:db8:7fff::1", true },
		{ "2001:db8:8000::1", false },
		{ "::1", true },
		{ "::2", false },
		{ "172.31.255.255", true },
		{ "172.32.0.0", false },
		{ "", true }, /* a unix socket */
		{ "unknown", false },
		{ "10.1.0.1 ", false },
	};
	opt_LIST_t list = { items, sizeof(items) / sizeof(items[0]) };
	struct buf why = BUF_EMPTY;
	struct trust *trust;
	size_t i;

	(void)state;
	assert_int_equal(trust_open(&trust, &list, "x", &why), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].address);
		assert_int_equal(trust_has(trust, cases[i].address),
		    cases[i].inside);
	}
	trust_close(&trust);
	trust_close(&trust);
}

static void
the_empty_list_trusts_nobody_and_a_star_everybody(void **state)
{
	static const char *const star = "*";
	opt_LIST_t list = { &star, 0 };
	struct buf why = BUF_EMPTY;
	struct trust *trust;

	(void)state;
	assert_int_equal(trust_open(&trust, &list, "x", &why), 0);
	assert_false(trust_has(trust, "127.0.0.1"));
	trust_close(&trust);
	list.count = 1;
	assert_int_equal(trust_open(&trust, &list, "x", &why), 0);
	assert_true(trust_has(trust, "203.0.113.9"));
	trust_close(&trust);
}

static void
nonsense_is_refused_by_name(void **state)
{
	static const char *const bad[] = { "localhost", "10.0.0.1/8", "10/8",
		"10.0.0.0/33", "10.0.0.0/", "::/129", "1.2.3", "", "::1/x",
		"10.0.0.0/0x8" };
	struct buf why = BUF_EMPTY;
	struct trust *trust;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		opt_LIST_t list = { &bad[i], 1 };

		print_message("%s\n", bad[i]);
		buf_clear(&why);
		assert_int_equal(trust_open(&trust, &list, "some_list", &why),
		    ERR_SYNTAX);
		assert_null(trust);
		assert_non_null(strstr(buf_cstr(&why), "some_list: \""));
	}
	buf_free(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_inside_or_not),
		cmocka_unit_test(
		    the_empty_list_trusts_nobody_and_a_star_everybody),
		cmocka_unit_test(nonsense_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
