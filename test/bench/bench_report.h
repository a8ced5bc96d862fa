/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BENCH_REPORT_H
#define BENCH_BENCH_REPORT_H

/*
 * What a run has shown: as a table, as JSON (see README.md), as a plot.
 * Layer: test. Threads: any, after the run.
 */
struct load;

void bench_report_print(const struct load *load);

/* path "-": stdout. 0 or -errno. */
int bench_report_json(const struct load *load, const char *path);
int bench_report_svg(const struct load *load, const char *path);

#endif
