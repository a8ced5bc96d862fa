/* SPDX-License-Identifier: MIT */
#ifndef WORKER_JSON_PLAIN_H
#define WORKER_JSON_PLAIN_H

#include <stdint.h>
#include <string.h>

/*
 * The inner loop of reading a JSON string, for the two passes over it
 * (json_scan.c, json_read.c). In a header, as it is a few instructions for
 * most of the strings there are. Threads: any; pure.
 */

/*
 * The first byte from `p` on, or `end`, that does not stand for itself in a
 * string: a quote, a backslash, a control byte, or one that is not ASCII.
 *
 * Eight at a time: in `hits` the top bit of a lane is set by such a byte, or by
 * the borrow of one in a lane below; so the lowest is always a true one.
 */
static inline const char *
json_skip_plain(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word, hits;

	while (end - p >= 8) {
		memcpy(&word, p, sizeof(word));
		hits = word | (word - ones * 0x20) |
		       ((word ^ (ones * '"')) - ones) |
		       ((word ^ (ones * '\\')) - ones);
		hits &= ones * 0x80;
		if (hits != 0) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			return p + __builtin_ctzll(hits) / 8;
#else
			break;
#endif
		}
		p += 8;
	}
	while (p != end && (unsigned char)*p >= 0x20 &&
	       (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

#endif
