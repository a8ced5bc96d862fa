/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CPUS_H
#define SERVER_CPUS_H

/*
 * CPUs this process may use: those of its affinity mask, or fewer when its
 * control group (or one above it) has a CPU quota, rounded up. At least 1.
 * Any thread.
 */
int cpus_usable(void);

/*
 * The part about quotas: the smallest of the cpu.max files from `root` plus
 * `group` up to `root`, or `most` when none sets less. At least 1.
 */
int cpus_quota(const char *root, const char *group, int most);

#endif
