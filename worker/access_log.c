/* SPDX-License-Identifier: MIT */

/*
 * The access log. See access_log.h.
 *
 * Of many requests one of `access_log_sample` is written; those that the
 * server failed (5xx) always are.
 *
 * FAILURE  Lines that cannot be written are dropped and counted (sink.h), with
 *          a warning once a second; serving goes on.
 */
#include "worker/access_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/base/clock.h"
#include "server/base/err.h"
#include "server/base/log.h"
#include "server/base/syslog_out.h"

#define COLLECT_BYTES ((size_t)32 * 1024)

static struct access_format *
make_format(const struct worker_options *options, struct buf *why)
{
	if (options->access_log_json)
		return access_format_new_json();
	return access_format_new(options->access_log_format, why);
}

/* Workers open it, so it may be that only `user` may not. */
static void
say_why(const char *path, int rc, struct buf *why)
{
	(void)buf_printf(why, "accesslog %s: %s", path, err_str(rc));
	if (rc == -EACCES)
		(void)buf_printf(why, " for user %u, as whom workers run",
		    (unsigned)geteuid());
}

int
access_log_check(const struct worker_options *options, struct buf *why)
{
	struct access_format *format = make_format(options, why);
	const char *path = options->accesslog;
	int rc = 0;

	if (format == NULL)
		return ERR_SYNTAX;
	access_format_free(&format);
	if (path[0] != '\0' && strcmp(path, "-") != 0)
		rc = sink_check(path);
	if (rc < 0)
		say_why(path, rc, why);
	return rc;
}

int
access_log_open(struct access_log *log, const struct worker_options *options,
    struct buf *why)
{
	const char *path = options->accesslog;
	int rc = 0;

	*log = (struct access_log){ .path = path,
		.sink.fd = -1,
		.sample = (uint32_t)options->access_log_sample,
		.common_time = !options->access_log_json };
	buf_init(&log->lines, COLLECT_BYTES * 2);
	log->to_syslog =
	    syslog_out_is_on() && !options->disable_redirect_access_to_syslog;
	log->on = path[0] != '\0' || log->to_syslog;
	log->format = make_format(options, why);
	if (log->format == NULL)
		return ERR_SYNTAX;
	if (strcmp(path, "-") == 0)
		rc = sink_open_standard(&log->sink, STDOUT_FILENO);
	else if (path[0] != '\0')
		rc = sink_open_file(&log->sink, path);
	if (rc < 0) {
		log->on = log->to_syslog;
		say_why(path, rc, why);
		(void)buf_putc(why, '\n');
	}
	return rc;
}

int
access_log_reopen(struct access_log *log)
{
	int rc;

	if (log->path[0] == '\0' || strcmp(log->path, "-") == 0)
		return 0;
	access_log_flush(log);
	rc = sink_reopen(&log->sink, log->path);
	if (rc == 0)
		log->on = true; /* it may not have been, since the start */
	return rc;
}

void
access_log_close(struct access_log *log)
{
	access_log_flush(log);
	sink_close(&log->sink);
	access_format_free(&log->format);
	buf_free(&log->lines);
	log->on = false;
}

/* Made anew once a second. */
static const char *
time_now(struct access_log *log)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t second = clock_wall_ms() / 1000;
	time_t seconds = (time_t)second;
	struct tm tm;

	if (second == log->time_second)
		return log->time;
	log->time_second = second;
	(void)gmtime_r(&seconds, &tm);
	if (log->common_time)
		(void)snprintf(log->time, sizeof(log->time),
		    "[%02u/%.3s/%04u:%02u:%02u:%02u +0000]",
		    (unsigned)tm.tm_mday % 100U, months + 3 * tm.tm_mon,
		    (unsigned)(tm.tm_year + 1900) % 10000U,
		    (unsigned)tm.tm_hour % 100U, (unsigned)tm.tm_min % 100U,
		    (unsigned)tm.tm_sec % 100U);
	else
		(void)strftime(log->time, sizeof(log->time),
		    "%Y-%m-%dT%H:%M:%SZ", &tm);
	return log->time;
}

void
access_log_put(struct access_log *log, const struct access_entry *entry)
{
	struct buf *out = &log->lines;
	size_t before;

	if (log->sample > 1 && entry->status < 500 &&
	    log->seen++ % log->sample != 0)
		return;
	if (out->len >= COLLECT_BYTES)
		access_log_flush(log);
	before = out->len;
	access_format_put(log->format, entry, time_now(log), out);
	(void)buf_putc(out, '\n');
	if (!buf_ok(out)) { /* no half lines */
		out->len = before;
		out->failed = false;
		sink_count_drop();
	}
}

static void
send_lines(const struct access_log *log)
{
	const char *at = log->lines.data;
	const char *end = at + log->lines.len;
	const char *stop;

	for (; at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			break;
		syslog_out(SYSLOG_INFO, at, (size_t)(stop - at));
	}
}

void
access_log_flush(struct access_log *log)
{
	static struct log_gate gate;
	unsigned suppressed;
	int rc;

	if (log->lines.len == 0)
		return;
	rc = sink_write(&log->sink, log->lines.data, log->lines.len);
	if (rc < 0 && log_gate_open(&gate, &suppressed))
		log_warn(rc, "access_log.write",
		    "path=%s dropped=%llu suppressed=%u", log->path,
		    (unsigned long long)log->sink.drops, suppressed);
	if (log->to_syslog)
		send_lines(log);
	buf_clear(&log->lines);
}
