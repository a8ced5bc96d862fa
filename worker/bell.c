/* SPDX-License-Identifier: MIT */

/*
 * The bell: a condition with a counter. See bell.h.
 */
#include "worker/bell.h"

#include <errno.h>
#include <time.h>

void
bell_init(struct bell *bell)
{
	pthread_condattr_t attr;

	(void)pthread_mutex_init(&bell->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&bell->rung, &attr);
	(void)pthread_condattr_destroy(&attr);
	bell->rings = 1; /* above what a sleeper begins with */
	bell->sleepers = 0;
}

void
bell_fini(struct bell *bell)
{
	(void)pthread_cond_destroy(&bell->rung);
	(void)pthread_mutex_destroy(&bell->lock);
}

void
bell_ring(struct bell *bell)
{
	bool wake;

	(void)pthread_mutex_lock(&bell->lock);
	bell->rings++;
	wake = bell->sleepers > 0;
	(void)pthread_mutex_unlock(&bell->lock);
	if (wake)
		(void)pthread_cond_broadcast(&bell->rung);
}

bool
bell_wait(struct bell *bell, unsigned *seen, int64_t until_us)
{
	struct timespec until = { .tv_sec = (time_t)(until_us / 1000000),
		.tv_nsec = (long)(until_us % 1000000) * 1000 };
	bool rang;
	int rc = 0;

	(void)pthread_mutex_lock(&bell->lock);
	bell->sleepers++;
	while (bell->rings == *seen && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&bell->rung, &bell->lock, &until);
	bell->sleepers--;
	rang = bell->rings != *seen;
	*seen = bell->rings;
	(void)pthread_mutex_unlock(&bell->lock);
	return rang;
}
