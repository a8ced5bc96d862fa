/* SPDX-License-Identifier: MIT */

/*
 * The clock of the cache: the boot clock, which nobody can set, and an offset
 * that stands in `meta` and is decided once for each boot of the machine (see
 * prepare.c): what makes it the wall clock of that moment, or the newest time
 * that is stored if that is later. So a value is as old as the time that has
 * gone by, whatever is done to the wall clock, and a machine that was off has
 * its values grow older by what the wall clock says at the next start.
 *
 * A process that has not opened a database goes by the wall clock of when it
 * asked first; the master asks before it forks, so all its children agree.
 *
 * INVARIANT  In one process the offset changes only with the database that is
 *            opened: now_adopt().
 */
#include "cache/now.h"

#include <stdatomic.h>

#include "server/base/clock.h"

static _Atomic int64_t offset = INT64_MIN; /* not known yet */

int64_t
now_offset(void)
{
	int64_t known = atomic_load_explicit(&offset, memory_order_relaxed);
	int64_t fresh;

	if (known != INT64_MIN)
		return known;
	fresh = clock_wall_ms();
	fresh =
	    (fresh < NOW_BEGINS_MS ? fresh : NOW_BEGINS_MS) - clock_boot_ms();
	return atomic_compare_exchange_strong(&offset, &known, fresh) ? fresh
								      : known;
}

void
now_adopt(int64_t offset_ms)
{
	atomic_store_explicit(&offset, offset_ms, memory_order_relaxed);
}

int64_t
cache_now_ms(void)
{
	return clock_boot_ms() + now_offset();
}
