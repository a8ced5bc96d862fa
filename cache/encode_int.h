/* SPDX-License-Identifier: MIT */
#ifndef CACHE_ENCODE_INT_H
#define CACHE_ENCODE_INT_H

#include <stdint.h>

/* What encode.c writes and decode.c reads; encode.h has the layout. */

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
    "numbers and arrays are written and read in place");
_Static_assert(sizeof(double) == 8, "IEEE 754 double");

enum encode_tag {
	ENCODE_TAG_NULL = 0x01,
	ENCODE_TAG_FALSE = 0x02,
	ENCODE_TAG_TRUE = 0x03,
	ENCODE_TAG_INT = 0x04,
	ENCODE_TAG_DOUBLE = 0x05,
	ENCODE_TAG_TEXT = 0x06,
	ENCODE_TAG_JSON = 0x07,
	ENCODE_TAG_ARRAY = 0x08,
	ENCODE_TAG_OBJECT = 0x09,
	ENCODE_TAG_TABLE = 0x0a,
	ENCODE_TAG_COLUMN = 0x0b
};

/* Length of a missing text in a column. */
#define ENCODE_MISSING UINT32_MAX

/* Order of names: by bytes, a prefix first. < 0, 0, > 0. */
int encode_compare_names(const char *a, uint32_t a_len, const char *b,
    uint32_t b_len);

#endif
