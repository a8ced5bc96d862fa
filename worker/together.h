/* SPDX-License-Identifier: MIT */
#ifndef WORKER_TOGETHER_H
#define WORKER_TOGETHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/cache.h"

/*
 * Single flight within one worker, for while the store takes nothing (a full
 * disk, no right to write, another program's lock), and for values that are too
 * large for it: of those who want one value
 * at the same time one computes, on its thread, and the others get a copy.
 * Among workers each computes for itself then.
 *
 * THREADS  Any of the pool, and the loop where it says so. None waits here.
 */

enum together {
	TOGETHER_LEAD,  /* compute it, then call together_end() */
	TOGETHER_DONE,  /* *out has the bytes */
	TOGETHER_ERROR, /* *out has a sentence */
	TOGETHER_WAIT,  /* park, and ask again: together_must_wait() */
	TOGETHER_ALONE  /* compute it, and tell nobody */
};

/* So many threads may lead at once. */
void together_limit(unsigned most);

/*
 * `asked_us` (clock_mono_us): when this request came in; a result that serves
 * only those who came earlier is none. `since_ms` as in struct cache_question.
 * DONE, ERROR: *serves_us says whom it serves, as in together_end().
 */
enum together together_join(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us,
    int64_t since_ms, struct buf *out, int64_t *serves_us);

/* Is it being computed, or is there a result of use to one who asked then? */
bool together_knows(const uint8_t key[CACHE_KEY_LEN], int64_t asked_us);

/* What came of a computation: bytes or a sentence. */
struct together_result {
	bool error;
	const void *data; /* NULL: nothing that others can use */
	size_t len;
	int64_t serves_us; /* who came in by then may have it: nothing that it
			      belongs to had been forgotten until then */
};

/*
 * What came of what this thread leads. With nothing for others, or no memory,
 * one of them leads. True: wake the loop.
 */
bool together_end(const uint8_t key[CACHE_KEY_LEN],
    const struct together_result *result);

/* Lead what has been computed already, `took_us` ago, so that others wait for
 * together_end(). False: it runs, or it is somebody's turn. */
bool together_hold(const uint8_t key[CACHE_KEY_LEN], int64_t took_us);

/* A result that was to be stored and could not be: for those who have asked.
 * `took_us`: how long ago its computation began. */
void together_offer(const uint8_t key[CACHE_KEY_LEN], int64_t took_us,
    const struct together_result *result);

/* The loop: is who is parked for this key to be left there? */
bool together_must_wait(const uint8_t key[CACHE_KEY_LEN]);

/*
 * The loop: the thread that leads this key has crashed. All that it leads has
 * failed with that sentence; at most `most` of the keys go to `out`, those that
 * it has led for longest. How many went there.
 */
unsigned together_lost(const uint8_t key[CACHE_KEY_LEN], const char *why,
    uint8_t out[][CACHE_KEY_LEN], unsigned most);

/* The loop: is it worth looking at all who are parked? Once for each time. */
bool together_has_rung(void);

/* The loop, now and then: what waits in the queue has come in since then. */
void together_sweep(int64_t oldest_us);

#endif
