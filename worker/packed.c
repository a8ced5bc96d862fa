/* SPDX-License-Identifier: MIT */

/*
 * Finished answers in the store: a small head, the body, its gzip form, its
 * brotli form. docs/decisions/0020 says why both.
 *
 * INVARIANT  The head is four words: a mark, then the lengths of the body,
 *            of its gzip form and of its brotli form (0: none). Versions that
 *            knew no brotli skip it. Stores are read on the machine that wrote
 *            them, so the words are in its own order.
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
#define SMALL_MAX ((size_t)16 << 20) /* larger ones are left as they are */

/* Once per value, so it may take a little longer. */
#define GZIP_LEVEL_MIN 6
#define BROTLI_LEVEL_MIN 5 /* as long as gzip's 6, and smaller */
#define BROTLI_LEVEL_MAX 7 /* above, a megabyte can take a quarter second */

struct packed_head {
	uint32_t mark;
	uint32_t plain_len;
	uint32_t gzip_len;
	uint32_t br_len;
};

static int
clamp(int level, int least, int most)
{
	return level < least ? least : level > most ? most : level;
}

/* A form of `len` bytes, if that is at least an eighth below `than`; else NULL
 * and 0. */
static char *
if_it_pays(char *form, size_t *len, size_t than)
{
	if (form != NULL && *len <= than - than / 8)
		return form;
	free(form);
	*len = 0;
	return NULL;
}

int
packed_make(const struct buf *plain, int level, size_t min_size,
    struct buf *out)
{
	struct packed_head head = { .mark = MARK };
	size_t gzip_len = 0;
	size_t br_len = 0;
	char *gzip = NULL;
	char *br = NULL;

	buf_clear(out);
	if (plain->len > PLAIN_MAX)
		return ERR_TOO_BIG;
	if (level > 0 && plain->len >= min_size && plain->len <= SMALL_MAX) {
		gzip = compress_gzip(plain->data, plain->len,
		    clamp(level, GZIP_LEVEL_MIN, 9), &gzip_len);
		gzip = if_it_pays(gzip, &gzip_len, plain->len);
		br = compress_brotli(plain->data, plain->len,
		    clamp(level, BROTLI_LEVEL_MIN, BROTLI_LEVEL_MAX), &br_len);
		br = if_it_pays(br, &br_len, plain->len);
	}
	/* Bytes in the store for nothing. */
	if (br != NULL && gzip != NULL && br_len >= gzip_len)
		br_len = 0;
	head.plain_len = (uint32_t)plain->len;
	head.gzip_len = (uint32_t)gzip_len;
	head.br_len = (uint32_t)br_len;
	(void)buf_put(out, &head, sizeof(head));
	(void)buf_put(out, plain->data, plain->len);
	(void)buf_put(out, gzip, gzip_len);
	(void)buf_put(out, br, br_len);
	free(gzip);
	free(br);
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
	    head.br_len != len - head.plain_len - head.gzip_len)
		return false;
	packed->plain = at + sizeof(head);
	packed->plain_len = head.plain_len;
	if (head.gzip_len > 0) {
		packed->gzip = packed->plain + head.plain_len;
		packed->gzip_len = head.gzip_len;
	}
	if (head.br_len > 0) {
		packed->br = packed->plain + head.plain_len + head.gzip_len;
		packed->br_len = head.br_len;
	}
	return true;
}

void
packed_reply(const struct packed *packed, bool gzip, bool br,
    struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->as_is = true;
	if (packed->plain_len == 0) {
		reply->status = 204; /* nothing set: no update */
		return;
	}
	reply->status = 200;
	reply->type = "application/json";
	reply->br = br && packed->br != NULL;
	reply->gzip = gzip && !reply->br && packed->gzip != NULL;
	reply->body = reply->br     ? packed->br
		      : reply->gzip ? packed->gzip
				    : packed->plain;
	reply->len = reply->br     ? packed->br_len
		     : reply->gzip ? packed->gzip_len
				   : packed->plain_len;
}
