/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TUNE_H
#define BENCH_TUNE_H

/*
 * pronghorn-bench tune: which workers and threads serve an app best here?
 * Layer: test. Threads: none of its own.
 *
 * argv as main's, from the word `tune` on. Returns the exit status: 0 good,
 * 1 wrong answers were seen, 2 usage, 3 no point of the grid could be run.
 */
int tune_main(int argc, char **argv);

#endif
