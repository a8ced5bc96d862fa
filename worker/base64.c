/* SPDX-License-Identifier: MIT */

/*
 * Base64: three bytes to four characters, through a table of pairs.
 *
 * The table maps twelve bits to two characters at once, so that a column of
 * a million numbers costs two look-ups per three bytes. It is made once.
 *
 * THREADS  Any; the tables are made by a constructor and constant afterwards.
 */
#include "worker/base64.h"

#include <stdint.h>
#include <string.h>

#include "server/base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";
static char pairs[4096][2];
static int8_t digits[256];

__attribute__((constructor)) static void
tables_init(void)
{
	int i;

	for (i = 0; i < 4096; i++) {
		pairs[i][0] = alphabet[i >> 6];
		pairs[i][1] = alphabet[i & 63];
	}
	memset(digits, -1, sizeof(digits));
	for (i = 0; i < 64; i++)
		digits[(unsigned char)alphabet[i]] = (int8_t)i;
}

int
base64_encode(const void *data, size_t len, struct buf *out)
{
	const unsigned char *in = data;
	uint32_t bits;
	char *to;
	int rc;

	if (len > SIZE_MAX / 2)
		return ERR_TOO_BIG;
	rc = buf_reserve(out, (len + 2) / 3 * 4);
	if (rc < 0)
		return rc;
	to = out->data + out->len;
	out->len += (len + 2) / 3 * 4;
	for (; len >= 3; len -= 3, in += 3, to += 4) {
		bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
		memcpy(to, pairs[bits >> 12], 2);
		memcpy(to + 2, pairs[bits & 4095], 2);
	}
	if (len == 0)
		return 0;
	bits = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);
	memcpy(to, pairs[bits >> 12], 2);
	to[2] = len == 2 ? pairs[bits & 4095][0] : '=';
	to[3] = '=';
	return 0;
}

/* Four characters to `count` bytes. 0 or ERR_SYNTAX. */
static int
decode_group(const unsigned char *in, unsigned count, char out[3])
{
	uint32_t bits = 0;
	unsigned i;

	for (i = 0; i <= count; i++) {
		if (digits[in[i]] < 0)
			return ERR_SYNTAX;
		bits |= (uint32_t)digits[in[i]] << (18 - 6 * i);
	}
	for (; i < 4; i++) {
		if (in[i] != '=')
			return ERR_SYNTAX;
	}
	if ((count < 3 && (bits & 0xff) != 0) ||
	    (count < 2 && (bits & 0xff00) != 0))
		return ERR_SYNTAX;
	out[0] = (char)(bits >> 16);
	out[1] = (char)(bits >> 8);
	out[2] = (char)bits;
	return 0;
}

int
base64_decode(const char *text, size_t len, struct buf *out)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t before = out->len;
	unsigned count;
	char group[3];
	int rc = 0;

	if (len % 4 != 0)
		return ERR_SYNTAX;
	for (; len > 0 && rc == 0; len -= 4, in += 4) {
		count = 3;
		if (len == 4 && in[3] == '=')
			count = in[2] == '=' ? 1 : 2;
		rc = decode_group(in, count, group);
		if (rc == 0)
			rc = buf_put(out, group, count);
	}
	if (rc < 0)
		out->len = before;
	return rc;
}
