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

/* For prepare.c. What is to be added to clock_boot_ms(): as it is in this
 * process, and as the database says. */
int64_t now_offset(void);
void now_adopt(int64_t offset_ms);

#endif
