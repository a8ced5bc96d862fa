/* SPDX-License-Identifier: MIT */
#ifndef SERVER_STATSD_H
#define SERVER_STATSD_H

#include <stdint.h>

#include "server/base/board.h"
#include "server/base/buf.h"
#include "server/options.h"

/*
 * Metrics to a statsd, once a second, from the master's sums: counters as
 * what has been added, gauges as they are, histograms as count, sum in
 * milliseconds and the 50th, 95th and 99th percentile of that second.
 *
 *   requests.2xx:12|c              with labels in the names
 *   requests:12|c|#env:x,class:2xx with dogstatsd_tags
 *
 * OWNERSHIP  Owns its socket.
 * THREADS    Master only. Sending never waits; what the socket does not take
 *            is dropped and counted.
 */
struct master;

struct statsd {
	int fd; /* -1: off */
	int64_t next_us;
	const char *prefix; /* borrowed from the settings it was opened with */
	const char *tags;
	char *prefix_copy;
	char *tags_copy;
	struct board *last; /* what had been sent */
	uint64_t drops;     /* datagrams */
};

void statsd_init(struct statsd *statsd);

/* 0, or negative with a sentence in *why. */
int statsd_open(struct statsd *statsd, const struct server_options *options,
    struct buf *why);
void statsd_close(struct statsd *statsd);

/* Append the lines that tell the difference between two boards. */
void statsd_lines(const struct statsd *statsd, const struct board *last,
    const struct board *board, struct buf *out);

int64_t statsd_deadline(const struct statsd *statsd);
void statsd_look(struct master *master); /* each turn of the loop */

#endif
