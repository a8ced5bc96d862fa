/* SPDX-License-Identifier: MIT */
#ifndef SERVER_BACKOFF_H
#define SERVER_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When may something that keeps failing be tried again: after `base_us`,
 * then twice as long each time, at most BACKOFF_MAX_US. Failures before the
 * gate has opened again belong to the same round and count once, so that
 * eight workers which fail together wait no longer than one.
 *
 * THREADS  One owner. The clock is the caller's, microseconds.
 */
#define BACKOFF_MAX_US (30 * INT64_C(1000000))
#define BACKOFF_CALM_US (60 * INT64_C(1000000))

struct backoff {
	int64_t base_us;   /* wait after the first failure */
	unsigned failures; /* in a row; 0: all is well */
	unsigned rounds;   /* the same, those of one round counted once */
	int64_t gate_us;   /* not before this time */
	int64_t last_us;   /* time of the last failure */
};

void backoff_init(struct backoff *backoff, int64_t base_us);

/* A try has failed at `now_us`. */
void backoff_fail(struct backoff *backoff, int64_t now_us);

/* True when another try is allowed. */
bool backoff_open(const struct backoff *backoff, int64_t now_us);

/* Forget the failures when the last one is BACKOFF_CALM_US ago. */
void backoff_calm(struct backoff *backoff, int64_t now_us);

/* Forget the failures now. */
void backoff_reset(struct backoff *backoff);

#endif
