/* SPDX-License-Identifier: MIT */

/* Every character passes with its length; everything else is 0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/utf8.h"

/* As RFC 3629 section 3 says, written down a second time. */
static size_t
encode(uint32_t code, char *out)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

/* Each in a block of its exact size, so that a read beyond it is seen. */
static size_t
length_of(const char *bytes, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	size_t found;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	found = utf8_char_len(copy, copy + len);
	free(copy);
	return found;
}

static void
every_character_passes(void **state)
{
	char bytes[4];
	uint32_t code;
	size_t len;
	size_t cut;

	(void)state;
	for (code = 0; code < 0x110000; code++) {
		len = encode(code, bytes);
		if (code >= 0xd800 && code < 0xe000)
			assert_int_equal(utf8_char_len(bytes, bytes + len), 0);
		else
			assert_int_equal(utf8_char_len(bytes, bytes + len),
			    len);
		for (cut = 0; cut < len; cut++)
			assert_int_equal(utf8_char_len(bytes, bytes + cut), 0);
	}
}

/* Count what passes among all sequences of two and three bytes. */
static void
nothing_else_passes(void **state)
{
	size_t passed[4] = { 0, 0, 0, 0 };
	char bytes[3];
	size_t len;
	uint32_t i;

	(void)state;
	for (i = 0; i < 1u << 24; i++) {
		bytes[0] = (char)(i >> 16);
		bytes[1] = (char)(i >> 8);
		bytes[2] = (char)i;
		len = utf8_char_len(bytes, bytes + 3);
		assert_true(len < 4);
		passed[len]++;
	}
	assert_int_equal(passed[1], 128u << 16);
	assert_int_equal(passed[2], (0x800u - 0x80u) << 8);
	assert_int_equal(passed[3], 0x10000u - 0x800u - 0x800u);
}

static void
bad_sequences(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} cases[] = {
		{ "", 0 },
		{ "\x80", 1 },
		{ "\xbf\xbf", 2 },
		{ "\xc0\x80", 2 },
		{ "\xc1\xbf", 2 },
		{ "\xc2", 1 },
		{ "\xc2\xc2", 2 },
		{ "\xe0\x9f\xbf", 3 },
		{ "\xe2\x82", 2 },
		{ "\xed\xa0\x80", 3 },
		{ "\xed\xbf\xbf", 3 },
		{ "\xf0\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 4 },
		{ "\xf5\x80\x80\x80", 4 },
		{ "\xf8\x88\x80\x80\x80", 5 },
		{ "\xfc\x84\x80\x80\x80\x80", 6 },
		{ "\xfe", 1 },
		{ "\xff", 1 },
		{ "\xf0\x9f\x98", 3 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(length_of(cases[i].bytes, cases[i].len), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character_passes),
		cmocka_unit_test(nothing_else_passes),
		cmocka_unit_test(bad_sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
