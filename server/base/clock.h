/* SPDX-License-Identifier: MIT */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

/*
 * The three clocks, each with one use:
 *   clock_wall_ms   milliseconds since 1970, as somebody has set it: logs and
 *                   dates. What is stored has a clock of its own: cache/now.h.
 *   clock_mono_us   since some start: durations, deadlines in one process.
 *   clock_boot_ms   since boot, suspend included, the same number in every
 *                   process of the machine: leases.
 * Any thread; no locks.
 */
int64_t clock_wall_ms(void);
int64_t clock_mono_us(void);
int64_t clock_boot_ms(void);

#define CLOCK_BOOT_ID_LEN 36

/*
 * The kernel's id of this boot, which tells whether two boot times may be
 * compared. Writes a NUL-terminated text. 0 or -errno.
 */
int clock_boot_id(char id[CLOCK_BOOT_ID_LEN + 1]);

#endif
