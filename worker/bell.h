/* SPDX-License-Identifier: MIT */
#ifndef WORKER_BELL_H
#define WORKER_BELL_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A bell that wakes the threads which sleep in app code (ph_sleep()), so
 * that they look whether anybody still waits for what they compute.
 *
 * A ring says only that a look is due; none is lost, because each ring is
 * counted and a sleeper names the last one it knows.
 *
 * THREADS  bell_ring() and bell_wait() from any thread.
 */
struct bell {
	pthread_mutex_t lock;
	pthread_cond_t rung;
	unsigned rings;    /* guarded by lock */
	unsigned sleepers; /* guarded by lock */
};

void bell_init(struct bell *bell);
void bell_fini(struct bell *bell);

void bell_ring(struct bell *bell);

/*
 * Sleep until `until_us` (clock_mono_us) or until a ring after *seen, which
 * is brought up to date; begin with 0. True: it rang.
 */
bool bell_wait(struct bell *bell, unsigned *seen, int64_t until_us);

#endif
