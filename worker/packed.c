/* SPDX-License-Identifier: MIT */

/*
 * Finished answers in the store: a small head, the body, its gzip form.
 *
 * INVARIANT  The head is four words: a mark, then the lengths of the body,
 *            of its gzip form (0: none) and of what a later version may put
 *            behind it. Stores are read on the machine that wrote them, so
 *            the words are in its own order.
 */
#include "worker/packed.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/err.h"
#include "worker/compress.h"

#define MARK UINT32_C(0x31614850) /* "PHa1" */
#define PLAIN_MAX ((size_t)1 << 30)
#define GZIP_LEVEL_MIN 6 /* once per value, so it may take a little longer */
#define GZIP_MAX ((size_t)16 << 20) /* larger ones are left as they are */

struct packed_head {
	uint32_t mark;
	uint32_t plain_len;
	uint32_t gzip_len;
	uint32_t more_len;
};

/* The gzip form, if it is at least an eighth shorter; else NULL. */
static char *
squeeze(const struct buf *plain, int level, size_t min_size, size_t *len)
{
	char *gzip;

	*len = 0;
	if (level <= 0 || plain->len < min_size || plain->len > GZIP_MAX)
		return NULL;
	if (level < GZIP_LEVEL_MIN)
		level = GZIP_LEVEL_MIN;
	gzip = compress_gzip(plain->data, plain->len, level, len);
	if (gzip != NULL && *len <= plain->len - plain->len / 8)
		return gzip;
	free(gzip);
	*len = 0;
	return NULL;
}

int
packed_make(const struct buf *plain, int level, size_t min_size,
    struct buf *out)
{
	struct packed_head head = { .mark = MARK };
	size_t gzip_len;
	char *gzip;

	buf_clear(out);
	if (plain->len > PLAIN_MAX)
		return ERR_TOO_BIG;
	gzip = squeeze(plain, level, min_size, &gzip_len);
	head.plain_len = (uint32_t)plain->len;
	head.gzip_len = (uint32_t)gzip_len;
	(void)buf_put(out, &head, sizeof(head));
	(void)buf_put(out, plain->data, plain->len);
	(void)buf_put(out, gzip, gzip_len);
	free(gzip);
	return buf_ok(out) ? 0 : -ENOMEM;
}

bool
packed_open(const void *data, size_t len, struct packed *packed)
{
	struct packed_head head;
	const char *at = data;

	memset(packed, 0, sizeof(*packed));
	if (len < sizeof(head))
		return false;
	memcpy(&head, data, sizeof(head));
	len -= sizeof(head);
	if (head.mark != MARK || head.plain_len > len ||
	    head.gzip_len > len - head.plain_len ||
	    head.more_len != len - head.plain_len - head.gzip_len)
		return false;
	packed->plain = at + sizeof(head);
	packed->plain_len = head.plain_len;
	if (head.gzip_len > 0) {
		packed->gzip = packed->plain + head.plain_len;
		packed->gzip_len = head.gzip_len;
	}
	return true;
}

void
packed_reply(const struct packed *packed, bool gzip, struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->as_is = true;
	if (packed->plain_len == 0) {
		reply->status = 204; /* nothing set: no update */
		return;
	}
	reply->status = 200;
	reply->type = "application/json";
	reply->gzip = gzip && packed->gzip != NULL;
	reply->body = reply->gzip ? packed->gzip : packed->plain;
	reply->len = reply->gzip ? packed->gzip_len : packed->plain_len;
}
