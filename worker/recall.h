/* SPDX-License-Identifier: MIT */
#ifndef WORKER_RECALL_H
#define WORKER_RECALL_H

#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"
#include "server/base/buf.h"
#include "worker/app.h"
#include "worker/http_reply.h"
#include "worker/packed.h"

/*
 * Finished answers of memoized callbacks that this worker has sent lately,
 * in its own memory. The store alone says whether one may still be given: it
 * is asked before every use (cache_still()), which costs next to nothing
 * while nobody writes to it.
 *
 * An answer is found by its key; and by the bytes of a request body that led
 * to it before, which saves reading that body again. The same bytes always
 * mean the same key, because the answer of a memoized callback depends on
 * nothing else of its request.
 *
 * OWNERSHIP  The store of answers owns them; who sends one takes a reference
 *            on its blob.
 * THREADS    The loop only.
 */
struct recall;

struct recalled {
	uint8_t key[CACHE_KEY_LEN];
	const struct callback *callback;
	struct buf arguments; /* encoded, to make the answer anew */
	struct blob *blob;    /* the bytes as the store has them */
	struct packed packed; /* what is in them */
	struct cache_seen seen;

	/* recall.c */
	struct recalled *next_in_bucket;
	struct recalled *newer;
	struct recalled *older;
	struct recall_body *bodies;
	size_t cost; /* bytes, all of it; 0: it passes */
};

/* `bytes_max` 0: nothing is kept, all of it passes. NULL: no memory. */
struct recall *recall_new(size_t bytes_max);
void recall_free(struct recall **recall); /* accepts NULL */

/* The answer under a key, or to a body; NULL: none is kept. */
struct recalled *recall_find(struct recall *recall,
    const uint8_t key[CACHE_KEY_LEN]);
struct recalled *recall_find_body(struct recall *recall, const char *body,
    size_t len);

/*
 * Keep an answer, in place of others that were not used for longer: key,
 * callback, blob (a further reference is taken), packed and seen are those
 * of `about`. One that is too large to be kept passes: it is found for as long
 * as somebody else holds its blob, so that any number of clients that read it
 * slowly have one copy. NULL: there is no memory.
 */
struct recalled *recall_keep(struct recall *recall,
    const struct recalled *about, const void *arguments, size_t len);

/* This body leads to this answer, too. Failing is no harm. */
void recall_add_body(struct recall *recall, struct recalled *recalled,
    const char *body, size_t len);

void recall_drop(struct recall *recall, struct recalled *recalled);

/* Forget those that passed, and that nobody else holds. Once a second. */
void recall_sweep(struct recall *recall); /* accepts NULL */

/* Bytes that are kept. */
size_t recall_bytes(const struct recall *recall);

#endif
