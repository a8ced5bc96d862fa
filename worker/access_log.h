/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ACCESS_LOG_H
#define WORKER_ACCESS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "server/base/buf.h"
#include "worker/http_parse.h"

/*
 * The access log: one line per answer, in the combined format with the time
 * taken in microseconds behind it:
 *
 *   127.0.0.1 - - [23/Nov/2026:02:30:01 +0000] "GET / HTTP/1.1" 200 2356
 *       "referer" "user agent" 154                             (one line)
 *
 * Lines are collected and written at the end of a loop turn, whole lines by
 * one write(2) to a file opened for appending, so workers share a file.
 * Bytes from clients are escaped: `"`, `\` and anything not printable ASCII.
 *
 * THREADS  The loop only.
 */
struct access_log {
	int fd; /* -1: off */
	const char *path;
	struct buf lines;
};

struct access_entry {
	const char *peer;
	struct http_span method;
	struct http_span target;
	int minor;
	int status;
	size_t bytes; /* of the body */
	struct http_span referer;
	struct http_span user_agent;
	int64_t duration_us;
};

/* Open ("": off, "-": stdout). 0 or -errno. */
int access_log_open(struct access_log *log, const char *path);
int access_log_reopen(struct access_log *log);
void access_log_close(struct access_log *log);

static inline bool
access_log_is_on(const struct access_log *log)
{
	return log->fd >= 0;
}

void access_log_put(struct access_log *log, const struct access_entry *entry);

/* Write what was collected. */
void access_log_flush(struct access_log *log);

#endif
