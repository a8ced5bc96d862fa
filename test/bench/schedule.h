/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SCHEDULE_H
#define BENCH_SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

#include "test/bench/bench_options.h"

/*
 * When sessions arrive, think and are due: the arithmetic of a load, without
 * a clock. `random` is a number from schedule_random().
 * Layer: test. Threads: no state but the caller's.
 */

/*
 * Where the random numbers of session `index` begin. Neighbours, of seeds or of
 * sessions, are as far apart as any two: the state moves by one step per draw,
 * so numbers that are near each other would give lists that are shifts of each
 * other. (splitmix64, Steele and others 2014.)
 */
uint64_t schedule_stream(uint64_t seed, uint64_t index);

/* The next random number of `state`, 0 <= n < 1. */
double schedule_random(uint64_t *state);

/* One pause, in seconds. */
double schedule_pause(const struct bench_pause *pause, double random);

/* From one start of the open model to the next, in us. rate: per second. */
double schedule_gap_us(double rate, enum bench_spread spacing, double random);

/*
 * How many of `count` sessions are to be there `since_us` after the first.
 * rate: per second; 0: all at once.
 */
unsigned schedule_arrived(double rate, int64_t since_us, unsigned count);

/* Times at which starts were due that wait for a browser, oldest first. */
struct schedule_queue {
	int64_t *due_us; /* a ring */
	size_t first;
	size_t count;
	size_t cap;
};

/* 0; -ENOMEM when no more can be kept. */
int schedule_push(struct schedule_queue *queue, int64_t due_us);

/* The oldest one, taken out. There must be one. */
int64_t schedule_pop(struct schedule_queue *queue);

void schedule_free(struct schedule_queue *queue);

#endif
