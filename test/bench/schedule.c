/* SPDX-License-Identifier: MIT */

/*
 * Pauses, gaps and the queue of starts that could not be served when due.
 *
 * INVARIANT  What waits keeps the time at which it was due, however long it
 *            waits: latencies count from there.
 * FAILURE    A queue that cannot grow keeps what it has.
 */
#include "test/bench/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX (1u << 22)
#define STEP 0x9e3779b97f4a7c15u /* of the random state, per draw */

static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t
schedule_stream(uint64_t seed, uint64_t index)
{
	return mix(mix(seed + STEP) ^ (index * 0xd1b54a32d192ed03u + 1));
}

/* Steele, Lea and Flood's splitmix64. */
double
schedule_random(uint64_t *state)
{
	return (double)(mix(*state += STEP) >> 11) / 9007199254740992.0;
}

double
schedule_pause(const struct bench_pause *pause, double random)
{
	if (pause->spread == SPREAD_UNIFORM)
		return pause->a + (pause->b - pause->a) * random;
	if (pause->spread == SPREAD_EXP)
		return -pause->a * log(1 - random);
	return pause->a;
}

double
schedule_gap_us(double rate, enum bench_spread spacing, double random)
{
	double gap = 1e6 / rate;

	return spacing == SPREAD_EXP ? -gap * log(1 - random) : gap;
}

unsigned
schedule_arrived(double rate, int64_t since_us, unsigned count)
{
	double due = floor((double)since_us / 1e6 * rate) + 1;

	return rate > 0 && due < count ? (unsigned)due : count;
}

int
schedule_push(struct schedule_queue *queue, int64_t due_us)
{
	int64_t *more;
	size_t cap;
	size_t i;

	if (queue->count == queue->cap) {
		cap = queue->cap > 0 ? queue->cap * 2 : 1024;
		more = cap <= QUEUE_MAX ? malloc(cap * sizeof(*more)) : NULL;
		if (more == NULL)
			return -ENOMEM;
		for (i = 0; i < queue->count; i++)
			more[i] =
			    queue->due_us[(queue->first + i) % queue->cap];
		free(queue->due_us);
		queue->due_us = more;
		queue->cap = cap;
		queue->first = 0;
	}
	queue->due_us[(queue->first + queue->count++) % queue->cap] = due_us;
	return 0;
}

int64_t
schedule_pop(struct schedule_queue *queue)
{
	int64_t due_us = queue->due_us[queue->first];

	queue->first = (queue->first + 1) % queue->cap;
	queue->count--;
	return due_us;
}

void
schedule_free(struct schedule_queue *queue)
{
	free(queue->due_us);
	memset(queue, 0, sizeof(*queue));
}
