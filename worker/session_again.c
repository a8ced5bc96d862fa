/* SPDX-License-Identifier: MIT */

/* Sending a request once more. See session_again.h. */
#include "worker/session_again.h"

#include <string.h>

#define NAME "ph_again="

unsigned
session_again_count(struct http_span query)
{
	const char *at = query.data;
	size_t i = strlen(NAME);
	unsigned count = 0;

	if (query.len == 0)
		return 0;
	if (query.len <= i || memcmp(at, NAME, i) != 0)
		return SESSION_AGAIN_MAX;
	for (; i < query.len; i++) {
		if (at[i] < '0' || at[i] > '9' || count >= SESSION_AGAIN_MAX)
			return SESSION_AGAIN_MAX;
		count = count * 10 + (unsigned)(at[i] - '0');
	}
	return count < SESSION_AGAIN_MAX ? count : SESSION_AGAIN_MAX;
}

bool
session_again_field(unsigned count, struct buf *fields)
{
	/* Relative to where it was sent, whatever a proxy made of that. */
	return count < SESSION_AGAIN_MAX &&
	       buf_printf(fields, "Location: ?" NAME "%u\r\n", count + 1) == 0;
}
