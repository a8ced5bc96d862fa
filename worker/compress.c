/* SPDX-License-Identifier: MIT */

/*
 * A small table from bodies to their compressed form.
 *
 * Brotli of quality 2 makes a 20 KB answer of rows 3,593 bytes in less time
 * than gzip of level 1 takes for 4,283; so it is taken where it is offered.
 *
 * The same answer comes again and again from the cache of results, always as
 * fresh bytes. It is recognised by a few words of it, then compared whole, so
 * what is sent is always the form of exactly these bytes; comparing 20 KB
 * takes a hundredth of the time of compressing them. A body is compressed at
 * its first sight, the one that was in its place goes.
 *
 * INVARIANT  A slot's plain bytes never change.
 * THREADS    The loop only.
 */
#include "worker/compress.h"

#include <brotli/encode.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define SAMPLES 16
#define BROTLI_SMALL_WINDOW 16 /* as a power of two */

struct slot {
	char *plain;
	size_t len;
	bool brotli;
	struct blob *small; /* NULL: does not shrink */
};

struct compress {
	int level;
	size_t min_size;
	struct slot slots[COMPRESS_SLOTS];
};

char *
compress_gzip(const void *data, size_t len, int level, size_t *out_len)
{
	z_stream stream;
	char *out;
	size_t cap;

	if (len > UINT_MAX / 2)
		return NULL;
	memset(&stream, 0, sizeof(stream));
	if (deflateInit2(&stream, level, Z_DEFLATED, 15 + 16, 9,
		Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	cap = deflateBound(&stream, len);
	out = malloc(cap);
	stream.next_in = (unsigned char *)(uintptr_t)data;
	stream.avail_in = (unsigned)len;
	stream.next_out = (unsigned char *)out;
	stream.avail_out = (unsigned)cap;
	if (out == NULL || deflate(&stream, Z_FINISH) != Z_STREAM_END ||
	    stream.total_out >= len) {
		free(out);
		out = NULL;
	}
	*out_len = stream.total_out;
	(void)deflateEnd(&stream);
	return out;
}

char *
compress_brotli(const void *data, size_t len, int level, size_t *out_len)
{
	size_t cap = BrotliEncoderMaxCompressedSize(len);
	char *out = cap > 0 ? malloc(cap) : NULL;
	int window = BROTLI_SMALL_WINDOW;

	/* A larger one than the text fills costs tables of up to 32 MiB. */
	while (window < BROTLI_DEFAULT_WINDOW && (size_t)1 << window < len + 16)
		window++;
	*out_len = cap;
	if (out == NULL ||
	    BrotliEncoderCompress(level < 2 ? 2 : level, window,
		BROTLI_MODE_TEXT, len, data, out_len,
		(uint8_t *)out) != BROTLI_TRUE ||
	    *out_len >= len) {
		free(out);
		return NULL;
	}
	return out;
}

bool
compress_is_text(const char *type)
{
	static const char *const applications[] = { "json", "javascript", "xml",
		"x-ndjson", "ndjson", "yaml", "x-yaml", "sql" };
	size_t len = strcspn(type, " \t;");
	size_t i;

	if (strncasecmp(type, "text/", 5) == 0)
		return true;
	if (len > 5 && strncasecmp(type + len - 5, "+json", 5) == 0)
		return true;
	if (len > 4 && strncasecmp(type + len - 4, "+xml", 4) == 0)
		return true;
	if (strncasecmp(type, "application/", 12) != 0)
		return false;
	for (i = 0; i < sizeof(applications) / sizeof(applications[0]); i++) {
		if (len - 12 == strlen(applications[i]) &&
		    strncasecmp(type + 12, applications[i], len - 12) == 0)
			return true;
	}
	return false;
}

bool
compress_may(const struct reply *reply)
{
	return reply->status == 200 && reply->etag == NULL &&
	       reply->type != NULL && compress_is_text(reply->type);
}

struct compress *
compress_new(int level, size_t min_size)
{
	struct compress *compress;

	if (level == 0)
		return NULL;
	compress = calloc(1, sizeof(*compress));
	if (compress != NULL) {
		compress->level = level;
		compress->min_size = min_size;
	}
	return compress;
}

static void
slot_clear(struct slot *slot)
{
	free(slot->plain);
	blob_unref(slot->small);
	memset(slot, 0, sizeof(*slot));
}

void
compress_free(struct compress **compress_in)
{
	struct compress *compress = *compress_in;
	size_t i;

	*compress_in = NULL;
	for (i = 0; compress != NULL && i < COMPRESS_SLOTS; i++)
		slot_clear(&compress->slots[i]);
	free(compress);
}

/* A few words spread over the body; whatever they are, it is compared. */
static uint64_t
sample(const char *data, size_t len)
{
	uint64_t hash = len * UINT64_C(0x9E3779B97F4A7C15);
	size_t step = (len - sizeof(uint64_t)) / SAMPLES;
	uint64_t word;
	size_t i;

	for (i = 0; i <= SAMPLES; i++) {
		memcpy(&word, data + i * step, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 32;
	}
	return hash;
}

/* Remember a body and its compressed form; false: no memory. */
static bool
fill(const struct compress *compress, struct slot *slot, const void *body,
    size_t len, bool brotli)
{
	size_t small_len = 0;
	char *small;

	slot_clear(slot);
	slot->plain = malloc(len);
	if (slot->plain == NULL)
		return false;
	memcpy(slot->plain, body, len);
	slot->len = len;
	slot->brotli = brotli;
	small = (brotli ? compress_brotli : compress_gzip)(body, len,
	    compress->level, &small_len);
	if (small != NULL)
		slot->small = blob_new(small, small_len);
	return true;
}

bool
compress_reply(struct compress *compress, struct reply *reply, bool brotli)
{
	uint64_t hash;
	struct slot *slot;

	if (compress == NULL || reply->body == NULL ||
	    reply->len < compress->min_size || reply->len > COMPRESS_MAX ||
	    reply->len < sizeof(uint64_t))
		return false;
	hash = sample(reply->body, reply->len) + (brotli ? 1 : 0);
	slot = &compress->slots[hash % COMPRESS_SLOTS];
	if ((slot->len != reply->len || slot->brotli != brotli ||
		memcmp(slot->plain, reply->body, reply->len) != 0) &&
	    !fill(compress, slot, reply->body, reply->len, brotli))
		return false;
	if (slot->small == NULL)
		return false;
	blob_unref(reply->blob);
	reply->blob = blob_ref(slot->small);
	reply->body = slot->small->data;
	reply->len = slot->small->len;
	reply->gzip = !brotli;
	reply->br = brotli;
	return true;
}
