/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ACCESS_LOG_H
#define WORKER_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/buf.h"
#include "server/base/sink.h"
#include "worker/access_format.h"
#include "worker/options.h"

/*
 * The access log: one line per answer, in the form of access_log_format or as
 * JSON; into a file, to stdout, to syslog.
 *
 * Lines are collected and written at the end of a loop turn, whole lines by
 * one write(2) to a file opened for appending, so workers share a file.
 *
 * THREADS  The loop only.
 */
struct access_log {
	bool on;
	bool to_syslog;
	bool common_time; /* else that of JSON */
	const char *path;
	struct sink sink;
	struct access_format *format;
	struct buf lines;
	uint32_t sample; /* one of so many is written */
	uint32_t seen;
	int64_t time_second; /* of `time` */
	char time[40];
};

/* Read the settings, open the file. 0, or negative with *why. */
int access_log_open(struct access_log *log,
    const struct worker_options *options, struct buf *why);
int access_log_reopen(struct access_log *log);
void access_log_close(struct access_log *log);

/* Would access_log_open() succeed? Makes nothing. */
int access_log_check(const struct worker_options *options, struct buf *why);

static inline bool
access_log_is_on(const struct access_log *log)
{
	return log->on;
}

void access_log_put(struct access_log *log, const struct access_entry *entry);

/* Write what was collected. */
void access_log_flush(struct access_log *log);

#endif
