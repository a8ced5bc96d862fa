/* SPDX-License-Identifier: MIT */
#ifndef CACHE_PACE_H
#define CACHE_PACE_H

#include <stdint.h>

/*
 * How often a use has to be noted for those used longest ago to go first: an
 * eighth of the time in which all values of the cache change, which the keeper
 * watches and tells the others in a row of `meta`. Where values stay for long a
 * use is noted about once a minute, where they go within seconds several
 * times a second.
 *
 * THREADS  Keeper only.
 */
#define PACE_LEAST 6 /* 64 ms, as a power of two */
#define PACE_MOST 16 /* 65,536 ms */

struct pace {
	int64_t from_us;     /* clock_mono_us: what follows counts from then */
	int64_t asked_us;    /* the last pace_find() */
	int64_t came;        /* values that there had not been */
	int64_t unused_ms;   /* the least that one had been unused that went */
	int64_t turnover_ms; /* in which all change, as far as is known */
	unsigned step;       /* uses are noted each 2^step ms */
};

void pace_init(struct pace *pace);

/* So many values have come. */
void pace_came(struct pace *pace, int64_t values);

/* One had to go that had not been used for so long. */
void pace_went(struct pace *pace, int64_t unused_ms);

/*
 * What follows from that when there is room for so many values: the step of
 * now. It falls at once, and rises by one at a time when things become quiet.
 */
unsigned pace_find(struct pace *pace, int64_t room, int64_t now_us);

#endif
