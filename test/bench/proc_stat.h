/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PROC_STAT_H
#define BENCH_PROC_STAT_H

#include <stdint.h>
#include <sys/types.h>

/*
 * What a tree of processes has used, read from /proc.
 * Layer: test. Threads: any.
 */
struct proc_usage {
	uint64_t cpu_ns;  /* time on a CPU, all threads alive */
	uint64_t wakeups; /* times a thread slept and was woken */
	uint64_t pss_kb;  /* proportional memory, 0 when it may not be read */
	uint64_t private_kb;
	unsigned processes;
	unsigned threads;
};

/* Sum over `pid` and all that descend from it. 0 or -ESRCH. */
int proc_stat_tree(pid_t pid, struct proc_usage *usage);

#endif
