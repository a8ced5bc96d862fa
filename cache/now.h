/* SPDX-License-Identifier: MIT */
#ifndef CACHE_NOW_H
#define CACHE_NOW_H

#include <stdint.h>

/*
 * The clock of the cache: milliseconds that go by as time does, the same in
 * every process that has the database open, and never behind a time that is
 * stored in it. It looks like milliseconds since 1970 and began as that, but
 * setting the wall clock of the machine does not move it; see now.c. All times
 * of what is stored and of sessions are of this clock. Any thread, no locks,
 * no system call.
 */
int64_t cache_now_ms(void);

/*
 * It begins at the start of 2100 at most, whatever the wall says, and nothing
 * stored moves it beyond 2105: only differences count, no sum of two times may
 * overflow, and cookies have 32 bits for seconds.
 */
#define NOW_BEGINS_MS INT64_C(4102444800000)
#define NOW_LATEST_MS INT64_C(4260211200000)

/* For prepare.c. What is to be added to clock_boot_ms(): as it is in this
 * process, and as the database says. */
int64_t now_offset(void);
void now_adopt(int64_t offset_ms);

#endif
