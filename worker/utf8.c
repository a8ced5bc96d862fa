/* SPDX-License-Identifier: MIT */

/*
 * Well-formed UTF-8, one character at a time.
 *
 * The first byte says how many follow and which range the second one must be
 * in; that range is what keeps overlong forms (C0, C1, E0 80..9F, F0 80..8F),
 * surrogates (ED A0..BF) and values above U+10FFFF (F4 90.., F5..) out.
 */

#include "worker/utf8.h"

#include <string.h>

static bool
utf8_is_tail(unsigned char c)
{
	return (c & 0xC0) == 0x80;
}

/* Is `second` allowed after `first` in a sequence of three or four bytes? */
static bool
utf8_is_second(unsigned char first, unsigned char second)
{
	if (first == 0xE0)
		return second >= 0xA0 && second <= 0xBF;
	if (first == 0xED)
		return second >= 0x80 && second <= 0x9F;
	if (first == 0xF0)
		return second >= 0x90 && second <= 0xBF;
	if (first == 0xF4)
		return second >= 0x80 && second <= 0x8F;
	return utf8_is_tail(second);
}

size_t
utf8_char_len(const char *text, const char *end)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = (size_t)(end - text);

	if (left == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xC2 && p[0] <= 0xDF)
		return left >= 2 && utf8_is_tail(p[1]) ? 2 : 0;
	if ((p[0] & 0xF0) == 0xE0) {
		if (left < 3 || !utf8_is_second(p[0], p[1]))
			return 0;
		return utf8_is_tail(p[2]) ? 3 : 0;
	}
	if (p[0] >= 0xF0 && p[0] <= 0xF4) {
		if (left < 4 || !utf8_is_second(p[0], p[1]))
			return 0;
		return utf8_is_tail(p[2]) && utf8_is_tail(p[3]) ? 4 : 0;
	}
	return 0;
}

bool
utf8_is_text(const char *text)
{
	const char *end = text + strlen(text);
	size_t step;

	for (; text < end; text += step) {
		step = utf8_char_len(text, end);
		if (step == 0)
			return false;
	}
	return true;
}

char *
utf8_put(char *to, uint32_t code)
{
	if (code < 0x80) {
		*to++ = (char)code;
	} else if (code < 0x800) {
		*to++ = (char)(0xC0 | code >> 6);
		*to++ = (char)(0x80 | (code & 0x3F));
	} else if (code < 0x10000) {
		*to++ = (char)(0xE0 | code >> 12);
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
		*to++ = (char)(0x80 | (code & 0x3F));
	} else {
		*to++ = (char)(0xF0 | code >> 18);
		*to++ = (char)(0x80 | (code >> 12 & 0x3F));
		*to++ = (char)(0x80 | (code >> 6 & 0x3F));
		*to++ = (char)(0x80 | (code & 0x3F));
	}
	return to;
}
