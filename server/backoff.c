/* SPDX-License-Identifier: MIT */

/*
 * Exponential back-off with a ceiling, counted in rounds.
 */
#include "server/backoff.h"

void
backoff_init(struct backoff *backoff, int64_t base_us)
{
	*backoff = (struct backoff){ .base_us = base_us };
}

void
backoff_fail(struct backoff *backoff, int64_t now_us)
{
	int64_t wait_us = backoff->base_us;
	unsigned round;

	backoff->last_us = now_us;
	backoff->failures++;
	if (backoff->rounds > 0 && now_us < backoff->gate_us)
		return;
	backoff->rounds++;
	for (round = 1; round < backoff->rounds && wait_us < BACKOFF_MAX_US;
	     round++)
		wait_us *= 2;
	if (wait_us > BACKOFF_MAX_US)
		wait_us = BACKOFF_MAX_US;
	backoff->gate_us = now_us + wait_us;
}

bool
backoff_open(const struct backoff *backoff, int64_t now_us)
{
	return backoff->failures == 0 || now_us >= backoff->gate_us;
}

void
backoff_calm(struct backoff *backoff, int64_t now_us)
{
	if (now_us - backoff->last_us >= BACKOFF_CALM_US)
		backoff_reset(backoff);
}

void
backoff_reset(struct backoff *backoff)
{
	backoff->failures = 0;
	backoff->rounds = 0;
	backoff->gate_us = 0;
}
