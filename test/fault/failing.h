/* SPDX-License-Identifier: MIT */
#ifndef TEST_FAULT_FAILING_H
#define TEST_FAULT_FAILING_H

#include <stdbool.h>

/*
 * Which call fails: the n-th since it was armed, once or from then on.
 *
 * THREADS  One.
 */
static long failing_countdown; /* 0: disarmed, -1: it came */
static bool failing_for_ever;
static bool failing_spared;

/* Let no call fail, for a while. */
static inline void
failing_spare(bool spared)
{
	failing_spared = spared;
}

static inline void
failing_arm(long n, bool for_ever)
{
	failing_countdown = n;
	failing_for_ever = for_ever;
}

static inline bool
failing_fired(void)
{
	return failing_countdown < 0;
}

/* Is this the call that fails? */
static inline bool
failing_now(void)
{
	if (failing_countdown == 0 || failing_spared)
		return false;
	if (failing_countdown < 0)
		return failing_for_ever;
	if (--failing_countdown > 0)
		return false;
	failing_countdown = -1;
	return true;
}

#endif
