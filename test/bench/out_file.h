/* SPDX-License-Identifier: MIT */
#ifndef BENCH_OUT_FILE_H
#define BENCH_OUT_FILE_H

/*
 * Files that are written at the end of a run, looked at before it.
 * Layer: test. Threads: any.
 *
 * Could `path` be written? 0, also for NULL; else negative, and one sentence
 * that names --`option` is on stderr. "-" is stdout for --json only. What is
 * there is left as it is.
 */
int out_file_check(const char *option, const char *path);

#endif
