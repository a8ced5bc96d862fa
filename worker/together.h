/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TOGETHER_H
#define WORKER_TOGETHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/*
 * Single flight within one worker, for while the store takes nothing (a full
 * disk, no right to write, another program's lock): of those who want one value
 * at the same time one computes, on its thread, and the others get a copy.
 * Among workers each computes for itself then.
 *
 * THREADS  Any of the pool. Who waits holds its thread: it would have held it
 *          for computing the same.
 */

enum together {
	TOGETHER_LEAD,  /* compute it, then call together_end() */
	TOGETHER_DONE,  /* *out has the bytes */
	TOGETHER_ERROR, /* *out has a sentence */
	TOGETHER_ALONE  /* compute it, and tell nobody */
};

/*
 * `asked_us` (clock_mono_us): when this request came into the queue; a result
 * that was ready by then is none. `since_ms` as in struct cache_question.
 * `gone` (may be NULL) is asked 20 times a second while this waits; when it is
 * true, TOGETHER_ALONE.
 */
enum together together_join(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us,
    int64_t since_ms, bool (*gone)(void *arg), void *arg, struct buf *out);

/*
 * What came of it. `data` NULL: nothing that others can use, so one of them
 * leads. Without memory it is the same.
 */
void together_end(const uint8_t key[CACHE_KEY_LEN], bool error,
    const void *data, size_t len);

/* A result that was to be stored and could not be: for those who now ask. */
void together_offer(const uint8_t key[CACHE_KEY_LEN], const void *data,
    size_t len);

#endif
